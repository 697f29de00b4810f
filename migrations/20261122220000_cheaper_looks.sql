-- What measuring found too dear: who is due, wakes that nobody needs, triggers that run for nothing, locks held while waiting.
--
-- Lock order, everywhere, from here on: tenant (dispatch_state), account, call, contact, tenant_heads last.
--
-- Reads:    worker (dispatch, dial, settle); api (explanations).
-- Locks:    appointments, calls and attempts for the moment in which their triggers are exchanged; nothing is rewritten.
-- Undo:     the functions and triggers of the migrations before.
-- Personal: none.

-- Slots of an account. Counted along the index and not by a bitmap: rows that have given their slot back are passed over
-- once, and forgotten by the index then.
create or replace function slots_held(p_account uuid) returns bigint language plpgsql stable security definer
    set search_path = public set enable_bitmapscan = off
    as $$ begin return (select count(*) from attempts where account_id = p_account and holds_slot); end $$;

-- Whether there is anybody to look at: asked often, and mostly in vain.
create function anyone_due() returns boolean language plpgsql as $$
declare
    moment timestamptz := app_clock();
begin
    return exists (select from dispatch_wakes)
        or exists (select from dispatch_state where next_dispatch_at <= moment and not_before <= moment)
        or exists (select from dispatch_state where waits_for_account and not_before <= moment);
end $$;
grant execute on function anyone_due() to vio_engine;
revoke execute on function anyone_due() from public;

-- Whom to look at. Due ones in the order in which they came due, woken ones in the order of their last look: whoever was
-- looked at goes to the end of either, so nobody is passed over however many are due or woken. Of many that are woken,
-- some are read, beginning anywhere: what this costs doesn't grow with them. Then those that wait for an account with
-- room, fewest held slots for their weight first, earliest deadline next. Nobody whose last look has just failed.
create or replace function due_tenants(p_limit int) returns table (tenant_id uuid, account_id uuid) language plpgsql as $$
declare
    moment timestamptz := app_clock();
    start  uuid := (
        select w.tenant_id from dispatch_wakes w
        where w.id >= (select min(m.id) + (random() * (max(m.id) - min(m.id)))::bigint from dispatch_wakes m)
        order by w.id limit 1);
begin
    return query
    with recursive above as (
        -- From one tenant to the next along the index: one that has a million wakes costs no more than one that has one.
        (select w.tenant_id, 1 as n from dispatch_wakes w where w.tenant_id >= start order by w.tenant_id limit 1)
        union all
        select (select w.tenant_id from dispatch_wakes w where w.tenant_id > o.tenant_id order by w.tenant_id limit 1), o.n + 1
        from above o where o.tenant_id is not null and o.n < 2 * p_limit
    ),
    below as (
        (select w.tenant_id, (select max(n) from above) as n from dispatch_wakes w where w.tenant_id < start order by w.tenant_id limit 1)
        union all
        select (select w.tenant_id from dispatch_wakes w where w.tenant_id > o.tenant_id and w.tenant_id < start
                order by w.tenant_id limit 1), o.n + 1
        from below o where o.tenant_id is not null and o.n < 2 * p_limit
    ),
    woken as (select a.tenant_id from above a union all select b.tenant_id from below b),
    of_time as (
        select d.tenant_id, d.account_id, greatest(d.next_dispatch_at, d.last_instant) as since from dispatch_state d
        where d.next_dispatch_at <= moment and d.not_before <= moment
        order by d.next_dispatch_at limit p_limit
    ),
    of_wakes as (
        select d.tenant_id, d.account_id, d.last_instant as since from woken w
        cross join lateral (select * from dispatch_state s where s.tenant_id = w.tenant_id and s.not_before <= moment offset 0) d
        order by d.last_instant limit p_limit
    ),
    due as (
        select b.tenant_id, b.account_id from (select * from of_time union all select * from of_wakes) b
        group by b.tenant_id, b.account_id order by min(b.since), b.tenant_id limit p_limit
    ),
    room as materialized (
        select a.id, least(a.max_concurrent, a.vendor_limit) - slots_held(a.id) as free from accounts a
        where a.held_at is null and not a.breaker_open and a.next_start_at <= moment
          and exists (select from dispatch_state d where d.account_id = a.id and d.waits_for_account
              and d.not_before <= moment)
    ),
    held as (
        select t.tenant_id, count(*) as slots from attempts t
        where t.holds_slot and t.account_id in (select r.id from room r where r.free > 0) group by t.tenant_id
    ),
    waiting as (
        select d.tenant_id, d.account_id,
            row_number() over (partition by d.account_id order by coalesce(h.slots, 0)::float8 / d.weight, d.urgent_at) as place, r.free
        from room r
        join dispatch_state d on d.account_id = r.id and d.waits_for_account and d.not_before <= moment
        left join held h on h.tenant_id = d.tenant_id
        where r.free > 0
    )
    select due.tenant_id, due.account_id from due
    union all
    select * from (select w.tenant_id, w.account_id from waiting w
        where w.place <= w.free and w.tenant_id not in (select due.tenant_id from due) order by w.place limit p_limit) later;
