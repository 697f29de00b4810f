-- The engine's hot paths, as functions: what one look, claim or answer needs, in one round trip each.
--
-- Reads:    worker (dispatch, dial, settle), api (explanations use the same *_facts).
-- Locks:    none; functions only.
-- Undo:     drop the functions.
-- Personal: none leaves here that is not sealed.
--
-- Lock order, everywhere: account, tenant (dispatch_state), call, contact, tenant_heads last.

-- One reservation or request of a call at a time. Wider than this it would bar what the rules allow: the follow-up of an
-- attempt that stays unknown, and an attempt that is found after its retry was dialled.
drop index attempts_one_under_way_per_call;
create unique index attempts_one_to_send_per_call on attempts (tenant_id, call_id) where state in ('reserved', 'dialling');

-- What the tenant-wide checks look at. Not stable: it must see what was committed after the tenant's lock was taken.
create function tenant_facts(p_now timestamptz) returns table (
    zone text, active boolean, agent_id text, caller_number text, refused boolean,
    paused boolean, auto_paused boolean, stop_all boolean, recovering boolean,
    policy jsonb, closed_dates date[], tokens_back_at timestamptz[], dials_today bigint
) language plpgsql volatile as $$
#variable_conflict use_column
begin
    return query
    with t as (
        select *, date_trunc('day', p_now at time zone tenants.zone) at time zone tenants.zone as midnight
        from tenants where id = tid()
    )
    select t.zone, t.active, t.agent_id, t.caller_number, t.refused_at is not null,
        t.paused_at is not null, t.auto_paused_at is not null, p.stop_all_at is not null, p.recovering_at is not null,
        t.policy,
        array(select date from closed_dates where date >= (p_now at time zone t.zone)::date - 2 order by date),
        -- A token that is held comes back 15 minutes and 1 second after something that has not happened yet.
        array(select greatest(dialled_at, p_now) + '901 seconds' from attempts where token_held)
            || array(select token_back_at from attempts where not token_held and token_back_at > p_now),
        (select count(*) from attempts
         where reserved_at >= case when t.zone_changed_at >= t.midnight then least(t.midnight, t.day_start_before)
                                   else t.midnight end
           and state <> 'released' and request_sent is distinct from false)
    from t cross join platform_state p;
end $$;

