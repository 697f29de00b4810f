-- The foundation: tenants, keys, provider accounts, contacts, appointments, calls, attempts, events, audit.
--
-- Reads:    api, worker; see docs/architecture.md for who reads what.
-- Locks:    new tables only.
-- Undo:     drop schema public cascade; there is no release before this one.
-- Personal: name, phone, email, notes, voice text and do-not-call numbers are sealed (AES-256-GCM) before they
--           arrive here; *_eq columns are keyed hashes for equality. Everything else is ids, times and states.
--
-- Roles (made by the operator, see dev/lib.sh): vio_owner migrates; vio_app serves one tenant at a time;
-- vio_engine reads what must be read before a tenant is known. None is a superuser or bypasses row security.

grant usage on schema public to vio_app, vio_engine;

-- Time -----------------------------------------------------------------------------------------------------------

-- How far the demo clock is ahead. One row; zero in production (the worker refuses to dial a real provider else).
create table demo_clock (
    single boolean primary key default true check (single),
    ahead interval not null default '0' check (ahead >= '0')
);
insert into demo_clock default values;
grant select on demo_clock to vio_app, vio_engine;

-- The one clock of all rules: PostgreSQL's own, plus the demo's offset.
--
-- In plpgsql, like all functions here that hold a query: it keeps their plans for the session. PostgreSQL plans the body of an
-- SQL function anew in every statement that calls it (unless it can inline it), which cost more than all else together.
create function app_clock() returns timestamptz language plpgsql volatile parallel safe
    as $$ begin return clock_timestamp() + (select ahead from demo_clock); end $$;

-- The tenant of this transaction. Unset is null, hence no rows.
create function tid() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;

-- Provider accounts ----------------------------------------------------------------------------------------------

create table accounts (
    id                 uuid primary key,
    tenant_id          uuid,                              -- null: the platform's, shared by tenants
    name               text not null check (char_length(name) between 1 and 120),
    base_url           text not null,
    simulator          boolean not null default false,    -- may be sent test numbers; never a real vendor
    key_sealed         bytea not null,                    -- sealed under the master key
    webhook_key_sealed bytea not null,
    webhook_key_old    bytea,                             -- accepted too while keys rotate
    max_concurrent     int not null default 20 check (max_concurrent between 1 and 10000), -- the operator's
    vendor_limit       int check (vendor_limit between 1 and 10000), -- what get-concurrency told; the lesser counts
    starts_per_second  double precision not null default 1 check (starts_per_second > 0 and starts_per_second <= 10000),
    next_start_at      timestamptz not null default '1970-01-01 00:00:00+00',
    held_at            timestamptz,                       -- 401, 402, 403
    held_reason        text,
    breaker            jsonb,                             -- null: closed
    breaker_open       boolean not null default false,
    probe_at           timestamptz,                       -- the next probe, while held or open
    checked_at         timestamptz,                       -- when `worker provider check` stored its result
    check_result       jsonb,
    list_trusted       boolean not null default false,    -- silence of the list may settle an unknown attempt
    list_lag_seconds   int,
    limits_at          timestamptz,                       -- get-concurrency was last asked
    created_at         timestamptz not null default now()
);

-- Tenants --------------------------------------------------------------------------------------------------------

create table tenants (
    id                  uuid primary key,
    name                text not null check (char_length(name) between 1 and 200),
    zone                text not null default 'Europe/London',
    active              boolean not null default true,
    zone_changed_at     timestamptz,
    day_start_before    timestamptz,                      -- start of the local day on which the zone was changed
    account_id          uuid references accounts (id),
    agent_id            text,
    caller_number       text,
    policy              jsonb not null default '{}',
    allowance           jsonb not null default '{}',      -- what the platform lets this tenant loosen
    version             int not null default 1,
    refused_at          timestamptz,                      -- the provider answered 422, or 400 three times in a row
    refused_reason      text,
    paused_at           timestamptz,                      -- by hand
    paused_reason       text,
    auto_paused_at      timestamptz,
    auto_paused_reason  text,
    resumed_at          timestamptz not null default now(), -- automatic pause looks at dials since then
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now()
);

-- Looks compute with the zone in SQL. One that is known to the program but not to PostgreSQL would fail every look.
create function refuse_unknown_zones() returns trigger language plpgsql as $$
begin
    perform now() at time zone new.zone;
    return new;
