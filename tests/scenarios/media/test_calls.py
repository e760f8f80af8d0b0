"""Whole calls in virtual time, between a faithful carrier and a scripted model."""

from collections import deque

from callfunnel.carrier.caller import Press, Speak, Wait
from callfunnel.domain.call import Cause, EndedBy
from callfunnel.events.call import (
    AgentInterrupted,
    AgentSpoke,
    CallConnected,
    CallerSpoke,
    KeyPressed,
    ModelConnected,
)
from tests.simulators.openai_realtime import Script, ToolCall, Turn
from tests.simulators.room import FakeErrands, rulebook
from tests.simulators.sounds import tone
from tests.simulators.studio import Scene, play
from tests.simulators.twilio_peer import Hostility

LONG = "Your bill went up in May because the discount of the first year has ended by now."


def test_a_caller_talks_with_the_model_and_hangs_up() -> None:
    answer = Turn(text="Your bill went up in May.", heard="Why did my bill rise?")
    take = play(Scene(Script(deque([answer])), turns=[Speak(tone(900, 400))]))
    told = take.told
    assert [type(each).__name__ for each in told.facts()[:3]] == [
        "CallOffered",
        "CallAdmitted",
        "CallPinned",
    ]
    assert len(told.facts(CallConnected)) == len(told.facts(ModelConnected)) == 1
    assert [each.text for each in told.facts(CallerSpoke)] == ["Why did my bill rise?"]
    assert [each.text for each in told.facts(AgentSpoke)] == [
        "Hello and welcome.",
        "Your bill went up in May.",
    ]
    assert (told.end.cause, told.end.by) == (Cause.CALLER_HANGUP, EndedBy.CALLER)
    assert take.outcome.refused == []


def test_facts_are_numbered_without_a_gap_and_the_end_counts_them() -> None:
    take = play(Scene(turns=[Speak(tone(600, 400))]))
    numbers = [each.envelope.seq for each in take.told.events if each.envelope.seq is not None]
    assert numbers == list(range(1, len(numbers) + 1))
    assert take.told.end.last_seq == len(numbers) - 1
    ids = [each.envelope.id for each in take.told.events]
    assert len(set(ids)) == len(ids)


def test_the_recording_is_as_long_as_the_call_and_has_both_sides() -> None:
    take = play(Scene(turns=[Speak(tone(900, 400))]))
    caller, agent = take.told.recording()
    assert len(caller) == len(agent)
    assert abs(len(caller) / 8 - take.told.end.duration_ms) <= 20
    assert any(each != 0xFF for each in caller)
    assert agent.count(0xFF) < len(agent)


def test_the_recording_has_the_agent_where_the_caller_heard_it() -> None:
    take = play(Scene(turns=[Wait(1000)]))
    _, agent = take.told.recording()
    recorded = next(at for at, each in enumerate(agent) if each != 0xFF) // 8
    assert abs(recorded - take.outcome.spoke_at[0]) <= 40


def test_talking_over_the_agent_stops_it_with_all_four_steps() -> None:
    script = Script(deque([Turn(text=LONG), Turn(text="Sorry, go on.")]))
    turns = [Speak(tone(600, 400)), Speak(tone(1500, 400), over=True)]
    take = play(Scene(script, turns=turns))
    assert take.told.facts(AgentInterrupted)
    assert take.outcome.clears
    assert "response.cancel" in take.model.sent_types() or take.model.truncated
    ((item, end_ms),) = take.model.truncated
    cut = [each for each in take.told.facts(AgentSpoke) if each.interrupted]
    assert 0 < end_ms <= cut[0].heard_ms + 20 < take.model.generated[item] + 20
    assert LONG.startswith(cut[0].text)
    assert len(cut[0].text) < len(LONG)


def test_late_audio_of_a_cancelled_reply_is_not_heard() -> None:
    script = Script(deque([Turn(text=LONG), Turn(text="")]))
    script.manners.late_audio = 5
    script.manners.speed = 1.0
    turns = [Speak(tone(600, 400)), Speak(tone(1500, 400), over=True)]
    take = play(Scene(script, turns=turns))
    last_clear = take.outcome.clears[-1]
    after = [at for at in take.outcome.spoke_at if at > last_clear]
    assert after == []


