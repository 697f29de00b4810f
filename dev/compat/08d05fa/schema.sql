
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE TYPE public.call_with_facts AS (
	id uuid,
	contact_id uuid,
	appointment_id uuid,
	campaign_id uuid,
	kind text,
	purpose_key text,
	state text,
	earliest timestamp with time zone,
	due timestamp with time zone,
	deadline timestamp with time zone,
	priority smallint,
	front boolean,
	retry_at timestamp with time zone,
	blocked text[],
	planned_at timestamp with time zone,
	appointment_status text,
	number_eq bytea,
	region text,
	test_number boolean,
	zone text,
	live boolean,
	channel text,
	consent boolean,
	number_bad boolean,
	do_not_call boolean,
	attempts bigint,
	last_counted timestamp with time zone,
	under_way boolean,
	number_dials timestamp with time zone[],
	campaign_dials timestamp with time zone[],
	calls_now_today bigint
);

ALTER TYPE public.call_with_facts OWNER TO vio_owner;

CREATE FUNCTION public.adopt_dial(p_attempt uuid, p_call uuid, p_account uuid, p_provider_call text, p_at timestamp with time zone, p_number_eq bytea) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
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
    select k.tenant_id, p_attempt, k.id, k.contact_id, p_account, k.purpose_key, k.campaign_id, coalesce(p_number_eq, c.phone_eq),
        'placed', p_at, p_at, p_at, p_at, p_at, 'accepted', moment, true, p_provider_call, p_at, moment, true
    from contacts c where c.id = k.contact_id
    on conflict (tenant_id, id) do update set state = 'placed', provider_call_id = excluded.provider_call_id, intent_at = p_at,
        answered_at = p_at, answer = 'accepted', sender_done_at = moment, request_sent = true, placed_at = p_at, check_at = moment, adopted = true,
        reserved_at = p_at, dialled_at = p_at, counts = true, holds_slot = true, token_held = true, token_back_at = '9999-12-31 00:00:00+00',
        settled_at = null, number_eq = excluded.number_eq;
    update calls set state = 'in_progress', is_due = false, front = false, updated_at = moment
    where id = p_call and state in ('planned', 'reserved', 'dialling', 'in_progress');
    perform append_changes(array['call.adopted'], array[p_call], array[k.contact_id], 'worker',
        array['call.adopt'], array[p_attempt], array[null::bytea]);
    return true;
end $$;

ALTER FUNCTION public.adopt_dial(p_attempt uuid, p_call uuid, p_account uuid, p_provider_call text, p_at timestamp with time zone, p_number_eq bytea) OWNER TO vio_owner;