exception when invalid_parameter_value then
    raise check_violation using constraint = 'tenants_zone_is_known', message = 'PostgreSQL does not know the zone';
end $$;
create trigger tenants_zone_is_known before insert or update of zone on tenants
    for each row execute function refuse_unknown_zones();

create table tenant_keys (
    tenant_id     uuid not null references tenants (id) on delete cascade,
    purpose       text not null check (purpose in ('field', 'equality')),
    key_id        int  not null check (key_id > 0),
    wrapped       bytea not null,
    master_key_id int not null,
    created_at    timestamptz not null default now(),
    primary key (tenant_id, purpose, key_id)
);

create table closed_dates (
    tenant_id uuid not null references tenants (id) on delete cascade,
    date      date not null,
    name      text not null check (char_length(name) <= 120),
    primary key (tenant_id, date)
);

-- Known by the hash of the key alone, before a tenant is known.
create table api_keys (
    id         uuid primary key,
    tenant_id  uuid not null references tenants (id) on delete cascade,
    name       text not null check (char_length(name) between 1 and 120),
    hash       bytea not null,
    role       text not null check (role in ('client_admin', 'client_user')),
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    last_used  timestamptz,
    constraint api_keys_hash_is_unique unique (hash)
);

-- What the whole platform stands on. One row.
create table platform_state (
    single           boolean primary key default true check (single),
    stop_all_at      timestamptz,
    stop_all_reason  text,
    recovering_at    timestamptz,                         -- the database may have gone back; dialling is held
    recovering_from  timestamptz                          -- adopt the provider's calls since then
);
insert into platform_state default values;

-- When each tenant is looked at next, and its lock. Written by dispatch alone.
create table dispatch_state (
    tenant_id         uuid primary key references tenants (id) on delete cascade,
    account_id        uuid,
    next_dispatch_at  timestamptz not null default '1970-01-01 00:00:00+00',
    net_at            timestamptz not null default '9999-12-31 00:00:00+00', -- next_dispatch_at was only the safety net
    waits_for_account boolean not null default false,
    urgent_at         timestamptz not null default '9999-12-31 00:00:00+00', -- the earliest deadline that waits for the account
    last_instant      timestamptz not null default '1970-01-01 00:00:00+00',
    weight            int not null default 1 check (weight between 1 and 100),
    not_before        timestamptz not null default '1970-01-01 00:00:00+00' -- its last look failed: it lets others go first
);
create index dispatch_state_by_next on dispatch_state (next_dispatch_at);
create index dispatch_state_waiting on dispatch_state (account_id) where waits_for_account;

-- "Look at this tenant": inserted by triggers, deleted by dispatch before it reads.
create table dispatch_wakes (
    id        bigint generated always as identity primary key,
    tenant_id uuid not null
);
create index dispatch_wakes_by_tenant on dispatch_wakes (tenant_id);

-- Contacts and appointments --------------------------------------------------------------------------------------

create table contacts (
    tenant_id    uuid not null references tenants (id) on delete cascade,
    id           uuid not null,
    key_wrapped  bytea,                                   -- the contact's own key; null once erased
    name         bytea,
    phone        bytea,
    email        bytea,
    notes        bytea,
    phone_eq     bytea not null,
    email_eq     bytea,
    region       text not null,                           -- of the number: GB, GG, JE, IM, US …
    test_number  boolean not null default false,
    zone         text not null,
    channel      text not null default 'voice' check (channel in ('voice', 'sms', 'email')),
    consent_at   timestamptz,
    consent_by   text,
    version      int not null default 1,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    deleted_at   timestamptz,
    primary key (tenant_id, id)
);
create index contacts_by_creation on contacts (tenant_id, created_at desc, id desc) where deleted_at is null;
create index contacts_by_phone on contacts (tenant_id, phone_eq);
create index contacts_by_email on contacts (tenant_id, email_eq) where email_eq is not null;

