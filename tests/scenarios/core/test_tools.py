"""The model's tools in the middle of a call."""

from callfunnel.events.call import ToolCalled, ToolReturned
from tests.simulators.scripted_call import ScriptedCall, rulebook
from workers.media.core import inputs, outputs


def asking(call: ScriptedCall) -> ScriptedCall:
    """The caller asked something, and the model looks it up."""
    call.greets()
    call.caller_says("Why is my bill so high?", "i1")
    call.model_calls("find_customer")
    return call


def test_a_tool_is_run_and_its_answer_makes_the_model_speak(call: ScriptedCall) -> None:
    asking(call)
    assert call.all(outputs.RunTool) == [outputs.RunTool("tc_1", "find_customer", {}, 5000)]
    call.passes(0.3)
    call.tool_gives(plan="Fiber 500")
    assert call.outputs[-2:] == [
        outputs.AnswerTool("call-1", {"status": "done", "result": {"plan": "Fiber 500"}}),
        outputs.CreateReply(),
    ]
    assert call.facts(ToolReturned)[0].duration_ms == 300


def test_parallel_calls_are_answered_together_in_order_and_once(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.tell(inputs.ReplyStarted("r1"))
    call.tell(inputs.ToolRequested("a", "find_customer", {}))
    call.tell(inputs.ToolRequested("b", "find_customer", {}))
    call.tell(inputs.ReplyDone("r1", "completed"))
    call.tool_gives("tc_2")
    assert call.all(outputs.AnswerTool) == []
    call.tool_gives("tc_1")
    assert [answer.model_call for answer in call.all(outputs.AnswerTool)] == ["a", "b"]
    assert len(call.all(outputs.CreateReply)) == 1


def test_the_reply_is_asked_for_only_after_the_calling_one_is_done(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.tell(inputs.ReplyStarted("r1"))
    call.tell(inputs.ToolRequested("a", "find_customer", {}))
    call.tool_gives("tc_1")
    assert call.all(outputs.CreateReply) == []
    call.tell(inputs.ReplyDone("r1", "completed"))
    assert len(call.all(outputs.CreateReply)) == 1


def test_a_slow_tool_is_covered_by_each_filler_once(call: ScriptedCall) -> None:
    asking(call)
    call.passes(0.8)
    assert call.said() == ["Hello."]
    call.passes(4)
    assert call.said() == ["Hello.", "One moment, please."]


def test_a_filler_that_plays_is_not_cut_by_the_answer(call: ScriptedCall) -> None:
    asking(call)
    call.passes(1.2)
    call.tool_gives()
    call.model_replies("It is 64 dollars.")
    call.passes(4)
    assert call.transcript()[-2:] == ["agent: One moment, please.", "agent: It is 64 dollars."]


def test_a_tool_that_does_not_answer_expires_and_the_model_is_told(call: ScriptedCall) -> None:
    asking(call)
    call.passes(6)
    assert call.facts(ToolReturned)[0].outcome == "expired"
    assert call.all(outputs.AnswerTool)[0].output == {"status": "expired"}
    assert len(call.all(outputs.CreateReply)) == 1


def test_an_answer_after_the_deadline_is_told_to_nobody(call: ScriptedCall) -> None:
    asking(call)
    call.passes(6)
    call.forget()
    call.tool_gives(plan="Fiber 500")
    assert call.outputs == []


def test_a_tool_the_rule_book_does_not_have_is_refused_without_being_run(
    call: ScriptedCall,
) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.model_calls("format_disk")
    assert call.all(outputs.RunTool) == []
    assert call.facts(ToolCalled)[0].tool == "unknown"
    assert call.all(outputs.AnswerTool)[0].output["status"] == "failed"


def test_arguments_that_are_no_object_are_refused_without_being_run(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.tell(inputs.ToolRequested("a", "find_customer", None))
    assert call.all(outputs.RunTool) == []
    assert call.facts(ToolReturned)[0].outcome == "failed"


def test_the_same_call_asked_twice_runs_once(call: ScriptedCall) -> None:
    asking(call)
    call.tell(inputs.ToolRequested("call-1", "find_customer", {}))
    assert len(call.all(outputs.RunTool)) == 1


def test_an_answer_while_the_caller_speaks_is_kept_for_the_models_own_reply(
    call: ScriptedCall,
) -> None:
    asking(call)
    call.tell(inputs.ModelSpeechStarted("i2"))
    call.tool_gives()
    assert len(call.all(outputs.AnswerTool)) == 1
    call.tell(inputs.ModelSpeechEnded("i2"))
    call.model_replies("It is 64 dollars.")
    call.passes(4)
    assert call.all(outputs.CreateReply) == []


def test_a_tool_that_is_open_at_the_end_is_fenced(call: ScriptedCall) -> None:
    asking(call)
    call.tell(inputs.LineClosed(clean=True))
    assert [fact.outcome for fact in call.facts(ToolReturned)] == ["fenced"]
    call.forget()
    call.tool_gives()
    assert call.outputs == []


def test_no_reply_is_asked_for_while_the_caller_speaks_through_a_protected_passage() -> None:
    notice = "This call is recorded for quality, and you may object to it at any time."
    call = ScriptedCall(rulebook(uninterruptible=(notice,)))
    call.greets()
    call.model_replies(notice)
    call.tell(inputs.ToolRequested("a", "find_customer", {}))
    call.passes(0.5)
    call.tell(inputs.ModelSpeechStarted("i1"))
    call.tool_gives()
    assert len(call.all(outputs.AnswerTool)) == 1
    assert call.all(outputs.CreateReply) == []