CREATE FUNCTION public.adopt_forgotten(p_attempt uuid, p_call uuid, p_account uuid, p_provider_call text, p_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.adopt_forgotten(p_attempt uuid, p_call uuid, p_account uuid, p_provider_call text, p_at timestamp with time zone) OWNER TO vio_owner;

CREATE FUNCTION public.anyone_due() RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    moment timestamptz := app_clock();
begin
    return exists (select from dispatch_wakes)
        or exists (select from dispatch_state where next_dispatch_at <= moment and not_before <= moment)
        or exists (select from dispatch_state where waits_for_account and not_before <= moment);
end $$;

ALTER FUNCTION public.anyone_due() OWNER TO vio_owner;

CREATE FUNCTION public.app_clock() RETURNS timestamp with time zone
    LANGUAGE plpgsql PARALLEL SAFE
    AS $$ begin return clock_timestamp() + (select ahead from demo_clock); end $$;

ALTER FUNCTION public.app_clock() OWNER TO vio_owner;

CREATE FUNCTION public.append_changes(p_kinds text[], p_entities uuid[], p_contacts uuid[], p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
    head   tenant_heads;
    moment timestamptz;
    row_h  bytea;
    kinds  int := coalesce(array_length(p_kinds, 1), 0);
    i      int;
begin
    if coalesce(array_length(p_actions, 1), 0) = 0 then
        update tenant_heads set event_n = event_n + kinds where tenant_id = tid() returning * into head;
        moment := app_clock();
    else
        select * into head from tenant_heads where tenant_id = tid() for update;
        moment := app_clock();
        for i in 1 .. array_length(p_actions, 1) loop
            head.change_n := head.change_n + 1;
            row_h := sha256(convert_to(concat_ws('|', tid(), 'changes', head.change_n,
                (extract(epoch from moment) * 1000000)::bigint, p_actor, p_actions[i], p_audited[i]), 'UTF8')
                || coalesce(p_details[i], ''::bytea));
            head.change_hash := sha256(head.change_hash || row_h);
            insert into audit_entries values
                (tid(), 'changes', head.change_n, moment, p_actor, p_actions[i], p_audited[i], p_details[i], row_h, head.change_hash);
        end loop;
        update tenant_heads set event_n = head.event_n + kinds, change_n = head.change_n, change_hash = head.change_hash
        where tenant_id = tid();
        head.event_n := head.event_n + kinds;
    end if;
    insert into events (tenant_id, n, at, kind, entity, contact_id)
    select tid(), head.event_n - kinds + o, moment, k, e, c
    from unnest(p_kinds, p_entities, p_contacts) with ordinality as t (k, e, c, o);
    return head.event_n;
end $$;

ALTER FUNCTION public.append_changes(p_kinds text[], p_entities uuid[], p_contacts uuid[], p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]) OWNER TO vio_engine;

CREATE FUNCTION public.append_entry(p_tenant uuid, p_chain text, p_actor text, p_action text, p_entity uuid, p_detail bytea) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
declare
    last   record;
    moment timestamptz;
    row_h  bytea;
    number bigint;
begin
    if p_tenant is null then
        select n, hash into strict last from platform_head for update;
    elsif p_chain = 'accesses' then
        select access_n as n, access_hash as hash into strict last from tenant_heads where tenant_id = p_tenant for update;
    else
        select change_n as n, change_hash as hash into strict last from tenant_heads where tenant_id = p_tenant for update;
    end if;
    moment := app_clock();
    number := last.n + 1;
    row_h := sha256(convert_to(concat_ws('|', coalesce(p_tenant::text, 'platform'), coalesce(p_chain, 'platform'), number,
        (extract(epoch from moment) * 1000000)::bigint, p_actor, p_action, p_entity), 'UTF8') || coalesce(p_detail, ''::bytea));
    if p_tenant is null then
        insert into platform_entries values (number, moment, p_actor, p_action, p_entity, p_detail, row_h, sha256(last.hash || row_h));
        update platform_head set n = number, hash = sha256(last.hash || row_h);
        return number;
    end if;
    insert into audit_entries values
        (p_tenant, p_chain, number, moment, p_actor, p_action, p_entity, p_detail, row_h, sha256(last.hash || row_h));
    if p_chain = 'accesses' then
        update tenant_heads set access_n = number, access_hash = sha256(last.hash || row_h) where tenant_id = p_tenant;
    else
        update tenant_heads set change_n = number, change_hash = sha256(last.hash || row_h) where tenant_id = p_tenant;
    end if;
    return number;
end $$;

ALTER FUNCTION public.append_entry(p_tenant uuid, p_chain text, p_actor text, p_action text, p_entity uuid, p_detail bytea) OWNER TO vio_owner;

CREATE FUNCTION public.append_many_changes(p_kinds text[], p_entities uuid[], p_contacts uuid[], p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
    head    tenant_heads;
    moment  timestamptz;
    kinds   int := coalesce(array_length(p_kinds, 1), 0);
    entries int := coalesce(array_length(p_actions, 1), 0);
    rows_h  bytea[];
    row_h   bytea;
    link    bytea;
    links   bytea[] := '{}';
begin
    select * into head from tenant_heads where tenant_id = tid() for update;
    moment := app_clock();
    rows_h := array(
        select sha256(convert_to(concat_ws('|', tid(), 'changes', head.change_n + o,
            (extract(epoch from moment) * 1000000)::bigint, p_actor, action, audited), 'UTF8') || coalesce(detail, ''::bytea))
        from unnest(p_actions, p_audited, p_details) with ordinality as t (action, audited, detail, o) order by o);
    link := head.change_hash;
    foreach row_h in array rows_h loop
        link := sha256(link || row_h);
        links := array_append(links, link);
    end loop;
    insert into audit_entries (tenant_id, chain, n, at, actor, action, entity, detail, row_hash, chain_hash)
    select tid(), 'changes', head.change_n + o, moment, p_actor, action, audited, detail, h, l
    from unnest(p_actions, p_audited, p_details, rows_h, links) with ordinality as t (action, audited, detail, h, l, o);
    update tenant_heads set event_n = head.event_n + kinds, change_n = head.change_n + entries, change_hash = link
    where tenant_id = tid();
    insert into events (tenant_id, n, at, kind, entity, contact_id)
    select tid(), head.event_n + o, moment, k, e, c
    from unnest(p_kinds, p_entities, p_contacts) with ordinality as t (k, e, c, o);
    return head.event_n + kinds;
end $$;

ALTER FUNCTION public.append_many_changes(p_kinds text[], p_entities uuid[], p_contacts uuid[], p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]) OWNER TO vio_engine;

CREATE FUNCTION public.append_operator_act(p_operator text, p_action text, p_entity uuid, p_detail jsonb) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
declare
    last   operator_acts;
    number bigint;
    moment timestamptz;
    row_h  bytea;
begin
    -- One at a time, in the order of their numbers; held until the end of the transaction.
    perform pg_advisory_xact_lock(hashtextextended('operator_acts', 0));
    select * into last from operator_acts order by n desc limit 1;
    moment := app_clock();
    number := coalesce(last.n, 0) + 1;
    row_h := sha256(convert_to(concat_ws('|', 'operator', number, (extract(epoch from moment) * 1000000)::bigint, p_operator,
        p_action, p_entity, p_detail::text), 'UTF8'));
    insert into operator_acts values (number, moment, p_operator, p_action, p_entity, p_detail, row_h,
        sha256(coalesce(last.chain_hash, ''::bytea) || row_h));
    return number;
end $$;

ALTER FUNCTION public.append_operator_act(p_operator text, p_action text, p_entity uuid, p_detail jsonb) OWNER TO vio_owner;

CREATE FUNCTION public.attempt_release(p_attempt uuid, p_now timestamp with time zone, p_from text) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.attempt_release(p_attempt uuid, p_now timestamp with time zone, p_from text) OWNER TO vio_owner;

CREATE FUNCTION public.attempts_to_check(p_limit bigint) RETURNS TABLE(tenant_id uuid, id uuid, account_id uuid, state text)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
declare
    moment timestamptz := app_clock();
begin
    return query
    update attempts a set check_at = moment + '1 minute'::interval
    from (select d.tenant_id, d.id from attempts d where d.check_at <= moment and d.check_at < '9999-12-31 00:00:00+00'
          order by d.check_at limit p_limit for update skip locked) due
    where a.tenant_id = due.tenant_id and a.id = due.id
    returning a.tenant_id, a.id, a.account_id, a.state;
end $$;

ALTER FUNCTION public.attempts_to_check(p_limit bigint) OWNER TO vio_owner;

CREATE FUNCTION public.calls_ahead(p_call uuid, p_now timestamp with time zone, p_near timestamp with time zone) RETURNS bigint
    LANGUAGE sql
    AS $$
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

ALTER FUNCTION public.calls_ahead(p_call uuid, p_now timestamp with time zone, p_near timestamp with time zone) OWNER TO vio_owner;

CREATE FUNCTION public.calls_with_facts(p_ids uuid[], p_now timestamp with time zone, p_day_start timestamp with time zone) RETURNS SETOF public.call_with_facts
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.calls_with_facts(p_ids uuid[], p_now timestamp with time zone, p_day_start timestamp with time zone) OWNER TO vio_owner;

CREATE FUNCTION public.chain_accesses(p_at timestamp with time zone[], p_actors text[], p_actions text[], p_entities uuid[], p_shown bytea[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
    head   tenant_heads;
    rows   bytea[];
    chains bytea[] := '{}';
    row_h  bytea;
begin
    select * into head from tenant_heads where tenant_id = tid() for update;
    select array_agg(sha256(convert_to(concat_ws('|', tid(), 'accesses', head.access_n + u.o,
        (extract(epoch from u.at) * 1000000)::bigint, u.actor, u.action, u.entity), 'UTF8') || u.shown) order by u.o)
    into rows
    from unnest(p_at, p_actors, p_actions, p_entities, p_shown) with ordinality as u (at, actor, action, entity, shown, o);
    foreach row_h in array rows loop
        head.access_hash := sha256(head.access_hash || row_h);
        chains := chains || head.access_hash;
    end loop;
    insert into audit_entries (tenant_id, chain, n, at, actor, action, entity, detail, row_hash, chain_hash)
    select tid(), 'accesses', head.access_n + u.o, u.at, u.actor, u.action, u.entity, u.shown, u.r, u.c
    from unnest(p_at, p_actors, p_actions, p_entities, p_shown, rows, chains)
        with ordinality as u (at, actor, action, entity, shown, r, c, o);
    update tenant_heads set access_n = head.access_n + cardinality(rows), access_hash = head.access_hash where tenant_id = tid();
end $$;

ALTER FUNCTION public.chain_accesses(p_at timestamp with time zone[], p_actors text[], p_actions text[], p_entities uuid[], p_shown bytea[]) OWNER TO vio_engine;

CREATE FUNCTION public.contact_facts(p_contact uuid, p_purpose text, p_call uuid, p_now timestamp with time zone, p_day_start timestamp with time zone) RETURNS TABLE(number_eq bytea, region text, test_number boolean, zone text, live boolean, channel text, consent boolean, number_bad boolean, do_not_call boolean, attempts bigint, last_counted timestamp with time zone, under_way boolean, number_dials timestamp with time zone[], campaign_dials timestamp with time zone[], calls_now_today bigint)
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.contact_facts(p_contact uuid, p_purpose text, p_call uuid, p_now timestamp with time zone, p_day_start timestamp with time zone) OWNER TO vio_owner;

CREATE FUNCTION public.dial_accepted(p_attempt uuid, p_sender uuid, p_provider_call text, p_status integer, p_facts jsonb) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    moment timestamptz := app_clock();
    it     attempts;
    was    text;
begin
    perform 1 from calls where id = (select t.call_id from attempts t where t.id = p_attempt) for update;
    select * into it from attempts where id = p_attempt and claimed_by = p_sender;
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

ALTER FUNCTION public.dial_accepted(p_attempt uuid, p_sender uuid, p_provider_call text, p_status integer, p_facts jsonb) OWNER TO vio_owner;

CREATE FUNCTION public.dial_claim(p_attempt uuid, p_sender uuid, p_now timestamp with time zone, p_used bigint) RETURNS TABLE(serial bigint, went_back boolean)
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.dial_claim(p_attempt uuid, p_sender uuid, p_now timestamp with time zone, p_used bigint) OWNER TO vio_owner;

CREATE FUNCTION public.dial_is_known(p_serial bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ begin return (
        select p.recovering_at is null
            and (p_serial <= p.recovered_serial or exists (select from attempts where serial = p_serial))
        from platform_state p
    ); end $$;

ALTER FUNCTION public.dial_is_known(p_serial bigint) OWNER TO vio_engine;

CREATE FUNCTION public.dial_open(p_attempt uuid) RETURNS TABLE(now timestamp with time zone, call_id uuid, contact_id uuid, account_id uuid, attempt_state text, expires_at timestamp with time zone, reserved_at timestamp with time zone, wanted_at timestamp with time zone, key_wrapped bytea, name bytea, phone bytea, appointment_at timestamp with time zone, appointment_zone text, owner_name text, company_name text, location text, type text, duration_minutes integer, voice_text bytea, appointment_id uuid, doubtful uuid[], simulator boolean, held boolean, breaker_stirs boolean, demo_ahead boolean, number_changed boolean, zone text, active boolean, agent_id text, caller_number text, refused boolean, paused boolean, auto_paused boolean, stop_all boolean, recovering boolean, policy jsonb, closed_dates date[], tokens_back_at timestamp with time zone[], dials_today bigint)
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.dial_open(p_attempt uuid) OWNER TO vio_owner;

CREATE FUNCTION public.dial_placed(p_tenant uuid, p_attempt uuid, p_sender uuid, p_provider_call text, p_status integer, p_facts jsonb) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
    perform set_config('app.tenant_id', p_tenant::text, true);
    perform dial_accepted(p_attempt, p_sender, p_provider_call, p_status, p_facts);
    return exists (select from attempts o join attempts y on y.id = p_attempt and o.call_id = y.call_id
        where o.reserved_at < y.reserved_at and o.state = 'placed' and o.adopted);
end $$;

ALTER FUNCTION public.dial_placed(p_tenant uuid, p_attempt uuid, p_sender uuid, p_provider_call text, p_status integer, p_facts jsonb) OWNER TO vio_owner;

CREATE FUNCTION public.dial_read(p_attempt uuid) RETURNS TABLE(now timestamp with time zone, call_id uuid, contact_id uuid, account_id uuid, attempt_state text, expires_at timestamp with time zone, reserved_at timestamp with time zone, wanted_at timestamp with time zone, key_wrapped bytea, name bytea, phone bytea, appointment_at timestamp with time zone, owner_name text, company_name text, location text, type text, duration_minutes integer, voice_text bytea, appointment_id uuid, doubtful uuid[], simulator boolean, held boolean, breaker_stirs boolean, demo_ahead boolean, number_changed boolean, zone text, active boolean, agent_id text, caller_number text, refused boolean, paused boolean, auto_paused boolean, stop_all boolean, recovering boolean, policy jsonb, closed_dates date[], tokens_back_at timestamp with time zone[], dials_today bigint, kind text, front boolean, earliest timestamp with time zone, due timestamp with time zone, deadline timestamp with time zone, retry_at timestamp with time zone, planned_at timestamp with time zone, appointment_status text, contact_zone text, live boolean, region text, test_number boolean, channel text, consent boolean, number_bad boolean, do_not_call boolean)
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.dial_read(p_attempt uuid) OWNER TO vio_owner;

CREATE FUNCTION public.dials_sent(p_tenants uuid[], p_ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
declare
    moment timestamptz := app_clock();
begin
    update attempts a set sent_at = moment, send_no = a.send_no + 1
    from unnest(p_tenants, p_ids) as s (tenant_id, id)
    where a.tenant_id = s.tenant_id and a.id = s.id and a.state || '' = 'reserved';
end $$;

ALTER FUNCTION public.dials_sent(p_tenants uuid[], p_ids uuid[]) OWNER TO vio_owner;

CREATE FUNCTION public.dispatch_candidates(p_now timestamp with time zone, p_urgent_before timestamp with time zone, p_limit integer, p_day_start timestamp with time zone) RETURNS SETOF public.call_with_facts
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.dispatch_candidates(p_now timestamp with time zone, p_urgent_before timestamp with time zone, p_limit integer, p_day_start timestamp with time zone) OWNER TO vio_owner;

CREATE FUNCTION public.dispatch_open() RETURNS TABLE(now timestamp with time zone, last_instant timestamp with time zone, next_dispatch_at timestamp with time zone, net_at timestamp with time zone, wakes bigint, account_id uuid, simulator boolean, held boolean, breaker_open boolean, breaker jsonb, max_concurrent integer, starts_per_second double precision, next_start_at timestamp with time zone, slots_held bigint, zone text, active boolean, agent_id text, caller_number text, refused boolean, paused boolean, auto_paused boolean, stop_all boolean, recovering boolean, policy jsonb, closed_dates date[], tokens_back_at timestamp with time zone[], dials_today bigint, first_eligible timestamp with time zone, first_warning timestamp with time zone, first_deadline timestamp with time zone, first_front_end timestamp with time zone)
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.dispatch_open() OWNER TO vio_owner;

CREATE FUNCTION public.dispatch_write(p_now timestamp with time zone, p_account uuid, p_next_start timestamp with time zone, p_calls uuid[], p_attempts uuid[], p_expires timestamp with time zone, p_moved uuid[], p_eligible timestamp with time zone[], p_blocked text[], p_next timestamp with time zone, p_net timestamp with time zone, p_waits boolean, p_urgent timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.dispatch_write(p_now timestamp with time zone, p_account uuid, p_next_start timestamp with time zone, p_calls uuid[], p_attempts uuid[], p_expires timestamp with time zone, p_moved uuid[], p_eligible timestamp with time zone[], p_blocked text[], p_next timestamp with time zone, p_net timestamp with time zone, p_waits boolean, p_urgent timestamp with time zone) OWNER TO vio_owner;

CREATE FUNCTION public.due_tenants(p_limit integer) RETURNS TABLE(tenant_id uuid, account_id uuid)
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.due_tenants(p_limit integer) OWNER TO vio_owner;

CREATE FUNCTION public.explain_open() RETURNS TABLE(now timestamp with time zone, account_id uuid, simulator boolean, held boolean, breaker_open boolean, breaker jsonb, max_concurrent integer, starts_per_second double precision, next_start_at timestamp with time zone, slots_held bigint, zone text, active boolean, agent_id text, caller_number text, refused boolean, paused boolean, auto_paused boolean, stop_all boolean, recovering boolean, policy jsonb, closed_dates date[], tokens_back_at timestamp with time zone[], dials_today bigint)
    LANGUAGE plpgsql
    AS $$
declare
    moment timestamptz := greatest(app_clock(), (select d.last_instant from dispatch_state d where d.tenant_id = tid()));
begin
    return query
    select moment, a.id, a.simulator, a.held_at is not null, a.breaker_open, a.breaker, least(a.max_concurrent, a.vendor_limit) as max_concurrent, a.starts_per_second,
        a.next_start_at, coalesce(slots_held(a.id), 0), f.*
    from tenant_facts(moment) f
    left join accounts a on a.id = (select t.account_id from tenants t where t.id = tid());
end $$;

ALTER FUNCTION public.explain_open() OWNER TO vio_owner;

CREATE FUNCTION public.forget_search() RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    delete from search_generations where tenant_id = tid();
    delete from search_blocks where tenant_id = tid();
end $$;

ALTER FUNCTION public.forget_search() OWNER TO vio_owner;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.jobs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    asked_by text NOT NULL,
    params bytea NOT NULL,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ready_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    run_no integer DEFAULT 0 NOT NULL,
    runner uuid,
    beat_at timestamp with time zone,
    send_no integer DEFAULT 0 NOT NULL,
    sent_at timestamp with time zone,
    ran_ms bigint DEFAULT 0 NOT NULL,
    wants text,
    reason text,
    failures integer DEFAULT 0 NOT NULL,
    deaths integer DEFAULT 0 NOT NULL,
    total bigint,
    done bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    place jsonb DEFAULT '{}'::jsonb NOT NULL,
    result jsonb,
    undoes uuid,
    undone_by uuid,
    told_at timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    trace text,
    CONSTRAINT jobs_end_when_they_ended CHECK (((ended_at IS NOT NULL) = (state = ANY (ARRAY['done'::text, 'cancelled'::text, 'refused'::text, 'dead'::text])))),
    CONSTRAINT jobs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'paused'::text, 'done'::text, 'cancelled'::text, 'refused'::text, 'dead'::text]))),
    CONSTRAINT jobs_wants_check CHECK ((wants = ANY (ARRAY['pause'::text, 'cancel'::text])))
);

ALTER TABLE ONLY public.jobs FORCE ROW LEVEL SECURITY;

ALTER TABLE public.jobs OWNER TO vio_owner;

CREATE FUNCTION public.job_claim(p_tenant uuid, p_id uuid, p_no integer, p_runner uuid, p_most_deaths integer) RETURNS SETOF public.jobs
    LANGUAGE plpgsql
    SET search_path TO 'public'
    AS $$
declare
    j   jobs;
    now timestamptz;
begin
    perform set_config('app.tenant_id', p_tenant::text, true);
    select * into j from jobs where tenant_id = p_tenant and id = p_id for no key update;
    now := app_clock();
    if not found or p_no < j.send_no
        or not (j.state = 'queued' and j.ready_at <= now
                or j.state = 'running' and j.beat_at < now - interval '6 seconds') then
        return;
    end if;
    if j.state = 'running' then
        insert into job_failures (tenant_id, job_id, run_no, at, runner, code) values (p_tenant, p_id, j.run_no, now, j.runner, 'died');
        j.deaths := j.deaths + 1;
    end if;
    if j.deaths >= p_most_deaths then
        update jobs set state = 'dead', reason = 'killed_its_workers', deaths = j.deaths, ended_at = now, runner = null, sent_at = null,
            wants = null
        where tenant_id = p_tenant and id = p_id returning * into j;
        perform append_changes(array['job.dead'], array[p_id], array[null]::uuid[], 'worker', '{}', '{}', '{}');
    else
        update jobs set state = 'running', run_no = j.run_no + 1, runner = p_runner, beat_at = now, send_no = p_no, deaths = j.deaths,
            sent_at = coalesce(j.sent_at, now), started_at = coalesce(j.started_at, now), reason = null
        where tenant_id = p_tenant and id = p_id returning * into j;
    end if;
    return next j;
end $$;

ALTER FUNCTION public.job_claim(p_tenant uuid, p_id uuid, p_no integer, p_runner uuid, p_most_deaths integer) OWNER TO vio_owner;

CREATE FUNCTION public.jobs_others_wait(p_tenant uuid, p_kind text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'public'
    AS $$
    select exists (
        select from jobs j, (select app_clock() as now offset 0) clock
        where j.state = 'queued' and j.sent_at is null and (j.tenant_id, j.kind) <> (p_tenant, p_kind)
          and j.ready_at < clock.now - interval '200 milliseconds'
        union all
        select from jobs j, (select app_clock() as now offset 0) clock
        where j.state = 'queued' and j.sent_at < clock.now - interval '200 milliseconds' and (j.tenant_id, j.kind) <> (p_tenant, p_kind))
$$;

ALTER FUNCTION public.jobs_others_wait(p_tenant uuid, p_kind text) OWNER TO vio_owner;

CREATE FUNCTION public.jobs_sent(p_tenants uuid[], p_ids uuid[], p_numbers integer[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public'
    AS $$
    -- In one order, and none that somebody else is at: two who sent the same jobs would wait for each other.
    with mine as (
        select j.tenant_id, j.id, u.no from unnest(p_tenants, p_ids, p_numbers) as u (tenant, id, no)
        join jobs j on j.tenant_id = u.tenant and j.id = u.id and j.send_no = u.no - 1 and j.state in ('queued', 'running')
        order by j.tenant_id, j.id for no key update of j skip locked
    )
    update jobs j set sent_at = app_clock(), send_no = m.no from mine m where j.tenant_id = m.tenant_id and j.id = m.id
$$;

ALTER FUNCTION public.jobs_sent(p_tenants uuid[], p_ids uuid[], p_numbers integer[]) OWNER TO vio_owner;

CREATE FUNCTION public.jobs_take(p_most integer, p_each integer) RETURNS TABLE(tenant_id uuid, id uuid, send_no integer, again boolean)
    LANGUAGE sql STABLE
    SET search_path TO 'public'
    AS $$
    with recursive clock as materialized (select app_clock() as now),
    waiting (t) as (
        (select j.tenant_id from jobs j where j.state = 'queued' and j.sent_at is null order by j.tenant_id limit 1)
        union all
        select (select j.tenant_id from jobs j where j.state = 'queued' and j.sent_at is null and j.tenant_id > w.t
                order by j.tenant_id limit 1)
        from waiting w where w.t is not null
    ),
    busy as (
        select j.tenant_id, count(*) as n from jobs j
        where j.sent_at is not null and j.state in ('queued', 'running') group by j.tenant_id
    ),
    silent as (
        select j.tenant_id, j.id, j.send_no from jobs j, clock
        where j.sent_at is not null and (j.state = 'queued' and j.sent_at < clock.now - interval '20 seconds'
            or j.state = 'running' and greatest(j.beat_at, j.sent_at) < clock.now - interval '20 seconds')
        limit p_most
    ),
    line as (
        select w.t as tenant_id, l.id, l.send_no, coalesce(b.n, 0) + l.rank as rank, l.ready_at
        from waiting w left join busy b on b.tenant_id = w.t, clock,
        lateral (
            select j.id, j.send_no, j.ready_at, row_number() over (order by j.ready_at, j.id) as rank from (
                select i.id, i.send_no, i.ready_at from jobs i
                where i.tenant_id = w.t and i.state = 'queued' and i.sent_at is null and i.ready_at <= clock.now
                order by i.ready_at, i.id limit least(p_most, greatest(p_each - coalesce(b.n, 0), 0))
            ) j
        ) l
        where w.t is not null
    )
    select s.tenant_id, s.id, s.send_no, true from silent s
    union all
    (select l.tenant_id, l.id, l.send_no, false from line l order by l.rank, l.ready_at limit p_most)
$$;

ALTER FUNCTION public.jobs_take(p_most integer, p_each integer) OWNER TO vio_owner;

CREATE FUNCTION public.note_accesses(p_tenants uuid[], p_actors text[], p_actions text[], p_entities uuid[], p_shown bytea[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform set_config('synchronous_commit', 'off', true);
    insert into pending_accesses (tenant_id, at, actor, action, entity, shown)
    select t, n.moment, a, c, e, s
    from (select app_clock() as moment offset 0) n, unnest(p_tenants, p_actors, p_actions, p_entities, p_shown) as u (t, a, c, e, s);
end $$;

ALTER FUNCTION public.note_accesses(p_tenants uuid[], p_actors text[], p_actions text[], p_entities uuid[], p_shown bytea[]) OWNER TO vio_owner;

CREATE FUNCTION public.note_changed_contact() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into search_changes (tenant_id, contact_id) values (new.tenant_id, new.contact_id);
    return null;
end $$;

ALTER FUNCTION public.note_changed_contact() OWNER TO vio_owner;

CREATE FUNCTION public.note_changed_contacts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into search_changes (tenant_id, contact_id) select distinct tenant_id, contact_id from changed;
    return null;
end $$;

ALTER FUNCTION public.note_changed_contacts() OWNER TO vio_owner;

CREATE FUNCTION public.note_changed_rows_of_contacts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into search_changes (tenant_id, contact_id) select tenant_id, id from changed;
    return null;
end $$;

ALTER FUNCTION public.note_changed_rows_of_contacts() OWNER TO vio_owner;

CREATE FUNCTION public.planning_facts(p_appointment uuid) RETURNS TABLE(now timestamp with time zone, contact_id uuid, at timestamp with time zone, status text, call_before_hours integer, booked_at timestamp with time zone, round integer, priority smallint, contact_live boolean, number_eq bytea, contact_zone text, tenant_zone text, policy jsonb, closed_dates date[])
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.planning_facts(p_appointment uuid) OWNER TO vio_owner;

CREATE FUNCTION public.prospective_call(p_contact uuid, p_appointment uuid, p_purpose text, p_deadline timestamp with time zone, p_now timestamp with time zone, p_day_start timestamp with time zone) RETURNS SETOF public.call_with_facts
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
begin
    return query
    select '00000000-0000-0000-0000-000000000000'::uuid, p_contact, p_appointment, null::uuid, 'call_now', p_purpose, 'planned',
        p_now, p_now, p_deadline, 0::smallint, true, null::timestamptz, '{}'::text[], p_now, p.status, f.*
    from contact_facts(p_contact, p_purpose, null, p_now, p_day_start) f
    left join appointments p on p.id = p_appointment and p.deleted_at is null;
end $$;

ALTER FUNCTION public.prospective_call(p_contact uuid, p_appointment uuid, p_purpose text, p_deadline timestamp with time zone, p_now timestamp with time zone, p_day_start timestamp with time zone) OWNER TO vio_owner;

CREATE FUNCTION public.prune_search(p_most integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    mark search_marks;
    gone int := 0;
begin
    select * into mark from search_marks for update skip locked;
    if mark.at is null then
        insert into search_marks (at, seen) values (clock_timestamp(), pg_current_snapshot()) on conflict do nothing;
        return 0;
    end if;
    if mark.at > clock_timestamp() - interval '30 minutes' then
        return 0;
    end if;
    delete from search_changes c
    where pg_visible_in_snapshot(c.xid, mark.seen)
      and not exists (select from search_generations g where g.tenant_id = c.tenant_id);
    get diagnostics gone = row_count;
    delete from search_generations g
    where (select count(*) from (select from search_changes c where c.tenant_id = g.tenant_id limit p_most + 1) noted) > p_most;
    delete from search_blocks b
    where not exists (select from search_generations g where g.tenant_id = b.tenant_id and g.id = b.generation);
    update search_marks set at = clock_timestamp(), seen = pg_current_snapshot();
    return gone;
end $$;

ALTER FUNCTION public.prune_search(p_most integer) OWNER TO vio_owner;

CREATE FUNCTION public.refuse_unknown_zones() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform now() at time zone new.zone;
    return new;
exception when invalid_parameter_value then
    raise check_violation using constraint = 'tenants_zone_is_known', message = 'PostgreSQL does not know the zone';
end $$;

ALTER FUNCTION public.refuse_unknown_zones() OWNER TO vio_owner;

CREATE FUNCTION public.release_reservations(p_appointment uuid, p_contact uuid, p_call uuid, p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform attempt_release(a.id, p_now, 'reserved') from attempts a join calls k on k.id = a.call_id
    where a.state = 'reserved' and k.state = 'reserved'
      and (k.appointment_id = p_appointment or k.contact_id = p_contact or k.id = p_call);
end $$;

ALTER FUNCTION public.release_reservations(p_appointment uuid, p_contact uuid, p_call uuid, p_now timestamp with time zone) OWNER TO vio_owner;

CREATE FUNCTION public.release_reservations_of(p_appointments uuid[], p_contacts uuid[], p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public'
    AS $$
begin
    perform attempt_release(a.id, p_now, 'reserved') from attempts a join calls k on k.id = a.call_id
    where a.state = 'reserved' and k.state = 'reserved'
      and (k.appointment_id = any (p_appointments) or k.contact_id = any (p_contacts));
end $$;

ALTER FUNCTION public.release_reservations_of(p_appointments uuid[], p_contacts uuid[], p_now timestamp with time zone) OWNER TO vio_owner;

CREATE FUNCTION public.seal_accesses(p_most integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    moments  timestamptz[];
    actors   text[];
    actions  text[];
    entities uuid[];
    shown    bytea[];
begin
    perform set_config('synchronous_commit', 'off', true);
    perform pg_advisory_xact_lock(hashtextextended('accesses of ' || tid()::text, 0));
    with taken as (
        delete from pending_accesses p
        where p.tenant_id = tid()
          and p.id = any (array(select w.id from pending_accesses w where w.tenant_id = tid() order by w.id limit p_most))
        returning p.*)
    select array_agg(t.at order by t.id), array_agg(t.actor order by t.id), array_agg(t.action order by t.id),
        array_agg(t.entity order by t.id), array_agg(t.shown order by t.id)
    into moments, actors, actions, entities, shown
    from taken t;
    if moments is null then
        return 0;
    end if;
    perform chain_accesses(moments, actors, actions, entities, shown);
    return cardinality(moments);
end $$;

ALTER FUNCTION public.seal_accesses(p_most integer) OWNER TO vio_owner;

CREATE FUNCTION public.search_state(p_generation bigint, p_seen text, OUT generation bigint, OUT watermark bigint, OUT blocks integer, OUT contacts integer, OUT seen text, OUT changed uuid[]) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
declare
    g     search_generations;
    since pg_snapshot;
begin
    select s.* into g from search_generations s
    where s.tenant_id = tid() and s.cluster = (select system_identifier from pg_control_system());
    seen := pg_current_snapshot();
    if g.id is null then
        return;
    end if;
    generation := g.id;
    watermark := g.watermark;
    blocks := g.blocks;
    contacts := g.contacts;
    since := case when g.id = p_generation then p_seen::pg_snapshot else g.as_of end;
    select array_agg(distinct c.contact_id) into changed from search_changes c
    where c.tenant_id = tid() and c.xid >= pg_snapshot_xmin(since) and not pg_visible_in_snapshot(c.xid, since);
end $$;

ALTER FUNCTION public.search_state(p_generation bigint, p_seen text, OUT generation bigint, OUT watermark bigint, OUT blocks integer, OUT contacts integer, OUT seen text, OUT changed uuid[]) OWNER TO vio_owner;

CREATE FUNCTION public.settle_open(p_attempt uuid) RETURNS TABLE(now timestamp with time zone, ahead_seconds double precision, attempt_state text, account_id uuid, provider_call_id text, intent_at timestamp with time zone, reserved_at timestamp with time zone, answered_at timestamp with time zone, started_at timestamp with time zone, facts jsonb, asked_at timestamp with time zone, told_at timestamp with time zone, silent_looks timestamp with time zone[], claimed_by uuid, sender_done_at timestamp with time zone, sender_dead_at timestamp with time zone, list_trusted boolean, number_eq bytea, dialled_at timestamp with time zone, attempt_settled boolean, attempt_outcome text, call_id uuid, call_state text, contact_id uuid, appointment_id uuid, campaign_id uuid, purpose_key text, kind text, deadline timestamp with time zone, not_placed integer, attempts_used bigint, alone boolean, holds_slot boolean, contact_zone text, key_wrapped bytea, phone bytea, contact_live boolean, appointment_at timestamp with time zone, appointment_status text, appointment_moved boolean, call_before_hours integer, tenant_zone text, policy jsonb, closed_dates date[])
    LANGUAGE plpgsql
    AS $$
declare
    k calls;
    a attempts;
begin
    select * into k from calls c where c.id = (select t.call_id from attempts t where t.id = p_attempt) for update;
    select * into a from attempts t where t.id = p_attempt;
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

ALTER FUNCTION public.settle_open(p_attempt uuid) OWNER TO vio_owner;

CREATE FUNCTION public.slots_held(p_account uuid) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public'
    SET enable_bitmapscan TO 'off'
    AS $$ begin return (select count(*) from attempts where account_id = p_account and holds_slot); end $$;

ALTER FUNCTION public.slots_held(p_account uuid) OWNER TO vio_engine;

CREATE FUNCTION public.tell_that_access_ended() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform pg_notify('vio_access_ended', '');
    return null;
end $$;

ALTER FUNCTION public.tell_that_access_ended() OWNER TO vio_owner;

CREATE FUNCTION public.tenant_facts(p_now timestamp with time zone) RETURNS TABLE(zone text, active boolean, agent_id text, caller_number text, refused boolean, paused boolean, auto_paused boolean, stop_all boolean, recovering boolean, policy jsonb, closed_dates date[], tokens_back_at timestamp with time zone[], dials_today bigint)
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.tenant_facts(p_now timestamp with time zone) OWNER TO vio_owner;

CREATE FUNCTION public.tid() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;

ALTER FUNCTION public.tid() OWNER TO vio_owner;

CREATE FUNCTION public.wake_changed_tenants() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id) select distinct tenant_id from changed;
    end if;
    return null;
end $$;

ALTER FUNCTION public.wake_changed_tenants() OWNER TO vio_owner;

CREATE FUNCTION public.wake_contact_of_row() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into dispatch_wakes (tenant_id, contact_id)
    values (new.tenant_id, case when new.state <> 'released' then new.contact_id end);
    return null;
end $$;

ALTER FUNCTION public.wake_contact_of_row() OWNER TO vio_owner;

CREATE FUNCTION public.wake_everybody() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into dispatch_wakes (tenant_id, everything) select tenant_id, true from dispatch_state;
    return null;
end $$;

ALTER FUNCTION public.wake_everybody() OWNER TO vio_owner;

CREATE FUNCTION public.wake_for_calls_about() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id)
        select distinct n.tenant_id from changed n
        where exists (select from calls k where k.tenant_id = n.tenant_id and k.contact_id = n.contact_id and k.state = 'planned');
    end if;
    return null;
end $$;

ALTER FUNCTION public.wake_for_calls_about() OWNER TO vio_owner;

CREATE FUNCTION public.wake_for_closed_dates() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id, everything) select distinct tenant_id, true from changed;
    end if;
    return null;
end $$;

ALTER FUNCTION public.wake_for_closed_dates() OWNER TO vio_owner;

CREATE FUNCTION public.wake_for_contacts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id, contact_id) select tenant_id, id from changed;
    end if;
    return null;
end $$;

ALTER FUNCTION public.wake_for_contacts() OWNER TO vio_owner;

CREATE FUNCTION public.wake_for_contacts_of() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION public.wake_for_contacts_of() OWNER TO vio_owner;

CREATE FUNCTION public.wake_for_freed_attempts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id, contact_id)
        select distinct n.tenant_id, case when n.state <> 'released' then n.contact_id end
        from changed n join before b using (tenant_id, id)
        where n.state <> b.state and (n.state = 'released' or (n.state = 'not_placed') or b.state = 'unknown');
    end if;
    return null;
end $$;

ALTER FUNCTION public.wake_for_freed_attempts() OWNER TO vio_owner;

CREATE FUNCTION public.wake_for_waiting_calls() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id) select distinct tenant_id from changed where state = 'planned';
    end if;
    return null;
end $$;

ALTER FUNCTION public.wake_for_waiting_calls() OWNER TO vio_owner;

CREATE FUNCTION public.wake_tenant_of_row() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into dispatch_wakes (tenant_id) values (new.tenant_id);
    return null;
end $$;

ALTER FUNCTION public.wake_tenant_of_row() OWNER TO vio_owner;

CREATE FUNCTION public.wake_this_tenant() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id, everything)
        select n.id, (n.policy, n.allowance, n.zone, n.account_id) is distinct from (b.policy, b.allowance, b.zone, b.account_id)
        from changed n join before b on b.id = n.id;
    end if;
    return null;
end $$;

ALTER FUNCTION public.wake_this_tenant() OWNER TO vio_owner;

CREATE FUNCTION public.webhooks_done(p_ids uuid[], p_states text[], p_results text[]) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
declare
    moment timestamptz := app_clock();
begin
    update webhooks w set state = d.state, result = d.result, processed_at = moment, body = null
    from unnest(p_ids, p_states, p_results) as d (id, state, result)
    where w.id = d.id and w.processed_at is null;
end $$;

ALTER FUNCTION public.webhooks_done(p_ids uuid[], p_states text[], p_results text[]) OWNER TO vio_owner;

CREATE FUNCTION public.webhooks_taken(p_ids uuid[]) RETURNS TABLE(id uuid, account_id uuid, tenant_id uuid, format text, body bytea, trace text, first_try boolean)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
begin
    return query
    with first as (
        update webhooks w set tries = 1
        where w.id = any (p_ids) and w.tries = 0 and w.processed_at is null and w.body is not null
        returning w.id, w.account_id, w.tenant_id, w.format, w.body, w.trace, w.received_at
    )
    select t.id, t.account_id, t.tenant_id, t.format, t.body, t.trace, t.of_first from (
        select *, true as of_first from first
        union all
        select w.id, w.account_id, w.tenant_id, w.format, w.body, w.trace, w.received_at, false from webhooks w
        where w.id = any (p_ids) and w.tries > 0 and w.processed_at is null and w.body is not null
    ) t order by t.received_at, t.id;
end $$;

ALTER FUNCTION public.webhooks_taken(p_ids uuid[]) OWNER TO vio_owner;

CREATE FUNCTION public.webhooks_to_send(p_limit bigint, p_most_tries integer) RETURNS TABLE(id uuid, send_no integer)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
declare
    moment timestamptz := app_clock();
begin
    return query
    update webhooks w set sent_at = moment, send_no = w.send_no + 1
    where w.id = any (array(
        select s.id from webhooks s
        where s.state = 'stored' and s.tries < p_most_tries and (s.sent_at is null or s.sent_at < moment - '20 seconds'::interval)
        order by s.received_at limit p_limit for update skip locked))
    returning w.id, w.send_no;
end $$;

ALTER FUNCTION public.webhooks_to_send(p_limit bigint, p_most_tries integer) OWNER TO vio_owner;

CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);

ALTER TABLE public._sqlx_migrations OWNER TO vio_owner;

CREATE TABLE public.accounts (
    id uuid NOT NULL,
    tenant_id uuid,
    name text NOT NULL,
    base_url text NOT NULL,
    simulator boolean DEFAULT false NOT NULL,
    key_sealed bytea NOT NULL,
    webhook_key_sealed bytea NOT NULL,
    webhook_key_old bytea,
    max_concurrent integer DEFAULT 20 NOT NULL,
    vendor_limit integer,
    starts_per_second double precision DEFAULT 1 NOT NULL,
    next_start_at timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    held_at timestamp with time zone,
    held_reason text,
    breaker jsonb,
    breaker_open boolean DEFAULT false NOT NULL,
    probe_at timestamp with time zone,
    checked_at timestamp with time zone,
    check_result jsonb,
    list_trusted boolean DEFAULT false NOT NULL,
    list_lag_seconds integer,
    limits_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    webhook_key_old_until timestamp with time zone,
    CONSTRAINT accounts_max_concurrent_check CHECK (((max_concurrent >= 1) AND (max_concurrent <= 10000))),
    CONSTRAINT accounts_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 120))),
    CONSTRAINT accounts_starts_per_second_check CHECK (((starts_per_second > (0)::double precision) AND (starts_per_second <= (10000)::double precision))),
    CONSTRAINT accounts_vendor_limit_check CHECK (((vendor_limit >= 1) AND (vendor_limit <= 10000)))
);