-- What the call checks look at, for one contact and purpose.
create function contact_facts(p_contact uuid, p_purpose text, p_call uuid, p_now timestamptz, p_day_start timestamptz)
returns table (
    number_eq bytea, region text, test_number boolean, zone text, live boolean, channel text, consent boolean,
    number_bad boolean, do_not_call boolean, attempts bigint, last_counted timestamptz, under_way boolean,
    number_dials timestamptz[], campaign_dials timestamptz[], calls_now_today bigint
) language plpgsql volatile as $$
#variable_conflict use_column
begin
    return query
    select c.phone_eq, c.region, c.test_number, c.zone, c.deleted_at is null, c.channel, c.consent_at is not null,
        exists (select from bad_numbers b where b.number_eq = c.phone_eq),
        exists (select from do_not_call d where d.number_eq = c.phone_eq and d.removed_at is null),
        (select count(*) from attempts a where a.purpose_key = p_purpose and a.counts
            and (a.contact_id = c.id or a.number_eq = c.phone_eq)),
        greatest(
            (select max(dialled_at) from attempts a where a.number_eq = c.phone_eq and a.counts),
            (select max(dialled_at) from attempts a where a.contact_id = c.id and a.counts)),
        exists (select from attempts a where a.counts and (a.number_eq = c.phone_eq or a.contact_id = c.id)
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

-- Dispatch: locks account and tenant, reads the clock, takes the tenant's wakes, then reads.
create function dispatch_open() returns table (
    now timestamptz, last_instant timestamptz, next_dispatch_at timestamptz, net_at timestamptz, wakes bigint,
    account_id uuid, simulator boolean, held boolean, breaker_open boolean, breaker jsonb, max_concurrent int,
    starts_per_second double precision, next_start_at timestamptz, slots_held bigint,
    zone text, active boolean, agent_id text, caller_number text, refused boolean,
    paused boolean, auto_paused boolean, stop_all boolean, recovering boolean,
    policy jsonb, closed_dates date[], tokens_back_at timestamptz[], dials_today bigint,
    first_eligible timestamptz, first_warning timestamptz, first_deadline timestamptz, first_front_end timestamptz
) language plpgsql as $$
declare
    acc    record;
    st     dispatch_state;
    moment timestamptz;
    woken  bigint;
    changed uuid[];
    all_of  boolean;
begin
    perform set_config('app.by_dispatch', 'on', true);
    select a.id, a.simulator, a.held_at, a.breaker_open, a.breaker, least(a.max_concurrent, a.vendor_limit) as max_concurrent, a.starts_per_second, a.next_start_at
        into acc from accounts a where a.id = (select t.account_id from tenants t where t.id = tid()) for update;
    select * into st from dispatch_state d where d.tenant_id = tid() for update;
    moment := greatest(app_clock(), st.last_instant);
    with gone as (delete from dispatch_wakes w where w.tenant_id = tid() returning w.contact_id, w.everything)
    select count(*), array_agg(distinct gone.contact_id) filter (where gone.contact_id is not null), bool_or(gone.everything)
        into woken, changed, all_of from gone;
    if all_of then
        -- Hours are wider, a gap is shorter, a date is open again: whatever waited may have waited for that.
        update calls set eligible_at = moment
        where state = 'planned' and not is_due and eligible_at > moment and blocked <> '{}';
    elsif changed is not null then
        -- What waits for something about its contact, or about a number that it shares, is looked at again now.
        update calls set eligible_at = moment
        where contact_id in (select o.id from contacts c join contacts o on o.phone_eq = c.phone_eq where c.id = any (changed))
          and state = 'planned' and not is_due and eligible_at > moment and blocked <> '{}';
    end if;
    return query
    select moment, st.last_instant, st.next_dispatch_at, st.net_at, woken,
        acc.id, acc.simulator, acc.held_at is not null, acc.breaker_open, acc.breaker, acc.max_concurrent,
        acc.starts_per_second, acc.next_start_at, coalesce(slots_held(acc.id), 0),
        f.*,
        (select min(eligible_at) from calls where state = 'planned' and not is_due),
        (select min(warn_at) from calls where state = 'planned'),
        (select min(deadline) from calls where state = 'planned'),
        (select min(front_until) from calls where state = 'planned' and front)
    from tenant_facts(moment) f;
end $$;


create type call_with_facts as (
    id uuid, contact_id uuid, appointment_id uuid, campaign_id uuid, kind text, purpose_key text, state text,
    earliest timestamptz, due timestamptz, deadline timestamptz, priority smallint, front boolean, retry_at timestamptz,
    blocked text[], planned_at timestamptz, appointment_status text,
    number_eq bytea, region text, test_number boolean, zone text, live boolean, channel text, consent boolean,
    number_bad boolean, do_not_call boolean, attempts bigint, last_counted timestamptz, under_way boolean,
    number_dials timestamptz[], campaign_dials timestamptz[], calls_now_today bigint
);

-- One call with what its checks look at.
create function calls_with_facts(p_ids uuid[], p_now timestamptz, p_day_start timestamptz) returns setof call_with_facts
language plpgsql volatile as $$
#variable_conflict use_column
begin
    return query
    select k.id, k.contact_id, k.appointment_id, k.campaign_id, k.kind, k.purpose_key, k.state,
        -- A call now is wanted since somebody pressed: who pressed first goes first.
        k.earliest, case when k.front then coalesce(k.requested_at, k.due) else k.due end, k.deadline, k.priority, k.front,
        k.retry_at, k.blocked, k.planned_at, p.status, f.*
    from calls k
    -- An appointment that was really moved since has a purpose of its own: this call is about one that is gone.
    left join appointments p on p.id = k.appointment_id and p.deleted_at is null
        and k.purpose_key = 'appointment:' || p.id || ':' || p.round
    cross join lateral contact_facts(k.contact_id, k.purpose_key, k.id, p_now, p_day_start) f
    where k.id = any (p_ids);
end $$;

-- Dispatch: the first p_limit of each class of due calls, with their facts. The order is decided in Rust.
create function dispatch_candidates(p_now timestamptz, p_urgent_before timestamptz, p_limit int, p_day_start timestamptz)
returns setof call_with_facts language plpgsql as $$
begin
    update calls set is_due = true where state = 'planned' and not is_due and eligible_at <= p_now;
    return query
    select * from calls_with_facts(array(
        (select k.id from calls k where state = 'planned' and is_due and front
         order by deadline_hour, priority desc, deadline limit p_limit)
        union
        (select k.id from calls k where state = 'planned' and is_due and not front and deadline < p_urgent_before
         order by deadline_hour, priority desc, deadline limit p_limit)
        union
        (select k.id from calls k where state = 'planned' and is_due and not front and deadline >= p_urgent_before
         order by priority desc, due limit p_limit)), p_now, p_day_start);
end $$;

-- Dispatch: everything that one look decided. Reservations take token, slot, day and number by being rows.
create function dispatch_write(
    p_now timestamptz, p_account uuid, p_next_start timestamptz,
    p_calls uuid[], p_attempts uuid[], p_expires timestamptz,
    p_moved uuid[], p_eligible timestamptz[], p_blocked text[],
    p_next timestamptz, p_net timestamptz, p_waits boolean, p_urgent timestamptz
) returns void language plpgsql as $$
begin
    if cardinality(p_calls) > 0 then
        -- The call first: one that is withdrawn meanwhile must not leave a reservation behind.
        with taken as (
            update calls set state = 'reserved', is_due = false, blocked = '{}', blocked_at = null, updated_at = p_now
            where id = any (p_calls) and state = 'planned'
            returning tenant_id, id, contact_id, purpose_key, campaign_id
        )
        insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, campaign_id, number_eq, state,
            reserved_at, expires_at, dialled_at)
        select k.tenant_id, n.attempt, k.id, k.contact_id, p_account, k.purpose_key, k.campaign_id, c.phone_eq, 'reserved',
            p_now, p_expires, p_now
        from unnest(p_calls, p_attempts) as n (call, attempt)
        join taken k on k.id = n.call
        join contacts c on c.id = k.contact_id;
        update accounts set next_start_at = p_next_start where id = p_account;
    end if;
    if cardinality(p_moved) > 0 then
        update calls k set eligible_at = m.at, is_due = m.at <= p_now, blocked = string_to_array(m.why, ','), blocked_at = p_now
        from unnest(p_moved, p_eligible, p_blocked) as m (id, at, why) where k.id = m.id and k.state = 'planned';
    end if;
    update dispatch_state
    set next_dispatch_at = p_next, net_at = p_net, waits_for_account = p_waits, urgent_at = p_urgent, last_instant = p_now,
        account_id = p_account
    where tenant_id = tid();
