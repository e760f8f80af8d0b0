"""A tool that needs a person: the call goes on, and the decision comes back into it."""

import pytest

from callfunnel.events.call import (
    ApprovalDecided,
    ApprovalExpired,
    ApprovalRequested,
    ToolReturned,
)
from tests.simulators.scripted_call import ScriptedCall
from workers.media.core import inputs, outputs


@pytest.fixture
def pending(call: ScriptedCall) -> ScriptedCall:
    """The agent offered 25 percent; a person was asked, and the caller was told so."""
    call.greets()
    call.caller_says("I want to cancel", "i1")
    call.model_calls("offer_discount", percent=25)
    call.passes(0.2)
    call.tool_asks_a_person()
    call.passes(3)
    return call


def test_the_tool_answers_at_once_and_the_caller_hears_that_somebody_is_asked(
    pending: ScriptedCall,
) -> None:
    assert pending.all(outputs.AnswerTool)[0].output["status"] == "pending"
    assert pending.all(outputs.CreateReply) == []
    assert pending.transcript()[-1] == "agent: I am asking for 25 percent."
    assert pending.all(outputs.WatchApproval) == [outputs.WatchApproval("apr_1", "soon")]
    assert pending.facts(ToolReturned)[0].outcome == "pending"
    (asked,) = pending.facts(ApprovalRequested)
    assert (asked.asked, asked.limit, asked.what) == ("25", "10", "25 percent")


@pytest.mark.parametrize(
    ("decision", "heard"),
    [
        ("approved", "You get 25 percent."),
        ("refused", "They said no to 25 percent."),
        ("expired", "Nobody answered about 25 percent."),
    ],
)
def test_each_decision_has_its_own_sentence(
    pending: ScriptedCall, decision: str, heard: str
) -> None:
    pending.forget()
    pending.person_decides(decision)
    pending.passes(5)
    assert pending.transcript() == [f"agent: {heard}"]
    (told,) = pending.all(outputs.Tell)
    assert told.text.startswith(f"The request offer_discount was {decision}.")
    decided = pending.facts(ApprovalDecided) + pending.facts(ApprovalExpired)
    assert len(decided) == 1


def test_the_call_goes_on_meanwhile(pending: ScriptedCall) -> None:
    pending.caller_says("How is the weather?", "i2")
    pending.model_replies("Sunny, I hope.")
    pending.passes(3)
    assert pending.transcript()[-1] == "agent: Sunny, I hope."


def test_the_decision_waits_until_the_agents_turn_is_over(pending: ScriptedCall) -> None:
    pending.caller_says("How is the weather?", "i2")
    pending.model_replies("Sunny, I hope, and warm enough.")
    pending.passes(0.5)
    pending.person_decides("approved")
    assert pending.said()[-1] != "You get 25 percent."
    pending.passes(6)
    assert pending.transcript()[-2:] == [
        "agent: Sunny, I hope, and warm enough.",
        "agent: You get 25 percent.",
    ]


def test_the_decision_does_not_talk_over_the_caller(pending: ScriptedCall) -> None:
    pending.caller_begins()
    pending.tell(inputs.ModelSpeechStarted("i2"))
    pending.person_decides("approved")
    pending.passes(6)
    assert "You get 25 percent." not in pending.said()
    pending.caller_pauses()
    pending.tell(inputs.ModelSpeechEnded("i2"))
    pending.model_replies("I see.")
    pending.passes(5)
    assert pending.transcript()[-2:] == ["agent: I see.", "agent: You get 25 percent."]


def test_a_noisy_line_does_not_hold_the_decision_back_for_ever(pending: ScriptedCall) -> None:
    pending.caller_begins()
    pending.person_decides("approved")
    pending.passes(3)
    assert "You get 25 percent." not in pending.said()
    pending.passes(3)
    assert pending.said().count("You get 25 percent.") == 1


def test_a_decision_is_said_once_however_often_it_comes(pending: ScriptedCall) -> None:
    pending.person_decides("approved")
    pending.person_decides("refused")
    pending.passes(4)
    pending.person_decides("approved")
    pending.passes(4)
    assert len(pending.facts(ApprovalDecided)) == 1
    assert pending.transcript()[-1] == "agent: You get 25 percent."
    assert sum("25 percent." in line for line in pending.transcript()) == 2


def test_a_decision_nobody_heard_a_word_of_is_said_again(pending: ScriptedCall) -> None:
    pending.person_decides("approved")
    pending.passes(0.02)
    pending.tell(inputs.ModelSpeechStarted("i2"))
    pending.passes(1)
    pending.tell(inputs.ModelSpeechEnded("i2"))
    pending.model_replies("Yes?")
    pending.passes(6)
    assert pending.transcript()[-2:] == ["agent: Yes?", "agent: You get 25 percent."]


def test_a_decision_that_comes_before_the_pending_sentence_replaces_it(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("I want to cancel", "i1")
    call.model_calls("offer_discount", percent=25)
    call.tell(inputs.ModelSpeechStarted("i2"))
    call.tool_asks_a_person()
    call.person_decides("approved")
    call.passes(1)
    call.tell(inputs.ModelSpeechEnded("i2"))
    call.model_replies("Well.")
    call.passes(6)
    assert call.transcript()[-2:] == ["agent: Well.", "agent: You get 25 percent."]


def test_a_caller_who_waits_in_silence_is_not_hung_up_on(pending: ScriptedCall) -> None:
    pending.forget()
    pending.passes(60)
    assert not pending.core.closed
    assert set(pending.said()) == {"One moment, please."}


def test_a_decision_after_the_call_changes_nothing(pending: ScriptedCall) -> None:
    pending.tell(inputs.LineClosed(clean=True))
    pending.forget()
    pending.person_decides("approved")
    assert pending.outputs == []
    assert pending.core.deadline() is None


def test_a_pending_answer_after_the_deadline_is_still_watched(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("I want to cancel", "i1")
    call.model_calls("offer_discount", percent=25)
    call.passes(8)
    call.forget()
    call.tool_asks_a_person()
    assert call.all(outputs.WatchApproval) == [outputs.WatchApproval("apr_1", "soon")]
    assert call.facts(ToolReturned) == []
    call.model_replies("I could not find out.")
    call.person_decides("refused")
    call.passes(8)
    assert "agent: They said no to 25 percent." in call.transcript()


def test_nobody_waits_for_a_person_once_the_end_was_decided(call: ScriptedCall) -> None:
    call.greets()
    call.model_replies("I will ask for it, and goodbye.", done=False)
    call.tell(inputs.ToolRequested("a", "offer_discount", {"percent": 25}))
    call.tell(inputs.HangUpAsked("agent"))
    call.tool_asks_a_person()
    assert call.all(outputs.WatchApproval) == []
    assert [fact.outcome for fact in call.facts(ToolReturned)] == ["pending"]
