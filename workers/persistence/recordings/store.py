"""Rows of recordings and of the calls that wait for theirs."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.events.settled import RecordingStored
from callfunnel.infra.postgres import Connection
from workers.persistence.recordings.rules import Waiting


async def wait(ends: Mapping[TenantId, Sequence[dict[str, Any]]], connection: Connection) -> None:
    """Notes ended calls: `call`, `segments`, `duration_ms`, `traceparent`. Known ones stay.

    For a batch: the transaction has named its tenants.
    """
    batch = msgspec.json.encode(ends).decode()
    await connection.execute(_WAIT, {"batch": batch}, prepare=True)


async def claim(
    tenant: TenantId, connection: Connection, lease_s: float, limit: int
) -> list[Waiting]:
    """Calls that are due, left alone by everyone else for `lease_s`."""
    values = {"tenant": tenant, "lease_s": lease_s, "limit": limit}
    found = await connection.execute(_CLAIM, values, prepare=True)
    return [Waiting(*row) for row in await found.fetchall()]


async def postpone(
    tenant: TenantId, connection: Connection, call: str, in_s: float, *, failed: bool
) -> None:
    """Looks at the call again later; `failed` counts a try."""
    values = {"tenant": tenant, "call": call, "in_s": in_s, "failed": int(failed)}
    await connection.execute(_POSTPONE, values)


async def save(
    tenant: TenantId, connection: Connection, call: str, recording: RecordingStored
) -> bool:
    """The recording's row; what is there already stays, and the answer is False."""
    values = msgspec.structs.asdict(recording) | {"tenant": tenant, "call": call}
    return (await connection.execute(_SAVE, values)).rowcount == 1


async def is_stored(tenant: TenantId, connection: Connection, call: str) -> bool:
    """Whether the recording's row is committed."""
    found = await connection.execute(_IS_STORED, (tenant, call))
    return await found.fetchone() is not None


async def done(tenant: TenantId, connection: Connection, call: str) -> None:
    """Nothing of the call is left to do."""
    await connection.execute(_DONE, {"tenant": tenant, "call": call})


_WAIT = """
with batch as (
    select key as tenant, ended.*
    from jsonb_each(%(batch)s::text::jsonb), jsonb_to_recordset(value)
        as ended (call text, segments integer, duration_ms integer, traceparent text)
), waiting as (
    insert into recordings.waiting (tenant, call, segments, duration_ms, traceparent)
    select tenant, call, segments, duration_ms, traceparent from batch
    where not exists (select from recordings.recordings r
        where r.tenant = batch.tenant and r.call = batch.call)
    order by tenant, call
    on conflict do nothing
    returning tenant, call
)
insert into recordings.deadlines (tenant, call, due_at)
select tenant, call, now() from waiting
on conflict do nothing
"""
_CLAIM = """
with due as (
    select call from recordings.deadlines
    where tenant = %(tenant)s and due_at <= now()
    order by due_at limit %(limit)s for update skip locked
), leased as (
    update recordings.deadlines d set due_at = now() + make_interval(secs => %(lease_s)s)
    from due where d.tenant = %(tenant)s and d.call = due.call
    returning d.call
)
select w.call, w.segments, w.duration_ms, w.traceparent,
    extract(epoch from now() - w.since)::float8, w.tries
from leased join recordings.waiting w on w.tenant = %(tenant)s and w.call = leased.call
"""
_POSTPONE = """
with later as (
    update recordings.waiting set tries = tries + %(failed)s
    where tenant = %(tenant)s and call = %(call)s
)
update recordings.deadlines set due_at = now() + make_interval(secs => %(in_s)s)
where tenant = %(tenant)s and call = %(call)s
"""
_SAVE = """
insert into recordings.recordings (
    tenant, call, object_key, codec, duration_ms, size, sha256, segments, missing_segments)
values (%(tenant)s, %(call)s, %(object_key)s, %(codec)s, %(duration_ms)s, %(size)s, %(sha256)s,
    %(segments)s, %(missing_segments)s)
on conflict do nothing
"""
_IS_STORED = "select 1 from recordings.recordings where tenant = %s and call = %s"
_DONE = """
with gone as (
    delete from recordings.deadlines where tenant = %(tenant)s and call = %(call)s
)
delete from recordings.waiting where tenant = %(tenant)s and call = %(call)s
"""
