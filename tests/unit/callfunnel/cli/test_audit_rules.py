"""The audit says what is not so, and nothing when all is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callfunnel.cli.audit_rules import Evidence, problems

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def fact(name: str, seq: int | None, **data: Any) -> dict[str, Any]:
    at = (NOW - timedelta(hours=1)).isoformat()
    return {"name": name, "seq": seq, "at": at, "data": data}


def sound_call(**changes: Any) -> Evidence:
    call = {
        "call": "c_1",
        "started_at": (NOW - timedelta(hours=1)).isoformat(),
        "settled": True,
        "missing": [],
        "duration_ms": 30_000,
    }
    facts = [
        fact("offered", 1),
        fact("connected", 2, recorded=True),
        fact("ended", None, last_seq=2, usage_records=3),
        fact("recording_stored", None, duration_ms=29_900, missing_segments=0),
    ]
    bill = {
        "rated": True,
        "total_micros": 30,
        "lines": [{"records": 2, "amount_micros": 10}, {"records": 2, "amount_micros": 20}],
    }
    return Evidence(call | changes, facts, bill)


def told(evidence: Evidence) -> list[str]:
    return [each.removeprefix("c_1: ") for each in problems(evidence, NOW)]


def with_facts(*facts: dict[str, Any]) -> Evidence:
    before = sound_call()
    return Evidence(before.call, facts, before.bill)


def test_a_sound_call_has_no_problems() -> None:
    assert told(sound_call()) == []


def test_two_ends_are_one_too_many() -> None:
    call = sound_call()
    assert told(Evidence(call.call, [*call.facts, call.facts[2]], call.bill)) == ["has 2 ends"]


def test_gaps_and_doubles_are_named() -> None:
    facts = [fact("x", seq) for seq in (1, 3, 3, 7)]
    end = fact("ended", 10, last_seq=9, usage_records=0)
    assert told(with_facts(*facts, end)) == [
        "facts 2, 4-6, 8-9 of 9 are missing",
        "facts 3 are there twice",
    ]


def test_a_call_that_still_talks_is_not_judged() -> None:
    assert told(with_facts(fact("offered", 1))) == []


def test_a_call_that_never_ended_is_a_problem_in_the_end() -> None:
    old = with_facts(fact("offered", 1))
    call = {**old.call, "started_at": (NOW - timedelta(hours=5)).isoformat()}
    assert told(Evidence(call, old.facts, old.bill)) == ["has no end"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"settled": False}, "its record is not sealed"),
        ({"missing": ["usage"]}, "its sealed record lacks usage"),
        ({"duration_ms": 35_000}, "its recording is 29900 ms long, the call 35000 ms"),
    ],
)
def test_what_the_record_lacks_is_said(changes: dict[str, Any], problem: str) -> None:
    assert told(sound_call(**changes)) == [problem]


def test_a_recording_that_never_came_is_said() -> None:
    assert told(with_facts(*sound_call().facts[:3])) == ["its recording is not stored"]


def test_a_call_that_just_ended_may_take_its_time() -> None:
    call = sound_call(settled=False)
    end = {**call.facts[2], "at": NOW.isoformat()}
    assert told(Evidence(call.call, [*call.facts[:2], end], call.bill)) == []


def test_usage_that_was_sent_and_not_billed_is_said() -> None:
    call = sound_call()
    bill = {**call.bill, "lines": call.bill["lines"][:1]}
    assert told(Evidence(call.call, call.facts, bill)) == [
        "3 usage records were sent, 2 are billed",
        "its bill's lines add up to 10, its total is 30",
    ]
