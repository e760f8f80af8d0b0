"""Rows of the timeline, for a batch at a time.

A batch is one call of `timeline.store` (migration 0211), which names the tenants of the batch
itself; facts that are there already change nothing. Both lock calls in the order of tenants and
calls, so no two of them wait for each other.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.infra.postgres import Connection, Pool, call_for_tenants
from workers.persistence.timeline.rules import Row

Place = tuple[TenantId, str]
"""A call, and whose it is."""


_ROWS = msgspec.json.Decoder(list[Row])


async def store(rows: Mapping[TenantId, Sequence[Row]], pool: Pool) -> dict[Place, list[Row]]:
    """Stores facts, committed; returns the calls among them that may be complete now, with all
    facts of each, in no order.
    """
    facts = [row for told in rows.values() for row in told]
    places = {(row.tenant, row.call) for row in facts}
    arguments = (
        msgspec.json.encode(facts).decode(),
        [tenant for tenant, _ in places],
        [call for _, call in places],
    )
    found = await call_for_tenants(pool, "timeline.store", rows, arguments)
    ended: dict[Place, list[Row]] = defaultdict(list)
    for row in _ROWS.decode(found) if found else ():
        ended[row.tenant, row.call].append(row)
    return ended


async def complete(
    digests: Mapping[tuple[TenantId, str], str], connection: Connection
) -> set[Place]:
    """Marks these timelines as complete; returns those that were not before."""
    values = (
        [tenant for tenant, _ in digests],
        [call for _, call in digests],
        list(digests.values()),
    )
    found = await connection.execute(_COMPLETE, values, prepare=True)
    return {(TenantId(tenant), call) for tenant, call in await found.fetchall()}


_COMPLETE = """
with done as (
    select known.tenant, known.call, told.digest
    from unnest(%s::text[], %s::text[], %s::text[]) as told (tenant, call, digest)
        join timeline.calls known using (tenant, call)
    where known.completed_at is null
    order by known.tenant, known.call for update of known
)
update timeline.calls as known set completed_at = now(), digest = done.digest
from done where known.tenant = done.tenant and known.call = done.call
returning known.tenant, known.call
"""
