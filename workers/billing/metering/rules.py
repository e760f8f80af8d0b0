"""What metering decides: the form of its rows, and when a call may be rated."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.domain.usage import Bill
from callfunnel.events.envelope import Envelope
from callfunnel.events.settled import CallRated, RecordingStored
from callfunnel.events.usage import UsageMeasured

GRACE_S: Final = 1000.0
"""How long usage that must exist is waited for: until whatever holds it up is mended. The recording
is waited for less long, the settlement waits longer."""
UNKNOWN_GRACE_S: Final = 25.0
"""The same when nobody knows how much there is: the call's worker was lost."""
RECORDING_METER: Final = "recording.ms"


class UsageRow(msgspec.Struct, frozen=True):
    """One usage record as it is stored; `id` counts once."""

    id: str
    call: str
    meter: str
    quantity: int
    unit: str
    provider: str
    model: str
    source: str
    record: str
    at: str
    told: bool = True


@dataclass(frozen=True, slots=True)
class Collected:
    """What has come of a call. `expected` None: its end is not told; -1: nobody can know.

    `rounds` is how often it was rated.
    """

    tenant: TenantId
    call: str
    expected: int | None
    arrived: int
    recording_told: bool
    rounds: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that may be rated: how often it was, the day of its prices, its trace."""

    rounds: int
    day: date
    traceparent: str


def usage_row(envelope: Envelope, used: UsageMeasured) -> UsageRow:
    """The row of a usage record; `told` records are the ones that the call's end counts."""
    return UsageRow(
        envelope.id,
        envelope.key,
        used.meter,
        used.quantity,
        used.unit,
        used.provider,
        used.model,
        used.source,
        used.record,
        envelope.time,
    )


def recording_row(envelope: Envelope, stored: RecordingStored) -> UsageRow:
    """A stored recording is usage, too: metered from the fact itself, counted apart."""
    return UsageRow(
        id=f"{envelope.key}-u-{RECORDING_METER}-{envelope.id}",
        call=envelope.key,
        meter=RECORDING_METER,
        quantity=stored.duration_ms,
        unit="ms",
        provider="callfunnel",
        model="",
        source="measured",
        record=envelope.id,
        at=envelope.time,
        told=False,
    )


def may_rate(collected: Collected) -> bool:
    """Whether nothing is to be waited for: all is there, or the call was rated without it."""
    return collected.rounds > 0 or is_complete(collected)


def is_complete(collected: Collected) -> bool:
    """Whether all usage of an ended call has come, the recording's included."""
    expected = collected.expected
    if expected is None or expected < 0:
        return False
    return collected.arrived >= expected and collected.recording_told


def rated(bill: Bill, *, complete: bool) -> CallRated:
    """The news of a bill."""
    return CallRated(
        amount_micros=bill.amount_micros,
        currency=bill.currency,
        price_book=bill.price_book,
        lines=len(bill.lines),
        complete=complete,
    )
