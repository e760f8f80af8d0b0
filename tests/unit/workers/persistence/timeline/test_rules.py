"""When a timeline is complete, and what its digest is over."""

import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from callfunnel.domain.ids import TenantId
from workers.persistence.timeline.rules import END_TYPE, Row, completed

TENANT = TenantId("demo")


def fact(seq: int | None, id: str = "", data: dict[str, Any] | None = None) -> Row:
    return Row(
        TENANT, "c", id or f"c-{seq}", seq, "callfunnel.call.caller_spoke.v1", "t", data or {}
    )


def end(last_seq: int) -> Row:
    return Row(TENANT, "c", "c-end", last_seq + 1, END_TYPE, "t", {"last_seq": last_seq}, "trace")


def test_without_the_end_nothing_is_complete() -> None:
    assert completed([fact(1), fact(2)]) is None


def test_a_gap_keeps_it_open() -> None:
    assert completed([fact(1), fact(3), end(3)]) is None


def test_all_numbers_and_the_end_complete_it() -> None:
    done = completed([end(2), fact(2), fact(1), fact(None, "c-recording")])
    assert done is not None
    assert (done[0].last_seq, done[1]) == (2, "trace")


def test_a_call_that_ended_before_anything_was_told_is_complete() -> None:
    assert completed([end(0)]) is not None


def test_late_facts_and_facts_about_the_call_do_not_change_the_digest() -> None:
    facts = [fact(1), fact(2), end(2)]
    first, again = completed(facts), completed([*facts, fact(3), fact(None, "c-rated")])
    assert first is not None
    assert first == again


def test_the_digest_can_be_computed_by_anyone() -> None:
    facts = [fact(1, data={"b": 1, "a": "ü"}), end(1)]
    done = completed(facts)
    lines = [
        json.dumps(
            {"at": row.at, "data": row.data, "id": row.id, "seq": row.seq, "type": row.type},
            sort_keys=True, separators=(",", ":"), ensure_ascii=False,
        )
        for row in facts
    ]  # fmt: skip
    expected = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert done is not None
    assert done[0].digest == expected


@given(st.integers(0, 12), st.data())
def test_complete_exactly_when_no_number_is_missing(last: int, data: st.DataObject) -> None:
    told = data.draw(st.lists(st.integers(1, 14), max_size=30))
    rows = [fact(seq, f"{seq}-{n}") for n, seq in enumerate(told)]
    whole = set(range(1, last + 1)) <= set(told)
    assert (completed([*rows, end(last)]) is not None) == whole
