"""The one way out."""

from typing import Any

import pytest

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.domain.rulebook import Limits
from callfunnel.events.call import AgentSpoke, ModelLost, TransferStarted
from tests.simulators.scripted_call import ScriptedCall, rulebook
from workers.media.core import inputs, outputs


def test_the_caller_hangs_up(call: ScriptedCall) -> None:
    call.greets()
    call.tell(inputs.LineClosed(clean=True))
    assert call.end() == outputs.End(Cause.CALLER_HANGUP, EndedBy.CALLER, 2000, answered=True)
    assert [type(output) for output in call.outputs[-3:]] == [
        outputs.CloseModel,
        outputs.End,
        outputs.CloseLine,
    ]


def test_hanging_up_on_the_agent_leaves_what_was_heard(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.model_replies("Good morning, how can I help you today?")
    call.passes(1)
    call.tell(inputs.LineClosed(clean=True))
    assert call.facts(AgentSpoke)[-1].text == "Good morning,"
    assert call.facts(AgentSpoke)[-1].interrupted


def test_a_broken_line_is_lost_media(call: ScriptedCall) -> None:
    call.greets()
    call.tell(inputs.LineClosed(clean=False))
    assert call.end().cause is Cause.MEDIA_LOST


def test_a_carrier_that_cannot_be_understood_is_lost_media_with_a_reason(
    call: ScriptedCall,
) -> None:
    call.greets()
    call.tell(inputs.BadFrame("carrier", "oversized frame"))
    assert (call.end().cause, call.end().note) == (Cause.MEDIA_LOST, "oversized frame")


def test_the_agent_hangs_up_once_its_goodbye_was_heard(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Bye", "i1")
    call.model_replies("Thank you for calling, goodbye.")
    call.tell(inputs.HangUpAsked("agent"))
    assert not call.core.closed
    call.passes(3)
    assert call.transcript()[-1] == "agent: Thank you for calling, goodbye."
    assert call.end().cause is Cause.AGENT_HANGUP


def test_a_tool_can_end_the_call(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Bye", "i1")
    call.model_calls("find_customer")
    call.tool_gives(end=True)
    call.passes(1)
    assert (call.end().cause, call.end().by) == (Cause.AGENT_HANGUP, EndedBy.AGENT)


def test_nobody_is_heard_any_more_once_the_end_is_decided(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Bye", "i1")
    call.model_replies("Thank you for calling, goodbye.")
    call.tell(inputs.HangUpAsked("agent"))
    assert call.all(outputs.Forward)[-1] == outputs.Forward(False)
    call.tell(inputs.ModelSpeechStarted("i2"))
    call.passes(3)
    assert call.transcript()[-1] == "agent: Thank you for calling, goodbye."


def test_an_operator_ends_it_at_once(call: ScriptedCall) -> None:
    call.greets()
    call.model_replies("Good morning, how can I help you today?")
    call.tell(inputs.HangUpAsked("mia"))
    assert (call.end().cause, call.end().by) == (Cause.OPERATOR_HANGUP, EndedBy.OPERATOR)
    assert outputs.ClearLine() in call.outputs


def test_a_transfer_lets_the_agent_finish_then_dials(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("A person please", "i1")
    call.tell(inputs.ReplyStarted("r1"))
    call.model_goes_on("r1", "I am putting you through.")
    call.tell(inputs.ToolRequested("a", "transfer_to_person", {}))
    call.tell(inputs.ReplyDone("r1", "completed"))
    call.tool_gives(transfer="+15550100900")
    assert call.all(outputs.Dial) == []
    call.passes(4)
    assert call.transcript()[-1] == "agent: I am putting you through."
    assert call.facts(TransferStarted)[0].to == "+15550100900"
    kinds = [type(output) for output in call.outputs]
    assert kinds[-4:] == [outputs.Dial, outputs.CloseModel, outputs.End, outputs.CloseLine]
    assert call.end().cause is Cause.TRANSFERRED


@pytest.mark.parametrize("number", ["", "911", "+0123", "+1 555", 5, None])
def test_a_transfer_to_what_is_no_number_is_none(call: ScriptedCall, number: Any) -> None:
    call.greets()
    call.caller_says("A person please", "i1")
    call.model_calls("transfer_to_person")
    call.tool_gives(transfer=number)
    call.passes(1)
    assert not call.core.closed
    assert len(call.all(outputs.CreateReply)) == 1


def test_only_a_transfer_tool_transfers(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("A person please", "i1")
    call.model_calls("find_customer")
    call.tool_gives(transfer="+15550100900")
    call.passes(1)
    assert not call.core.closed


def test_a_caller_who_hangs_up_before_the_transfer_was_not_transferred(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("A person please", "i1")
    call.model_replies("I am putting you through, one moment please.")
    call.model_calls("transfer_to_person")
    call.tool_gives(transfer="+15550100900")
    call.tell(inputs.LineClosed(clean=True))
    assert call.end().cause is Cause.CALLER_HANGUP
    assert call.all(outputs.Dial) == []


def test_a_silent_line_is_prompted_then_ended(call: ScriptedCall) -> None:
    call.greets()
    call.passes(11)
    assert call.said()[-1] == "Are you still there?"
    call.passes(20)
    assert call.said()[-1].startswith("I cannot hear you")
    assert call.transcript()[-1].endswith("Goodbye.")
    assert call.end().cause is Cause.SILENCE


def test_a_caller_who_answers_the_prompt_is_prompted_anew_later(call: ScriptedCall) -> None:
    call.greets()
    call.passes(12)
    call.caller_says("Yes I am", "i1")
    call.model_replies("Good.")
    call.passes(12)
    assert call.said().count("Are you still there?") == 2
    assert not call.core.closed


def test_a_key_is_a_sign_of_life(call: ScriptedCall) -> None:
    call.greets()
    call.passes(8)
    call.tell(inputs.KeyPressed("5"))
    call.passes(8)
    assert "Are you still there?" not in call.said()


def test_a_call_has_a_longest_duration() -> None:
    call = ScriptedCall(rulebook(limits=Limits(max_duration_ms=5000)))
    call.greets()
    call.caller_says("Tell me all", "i1")
    call.model_replies("It was a dark and stormy night. " * 10)
    call.passes(10)
    assert call.said()[-1] == "Thank you for calling. Goodbye."
    assert call.transcript()[-1] == "agent: Thank you for calling. Goodbye."
    assert call.end().cause is Cause.MAX_DURATION


def test_a_reply_asked_for_before_the_end_does_not_meet_the_farewell() -> None:
    call = ScriptedCall(rulebook(limits=Limits(max_duration_ms=4000)))
    call.greets()
    call.model_calls("find_customer")
    call.tool_gives()
    call.passes(2.5)
    assert call.said() == ["Hello."]
    call.tell(inputs.ReplyStarted("r9"))
    assert call.all(outputs.CancelReply) == [outputs.CancelReply("r9")]
    call.tell(inputs.ReplyDone("r9", "cancelled"))
    assert call.said() == ["Hello.", "Thank you for calling. Goodbye."]


def test_a_model_that_stalls_ends_in_an_apology(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.passes(20)
    assert call.facts(ModelLost)[0].reason == "stalled"
    assert call.transcript()[-1].startswith("agent: I am sorry")
    assert call.end().cause is Cause.MODEL_FAILED


def test_a_greeting_that_never_sounds_is_a_stalled_model(call: ScriptedCall) -> None:
    call.voice_works = None
    call.connects()
    call.passes(9)
    assert call.facts(ModelLost)[0].reason == "stalled"
    call.passes(9)
    assert call.end().cause is Cause.MODEL_FAILED


def test_a_model_that_breaks_mid_sentence_is_cut_off_by_the_apology(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.model_replies("Good morning, how can I help you today?", done=False)
    call.passes(0.5)
    call.tell(inputs.ModelFailed("connection lost"))
    call.passes(10)
    assert call.transcript()[-2] == "agent: Good"
    assert call.transcript()[-1].startswith("agent: I am sorry")
    assert len(call.all(outputs.CloseModel)) == 1


def test_one_failed_reply_is_asked_for_again_two_are_a_lost_model(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.tell(inputs.ReplyStarted("r1"))
    call.tell(inputs.ReplyDone("r1", "failed"))
    assert len(call.all(outputs.CreateReply)) == 1
    call.tell(inputs.ReplyStarted("r2"))
    call.tell(inputs.ReplyDone("r2", "failed"))
    call.passes(10)
    assert call.end().note == "replies failed"


def test_an_end_without_any_voice_left_still_ends(call: ScriptedCall) -> None:
    call.greets()
    call.voice_works = False
    call.tell(inputs.ModelFailed("connection lost"))
    call.passes(1)
    assert call.end().cause is Cause.MODEL_FAILED


def test_a_worker_that_cannot_wait_apologises(call: ScriptedCall) -> None:
    call.greets()
    call.tell(inputs.Drain())
    call.passes(10)
    assert call.transcript()[-1].startswith("agent: I am sorry")
    assert call.end().cause is Cause.DRAINED


def test_the_first_cause_wins_and_the_later_is_a_note(call: ScriptedCall) -> None:
    call.greets()
    call.tell(inputs.Drain())
    call.passes(0.5)
    call.tell(inputs.LineClosed(clean=True))
    assert call.end().cause is Cause.DRAINED
    assert call.end().note == "then caller_hangup"


def test_after_the_end_nothing_follows_from_anything(call: ScriptedCall) -> None:
    call.greets()
    call.tell(inputs.LineClosed(clean=True))
    call.forget()
    call.tell(inputs.LineClosed(clean=True))
    call.tell(inputs.ModelFailed("closed"))
    call.model_replies("Hello?")
    call.passes(60)
    assert call.outputs == []