ALTER TABLE ONLY public.accounts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.accounts OWNER TO vio_owner;

CREATE TABLE public.acknowledgements (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    kind text NOT NULL,
    how text,
    text_version text,
    recorded_by text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT acknowledgements_how_check CHECK ((how ~ '^[a-z_]{3,40}$'::text)),
    CONSTRAINT acknowledgements_kind_check CHECK ((kind ~ '^[a-z_]{3,40}$'::text)),
    CONSTRAINT acknowledgements_text_version_check CHECK (((char_length(text_version) >= 1) AND (char_length(text_version) <= 40)))
);

ALTER TABLE ONLY public.acknowledgements FORCE ROW LEVEL SECURITY;

ALTER TABLE public.acknowledgements OWNER TO vio_owner;

CREATE TABLE public.api_keys (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    hash bytea NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    last_used timestamp with time zone,
    scopes text[],
    made_by text,
    CONSTRAINT api_keys_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 120))),
    CONSTRAINT api_keys_role_check CHECK ((role = ANY (ARRAY['client_admin'::text, 'client_user'::text])))
);

ALTER TABLE ONLY public.api_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE public.api_keys OWNER TO vio_owner;

CREATE TABLE public.appointment_types (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    names text[] NOT NULL,
    spoken_name text,
    sensitive boolean NOT NULL,
    duration_minutes integer,
    active boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT appointment_types_duration_minutes_check CHECK (((duration_minutes >= 5) AND (duration_minutes <= 480))),
    CONSTRAINT appointment_types_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 80))),
    CONSTRAINT appointment_types_names_check CHECK (((cardinality(names) >= 1) AND (cardinality(names) <= 50))),
    CONSTRAINT appointment_types_spoken_name_check CHECK (((char_length(spoken_name) >= 1) AND (char_length(spoken_name) <= 80))),
    CONSTRAINT sensitive_types_are_never_spoken CHECK ((NOT (sensitive AND (spoken_name IS NOT NULL))))
);

ALTER TABLE ONLY public.appointment_types FORCE ROW LEVEL SECURITY;

ALTER TABLE public.appointment_types OWNER TO vio_owner;

CREATE TABLE public.appointments (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    call_before_hours integer NOT NULL,
    duration_minutes integer,
    type text,
    owner_name text,
    company_name text,
    location text,
    voice_text bytea,
    priority smallint DEFAULT 0 NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    status_reason text,
    confirmed_by text,
    confirmed_at timestamp with time zone,
    last_contact_at timestamp with time zone,
    booked_at timestamp with time zone NOT NULL,
    round integer DEFAULT 1 NOT NULL,
    source text DEFAULT 'manual'::text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    status_reason_sealed bytea,
    attendance text,
    attendance_at timestamp with time zone,
    attendance_by text,
    CONSTRAINT appointments_attendance_is_known CHECK ((attendance = ANY (ARRAY['attended'::text, 'no_show'::text]))),
    CONSTRAINT appointments_call_before_hours_check CHECK (((call_before_hours >= 1) AND (call_before_hours <= 168))),
    CONSTRAINT appointments_company_name_check CHECK ((char_length(company_name) <= 120)),
    CONSTRAINT appointments_confirmed_by_check CHECK ((confirmed_by = ANY (ARRAY['voice'::text, 'manual'::text, 'phone'::text, 'sms'::text, 'email'::text]))),
    CONSTRAINT appointments_duration_minutes_check CHECK (((duration_minutes >= 5) AND (duration_minutes <= 480))),
    CONSTRAINT appointments_location_check CHECK ((char_length(location) <= 200)),
    CONSTRAINT appointments_owner_name_check CHECK ((char_length(owner_name) <= 120)),
    CONSTRAINT appointments_priority_check CHECK (((priority >= 0) AND (priority <= 2))),
    CONSTRAINT appointments_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'confirmed'::text, 'cancelled'::text, 'rescheduled'::text]))),
    CONSTRAINT appointments_status_reason_check CHECK ((char_length(status_reason) <= 500)),
    CONSTRAINT appointments_type_check CHECK ((char_length(type) <= 80))
);

ALTER TABLE ONLY public.appointments FORCE ROW LEVEL SECURITY;

ALTER TABLE public.appointments OWNER TO vio_owner;

