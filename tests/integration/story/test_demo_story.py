"""The demo story by `callfunnel call`: the bill, the cancellation, the colleague, the card."""

import re
import wave
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.running_stack import RunningStack

Reports = dict[str, Any]


def said_by(who: str, report: dict[str, Any]) -> str:
    return " ".join(each["text"] for each in report["transcript"] if each["who"] == who)


def test_the_bill_is_explained_from_what_the_look_up_says(
    up: RunningStack, stories: Reports
) -> None:
    report = stories["bill"]
    facts = [each["data"] for each in up.facts(report["call"]) if each["name"] == "tool_returned"]
    assert [(each["tool"], each["outcome"]) for each in facts] == [("find_customer", "done")]
    assert "64 dollars" in said_by("agent", report)
    assert "bill" in said_by("caller", report)


def test_the_record_is_sealed_and_lacks_nothing(stories: Reports) -> None:
    assert [(each["settled"], each["missing"]) for each in stories.values()] == [(True, [])] * 3


def test_what_the_caller_heard_is_in_the_file(stories: Reports, heard: Path) -> None:
    with wave.open(str(heard)) as wav:
        assert (wav.getframerate(), wav.getnchannels()) == (8_000, 1)
        assert abs(wav.getnframes() / 8 - stories["bill"]["heard_ms"]) < 40


def test_every_line_of_the_bill_adds_up(stories: Reports) -> None:
    for report in stories.values():
        bill = report["bill"]
        assert bill["rated"]
        assert bill["lines"]
        assert sum(line["amount_micros"] for line in bill["lines"]) == bill["total_micros"] > 0


@pytest.mark.parametrize(
    ("decision", "answer"), [("approved", "Good news"), ("refused", "did not agree")]
)
def test_a_persons_decision_comes_back_into_the_call(
    decisions: Reports, decision: str, answer: str
) -> None:
    assert "25 percent" in decisions["asked"]
    assert answer in said_by("agent", decisions[decision])


def test_a_late_click_changes_nothing_and_says_so(decisions: Reports) -> None:
    assert decisions["late"].count("\n") == 1
    assert "Good news" in said_by("agent", decisions["approved"])


def test_a_card_number_is_in_no_record(up: RunningStack, stories: Reports) -> None:
    told = str(up.facts(stories["card"]["call"])).lower()
    assert "card" in told
    assert "one one one" not in told
    assert not re.search(r"4\D{0,3}1\D{0,3}1\D{0,3}1\D{0,3}1", told)


def test_the_transcript_holds_only_what_was_heard(up: RunningStack, stories: Reports) -> None:
    facts = up.facts(stories["over"]["call"])
    assert "agent_interrupted" in [fact["name"] for fact in facts]
    turns = [each["data"] for each in facts if each["name"] == "agent_spoke"]
    cut = [each for each in turns if each["interrupted"]]
    assert cut
    assert all(each["heard_ms"] < each["generated_ms"] for each in cut)


def test_an_unknown_number_hears_a_sentence(up: RunningStack) -> None:
    said = up.run("call", "say:hello", "--to", "+15559990000", status=1)
    assert "not in service" in said


def test_an_edit_of_the_rule_book_is_used_by_the_next_call(
    up: RunningStack, tmp_path: Path
) -> None:
    before = up.run("rulebook", "get", "home-internet")
    edited = tmp_path / "edited.yaml"
    edited.write_text(before.replace("How can I help you today?", "What may I do for you?"))
    up.run("rulebook", "put", "home-internet", str(edited))
    report = up.call("say:goodbye", "--hangup-after", "2")
    assert "What may I do for you?" in said_by("agent", report)


def test_a_broken_rule_book_is_refused_with_its_line_and_the_old_one_stays(
    up: RunningStack, tmp_path: Path
) -> None:
    before = up.run("rulebook", "get", "home-internet")
    broken = tmp_path / "broken.yaml"
    broken.write_text(re.sub(r"^farewell:.*$", "farewell: [1, 2", before, flags=re.MULTILINE))
    assert "line " in up.run("rulebook", "put", "home-internet", str(broken), status=2)
    assert up.run("rulebook", "get", "home-internet") == before


def test_at_the_end_every_call_is_accounted_for(
    up: RunningStack, stories: Reports, decisions: Reports
) -> None:
    assert "0 problems" in up.run("audit")
    assert up.json("dead", "list") == []
    assert [each for each in up.json("doctor") if each["verdict"] == "bad"] == []