end $$;

-- Dial: everything that a worker needs to decide and to ask, under a shared lock of the tenant, so that a pause or an
-- opt-out comes either before this claim or after it.
create function dial_open(p_attempt uuid) returns table (
    now timestamptz, call_id uuid, contact_id uuid, account_id uuid, attempt_state text, expires_at timestamptz,
    reserved_at timestamptz, wanted_at timestamptz, key_wrapped bytea, name bytea, phone bytea, appointment_at timestamptz, appointment_zone text, owner_name text,
    company_name text, location text, type text, duration_minutes int, voice_text bytea, appointment_id uuid,
    doubtful uuid[],
    simulator boolean, held boolean, breaker_stirs boolean, demo_ahead boolean, number_changed boolean,
    zone text, active boolean, agent_id text, caller_number text, refused boolean,
    paused boolean, auto_paused boolean, stop_all boolean, recovering boolean,
    policy jsonb, closed_dates date[], tokens_back_at timestamptz[], dials_today bigint
) language plpgsql as $$
declare
    moment timestamptz;
    a      attempts;
begin
    -- The lock first, and then the clock: waiting for a pause takes time.
    perform from dispatch_state d where d.tenant_id = tid() for share;
    select greatest(app_clock(), d.last_instant) into moment from dispatch_state d where d.tenant_id = tid();
    select * into a from attempts t where t.id = p_attempt;
    return query
    select moment, a.call_id, a.contact_id, a.account_id, a.state, a.expires_at,
        a.reserved_at, greatest(k.eligible_at, case when k.front then k.requested_at end), c.key_wrapped, c.name, c.phone, p.at, c.zone, p.owner_name, p.company_name, p.location, p.type,
        p.duration_minutes, p.voice_text, p.id,
        -- Earlier attempts of this call that were unknown and then thought not placed: the list is asked once more.
        array(select o.id from attempts o where o.call_id = a.call_id and o.state = 'not_placed' and o.silent_looks <> '{}'),
        acc.simulator, acc.held_at is not null, coalesce(acc.breaker ->> 'mode', 'closed') <> 'closed',
        (select ahead > '0' from demo_clock), a.number_eq <> c.phone_eq,
        f.*
    from contacts c
    join accounts acc on acc.id = a.account_id
    cross join tenant_facts(moment) f
    join calls k on k.id = a.call_id
    left join appointments p on p.id = k.appointment_id
    where c.id = a.contact_id;
