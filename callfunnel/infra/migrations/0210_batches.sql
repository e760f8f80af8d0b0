-- A batch from the bus holds messages of many tenants; one transaction for each of them costs 0.3 ms,
-- which at a thousand tenants is most of what a consumer does. A consumer's transaction may name all
-- tenants of its batch: it then sees and writes their rows and no other, held by the same row-level
-- security. Only the roles that consume batches may; for everybody else one tenant stays one tenant.

create function platform.named_tenants() returns setof text
language sql stable set search_path = pg_catalog as
    $$ select unnest(string_to_array(current_setting('callfunnel.tenants', true), ',')) $$;
revoke all on function platform.named_tenants() from public;
grant execute on function platform.named_tenants() to cf_conductor, cf_persistence, cf_billing;

create function platform.isolate_batches(target regclass, role text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
    -- The subquery is evaluated once a statement, not once a row.
    execute format(
        'create policy tenants_of_the_batch on %1$s to %2$I'
        ' using (tenant in (select platform.named_tenants()))'
        ' with check (tenant in (select platform.named_tenants()))', target, role);
end $$;
revoke all on function platform.isolate_batches(regclass, text) from public;

select platform.isolate_batches(name::regclass, 'cf_persistence') from unnest(array[
    'timeline.events', 'timeline.calls', 'timeline.outbox',
    'recordings.recordings', 'recordings.waiting', 'recordings.deadlines', 'recordings.outbox',
    'settlement.records', 'settlement.deadlines', 'settlement.outbox'
]) as name;
select platform.isolate_batches(name::regclass, 'cf_billing') from unnest(array[
    'metering.usage', 'metering.totals', 'metering.calls', 'metering.bill_lines',
    'metering.deadlines', 'metering.outbox'
]) as name;
select platform.isolate_batches('approvals.outbox', 'cf_conductor');