create table appointments (
    tenant_id           uuid not null,
    id                  uuid not null,
    contact_id          uuid not null,
    at                  timestamptz not null,
    call_before_hours   int not null check (call_before_hours between 1 and 168),
    duration_minutes    int check (duration_minutes between 5 and 480),
    type                text check (char_length(type) <= 80),
    owner_name          text check (char_length(owner_name) <= 120),
    company_name        text check (char_length(company_name) <= 120),
    location            text check (char_length(location) <= 200),
    voice_text          bytea,
    priority            smallint not null default 0 check (priority between 0 and 2),
    status              text not null default 'pending'
                        check (status in ('pending', 'confirmed', 'cancelled', 'rescheduled')),
    status_reason       text check (char_length(status_reason) <= 500),
    confirmed_by        text check (confirmed_by in ('voice', 'manual', 'phone', 'sms', 'email')),
    confirmed_at        timestamptz,
    last_contact_at     timestamptz,
    booked_at           timestamptz not null,
    round               int not null default 1,           -- a fresh count of attempts after a real move
    source              text not null default 'manual',
    version             int not null default 1,
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    deleted_at          timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, contact_id) references contacts (tenant_id, id) on delete cascade
);
create index appointments_of_contact on appointments (tenant_id, contact_id, at) where deleted_at is null;
create index appointments_by_time on appointments (tenant_id, at, id) where deleted_at is null;

-- Numbers that the provider says do not exist.
create table bad_numbers (
    tenant_id uuid not null references tenants (id) on delete cascade,
    number_eq bytea not null,
    at        timestamptz not null,
    reason    text not null,
    primary key (tenant_id, number_eq)
);

create table do_not_call (
    tenant_id  uuid not null references tenants (id) on delete cascade,
    id         uuid not null,
    number     bytea not null,                            -- sealed under the tenant's key: survives erasure
    number_eq  bytea not null,
    source     text not null check (source in ('manual', 'import', 'call', 'api')),
    reason     text check (char_length(reason) <= 500),
    added_by   text not null,
    added_at   timestamptz not null,
    removed_at timestamptz,
    removed_by text,
    primary key (tenant_id, id)
);
create unique index do_not_call_lists_a_number_once on do_not_call (tenant_id, number_eq) where removed_at is null;
create index do_not_call_by_time on do_not_call (tenant_id, added_at desc, id desc) where removed_at is null;

-- What staff should look at.
create table flags (
    tenant_id      uuid not null,
    id             uuid not null,
    contact_id     uuid not null,
    appointment_id uuid,
    call_id        uuid,
    reason         text not null,
    raised_at      timestamptz not null,
    cleared_at     timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, contact_id) references contacts (tenant_id, id) on delete cascade
);
create index flags_open on flags (tenant_id, contact_id) where cleared_at is null;
create unique index flags_once_per_reason on flags (tenant_id, contact_id, coalesce(call_id, appointment_id, contact_id), reason)
    where cleared_at is null;

-- Calls and attempts ---------------------------------------------------------------------------------------------

create table calls (
    tenant_id      uuid not null,
    id             uuid not null,
    contact_id     uuid not null,
    appointment_id uuid,
    campaign_id    uuid,
    kind           text not null check (kind in ('reminder', 'call_now', 'campaign')),
    purpose_key    text not null,
    state          text not null
                   check (state in ('planned', 'reserved', 'dialling', 'in_progress', 'settled', 'withdrawn', 'refused')),
    earliest       timestamptz not null,
    due            timestamptz not null,
    deadline       timestamptz not null,
    eligible_at    timestamptz not null,                  -- not looked at before; moved on by call checks only
    is_due         boolean not null default false,        -- eligible_at was reached: in the index of due calls
    deadline_hour  timestamptz generated always as (date_bin('1 hour', deadline, timestamptz '2000-01-01 00:00:00+00')) stored,
    priority       smallint not null default 0,
    front          boolean not null default false,        -- call now, until front_until
    front_until    timestamptz,
    taken_over     boolean not null default false,        -- the front call was planned before somebody pressed
    requested_at   timestamptz,                           -- somebody pressed call now
    retry_at       timestamptz,
    not_placed     int not null default 0,                -- definite refusals in a row, for the back-off
    blocked        text[] not null default '{}',          -- reasons of the last look
    blocked_at     timestamptz,
    warn_at        timestamptz not null default '9999-12-31 00:00:00+00', -- two calling hours before the deadline
    outcome        text,
    ended_reason   text,                                  -- why it was refused or withdrawn
    version        int not null default 1,
    planned_at     timestamptz not null,
    updated_at     timestamptz not null,
    settled_at     timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, contact_id) references contacts (tenant_id, id) on delete cascade
);
create unique index calls_one_open_per_contact_and_purpose on calls (tenant_id, contact_id, purpose_key)
    where state in ('planned', 'reserved', 'dialling', 'in_progress');
