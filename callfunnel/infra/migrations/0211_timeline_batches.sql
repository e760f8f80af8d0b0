-- A batch of facts in one round trip. First the rows, committed; then, in a second transaction, the
-- facts of those calls that have ended and are not complete yet. Of two processes that store the
-- last two missing facts of a call, whoever commits later sees both, so neither waits for the
-- other: only facts that tell something new of a call touch its row.

drop index timeline.events_by_seq;  -- a call's facts are found by the primary key and are few

-- `named`: the tenants of the batch, with commas; `batch`: a JSON array of facts; `of_tenant` and
-- `of_call`: the calls among them. `ended`: all facts of those calls that have ended and are not
-- complete, a JSON array; null when there are none. Only outside of a transaction: it ends its own.
create procedure timeline.store(
    named text, batch text, of_tenant text[], of_call text[], inout ended text default null)
language plpgsql as $$
begin
    perform set_config('callfunnel.tenants', named, true);
    with stored as (
        insert into timeline.events (tenant, call, id, seq, type, at, data, traceparent)
        select tenant, call, id, seq, type, at, data, traceparent
        from jsonb_to_recordset(batch::jsonb) as fact (
            tenant text, call text, id text, seq integer, type text, at timestamptz, data jsonb,
            traceparent text)
        order by tenant, call, id
        on conflict do nothing
        returning tenant, call, type, at, data
    ), news as (
        select tenant, call, min(at) as first_at,
            max(data->>'direction') filter (where type = 'callfunnel.call.offered.v1') as direction,
            max(data->>'channel') filter (where type = 'callfunnel.call.offered.v1') as channel,
            max(data->>'caller') filter (where type = 'callfunnel.call.offered.v1') as caller,
            max(data->>'callee') filter (where type = 'callfunnel.call.offered.v1') as callee,
            max(data->>'agent') filter (where type = 'callfunnel.call.offered.v1') as agent,
            min(at) filter (where type = 'callfunnel.call.offered.v1') as offered_at,
            min(at) filter (where type = 'callfunnel.call.connected.v1') as connected_at,
            max((data->>'rulebook_version')::integer)
                filter (where type = 'callfunnel.call.connected.v1') as rulebook_version,
            max(at) filter (where type = 'callfunnel.call.ended.v1') as ended_at,
            max(data->>'cause') filter (where type = 'callfunnel.call.ended.v1') as cause,
            max(data->>'by') filter (where type = 'callfunnel.call.ended.v1') as ended_by,
            bool_or((data->>'answered')::boolean)
                filter (where type = 'callfunnel.call.ended.v1') as answered,
            max((data->>'duration_ms')::integer)
                filter (where type = 'callfunnel.call.ended.v1') as duration_ms,
            max((data->>'last_seq')::integer)
                filter (where type = 'callfunnel.call.ended.v1') as last_seq,
            max((data->>'duration_ms')::integer)
                filter (where type = 'callfunnel.call.recording_stored.v1'
                    and data->>'object_key' <> '') as recording_ms,
            max((data->>'amount_micros')::bigint)
                filter (where type = 'callfunnel.call.rated.v1') as amount_micros,
            max(data->>'currency') filter (where type = 'callfunnel.call.rated.v1') as currency,
            max((data->>'sealed_at')::timestamptz)
                filter (where type = 'callfunnel.call.settled.v1') as settled_at,
            max((data->>'missing')::text)
                filter (where type = 'callfunnel.call.settled.v1') as missing
        from stored
        where type in (
            'callfunnel.call.offered.v1', 'callfunnel.call.connected.v1',
            'callfunnel.call.ended.v1', 'callfunnel.call.recording_stored.v1',
            'callfunnel.call.rated.v1', 'callfunnel.call.settled.v1')
        group by tenant, call
    )
    insert into timeline.calls as known (
        tenant, call, first_at, direction, channel, caller, callee, agent, offered_at,
        connected_at, rulebook_version, ended_at, cause, ended_by, answered, duration_ms,
        last_seq, recording_ms, amount_micros, currency, settled_at, missing)
    select tenant, call, first_at, direction, channel, caller, callee, agent, offered_at,
        connected_at, rulebook_version, ended_at, cause, ended_by, answered, duration_ms,
        last_seq, recording_ms, amount_micros, currency, settled_at,
        case when missing is not null
            then array(select jsonb_array_elements_text(missing::jsonb)) end
    from news order by tenant, call
    on conflict (tenant, call) do update set
        first_at = least(known.first_at, excluded.first_at),
        direction = coalesce(known.direction, excluded.direction),
        channel = coalesce(known.channel, excluded.channel),
        caller = coalesce(known.caller, excluded.caller),
        callee = coalesce(known.callee, excluded.callee),
        agent = coalesce(known.agent, excluded.agent),
        offered_at = coalesce(known.offered_at, excluded.offered_at),
        connected_at = coalesce(known.connected_at, excluded.connected_at),
        rulebook_version = coalesce(known.rulebook_version, excluded.rulebook_version),
        ended_at = coalesce(known.ended_at, excluded.ended_at),
        cause = coalesce(known.cause, excluded.cause),
        ended_by = coalesce(known.ended_by, excluded.ended_by),
        answered = coalesce(known.answered, excluded.answered),
        duration_ms = coalesce(known.duration_ms, excluded.duration_ms),
        last_seq = coalesce(known.last_seq, excluded.last_seq),
        recording_ms = coalesce(known.recording_ms, excluded.recording_ms),
        amount_micros = coalesce(known.amount_micros, excluded.amount_micros),
        currency = coalesce(known.currency, excluded.currency),
        settled_at = coalesce(known.settled_at, excluded.settled_at),
        missing = coalesce(known.missing, excluded.missing);
    commit;

    perform set_config('callfunnel.tenants', named, true);
    -- The plan is kept, and made while the tables are small: it must not be one that reads them all.
    perform set_config('enable_seqscan', 'off', true);
    select jsonb_agg(jsonb_build_object(
        'tenant', fact.tenant, 'call', fact.call, 'id', fact.id, 'seq', fact.seq,
        'type', fact.type, 'data', fact.data, 'traceparent', fact.traceparent,
        'at', to_char(fact.at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))::text
    into ended
    from unnest(of_tenant, of_call) as place (tenant, call)
        join timeline.calls known using (tenant, call)
        join timeline.events fact using (tenant, call)
    where known.last_seq is not null and known.completed_at is null;
end $$;
revoke all on procedure timeline.store(text, text, text[], text[], text) from public;
grant execute on procedure timeline.store(text, text, text[], text[], text) to cf_persistence;