CREATE TABLE public.attempts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    call_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    account_id uuid NOT NULL,
    purpose_key text NOT NULL,
    campaign_id uuid,
    number_eq bytea NOT NULL,
    state text NOT NULL,
    reserved_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    dialled_at timestamp with time zone NOT NULL,
    token_held boolean DEFAULT true NOT NULL,
    token_back_at timestamp with time zone DEFAULT '9999-12-31 00:00:00+00'::timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    send_no integer DEFAULT 0 NOT NULL,
    claimed_by uuid,
    claimed_tasks integer DEFAULT 0 NOT NULL,
    serial bigint,
    intent_at timestamp with time zone,
    sender_done_at timestamp with time zone,
    request_sent boolean,
    answered_at timestamp with time zone,
    answer text,
    status_code integer,
    provider_call_id text,
    placed_at timestamp with time zone,
    started_at timestamp with time zone,
    connected_at timestamp with time zone,
    ended_at timestamp with time zone,
    ended_reason text,
    analysed_at timestamp with time zone,
    facts jsonb,
    silent_looks timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL,
    asked_at timestamp with time zone,
    told_at timestamp with time zone,
    check_at timestamp with time zone DEFAULT '9999-12-31 00:00:00+00'::timestamp with time zone NOT NULL,
    holds_slot boolean DEFAULT true NOT NULL,
    counts boolean DEFAULT true NOT NULL,
    outcome text,
    fault text,
    settled_at timestamp with time zone,
    adopted boolean DEFAULT false NOT NULL,
    CONSTRAINT attempts_fault_check CHECK ((fault = ANY (ARRAY['provider'::text, 'tenant'::text, 'number'::text, 'nobody'::text]))),
    CONSTRAINT attempts_state_check CHECK ((state = ANY (ARRAY['reserved'::text, 'released'::text, 'dialling'::text, 'unknown'::text, 'placed'::text, 'ended'::text, 'not_placed'::text, 'settled'::text])))
);

ALTER TABLE ONLY public.attempts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.attempts OWNER TO vio_owner;

CREATE TABLE public.audit_entries (
    tenant_id uuid NOT NULL,
    chain text NOT NULL,
    n bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    entity uuid NOT NULL,
    detail bytea,
    row_hash bytea NOT NULL,
    chain_hash bytea NOT NULL,
    CONSTRAINT audit_entries_chain_check CHECK ((chain = ANY (ARRAY['changes'::text, 'accesses'::text])))
);

ALTER TABLE ONLY public.audit_entries FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_entries OWNER TO vio_owner;

CREATE TABLE public.audit_heads (
    tenant_id uuid NOT NULL,
    chain text NOT NULL,
    serial bigint NOT NULL,
    n bigint NOT NULL,
    hash bytea NOT NULL,
    at timestamp with time zone NOT NULL,
    previous bytea NOT NULL,
    earliest timestamp with time zone NOT NULL,
    latest timestamp with time zone NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL,
    CONSTRAINT audit_heads_chain_check CHECK ((chain = ANY (ARRAY['changes'::text, 'accesses'::text])))
);

ALTER TABLE ONLY public.audit_heads FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_heads OWNER TO vio_owner;

CREATE TABLE public.bad_numbers (
    tenant_id uuid NOT NULL,
    number_eq bytea NOT NULL,
    at timestamp with time zone NOT NULL,
    reason text NOT NULL
);

ALTER TABLE ONLY public.bad_numbers FORCE ROW LEVEL SECURITY;

ALTER TABLE public.bad_numbers OWNER TO vio_owner;

CREATE TABLE public.calls (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    appointment_id uuid,
    campaign_id uuid,
    kind text NOT NULL,
    purpose_key text NOT NULL,
    state text NOT NULL,
    earliest timestamp with time zone NOT NULL,
    due timestamp with time zone NOT NULL,
    deadline timestamp with time zone NOT NULL,
    eligible_at timestamp with time zone NOT NULL,
    is_due boolean DEFAULT false NOT NULL,
    deadline_hour timestamp with time zone GENERATED ALWAYS AS (date_bin('01:00:00'::interval, deadline, '2000-01-01 00:00:00+00'::timestamp with time zone)) STORED,
    priority smallint DEFAULT 0 NOT NULL,
    front boolean DEFAULT false NOT NULL,
    front_until timestamp with time zone,
    taken_over boolean DEFAULT false NOT NULL,
    requested_at timestamp with time zone,
    retry_at timestamp with time zone,
    not_placed integer DEFAULT 0 NOT NULL,
    blocked text[] DEFAULT '{}'::text[] NOT NULL,
    blocked_at timestamp with time zone,
    warn_at timestamp with time zone DEFAULT '9999-12-31 00:00:00+00'::timestamp with time zone NOT NULL,
    outcome text,
    ended_reason text,
    version integer DEFAULT 1 NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    trace text DEFAULT NULLIF(current_setting('app.trace'::text, true), ''::text),
    CONSTRAINT calls_kind_check CHECK ((kind = ANY (ARRAY['reminder'::text, 'call_now'::text, 'campaign'::text]))),
    CONSTRAINT calls_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'reserved'::text, 'dialling'::text, 'in_progress'::text, 'settled'::text, 'withdrawn'::text, 'refused'::text])))
);

ALTER TABLE ONLY public.calls FORCE ROW LEVEL SECURITY;

ALTER TABLE public.calls OWNER TO vio_owner;

CREATE TABLE public.closed_dates (
    tenant_id uuid NOT NULL,
    date date NOT NULL,
    name text NOT NULL,
    CONSTRAINT closed_dates_name_check CHECK ((char_length(name) <= 120))
);

ALTER TABLE ONLY public.closed_dates FORCE ROW LEVEL SECURITY;

ALTER TABLE public.closed_dates OWNER TO vio_owner;

CREATE TABLE public.contact_views (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    owner text,
    sealed bytea NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    used bigint DEFAULT 0 NOT NULL,
    used_at timestamp with time zone,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.contact_views FORCE ROW LEVEL SECURITY;

ALTER TABLE public.contact_views OWNER TO vio_owner;

CREATE TABLE public.contacts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key_wrapped bytea,
    name bytea,
    phone bytea,
    email bytea,
    notes bytea,
    phone_eq bytea NOT NULL,
    email_eq bytea,
    region text NOT NULL,
    test_number boolean DEFAULT false NOT NULL,
    zone text NOT NULL,
    channel text DEFAULT 'voice'::text NOT NULL,
    consent_at timestamp with time zone,
    consent_by text,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    archived_at timestamp with time zone,
    erased_at timestamp with time zone,
    CONSTRAINT contacts_channel_check CHECK ((channel = ANY (ARRAY['voice'::text, 'sms'::text, 'email'::text])))
);

ALTER TABLE ONLY public.contacts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.contacts OWNER TO vio_owner;

CREATE TABLE public.demo_clock (
    single boolean DEFAULT true NOT NULL,
    ahead interval DEFAULT '00:00:00'::interval NOT NULL,
    CONSTRAINT demo_clock_ahead_check CHECK ((ahead >= '00:00:00'::interval)),
    CONSTRAINT demo_clock_single_check CHECK (single)
);

ALTER TABLE public.demo_clock OWNER TO vio_owner;

CREATE SEQUENCE public.dial_serial
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER TABLE public.dial_serial OWNER TO vio_owner;

CREATE TABLE public.dispatch_state (
    tenant_id uuid NOT NULL,
    account_id uuid,
    next_dispatch_at timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    net_at timestamp with time zone DEFAULT '9999-12-31 00:00:00+00'::timestamp with time zone NOT NULL,
    waits_for_account boolean DEFAULT false NOT NULL,
    urgent_at timestamp with time zone DEFAULT '9999-12-31 00:00:00+00'::timestamp with time zone NOT NULL,
    last_instant timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    weight integer DEFAULT 1 NOT NULL,
    not_before timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    CONSTRAINT dispatch_state_weight_check CHECK (((weight >= 1) AND (weight <= 100)))
);

ALTER TABLE ONLY public.dispatch_state FORCE ROW LEVEL SECURITY;

ALTER TABLE public.dispatch_state OWNER TO vio_owner;

CREATE TABLE public.dispatch_wakes (
    id bigint NOT NULL,
    tenant_id uuid NOT NULL,
    contact_id uuid,
    everything boolean DEFAULT false NOT NULL
);

ALTER TABLE ONLY public.dispatch_wakes FORCE ROW LEVEL SECURITY;

ALTER TABLE public.dispatch_wakes OWNER TO vio_owner;

ALTER TABLE public.dispatch_wakes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dispatch_wakes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.do_not_call (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    number bytea NOT NULL,
    number_eq bytea NOT NULL,
    source text NOT NULL,
    reason text,
    added_by text NOT NULL,
    added_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    removed_by text,
    reason_sealed bytea,
    CONSTRAINT do_not_call_reason_check CHECK ((char_length(reason) <= 500)),
    CONSTRAINT do_not_call_source_check CHECK ((source = ANY (ARRAY['manual'::text, 'import'::text, 'call'::text, 'api'::text])))
);

ALTER TABLE ONLY public.do_not_call FORCE ROW LEVEL SECURITY;

ALTER TABLE public.do_not_call OWNER TO vio_owner;

CREATE TABLE public.events (
    tenant_id uuid NOT NULL,
    n bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    entity uuid NOT NULL,
    contact_id uuid
);

ALTER TABLE ONLY public.events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.events OWNER TO vio_owner;

CREATE TABLE public.flags (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    appointment_id uuid,
    call_id uuid,
    reason text NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    cleared_at timestamp with time zone
);

ALTER TABLE ONLY public.flags FORCE ROW LEVEL SECURITY;

ALTER TABLE public.flags OWNER TO vio_owner;

CREATE TABLE public.group_members (
    tenant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    added_by text NOT NULL,
    added_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.group_members FORCE ROW LEVEL SECURITY;

ALTER TABLE public.group_members OWNER TO vio_owner;

CREATE TABLE public.groups (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    description text,
    colour text NOT NULL,
    archived_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    members_changed_at timestamp with time zone,
    CONSTRAINT groups_colour_check CHECK ((colour = ANY (ARRAY['red'::text, 'orange'::text, 'yellow'::text, 'green'::text, 'teal'::text, 'blue'::text, 'purple'::text, 'grey'::text]))),
    CONSTRAINT groups_description_check CHECK ((char_length(description) <= 255)),
    CONSTRAINT groups_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 50)))
);

ALTER TABLE ONLY public.groups FORCE ROW LEVEL SECURITY;

ALTER TABLE public.groups OWNER TO vio_owner;

CREATE TABLE public.idempotency_keys (
    tenant_id uuid NOT NULL,
    key_hash bytea NOT NULL,
    request_hash bytea NOT NULL,
    status integer,
    body bytea,
    headers jsonb,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.idempotency_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE public.idempotency_keys OWNER TO vio_owner;

CREATE TABLE public.import_templates (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    sealed bytea NOT NULL,
    used bigint DEFAULT 0 NOT NULL,
    used_at timestamp with time zone,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.import_templates FORCE ROW LEVEL SECURITY;

ALTER TABLE public.import_templates OWNER TO vio_owner;

CREATE TABLE public.imports (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key_wrapped bytea NOT NULL,
    content bytea NOT NULL,
    bytes bigint NOT NULL,
    rows integer NOT NULL,
    uploaded_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    job_id uuid
);
ALTER TABLE ONLY public.imports ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.imports FORCE ROW LEVEL SECURITY;

ALTER TABLE public.imports OWNER TO vio_owner;

CREATE TABLE public.job_failures (
    tenant_id uuid NOT NULL,
    job_id uuid NOT NULL,
    run_no integer NOT NULL,
    at timestamp with time zone NOT NULL,
    runner uuid,
    code text NOT NULL
);

ALTER TABLE ONLY public.job_failures FORCE ROW LEVEL SECURITY;

ALTER TABLE public.job_failures OWNER TO vio_owner;

CREATE TABLE public.job_items (
    tenant_id uuid NOT NULL,
    job_id uuid NOT NULL,
    n bigint NOT NULL,
    contact_id uuid,
    thing uuid,
    outcome text NOT NULL,
    code text,
    before jsonb,
    version integer,
    thing_version integer,
    before_sealed bytea,
    CONSTRAINT job_items_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'skipped'::text, 'failed'::text])))
);

ALTER TABLE ONLY public.job_items FORCE ROW LEVEL SECURITY;

ALTER TABLE public.job_items OWNER TO vio_owner;

CREATE TABLE public.job_selections (
    tenant_id uuid NOT NULL,
    job_id uuid NOT NULL,
    contacts uuid[] NOT NULL,
    appointments uuid[] NOT NULL
);

ALTER TABLE ONLY public.job_selections FORCE ROW LEVEL SECURITY;

ALTER TABLE public.job_selections OWNER TO vio_owner;

CREATE TABLE public.key_rotations (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    key_id integer NOT NULL,
    phase text NOT NULL,
    after uuid NOT NULL,
    rows_done bigint DEFAULT 0 NOT NULL,
    rows_total bigint NOT NULL,
    ready_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT key_rotations_kind_check CHECK ((kind = ANY (ARRAY['tenant'::text, 'contacts'::text, 'equality'::text]))),
    CONSTRAINT key_rotations_state_check CHECK ((state = ANY (ARRAY['running'::text, 'done'::text])))
);

ALTER TABLE ONLY public.key_rotations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.key_rotations OWNER TO vio_owner;

CREATE TABLE public.legal_holds (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid,
    reason bytea NOT NULL,
    placed_by text NOT NULL,
    placed_at timestamp with time zone NOT NULL,
    released_by text,
    released_at timestamp with time zone
);

ALTER TABLE ONLY public.legal_holds FORCE ROW LEVEL SECURITY;

ALTER TABLE public.legal_holds OWNER TO vio_owner;

CREATE TABLE public.locations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    names text[] NOT NULL,
    address text,
    zone text NOT NULL,
    hours jsonb,
    active boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT locations_address_check CHECK ((char_length(address) <= 300)),
    CONSTRAINT locations_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT locations_names_check CHECK (((cardinality(names) >= 1) AND (cardinality(names) <= 50)))
);

ALTER TABLE ONLY public.locations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.locations OWNER TO vio_owner;

CREATE TABLE public.operator_acts (
    n bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    operator text NOT NULL,
    action text NOT NULL,
    entity uuid,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    row_hash bytea NOT NULL,
    chain_hash bytea NOT NULL,
    CONSTRAINT operator_acts_operator_check CHECK ((char_length(operator) <= 120))
);

ALTER TABLE ONLY public.operator_acts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.operator_acts OWNER TO vio_owner;

CREATE TABLE public.password_links (
    hash bytea NOT NULL,
    user_id uuid NOT NULL,
    tenant_id uuid,
    kind text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    made_by uuid,
    CONSTRAINT password_links_kind_check CHECK ((kind = ANY (ARRAY['invitation'::text, 'reset'::text])))
);

ALTER TABLE ONLY public.password_links FORCE ROW LEVEL SECURITY;

ALTER TABLE public.password_links OWNER TO vio_owner;