create index calls_not_yet_due on calls (tenant_id, eligible_at) where state = 'planned' and not is_due;
create index calls_due_by_deadline on calls (tenant_id, front desc, deadline_hour, priority desc, deadline)
    where state = 'planned' and is_due;
create index calls_due_by_priority on calls (tenant_id, priority desc, due) where state = 'planned' and is_due;
create index calls_to_warn_about on calls (tenant_id, warn_at) where state = 'planned';
create index calls_past_deadline on calls (tenant_id, deadline) where state = 'planned';
create index calls_in_front on calls (front_until) where state = 'planned' and front;
create index calls_of_contact on calls (tenant_id, contact_id, planned_at desc);
create index calls_by_time on calls (tenant_id, planned_at desc, id desc);
create index calls_by_purpose on calls (tenant_id, purpose_key);

-- The order of dials over all time. A restore that forgot some shows by a number seen before (docs/guarantees.md).
create sequence dial_serial;
grant usage, select on sequence dial_serial to vio_app, vio_engine;

create table attempts (
    tenant_id        uuid not null,
    id               uuid not null,
    call_id          uuid not null,
    contact_id       uuid not null,
    account_id       uuid not null,
    purpose_key      text not null,
    campaign_id      uuid,
    number_eq        bytea not null,
    state            text not null check (state in
                     ('reserved', 'released', 'dialling', 'unknown', 'placed', 'ended', 'not_placed', 'settled')),
    -- reservation
    reserved_at      timestamptz not null,
    expires_at       timestamptz not null,
    dialled_at       timestamptz not null,                -- when it rang at the latest known: reserved, intent, start
    token_held       boolean not null default true,       -- of the 15-minute window
    token_back_at    timestamptz not null default '9999-12-31 00:00:00+00',
    sent_at          timestamptz,
    send_no          int not null default 0,
    -- intent and answer: written by the sender only
    claimed_by       uuid,
    claimed_tasks    int not null default 0,
    serial           bigint,
    intent_at        timestamptz,
    sender_done_at   timestamptz,                         -- the sender will send nothing more
    request_sent     boolean,                             -- false: provably no byte left
    answered_at      timestamptz,
    answer           text,
    status_code      int,
    -- the provider's word: facts that only accumulate
    provider_call_id text,
    placed_at        timestamptz,
    started_at       timestamptz,                         -- the provider's own start time
    connected_at     timestamptz,
    ended_at         timestamptz,
    ended_reason     text,
    analysed_at      timestamptz,
    facts            jsonb,                               -- rules::facts::Facts: closed values and times, no text
    -- reconciliation
    silent_looks     timestamptz[] not null default '{}', -- the list answered, and held no call of this attempt
    asked_at         timestamptz,                         -- the provider was asked, answered or not
    told_at          timestamptz,                         -- the provider was asked and answered
    check_at         timestamptz not null default '9999-12-31 00:00:00+00', -- when the sweeper looks at it again
    -- what came of it
    holds_slot       boolean not null default true,
    counts           boolean not null default true,
    outcome          text,
    fault            text check (fault in ('provider', 'tenant', 'number', 'nobody')),
    settled_at       timestamptz,
    adopted          boolean not null default false,
    primary key (tenant_id, id),
    foreign key (tenant_id, call_id) references calls (tenant_id, id) on delete cascade
);
create unique index attempts_one_under_way_per_call on attempts (tenant_id, call_id)
    where state in ('reserved', 'dialling', 'unknown', 'placed');
create unique index attempts_one_per_provider_call on attempts (account_id, provider_call_id)
    where provider_call_id is not null;
create index attempts_of_call on attempts (tenant_id, call_id, reserved_at);
create index attempts_of_number on attempts (tenant_id, number_eq, dialled_at desc) where counts;
create index attempts_of_contact on attempts (tenant_id, contact_id, dialled_at desc) where counts;
create index attempts_of_purpose on attempts (tenant_id, purpose_key) where counts;
create index attempts_with_token on attempts (tenant_id) where token_held;
create index attempts_with_token_on_its_way on attempts (tenant_id, token_back_at) where not token_held;
create index attempts_of_day on attempts (tenant_id, reserved_at);
create index attempts_holding_slots on attempts (account_id) where holds_slot;
create index attempts_reserved on attempts (sent_at nulls first, reserved_at) where state = 'reserved';
create index attempts_to_check on attempts (check_at) where check_at < '9999-12-31 00:00:00+00';
create index attempts_answers on attempts (account_id, answered_at desc) where answered_at is not null;

