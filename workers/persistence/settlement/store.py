"""Rows of records, for a batch at a time: the transaction has named its tenants.

Records are locked before deadlines, and both in the order of tenants and calls.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.infra.postgres import Connection
from workers.persistence.settlement.rules import UNKNOWN_DEADLINE_S, Parts, Sealed


async def add(
    told: Mapping[TenantId, Sequence[dict[str, Any]]], connection: Connection, deadline_s: float
) -> list[Parts]:
    """Notes parts (`call`, `part`, `data`, `traceparent`); returns records that have all four.

    The end of a call starts its deadline, which is short when the end counts nothing (-1). The
    returned records are locked and unsealed.
    """
    batch = msgspec.json.encode(told).decode()
    unknown_s = min(UNKNOWN_DEADLINE_S, deadline_s)
    values = {"batch": batch, "deadline_s": deadline_s, "unknown_s": unknown_s}
    found = await connection.execute(_ADD, values, prepare=True)
    return [Parts(*row) for row in await found.fetchall()]


async def overdue(tenant: TenantId, connection: Connection, limit: int) -> list[Parts]:
    """Records whose deadline has passed, locked; not those that another process is sealing."""
    found = await connection.execute(_OVERDUE, (tenant, limit))
    return [Parts(*row) for row in await found.fetchall()]


async def seal(
    records: Mapping[tuple[TenantId, str], Sealed], connection: Connection, sealed_at: str
) -> None:
    """Seals locked records for good."""
    told = [
        {
            "tenant": tenant,
            "call": call,
            "canonical": record.canonical,
            "digest": record.digest,
            "missing": record.missing,
        }
        for (tenant, call), record in records.items()
    ]
    values = {"records": msgspec.json.encode(told).decode(), "sealed_at": sealed_at}
    await connection.execute(_SEAL, values, prepare=True)


_ADD = """
with batch as (
    select key as tenant, call,
        (array_agg(data) filter (where part = 'ended'))[1] as ended,
        (array_agg(data) filter (where part = 'timeline'))[1] as timeline,
        (array_agg(data) filter (where part = 'recording'))[1] as recording,
        (array_agg(data) filter (where part = 'rated'))[1] as rated,
        coalesce(max(traceparent) filter (where part = 'ended'), '') as traceparent
    from jsonb_each(%(batch)s::text::jsonb), jsonb_to_recordset(value)
        as told (call text, part text, data jsonb, traceparent text)
    group by key, call
), records as (
    insert into settlement.records as known (
        tenant, call, ended, timeline, recording, rated, traceparent)
    select tenant, call, ended, timeline, recording, rated, traceparent
    from batch order by tenant, call
    on conflict (tenant, call) do update set
        ended = coalesce(known.ended, excluded.ended),
        timeline = coalesce(known.timeline, excluded.timeline),
        recording = coalesce(known.recording, excluded.recording),
        rated = coalesce(known.rated, excluded.rated),
        traceparent = coalesce(nullif(known.traceparent, ''), excluded.traceparent)
    returning tenant, call, ended, timeline, recording, rated, traceparent, sealed_at
), deadlines as (
    insert into settlement.deadlines (tenant, call, due_at)
    select tenant, call, now() + make_interval(secs => case
        when (ended->>'segments')::integer < 0 then %(unknown_s)s else %(deadline_s)s end)
    from records
    where ended is not null and sealed_at is null
    on conflict do nothing
)
select tenant, call, ended, timeline, recording, rated, traceparent from records
where sealed_at is null and ended is not null and timeline is not null
    and recording is not null and rated is not null
order by tenant, call
"""
_OVERDUE = """
select r.tenant, r.call, r.ended, r.timeline, r.recording, r.rated, r.traceparent
from settlement.records r join settlement.deadlines d using (tenant, call)
where r.tenant = %s and d.due_at <= now() and r.sealed_at is null and r.ended is not null
order by r.call limit %s for update of r skip locked
"""
_SEAL = """
with sealed as (
    select * from jsonb_to_recordset(%(records)s::text::jsonb)
        as told (tenant text, call text, canonical text, digest text, missing text[])
), deadline as (
    delete from settlement.deadlines due using sealed
    where due.tenant = sealed.tenant and due.call = sealed.call
)
update settlement.records known
set canonical = sealed.canonical, digest = sealed.digest, missing = sealed.missing,
    sealed_at = %(sealed_at)s::timestamptz
from sealed
where known.tenant = sealed.tenant and known.call = sealed.call and known.sealed_at is null
"""