end $$;

-- Whether this database knows the dial of a number that was used. A sequence alone can't tell: PostgreSQL writes it to
-- its log 32 numbers ahead, so after a restore it goes on further ahead than the dials that were lost.
alter table platform_state add column recovered_serial bigint not null default 0;
create index attempts_by_serial on attempts (serial) where serial is not null;
create function dial_is_known(p_serial bigint) returns boolean language plpgsql volatile security definer set search_path = public
    as $$ begin return (select p_serial <= (select recovered_serial from platform_state) or exists (select from attempts where serial = p_serial)); end $$;
grant create on schema public to vio_engine;
alter function dial_is_known(bigint) owner to vio_engine;
revoke create on schema public from vio_engine;
revoke execute on function dial_is_known(bigint) from public;
grant execute on function dial_is_known(bigint) to vio_app, vio_engine;

-- Dial: the intent. Only one run can take a reservation. `p_used` was read before: a number that somebody has used for a
-- dial that is committed. `went_back`: this database has forgotten that dial, or gives its number out again.
-- A reservation whose call no longer waits for it, or whose number or contact rings already, is given back here.
create function dial_claim(p_attempt uuid, p_sender uuid, p_now timestamptz, p_used bigint)
returns table (serial bigint, went_back boolean)
language plpgsql as $$
declare
    taken attempts;
begin
    perform 1 from calls where id = (select t.call_id from attempts t where t.id = p_attempt) for update;
    update attempts a set state = 'dialling', claimed_by = p_sender, intent_at = p_now, dialled_at = p_now,
        serial = nextval('dial_serial'), token_back_at = p_now + '2 hours'::interval, check_at = p_now + '30 seconds'::interval
    where a.id = p_attempt and a.state = 'reserved' and a.expires_at > p_now
      and exists (select from calls k where k.id = a.call_id and k.state = 'reserved')
      and not exists (select from attempts o where o.id <> a.id and o.counts and o.state in ('dialling', 'placed')
          and (o.contact_id = a.contact_id or o.number_eq = a.number_eq))
    returning * into taken;
    if taken.id is null then
        perform attempt_release(a.id, p_now, 'reserved') from attempts a where a.id = p_attempt and a.expires_at > p_now;
        return;
    end if;
    update calls set state = 'dialling', updated_at = p_now where id = taken.call_id and state = 'reserved';
    perform append_changes(array['call.dialling'], array[taken.call_id], array[taken.contact_id],
        'worker', array['call.dial'], array[taken.id], array[null::bytea]);
    return query select taken.serial, taken.serial <= p_used or not dial_is_known(p_used);
end $$;

-- Dial: gives back a reservation whose request was not sent. The call is planned again and looked at anew. A sender that was
-- frozen says so late: a sweep has made its attempt unknown meanwhile, and its word that no byte left still counts.
create function attempt_release(p_attempt uuid, p_now timestamptz, p_from text) returns boolean language plpgsql as $$
declare
    freed attempts;
