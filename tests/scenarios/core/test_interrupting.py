"""The caller over the agent, and what only sounds like it."""

from callfunnel.domain.rulebook import BargeIn
from callfunnel.events.call import AgentInterrupted, AgentPaused, AgentResumed, AgentSpoke
from tests.simulators.scripted_call import ScriptedCall, rulebook
from workers.media.core import inputs, outputs

LONG = "Your bill went up because the discount of the first year ended on the first of the month."


def explaining(call: ScriptedCall, *, done: bool = True) -> ScriptedCall:
    """The agent explains the bill, and two seconds of it were heard."""
    call.greets()
    call.caller_says("Why is my bill so high?", "i1")
    call.model_replies(LONG, done=done)
    call.passes(2)
    call.forget()
    return call


def test_speaking_over_the_agent_stops_it_with_four_outputs(call: ScriptedCall) -> None:
    explaining(call, done=False)
    call.tell(inputs.ModelSpeechStarted("i2"))
    wanted = [type(output) for output in call.outputs if not isinstance(output, outputs.Report)]
    assert wanted == [
        outputs.NewGeneration,
        outputs.ClearLine,
        outputs.CancelReply,
        outputs.Truncate,
    ]


def test_a_reply_that_is_complete_is_not_cancelled_when_it_is_stopped(call: ScriptedCall) -> None:
    explaining(call)
    call.tell(inputs.ModelSpeechStarted("i2"))
    assert call.all(outputs.CancelReply) == []
    assert len(call.all(outputs.Truncate)) == 1


def test_the_transcript_holds_only_the_words_that_were_heard(call: ScriptedCall) -> None:
    explaining(call)
    call.tell(inputs.ModelSpeechStarted("i2"))
    (spoke,) = call.facts(AgentSpoke)
    assert spoke.text == "Your bill went up because the"
    assert spoke.interrupted
    assert 1700 <= spoke.heard_ms <= 2000 < spoke.generated_ms
    assert call.all(outputs.Truncate)[0].heard_ms == spoke.heard_ms
    assert call.facts(AgentInterrupted)[0].turn == 1


def test_audio_of_a_stopped_reply_is_taken_no_more(call: ScriptedCall) -> None:
    explaining(call, done=False)
    assert call.core.playback.accepts("r1")
    call.tell(inputs.ModelSpeechStarted("i2"))
    assert not call.core.playback.accepts("r1")
    call.passes(3)
    assert len(call.facts(AgentSpoke)) == 1


def test_marks_echoed_by_the_clear_do_not_count_as_heard(call: ScriptedCall) -> None:
    explaining(call)
    call.tell(inputs.ModelSpeechStarted("i2"))
    call.passes(0.1)
    assert call.core.playback.heard_total(call.now) == 0


def test_a_cough_pauses_the_agent_and_it_goes_on_where_it_was(call: ScriptedCall) -> None:
    explaining(call)
    call.caller_makes_noise(0.2)
    call.passes(1)
    assert [output.on for output in call.all(outputs.Feed)] == [False, True]
    assert call.all(outputs.ClearLine) == []
    assert len(call.facts(AgentPaused)) == 1
    assert 200 <= call.facts(AgentResumed)[0].paused_ms <= 600
    call.passes(6)
    assert call.transcript() == [f"agent: {LONG}"]


def test_a_sound_shorter_than_the_onset_changes_nothing(call: ScriptedCall) -> None:
    explaining(call)
    call.caller_makes_noise(0.06)
    call.passes(1)
    assert call.all(outputs.Feed) == []


def test_a_sound_no_louder_than_the_echo_changes_nothing(call: ScriptedCall) -> None:
    explaining(call)
    call.caller_begins(level_db=3.0)
    call.passes(2)
    assert call.all(outputs.Feed) == []


