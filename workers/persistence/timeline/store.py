"""Rows of the timeline, for a batch at a time: the transaction has named its tenants.

A batch is one statement with one jsonb object, tenant to facts; facts that are there already
change nothing. The row of a call is locked by that statement, in the order of tenants and calls,
so of two processes that store the last two missing facts of a call one sees both.
"""

from collections.abc import Mapping, Sequence

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.infra.postgres import Connection
from workers.persistence.timeline.rules import Row

Place = tuple[TenantId, str]
"""A call, and whose it is."""


async def store(rows: Mapping[TenantId, Sequence[Row]], connection: Connection) -> list[Place]:
    """Stores facts; returns the calls among them that have ended and are not complete yet."""
    batch = msgspec.json.encode(rows).decode()
    found = await connection.execute(_STORE, {"batch": batch}, prepare=True)
    return [(TenantId(tenant), call) for tenant, call in await found.fetchall()]


async def facts(
    calls: Sequence[tuple[TenantId, str]], connection: Connection
) -> dict[Place, list[Row]]:
    """The facts of each call as stored, in no order."""
    wanted = ([tenant for tenant, _ in calls], [call for _, call in calls])
    found = await connection.execute(_FACTS, wanted, prepare=True)
    stored: dict[Place, list[Row]] = {place: [] for place in calls}
    async for tenant, call, id, seq, type, at, data, traceparent in found:
        row = Row(call, id, seq, type, at, msgspec.json.decode(data), traceparent)
        stored[tenant, call].append(row)
    return stored


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


_STORE = """
with batch as (
    select told.key as tenant, fact.*
    from jsonb_each(%(batch)s::text::jsonb) as told, jsonb_to_recordset(told.value) as fact (
        call text, id text, seq integer, type text, at timestamptz, data jsonb, traceparent text)
), stored as (
    insert into timeline.events (tenant, call, id, seq, type, at, data, traceparent)
    select tenant, call, id, seq, type, at, data, traceparent from batch
    order by tenant, call, id
    on conflict do nothing
    returning tenant, call, type, at, data
), news as (
    select tenant, call, min(at) as first_at,
        max(data->>'direction') filter (where type = 'callfunnel.call.offered.v1') as direction,
        max(data->>'channel') filter (where type = 'callfunnel.call.offered.v1') as channel,
        max(data->>'caller') filter (where type = 'callfunnel.call.offered.v1') as caller,
        max(data->>'callee') filter (where type = 'callfunnel.call.offered.v1') as callee,
        max(data->>'agent') filter (where type = 'callfunnel.call.offered.v1') as agent,
        min(at) filter (where type = 'callfunnel.call.offered.v1') as offered_at,
        min(at) filter (where type = 'callfunnel.call.connected.v1') as connected_at,
        max((data->>'rulebook_version')::integer)
            filter (where type = 'callfunnel.call.connected.v1') as rulebook_version,
        max(at) filter (where type = 'callfunnel.call.ended.v1') as ended_at,
        max(data->>'cause') filter (where type = 'callfunnel.call.ended.v1') as cause,
        max(data->>'by') filter (where type = 'callfunnel.call.ended.v1') as ended_by,
        bool_or((data->>'answered')::boolean)
            filter (where type = 'callfunnel.call.ended.v1') as answered,
        max((data->>'duration_ms')::integer)
            filter (where type = 'callfunnel.call.ended.v1') as duration_ms,
        max((data->>'last_seq')::integer)
            filter (where type = 'callfunnel.call.ended.v1') as last_seq,
        max((data->>'duration_ms')::integer)
            filter (where type = 'callfunnel.call.recording_stored.v1'
                and data->>'object_key' <> '') as recording_ms,
        max((data->>'amount_micros')::bigint)
            filter (where type = 'callfunnel.call.rated.v1') as amount_micros,
        max(data->>'currency') filter (where type = 'callfunnel.call.rated.v1') as currency,
        max((data->>'sealed_at')::timestamptz)
            filter (where type = 'callfunnel.call.settled.v1') as settled_at,
        max((data->>'missing')::text)
            filter (where type = 'callfunnel.call.settled.v1') as missing
    from stored group by tenant, call
), calls as (
    insert into timeline.calls as known (
        tenant, call, first_at, direction, channel, caller, callee, agent, offered_at,
        connected_at, rulebook_version, ended_at, cause, ended_by, answered, duration_ms,
        last_seq, recording_ms, amount_micros, currency, settled_at, missing)
    select tenant, call, first_at, direction, channel, caller, callee, agent, offered_at,
        connected_at, rulebook_version, ended_at, cause, ended_by, answered, duration_ms,
        last_seq, recording_ms, amount_micros, currency, settled_at,
        case when missing is not null
            then array(select jsonb_array_elements_text(missing::jsonb)) end
    from news order by tenant, call
    on conflict (tenant, call) do update set
        first_at = least(known.first_at, excluded.first_at),
        direction = coalesce(known.direction, excluded.direction),
        channel = coalesce(known.channel, excluded.channel),
        caller = coalesce(known.caller, excluded.caller),
        callee = coalesce(known.callee, excluded.callee),
        agent = coalesce(known.agent, excluded.agent),
        offered_at = coalesce(known.offered_at, excluded.offered_at),
        connected_at = coalesce(known.connected_at, excluded.connected_at),
        rulebook_version = coalesce(known.rulebook_version, excluded.rulebook_version),
        ended_at = coalesce(known.ended_at, excluded.ended_at),
        cause = coalesce(known.cause, excluded.cause),
        ended_by = coalesce(known.ended_by, excluded.ended_by),
        answered = coalesce(known.answered, excluded.answered),
        duration_ms = coalesce(known.duration_ms, excluded.duration_ms),
        last_seq = coalesce(known.last_seq, excluded.last_seq),
        recording_ms = coalesce(known.recording_ms, excluded.recording_ms),
        amount_micros = coalesce(known.amount_micros, excluded.amount_micros),
        currency = coalesce(known.currency, excluded.currency),
        settled_at = coalesce(known.settled_at, excluded.settled_at),
        missing = coalesce(known.missing, excluded.missing)
    returning tenant, call, last_seq, completed_at
)
select tenant, call from calls where last_seq is not null and completed_at is null
"""
_FACTS = """
select tenant, call, id, seq, type,
    to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), data::text, traceparent
from unnest(%s::text[], %s::text[]) as wanted (tenant, call) join timeline.events
    using (tenant, call)
"""
_COMPLETE = """
update timeline.calls as known set completed_at = now(), digest = done.digest
from unnest(%s::text[], %s::text[], %s::text[]) as done (tenant, call, digest)
where known.tenant = done.tenant and known.call = done.call and known.completed_at is null
returning known.tenant, known.call
"""