-- Kept only where the policy keeps them; sealed under the contact's key.
create table transcripts (
    tenant_id     uuid not null,
    attempt_id    uuid not null,
    transcript    bytea,
    recording_url bytea,
    stored_at     timestamptz not null,
    primary key (tenant_id, attempt_id),
    foreign key (tenant_id, attempt_id) references attempts (tenant_id, id) on delete cascade
);

-- Processes that may dial. A sender is dead only when a successor has taken its file lock.
create table senders (
    id         uuid primary key,
    host_id    uuid not null,                             -- of the state directory with the lock files
    started_at timestamptz not null,
    seen_at    timestamptz not null,
    ended_at   timestamptz,                               -- it said that it sends nothing more
    dead_at    timestamptz                                -- proved
);

-- Stored before the tenant is known, sealed under the master key, then processed.
create table webhooks (
    id           uuid primary key,
    format       text not null check (format in ('retell', 'outcome')),
    account_id   uuid references accounts (id),           -- whose signature it carried
    tenant_id    uuid references tenants (id) on delete cascade, -- whose key it carried
    body         bytea,                                   -- removed once processed
    body_hash    bytea not null,
    received_at  timestamptz not null,
    state        text not null default 'stored' check (state in ('stored', 'processed', 'ignored', 'dead')),
    result       text,
    sent_at      timestamptz,
    send_no      int not null default 0,
    tries        int not null default 0,
    processed_at timestamptz,
    constraint webhooks_have_one_source check ((account_id is null) <> (tenant_id is null))
);
create unique index webhooks_are_stored_once on webhooks (coalesce(account_id, tenant_id), body_hash);
create index webhooks_to_process on webhooks (sent_at nulls first, received_at) where state = 'stored';
create index webhooks_processed on webhooks (received_at) where state <> 'stored';

-- Events, audit, idempotency -------------------------------------------------------------------------------------

-- The last numbers of a tenant's events and of its two audit chains: the last lock of every transaction.
create table tenant_heads (
    tenant_id   uuid primary key references tenants (id) on delete cascade,
    event_n     bigint not null default 0,
    change_n    bigint not null default 0,
    change_hash bytea not null default '\x',
    access_n    bigint not null default 0,
    access_hash bytea not null default '\x'
);

create table events (
    tenant_id  uuid not null,
    n          bigint not null,
    at         timestamptz not null,
    kind       text not null,
    entity     uuid not null,
    contact_id uuid,
    primary key (tenant_id, n)
);

create table audit_entries (
    tenant_id  uuid not null,
    chain      text not null check (chain in ('changes', 'accesses')),
    n          bigint not null,
    at         timestamptz not null,
    actor      text not null,                             -- 'key:<id>', 'worker', 'provider', 'platform'
    action     text not null,
    entity     uuid not null,
    detail     bytea,                                     -- sealed: before and after
    row_hash   bytea not null,
    chain_hash bytea not null,
    primary key (tenant_id, chain, n)
);

create table idempotency_keys (
    tenant_id    uuid not null references tenants (id) on delete cascade,
    key_hash     bytea not null,
    request_hash bytea not null,
    status       int,                                     -- null while the first request is under way
    body         bytea,                                   -- sealed
    headers      jsonb,
    created_at   timestamptz not null,
    primary key (tenant_id, key_hash)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- Appends this transaction's events and audit entries, and numbers them in commit order. Call it last: it takes the
-- tenant's last lock. Entries: kinds/entities/contacts are parallel, so are actions/audited/details.
create function append_changes(
    p_kinds text[], p_entities uuid[], p_contacts uuid[],
    p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]
) returns bigint language plpgsql as $$
declare
    head   tenant_heads;
    moment timestamptz;
    row_h  bytea;
    i      int;
