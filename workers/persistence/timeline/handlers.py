"""Bus in: everything told about calls, redacted. Out: the news that a timeline is complete."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from callfunnel.domain.ids import TenantId
from callfunnel.events.catalogue import definitions
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.clock import unix_ns
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import Pool, tenants_connection
from workers.persistence.timeline import store
from workers.persistence.timeline.rules import Row, completed, row_of

BATCH = 1000
FACTS = tuple(row.cls for row in definitions() if row.family == "call")


def register(bus: Bus, pool: Pool, outbox: Outbox) -> None:
    """Adds the consumer of all facts of calls."""

    @bus.consumer("timeline", *FACTS, batch=BATCH)
    async def write(batch: list[Received[Any]]) -> None:
        rows: dict[TenantId, list[Row]] = defaultdict(list)
        for item in batch:
            rows[item.envelope.tenant].append(row_of(item.envelope, item.data))
        ended = await store.store(rows, pool)
        if ended:
            await _complete(ended, bus, pool, outbox)


async def _complete(
    ended: Mapping[store.Place, Sequence[Row]], bus: Bus, pool: Pool, outbox: Outbox
) -> None:
    """Marks the timelines among these that have no gap any more, and promises the news of each."""
    began = unix_ns()
    done = {place: completed(facts) for place, facts in ended.items()}
    whole = {place: found for place, found in done.items() if found is not None}
    tenants = {tenant for tenant, _ in whole}
    if not whole:
        return
    async with tenants_connection(pool, tenants) as connection:
        digests = {place: news.digest for place, (news, _) in whole.items()}
        marked = await store.complete(digests, connection)
        told = [
            event(news, *place, id=f"{place[1]}-timeline", traceparent=trace)
            for place, (news, trace) in whole.items()
            if place in marked
        ]
        await outbox.put_all(connection, told)
    bus.tracer.told("complete timeline", began, told)
    outbox.wake(*tenants)
