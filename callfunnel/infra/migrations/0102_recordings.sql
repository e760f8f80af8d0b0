-- Recordings: one row a call once its audio is one object in S3. `object_key` is '' for a call
-- that had no audio. The object's full key is `<tenant>/<object_key>`.

create table recordings.recordings (
    tenant text not null,
    call text not null,
    object_key text not null,
    codec text not null,
    duration_ms integer not null check (duration_ms >= 0),
    size bigint not null check (size >= 0),
    sha256 text not null,
    segments integer not null,
    missing_segments integer not null,
    stored_at timestamptz not null default now(),
    primary key (tenant, call)
);

-- Calls that have ended and whose audio is still on the bus. `segments` is how many there are to
-- collect, -1 where nobody can know; `tries` counts failures of the object store.
create table recordings.waiting (
    tenant text not null,
    call text not null,
    segments integer not null,
    duration_ms integer not null,
    traceparent text not null,
    since timestamptz not null default now(),
    tries integer not null default 0,
    primary key (tenant, call)
);

select platform.isolate('recordings.recordings', 'cf_persistence');
select platform.isolate('recordings.waiting', 'cf_persistence');
select platform.add_outbox('recordings', 'cf_persistence');
select platform.add_deadlines('recordings', 'cf_persistence');

create view api.recordings as
    select tenant, call, object_key, codec, duration_ms, size, sha256, segments,
        missing_segments, stored_at
    from recordings.recordings;