begin
    select * into head from tenant_heads where tenant_id = tid() for update;
    moment := app_clock();
    insert into events (tenant_id, n, at, kind, entity, contact_id)
    select tid(), head.event_n + o, moment, k, e, c
    from unnest(p_kinds, p_entities, p_contacts) with ordinality as t (k, e, c, o);
    for i in 1 .. coalesce(array_length(p_actions, 1), 0) loop
        head.change_n := head.change_n + 1;
        row_h := sha256(convert_to(concat_ws('|', tid(), 'changes', head.change_n,
            (extract(epoch from moment) * 1000000)::bigint, p_actor, p_actions[i], p_audited[i]), 'UTF8')
            || coalesce(p_details[i], ''::bytea));
        head.change_hash := sha256(head.change_hash || row_h);
        insert into audit_entries values
            (tid(), 'changes', head.change_n, moment, p_actor, p_actions[i], p_audited[i], p_details[i], row_h, head.change_hash);
    end loop;
    update tenant_heads
    set event_n = head.event_n + coalesce(array_length(p_kinds, 1), 0), change_n = head.change_n, change_hash = head.change_hash
    where tenant_id = tid();
    return head.event_n + coalesce(array_length(p_kinds, 1), 0);
end $$;

-- Wakes ----------------------------------------------------------------------------------------------------------
-- Statement triggers on every table that the admission rule reads. Insert only: nobody waits for the tenant's lock.
-- Dispatch sets app.by_dispatch, since what it writes itself it has just looked at.

create function wake_changed_tenants() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id) select distinct tenant_id from changed;
    end if;
    return null;
end $$;

create function wake_this_tenant() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id) select distinct id from changed;
    end if;
    return null;
end $$;

-- Only a call that waits can need a look sooner: claims and settlements of calls under way wake nobody.
create function wake_for_waiting_calls() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id) select distinct tenant_id from changed where state = 'planned';
    end if;
    return null;
end $$;

-- Only a planned call about it, or of its contact, looks at an appointment: an outcome that confirms one wakes nobody.
create function wake_for_calls_about() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id)
        select distinct n.tenant_id from changed n
        where exists (select from calls k where k.tenant_id = n.tenant_id and k.contact_id = n.contact_id and k.state = 'planned');
    end if;
    return null;
end $$;

-- An attempt frees something at once only when no request was sent, or when an unknown one is settled.
create function wake_for_freed_attempts() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.by_dispatch', true), '') = '' then
        insert into dispatch_wakes (tenant_id)
        select distinct n.tenant_id from changed n join before b using (tenant_id, id)
        where n.state <> b.state and (n.state = 'released' or (n.state = 'not_placed') or b.state = 'unknown');
    end if;
    return null;
end $$;

create trigger tenants_wake after update on tenants
    referencing new table as changed for each statement execute function wake_this_tenant();
create trigger closed_dates_wake_i after insert on closed_dates
    referencing new table as changed for each statement execute function wake_changed_tenants();
create trigger closed_dates_wake_d after delete on closed_dates
    referencing old table as changed for each statement execute function wake_changed_tenants();
create trigger contacts_wake after update on contacts
    referencing new table as changed for each statement execute function wake_changed_tenants();
create trigger appointments_wake after update on appointments
    referencing new table as changed for each statement execute function wake_for_calls_about();
create trigger bad_numbers_wake_i after insert on bad_numbers
    referencing new table as changed for each statement execute function wake_changed_tenants();
create trigger bad_numbers_wake_d after delete on bad_numbers
    referencing old table as changed for each statement execute function wake_changed_tenants();
create trigger do_not_call_wake_i after insert on do_not_call
    referencing new table as changed for each statement execute function wake_changed_tenants();
create trigger do_not_call_wake_u after update on do_not_call
    referencing new table as changed for each statement execute function wake_changed_tenants();
create trigger calls_wake_i after insert on calls
    referencing new table as changed for each statement execute function wake_for_waiting_calls();
create trigger calls_wake_u after update on calls
    referencing new table as changed for each statement execute function wake_for_waiting_calls();
create trigger attempts_wake after update on attempts
    referencing new table as changed old table as before for each statement execute function wake_for_freed_attempts();

-- Row-level security ---------------------------------------------------------------------------------------------

do $$
declare t text;
begin
    foreach t in array array['tenant_keys', 'closed_dates', 'contacts', 'appointments', 'bad_numbers', 'do_not_call',
        'flags', 'calls', 'attempts', 'transcripts', 'tenant_heads', 'events', 'audit_entries', 'idempotency_keys',
        'dispatch_state', 'dispatch_wakes', 'api_keys']
    loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy %I on %I to vio_app using (tenant_id = (select tid())) '
            'with check (tenant_id = (select tid()))', t || '_of_tenant', t);
    end loop;
end $$;

