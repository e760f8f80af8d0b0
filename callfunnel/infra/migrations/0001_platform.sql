-- The schemas of all features, who may use them, and what the platform itself knows: which tenants
-- there are and whose number is whose. Runs as cf_owner; the roles exist already (infra/roles.py).

create schema if not exists timeline;
create schema if not exists recordings;
create schema if not exists settlement;
create schema if not exists metering;
create schema if not exists rulebooks;
create schema if not exists tools;
create schema if not exists approvals;
create schema if not exists api;

grant usage on schema platform to cf_gateway, cf_conductor, cf_persistence, cf_billing;
grant usage on schema timeline, recordings, settlement to cf_persistence;
grant usage on schema metering to cf_billing;
grant usage on schema rulebooks, tools, approvals to cf_conductor;
grant usage on schema api to cf_gateway;

-- Published read-only views: the gateway reads these and nothing else.
alter default privileges in schema api grant select on tables to cf_gateway;

-- Makes a table with a `tenant` column the tenants' own: a row is seen and written only by a
-- transaction that named its tenant, also by the table's owner; `roles` may use it.
create function platform.isolate(target regclass, variadic roles text[] default '{}') returns void
language plpgsql set search_path = pg_catalog as $$
declare
    role text;
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format(
        'create policy tenant_isolation on %s'
        ' using (tenant = current_setting(''callfunnel.tenant'', true))'
        ' with check (tenant = current_setting(''callfunnel.tenant'', true))', target);
    foreach role in array roles loop
        execute format('grant select, insert, update, delete on %s to %I', target, role);
    end loop;
end $$;
revoke all on function platform.isolate(regclass, text[]) from public;

create table platform.tenants (
    tenant text primary key check (tenant ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    name text not null,
    call_limit integer not null check (call_limit between 0 and 100000),
    suspended boolean not null default false,
    created_at timestamptz not null default now()
);

create table platform.numbers (
    number text primary key check (number ~ '^\+[1-9][0-9]{6,14}$'),
    tenant text not null references platform.tenants (tenant),
    agent text not null check (agent ~ '^[a-z0-9][a-z0-9-]{0,63}$')
);
create index on platform.numbers (tenant);

select platform.isolate('platform.tenants');
select platform.isolate('platform.numbers');
grant select on platform.tenants, platform.numbers to cf_gateway, cf_conductor;

-- A number must be looked up before its tenant is known, and seeding writes for a tenant that is
-- not there yet: the owner alone passes, which is who the functions below run as. Views over these
-- two tables are therefore `security_invoker`, so that they show a reader its own rows only.
create policy owner_passes on platform.tenants to cf_owner using (true) with check (true);
create policy owner_passes on platform.numbers to cf_owner using (true) with check (true);

create view api.tenants with (security_invoker = true) as
    select tenant, name, call_limit, suspended, created_at from platform.tenants;
create view api.numbers with (security_invoker = true) as
    select number, tenant, agent from platform.numbers;

-- Whose call is it? No row: the number is unknown or its tenant is suspended.
create function platform.route_number(
    asked text, out tenant text, out agent text, out call_limit integer
) returns setof record
language sql stable security definer set search_path = pg_catalog as $$
    select n.tenant, n.agent, t.call_limit
    from platform.numbers n join platform.tenants t using (tenant)
    where n.number = asked and not t.suspended
$$;
revoke all on function platform.route_number(text) from public;
grant execute on function platform.route_number(text) to cf_gateway, cf_conductor;

-- The names of all tenants, for work that is done tenant by tenant.
create function platform.tenant_ids() returns setof text
language sql stable security definer set search_path = pg_catalog as $$
    select tenant from platform.tenants order by tenant
$$;
revoke all on function platform.tenant_ids() from public;
grant execute on function platform.tenant_ids()
    to cf_gateway, cf_conductor, cf_persistence, cf_billing;
