"""Bus in: the end of a call and what the workers behind it made of it. Out: `CallSettled`, once.

Whichever part comes last seals the record; a deadline does when one never comes.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from callfunnel.domain.ids import TenantId
from callfunnel.events.call import CallEnded
from callfunnel.events.envelope import Event
from callfunnel.events.settled import CallSettled
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.clock import unix_ns, utc_now
from callfunnel.infra.deadlines import Deadlines
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import Connection, Pool, tenants_connection
from workers.persistence.settlement import store
from workers.persistence.settlement.rules import (
    DEADLINE_S,
    PARTS,
    UNKNOWN_DEADLINE_S,
    Parts,
    Sealed,
    sealed,
)

BATCH = 1000
_OVERDUE_AT_ONCE = 100


class Settlement:
    """Seals records."""

    def __init__(
        self, bus: Bus, pool: Pool, outbox: Outbox, *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._bus = bus
        self._pool = pool
        self._outbox = outbox
        self._deadline_s = deadline_s
        self.deadlines = Deadlines("settlement", pool, self.seal_overdue)

    def register(self) -> None:
        """Adds the consumer of the four parts of a record."""

        @self._bus.consumer("settlement", *PARTS, batch=BATCH, unhurried=True)
        async def collect(batch: list[Received[Any]]) -> None:
            told: dict[TenantId, list[dict[str, Any]]] = defaultdict(list)
            for item in batch:
                told[item.envelope.tenant].append(_part(item))
            async with tenants_connection(self._pool, told) as connection:
                await self._seal(await store.add(told, connection, self._deadline_s), connection)
            self._outbox.wake(*told)
            if any(isinstance(item.data, CallEnded) for item in batch):
                self.deadlines.wake(min(UNKNOWN_DEADLINE_S, self._deadline_s))

    async def seal_overdue(self, tenant: TenantId) -> None:
        """Seals what has waited long enough, with what is there."""
        async with tenants_connection(self._pool, [tenant]) as connection:
            await self._seal(await store.overdue(tenant, connection, _OVERDUE_AT_ONCE), connection)
        self._outbox.wake(tenant)

    async def _seal(self, ready: Sequence[Parts], connection: Connection) -> None:
        if not ready:
            return
        now, began = utc_now(), unix_ns()
        records = {(parts.tenant, parts.call): sealed(parts, now) for parts in ready}
        await store.seal(records, connection, now)
        told = [_news(parts, records[parts.tenant, parts.call], now) for parts in ready]
        await self._outbox.put_all(connection, told)
        self._bus.tracer.told("seal record", began, told)


def _news(parts: Parts, record: Sealed, now: str) -> Event[CallSettled]:
    news = CallSettled(digest=record.digest, missing=list(record.missing), sealed_at=now)
    ident, trace = f"{parts.call}-settled", parts.traceparent
    return event(news, parts.tenant, parts.call, id=ident, traceparent=trace)


def _part(item: Received[Any]) -> dict[str, Any]:
    return {
        "call": item.envelope.key,
        "part": PARTS[type(item.data)],
        "data": item.data,
        "traceparent": item.envelope.traceparent,
    }
