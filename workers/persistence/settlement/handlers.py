"""Bus in: the end of a call and what the workers behind it made of it. Out: `CallSettled`, once.

Whichever part comes last seals the record; a deadline does when one never comes.
"""

from collections import defaultdict
from typing import Any

from callfunnel.domain.ids import TenantId
from callfunnel.events.call import CallEnded
from callfunnel.events.settled import CallSettled
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.clock import utc_now
from callfunnel.infra.deadlines import Deadlines
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import Connection, Pool, tenant_connection
from workers.persistence.settlement import store
from workers.persistence.settlement.rules import DEADLINE_S, PARTS, Parts, sealed

BATCH = 200
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

        @self._bus.consumer("settlement", *PARTS, batch=BATCH)
        async def collect(batch: list[Received[Any]]) -> None:
            by_tenant: dict[TenantId, list[dict[str, Any]]] = defaultdict(list)
            for item in batch:
                by_tenant[item.envelope.tenant].append(_part(item))
            for tenant, told in by_tenant.items():
                async with tenant_connection(self._pool, tenant) as connection:
                    ready = await store.add(tenant, connection, told, self._deadline_s)
                    await self._seal(tenant, connection, ready)
                self._outbox.wake(tenant)
            if any(isinstance(item.data, CallEnded) for item in batch):
                self.deadlines.wake(self._deadline_s)

    async def seal_overdue(self, tenant: TenantId) -> None:
        """Seals what has waited long enough, with what is there."""
        async with tenant_connection(self._pool, tenant) as connection:
            late = await store.overdue(tenant, connection, _OVERDUE_AT_ONCE)
            await self._seal(tenant, connection, late)
        self._outbox.wake(tenant)

    async def _seal(self, tenant: TenantId, connection: Connection, ready: list[Parts]) -> None:
        for parts in ready:
            now = utc_now()
            record = sealed(tenant, parts, now)
            await store.seal(tenant, connection, parts.call, record, now)
            news = CallSettled(digest=record.digest, missing=list(record.missing), sealed_at=now)
            ident, trace = f"{parts.call}-settled", parts.traceparent
            told = event(news, tenant, parts.call, id=ident, traceparent=trace)
            await self._outbox.put(tenant, connection, [told])


def _part(item: Received[Any]) -> dict[str, Any]:
    return {
        "call": item.envelope.key,
        "part": PARTS[type(item.data)],
        "data": item.data,
        "traceparent": item.envelope.traceparent,
    }