def test_parallel_tools_are_answered_and_followed_by_one_reply() -> None:
    calls = [ToolCall("find_customer", {"name": "Ann"}), ToolCall("find_bill", {"month": 5})]
    script = Script(deque([Turn(tools=calls), Turn(text="I found both.")]))
    tools = [
        {"name": name, "kind": "x", "description": "", "parameters": {}}
        for name in ("find_customer", "find_bill")
    ]
    errands = FakeErrands({"find_customer": {"id": 1}, "find_bill": {"sum": 2}})
    scene = Scene(script, rulebook(tools=tools), [Speak(tone(600, 400))], errands=errands)
    take = play(scene)
    sent = take.model.sent_types()
    outputs = [at for at, kind in enumerate(sent) if kind == "conversation.item.create"]
    creates = [at for at, kind in enumerate(sent) if kind == "response.create"]
    assert len(outputs) == 2
    assert len([at for at in creates if at > outputs[0]]) == 1
    assert creates[-1] > outputs[-1]
    assert take.told.usage()["tool.calls"] == 2


def test_a_tool_call_that_is_no_json_is_answered_and_never_run() -> None:
    script = Script(deque([Turn(tools=[ToolCall("find_customer", "{nonsense")]), Turn(text="Oh.")]))
    tools = [{"name": "find_customer", "kind": "x", "description": "", "parameters": {}}]
    take = play(Scene(script, rulebook(tools=tools), [Speak(tone(600, 400))]))
    assert take.errands.ran == []
    assert "conversation.item.create" in take.model.sent_types()


def test_a_key_is_told() -> None:
    take = play(Scene(turns=[Press("5")]))
    assert [each.digit for each in take.told.facts(KeyPressed)] == ["5"]


def test_usage_is_measured_and_cached_tokens_are_counted_once() -> None:
    take = play(Scene(turns=[Speak(tone(600, 400))]))
    usage = take.told.usage()
    replies = usage["tokens.audio.out"] // 40
    assert replies >= 2
    assert usage["tokens.text.in"] == 40 * replies
    assert usage["tokens.text.in_cached"] == 20 * replies
    assert usage["tokens.audio.in"] == 30 * replies
    assert usage["transcription.ms"] == 1500
    assert usage["call.ms"] == take.told.end.duration_ms
    assert abs(usage["audio.in.ms"] - usage["call.ms"]) <= 40
    records = [each for each in take.told.subjects if ".usage." in each]
    assert take.told.end.usage_records == len(records)


def test_a_reply_cut_off_by_the_hang_up_is_metered() -> None:
    script = Script(deque([Turn(text=LONG)]))
    script.manners.speed = 1.0
    take = play(Scene(script, turns=[Speak(tone(600, 400))], hostility=Hostility(stop_at=200)))
    cut = take.told.facts(AgentSpoke)[-1]
    assert cut.interrupted
    assert take.told.usage()["tokens.audio.out"] == 80
    assert take.told.end.cause is Cause.CALLER_HANGUP


def test_the_caller_who_says_nothing_is_asked_and_then_left() -> None:
    book = rulebook(silence={"after_ms": 3000, "prompts": ["Are you there?"], "farewell": "Bye."})
    manners = Scene().manners.__class__(hangup_after=60_000)
    take = play(Scene(book=book, manners=manners))
    said = [each.text for each in take.told.facts(AgentSpoke)]
    assert said == ["Hello and welcome.", "Are you there?", "Bye."]
    assert take.told.end.cause is Cause.SILENCE
    assert take.outcome.close_code == 1000


def test_every_mark_but_the_last_ones_is_confirmed_by_the_ledgers_name() -> None:
    take = play(Scene(turns=[Wait(1000)]))
    assert take.outcome.marks
    assert all(name.startswith("g0-") for name in take.outcome.marks)
