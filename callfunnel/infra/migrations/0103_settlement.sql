-- Settlement: what each call's record waits for, and the sealed record.
-- The four parts are the facts as they came; `canonical` is the sealed text that `digest` is the
-- SHA-256 of. Nothing changes a sealed record: a part that comes later is kept beside it.

create table settlement.records (
    tenant text not null,
    call text not null,
    ended jsonb,
    timeline jsonb,
    recording jsonb,
    rated jsonb,
    traceparent text not null default '',
    canonical text,
    digest text,
    missing text[],
    sealed_at timestamptz,
    primary key (tenant, call),
    check ((sealed_at is null) = (canonical is null) and (sealed_at is null) = (digest is null))
);

select platform.isolate('settlement.records', 'cf_persistence');
select platform.add_outbox('settlement', 'cf_persistence');
select platform.add_deadlines('settlement', 'cf_persistence');

create view api.records as
    select tenant, call, canonical, canonical::jsonb as record, digest, missing, sealed_at,
        array_remove(array[
            case when 'timeline' = any (missing) and timeline is not null then 'timeline' end,
            case when 'recording' = any (missing) and recording is not null then 'recording' end,
            case when 'usage' = any (missing) and rated is not null then 'usage' end
        ], null) as came_late
    from settlement.records
    where sealed_at is not null;
