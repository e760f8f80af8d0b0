"""How a call begins."""

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.events.call import AgentSpoke, ModelConnected
from tests.simulators.scripted_call import ScriptedCall
from workers.media.core import inputs, outputs


def test_the_greeting_comes_first_then_the_model_hears_the_caller(call: ScriptedCall) -> None:
    call.connects()
    assert call.said() == ["Hello."]
    assert call.all(outputs.Forward) == []
    call.passes(2)
    assert call.all(outputs.Forward) == [outputs.Forward(True)]
    assert call.transcript() == ["agent: Hello."]
    assert call.facts(AgentSpoke)[0].turn == 0


def test_nothing_is_said_before_the_model_is_ready(call: ScriptedCall) -> None:
    call.tell(inputs.Started())
    call.passes(1)
    assert call.outputs == []
    call.tell(inputs.ModelReady("openai", "gpt-realtime"))
    assert call.facts(ModelConnected)[0].setup_ms == 1000
    assert call.said() == ["Hello."]


def test_a_model_that_is_ready_first_waits_for_the_line(call: ScriptedCall) -> None:
    call.tell(inputs.ModelReady("openai", "gpt-realtime"))
    call.passes(1)
    assert call.said() == []
    call.tell(inputs.Started())
    assert call.said() == ["Hello."]


def test_the_model_hears_the_caller_also_where_no_greeting_can_be_spoken(
    call: ScriptedCall,
) -> None:
    call.voice_works = False
    call.connects()
    call.passes(2)
    assert call.all(outputs.Forward) == [outputs.Forward(True)]


def test_a_caller_who_says_hello_first_is_greeted_all_the_same(call: ScriptedCall) -> None:
    call.connects()
    call.caller_makes_noise(0.04)
    call.passes(2)
    assert call.transcript() == ["agent: Hello."]


def test_a_model_that_does_not_open_in_time_ends_in_an_apology(call: ScriptedCall) -> None:
    call.tell(inputs.Started())
    call.passes(20)
    assert call.said() == [call.book.apology]
    assert call.transcript()[-1].startswith("agent: I am sorry")
    assert call.end().cause is Cause.MODEL_FAILED
    assert call.end().note == "connect timed out"


def test_a_model_that_refuses_before_the_line_is_open_still_apologises(call: ScriptedCall) -> None:
    call.tell(inputs.ModelFailed("refused"))
    call.passes(0.2)
    assert call.said() == []
    call.tell(inputs.Started())
    call.passes(10)
    assert call.said() == [call.book.apology]
    assert call.end().by is EndedBy.PLATFORM


def test_a_line_that_never_opens_is_a_call_that_was_not_answered(call: ScriptedCall) -> None:
    call.tell(inputs.ModelReady("openai", "gpt-realtime"))
    call.tell(inputs.LineClosed(clean=False))
    assert call.end() == outputs.End(Cause.MEDIA_LOST, EndedBy.PLATFORM, 0, answered=False)
    assert call.outputs[-1] == outputs.CloseLine()


def test_a_caller_who_speaks_first_is_not_talked_over(call: ScriptedCall) -> None:
    call.tell(inputs.Started())
    call.caller_begins()
    call.tell(inputs.ModelReady("openai", "gpt-realtime"))
    call.tell(inputs.ModelSpeechStarted())
    call.passes(3)
    assert call.transcript() == []


def test_a_timer_that_fires_a_hair_early_is_in_time(call: ScriptedCall) -> None:
    call.tell(inputs.Started())
    due = call.core.deadline()
    assert due is not None
    assert call.core.wake(due - 0.01) == []
    assert call.core.wake(due - 0.0005) != []
