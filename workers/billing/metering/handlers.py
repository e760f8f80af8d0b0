"""Bus in: usage, ends of calls, stored recordings. Out: the news that a call is rated.

Whatever comes last of a call's usage rates it; a deadline does when something never comes. Usage
that comes after that is added to the bill as further lines.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeVar

from callfunnel.domain.ids import TenantId
from callfunnel.domain.usage import Rate
from callfunnel.events.call import CallEnded
from callfunnel.events.settled import RecordingStored
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.deadlines import Deadlines
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import Connection, Pool, tenant_connection
from workers.billing.metering import store
from workers.billing.metering.rules import (
    GRACE_S,
    Collected,
    may_rate,
    rated,
    recording_row,
    usage_row,
)

BATCH = 500
_OVERDUE_AT_ONCE = 50
T = TypeVar("T")


class Metering:
    """Counts usage and rates calls; `rate` prices what was used on a day."""

    def __init__(
        self, bus: Bus, pool: Pool, outbox: Outbox, rate: Rate, *, grace_s: float = GRACE_S
    ) -> None:
        self._bus = bus
        self._pool = pool
        self._outbox = outbox
        self._rate = rate
        self._grace_s = grace_s
        self.deadlines = Deadlines("metering", pool, self.rate_overdue)

    def register(self) -> None:
        """Adds the consumers of usage and of the facts that close a call's bill."""

        @self._bus.consumer("metering", UsageMeasured, batch=BATCH)
        async def count(batch: list[Received[UsageMeasured]]) -> None:
            rows = [(item.envelope.tenant, usage_row(item.envelope, item.data)) for item in batch]
            for tenant, usage in _by_tenant(rows).items():
                async with tenant_connection(self._pool, tenant) as connection:
                    seen = await store.add(tenant, connection, usage)
                    await self._rate_complete(tenant, connection, seen)
                self._outbox.wake(tenant)

        @self._bus.consumer("metering-calls", CallEnded, RecordingStored, batch=BATCH)
        async def close(batch: list[Received[Any]]) -> None:
            items = [(item.envelope.tenant, item) for item in batch]
            for tenant, told in _by_tenant(items).items():
                await self._close(tenant, told)

    async def rate_overdue(self, tenant: TenantId) -> None:
        """Rates what has waited long enough, with what is there."""
        async with tenant_connection(self._pool, tenant) as connection:
            for call in await store.overdue(tenant, connection, _OVERDUE_AT_ONCE):
                await self._rate_call(tenant, connection, call, complete=False)
        self._outbox.wake(tenant)

    async def _close(self, tenant: TenantId, told: Sequence[Received[Any]]) -> None:
        ends = [_end(item) for item in told if isinstance(item.data, CallEnded)]
        recordings = [item for item in told if isinstance(item.data, RecordingStored)]
        rows = [recording_row(item.envelope, item.data) for item in recordings]
        async with tenant_connection(self._pool, tenant) as connection:
            seen = await store.end(tenant, connection, ends, self._grace_s) if ends else []
            if recordings:
                await store.add(tenant, connection, [row for row in rows if row.quantity])
                seen += await store.recorded(tenant, connection, [row.call for row in rows])
            await self._rate_complete(tenant, connection, seen)
        self._outbox.wake(tenant)
        if ends:
            self.deadlines.wake(self._grace_s)

    async def _rate_complete(
        self, tenant: TenantId, connection: Connection, seen: Sequence[Collected]
    ) -> None:
        for call in sorted({each.call for each in seen if may_rate(each)}):
            await self._rate_call(tenant, connection, call, complete=True)

    async def _rate_call(
        self, tenant: TenantId, connection: Connection, call: str, *, complete: bool
    ) -> None:
        """Bills what is not billed yet; the first time it is told, also when that is nothing."""
        ended = await store.claim(tenant, connection, call)
        if ended is None:
            return
        used = await store.unbilled(tenant, connection, call)
        if ended.rounds and not used:
            return
        bill = self._rate(used, ended.day)
        await store.bill(tenant, connection, call, ended.rounds + 1, bill)
        if not ended.rounds:
            news = rated(bill, complete=complete)
            trace = ended.traceparent
            told = event(news, tenant, call, id=f"{call}-rated", traceparent=trace)
            await self._outbox.put(tenant, connection, [told])


def _end(item: Received[CallEnded]) -> dict[str, Any]:
    ended = item.data
    return {
        "call": item.envelope.key,
        "expected": ended.usage_records,
        "at": item.envelope.time,
        "traceparent": item.envelope.traceparent,
    }


def _by_tenant(items: Sequence[tuple[TenantId, T]]) -> dict[TenantId, list[T]]:
    grouped: dict[TenantId, list[T]] = defaultdict(list)
    for tenant, item in items:
        grouped[tenant].append(item)
    return grouped
