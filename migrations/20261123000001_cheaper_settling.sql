-- What settling did that nobody needed: reading all webhooks to find a dozen, a second lock of an attempt whose call is locked.
--
-- A webhook is written four times within a second: stored, sent, taken, done. With room on its page and no index over what
-- sending changes, two of these leave the indexes alone.
--
-- Reads:    worker (inbox, settle, dial).
-- Locks:    webhooks for the moment in which the catalogue changes.
-- Undo:     create index webhooks_to_process on webhooks (sent_at nulls first, received_at) where state = 'stored';
--           alter table webhooks reset (fillfactor); the functions of the migrations before.
-- Personal: none.

-- allowed: the release before finds the same rows by webhooks_stored, and sorts some hundreds of them
drop index webhooks_to_process;
alter table webhooks set (fillfactor = 60);

-- To be sent: nobody sent them, or nobody applied them within 20 s. Oldest first. Marked before they are pushed: a crash
-- in between costs 20 s, and pushing first would let every worker push.
create function webhooks_to_send(p_limit bigint, p_most_tries int) returns table (id uuid, send_no int)
    language plpgsql set enable_seqscan = off set enable_bitmapscan = off as $$
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

-- Those that are not processed yet, oldest first. First tries are counted here, all at once; what was tried before is
-- counted when its turn comes. Found by id, whatever the statistics of a young table say.
create function webhooks_taken(p_ids uuid[]) returns table (
    id uuid, account_id uuid, tenant_id uuid, format text, body bytea, trace text, first_try boolean
) language plpgsql set enable_seqscan = off set enable_bitmapscan = off as $$
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

-- What became of them; what they said is forgotten.
create function webhooks_done(p_ids uuid[], p_states text[], p_results text[]) returns void
    language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    moment timestamptz := app_clock();
begin
    update webhooks w set state = d.state, result = d.result, processed_at = moment, body = null
    from unnest(p_ids, p_states, p_results) as d (id, state, result)
    where w.id = d.id and w.processed_at is null;
end $$;

-- Reservations that were sent. By the whole key: the id alone is no beginning of any index.
create function dials_sent(p_tenants uuid[], p_ids uuid[]) returns void
    language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    moment timestamptz := app_clock();
begin
    update attempts a set sent_at = moment, send_no = a.send_no + 1
    from unnest(p_tenants, p_ids) as s (tenant_id, id)
    where a.tenant_id = s.tenant_id and a.id = s.id and a.state || '' = 'reserved';
end $$;

-- Attempts whose time has come; another sweep leaves them alone for a minute.
create function attempts_to_check(p_limit bigint) returns table (tenant_id uuid, id uuid, account_id uuid, state text)
    language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
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

grant execute on function webhooks_to_send(bigint, int), webhooks_taken(uuid[]), webhooks_done(uuid[], text[], text[]),
    dials_sent(uuid[], uuid[]), attempts_to_check(bigint) to vio_engine;
revoke execute on function webhooks_to_send(bigint, int), webhooks_taken(uuid[]), webhooks_done(uuid[], text[], text[]),
    dials_sent(uuid[], uuid[]), attempts_to_check(bigint) from public;

-- Dial: the answer. The call's lock is the attempt's: whoever changes what is read here holds it.
create or replace function dial_accepted(p_attempt uuid, p_sender uuid, p_provider_call text, p_status int, p_facts jsonb)
returns boolean language plpgsql as $$
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

-- Settle: as before, with one lock in place of two.
create or replace function settle_open(p_attempt uuid) returns table (
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
-- The chain's head is locked before it is read only where something is chained: events alone are numbered by one statement.
create or replace function append_changes(
    p_kinds text[], p_entities uuid[], p_contacts uuid[],
    p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]
) returns bigint language plpgsql as $$
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
