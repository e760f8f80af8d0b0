-- Timeline: every redacted fact of every call, and one row a call that sums them up.
-- Facts arrive in any order and more than once: (tenant, call, id) makes a second one harmless,
-- `seq` orders them on reading, and each fact fills only its own columns of the call.

create table timeline.events (
    tenant text not null,
    call text not null,
    id text not null,
    seq integer,
    type text not null,
    at timestamptz not null,
    data jsonb not null,
    traceparent text not null default '',
    stored_at timestamptz not null default now(),
    primary key (tenant, call, id)
);
create index events_by_seq on timeline.events (tenant, call, seq);

create table timeline.calls (
    tenant text not null,
    call text not null,
    direction text,
    channel text,
    caller text,
    callee text,
    agent text,
    rulebook_version integer,
    offered_at timestamptz,
    connected_at timestamptz,
    ended_at timestamptz,
    cause text,
    ended_by text,
    answered boolean,
    duration_ms integer,
    last_seq integer,
    completed_at timestamptz,
    digest text,
    recording_ms integer,
    amount_micros bigint,
    currency text,
    settled_at timestamptz,
    missing text[],
    first_at timestamptz not null,
    primary key (tenant, call)
);
create index calls_by_caller on timeline.calls (tenant, caller, call);

select platform.isolate('timeline.events', 'cf_persistence');
select platform.isolate('timeline.calls', 'cf_persistence');
select platform.add_outbox('timeline', 'cf_persistence');

-- One row a call. Call ids are ordered in time: `order by call desc` is newest first.
create view api.calls as
    select tenant, call,
        case
            when settled_at is not null then 'settled'
            when ended_at is not null then 'ended'
            when connected_at is not null then 'connected'
            else 'offered'
        end as state,
        coalesce(offered_at, first_at) as started_at,
        connected_at, ended_at, cause, ended_by, answered, direction, channel,
        caller as "from", callee as "to", agent, rulebook_version, duration_ms,
        completed_at is not null as timeline_complete, last_seq, digest as timeline_digest,
        recording_ms, settled_at is not null as settled, settled_at, missing,
        amount_micros, currency
    from timeline.calls;

-- The facts of a call, `order by seq nulls last, at, id`. `late` is a fact beyond the end: its
-- writer was given up as lost and spoke after all.
create view api.timeline as
    select e.tenant, e.call, e.id, e.seq, e.type, split_part(e.type, '.', 3) as name, e.at,
        e.data, e.stored_at, c.caller as customer,
        coalesce(e.seq > c.last_seq and e.type <> 'callfunnel.call.ended.v1', false) as late
    from timeline.events e join timeline.calls c using (tenant, call);