begin
    -- In the order of locks: settling holds the call when it comes to the attempt.
    perform 1 from calls where id = (select t.call_id from attempts t where t.id = p_attempt) for update;
    update attempts set state = 'released', request_sent = false, counts = false, holds_slot = false, token_held = false,
        token_back_at = p_now, sender_done_at = p_now, settled_at = p_now, check_at = '9999-12-31 00:00:00+00'
    where id = p_attempt and (state = p_from or p_from = 'dialling' and state = 'unknown' and provider_call_id is null)
    returning * into freed;
    if freed.id is null then return false; end if;
    update calls set state = 'planned', is_due = false, eligible_at = p_now, updated_at = p_now
    where id = freed.call_id and (state in ('reserved', 'dialling') or p_from = 'dialling' and state = 'in_progress' and not exists (
        select from attempts o where o.call_id = freed.call_id and o.state in ('reserved', 'dialling', 'placed', 'ended', 'unknown')));
    return true;
end $$;

-- Dispatch: whom to look at. Woken and due tenants first, those longest not looked at before others, so that nobody is
-- passed over however many are woken or due; then those that wait for an account with room, fewest held slots for their
-- weight first, earliest deadline next. Nobody whose last look has just failed.
create function due_tenants(p_limit int) returns table (tenant_id uuid, account_id uuid) language plpgsql as $$
declare
    moment timestamptz := app_clock();
begin
    return query
    with recursive woken as (
        -- From one tenant to the next along the index: one that has a million wakes costs no more than one that has one.
        (select w.tenant_id from dispatch_wakes w order by w.tenant_id limit 1)
        union all
        select (select w.tenant_id from dispatch_wakes w where w.tenant_id > o.tenant_id order by w.tenant_id limit 1)
        from woken o where o.tenant_id is not null
    ),
    due as (
        select d.tenant_id, d.account_id from dispatch_state d
        where d.not_before <= moment and d.tenant_id in (
            select t.tenant_id from dispatch_state t where t.next_dispatch_at <= moment
            union select w.tenant_id from woken w where w.tenant_id is not null)
        order by d.last_instant, d.tenant_id limit p_limit
    ),
    room as (
        select a.id, least(a.max_concurrent, a.vendor_limit) - slots_held(a.id) as free from accounts a
        where a.held_at is null and not a.breaker_open and a.next_start_at <= moment
          and exists (select from dispatch_state d where d.account_id = a.id and d.waits_for_account
              and d.not_before <= moment)
    ),
    waiting as (
        select d.tenant_id, d.account_id,
            row_number() over (partition by d.account_id order by h.held::float8 / d.weight, d.urgent_at) as place, r.free
        from room r
        join dispatch_state d on d.account_id = r.id and d.waits_for_account and d.not_before <= moment
        left join lateral (select count(*) as held from attempts t where t.account_id = r.id and t.holds_slot
            and t.tenant_id = d.tenant_id) h on true
        where r.free > 0
    )
    select due.tenant_id, due.account_id from due
    union all
    select * from (select w.tenant_id, w.account_id from waiting w
        where w.place <= w.free and w.tenant_id not in (select due.tenant_id from due) order by w.place limit p_limit) later;
end $$;

-- Dial: the provider accepted. A webhook may have told more already; then only what is missing is added.
create function dial_accepted(p_attempt uuid, p_sender uuid, p_provider_call text, p_status int, p_facts jsonb)
returns boolean language plpgsql as $$
declare
    moment timestamptz := app_clock();
    it     attempts;
    was    text;
begin
    perform 1 from calls where id = (select t.call_id from attempts t where t.id = p_attempt) for update;
    select * into it from attempts where id = p_attempt and claimed_by = p_sender for update;
    if it.id is null then return false; end if;
    was := it.state;
    update attempts set sender_done_at = moment, request_sent = true, answer = 'accepted', status_code = p_status,
        answered_at = coalesce(answered_at, moment), placed_at = coalesce(placed_at, moment),
        provider_call_id = coalesce(provider_call_id, p_provider_call),
        facts = coalesce(facts, p_facts),
        state = case when state in ('dialling', 'unknown') then 'placed' else state end,
        check_at = case when state in ('dialling', 'unknown') then moment + '15 minutes'::interval else check_at end
    where id = p_attempt;
    if was in ('dialling', 'unknown') then
        update calls set state = 'in_progress', not_placed = 0, updated_at = moment
        where id = it.call_id and state in ('dialling', 'in_progress');
        perform append_changes(array['call.placed'], array[it.call_id], array[it.contact_id], 'worker',
            '{}'::text[], '{}'::uuid[], '{}'::bytea[]);
    end if;
    return true;