alter table tenants enable row level security;
alter table tenants force row level security;
create policy tenants_of_tenant on tenants to vio_app using (id = (select tid())) with check (id = (select tid()));
create policy tenants_of_engine on tenants to vio_engine using (true) with check (true);
create policy tenant_keys_made_by_engine on tenant_keys for insert to vio_engine with check (true);
create policy tenant_heads_made_by_engine on tenant_heads for insert to vio_engine with check (true);

alter table accounts enable row level security;
alter table accounts force row level security;
create policy accounts_of_tenant on accounts to vio_app
    using (id = (select account_id from tenants where id = (select tid())));
create policy accounts_of_engine on accounts to vio_engine using (true) with check (true);

-- What is read before a tenant is known: ids, times and hashes only. shared/tests/it/catalogue.rs holds this list.
create policy dispatch_state_of_engine on dispatch_state to vio_engine using (true) with check (true);
create policy dispatch_wakes_of_engine on dispatch_wakes to vio_engine using (true) with check (true);
create policy api_keys_of_engine on api_keys to vio_engine using (true) with check (true);
create policy attempts_of_engine on attempts to vio_engine using (true) with check (true);
create policy calls_of_engine on calls to vio_engine using (true);
create policy idempotency_keys_of_engine on idempotency_keys for delete to vio_engine using (true);
create policy idempotency_keys_seen_by_engine on idempotency_keys for select to vio_engine using (true);

alter table webhooks enable row level security;
alter table webhooks force row level security;
create policy webhooks_of_engine on webhooks to vio_engine using (true) with check (true);
alter table senders enable row level security;
alter table senders force row level security;
create policy senders_of_engine on senders to vio_engine using (true) with check (true);
create policy senders_seen_by_app on senders for select to vio_app using (true);
alter table platform_state enable row level security;
alter table platform_state force row level security;
create policy platform_state_of_engine on platform_state to vio_engine using (true) with check (true);
create policy platform_state_seen_by_app on platform_state for select to vio_app using (true);

-- Grants ---------------------------------------------------------------------------------------------------------

grant select, insert, update, delete on closed_dates, bad_numbers, flags, transcripts, idempotency_keys to vio_app;
grant select, insert, update on contacts, appointments, do_not_call, calls, attempts, tenant_keys, dispatch_state, tenant_heads to vio_app;
grant select, insert on events, audit_entries to vio_app;      -- append only
grant select, update on tenants to vio_app;
grant select, insert, delete on dispatch_wakes to vio_app;
grant select (id, tenant_id, name, simulator, max_concurrent, vendor_limit, starts_per_second, next_start_at, held_at, held_reason,
    breaker, breaker_open, probe_at, checked_at, list_trusted, list_lag_seconds) on accounts to vio_app;
grant update (next_start_at) on accounts to vio_app;
grant select on platform_state, senders to vio_app;

grant select (id, active, account_id, zone), insert on tenants to vio_engine;
grant insert on tenant_keys, tenant_heads to vio_engine;
grant select, insert, update on accounts, api_keys, webhooks, senders to vio_engine;
grant delete on webhooks, senders to vio_engine;
grant select, insert, update, delete on dispatch_state, dispatch_wakes to vio_engine;
grant select, update on platform_state to vio_engine;
grant select (tenant_id, id, call_id, account_id, state, reserved_at, expires_at, sent_at, send_no, claimed_by,
    claimed_tasks, intent_at, sender_done_at, answered_at, answer, provider_call_id, ended_at, analysed_at, check_at,
    holds_slot, settled_at, serial, campaign_id) on attempts to vio_engine;
grant update (sent_at, send_no, check_at) on attempts to vio_engine;
grant select (tenant_id, id, state, eligible_at, is_due, due, deadline, front, front_until, warn_at) on calls to vio_engine;
grant select (tenant_id, key_hash, created_at), delete on idempotency_keys to vio_engine;
grant execute on function app_clock(), tid(), append_changes(text[], uuid[], uuid[], text, text[], uuid[], bytea[]) to vio_app, vio_engine;

-- Slots of an account are held by attempts of all its tenants: counted by the engine's eyes, for one account only.
create function slots_held(p_account uuid) returns bigint language plpgsql stable security definer set search_path = public
    as $$ begin return (select count(*) from attempts where account_id = p_account and holds_slot); end $$;

grant create on schema public to vio_engine;
alter function slots_held(uuid) owner to vio_engine;
revoke create on schema public from vio_engine;
revoke execute on function slots_held(uuid) from public;
grant execute on function slots_held(uuid) to vio_app, vio_engine;
