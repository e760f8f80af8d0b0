"""Bus in: everything told about calls, redacted. Out: the news that a timeline is complete."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from callfunnel.domain.ids import TenantId
from callfunnel.events.catalogue import definitions
from callfunnel.events.envelope import Event
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.clock import unix_ns
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import Connection, Pool, tenants_connection
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
        async with tenants_connection(pool, rows) as connection:
            ended = await store.store(rows, connection)
            began = unix_ns()
            told = await _completed(ended, connection)
            await outbox.put_all(connection, told)
            bus.tracer.told("complete timeline", began, told)
        outbox.wake(*rows)


async def _completed(ended: Sequence[store.Place], connection: Connection) -> list[Event[Any]]:
    """Marks the timelines among these that have no gap any more; the news of each."""
    if not ended:
        return []
    told = {}
    for place, facts in (await store.facts(ended, connection)).items():
        done = completed(facts)
        if done is not None:
            told[place] = done
    digests = {place: news.digest for place, (news, _) in told.items()}
    marked = await store.complete(digests, connection)
    return [
        event(news, tenant, call, id=f"{call}-timeline", traceparent=trace)
        for (tenant, call), (news, trace) in told.items()
        if (tenant, call) in marked
    ]
