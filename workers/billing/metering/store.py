"""Rows of usage, sums and bills, for a batch at a time: the transaction has named its tenants.

Usage and everything it counts in is one statement: what the insert did not take is not counted.
Calls are locked in the order of tenants and calls, all that a batch is about at once, so no two
batches wait for each other.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.domain.usage import Bill, Used
from callfunnel.infra.postgres import Connection
from workers.billing.metering.rules import UNKNOWN_GRACE_S, Collected, Ended, UsageRow

Place = tuple[TenantId, str]
"""A call, and whose it is."""


async def add(
    usage: Mapping[TenantId, Sequence[UsageRow]], connection: Connection
) -> list[Collected]:
    """Stores usage records; returns what has come of the calls they are about."""
    values = {"batch": msgspec.json.encode(usage).decode()}
    found = await connection.execute(_ADD, values, prepare=True)
    return [Collected(*row) for row in await found.fetchall()]


async def close(
    ends: Mapping[TenantId, Sequence[dict[str, Any]]],
    recorded: Sequence[tuple[TenantId, str]],
    connection: Connection,
    grace_s: float,
) -> list[Collected]:
    """Notes ended calls (`call`, `expected`, `at`; starts their deadline, short for -1), and calls
    whose recordings are told; returns what has come of either.
    """
    tenants, calls = _columns(recorded)
    values = {
        "ends": msgspec.json.encode(ends).decode(),
        "tenants": tenants,
        "calls": calls,
        "grace_s": grace_s,
        "unknown_s": min(UNKNOWN_GRACE_S, grace_s),
    }
    found = await connection.execute(_CLOSE, values, prepare=True)
    return [Collected(*row) for row in await found.fetchall()]


async def claim(
    calls: Sequence[tuple[TenantId, str]], connection: Connection
) -> dict[Place, Ended]:
    """Locks the calls among these that have ended, until the transaction ends."""
    found = await connection.execute(_CLAIM, _columns(calls), prepare=True)
    return {(row[0], row[1]): Ended(*row[2:]) for row in await found.fetchall()}


async def overdue(tenant: TenantId, connection: Connection, limit: int) -> list[str]:
    """Calls whose deadline has passed and that nobody else is rating."""
    found = await connection.execute(_OVERDUE, (tenant, limit))
    return [row[0] for row in await found.fetchall()]


async def unbilled(
    calls: Sequence[tuple[TenantId, str]], connection: Connection
) -> dict[Place, list[Used]]:
    """What each call used beyond what is on its bill; nothing for a call that used nothing."""
    found = await connection.execute(_UNBILLED, _columns(calls), prepare=True)
    used: dict[Place, list[Used]] = defaultdict(list)
    for tenant, call, *row in await found.fetchall():
        used[tenant, call].append(Used(*row))
    return used


async def bill(
    bills: Mapping[tuple[TenantId, str], tuple[int, Bill]], connection: Connection
) -> None:
    """Appends the lines of bills, each with its round, and marks the calls as rated once more."""
    told = [
        {
            "tenant": tenant,
            "call": call,
            "round": number,
            "currency": bill.currency,
            "book": bill.price_book,
            "lines": _lines(bill),
        }
        for (tenant, call), (number, bill) in bills.items()
    ]
    await connection.execute(_BILL, {"bills": msgspec.json.encode(told).decode()}, prepare=True)


def _columns(calls: Sequence[Place]) -> tuple[list[str], list[str]]:
    return [tenant for tenant, _ in calls], [call for _, call in calls]


def _lines(bill: Bill) -> list[dict[str, Any]]:
    return [
        {
            "line": n,
            "meter": line.used.meter,
            "provider": line.used.provider,
            "model": line.used.model,
            "unit": line.used.unit,
            "quantity": line.used.quantity,
            "records": line.used.records,
            "price_micros": line.price_micros,
            "per": line.per,
            "amount_micros": line.amount_micros,
            "explanation": line.explanation,
        }
        for n, line in enumerate(bill.lines, 1)
    ]


_ADD = """
with batch as (
    select distinct on (told.key, id) told.key as tenant, used.*
    from jsonb_each(%(batch)s::text::jsonb) as told, jsonb_to_recordset(told.value) as used (
        id text, call text, meter text, quantity bigint, unit text, provider text, model text,
        source text, record text, at timestamptz, told boolean)
), stored as (
    insert into metering.usage (
        tenant, id, call, meter, quantity, unit, provider, model, source, record, at)
    select tenant, id, call, meter, quantity, unit, provider, model, source, record, at
    from batch order by tenant, id
    on conflict do nothing
    returning tenant, id, call, meter, quantity, unit, provider, model, at
), totals as (
    insert into metering.totals as known (
        tenant, day, meter, unit, provider, model, quantity, records)
    select tenant, (at at time zone 'utc')::date as day, meter, unit, provider, model,
        sum(quantity), count(*)
    from stored group by tenant, day, meter, unit, provider, model
    order by tenant, day, meter, unit, provider, model
    on conflict (tenant, day, meter, unit, provider, model) do update set
        quantity = known.quantity + excluded.quantity,
        records = known.records + excluded.records
)
insert into metering.calls as known (tenant, call, arrived)
select tenant, stored.call, count(*) filter (where batch.told)
from stored join batch using (tenant, id)
group by tenant, stored.call order by tenant, stored.call
on conflict (tenant, call) do update set arrived = known.arrived + excluded.arrived
returning tenant, call, expected, arrived, recording_told, rounds
"""
_CLOSE = """
with ended as (
    select distinct on (told.key, call) told.key as tenant, ended.*
    from jsonb_each(%(ends)s::text::jsonb) as told, jsonb_to_recordset(told.value)
        as ended (call text, expected integer, at timestamptz, traceparent text)
), recorded as (
    select distinct tenant, call, true as told
    from unnest(%(tenants)s::text[], %(calls)s::text[]) as told (tenant, call)
), calls as (
    insert into metering.calls as known (
        tenant, call, expected, ended_at, traceparent, recording_told)
    select tenant, call, expected, at, coalesce(traceparent, ''), coalesce(told, false)
    from ended full join recorded using (tenant, call) order by tenant, call
    on conflict (tenant, call) do update set
        expected = coalesce(known.expected, excluded.expected),
        ended_at = coalesce(known.ended_at, excluded.ended_at),
        traceparent = coalesce(nullif(excluded.traceparent, ''), known.traceparent),
        recording_told = known.recording_told or excluded.recording_told
    returning tenant, call, expected, arrived, recording_told, rounds
), deadlines as (
    insert into metering.deadlines (tenant, call, due_at)
    select tenant, call, now() + make_interval(secs =>
        case when calls.expected < 0 then %(unknown_s)s else %(grace_s)s end)
    from calls join ended using (tenant, call)
    where rounds = 0
    on conflict do nothing
)
select tenant, call, expected, arrived, recording_told, rounds from calls
"""
_CLAIM = """
select tenant, call, rounds, (ended_at at time zone 'utc')::date, traceparent
from unnest(%s::text[], %s::text[]) as wanted (tenant, call)
    join metering.calls as known using (tenant, call)
