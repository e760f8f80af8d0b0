"""When a call may be rated, and what counts as usage."""

import pytest

from callfunnel.domain.ids import TenantId
from callfunnel.domain.usage import Bill
from callfunnel.events.envelope import Envelope
from callfunnel.events.settled import RecordingStored
from workers.billing.metering.rules import (
    Collected,
    is_complete,
    may_rate,
    rated,
    recording_row,
)


def collected(
    expected: int | None = 2, arrived: int = 2, told: bool = True, rounds: int = 0
) -> Collected:
    return Collected(TenantId("acme"), "c", expected, arrived, told, rounds)


@pytest.mark.parametrize(
    "short",
    [
        collected(expected=None),
        collected(expected=-1),
        collected(arrived=1),
        collected(told=False),
    ],
)
def test_a_call_is_not_complete_while_something_may_come(short: Collected) -> None:
    assert not is_complete(short)
    assert not may_rate(short)


def test_a_call_is_complete_once_end_recording_and_all_records_are_there() -> None:
    assert is_complete(collected())
    assert is_complete(collected(expected=0, arrived=0))


def test_usage_that_comes_after_rating_is_rated_at_once() -> None:
    assert may_rate(collected(expected=-1, rounds=1))


def test_a_recording_is_metered_by_its_own_fact_and_not_counted_as_told_usage() -> None:
    envelope = Envelope(
        id="c_1-recording", tenant=TenantId("acme"), key="c_1", time="2026-01-01T00:00:00Z"
    )
    stored = RecordingStored(
        object_key="k", codec="flac", duration_ms=3000, size=1, sha256="", segments=3,
        missing_segments=0,
    )  # fmt: skip
    row = recording_row(envelope, stored)
    assert (row.meter, row.quantity, row.unit, row.told) == ("recording.ms", 3000, "ms", False)
    assert row.id == "c_1-u-recording.ms-c_1-recording"


def test_an_empty_bill_is_rated_too() -> None:
    assert rated(Bill((), "USD", "b1"), complete=True).amount_micros == 0
