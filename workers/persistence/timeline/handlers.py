"""Bus in: everything told about calls, redacted. Out: the news that a timeline is complete."""

from collections import defaultdict
from typing import Any

from callfunnel.domain.ids import TenantId
from callfunnel.events.catalogue import definitions
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import Pool, tenant_connection
from workers.persistence.timeline import store
from workers.persistence.timeline.rules import Row, completed, row_of

BATCH = 500
FACTS = tuple(row.cls for row in definitions() if row.family == "call")


def register(bus: Bus, pool: Pool, outbox: Outbox) -> None:
    """Adds the consumer of all facts of calls."""

    @bus.consumer("timeline", *FACTS, batch=BATCH)
    async def write(batch: list[Received[Any]]) -> None:
        by_tenant: dict[TenantId, list[Row]] = defaultdict(list)
        for item in batch:
            by_tenant[item.envelope.tenant].append(row_of(item.envelope, item.data))
        for tenant, rows in by_tenant.items():
            await _store(tenant, pool, outbox, rows)


async def _store(tenant: TenantId, pool: Pool, outbox: Outbox, rows: list[Row]) -> None:
    told = []
    async with tenant_connection(pool, tenant) as connection:
        for call in await store.store(tenant, connection, rows):
            done = completed(await store.facts(tenant, connection, call))
            if done and await store.complete(tenant, connection, call, done[0].digest):
                ident = f"{call}-timeline"
                told.append(event(done[0], tenant, call, id=ident, traceparent=done[1]))
        await outbox.put(tenant, connection, told)
    if told:
        outbox.wake(tenant)