CREATE TABLE public.pending_accesses (
    id bigint NOT NULL,
    tenant_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    entity uuid NOT NULL,
    shown bytea NOT NULL,
    CONSTRAINT pending_accesses_action_check CHECK ((char_length(action) <= 200))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000');

ALTER TABLE ONLY public.pending_accesses FORCE ROW LEVEL SECURITY;

ALTER TABLE public.pending_accesses OWNER TO vio_owner;

ALTER TABLE public.pending_accesses ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.pending_accesses_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.phi_detections (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    field text NOT NULL,
    outcome text NOT NULL,
    kinds text[] DEFAULT '{}'::text[] NOT NULL,
    severity text,
    CONSTRAINT phi_detections_outcome_check CHECK ((outcome = ANY (ARRAY['clean'::text, 'refused'::text, 'acknowledged'::text, 'unasked'::text]))),
    CONSTRAINT phi_detections_say_what_was_found CHECK ((((outcome = 'clean'::text) = (severity IS NULL)) AND ((outcome = 'clean'::text) = (cardinality(kinds) = 0)))),
    CONSTRAINT phi_detections_severity_check CHECK ((severity = ANY (ARRAY['medium'::text, 'high'::text, 'critical'::text])))
);

ALTER TABLE ONLY public.phi_detections FORCE ROW LEVEL SECURITY;

ALTER TABLE public.phi_detections OWNER TO vio_owner;

CREATE TABLE public.platform_entries (
    n bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    entity uuid NOT NULL,
    detail bytea,
    row_hash bytea NOT NULL,
    chain_hash bytea NOT NULL
);

ALTER TABLE ONLY public.platform_entries FORCE ROW LEVEL SECURITY;

ALTER TABLE public.platform_entries OWNER TO vio_owner;

CREATE TABLE public.platform_head (
    single boolean DEFAULT true NOT NULL,
    n bigint DEFAULT 0 NOT NULL,
    hash bytea DEFAULT '\x'::bytea NOT NULL,
    CONSTRAINT platform_head_single_check CHECK (single)
);

ALTER TABLE ONLY public.platform_head FORCE ROW LEVEL SECURITY;

ALTER TABLE public.platform_head OWNER TO vio_owner;

CREATE TABLE public.platform_keys (
    purpose text NOT NULL,
    key_id integer NOT NULL,
    wrapped bytea NOT NULL,
    master_key_id integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT platform_keys_key_id_check CHECK ((key_id > 0)),
    CONSTRAINT platform_keys_purpose_check CHECK ((purpose = ANY (ARRAY['field'::text, 'equality'::text])))
);

ALTER TABLE ONLY public.platform_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE public.platform_keys OWNER TO vio_owner;

CREATE TABLE public.platform_people (
    user_id uuid NOT NULL,
    name bytea NOT NULL,
    email bytea NOT NULL
);

ALTER TABLE ONLY public.platform_people FORCE ROW LEVEL SECURITY;

ALTER TABLE public.platform_people OWNER TO vio_owner;

CREATE TABLE public.platform_state (
    single boolean DEFAULT true NOT NULL,
    stop_all_at timestamp with time zone,
    stop_all_reason text,
    recovering_at timestamp with time zone,
    recovering_from timestamp with time zone,
    recovered_serial bigint DEFAULT 0 NOT NULL,
    CONSTRAINT platform_state_single_check CHECK (single)
);

ALTER TABLE ONLY public.platform_state FORCE ROW LEVEL SECURITY;

ALTER TABLE public.platform_state OWNER TO vio_owner;

CREATE TABLE public.recovery_codes (
    user_id uuid NOT NULL,
    hash bytea NOT NULL,
    used_at timestamp with time zone
);

ALTER TABLE ONLY public.recovery_codes FORCE ROW LEVEL SECURITY;

ALTER TABLE public.recovery_codes OWNER TO vio_owner;

CREATE TABLE public.refresh_tokens (
    hash bytea NOT NULL,
    session_id uuid NOT NULL,
    made_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

ALTER TABLE ONLY public.refresh_tokens FORCE ROW LEVEL SECURITY;

ALTER TABLE public.refresh_tokens OWNER TO vio_owner;

CREATE TABLE public.retention_runs (
    tenant_id uuid NOT NULL,
    next_at timestamp with time zone NOT NULL,
    ran_at timestamp with time zone,
    archived bigint DEFAULT 0 NOT NULL,
    erased bigint DEFAULT 0 NOT NULL,
    spared jsonb DEFAULT '{}'::jsonb NOT NULL
);

ALTER TABLE ONLY public.retention_runs FORCE ROW LEVEL SECURITY;

ALTER TABLE public.retention_runs OWNER TO vio_owner;

CREATE UNLOGGED TABLE public.search_blocks (
    tenant_id uuid NOT NULL,
    generation bigint NOT NULL,
    number integer NOT NULL,
    contacts integer NOT NULL,
    sealed bytea NOT NULL
);
ALTER TABLE ONLY public.search_blocks ALTER COLUMN sealed SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.search_blocks FORCE ROW LEVEL SECURITY;

ALTER TABLE public.search_blocks OWNER TO vio_owner;

CREATE UNLOGGED TABLE public.search_changes (
    tenant_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_threshold='1000');

ALTER TABLE ONLY public.search_changes FORCE ROW LEVEL SECURITY;

ALTER TABLE public.search_changes OWNER TO vio_owner;

CREATE UNLOGGED TABLE public.search_generations (
    tenant_id uuid NOT NULL,
    id bigint NOT NULL,
    cluster bigint NOT NULL,
    as_of pg_snapshot NOT NULL,
    watermark bigint NOT NULL,
    blocks integer NOT NULL,
    contacts integer NOT NULL,
    made_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE ONLY public.search_generations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.search_generations OWNER TO vio_owner;

CREATE UNLOGGED TABLE public.search_marks (
    single boolean DEFAULT true NOT NULL,
    at timestamp with time zone NOT NULL,
    seen pg_snapshot NOT NULL,
    CONSTRAINT search_marks_single_check CHECK (single)
);

ALTER TABLE ONLY public.search_marks FORCE ROW LEVEL SECURITY;

ALTER TABLE public.search_marks OWNER TO vio_owner;

CREATE TABLE public.senders (
    id uuid NOT NULL,
    host_id uuid NOT NULL,
    started_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    dead_at timestamp with time zone
);

ALTER TABLE ONLY public.senders FORCE ROW LEVEL SECURITY;

ALTER TABLE public.senders OWNER TO vio_owner;

CREATE TABLE public.sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    tenant_id uuid,
    second_factor boolean NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_why text,
    CONSTRAINT sessions_ended_why_check CHECK ((ended_why = ANY (ARRAY['signed_out'::text, 'by_user'::text, 'by_administrator'::text, 'password'::text, 'second_factor'::text, 'reused'::text, 'deactivated'::text]))),
    CONSTRAINT sessions_say_why_they_ended CHECK (((ended_at IS NULL) = (ended_why IS NULL)))
);

ALTER TABLE ONLY public.sessions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.sessions OWNER TO vio_owner;

CREATE TABLE public.signing_keys (
    id uuid NOT NULL,
    public_key bytea NOT NULL,
    sealed bytea NOT NULL,
    made_at timestamp with time zone NOT NULL,
    retired_at timestamp with time zone
);

ALTER TABLE ONLY public.signing_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE public.signing_keys OWNER TO vio_owner;

CREATE TABLE public.tenant_heads (
    tenant_id uuid NOT NULL,
    event_n bigint DEFAULT 0 NOT NULL,
    change_n bigint DEFAULT 0 NOT NULL,
    change_hash bytea DEFAULT '\x'::bytea NOT NULL,
    access_n bigint DEFAULT 0 NOT NULL,
    access_hash bytea DEFAULT '\x'::bytea NOT NULL
);

ALTER TABLE ONLY public.tenant_heads FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_heads OWNER TO vio_owner;

CREATE TABLE public.tenant_keys (
    tenant_id uuid NOT NULL,
    purpose text NOT NULL,
    key_id integer NOT NULL,
    wrapped bytea NOT NULL,
    master_key_id integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    seals_from timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT tenant_keys_key_id_check CHECK ((key_id > 0)),
    CONSTRAINT tenant_keys_purpose_check CHECK ((purpose = ANY (ARRAY['field'::text, 'equality'::text])))
);

ALTER TABLE ONLY public.tenant_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_keys OWNER TO vio_owner;

CREATE TABLE public.tenants (
    id uuid NOT NULL,
    name text NOT NULL,
    zone text DEFAULT 'Europe/London'::text NOT NULL,
    active boolean DEFAULT true NOT NULL,
    zone_changed_at timestamp with time zone,
    day_start_before timestamp with time zone,
    account_id uuid,
    agent_id text,
    caller_number text,
    policy jsonb DEFAULT '{}'::jsonb NOT NULL,
    allowance jsonb DEFAULT '{}'::jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    refused_at timestamp with time zone,
    refused_reason text,
    paused_at timestamp with time zone,
    paused_reason text,
    auto_paused_at timestamp with time zone,
    auto_paused_reason text,
    resumed_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    second_factor_required boolean DEFAULT false NOT NULL,
    former_accounts uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    policy_added jsonb DEFAULT '{}'::jsonb NOT NULL,
    shredded_at timestamp with time zone,
    CONSTRAINT tenants_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200)))
);

ALTER TABLE ONLY public.tenants FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tenants OWNER TO vio_owner;

CREATE TABLE public.training_completions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    module text NOT NULL,
    version integer NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT training_completions_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY public.training_completions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.training_completions OWNER TO vio_owner;

CREATE TABLE public.transcripts (
    tenant_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    transcript bytea,
    recording_url bytea,
    stored_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.transcripts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.transcripts OWNER TO vio_owner;

CREATE TABLE public.users (
    id uuid NOT NULL,
    tenant_id uuid,
    role text NOT NULL,
    state text DEFAULT 'invited'::text NOT NULL,
    email_eq bytea NOT NULL,
    name bytea,
    email bytea,
    password_hash text,
    totp bytea,
    totp_confirmed_at timestamp with time zone,
    totp_step bigint DEFAULT 0 NOT NULL,
    signed_in_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT users_are_a_tenants_or_the_platforms CHECK (((tenant_id IS NULL) = (role = 'super_admin'::text))),
    CONSTRAINT users_of_a_tenant_have_a_name CHECK (((tenant_id IS NULL) OR ((name IS NOT NULL) AND (email IS NOT NULL)))),
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['super_admin'::text, 'client_admin'::text, 'client_user'::text]))),
    CONSTRAINT users_state_check CHECK ((state = ANY (ARRAY['invited'::text, 'active'::text, 'deactivated'::text]))),
    CONSTRAINT users_who_are_active_have_a_password CHECK (((state <> 'active'::text) OR (password_hash IS NOT NULL)))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;

ALTER TABLE public.users OWNER TO vio_owner;

CREATE TABLE public.visits (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    reason bytea NOT NULL,
    minutes integer NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    approved_by uuid,
    starts_at timestamp with time zone,
    ends_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT visits_by_breaking_glass_take_two_people CHECK (((kind <> 'break_glass'::text) OR (starts_at IS NULL) OR ((approved_by IS NOT NULL) AND (approved_by <> user_id)))),
    CONSTRAINT visits_kind_check CHECK ((kind = ANY (ARRAY['read'::text, 'break_glass'::text]))),
    CONSTRAINT visits_minutes_check CHECK (((minutes >= 1) AND (minutes <= 240)))
);

ALTER TABLE ONLY public.visits FORCE ROW LEVEL SECURITY;

ALTER TABLE public.visits OWNER TO vio_owner;

CREATE TABLE public.webhooks (
    id uuid NOT NULL,
    format text NOT NULL,
    account_id uuid,
    tenant_id uuid,
    body bytea,
    body_hash bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    state text DEFAULT 'stored'::text NOT NULL,
    result text,
    sent_at timestamp with time zone,
    send_no integer DEFAULT 0 NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    processed_at timestamp with time zone,
    trace text,
    CONSTRAINT webhooks_format_check CHECK ((format = ANY (ARRAY['retell'::text, 'outcome'::text]))),
    CONSTRAINT webhooks_have_one_source CHECK (((account_id IS NULL) <> (tenant_id IS NULL))),
    CONSTRAINT webhooks_state_check CHECK ((state = ANY (ARRAY['stored'::text, 'processed'::text, 'ignored'::text, 'dead'::text])))
)
WITH (fillfactor='60');

ALTER TABLE ONLY public.webhooks FORCE ROW LEVEL SECURITY;

ALTER TABLE public.webhooks OWNER TO vio_owner;

ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.acknowledgements
    ADD CONSTRAINT acknowledgements_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_hash_is_unique UNIQUE (hash);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.appointment_types
    ADD CONSTRAINT appointment_types_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.appointments
    ADD CONSTRAINT appointments_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.audit_entries
    ADD CONSTRAINT audit_entries_pkey PRIMARY KEY (tenant_id, chain, n);

ALTER TABLE ONLY public.audit_heads
    ADD CONSTRAINT audit_heads_pkey PRIMARY KEY (tenant_id, chain, serial);

ALTER TABLE ONLY public.bad_numbers
    ADD CONSTRAINT bad_numbers_pkey PRIMARY KEY (tenant_id, number_eq);

ALTER TABLE ONLY public.calls
    ADD CONSTRAINT calls_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE public.calls
    ADD CONSTRAINT calls_trace_is_a_traceparent CHECK ((length(trace) = 55)) NOT VALID;

ALTER TABLE ONLY public.closed_dates
    ADD CONSTRAINT closed_dates_pkey PRIMARY KEY (tenant_id, date);

ALTER TABLE ONLY public.contact_views
    ADD CONSTRAINT contact_views_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.demo_clock
    ADD CONSTRAINT demo_clock_pkey PRIMARY KEY (single);

ALTER TABLE ONLY public.dispatch_state
    ADD CONSTRAINT dispatch_state_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.dispatch_wakes
    ADD CONSTRAINT dispatch_wakes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.do_not_call
    ADD CONSTRAINT do_not_call_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (tenant_id, n);

ALTER TABLE ONLY public.flags
    ADD CONSTRAINT flags_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.group_members
    ADD CONSTRAINT group_members_pkey PRIMARY KEY (tenant_id, group_id, contact_id);

ALTER TABLE ONLY public.groups
    ADD CONSTRAINT groups_have_names_of_their_own UNIQUE (tenant_id, name_key);

ALTER TABLE ONLY public.groups
    ADD CONSTRAINT groups_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, key_hash);

ALTER TABLE ONLY public.import_templates
    ADD CONSTRAINT import_templates_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.job_failures
    ADD CONSTRAINT job_failures_pkey PRIMARY KEY (tenant_id, job_id, run_no);

ALTER TABLE ONLY public.job_items
    ADD CONSTRAINT job_items_pkey PRIMARY KEY (tenant_id, job_id, n);

ALTER TABLE ONLY public.job_selections
    ADD CONSTRAINT job_selections_pkey PRIMARY KEY (tenant_id, job_id);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.key_rotations
    ADD CONSTRAINT key_rotations_pkey PRIMARY KEY (tenant_id, kind);

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.locations
    ADD CONSTRAINT locations_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.operator_acts
    ADD CONSTRAINT operator_acts_pkey PRIMARY KEY (n);

ALTER TABLE ONLY public.password_links
    ADD CONSTRAINT password_links_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.pending_accesses
    ADD CONSTRAINT pending_accesses_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.phi_detections
    ADD CONSTRAINT phi_detections_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.platform_entries
    ADD CONSTRAINT platform_entries_pkey PRIMARY KEY (n);

ALTER TABLE ONLY public.platform_head
    ADD CONSTRAINT platform_head_pkey PRIMARY KEY (single);

ALTER TABLE ONLY public.platform_keys
    ADD CONSTRAINT platform_keys_pkey PRIMARY KEY (purpose, key_id);

ALTER TABLE ONLY public.platform_people
    ADD CONSTRAINT platform_people_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.platform_state
    ADD CONSTRAINT platform_state_pkey PRIMARY KEY (single);

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, hash);

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.retention_runs
    ADD CONSTRAINT retention_runs_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.search_blocks
    ADD CONSTRAINT search_blocks_pkey PRIMARY KEY (tenant_id, generation, number);

ALTER TABLE ONLY public.search_generations
    ADD CONSTRAINT search_generations_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.search_marks
    ADD CONSTRAINT search_marks_pkey PRIMARY KEY (single);

