-- Customers: for now whoever is at the other end of the line, by number.

create or replace view api.timeline as
    select e.tenant, e.call, e.id, e.seq, e.type, split_part(e.type, '.', 3) as name, e.at,
        e.data, e.stored_at,
        case when c.direction = 'outbound' then c.callee else c.caller end as customer,
        coalesce(e.seq > c.last_seq and e.type <> 'callfunnel.call.ended.v1', false) as late
    from timeline.events e join timeline.calls c using (tenant, call);

create view api.customers as
    select tenant, case when direction = 'outbound' then callee else caller end as customer,
        count(*) as calls, min(first_at) as first_at, max(first_at) as last_at,
        (array_agg(call order by call desc))[1] as last_call
    from timeline.calls
    where caller is not null
    group by 1, 2;
