"""Bus in: usage, ends of calls, stored recordings. Out: the news that a call is rated.

Whatever comes last of a call's usage rates it; a deadline does when something never comes. Usage
that comes after that is added to the bill as further lines.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from callfunnel.domain.ids import TenantId
from callfunnel.domain.usage import Bill, Rate
from callfunnel.events.call import CallEnded
from callfunnel.events.envelope import Envelope, Event
from callfunnel.events.message import Message
from callfunnel.events.settled import RecordingStored
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.clock import unix_ns
from callfunnel.infra.deadlines import Deadlines
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import Connection, Pool, tenants_connection
from workers.billing.metering import store
from workers.billing.metering.rules import (
    GRACE_S,
    UNKNOWN_GRACE_S,
    Collected,
    Ended,
    may_rate,
    rated,
    recording_row,
    usage_row,
)

BATCH = 1000
_OVERDUE_AT_ONCE = 50
D = TypeVar("D", bound=Message)
T = TypeVar("T")


class Metering:
    """Counts usage and rates calls; `rate` prices what was used on a day."""

    def __init__(
        self, bus: Bus, pool: Pool, outbox: Outbox, rate: Rate, *, grace_s: float = GRACE_S
    ) -> None:
        self._bus = bus
        self._pool = pool
        self._outbox = outbox
        self._rate_of = rate
        self._grace_s = grace_s
        self.deadlines = Deadlines("metering", pool, self.rate_overdue)

    def register(self) -> None:
        """Adds the consumers of usage and of the facts that close a call's bill."""

        @self._bus.consumer("metering", UsageMeasured, batch=BATCH, unhurried=True)
        async def count(batch: list[Received[UsageMeasured]]) -> None:
            usage = _by_tenant(batch, usage_row)
            async with tenants_connection(self._pool, usage) as connection:
                await self._rate_complete(await store.add(usage, connection), connection)
            self._outbox.wake(*usage)

        @self._bus.consumer(
            "metering-calls", CallEnded, RecordingStored, batch=BATCH, unhurried=True
        )
        async def close(batch: list[Received[Any]]) -> None:
            ends = [item for item in batch if isinstance(item.data, CallEnded)]
            recordings = [item for item in batch if isinstance(item.data, RecordingStored)]
            tenants = {item.envelope.tenant for item in batch}
            async with tenants_connection(self._pool, tenants) as connection:
                seen = await self._close(ends, recordings, connection)
                await self._rate_complete(seen, connection)
            self._outbox.wake(*tenants)
            if ends:
                self.deadlines.wake(min(UNKNOWN_GRACE_S, self._grace_s))

    async def rate_overdue(self, tenant: TenantId) -> None:
        """Rates what has waited long enough, with what is there."""
        async with tenants_connection(self._pool, [tenant]) as connection:
            late = await store.overdue(tenant, connection, _OVERDUE_AT_ONCE)
            await self._rate([(tenant, call) for call in late], connection, complete=False)
        self._outbox.wake(tenant)

    async def _close(
        self,
        ends: Sequence[Received[CallEnded]],
        recordings: Sequence[Received[RecordingStored]],
        connection: Connection,
    ) -> list[Collected]:
        recorded = [(item.envelope.tenant, item.envelope.key) for item in recordings]
        told = _by_tenant(ends, _end)
        seen = await store.close(told, recorded, connection, self._grace_s)
        audible = [item for item in recordings if item.data.duration_ms]
        if audible:
            await store.add(_by_tenant(audible, recording_row), connection)
        return seen

    async def _rate_complete(self, seen: Sequence[Collected], connection: Connection) -> None:
        ready = sorted({(each.tenant, each.call) for each in seen if may_rate(each)})
        await self._rate(ready, connection, complete=True)

    async def _rate(
        self, calls: Sequence[store.Place], connection: Connection, *, complete: bool
    ) -> None:
        """Bills what is not billed yet; the first time it is told, also when that is nothing."""
        ended = await store.claim(calls, connection) if calls else {}
        if not ended:
            return
        began = unix_ns()
        used = await store.unbilled(list(ended), connection)
        due = {place: known for place, known in ended.items() if place in used or not known.rounds}
        bills = {
            place: (known.rounds + 1, self._rate_of(used.get(place, []), known.day))
            for place, known in due.items()
        }
        if bills:
            await store.bill(bills, connection)
        told = list(_news(due, bills, complete=complete))
        await self._outbox.put_all(connection, told)
        self._bus.tracer.told("rate call", began, told)


def _news(
    due: Mapping[store.Place, Ended],
    bills: Mapping[store.Place, tuple[int, Bill]],
    *,
    complete: bool,
) -> Iterator[Event[Any]]:
    """What is told of calls that are rated for the first time."""
    for (tenant, call), (number, bill) in bills.items():
        if number == 1:
            news, trace = rated(bill, complete=complete), due[tenant, call].traceparent
            yield event(news, tenant, call, id=f"{call}-rated", traceparent=trace)


def _end(envelope: Envelope, ended: CallEnded) -> dict[str, Any]:
    return {
        "call": envelope.key,
        "expected": ended.usage_records,
        "at": envelope.time,
        "traceparent": envelope.traceparent,
    }


def _by_tenant(
    items: Sequence[Received[D]], row_of: Callable[[Envelope, D], T]
) -> dict[TenantId, list[T]]:
    grouped: dict[TenantId, list[T]] = defaultdict(list)
    for item in items:
        grouped[item.envelope.tenant].append(row_of(item.envelope, item.data))
    return grouped
