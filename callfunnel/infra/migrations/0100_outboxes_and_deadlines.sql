-- Two mechanisms that several features share, one table per schema each.
--
-- An outbox holds what a transaction promised to tell the bus; a deadline is the moment at which a
-- feature stops waiting for a call. Their tables are the tenants' own like any other; whoever
-- looks after all tenants asks a function which of them have something due, then goes tenant by
-- tenant. The functions run as the owner, who alone passes, and tell no more than that.

create function platform.add_outbox(schema text, role text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
    execute format($sql$
        create table %1$I.outbox (
            tenant text not null,
            id text not null,
            n bigint generated always as identity,
            subject text not null,
            headers jsonb not null,
            body bytea not null,
            created_at timestamptz not null default now(),
            primary key (tenant, id)
        )$sql$, schema);
    perform platform.isolate(format('%I.outbox', schema)::regclass, role);
    execute format(
        'create policy owner_passes on %I.outbox for select to cf_owner using (true)', schema);
    execute format($sql$
        create function %1$I.outbox_tenants() returns setof text
        language sql stable security definer set search_path = pg_catalog as
        'select distinct tenant from %1$I.outbox'$sql$, schema);
    execute format('revoke all on function %I.outbox_tenants() from public', schema);
    execute format('grant execute on function %I.outbox_tenants() to %I', schema, role);
end $$;
revoke all on function platform.add_outbox(text, text) from public;

create function platform.add_deadlines(schema text, role text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
    execute format($sql$
        create table %1$I.deadlines (
            tenant text not null,
            call text not null,
            due_at timestamptz not null,
            primary key (tenant, call)
        )$sql$, schema);
    execute format('create index on %I.deadlines (due_at)', schema);
    perform platform.isolate(format('%I.deadlines', schema)::regclass, role);
    execute format(
        'create policy owner_passes on %I.deadlines for select to cf_owner using (true)', schema);
    execute format($sql$
        create function %1$I.due_tenants(out tenant text, out due_at timestamptz)
        returns setof record
        language sql stable security definer set search_path = pg_catalog as
        'select tenant, min(due_at) from %1$I.deadlines group by tenant order by 2 limit 1000'
        $sql$, schema);
    execute format('revoke all on function %I.due_tenants() from public', schema);
    execute format('grant execute on function %I.due_tenants() to %I', schema, role);
end $$;
revoke all on function platform.add_deadlines(text, text) from public;
