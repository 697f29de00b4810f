-- Accesses wait here until they are chained; and what live updates need: numbers of events, and a word when access ends.
--
-- Reads:    api (notes and seals accesses, reads heads of tenants with sockets, listens to vio_access_ended).
-- Locks:    a new table; triggers on api_keys, tenants, sessions, users and visits: a short lock of each against writers, at
--           any size of theirs.
-- Undo:     drop table pending_accesses; drop function note_accesses, seal_accesses, tell_that_access_ended cascade;
--           revoke select (event_n) on tenant_heads from vio_engine.
-- Personal: none: ids, times, the template of a route and a status. Who an id is can't be told from here.

-- One row a request, before its answer is sent. Chained and removed within two seconds by seal_accesses().
create table pending_accesses (
    id        bigint generated always as identity,
    tenant_id uuid not null,
    at        timestamptz not null,
    actor     text not null,
    action    text not null check (char_length(action) <= 200),
    entity    uuid not null,
    shown     bytea not null,                             -- ids that were shown, 16 bytes each
    primary key (tenant_id, id)
);
-- It is filled and emptied all day: dead rows are to go long before a fifth of them are.
alter table pending_accesses set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

alter table pending_accesses enable row level security;
alter table pending_accesses force row level security;
create policy pending_accesses_of_tenant on pending_accesses to vio_app
    using (tenant_id = (select tid())) with check (tenant_id = (select tid()));
-- Noted for many tenants in one statement, and swept for those whose process died.
create policy pending_accesses_noted_by_engine on pending_accesses for insert to vio_engine with check (true);
create policy pending_accesses_seen_by_engine on pending_accesses for select to vio_engine using (true);
grant select, delete on pending_accesses to vio_app;
grant select (tenant_id), insert on pending_accesses to vio_engine;

-- Notes accesses of several requests, one element of each array a request. Not flushed to disk by itself: what a crash
-- of PostgreSQL may take is the last 0.6 s (three times wal_writer_delay); a crash of the API takes nothing.
create function note_accesses(p_tenants uuid[], p_actors text[], p_actions text[], p_entities uuid[], p_shown bytea[])
returns void language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    insert into pending_accesses (tenant_id, at, actor, action, entity, shown)
    select t, n.moment, a, c, e, s
    from (select app_clock() as moment offset 0) n, unnest(p_tenants, p_actors, p_actions, p_entities, p_shown) as u (t, a, c, e, s);
end $$;

-- Chains what waits of this transaction's tenant, in the order in which it was noted. Takes the tenant's last lock, as
-- append_changes does, and hashes as it does; p_most bounds how long. Returns how many.
create function seal_accesses(p_most int) returns int language plpgsql as $$
declare
    head   tenant_heads;
    ids    bigint[];
    rows   bytea[];
    chains bytea[] := '{}';
    row_h  bytea;
begin
    perform set_config('synchronous_commit', 'off', true);
    select * into head from tenant_heads where tenant_id = tid() for update;
    -- Nobody else chains this tenant's meanwhile; what is noted meanwhile is not among these ids.
    select array_agg(w.id order by w.id),
           array_agg(sha256(convert_to(concat_ws('|', w.tenant_id, 'accesses', head.access_n + w.o,
               (extract(epoch from w.at) * 1000000)::bigint, w.actor, w.action, w.entity), 'UTF8') || w.shown) order by w.id)
    into ids, rows
    from (select p.*, row_number() over (order by p.id) as o from pending_accesses p
          where p.tenant_id = tid() order by p.id limit p_most) w;
    if ids is null then
        return 0;
    end if;
    foreach row_h in array rows loop
        head.access_hash := sha256(head.access_hash || row_h);
        chains := chains || head.access_hash;
    end loop;
    insert into audit_entries (tenant_id, chain, n, at, actor, action, entity, detail, row_hash, chain_hash)
    select p.tenant_id, 'accesses', head.access_n + u.o, p.at, p.actor, p.action, p.entity, p.shown, u.r, u.c
    from unnest(ids, rows, chains) with ordinality as u (id, r, c, o)
    join pending_accesses p on p.tenant_id = tid() and p.id = u.id;
    delete from pending_accesses where tenant_id = tid() and id = any (ids);
    update tenant_heads set access_n = head.access_n + cardinality(ids), access_hash = head.access_hash where tenant_id = tid();
    return cardinality(ids);
end $$;

revoke execute on function note_accesses(uuid[], text[], text[], uuid[], bytea[]), seal_accesses(int) from public;
grant execute on function note_accesses(uuid[], text[], text[], uuid[], bytea[]) to vio_engine;
grant execute on function seal_accesses(int) to vio_app;

-- Live: how far the events of the tenants with sockets have come, in one statement for all of them.
grant select (event_n) on tenant_heads to vio_engine;

-- Whoever holds sockets asks again who may still have one. Rare, so the lock of NOTIFY at commit costs nothing; events
-- are too many for it, and are told over Redis.
create function tell_that_access_ended() returns trigger language plpgsql as $$
begin
    perform pg_notify('vio_access_ended', '');
    return null;
end $$;
create trigger api_keys_access_ended after update of revoked_at, role on api_keys
    for each statement execute function tell_that_access_ended();
create trigger api_keys_access_gone after delete on api_keys
    for each statement execute function tell_that_access_ended();
create trigger tenants_access_ended after update of active, second_factor_required on tenants
    for each statement execute function tell_that_access_ended();
-- A session that runs out by itself changes no row: processes with sockets ask every few seconds too.
create trigger sessions_access_ended after update of ended_at on sessions
    for each statement execute function tell_that_access_ended();
create trigger users_access_ended after update of state, role on users
    for each statement execute function tell_that_access_ended();
create trigger visits_access_ended after update of ended_at on visits
    for each statement execute function tell_that_access_ended();