end $$;

-- Settle: an attempt with all that deciding its outcome needs. Locks the call, then the attempt.
create function settle_open(p_attempt uuid) returns table (
    now timestamptz, ahead_seconds double precision, attempt_state text, account_id uuid, provider_call_id text, intent_at timestamptz,
    reserved_at timestamptz, answered_at timestamptz, started_at timestamptz, facts jsonb, asked_at timestamptz, told_at timestamptz,
    silent_looks timestamptz[], claimed_by uuid, sender_done_at timestamptz, sender_dead_at timestamptz, list_trusted boolean,
    number_eq bytea, dialled_at timestamptz, attempt_settled boolean, attempt_outcome text,
    call_id uuid, call_state text, contact_id uuid, appointment_id uuid, campaign_id uuid, purpose_key text, kind text,
    deadline timestamptz, not_placed int, attempts_used bigint, alone boolean, holds_slot boolean,
    contact_zone text, key_wrapped bytea, phone bytea, contact_live boolean,
    appointment_at timestamptz, appointment_status text, appointment_moved boolean, call_before_hours int, tenant_zone text, policy jsonb, closed_dates date[]
) language plpgsql as $$
declare
    k calls;
    a attempts;
begin
    select * into k from calls c where c.id = (select t.call_id from attempts t where t.id = p_attempt) for update;
    select * into a from attempts t where t.id = p_attempt for update;
    if a.id is null then return; end if;
    return query
    select greatest(app_clock(), (select d.last_instant from dispatch_state d where d.tenant_id = tid())),
        (select extract(epoch from ahead)::double precision from demo_clock), a.state, a.account_id,
        a.provider_call_id, a.intent_at, a.reserved_at, a.answered_at, a.started_at, a.facts, a.asked_at, a.told_at, a.silent_looks, a.claimed_by,
        a.sender_done_at, (select s.dead_at from senders s where s.id = a.claimed_by),
        (select acc.list_trusted from accounts acc where acc.id = a.account_id),
        a.number_eq, a.dialled_at, a.settled_at is not null, a.outcome, k.id, k.state, k.contact_id, k.appointment_id, k.campaign_id,
        k.purpose_key, k.kind, k.deadline, k.not_placed,
        (select count(*) from attempts t where t.purpose_key = k.purpose_key and t.counts
            and (t.contact_id = k.contact_id or t.number_eq = a.number_eq)),
        not exists (select from attempts t where t.call_id = k.id and t.id <> a.id
            and (t.state in ('reserved', 'dialling', 'placed', 'ended') or t.state = 'unknown' and t.holds_slot)),
        a.holds_slot,
        c.zone, c.key_wrapped, c.phone, c.deleted_at is null, p.at, p.status,
        p.id is not null and k.purpose_key <> 'appointment:' || p.id || ':' || p.round, p.call_before_hours, t.zone, t.policy,
        array(select date from closed_dates where date >= app_clock()::date - 2)
    from contacts c
    join tenants t on t.id = tid()
    left join appointments p on p.id = k.appointment_id and p.deleted_at is null
    where c.id = k.contact_id;
end $$;

-- A call that isn't planned yet, with what its checks would look at: "may I call this contact now?"
create function prospective_call(p_contact uuid, p_appointment uuid, p_purpose text, p_deadline timestamptz,
    p_now timestamptz, p_day_start timestamptz) returns setof call_with_facts language plpgsql volatile as $$
#variable_conflict use_column
begin
    return query
    select '00000000-0000-0000-0000-000000000000'::uuid, p_contact, p_appointment, null::uuid, 'call_now', p_purpose, 'planned',
        p_now, p_now, p_deadline, 0::smallint, true, null::timestamptz, '{}'::text[], p_now, p.status, f.*
    from contact_facts(p_contact, p_purpose, null, p_now, p_day_start) f
    left join appointments p on p.id = p_appointment and p.deleted_at is null;
end $$;