where ended_at is not null order by tenant, call for update of known
"""
_OVERDUE = """
select c.call from metering.calls c join metering.deadlines d using (tenant, call)
where c.tenant = %s and d.due_at <= now()
order by c.call limit %s for update of c skip locked
"""
_UNBILLED = """
with wanted as (
    select * from unnest(%s::text[], %s::text[]) as asked (tenant, call)
), used as (
    select tenant, call, meter, provider, model, unit, sum(quantity) as quantity,
        count(*) as records
    from wanted join metering.usage using (tenant, call)
    group by tenant, call, meter, provider, model, unit
), billed as (
    select tenant, call, meter, provider, model, unit, sum(quantity) as quantity,
        sum(records) as records
    from wanted join metering.bill_lines using (tenant, call)
    group by tenant, call, meter, provider, model, unit
)
select tenant, call, meter, provider, model, unit,
    (used.quantity - coalesce(billed.quantity, 0))::bigint,
    (used.records - coalesce(billed.records, 0))::integer
from used left join billed using (tenant, call, meter, provider, model, unit)
where used.records > coalesce(billed.records, 0)
"""
_BILL = """
with bills as (
    select * from jsonb_to_recordset(%(bills)s::text::jsonb) as bill (
        tenant text, call text, round integer, currency text, book text, lines jsonb)
), lines as (
    insert into metering.bill_lines (
        tenant, call, line, round, meter, provider, model, unit, quantity, records,
        price_micros, per, amount_micros, currency, price_book, explanation)
    select bills.tenant, bills.call,
        (select coalesce(max(line), 0) from metering.bill_lines before
            where before.tenant = bills.tenant and before.call = bills.call) + told.line,
        round, meter, provider, model, unit, quantity, records,
        price_micros, per, amount_micros, currency, book, explanation
    from bills, jsonb_to_recordset(bills.lines) as told (
        line integer, meter text, provider text, model text, unit text, quantity bigint,
        records integer, price_micros bigint, per bigint, amount_micros bigint, explanation text)
), deadline as (
    delete from metering.deadlines due using bills
    where due.tenant = bills.tenant and due.call = bills.call
)
update metering.calls known set rounds = bills.round, rated_at = now()
from bills where known.tenant = bills.tenant and known.call = bills.call
"""