ALTER TABLE ONLY public.senders
    ADD CONSTRAINT senders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tenant_heads
    ADD CONSTRAINT tenant_heads_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.tenant_keys
    ADD CONSTRAINT tenant_keys_pkey PRIMARY KEY (tenant_id, purpose, key_id);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.training_completions
    ADD CONSTRAINT training_completions_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.transcripts
    ADD CONSTRAINT transcripts_pkey PRIMARY KEY (tenant_id, attempt_id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_is_unique UNIQUE (email_eq);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.visits
    ADD CONSTRAINT visits_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (id);

ALTER TABLE public.webhooks
    ADD CONSTRAINT webhooks_trace_is_a_traceparent CHECK ((length(trace) = 55)) NOT VALID;

CREATE INDEX acknowledgements_of_contact ON public.acknowledgements USING btree (tenant_id, contact_id, at DESC, id DESC);

CREATE UNIQUE INDEX appointment_types_have_names_of_their_own ON public.appointment_types USING btree (tenant_id, (names[1]));

CREATE INDEX appointments_by_time ON public.appointments USING btree (tenant_id, at, id) WHERE (deleted_at IS NULL);

CREATE INDEX appointments_of_contact ON public.appointments USING btree (tenant_id, contact_id, at) WHERE (deleted_at IS NULL);

CREATE INDEX attempts_answers ON public.attempts USING btree (account_id, answered_at DESC) WHERE (answered_at IS NOT NULL);

CREATE INDEX attempts_by_serial ON public.attempts USING btree (serial) WHERE (serial IS NOT NULL);

CREATE INDEX attempts_holding_slots ON public.attempts USING btree (account_id) WHERE holds_slot;

CREATE INDEX attempts_of_call ON public.attempts USING btree (tenant_id, call_id, reserved_at);

CREATE INDEX attempts_of_contact ON public.attempts USING btree (tenant_id, contact_id, dialled_at DESC) WHERE counts;

CREATE INDEX attempts_of_day ON public.attempts USING btree (tenant_id, reserved_at);

CREATE INDEX attempts_of_number ON public.attempts USING btree (tenant_id, number_eq, dialled_at DESC) WHERE counts;

CREATE INDEX attempts_of_purpose ON public.attempts USING btree (tenant_id, purpose_key) WHERE counts;

CREATE UNIQUE INDEX attempts_one_per_provider_call ON public.attempts USING btree (account_id, provider_call_id) WHERE (provider_call_id IS NOT NULL);

CREATE UNIQUE INDEX attempts_one_to_send_per_call ON public.attempts USING btree (tenant_id, call_id) WHERE (state = ANY (ARRAY['reserved'::text, 'dialling'::text]));

CREATE INDEX attempts_reserved ON public.attempts USING btree (sent_at NULLS FIRST, reserved_at) WHERE (state = 'reserved'::text);

CREATE INDEX attempts_to_check ON public.attempts USING btree (check_at) WHERE (check_at < '9999-12-31 00:00:00+00'::timestamp with time zone);

CREATE INDEX attempts_uncounted_of_number ON public.attempts USING btree (tenant_id, number_eq) WHERE (NOT counts);

CREATE INDEX attempts_with_token ON public.attempts USING btree (tenant_id) WHERE token_held;

CREATE INDEX attempts_with_token_on_its_way ON public.attempts USING btree (tenant_id, token_back_at) WHERE (NOT token_held);

CREATE INDEX calls_by_purpose ON public.calls USING btree (tenant_id, purpose_key);

CREATE INDEX calls_by_time ON public.calls USING btree (tenant_id, planned_at DESC, id DESC);

CREATE INDEX calls_due_by_deadline ON public.calls USING btree (tenant_id, front DESC, deadline_hour, priority DESC, deadline) WHERE ((state = 'planned'::text) AND is_due);

CREATE INDEX calls_due_by_priority ON public.calls USING btree (tenant_id, priority DESC, due) WHERE ((state = 'planned'::text) AND is_due);

CREATE INDEX calls_in_front ON public.calls USING btree (front_until) WHERE ((state = 'planned'::text) AND front);

CREATE INDEX calls_not_yet_due ON public.calls USING btree (tenant_id, eligible_at) WHERE ((state = 'planned'::text) AND (NOT is_due));

CREATE INDEX calls_of_contact ON public.calls USING btree (tenant_id, contact_id, planned_at DESC);

CREATE UNIQUE INDEX calls_one_open_per_contact_and_purpose ON public.calls USING btree (tenant_id, contact_id, purpose_key) WHERE (state = ANY (ARRAY['planned'::text, 'reserved'::text, 'dialling'::text, 'in_progress'::text]));

CREATE INDEX calls_past_deadline ON public.calls USING btree (tenant_id, deadline) WHERE (state = 'planned'::text);

CREATE INDEX calls_to_warn_about ON public.calls USING btree (tenant_id, warn_at) WHERE (state = 'planned'::text);

CREATE INDEX contact_views_by_owner ON public.contact_views USING btree (tenant_id, owner);

CREATE INDEX contacts_by_creation ON public.contacts USING btree (tenant_id, created_at DESC, id DESC) WHERE (deleted_at IS NULL);

CREATE INDEX contacts_by_email ON public.contacts USING btree (tenant_id, email_eq) WHERE (email_eq IS NOT NULL);

CREATE INDEX contacts_by_phone ON public.contacts USING btree (tenant_id, phone_eq);

CREATE INDEX dispatch_state_by_next ON public.dispatch_state USING btree (next_dispatch_at);

CREATE INDEX dispatch_state_waiting ON public.dispatch_state USING btree (account_id) WHERE waits_for_account;

CREATE INDEX dispatch_wakes_by_tenant ON public.dispatch_wakes USING btree (tenant_id);

CREATE INDEX do_not_call_by_time ON public.do_not_call USING btree (tenant_id, added_at DESC, id DESC) WHERE (removed_at IS NULL);

CREATE UNIQUE INDEX do_not_call_lists_a_number_once ON public.do_not_call USING btree (tenant_id, number_eq) WHERE (removed_at IS NULL);

CREATE UNIQUE INDEX flags_once_per_reason ON public.flags USING btree (tenant_id, contact_id, COALESCE(call_id, appointment_id, contact_id), reason) WHERE (cleared_at IS NULL);

CREATE INDEX flags_open ON public.flags USING btree (tenant_id, contact_id) WHERE (cleared_at IS NULL);

CREATE INDEX group_members_of_contact ON public.group_members USING btree (tenant_id, contact_id);

CREATE INDEX idempotency_keys_by_age ON public.idempotency_keys USING btree (created_at);

CREATE INDEX imports_by_age ON public.imports USING btree (created_at);

CREATE UNIQUE INDEX imports_of_job ON public.imports USING btree (tenant_id, job_id) WHERE (job_id IS NOT NULL);

CREATE INDEX job_items_of_contact ON public.job_items USING btree (tenant_id, contact_id) WHERE (before IS NOT NULL);

CREATE INDEX jobs_ended ON public.jobs USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX jobs_in_line ON public.jobs USING btree (tenant_id, ready_at, id) WHERE ((state = 'queued'::text) AND (sent_at IS NULL));

CREATE INDEX jobs_open ON public.jobs USING btree (state, tenant_id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text, 'paused'::text, 'dead'::text]));

CREATE INDEX jobs_under_way ON public.jobs USING btree (tenant_id, sent_at) WHERE ((sent_at IS NOT NULL) AND (state = ANY (ARRAY['queued'::text, 'running'::text])));

CREATE INDEX key_rotations_running ON public.key_rotations USING btree (ready_at) WHERE (state = 'running'::text);

CREATE INDEX legal_holds_standing ON public.legal_holds USING btree (tenant_id, contact_id) WHERE (released_at IS NULL);

CREATE UNIQUE INDEX locations_have_names_of_their_own ON public.locations USING btree (tenant_id, (names[1]));

CREATE INDEX password_links_of_user ON public.password_links USING btree (user_id);

CREATE INDEX phi_detections_by_time ON public.phi_detections USING btree (tenant_id, at);

CREATE INDEX refresh_tokens_of_session ON public.refresh_tokens USING btree (session_id);

CREATE INDEX search_changes_by_xid ON public.search_changes USING btree (tenant_id, xid);

CREATE INDEX sessions_by_end ON public.sessions USING btree (ends_at);

CREATE INDEX sessions_of_user ON public.sessions USING btree (user_id, started_at DESC);

CREATE INDEX training_completions_by_user ON public.training_completions USING btree (tenant_id, user_id, module, at);

CREATE INDEX users_by_creation ON public.users USING btree (tenant_id, created_at DESC, id DESC);

CREATE UNIQUE INDEX visits_are_one_at_a_time ON public.visits USING btree (user_id) WHERE (ended_at IS NULL);

CREATE INDEX visits_of_tenant ON public.visits USING btree (tenant_id, asked_at DESC, id DESC);

CREATE UNIQUE INDEX webhooks_are_stored_once ON public.webhooks USING btree (COALESCE(account_id, tenant_id), body_hash);

CREATE INDEX webhooks_processed ON public.webhooks USING btree (received_at) WHERE (state <> 'stored'::text);

CREATE INDEX webhooks_stored ON public.webhooks USING btree (received_at) WHERE (state = 'stored'::text);

CREATE TRIGGER api_keys_access_ended AFTER UPDATE OF revoked_at, role ON public.api_keys FOR EACH STATEMENT EXECUTE FUNCTION public.tell_that_access_ended();

CREATE TRIGGER api_keys_access_gone AFTER DELETE ON public.api_keys FOR EACH STATEMENT EXECUTE FUNCTION public.tell_that_access_ended();

CREATE TRIGGER appointments_searched_d AFTER DELETE ON public.appointments REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_contacts();

CREATE TRIGGER appointments_searched_i AFTER INSERT ON public.appointments REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_contacts();

CREATE TRIGGER appointments_searched_u AFTER UPDATE ON public.appointments REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_contacts();

CREATE TRIGGER appointments_wake AFTER UPDATE ON public.appointments REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.wake_for_contacts_of();

CREATE TRIGGER attempts_searched_u AFTER UPDATE OF counts ON public.attempts FOR EACH ROW WHEN ((old.counts IS DISTINCT FROM new.counts)) EXECUTE FUNCTION public.note_changed_contact();

CREATE TRIGGER attempts_wake AFTER UPDATE ON public.attempts FOR EACH ROW WHEN (((old.state <> new.state) AND ((new.state = ANY (ARRAY['released'::text, 'not_placed'::text])) OR (old.state = 'unknown'::text)) AND (COALESCE(current_setting('app.by_dispatch'::text, true), ''::text) = ''::text))) EXECUTE FUNCTION public.wake_contact_of_row();

CREATE TRIGGER bad_numbers_wake_d AFTER DELETE ON public.bad_numbers REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.wake_changed_tenants();

CREATE TRIGGER bad_numbers_wake_i AFTER INSERT ON public.bad_numbers REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.wake_changed_tenants();

CREATE TRIGGER calls_searched_d AFTER DELETE ON public.calls REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_contacts();

CREATE TRIGGER calls_searched_i AFTER INSERT ON public.calls REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_contacts();

CREATE TRIGGER calls_searched_u AFTER UPDATE OF state, eligible_at, blocked, contact_id ON public.calls FOR EACH ROW WHEN ((((old.state = 'planned'::text) IS DISTINCT FROM (new.state = 'planned'::text)) OR ((old.state = ANY (ARRAY['planned'::text, 'reserved'::text, 'dialling'::text, 'in_progress'::text])) IS DISTINCT FROM (new.state = ANY (ARRAY['planned'::text, 'reserved'::text, 'dialling'::text, 'in_progress'::text]))) OR ((old.eligible_at IS DISTINCT FROM new.eligible_at) AND (new.state = 'planned'::text)) OR ((old.blocked IS DISTINCT FROM new.blocked) AND (new.state = 'planned'::text)))) EXECUTE FUNCTION public.note_changed_contact();

CREATE TRIGGER calls_wake_i AFTER INSERT ON public.calls REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.wake_for_waiting_calls();

CREATE TRIGGER calls_wake_u AFTER UPDATE ON public.calls FOR EACH ROW WHEN (((new.state = 'planned'::text) AND (COALESCE(current_setting('app.by_dispatch'::text, true), ''::text) = ''::text))) EXECUTE FUNCTION public.wake_tenant_of_row();

CREATE TRIGGER closed_dates_wake_d AFTER DELETE ON public.closed_dates REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.wake_for_closed_dates();

CREATE TRIGGER closed_dates_wake_i AFTER INSERT ON public.closed_dates REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.wake_changed_tenants();

CREATE TRIGGER contacts_searched_d AFTER DELETE ON public.contacts REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_rows_of_contacts();

CREATE TRIGGER contacts_searched_i AFTER INSERT ON public.contacts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_rows_of_contacts();

CREATE TRIGGER contacts_searched_u AFTER UPDATE ON public.contacts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_rows_of_contacts();

CREATE TRIGGER contacts_wake AFTER UPDATE ON public.contacts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.wake_for_contacts();

CREATE TRIGGER do_not_call_wake_i AFTER INSERT ON public.do_not_call REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.wake_changed_tenants();

CREATE TRIGGER do_not_call_wake_u AFTER UPDATE ON public.do_not_call REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.wake_changed_tenants();

CREATE TRIGGER flags_searched_d AFTER DELETE ON public.flags REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_contacts();

CREATE TRIGGER flags_searched_i AFTER INSERT ON public.flags REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_contacts();

CREATE TRIGGER flags_searched_u AFTER UPDATE ON public.flags REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_contacts();

CREATE TRIGGER group_members_searched_d AFTER DELETE ON public.group_members REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_contacts();

CREATE TRIGGER group_members_searched_i AFTER INSERT ON public.group_members REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_contacts();

CREATE TRIGGER platform_state_wakes AFTER UPDATE ON public.platform_state FOR EACH STATEMENT EXECUTE FUNCTION public.wake_everybody();

CREATE TRIGGER sessions_access_ended AFTER UPDATE OF ended_at ON public.sessions FOR EACH STATEMENT EXECUTE FUNCTION public.tell_that_access_ended();

CREATE TRIGGER tenants_access_ended AFTER UPDATE OF active, second_factor_required ON public.tenants FOR EACH STATEMENT EXECUTE FUNCTION public.tell_that_access_ended();

CREATE TRIGGER tenants_wake AFTER UPDATE ON public.tenants REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.wake_this_tenant();

CREATE TRIGGER tenants_zone_is_known BEFORE INSERT OR UPDATE OF zone ON public.tenants FOR EACH ROW EXECUTE FUNCTION public.refuse_unknown_zones();

CREATE TRIGGER users_access_ended AFTER UPDATE OF state, role ON public.users FOR EACH STATEMENT EXECUTE FUNCTION public.tell_that_access_ended();

CREATE TRIGGER visits_access_ended AFTER UPDATE OF ended_at ON public.visits FOR EACH STATEMENT EXECUTE FUNCTION public.tell_that_access_ended();