end $$;

-- Dispatch: locks tenant and account, reads the clock, takes the tenant's wakes, then reads. The tenant first: its lock is
-- waited for while its claims are committed, and whoever waits with the account's lock lets all tenants of the account
-- wait. `no key`: a webhook that is stored refers to its account, and needn't wait for looks.
create or replace function dispatch_open() returns table (
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
    select * into st from dispatch_state d where d.tenant_id = tid() for update;
    select a.id, a.simulator, a.held_at, a.breaker_open, a.breaker, least(a.max_concurrent, a.vendor_limit) as max_concurrent, a.starts_per_second, a.next_start_at
        into acc from accounts a where a.id = (select t.account_id from tenants t where t.id = tid()) for no key update;
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
    select c.phone_eq, c.region, c.test_number, c.zone, c.deleted_at is null, c.channel, c.consent_at is not null,
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

-- Dial: the intent, as before. The attempt is found by its id: the partial index of what is to be sent looks short to the
-- planner and is not, since what was sent stays in it until it is cleaned.
create or replace function dial_claim(p_attempt uuid, p_sender uuid, p_now timestamptz, p_used bigint)
returns table (serial bigint, went_back boolean)
language plpgsql as $$
declare
    taken attempts;
begin
    perform 1 from calls where id = (select t.call_id from attempts t where t.id = p_attempt) for update;
    update attempts a set state = 'dialling', claimed_by = p_sender, intent_at = p_now, dialled_at = p_now,
        serial = nextval('dial_serial'), token_back_at = p_now + '2 hours'::interval, check_at = p_now + '30 seconds'::interval
    where a.id = p_attempt and a.state || '' = 'reserved' and a.expires_at > p_now
      and exists (select from calls k where k.id = a.call_id and k.state = 'reserved')
      and not exists (select from attempts o where o.id <> a.id and o.counts and o.state in ('dialling', 'placed')
          and o.contact_id = a.contact_id)
      and not exists (select from attempts o where o.id <> a.id and o.counts and o.state in ('dialling', 'placed')
          and o.number_eq = a.number_eq)
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

-- Dial: what a worker needs to decide and to ask, in one statement, under a shared lock of the tenant, so that a pause or
-- an opt-out comes either before this claim or after it. What the reservation itself holds (window, day, gap, attempts,
-- the number's week) isn't read: dial doesn't ask for it again. Takes the place of dial_open and calls_with_facts.
create function dial_read(p_attempt uuid) returns table (
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
        c.zone, c.deleted_at is null, c.region, c.test_number,
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

-- Dial: the provider accepted; and whether an older attempt of the same call is found to ring still. In one statement,
-- which is its own transaction: it sets the tenant that its rows must be of.
create function dial_placed(p_tenant uuid, p_attempt uuid, p_sender uuid, p_provider_call text, p_status int, p_facts jsonb)
returns boolean language plpgsql as $$
begin
    perform set_config('app.tenant_id', p_tenant::text, true);
    perform dial_accepted(p_attempt, p_sender, p_provider_call, p_status, p_facts);
    return exists (select from attempts o join attempts y on y.id = p_attempt and o.call_id = y.call_id
        where o.reserved_at < y.reserved_at and o.state = 'placed' and o.adopted);
end $$;

-- A row's own trigger with a condition costs nothing where the condition doesn't hold; a statement's runs each time.
-- Conditions ask for what the functions asked for before.
create function wake_tenant_of_row() returns trigger language plpgsql as $$
begin
    insert into dispatch_wakes (tenant_id) values (new.tenant_id);
    return null;
end $$;
create function wake_contact_of_row() returns trigger language plpgsql as $$
begin
    insert into dispatch_wakes (tenant_id, contact_id)
    values (new.tenant_id, case when new.state <> 'released' then new.contact_id end);
    return null;
end $$;

-- A call that waits anew, or waits otherwise.
drop trigger calls_wake_u on calls;
create trigger calls_wake_u after update on calls for each row
    when (new.state = 'planned' and coalesce(current_setting('app.by_dispatch', true), '') = '')
    execute function wake_tenant_of_row();

-- An attempt that turns out not to have been placed, or to be over, frees its contact and number.
drop trigger attempts_wake on attempts;
create trigger attempts_wake after update on attempts for each row
    when (old.state <> new.state and (new.state in ('released', 'not_placed') or old.state = 'unknown')
        and coalesce(current_setting('app.by_dispatch', true), '') = '')
    execute function wake_contact_of_row();

-- Nobody waits for an appointment or a contact of whom no call is planned, nor of anybody with the same number.
create or replace function wake_for_contacts_of() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id, contact_id)
        select distinct n.tenant_id, n.contact_id from changed n
        where exists (select from contacts c join contacts o on o.tenant_id = c.tenant_id and o.phone_eq = c.phone_eq
            join calls k on k.tenant_id = o.tenant_id and k.contact_id = o.id and k.state = 'planned'
            where c.tenant_id = n.tenant_id and c.id = n.contact_id);
    end if;
    return null;
end $$;
