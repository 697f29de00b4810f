-- People: users, sessions, links for passwords, second factors, signing keys, declared accesses; scopes of API keys.
--
-- Reads:    api only. The worker knows none of it.
-- Locks:    tenants and api_keys for a moment each (a column with a constant default, a nullable one); new tables else.
-- Undo:     drop table visits, password_links, recovery_codes, refresh_tokens, sessions, platform_people, users,
--           signing_keys, platform_keys, platform_entries, platform_head; drop function append_entry(uuid, text, text, text,
--           uuid, bytea); alter table tenants drop second_factor_required; alter table api_keys drop scopes, drop made_by;
--           revoke what is granted below on api_keys, tenants, tenant_heads, audit_entries. Nobody can sign in then; keys hold.
-- Personal: names and e-mail addresses of users are sealed (tenant's key; the platform's for its own people); so are reasons of
--           declared accesses, secrets of second factors and signing keys. email_eq is a keyed hash. Passwords are argon2id,
--           tokens and codes SHA-256 of random values.

set lock_timeout = '2s';

alter table tenants add column second_factor_required boolean not null default false;
-- Null: whatever the role may do. Else the names of permissions, each within the role.
alter table api_keys add column scopes text[], add column made_by text;

-- The platform's own keys, wrapped by the master key: equality of e-mail addresses before a tenant is known, and what belongs
-- to no tenant.
create table platform_keys (
    purpose       text not null check (purpose in ('field', 'equality')),
    key_id        int  not null check (key_id > 0),
    wrapped       bytea not null,
    master_key_id int not null,
    created_at    timestamptz not null default now(),
    primary key (purpose, key_id)
);

-- Access tokens are signed with the newest that is not retired, and verified with each that is here.
create table signing_keys (
    id         uuid primary key,
    public_key bytea not null,
    sealed     bytea not null,
    made_at    timestamptz not null,
    retired_at timestamptz
);

create table users (
    id                  uuid primary key,
    tenant_id           uuid references tenants (id) on delete cascade, -- null: the platform's
    role                text not null check (role in ('super_admin', 'client_admin', 'client_user')),
    state               text not null default 'invited' check (state in ('invited', 'active', 'deactivated')),
    email_eq            bytea not null,
    name                bytea,                            -- sealed under the tenant's key; the platform's people: platform_people
    email               bytea,
    password_hash       text,
    totp                bytea,                            -- sealed; a secret that is not confirmed asks for nothing yet
    totp_confirmed_at   timestamptz,
    totp_step           bigint not null default 0,        -- the last time step whose code was used: a code works once
    signed_in_at        timestamptz,
    version             int not null default 1,
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    constraint users_email_is_unique unique (email_eq),
    constraint users_are_a_tenants_or_the_platforms check ((tenant_id is null) = (role = 'super_admin')),
    constraint users_of_a_tenant_have_a_name check (tenant_id is null or (name is not null and email is not null)),
    constraint users_who_are_active_have_a_password check (state <> 'active' or password_hash is not null)
);
create index users_by_creation on users (tenant_id, created_at desc, id desc);

create table platform_people (
    user_id uuid primary key references users (id) on delete cascade,
    name    bytea not null,
    email   bytea not null
);

create table sessions (
    id            uuid primary key,
    user_id       uuid not null references users (id) on delete cascade,
    tenant_id     uuid,
    second_factor boolean not null,                       -- it was shown
    started_at    timestamptz not null,
    ends_at       timestamptz not null,
    seen_at       timestamptz not null,                   -- to five minutes
    ended_at      timestamptz,
    ended_why     text check (ended_why in ('signed_out', 'by_user', 'by_administrator', 'password', 'second_factor', 'reused',
                      'deactivated')),
    constraint sessions_say_why_they_ended check ((ended_at is null) = (ended_why is null))
);
create index sessions_of_user on sessions (user_id, started_at desc);
create index sessions_by_end on sessions (ends_at);

-- A used one stays until its session goes: shown again, it was stolen.
create table refresh_tokens (
    hash       bytea primary key,
    session_id uuid not null references sessions (id) on delete cascade,
    made_at    timestamptz not null,
    used_at    timestamptz
);
create index refresh_tokens_of_session on refresh_tokens (session_id);

create table recovery_codes (
    user_id uuid not null references users (id) on delete cascade,
    hash    bytea not null,
    used_at timestamptz,
    primary key (user_id, hash)
);

-- What lets somebody set a password: an invitation, or a reset. Shown once to whoever made it.
create table password_links (
    hash       bytea primary key,
    user_id    uuid not null references users (id) on delete cascade,
    tenant_id  uuid,
    kind       text not null check (kind in ('invitation', 'reset')),
    made_at    timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz
);
create index password_links_of_user on password_links (user_id);