ALTER TABLE ONLY public.acknowledgements
    ADD CONSTRAINT acknowledgements_tenant_id_contact_id_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES public.contacts(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.appointment_types
    ADD CONSTRAINT appointment_types_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.appointments
    ADD CONSTRAINT appointments_tenant_id_contact_id_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES public.contacts(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_tenant_id_call_id_fkey FOREIGN KEY (tenant_id, call_id) REFERENCES public.calls(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.bad_numbers
    ADD CONSTRAINT bad_numbers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.calls
    ADD CONSTRAINT calls_tenant_id_contact_id_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES public.contacts(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.closed_dates
    ADD CONSTRAINT closed_dates_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contact_views
    ADD CONSTRAINT contact_views_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dispatch_state
    ADD CONSTRAINT dispatch_state_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.do_not_call
    ADD CONSTRAINT do_not_call_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.flags
    ADD CONSTRAINT flags_tenant_id_contact_id_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES public.contacts(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.group_members
    ADD CONSTRAINT group_members_tenant_id_contact_id_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES public.contacts(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.group_members
    ADD CONSTRAINT group_members_tenant_id_group_id_fkey FOREIGN KEY (tenant_id, group_id) REFERENCES public.groups(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.groups
    ADD CONSTRAINT groups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.import_templates
    ADD CONSTRAINT import_templates_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.job_failures
    ADD CONSTRAINT job_failures_tenant_id_job_id_fkey FOREIGN KEY (tenant_id, job_id) REFERENCES public.jobs(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.job_items
    ADD CONSTRAINT job_items_tenant_id_job_id_fkey FOREIGN KEY (tenant_id, job_id) REFERENCES public.jobs(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.job_selections
    ADD CONSTRAINT job_selections_tenant_id_job_id_fkey FOREIGN KEY (tenant_id, job_id) REFERENCES public.jobs(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.key_rotations
    ADD CONSTRAINT key_rotations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_tenant_id_contact_id_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES public.contacts(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.locations
    ADD CONSTRAINT locations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.password_links
    ADD CONSTRAINT password_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.phi_detections
    ADD CONSTRAINT phi_detections_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.platform_people
    ADD CONSTRAINT platform_people_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.sessions(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.retention_runs
    ADD CONSTRAINT retention_runs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.search_generations
    ADD CONSTRAINT search_generations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tenant_heads
    ADD CONSTRAINT tenant_heads_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tenant_keys
    ADD CONSTRAINT tenant_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.training_completions
    ADD CONSTRAINT training_completions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.transcripts
    ADD CONSTRAINT transcripts_tenant_id_attempt_id_fkey FOREIGN KEY (tenant_id, attempt_id) REFERENCES public.attempts(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.visits
    ADD CONSTRAINT visits_approved_by_fkey FOREIGN KEY (approved_by) REFERENCES public.users(id);

ALTER TABLE ONLY public.visits
    ADD CONSTRAINT visits_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.visits
    ADD CONSTRAINT visits_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE public.accounts ENABLE ROW LEVEL SECURITY;

CREATE POLICY accounts_of_engine ON public.accounts TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY accounts_of_tenant ON public.accounts TO vio_app USING (((id = ( SELECT tenants.account_id
   FROM public.tenants
  WHERE (tenants.id = ( SELECT public.tid() AS tid)))) OR (id = ANY (( SELECT tenants.former_accounts
   FROM public.tenants
  WHERE (tenants.id = ( SELECT public.tid() AS tid)))::uuid[]))));

ALTER TABLE public.acknowledgements ENABLE ROW LEVEL SECURITY;

CREATE POLICY acknowledgements_of_tenant ON public.acknowledgements TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY api_keys_of_engine ON public.api_keys TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY api_keys_of_tenant ON public.api_keys TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.appointment_types ENABLE ROW LEVEL SECURITY;

CREATE POLICY appointment_types_of_tenant ON public.appointment_types TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.appointments ENABLE ROW LEVEL SECURITY;

CREATE POLICY appointments_of_tenant ON public.appointments TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.attempts ENABLE ROW LEVEL SECURITY;

CREATE POLICY attempts_of_engine ON public.attempts TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY attempts_of_tenant ON public.attempts TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.audit_entries ENABLE ROW LEVEL SECURITY;

CREATE POLICY audit_entries_appended_by_engine ON public.audit_entries FOR INSERT TO vio_engine WITH CHECK (true);

CREATE POLICY audit_entries_of_tenant ON public.audit_entries TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.audit_heads ENABLE ROW LEVEL SECURITY;

CREATE POLICY audit_heads_of_tenant ON public.audit_heads TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

CREATE POLICY audit_heads_seen_by_engine ON public.audit_heads FOR SELECT TO vio_engine USING (true);

ALTER TABLE public.bad_numbers ENABLE ROW LEVEL SECURITY;

CREATE POLICY bad_numbers_of_tenant ON public.bad_numbers TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.calls ENABLE ROW LEVEL SECURITY;

CREATE POLICY calls_of_engine ON public.calls TO vio_engine USING (true);

CREATE POLICY calls_of_tenant ON public.calls TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.closed_dates ENABLE ROW LEVEL SECURITY;

CREATE POLICY closed_dates_of_tenant ON public.closed_dates TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.contact_views ENABLE ROW LEVEL SECURITY;

CREATE POLICY contact_views_of_tenant ON public.contact_views TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.contacts ENABLE ROW LEVEL SECURITY;

CREATE POLICY contacts_of_tenant ON public.contacts TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.dispatch_state ENABLE ROW LEVEL SECURITY;

CREATE POLICY dispatch_state_of_engine ON public.dispatch_state TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY dispatch_state_of_tenant ON public.dispatch_state TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.dispatch_wakes ENABLE ROW LEVEL SECURITY;

CREATE POLICY dispatch_wakes_of_engine ON public.dispatch_wakes TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY dispatch_wakes_of_tenant ON public.dispatch_wakes TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.do_not_call ENABLE ROW LEVEL SECURITY;

CREATE POLICY do_not_call_of_tenant ON public.do_not_call TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.events ENABLE ROW LEVEL SECURITY;

CREATE POLICY events_numbered_by_engine ON public.events FOR INSERT TO vio_engine WITH CHECK (true);

CREATE POLICY events_of_tenant ON public.events TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.flags ENABLE ROW LEVEL SECURITY;

CREATE POLICY flags_of_tenant ON public.flags TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.group_members ENABLE ROW LEVEL SECURITY;

CREATE POLICY group_members_of_tenant ON public.group_members TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.groups ENABLE ROW LEVEL SECURITY;

CREATE POLICY groups_of_tenant ON public.groups TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY idempotency_keys_of_engine ON public.idempotency_keys FOR DELETE TO vio_engine USING (true);

CREATE POLICY idempotency_keys_of_tenant ON public.idempotency_keys TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

CREATE POLICY idempotency_keys_seen_by_engine ON public.idempotency_keys FOR SELECT TO vio_engine USING (true);

ALTER TABLE public.import_templates ENABLE ROW LEVEL SECURITY;

CREATE POLICY import_templates_of_tenant ON public.import_templates TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.imports ENABLE ROW LEVEL SECURITY;

CREATE POLICY imports_of_engine ON public.imports TO vio_engine USING (true);

CREATE POLICY imports_of_tenant ON public.imports TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.job_failures ENABLE ROW LEVEL SECURITY;

CREATE POLICY job_failures_of_tenant ON public.job_failures TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.job_items ENABLE ROW LEVEL SECURITY;

CREATE POLICY job_items_of_tenant ON public.job_items TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.job_selections ENABLE ROW LEVEL SECURITY;

CREATE POLICY job_selections_of_tenant ON public.job_selections TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.jobs ENABLE ROW LEVEL SECURITY;

CREATE POLICY jobs_of_engine ON public.jobs TO vio_engine USING (true);

CREATE POLICY jobs_of_tenant ON public.jobs TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.key_rotations ENABLE ROW LEVEL SECURITY;

CREATE POLICY key_rotations_of_engine ON public.key_rotations TO vio_engine USING (true);

CREATE POLICY key_rotations_of_tenant ON public.key_rotations TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.legal_holds ENABLE ROW LEVEL SECURITY;

CREATE POLICY legal_holds_of_tenant ON public.legal_holds TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.locations ENABLE ROW LEVEL SECURITY;

CREATE POLICY locations_of_tenant ON public.locations TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.operator_acts ENABLE ROW LEVEL SECURITY;

CREATE POLICY operator_acts_of_engine ON public.operator_acts FOR SELECT TO vio_engine USING (true);

CREATE POLICY operator_acts_told_by_engine ON public.operator_acts FOR INSERT TO vio_engine WITH CHECK (true);

ALTER TABLE public.password_links ENABLE ROW LEVEL SECURITY;

CREATE POLICY password_links_of_engine ON public.password_links TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY password_links_of_tenant ON public.password_links TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.pending_accesses ENABLE ROW LEVEL SECURITY;

CREATE POLICY pending_accesses_noted_by_engine ON public.pending_accesses FOR INSERT TO vio_engine WITH CHECK (true);

CREATE POLICY pending_accesses_of_tenant ON public.pending_accesses TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

CREATE POLICY pending_accesses_seen_by_engine ON public.pending_accesses FOR SELECT TO vio_engine USING (true);

ALTER TABLE public.phi_detections ENABLE ROW LEVEL SECURITY;

CREATE POLICY phi_detections_are_added ON public.phi_detections FOR INSERT TO vio_app WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

CREATE POLICY phi_detections_are_kept_a_year ON public.phi_detections FOR DELETE TO vio_app USING (((tenant_id = ( SELECT public.tid() AS tid)) AND (at < (( SELECT public.app_clock() AS app_clock) - '365 days'::interval))));

CREATE POLICY phi_detections_of_tenant ON public.phi_detections FOR SELECT TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.platform_entries ENABLE ROW LEVEL SECURITY;

CREATE POLICY platform_entries_of_engine ON public.platform_entries TO vio_engine USING (true) WITH CHECK (true);

ALTER TABLE public.platform_head ENABLE ROW LEVEL SECURITY;

CREATE POLICY platform_head_of_engine ON public.platform_head TO vio_engine USING (true) WITH CHECK (true);

ALTER TABLE public.platform_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY platform_keys_of_engine ON public.platform_keys TO vio_engine USING (true) WITH CHECK (true);

ALTER TABLE public.platform_people ENABLE ROW LEVEL SECURITY;

CREATE POLICY platform_people_of_engine ON public.platform_people TO vio_engine USING (true) WITH CHECK (true);

ALTER TABLE public.platform_state ENABLE ROW LEVEL SECURITY;

CREATE POLICY platform_state_of_engine ON public.platform_state TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY platform_state_seen_by_app ON public.platform_state FOR SELECT TO vio_app USING (true);

ALTER TABLE public.recovery_codes ENABLE ROW LEVEL SECURITY;

CREATE POLICY recovery_codes_of_engine ON public.recovery_codes TO vio_engine USING (true) WITH CHECK (true);

ALTER TABLE public.refresh_tokens ENABLE ROW LEVEL SECURITY;

CREATE POLICY refresh_tokens_of_engine ON public.refresh_tokens TO vio_engine USING (true) WITH CHECK (true);

ALTER TABLE public.retention_runs ENABLE ROW LEVEL SECURITY;

CREATE POLICY retention_runs_of_engine ON public.retention_runs TO vio_engine USING (true);

CREATE POLICY retention_runs_of_tenant ON public.retention_runs TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.search_blocks ENABLE ROW LEVEL SECURITY;

CREATE POLICY search_blocks_of_engine ON public.search_blocks TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY search_blocks_of_tenant ON public.search_blocks TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.search_changes ENABLE ROW LEVEL SECURITY;

CREATE POLICY search_changes_of_engine ON public.search_changes TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY search_changes_of_tenant ON public.search_changes TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.search_generations ENABLE ROW LEVEL SECURITY;

CREATE POLICY search_generations_of_engine ON public.search_generations TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY search_generations_of_tenant ON public.search_generations TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.search_marks ENABLE ROW LEVEL SECURITY;

CREATE POLICY search_marks_of_engine ON public.search_marks TO vio_engine USING (true) WITH CHECK (true);

ALTER TABLE public.senders ENABLE ROW LEVEL SECURITY;

CREATE POLICY senders_of_engine ON public.senders TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY senders_seen_by_app ON public.senders FOR SELECT TO vio_app USING (true);

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

CREATE POLICY sessions_of_engine ON public.sessions TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY sessions_of_tenant ON public.sessions TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.signing_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY signing_keys_of_engine ON public.signing_keys TO vio_engine USING (true) WITH CHECK (true);

ALTER TABLE public.tenant_heads ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_heads_made_by_engine ON public.tenant_heads FOR INSERT TO vio_engine WITH CHECK (true);

CREATE POLICY tenant_heads_moved_by_engine ON public.tenant_heads FOR UPDATE TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY tenant_heads_of_tenant ON public.tenant_heads TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

CREATE POLICY tenant_heads_seen_by_engine ON public.tenant_heads FOR SELECT TO vio_engine USING (true);

ALTER TABLE public.tenant_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_keys_made_by_engine ON public.tenant_keys FOR INSERT TO vio_engine WITH CHECK (true);

CREATE POLICY tenant_keys_of_tenant ON public.tenant_keys TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenants_of_engine ON public.tenants TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY tenants_of_tenant ON public.tenants TO vio_app USING ((id = ( SELECT public.tid() AS tid))) WITH CHECK ((id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.training_completions ENABLE ROW LEVEL SECURITY;

CREATE POLICY training_completions_of_tenant ON public.training_completions TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.transcripts ENABLE ROW LEVEL SECURITY;

CREATE POLICY transcripts_of_tenant ON public.transcripts TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

CREATE POLICY users_of_engine ON public.users TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY users_of_tenant ON public.users TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.visits ENABLE ROW LEVEL SECURITY;

CREATE POLICY visits_of_engine ON public.visits TO vio_engine USING (true) WITH CHECK (true);

CREATE POLICY visits_of_tenant ON public.visits TO vio_app USING ((tenant_id = ( SELECT public.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT public.tid() AS tid)));

ALTER TABLE public.webhooks ENABLE ROW LEVEL SECURITY;

CREATE POLICY webhooks_of_engine ON public.webhooks TO vio_engine USING (true) WITH CHECK (true);

GRANT USAGE ON SCHEMA public TO vio_app;
GRANT USAGE ON SCHEMA public TO vio_engine;

GRANT ALL ON FUNCTION public.adopt_dial(p_attempt uuid, p_call uuid, p_account uuid, p_provider_call text, p_at timestamp with time zone, p_number_eq bytea) TO vio_app;

REVOKE ALL ON FUNCTION public.anyone_due() FROM PUBLIC;
GRANT ALL ON FUNCTION public.anyone_due() TO vio_engine;

GRANT ALL ON FUNCTION public.app_clock() TO vio_app;
GRANT ALL ON FUNCTION public.app_clock() TO vio_engine;

REVOKE ALL ON FUNCTION public.append_changes(p_kinds text[], p_entities uuid[], p_contacts uuid[], p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.append_changes(p_kinds text[], p_entities uuid[], p_contacts uuid[], p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]) TO vio_app;

REVOKE ALL ON FUNCTION public.append_entry(p_tenant uuid, p_chain text, p_actor text, p_action text, p_entity uuid, p_detail bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.append_entry(p_tenant uuid, p_chain text, p_actor text, p_action text, p_entity uuid, p_detail bytea) TO vio_engine;

REVOKE ALL ON FUNCTION public.append_many_changes(p_kinds text[], p_entities uuid[], p_contacts uuid[], p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.append_many_changes(p_kinds text[], p_entities uuid[], p_contacts uuid[], p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]) TO vio_app;

REVOKE ALL ON FUNCTION public.append_operator_act(p_operator text, p_action text, p_entity uuid, p_detail jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.append_operator_act(p_operator text, p_action text, p_entity uuid, p_detail jsonb) TO vio_engine;

REVOKE ALL ON FUNCTION public.attempts_to_check(p_limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.attempts_to_check(p_limit bigint) TO vio_engine;

REVOKE ALL ON FUNCTION public.chain_accesses(p_at timestamp with time zone[], p_actors text[], p_actions text[], p_entities uuid[], p_shown bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.chain_accesses(p_at timestamp with time zone[], p_actors text[], p_actions text[], p_entities uuid[], p_shown bytea[]) TO vio_app;

REVOKE ALL ON FUNCTION public.dial_is_known(p_serial bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.dial_is_known(p_serial bigint) TO vio_app;

REVOKE ALL ON FUNCTION public.dials_sent(p_tenants uuid[], p_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.dials_sent(p_tenants uuid[], p_ids uuid[]) TO vio_engine;

REVOKE ALL ON FUNCTION public.forget_search() FROM PUBLIC;
GRANT ALL ON FUNCTION public.forget_search() TO vio_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.jobs TO vio_app;

GRANT SELECT(tenant_id) ON TABLE public.jobs TO vio_engine;

GRANT SELECT(id) ON TABLE public.jobs TO vio_engine;

GRANT SELECT(kind) ON TABLE public.jobs TO vio_engine;

GRANT SELECT(state) ON TABLE public.jobs TO vio_engine;

GRANT SELECT(created_at) ON TABLE public.jobs TO vio_engine;

GRANT SELECT(ready_at) ON TABLE public.jobs TO vio_engine;

GRANT SELECT(ended_at) ON TABLE public.jobs TO vio_engine;

GRANT SELECT(run_no) ON TABLE public.jobs TO vio_engine;

GRANT SELECT(beat_at) ON TABLE public.jobs TO vio_engine;

GRANT SELECT(send_no),UPDATE(send_no) ON TABLE public.jobs TO vio_engine;

GRANT SELECT(sent_at),UPDATE(sent_at) ON TABLE public.jobs TO vio_engine;

REVOKE ALL ON FUNCTION public.job_claim(p_tenant uuid, p_id uuid, p_no integer, p_runner uuid, p_most_deaths integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.job_claim(p_tenant uuid, p_id uuid, p_no integer, p_runner uuid, p_most_deaths integer) TO vio_app;

REVOKE ALL ON FUNCTION public.jobs_others_wait(p_tenant uuid, p_kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.jobs_others_wait(p_tenant uuid, p_kind text) TO vio_engine;

REVOKE ALL ON FUNCTION public.jobs_sent(p_tenants uuid[], p_ids uuid[], p_numbers integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.jobs_sent(p_tenants uuid[], p_ids uuid[], p_numbers integer[]) TO vio_engine;

REVOKE ALL ON FUNCTION public.jobs_take(p_most integer, p_each integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.jobs_take(p_most integer, p_each integer) TO vio_engine;

REVOKE ALL ON FUNCTION public.note_accesses(p_tenants uuid[], p_actors text[], p_actions text[], p_entities uuid[], p_shown bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.note_accesses(p_tenants uuid[], p_actors text[], p_actions text[], p_entities uuid[], p_shown bytea[]) TO vio_engine;

REVOKE ALL ON FUNCTION public.prune_search(p_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.prune_search(p_most integer) TO vio_engine;

REVOKE ALL ON FUNCTION public.release_reservations_of(p_appointments uuid[], p_contacts uuid[], p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.release_reservations_of(p_appointments uuid[], p_contacts uuid[], p_now timestamp with time zone) TO vio_app;

REVOKE ALL ON FUNCTION public.seal_accesses(p_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.seal_accesses(p_most integer) TO vio_app;

REVOKE ALL ON FUNCTION public.search_state(p_generation bigint, p_seen text, OUT generation bigint, OUT watermark bigint, OUT blocks integer, OUT contacts integer, OUT seen text, OUT changed uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_state(p_generation bigint, p_seen text, OUT generation bigint, OUT watermark bigint, OUT blocks integer, OUT contacts integer, OUT seen text, OUT changed uuid[]) TO vio_app;

REVOKE ALL ON FUNCTION public.slots_held(p_account uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.slots_held(p_account uuid) TO vio_app;

GRANT ALL ON FUNCTION public.tid() TO vio_app;
GRANT ALL ON FUNCTION public.tid() TO vio_engine;

REVOKE ALL ON FUNCTION public.webhooks_done(p_ids uuid[], p_states text[], p_results text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.webhooks_done(p_ids uuid[], p_states text[], p_results text[]) TO vio_engine;

REVOKE ALL ON FUNCTION public.webhooks_taken(p_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.webhooks_taken(p_ids uuid[]) TO vio_engine;

REVOKE ALL ON FUNCTION public.webhooks_to_send(p_limit bigint, p_most_tries integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.webhooks_to_send(p_limit bigint, p_most_tries integer) TO vio_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE public.accounts TO vio_engine;

GRANT SELECT(id) ON TABLE public.accounts TO vio_app;

GRANT SELECT(tenant_id) ON TABLE public.accounts TO vio_app;

GRANT SELECT(name) ON TABLE public.accounts TO vio_app;

GRANT SELECT(simulator) ON TABLE public.accounts TO vio_app;

GRANT SELECT(max_concurrent) ON TABLE public.accounts TO vio_app;

GRANT SELECT(vendor_limit) ON TABLE public.accounts TO vio_app;

GRANT SELECT(starts_per_second) ON TABLE public.accounts TO vio_app;

GRANT SELECT(next_start_at),UPDATE(next_start_at) ON TABLE public.accounts TO vio_app;

GRANT SELECT(held_at) ON TABLE public.accounts TO vio_app;

GRANT SELECT(held_reason) ON TABLE public.accounts TO vio_app;

GRANT SELECT(breaker) ON TABLE public.accounts TO vio_app;

GRANT SELECT(breaker_open) ON TABLE public.accounts TO vio_app;

GRANT SELECT(probe_at) ON TABLE public.accounts TO vio_app;

GRANT SELECT(checked_at) ON TABLE public.accounts TO vio_app;

GRANT SELECT(list_trusted) ON TABLE public.accounts TO vio_app;

GRANT SELECT(list_lag_seconds) ON TABLE public.accounts TO vio_app;

GRANT SELECT,INSERT ON TABLE public.acknowledgements TO vio_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.api_keys TO vio_engine;
GRANT INSERT ON TABLE public.api_keys TO vio_app;

GRANT SELECT(id) ON TABLE public.api_keys TO vio_app;

GRANT SELECT(tenant_id) ON TABLE public.api_keys TO vio_app;

GRANT SELECT(name) ON TABLE public.api_keys TO vio_app;

GRANT SELECT(role) ON TABLE public.api_keys TO vio_app;

GRANT SELECT(created_at) ON TABLE public.api_keys TO vio_app;

GRANT SELECT(revoked_at),UPDATE(revoked_at) ON TABLE public.api_keys TO vio_app;

GRANT SELECT(last_used) ON TABLE public.api_keys TO vio_app;

GRANT SELECT(scopes) ON TABLE public.api_keys TO vio_app;

GRANT SELECT(made_by) ON TABLE public.api_keys TO vio_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.appointment_types TO vio_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.appointments TO vio_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.attempts TO vio_app;

GRANT SELECT(tenant_id) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(id) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(call_id) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(account_id) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(campaign_id) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(state) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(reserved_at) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(expires_at) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(sent_at),UPDATE(sent_at) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(send_no),UPDATE(send_no) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(claimed_by) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(claimed_tasks) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(serial) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(intent_at) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(sender_done_at) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(answered_at) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(answer) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(status_code) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(provider_call_id) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(ended_at) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(analysed_at) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(check_at),UPDATE(check_at) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(holds_slot) ON TABLE public.attempts TO vio_engine;

GRANT SELECT(settled_at) ON TABLE public.attempts TO vio_engine;

GRANT SELECT ON TABLE public.audit_entries TO vio_app;
GRANT INSERT ON TABLE public.audit_entries TO vio_engine;

GRANT SELECT,INSERT ON TABLE public.audit_heads TO vio_app;

GRANT SELECT(tenant_id) ON TABLE public.audit_heads TO vio_engine;

GRANT SELECT(chain) ON TABLE public.audit_heads TO vio_engine;

GRANT SELECT(serial) ON TABLE public.audit_heads TO vio_engine;

GRANT SELECT(n) ON TABLE public.audit_heads TO vio_engine;

GRANT SELECT(at) ON TABLE public.audit_heads TO vio_engine;

GRANT SELECT(key_id) ON TABLE public.audit_heads TO vio_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.bad_numbers TO vio_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.calls TO vio_app;

GRANT SELECT(tenant_id) ON TABLE public.calls TO vio_engine;

GRANT SELECT(id) ON TABLE public.calls TO vio_engine;

GRANT SELECT(state) ON TABLE public.calls TO vio_engine;

GRANT SELECT(due) ON TABLE public.calls TO vio_engine;

GRANT SELECT(deadline) ON TABLE public.calls TO vio_engine;

GRANT SELECT(eligible_at) ON TABLE public.calls TO vio_engine;

GRANT SELECT(is_due) ON TABLE public.calls TO vio_engine;

GRANT SELECT(front) ON TABLE public.calls TO vio_engine;

GRANT SELECT(front_until) ON TABLE public.calls TO vio_engine;

GRANT SELECT(warn_at) ON TABLE public.calls TO vio_engine;

GRANT SELECT(trace) ON TABLE public.calls TO vio_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.closed_dates TO vio_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.contact_views TO vio_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.contacts TO vio_app;

GRANT SELECT ON TABLE public.demo_clock TO vio_app;
GRANT SELECT ON TABLE public.demo_clock TO vio_engine;

GRANT SELECT,USAGE ON SEQUENCE public.dial_serial TO vio_app;
GRANT ALL ON SEQUENCE public.dial_serial TO vio_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE public.dispatch_state TO vio_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.dispatch_state TO vio_engine;

GRANT SELECT,INSERT,DELETE ON TABLE public.dispatch_wakes TO vio_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.dispatch_wakes TO vio_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE public.do_not_call TO vio_app;

GRANT SELECT,INSERT ON TABLE public.events TO vio_app;
GRANT INSERT ON TABLE public.events TO vio_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.flags TO vio_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.group_members TO vio_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.groups TO vio_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO vio_app;
GRANT DELETE ON TABLE public.idempotency_keys TO vio_engine;

GRANT SELECT(tenant_id) ON TABLE public.idempotency_keys TO vio_engine;

GRANT SELECT(key_hash) ON TABLE public.idempotency_keys TO vio_engine;

GRANT SELECT(created_at) ON TABLE public.idempotency_keys TO vio_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.import_templates TO vio_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.imports TO vio_app;

GRANT SELECT(tenant_id) ON TABLE public.imports TO vio_engine;

GRANT SELECT(id) ON TABLE public.imports TO vio_engine;

GRANT UPDATE(key_wrapped) ON TABLE public.imports TO vio_app;

GRANT SELECT(created_at) ON TABLE public.imports TO vio_engine;

GRANT UPDATE(job_id) ON TABLE public.imports TO vio_app;
GRANT SELECT(job_id) ON TABLE public.imports TO vio_engine;

GRANT SELECT,INSERT ON TABLE public.job_failures TO vio_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.job_items TO vio_app;

GRANT UPDATE(before) ON TABLE public.job_items TO vio_app;

GRANT SELECT,INSERT ON TABLE public.job_selections TO vio_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.key_rotations TO vio_app;

GRANT SELECT(tenant_id) ON TABLE public.key_rotations TO vio_engine;

GRANT SELECT(kind) ON TABLE public.key_rotations TO vio_engine;

GRANT SELECT(state) ON TABLE public.key_rotations TO vio_engine;

GRANT SELECT(ready_at) ON TABLE public.key_rotations TO vio_engine;

GRANT SELECT(changed_at) ON TABLE public.key_rotations TO vio_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE public.legal_holds TO vio_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.locations TO vio_app;

GRANT SELECT,INSERT ON TABLE public.operator_acts TO vio_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.password_links TO vio_engine;
GRANT INSERT ON TABLE public.password_links TO vio_app;

GRANT SELECT(user_id) ON TABLE public.password_links TO vio_app;

GRANT SELECT(tenant_id) ON TABLE public.password_links TO vio_app;

GRANT SELECT(kind) ON TABLE public.password_links TO vio_app;

GRANT SELECT(made_at) ON TABLE public.password_links TO vio_app;

GRANT SELECT(expires_at),UPDATE(expires_at) ON TABLE public.password_links TO vio_app;

GRANT SELECT(used_at) ON TABLE public.password_links TO vio_app;

GRANT SELECT(made_by) ON TABLE public.password_links TO vio_app;

GRANT SELECT,DELETE ON TABLE public.pending_accesses TO vio_app;
GRANT INSERT ON TABLE public.pending_accesses TO vio_engine;

GRANT SELECT(tenant_id) ON TABLE public.pending_accesses TO vio_engine;

GRANT SELECT(at) ON TABLE public.pending_accesses TO vio_engine;

GRANT SELECT,INSERT,DELETE ON TABLE public.phi_detections TO vio_app;

GRANT SELECT,INSERT ON TABLE public.platform_entries TO vio_engine;

GRANT SELECT,UPDATE ON TABLE public.platform_head TO vio_engine;

GRANT SELECT,INSERT ON TABLE public.platform_keys TO vio_engine;

GRANT UPDATE(wrapped) ON TABLE public.platform_keys TO vio_engine;

GRANT UPDATE(master_key_id) ON TABLE public.platform_keys TO vio_engine;

GRANT SELECT,INSERT ON TABLE public.platform_people TO vio_engine;

GRANT SELECT ON TABLE public.platform_state TO vio_app;
GRANT SELECT,UPDATE ON TABLE public.platform_state TO vio_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.recovery_codes TO vio_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.refresh_tokens TO vio_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE public.retention_runs TO vio_app;

GRANT SELECT(tenant_id) ON TABLE public.retention_runs TO vio_engine;

GRANT SELECT(next_at) ON TABLE public.retention_runs TO vio_engine;

GRANT SELECT,INSERT,DELETE ON TABLE public.search_blocks TO vio_app;
GRANT DELETE ON TABLE public.search_blocks TO vio_engine;

GRANT SELECT(tenant_id) ON TABLE public.search_blocks TO vio_engine;

GRANT SELECT(generation) ON TABLE public.search_blocks TO vio_engine;

GRANT SELECT,INSERT,DELETE ON TABLE public.search_changes TO vio_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.search_changes TO vio_engine;

GRANT SELECT,INSERT,DELETE ON TABLE public.search_generations TO vio_app;
GRANT DELETE ON TABLE public.search_generations TO vio_engine;

GRANT SELECT(tenant_id) ON TABLE public.search_generations TO vio_engine;

GRANT SELECT(id) ON TABLE public.search_generations TO vio_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE public.search_marks TO vio_engine;

GRANT SELECT ON TABLE public.senders TO vio_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.senders TO vio_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sessions TO vio_engine;
GRANT SELECT ON TABLE public.sessions TO vio_app;

GRANT UPDATE(ended_at) ON TABLE public.sessions TO vio_app;

GRANT UPDATE(ended_why) ON TABLE public.sessions TO vio_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.signing_keys TO vio_engine;

GRANT SELECT ON TABLE public.tenant_heads TO vio_app;
GRANT INSERT ON TABLE public.tenant_heads TO vio_engine;

GRANT SELECT(tenant_id) ON TABLE public.tenant_heads TO vio_engine;

GRANT SELECT(event_n),UPDATE(event_n) ON TABLE public.tenant_heads TO vio_engine;

GRANT SELECT(change_n),UPDATE(change_n) ON TABLE public.tenant_heads TO vio_engine;

GRANT SELECT(change_hash),UPDATE(change_hash) ON TABLE public.tenant_heads TO vio_engine;

GRANT SELECT(access_n),UPDATE(access_n) ON TABLE public.tenant_heads TO vio_engine;

GRANT SELECT(access_hash),UPDATE(access_hash) ON TABLE public.tenant_heads TO vio_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tenant_keys TO vio_app;
GRANT INSERT ON TABLE public.tenant_keys TO vio_engine;

GRANT SELECT,UPDATE ON TABLE public.tenants TO vio_app;
GRANT INSERT ON TABLE public.tenants TO vio_engine;

GRANT SELECT(id) ON TABLE public.tenants TO vio_engine;

GRANT SELECT(name) ON TABLE public.tenants TO vio_engine;

GRANT SELECT(zone) ON TABLE public.tenants TO vio_engine;

GRANT SELECT(active) ON TABLE public.tenants TO vio_engine;

GRANT SELECT(account_id) ON TABLE public.tenants TO vio_engine;

GRANT SELECT(refused_at) ON TABLE public.tenants TO vio_engine;

GRANT SELECT(paused_at) ON TABLE public.tenants TO vio_engine;

GRANT SELECT(auto_paused_at) ON TABLE public.tenants TO vio_engine;

GRANT SELECT(created_at) ON TABLE public.tenants TO vio_engine;

GRANT SELECT(second_factor_required) ON TABLE public.tenants TO vio_engine;

GRANT SELECT,INSERT ON TABLE public.training_completions TO vio_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.transcripts TO vio_app;

GRANT SELECT(id),INSERT(id) ON TABLE public.users TO vio_engine;
GRANT SELECT(id),INSERT(id) ON TABLE public.users TO vio_app;

GRANT SELECT(tenant_id) ON TABLE public.users TO vio_engine;
GRANT SELECT(tenant_id),INSERT(tenant_id) ON TABLE public.users TO vio_app;

GRANT SELECT(role),INSERT(role) ON TABLE public.users TO vio_engine;
GRANT SELECT(role),INSERT(role),UPDATE(role) ON TABLE public.users TO vio_app;

GRANT SELECT(state),UPDATE(state) ON TABLE public.users TO vio_engine;
GRANT SELECT(state),UPDATE(state) ON TABLE public.users TO vio_app;

GRANT SELECT(email_eq),INSERT(email_eq) ON TABLE public.users TO vio_engine;
GRANT SELECT(email_eq),INSERT(email_eq) ON TABLE public.users TO vio_app;

GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.users TO vio_app;

GRANT SELECT(email),INSERT(email),UPDATE(email) ON TABLE public.users TO vio_app;

GRANT SELECT(password_hash),UPDATE(password_hash) ON TABLE public.users TO vio_engine;

GRANT SELECT(totp),UPDATE(totp) ON TABLE public.users TO vio_engine;
GRANT UPDATE(totp) ON TABLE public.users TO vio_app;

GRANT SELECT(totp_confirmed_at),UPDATE(totp_confirmed_at) ON TABLE public.users TO vio_engine;
GRANT SELECT(totp_confirmed_at),UPDATE(totp_confirmed_at) ON TABLE public.users TO vio_app;

GRANT SELECT(totp_step),UPDATE(totp_step) ON TABLE public.users TO vio_engine;

GRANT SELECT(signed_in_at),UPDATE(signed_in_at) ON TABLE public.users TO vio_engine;
GRANT SELECT(signed_in_at) ON TABLE public.users TO vio_app;

GRANT SELECT(version),UPDATE(version) ON TABLE public.users TO vio_engine;
GRANT SELECT(version),UPDATE(version) ON TABLE public.users TO vio_app;

GRANT SELECT(created_at),INSERT(created_at) ON TABLE public.users TO vio_engine;
GRANT SELECT(created_at),INSERT(created_at) ON TABLE public.users TO vio_app;

GRANT SELECT(updated_at),INSERT(updated_at),UPDATE(updated_at) ON TABLE public.users TO vio_engine;
GRANT SELECT(updated_at),INSERT(updated_at),UPDATE(updated_at) ON TABLE public.users TO vio_app;

GRANT SELECT ON TABLE public.visits TO vio_engine;
GRANT SELECT,INSERT ON TABLE public.visits TO vio_app;

GRANT UPDATE(reason) ON TABLE public.visits TO vio_app;

GRANT UPDATE(approved_by) ON TABLE public.visits TO vio_app;

GRANT UPDATE(starts_at) ON TABLE public.visits TO vio_app;

GRANT UPDATE(ends_at) ON TABLE public.visits TO vio_app;

GRANT UPDATE(ended_at) ON TABLE public.visits TO vio_engine;
GRANT UPDATE(ended_at) ON TABLE public.visits TO vio_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhooks TO vio_engine;

