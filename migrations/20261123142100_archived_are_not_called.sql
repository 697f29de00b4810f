-- Contacts that are archived aren't called: what planning, looks and dials read of them says so.
--
-- Reads:    api (plans, explains), worker (looks, dials), in either release.
-- Locks:    none; bodies of three functions only. Nobody is archived before this release serves.
-- Undo:     the functions of 20261122100100_engine.sql and 20261122220000_cheaper_looks.sql.
-- Personal: none.

-- What the call checks look at, for one contact and purpose. Each question finds its rows by one index: an "or" over two of
-- them would be answered by reading the tenant's whole history where the statistics are young.
create or replace function contact_facts(p_contact uuid, p_purpose text, p_call uuid, p_now timestamptz, p_day_start timestamptz)
returns table (
    number_eq bytea, region text, test_number boolean, zone text, live boolean, channel text, consent boolean,
    number_bad boolean, do_not_call boolean, attempts bigint, last_counted timestamptz, under_way boolean,
    number_dials timestamptz[], campaign_dials timestamptz[], calls_now_today bigint
) language plpgsql volatile as $$
#variable_conflict use_column
begin
    return query
    select c.phone_eq, c.region, c.test_number, c.zone, c.deleted_at is null and c.archived_at is null, c.channel, c.consent_at is not null,
        exists (select from bad_numbers b where b.number_eq = c.phone_eq),
        exists (select from do_not_call d where d.number_eq = c.phone_eq and d.removed_at is null),
        (select count(*) from attempts a where a.purpose_key = p_purpose and a.counts
            and (a.contact_id = c.id or a.number_eq = c.phone_eq)),
        greatest(
            (select max(dialled_at) from attempts a where a.number_eq = c.phone_eq and a.counts),
            (select max(dialled_at) from attempts a where a.contact_id = c.id and a.counts)),
        exists (select from attempts a where a.counts and a.number_eq = c.phone_eq
            and (a.state in ('reserved', 'dialling', 'placed')
                 or a.state = 'unknown' and a.dialled_at > p_now - '2 hours'::interval))
        or exists (select from attempts a where a.counts and a.contact_id = c.id
            and (a.state in ('reserved', 'dialling', 'placed')
                 or a.state = 'unknown' and a.dialled_at > p_now - '2 hours'::interval)),
        array(select dialled_at from attempts a where a.number_eq = c.phone_eq and a.counts
            and a.dialled_at > p_now - '7 days'::interval and a.campaign_id is null),
        array(select dialled_at from attempts a where a.number_eq = c.phone_eq and a.counts
            and a.dialled_at > p_now - '7 days'::interval and a.campaign_id is not null),
        (select count(*) from calls k where k.contact_id = c.id and k.requested_at >= p_day_start
            and k.id is distinct from p_call)
    from contacts c where c.id = p_contact;
end $$;

-- Dial: what a worker needs to decide and to ask, in one statement, under a shared lock of the tenant, so that a pause or
-- an opt-out comes either before this claim or after it. What the reservation itself holds (window, day, gap, attempts,
-- the number's week) isn't read: dial doesn't ask for it again. Takes the place of dial_open and calls_with_facts.
create or replace function dial_read(p_attempt uuid) returns table (
    now timestamptz, call_id uuid, contact_id uuid, account_id uuid, attempt_state text, expires_at timestamptz,
    reserved_at timestamptz, wanted_at timestamptz, key_wrapped bytea, name bytea, phone bytea, appointment_at timestamptz,
    owner_name text, company_name text, location text, type text, duration_minutes int, voice_text bytea,
    appointment_id uuid, doubtful uuid[], simulator boolean, held boolean, breaker_stirs boolean, demo_ahead boolean,
    number_changed boolean,
    zone text, active boolean, agent_id text, caller_number text, refused boolean,
    paused boolean, auto_paused boolean, stop_all boolean, recovering boolean,
    policy jsonb, closed_dates date[], tokens_back_at timestamptz[], dials_today bigint,
    kind text, front boolean, earliest timestamptz, due timestamptz, deadline timestamptz, retry_at timestamptz,
    planned_at timestamptz, appointment_status text, contact_zone text, live boolean, region text, test_number boolean,
    channel text, consent boolean, number_bad boolean, do_not_call boolean
) language plpgsql as $$
declare
    moment timestamptz;
begin
    -- The lock first, and then the clock: waiting for a pause takes time.
    select d.last_instant into moment from dispatch_state d where d.tenant_id = tid() for share;
    moment := greatest(app_clock(), moment);
    return query
    select moment, a.call_id, a.contact_id, a.account_id, a.state, a.expires_at,
        a.reserved_at, greatest(k.eligible_at, case when k.front then k.requested_at end), c.key_wrapped, c.name, c.phone, p.at,
        p.owner_name, p.company_name, p.location, p.type, p.duration_minutes, p.voice_text,
        p.id,
        -- Earlier attempts of this call that were unknown and then thought not placed: the list is asked once more.
        array(select o.id from attempts o where o.call_id = a.call_id and o.state = 'not_placed' and o.silent_looks <> '{}'),
        acc.simulator, acc.held_at is not null, coalesce(acc.breaker ->> 'mode', 'closed') <> 'closed',
        (select ahead > '0' from demo_clock),
        a.number_eq <> c.phone_eq,
        t.zone, t.active, t.agent_id, t.caller_number, t.refused_at is not null,
        t.paused_at is not null, t.auto_paused_at is not null, s.stop_all_at is not null, s.recovering_at is not null,
        t.policy, array(select date from closed_dates where date >= (moment at time zone t.zone)::date - 2 order by date),
        '{}'::timestamptz[], 0::bigint,
        k.kind, k.front, k.earliest, k.due, k.deadline, k.retry_at,
        -- An appointment that was really moved since has a purpose of its own: this call is about one that is gone.
        k.planned_at, case when k.purpose_key = 'appointment:' || p.id || ':' || p.round and p.deleted_at is null then p.status end,
        c.zone, c.deleted_at is null and c.archived_at is null, c.region, c.test_number,
        c.channel, c.consent_at is not null,
        exists (select from bad_numbers b where b.number_eq = c.phone_eq),
        exists (select from do_not_call d where d.number_eq = c.phone_eq and d.removed_at is null)
    from attempts a
    join calls k on k.id = a.call_id
    join contacts c on c.id = a.contact_id
    join accounts acc on acc.id = a.account_id
    join tenants t on t.id = tid()
    cross join platform_state s
    left join appointments p on p.id = k.appointment_id
    where a.id = p_attempt;
end $$;

-- What planning a reminder looks at.
create or replace function planning_facts(p_appointment uuid) returns table (
    now timestamptz, contact_id uuid, at timestamptz, status text, call_before_hours int, booked_at timestamptz, round int,
    priority smallint, contact_live boolean, number_eq bytea, contact_zone text, tenant_zone text, policy jsonb, closed_dates date[]
) language plpgsql volatile as $$
#variable_conflict use_column
begin
    return query
    select greatest(app_clock(), d.last_instant), p.contact_id, p.at, p.status, p.call_before_hours, p.booked_at, p.round, p.priority,
        c.deleted_at is null and c.archived_at is null, c.phone_eq, c.zone, t.zone, t.policy,
        array(select date from closed_dates where date >= app_clock()::date - 2)
    from appointments p
    join contacts c on c.id = p.contact_id
    join tenants t on t.id = tid()
    join dispatch_state d on d.tenant_id = tid()
    where p.id = p_appointment and p.deleted_at is null;
end $$;