-- What planning a reminder looks at.
create function planning_facts(p_appointment uuid) returns table (
    now timestamptz, contact_id uuid, at timestamptz, status text, call_before_hours int, booked_at timestamptz, round int,
    priority smallint, contact_live boolean, number_eq bytea, contact_zone text, tenant_zone text, policy jsonb, closed_dates date[]
) language plpgsql volatile as $$
#variable_conflict use_column
begin
    return query
    select greatest(app_clock(), d.last_instant), p.contact_id, p.at, p.status, p.call_before_hours, p.booked_at, p.round, p.priority,
        c.deleted_at is null, c.phone_eq, c.zone, t.zone, t.policy,
        array(select date from closed_dates where date >= app_clock()::date - 2)
    from appointments p
    join contacts c on c.id = p.contact_id
    join tenants t on t.id = tid()
    join dispatch_state d on d.tenant_id = tid()
    where p.id = p_appointment and p.deleted_at is null;
end $$;

-- Recovery: an attempt that the provider knows and the restored database doesn't, or had only reserved: then its reservation
-- has perhaps expired since, and says wrongly that nothing was sent. What the database had under way for the same call
-- instead is released if it was only reserved: its request was never sent, since dialling is held.
create function adopt_forgotten(p_attempt uuid, p_call uuid, p_account uuid, p_provider_call text, p_at timestamptz)
returns boolean language plpgsql as $$
declare
    moment timestamptz := app_clock();
    k      calls;
begin
    select * into k from calls where id = p_call for update;
    if k.id is null or exists (select from attempts where id = p_attempt and state not in ('reserved', 'released'))
    then return false; end if;
    perform attempt_release(id, moment, 'reserved') from attempts where call_id = p_call and id <> p_attempt and state = 'reserved';
    insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, campaign_id, number_eq, state, reserved_at,
        expires_at, dialled_at, intent_at, answered_at, answer, sender_done_at, request_sent, provider_call_id, placed_at, check_at, adopted)
    select k.tenant_id, p_attempt, k.id, k.contact_id, p_account, k.purpose_key, k.campaign_id, c.phone_eq, 'placed', p_at,
        p_at, p_at, p_at, p_at, 'accepted', moment, true, p_provider_call, p_at, moment, true
    from contacts c where c.id = k.contact_id
    on conflict (tenant_id, id) do update set state = 'placed', provider_call_id = excluded.provider_call_id, intent_at = p_at,
        answered_at = p_at, answer = 'accepted', sender_done_at = moment, request_sent = true, placed_at = p_at, check_at = moment, adopted = true,
        reserved_at = p_at, dialled_at = p_at, counts = true, holds_slot = true, token_held = true, token_back_at = '9999-12-31 00:00:00+00',
        settled_at = null;
    update calls set state = 'in_progress', is_due = false, front = false, updated_at = moment
    where id = p_call and state in ('planned', 'reserved', 'dialling', 'in_progress');
    perform append_changes(array['call.adopted'], array[p_call], array[k.contact_id], 'worker',
        array['call.adopt'], array[p_attempt], array[null::bytea]);
    return true;
end $$;
grant update on sequence dial_serial to vio_engine;

-- The breaker tells a refusal for want of room from one for a fault of ours.
grant select (status_code) on attempts to vio_engine;

-- More wakes. A changed contact or appointment may release calls that are held for it: the wake says whose.
alter table dispatch_wakes add column contact_id uuid;
create function wake_for_contacts() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id, contact_id) select tenant_id, id from changed;
    end if;
    return null;
end $$;
create function wake_for_contacts_of() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id, contact_id) select distinct tenant_id, contact_id from changed;
    end if;
    return null;
end $$;
drop trigger contacts_wake on contacts;
create trigger contacts_wake after update on contacts
    referencing new table as changed for each statement execute function wake_for_contacts();
drop trigger appointments_wake on appointments;
create trigger appointments_wake after update on appointments
    referencing new table as changed for each statement execute function wake_for_contacts_of();

-- An attempt that turns out not to have been placed, or to be over, frees its contact and number. One that is released
-- brings nothing forward: dial may just have put its call off, and would put it off again and again.
create or replace function wake_for_freed_attempts() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id, contact_id)
        select distinct n.tenant_id, case when n.state <> 'released' then n.contact_id end
        from changed n join before b using (tenant_id, id)
        where n.state <> b.state and (n.state = 'released' or (n.state = 'not_placed') or b.state = 'unknown');
    end if;
    return null;
