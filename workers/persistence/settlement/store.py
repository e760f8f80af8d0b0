"""Rows of records. Every function serves one tenant.

Records are locked before deadlines, and both in the order of their calls.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.infra.postgres import Connection
from workers.persistence.settlement.rules import Parts, Sealed


async def add(
    tenant: TenantId, connection: Connection, told: Sequence[dict[str, Any]], deadline_s: float
) -> list[Parts]:
    """Notes parts (`call`, `part`, `data`, `traceparent`); returns records that have all four.

    The end of a call starts its deadline. The returned records are locked and unsealed.
    """
    batch = msgspec.json.encode(told).decode()
    values = {"tenant": tenant, "batch": batch, "deadline_s": deadline_s}
    found = await connection.execute(_ADD, values, prepare=True)
    return [Parts(*row) for row in await found.fetchall()]


async def overdue(tenant: TenantId, connection: Connection, limit: int) -> list[Parts]:
    """Records whose deadline has passed, locked; not those that another process is sealing."""
    found = await connection.execute(_OVERDUE, (tenant, limit))
    return [Parts(*row) for row in await found.fetchall()]


async def seal(
    tenant: TenantId, connection: Connection, call: str, record: Sealed, sealed_at: str
) -> None:
    """Seals a locked record for good."""
    values = {
        "tenant": tenant,
        "call": call,
        "canonical": record.canonical,
        "digest": record.digest,
        "missing": list(record.missing),
        "sealed_at": sealed_at,
    }
    await connection.execute(_SEAL, values)


_ADD = """
with batch as (
    select call,
        (array_agg(data) filter (where part = 'ended'))[1] as ended,
        (array_agg(data) filter (where part = 'timeline'))[1] as timeline,
        (array_agg(data) filter (where part = 'recording'))[1] as recording,
        (array_agg(data) filter (where part = 'rated'))[1] as rated,
        coalesce(max(traceparent) filter (where part = 'ended'), '') as traceparent
    from jsonb_to_recordset(%(batch)s::text::jsonb)
        as told (call text, part text, data jsonb, traceparent text)
    group by call
), records as (
    insert into settlement.records as known (
        tenant, call, ended, timeline, recording, rated, traceparent)
    select %(tenant)s, call, ended, timeline, recording, rated, traceparent
    from batch order by call
    on conflict (tenant, call) do update set
        ended = coalesce(known.ended, excluded.ended),
        timeline = coalesce(known.timeline, excluded.timeline),
        recording = coalesce(known.recording, excluded.recording),
        rated = coalesce(known.rated, excluded.rated),
        traceparent = coalesce(nullif(known.traceparent, ''), excluded.traceparent)
    returning call, ended, timeline, recording, rated, traceparent, sealed_at
), deadlines as (
    insert into settlement.deadlines (tenant, call, due_at)
    select %(tenant)s, call, now() + make_interval(secs => %(deadline_s)s) from records
    where ended is not null and sealed_at is null
    on conflict do nothing
)
select call, ended, timeline, recording, rated, traceparent from records
where sealed_at is null and ended is not null and timeline is not null
    and recording is not null and rated is not null
order by call
"""
_OVERDUE = """
select r.call, r.ended, r.timeline, r.recording, r.rated, r.traceparent
from settlement.records r join settlement.deadlines d using (tenant, call)
where r.tenant = %s and d.due_at <= now() and r.sealed_at is null and r.ended is not null
order by r.call limit %s for update of r skip locked
"""
_SEAL = """
with deadline as (
    delete from settlement.deadlines where tenant = %(tenant)s and call = %(call)s
)
update settlement.records
set canonical = %(canonical)s, digest = %(digest)s, missing = %(missing)s,
    sealed_at = %(sealed_at)s::timestamptz
where tenant = %(tenant)s and call = %(call)s and sealed_at is null
"""
