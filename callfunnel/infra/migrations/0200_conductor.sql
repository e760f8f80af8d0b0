-- The conductor: published rule books, what tools did, and approvals.

create table rulebooks.versions (
    tenant text not null,
    agent text not null,
    version integer not null check (version > 0),
    document text not null,
    rulebook jsonb not null,
    digest text not null,
    published_at timestamptz not null default now(),
    published_by text not null,
    primary key (tenant, agent, version)
);
select platform.isolate('rulebooks.versions', 'cf_conductor');

-- What is wrong with an edit of a rule book's file that was not taken; gone with the next good one.
create table rulebooks.problems (
    tenant text not null,
    agent text not null,
    problems jsonb not null,
    noted_at timestamptz not null default now(),
    primary key (tenant, agent)
);
select platform.isolate('rulebooks.problems', 'cf_conductor');

create view api.rulebooks as
    select distinct on (v.tenant, v.agent) v.tenant, v.agent, v.version, v.digest, v.document,
        v.rulebook, v.published_at, v.published_by, coalesce(p.problems, '[]') as problems
    from rulebooks.versions v left join rulebooks.problems p using (tenant, agent)
    order by v.tenant, v.agent, v.version desc;

-- One row is one effect: the key makes it happen once however often a tool call is repeated.
create table tools.effects (
    tenant text not null,
    call text not null,
    tool_call text not null,
    tool text not null,
    kind text not null,
    arguments jsonb not null,
    outcome text not null check (outcome in ('done', 'failed')),
    result jsonb not null,
    at timestamptz not null default now(),
    primary key (tenant, call, tool_call)
);
select platform.isolate('tools.effects', 'cf_conductor');

create table approvals.approvals (
    tenant text not null,
    approval text not null,
    call text not null,
    tool_call text not null,
    tool text not null,
    agent text not null,
    rulebook_version integer not null,
    caller text not null,
    what text not null,
    arguments jsonb not null,
    "limit" text not null,
    state text not null default 'open' check (state in ('open', 'approved', 'refused', 'expired')),
    opened_at timestamptz not null default now(),
    expires_at timestamptz not null,
    decided_at timestamptz,
    decided_by text,
    via text,
    result jsonb,
    traceparent text not null default '',
    primary key (tenant, approval),
    unique (tenant, call, tool_call),
    check ((state = 'open') = (decided_at is null))
);
select platform.isolate('approvals.approvals', 'cf_conductor');
select platform.add_outbox('approvals', 'cf_conductor');
-- The deadlines' column `call` holds the approval.
select platform.add_deadlines('approvals', 'cf_conductor');

create view api.approvals as
    select tenant, approval, call, tool_call, tool, what, arguments, "limit", state, opened_at,
        expires_at, decided_at, decided_by, via
    from approvals.approvals;
