-- Metering: usage as it was told, its sums, and the bill of each call. Integers only.
-- A usage record and the sums it counts in are written by one statement, so a record that comes
-- twice counts once. Bill lines are written once, at rating; usage that comes later adds lines.

create table metering.usage (
    tenant text not null,
    id text not null,
    call text not null,
    meter text not null,
    quantity bigint not null check (quantity >= 0),
    unit text not null,
    provider text not null,
    model text not null,
    source text not null,
    record text not null,
    at timestamptz not null,
    stored_at timestamptz not null default now(),
    primary key (tenant, id)
);
create index usage_by_call on metering.usage (tenant, call);

create table metering.totals (
    tenant text not null,
    day date not null,
    meter text not null,
    unit text not null,
    provider text not null,
    model text not null,
    quantity bigint not null,
    records bigint not null,
    primary key (tenant, day, meter, unit, provider, model)
);

-- `expected` is how many usage records the call's writer sent, -1 where nobody can know;
-- null until the call's end is told. `rounds` counts how often the call was rated.
create table metering.calls (
    tenant text not null,
    call text not null,
    arrived integer not null default 0,
    expected integer,
    recording_told boolean not null default false,
    ended_at timestamptz,
    traceparent text not null default '',
    rounds integer not null default 0,
    rated_at timestamptz,
    primary key (tenant, call)
);

create table metering.bill_lines (
    tenant text not null,
    call text not null,
    line integer not null,
    round integer not null,
    meter text not null,
    provider text not null,
    model text not null,
    unit text not null,
    quantity bigint not null,
    records integer not null,
    price_micros bigint,
    per bigint,
    amount_micros bigint not null,
    currency text not null,
    price_book text not null,
    explanation text not null,
    rated_at timestamptz not null default now(),
    primary key (tenant, call, line)
);

select platform.isolate('metering.usage', 'cf_billing');
select platform.isolate('metering.totals', 'cf_billing');
select platform.isolate('metering.calls', 'cf_billing');
select platform.isolate('metering.bill_lines', 'cf_billing');
select platform.add_outbox('metering', 'cf_billing');
select platform.add_deadlines('metering', 'cf_billing');

create view api.usage as
    select tenant, id, call, meter, quantity, unit, provider, model, source, record, at
    from metering.usage;

create view api.usage_totals as
    select tenant, day, meter, unit, provider, model, quantity, records from metering.totals;

create view api.bill_lines as
    select tenant, call, line, meter, provider, model, unit, quantity, records, price_micros, per,
        amount_micros, currency, price_book, explanation, rated_at
    from metering.bill_lines;
