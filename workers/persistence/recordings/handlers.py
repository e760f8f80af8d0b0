"""Bus in: the ends of calls. They are only noted; `recorder` does the work when it is due."""

from collections import defaultdict
from typing import Any

from callfunnel.domain.ids import TenantId
from callfunnel.events.call import CallEnded
from callfunnel.infra.bus import Bus, Received
from callfunnel.infra.deadlines import Deadlines
from callfunnel.infra.postgres import Pool, tenants_connection
from workers.persistence.recordings import store

BATCH = 1000


def register(bus: Bus, pool: Pool, deadlines: Deadlines) -> None:
    """Adds the consumer of ended calls; each has a deadline from then on, which is due now."""

    @bus.consumer("recordings", CallEnded, batch=BATCH, unhurried=True)
    async def note(batch: list[Received[CallEnded]]) -> None:
        ended: dict[TenantId, list[dict[str, Any]]] = defaultdict(list)
        for item in batch:
            ended[item.envelope.tenant].append(_end(item))
        async with tenants_connection(pool, ended) as connection:
            await store.wait(ended, connection)
        deadlines.wake(0.0)


def _end(item: Received[CallEnded]) -> dict[str, Any]:
    return {
        "call": item.envelope.key,
        "segments": item.data.segments,
        "duration_ms": item.data.duration_ms,
        "traceparent": item.envelope.traceparent,
    }
