"""Rows of usage, sums and bills. Every function serves one tenant.

Usage and everything it counts in is one statement: what the insert did not take is not counted.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.domain.usage import Bill, Used
from callfunnel.infra.postgres import Connection
from workers.billing.metering.rules import Collected, Ended, UsageRow


async def add(
    tenant: TenantId, connection: Connection, usage: Sequence[UsageRow]
) -> list[Collected]:
    """Stores usage records; returns what has come of the calls they are about."""
    batch = msgspec.json.encode(usage).decode()
    found = await connection.execute(_ADD, {"tenant": tenant, "batch": batch}, prepare=True)
    return [Collected(*row) for row in await found.fetchall()]


async def end(
    tenant: TenantId, connection: Connection, ends: Sequence[dict[str, Any]], grace_s: float
) -> list[Collected]:
    """Notes ended calls: `call`, `expected`, `at`; starts their deadline."""
    values = {"tenant": tenant, "batch": msgspec.json.encode(ends).decode(), "grace_s": grace_s}
    found = await connection.execute(_END, values, prepare=True)
    return [Collected(*row) for row in await found.fetchall()]


async def recorded(
    tenant: TenantId, connection: Connection, calls: Sequence[str]
) -> list[Collected]:
    """Notes that the recordings of these calls are told."""
    found = await connection.execute(_RECORDED, (tenant, sorted(set(calls))), prepare=True)
    return [Collected(*row) for row in await found.fetchall()]


async def claim(tenant: TenantId, connection: Connection, call: str) -> Ended | None:
    """Locks a call until the transaction ends; None for one that has not ended."""
    found = await (await connection.execute(_CLAIM, (tenant, call))).fetchone()
    return Ended(*found) if found else None


async def overdue(tenant: TenantId, connection: Connection, limit: int) -> list[str]:
    """Calls whose deadline has passed and that nobody else is rating."""
    found = await connection.execute(_OVERDUE, (tenant, limit))
    return [row[0] for row in await found.fetchall()]


async def unbilled(tenant: TenantId, connection: Connection, call: str) -> list[Used]:
    """What the call used beyond what is on its bill."""
    found = await connection.execute(_UNBILLED, {"tenant": tenant, "call": call})
    return [Used(*row) for row in await found.fetchall()]


async def bill(
    tenant: TenantId, connection: Connection, call: str, number: int, bill: Bill
) -> None:
    """Appends the lines of a bill, and marks the call as rated once more."""
    lines = [
        {
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
        for line in bill.lines
    ]
    values = {
        "tenant": tenant,
        "call": call,
        "round": number,
        "currency": bill.currency,
        "book": bill.price_book,
        "lines": msgspec.json.encode(lines).decode(),
    }
    await connection.execute(_BILL, values)


_ADD = """
with batch as (
    select distinct on (id) * from jsonb_to_recordset(%(batch)s::text::jsonb) as used (
        id text, call text, meter text, quantity bigint, unit text, provider text, model text,
        source text, record text, at timestamptz, told boolean)
), stored as (
    insert into metering.usage (
        tenant, id, call, meter, quantity, unit, provider, model, source, record, at)
    select %(tenant)s, id, call, meter, quantity, unit, provider, model, source, record, at
    from batch order by id
    on conflict do nothing
    returning id, call, meter, quantity, unit, provider, model, at
), totals as (
    insert into metering.totals as known (
        tenant, day, meter, unit, provider, model, quantity, records)
    select %(tenant)s, (at at time zone 'utc')::date as day, meter, unit, provider, model,
        sum(quantity), count(*)
    from stored group by day, meter, unit, provider, model
    order by day, meter, unit, provider, model
    on conflict (tenant, day, meter, unit, provider, model) do update set
        quantity = known.quantity + excluded.quantity,
        records = known.records + excluded.records
)
insert into metering.calls as known (tenant, call, arrived)
select %(tenant)s, stored.call, count(*) filter (where batch.told)
from stored join batch on batch.id = stored.id
group by stored.call order by stored.call
on conflict (tenant, call) do update set arrived = known.arrived + excluded.arrived
returning call, expected, arrived, recording_told, rounds
"""
_END = """
with batch as (
    select distinct on (call) * from jsonb_to_recordset(%(batch)s::text::jsonb)
        as ended (call text, expected integer, at timestamptz, traceparent text)
), calls as (
    insert into metering.calls as known (tenant, call, expected, ended_at, traceparent)
    select %(tenant)s, call, expected, at, traceparent from batch order by call
    on conflict (tenant, call) do update set
        expected = coalesce(known.expected, excluded.expected),
        ended_at = coalesce(known.ended_at, excluded.ended_at),
        traceparent = excluded.traceparent
    returning call, expected, arrived, recording_told, rounds
), deadlines as (
    insert into metering.deadlines (tenant, call, due_at)
    select %(tenant)s, call, now() + make_interval(secs => %(grace_s)s) from calls
    where rounds = 0
    on conflict do nothing
)
select call, expected, arrived, recording_told, rounds from calls
"""
_RECORDED = """
insert into metering.calls as known (tenant, call, recording_told)
select %s, unnest(%s::text[]), true
on conflict (tenant, call) do update set recording_told = true
returning call, expected, arrived, recording_told, rounds
"""
_CLAIM = """
select rounds, (ended_at at time zone 'utc')::date, traceparent from metering.calls
where tenant = %s and call = %s and ended_at is not null for update
"""
_OVERDUE = """
select c.call from metering.calls c join metering.deadlines d using (tenant, call)
where c.tenant = %s and d.due_at <= now()
order by c.call limit %s for update of c skip locked
"""
_UNBILLED = """
with used as (
    select meter, provider, model, unit, sum(quantity) as quantity, count(*) as records
    from metering.usage where tenant = %(tenant)s and call = %(call)s
    group by meter, provider, model, unit
), billed as (
    select meter, provider, model, unit, sum(quantity) as quantity, sum(records) as records
    from metering.bill_lines where tenant = %(tenant)s and call = %(call)s
    group by meter, provider, model, unit
)
select meter, provider, model, unit,
    (used.quantity - coalesce(billed.quantity, 0))::bigint,
    (used.records - coalesce(billed.records, 0))::integer
from used left join billed using (meter, provider, model, unit)
where used.records > coalesce(billed.records, 0)
"""
_BILL = """
with lines as (
    insert into metering.bill_lines (
        tenant, call, line, round, meter, provider, model, unit, quantity, records,
        price_micros, per, amount_micros, currency, price_book, explanation)
    select %(tenant)s, %(call)s,
        (select coalesce(max(line), 0) from metering.bill_lines
            where tenant = %(tenant)s and call = %(call)s) + told.line,
        %(round)s, meter, provider, model, unit, quantity, records,
        price_micros, per, amount_micros, %(currency)s, %(book)s, explanation
    from rows from (
        jsonb_to_recordset(%(lines)s::text::jsonb) as (
            meter text, provider text, model text, unit text, quantity bigint, records integer,
            price_micros bigint, per bigint, amount_micros bigint, explanation text)
    ) with ordinality as told (
        meter, provider, model, unit, quantity, records, price_micros, per, amount_micros,
        explanation, line)
), deadline as (
    delete from metering.deadlines where tenant = %(tenant)s and call = %(call)s
)
update metering.calls set rounds = %(round)s, rated_at = now()
where tenant = %(tenant)s and call = %(call)s
"""
