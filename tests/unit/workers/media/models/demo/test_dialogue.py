"""The offline agent's brain: steps up to a tool, values in sentences, decisions that come late."""

from typing import Any

import msgspec
import pytest

from callfunnel.domain.rulebook import DemoScript
from workers.media.models.demo.dialogue import Dialogue, Finish, Speak, UseTool
from workers.media.models.demo.listener import Understood

SCRIPT: dict[str, Any] = {
    "start": "main",
    "trouble": "That failed.",
    "intents": {name: ["word"] for name in ("bill", "offer", "day", "again", "bye", "loop")},
    "always": {"bye": [{"do": "say", "text": "Bye."}, {"do": "end"}], "again": [{"do": "again"}]},
    "states": {
        "main": {
            "on": {
                "bill": [
                    {"do": "say", "text": "I look."},
                    {"do": "tool", "name": "find"},
                    {"do": "say", "text": "It is {find.bill}."},
                ],
                "offer": [
                    {
                        "do": "tool",
                        "name": "give",
                        "arguments": {"percent": 25, "day": "{heard.day}"},
                        "then": {"pending": "waiting", "refused": "small"},
                    },
                    {"do": "say", "text": "Given."},
                ],
                "loop": [{"do": "goto", "state": "main"}] * 200,
            },
            "otherwise": [{"do": "say", "text": "Sorry?"}],
        },
        "waiting": {"on": {}, "otherwise": [{"do": "say", "text": "Still waiting."}]},
        "small": {"on": {}, "otherwise": [{"do": "say", "text": "Small, {give.percent}?"}]},
    },
}


@pytest.fixture
def dialogue() -> Dialogue:
    return Dialogue(msgspec.convert(SCRIPT, DemoScript))


def hears(dialogue: Dialogue, intent: str, **slots: str) -> list[Any]:
    dialogue.turn(Understood(intent, "", 100, slots=slots))
    return dialogue.run()


def test_steps_stop_at_a_tool_and_go_on_with_its_result(dialogue: Dialogue) -> None:
    assert hears(dialogue, "bill") == [Speak("I look."), UseTool("find", {})]
    dialogue.answered("find", "done", {"bill": "64 dollars"})
    assert dialogue.run() == [Speak("It is 64 dollars.")]


def test_what_was_heard_goes_into_arguments(dialogue: Dialogue) -> None:
    assert hears(dialogue, "offer", day="monday") == [
        UseTool("give", {"percent": 25, "day": "monday"})
    ]


def test_a_pending_tool_ends_the_turn_in_its_own_state(dialogue: Dialogue) -> None:
    hears(dialogue, "offer")
    dialogue.answered("give", "pending", {})
    assert (dialogue.run(), dialogue.state) == ([], "waiting")


def test_a_late_decision_moves_the_dialogue_wherever_it_is(dialogue: Dialogue) -> None:
    hears(dialogue, "offer")
    dialogue.answered("give", "pending", {})
    hears(dialogue, "")
    dialogue.decided("give", "refused")
    assert dialogue.state == "small"
    dialogue.decided("unknown", "approved")
    assert dialogue.state == "small"


@pytest.mark.parametrize("outcome", ["failed", "expired", ""])
def test_a_tool_that_did_not_work_is_admitted(dialogue: Dialogue, outcome: str) -> None:
    hears(dialogue, "bill")
    dialogue.answered("find", outcome, {"error": "x"})
    assert dialogue.run() == [Speak("That failed.")]


def test_what_fits_nothing_gets_the_states_own_answer(dialogue: Dialogue) -> None:
    assert hears(dialogue, "") == [Speak("Sorry?")]


def test_the_last_words_are_said_again_when_asked_or_cut_off(dialogue: Dialogue) -> None:
    hears(dialogue, "")
    assert hears(dialogue, "again") == [Speak("Sorry?")]
    dialogue.repeat()
    assert dialogue.run() == [Speak("Sorry?")]


def test_a_goodbye_finishes(dialogue: Dialogue) -> None:
    assert hears(dialogue, "bye") == [Speak("Bye."), Finish()]


def test_a_value_nobody_gave_leaves_a_gap_not_a_placeholder(dialogue: Dialogue) -> None:
    dialogue.state = "small"
    assert hears(dialogue, "") == [Speak("Small, ?")]


def test_a_script_that_runs_in_circles_is_cut_off(dialogue: Dialogue) -> None:
    assert hears(dialogue, "loop") == []