def test_the_first_moments_of_the_agent_need_a_longer_sound(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Why?", "i1")
    call.model_replies(LONG)
    call.passes(0.2)
    call.caller_makes_noise(0.12)
    call.passes(1)
    assert call.facts(AgentPaused) == []


def test_a_long_voice_stops_the_agent_though_the_model_says_nothing(call: ScriptedCall) -> None:
    explaining(call)
    call.caller_begins()
    call.passes(1)
    assert len(call.facts(AgentInterrupted)) == 1


def test_after_a_long_noise_the_model_is_asked_to_go_on(call: ScriptedCall) -> None:
    explaining(call)
    call.caller_makes_noise(1.0)
    call.passes(0.9)
    assert call.all(outputs.CreateReply) == []
    call.passes(0.2)
    assert len(call.all(outputs.CreateReply)) == 1
    call.model_replies("As I said.")
    call.passes(3)
    assert call.transcript()[-1] == "agent: As I said."


def test_a_model_that_misses_the_end_of_a_turn_is_asked_to_go_on(call: ScriptedCall) -> None:
    call.greets()
    call.caller_begins()
    call.tell(inputs.ModelSpeechStarted("i1"))
    call.passes(1)
    call.caller_pauses()
    call.passes(7.9)
    assert call.all(outputs.CreateReply) == []
    call.passes(0.2)
    assert len(call.all(outputs.CreateReply)) == 1


def test_go_on_words_resume_the_agent_at_once(call: ScriptedCall) -> None:
    explaining(call)
    call.caller_begins()
    call.passes(0.2)
    call.tell(inputs.CallerTranscript("i2", "Uh-huh, okay."))
    assert len(call.facts(AgentResumed)) == 1
    assert call.facts(AgentInterrupted) == []


def test_any_other_word_stops_the_agent_at_once(call: ScriptedCall) -> None:
    explaining(call)
    call.caller_begins()
    call.passes(0.2)
    call.tell(inputs.CallerTranscript("i2", "Wait."))
    assert len(call.facts(AgentInterrupted)) == 1


def test_the_late_text_of_the_turn_before_is_no_interruption(call: ScriptedCall) -> None:
    call.greets()
    call.caller_begins()
    call.tell(inputs.ModelSpeechStarted("i1"))
    call.passes(1)
    call.caller_pauses()
    call.tell(inputs.ModelSpeechEnded("i1"))
    call.model_replies(LONG)
    call.passes(1)
    call.caller_begins()
    call.passes(0.2)
    call.tell(inputs.CallerTranscript("i1", "Why is my bill so high?"))
    assert call.facts(AgentInterrupted) == []


def test_after_too_many_false_alarms_the_agent_goes_on_until_it_is_stopped() -> None:
    call = ScriptedCall(rulebook(barge_in=BargeIn(max_suspicions=2)))
    explaining(call)
    for _ in range(4):
        call.caller_makes_noise(0.2)
        call.passes(0.6)
    assert len(call.facts(AgentPaused)) == 2
    call.caller_begins()
    call.passes(1)
    assert len(call.facts(AgentInterrupted)) == 1


def test_a_passage_that_may_not_be_interrupted_is_heard_to_its_end() -> None:
    call = ScriptedCall(rulebook(greeting="This call is recorded.", uninterruptible=("recorded.",)))
    call.connects()
    call.passes(0.3)
    assert call.facts(AgentSpoke) == []
    call.passes(0.9)
    call.tell(inputs.ModelSpeechStarted("i1"))
    assert call.facts(AgentInterrupted) == []
    call.passes(2)
    assert call.transcript() == ["agent: This call is recorded."]


def test_what_was_said_during_such_a_passage_is_answered_after_it() -> None:
    notice = "This call is recorded for quality."
    call = ScriptedCall(rulebook(greeting=notice, uninterruptible=(notice,)))
    call.connects()
    call.passes(0.5)
    call.caller_says("Hi", "i1")
    call.model_replies("How can I help?")
    call.passes(6)
    assert call.transcript() == ["caller: Hi", f"agent: {notice}", "agent: How can I help?"]


def test_speaking_after_the_last_word_is_an_ordinary_turn(call: ScriptedCall) -> None:
    explaining(call)
    call.passes(5)
    call.forget()
    call.caller_says("I want to cancel", "i2")
    assert call.all(outputs.ClearLine) == []
    assert call.facts(AgentInterrupted) == []


def test_a_caller_who_goes_on_cancels_the_reply_that_was_begun(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("I want", "i1")
    call.tell(inputs.ReplyStarted("r1"))
    call.tell(inputs.ModelSpeechStarted("i2"))
    assert call.all(outputs.CancelReply) == [outputs.CancelReply("r1")]
    assert call.facts(AgentInterrupted) == []


def test_a_reply_that_begins_while_the_caller_speaks_is_cancelled(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("I want", "i1")
    call.tell(inputs.ModelSpeechStarted("i2"))
    call.tell(inputs.ReplyStarted("r1"))
    assert call.all(outputs.CancelReply) == [outputs.CancelReply("r1")]
    assert not call.core.playback.accepts("r1")


def test_a_line_without_marks_is_heard_by_its_pace() -> None:
    call = ScriptedCall(marks=False)
    explaining(call)
    call.tell(inputs.ModelSpeechStarted("i2"))
    assert call.facts(AgentSpoke)[0].text == "Your bill went up because the"
    call.passes(0.3)
    call.caller_pauses()
    call.tell(inputs.ModelSpeechEnded("i2"))
    call.model_replies("Sure.")
    call.passes(2)
    assert call.transcript()[-1] == "agent: Sure."