end $$;

-- A change of what calls were put off by brings all that wait forward, once: not the pauses, which put no call off.
alter table dispatch_wakes add column everything boolean not null default false;
drop trigger tenants_wake on tenants;
create or replace function wake_this_tenant() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id, everything)
        select n.id, (n.policy, n.allowance, n.zone, n.account_id) is distinct from (b.policy, b.allowance, b.zone, b.account_id)
        from changed n join before b on b.id = n.id;
    end if;
    return null;
end $$;
create trigger tenants_wake after update on tenants
    referencing new table as changed old table as before for each statement execute function wake_this_tenant();
create function wake_for_closed_dates() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id, everything) select distinct tenant_id, true from changed;
    end if;
    return null;
end $$;
drop trigger closed_dates_wake_d on closed_dates;
create trigger closed_dates_wake_d after delete on closed_dates
    referencing old table as changed for each statement execute function wake_for_closed_dates();

-- What the platform stands on holds every tenant, or none.
create function wake_everybody() returns trigger language plpgsql as $$
begin
    insert into dispatch_wakes (tenant_id, everything) select tenant_id, true from dispatch_state;
    return null;
end $$;
create trigger platform_state_wakes after update on platform_state for each statement execute function wake_everybody();

-- Explanations: what dispatch_open answers, without its locks and without taking wakes. Run it in a repeatable read, so
-- that all parts of an explanation are of one snapshot.
create function explain_open() returns table (
    now timestamptz, account_id uuid, simulator boolean, held boolean, breaker_open boolean, breaker jsonb, max_concurrent int,
    starts_per_second double precision, next_start_at timestamptz, slots_held bigint,
    zone text, active boolean, agent_id text, caller_number text, refused boolean,
    paused boolean, auto_paused boolean, stop_all boolean, recovering boolean,
    policy jsonb, closed_dates date[], tokens_back_at timestamptz[], dials_today bigint
) language plpgsql as $$
declare
    moment timestamptz := greatest(app_clock(), (select d.last_instant from dispatch_state d where d.tenant_id = tid()));
begin
    return query
    select moment, a.id, a.simulator, a.held_at is not null, a.breaker_open, a.breaker, least(a.max_concurrent, a.vendor_limit) as max_concurrent, a.starts_per_second,
        a.next_start_at, coalesce(slots_held(a.id), 0), f.*
    from tenant_facts(moment) f
    left join accounts a on a.id = (select t.account_id from tenants t where t.id = tid());
end $$;

-- How many of the tenant's planned calls go before this one by the time that it is wanted: the order of rules::order,
-- campaigns' turns aside. Reserved calls are not among them: they hold their tokens already.
create function calls_ahead(p_call uuid, p_now timestamptz, p_near timestamptz) returns bigint language sql volatile as $$
    with waiting as (
        select id, eligible_at,
            case when front then 0 when deadline <= p_near then 1 else 2 end as class,
            case when not front and deadline <= p_near then deadline_hour end as hour,
            case when front then 0 else -priority end as rank,
            case when front then requested_at else deadline end as time
        from calls where state = 'planned' and (deadline > p_now or id = p_call)
    )
    select count(*) from waiting o, waiting k
    where k.id = p_call and o.id <> k.id and o.eligible_at <= greatest(k.eligible_at, p_now)
      and (o.class, coalesce(o.hour, p_near), o.rank, o.time, o.id) < (k.class, coalesce(k.hour, p_near), k.rank, k.time, k.id)
$$;

-- Planning: gives back reservations that nobody has claimed, so that their calls can be withdrawn with the planned ones.
create function release_reservations(p_appointment uuid, p_contact uuid, p_call uuid, p_now timestamptz) returns void language plpgsql as $$
begin
    perform attempt_release(a.id, p_now, 'reserved') from attempts a join calls k on k.id = a.call_id
    where a.state = 'reserved' and k.state = 'reserved'
      and (k.appointment_id = p_appointment or k.contact_id = p_contact or k.id = p_call);
end $$;
