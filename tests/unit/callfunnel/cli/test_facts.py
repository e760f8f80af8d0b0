"""Facts read as lines; a feed gives facts and nothing else."""

from typing import Any

import pytest

from callfunnel.cli import facts


def fact(name: str, **data: Any) -> dict[str, Any]:
    return {"name": name, "call": "c_1", "seq": 1, "at": "2026-01-01T00:00:00Z", "data": data}


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (fact("caller_spoke", text="hi", start_ms=0), "caller    hi"),
        (fact("agent_spoke", text="Hello", interrupted=True), "agent     Hello ..."),
        (
            fact("tool_called", tool="look_up", arguments={"phone": "<PHONE_1>"}),
            "tool      look_up phone=<PHONE_1>",
        ),
        (
            fact("ended", cause="caller_hangup", by="caller", duration_ms=61_500),
            "ended     caller_hangup by caller, 1:01.5",
        ),
        (fact("rated", amount_micros=12_340, currency="USD"), "bill      0.01234 USD"),
        (fact("settled", missing=[]), "settled   missing: nothing"),
        (fact("turn_measured", turn=1), ""),
        (fact("something_new", whatever=1), ""),
    ],
)
def test_a_fact_is_one_line_or_none(told: dict[str, Any], line: str) -> None:
    assert facts.describe(told) == line


def test_only_data_lines_of_a_feed_are_facts() -> None:
    lines = [
        ": keep-alive",
        "id: 1",
        'data: {"name":"offered","data":{}}',
        "",
        "data: []",
        'data: {"other":1}',
    ]
    assert [each["name"] for each in facts.from_lines(lines)] == ["offered"]


def test_the_transcript_holds_both_sides_in_order() -> None:
    told = [
        fact("agent_spoke", text="Hello", start_ms=0),
        fact("tool_called", tool="x"),
        fact("caller_spoke", text="hi", start_ms=900),
    ]
    assert facts.transcript(told) == [
        {"who": "agent", "text": "Hello", "at_ms": 0},
        {"who": "caller", "text": "hi", "at_ms": 900},
    ]


def test_a_turn_that_was_not_answered_is_not_measured() -> None:
    told = [fact("turn_measured", response_ms=640), fact("turn_measured", response_ms=None)]
    assert facts.responses(told) == [640]