-- A declared access of the platform's people to one tenant.
create table visits (
    id          uuid primary key,
    tenant_id   uuid not null references tenants (id) on delete cascade,
    user_id     uuid not null references users (id) on delete cascade,
    kind        text not null check (kind in ('read', 'break_glass')),
    reason      bytea not null,                           -- sealed under the tenant's key
    minutes     int not null check (minutes between 1 and 240),
    asked_at    timestamptz not null,
    approved_by uuid references users (id),
    starts_at   timestamptz,                              -- null: waits for the second person
    ends_at     timestamptz not null,                     -- or when a wish that nobody approved lapses
    ended_at    timestamptz,
    constraint visits_by_breaking_glass_take_two_people
        check (kind <> 'break_glass' or starts_at is null or (approved_by is not null and approved_by <> user_id))
);
create unique index visits_are_one_at_a_time on visits (user_id) where ended_at is null;
create index visits_of_tenant on visits (tenant_id, asked_at desc, id desc);

-- The platform's own chain: what its people did outside of any tenant, and sign-ins of nobody we know.
create table platform_entries (
    n          bigint primary key,
    at         timestamptz not null,
    actor      text not null,
    action     text not null,
    entity     uuid not null,
    detail     bytea,
    row_hash   bytea not null,
    chain_hash bytea not null
);
create table platform_head (
    single boolean primary key default true check (single),
    n      bigint not null default 0,
    hash   bytea not null default '\x'
);
insert into platform_head default values;

-- Appends one entry to a chain of a tenant, or without a tenant to the platform's. For the engine, which knows whose it is only
-- when somebody signs in. Call it last: it takes the tenant's last lock. The entry is made as append_changes makes it.
create function append_entry(p_tenant uuid, p_chain text, p_actor text, p_action text, p_entity uuid, p_detail bytea)
    returns bigint language plpgsql as $$
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

-- Row-level security -----------------------------------------------------------------------------------------------

do $$
declare t text;
begin
    foreach t in array array['users', 'sessions', 'password_links', 'visits']
    loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy %I on %I to vio_app using (tenant_id = (select tid())) '
            'with check (tenant_id = (select tid()))', t || '_of_tenant', t);
        execute format('create policy %I on %I to vio_engine using (true) with check (true)', t || '_of_engine', t);
    end loop;
    foreach t in array array['platform_keys', 'signing_keys', 'platform_people', 'refresh_tokens', 'recovery_codes',
        'platform_entries', 'platform_head']
    loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy %I on %I to vio_engine using (true) with check (true)', t || '_of_engine', t);
    end loop;
end $$;

create policy tenant_heads_seen_by_engine on tenant_heads for select to vio_engine using (true);
create policy tenant_heads_moved_by_engine on tenant_heads for update to vio_engine using (true) with check (true);
create policy audit_entries_appended_by_engine on audit_entries for insert to vio_engine with check (true);

-- The migration's own row was made before the table was walled.
grant select, insert on platform_keys, platform_people, platform_entries to vio_engine;
grant update (wrapped, master_key_id) on platform_keys to vio_engine;
grant select, insert, update, delete on signing_keys, recovery_codes, refresh_tokens to vio_engine;
grant select, update on platform_head to vio_engine;
grant select, insert, update, delete on sessions, password_links to vio_engine;
grant select on visits to vio_engine;
grant update (ended_at) on visits to vio_engine;
grant select (id, tenant_id, role, state, email_eq, password_hash, totp, totp_confirmed_at, totp_step, signed_in_at, version,
    created_at, updated_at) on users to vio_engine;
grant insert (id, role, email_eq, created_at, updated_at) on users to vio_engine;
grant update (state, password_hash, totp, totp_confirmed_at, totp_step, signed_in_at, version, updated_at) on users to vio_engine;
grant select (name, created_at, second_factor_required) on tenants to vio_engine;
grant select (tenant_id, change_n, change_hash, access_n, access_hash) on tenant_heads to vio_engine;
grant update (change_n, change_hash, access_n, access_hash) on tenant_heads to vio_engine;
grant insert on audit_entries to vio_engine;
revoke execute on function append_entry(uuid, text, text, text, uuid, bytea) from public;
grant execute on function append_entry(uuid, text, text, text, uuid, bytea) to vio_engine;

-- A tenant's administrators see no hash of a password, no secret and no token.
grant select (id, tenant_id, role, state, email_eq, name, email, totp_confirmed_at, signed_in_at, version, created_at, updated_at)
    on users to vio_app;
grant insert (id, tenant_id, role, email_eq, name, email, created_at, updated_at) on users to vio_app;
grant update (role, state, name, totp, totp_confirmed_at, version, updated_at) on users to vio_app;
grant select, update (ended_at, ended_why) on sessions to vio_app;
grant insert, select (user_id, tenant_id, kind, made_at, expires_at, used_at), update (expires_at) on password_links to vio_app;
grant select, insert, update (approved_by, starts_at, ends_at, ended_at) on visits to vio_app;
grant insert, select (id, tenant_id, name, role, scopes, made_by, created_at, revoked_at, last_used), update (revoked_at)
    on api_keys to vio_app;
