-- Signed heads of the tenants' two chains; and from here on nobody but a few functions appends to those chains.
--
-- Reads:    api (signs heads, reads the trail, `api admin audit`). The worker and the release before append by the same functions
--           as before, under the same names, and never in another way (no statement of theirs does).
-- Locks:    a new table; rights, policies and functions are rows of the catalogue.
-- Undo:     drop table audit_heads; drop function chain_accesses; the functions append_changes of 20261123000001 and
--           seal_accesses of 20261123010000 with their owner vio_owner; grant insert on audit_entries to vio_app; grant insert,
--           update on tenant_heads to vio_app; drop policy events_numbered_by_engine on events; revoke insert on events, update
--           (event_n) on tenant_heads from vio_engine.
-- Personal: none: ids, times, hashes, signatures.

-- A head says how far a chain went and with which hash, signed by a key that the database never has. Appended only.
create table audit_heads (
    tenant_id uuid not null,
    chain     text not null check (chain in ('changes', 'accesses')),
    serial    bigint not null,                            -- of the chain's heads: 1, 2, 3 …
    n         bigint not null,                            -- the last entry that it covers
    hash      bytea not null,                             -- chain_hash of that entry
    at        timestamptz not null,                       -- when it was signed
    previous  bytea not null,                             -- SHA-256 of the text of the head before; empty before the first
    earliest  timestamptz not null,                       -- times of the entries since the head before: where to look for a time
    latest    timestamptz not null,
    key_id    text not null,                              -- of the public key
    signature bytea not null,                             -- Ed25519, 64 bytes
    primary key (tenant_id, chain, serial)
);
alter table audit_heads enable row level security;
alter table audit_heads force row level security;
create policy audit_heads_of_tenant on audit_heads to vio_app
    using (tenant_id = (select tid())) with check (tenant_id = (select tid()));
-- Which chains went on since their last head, across tenants.
create policy audit_heads_seen_by_engine on audit_heads for select to vio_engine using (true);
grant select, insert on audit_heads to vio_app;
grant select (tenant_id, chain, serial, n, at, key_id) on audit_heads to vio_engine;

-- Appending ------------------------------------------------------------------------------------------------------
-- The functions below number, hash and insert as the engine's role; whoever calls them as vio_app can't do it in another
-- way: neither an entry of their own making, nor another number, nor a head that is set back. They touch the rows of tid()
-- only. pg_temp comes last, so that nobody puts a table of theirs before ours.

create policy events_numbered_by_engine on events for insert to vio_engine with check (true);
grant insert on events to vio_engine;
grant update (event_n) on tenant_heads to vio_engine;

create or replace function append_changes(
    p_kinds text[], p_entities uuid[], p_contacts uuid[],
    p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]
) returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
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

-- Appends accesses in the order in which they are given. Takes the tenant's last lock.
create function chain_accesses(p_at timestamptz[], p_actors text[], p_actions text[], p_entities uuid[], p_shown bytea[])
returns void language plpgsql security definer set search_path = public, pg_temp as $$
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

-- As before, but what waits is taken before the chain is locked: by one process at a time for each tenant, so that none is
-- taken twice and the order stays that in which they were noted.
create or replace function seal_accesses(p_most int) returns int language plpgsql as $$
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

grant create on schema public to vio_engine;
alter function append_changes(text[], uuid[], uuid[], text, text[], uuid[], bytea[]) owner to vio_engine;
alter function chain_accesses(timestamptz[], text[], text[], uuid[], bytea[]) owner to vio_engine;
-- The same for many entries (20261123141000).
alter function append_many_changes(text[], uuid[], uuid[], text, text[], uuid[], bytea[])
    security definer set search_path = public, pg_temp;
alter function append_many_changes(text[], uuid[], uuid[], text, text[], uuid[], bytea[]) owner to vio_engine;
-- allowed: granted two statements ago, to hand functions over
revoke create on schema public from vio_engine;
revoke execute on function append_changes(text[], uuid[], uuid[], text, text[], uuid[], bytea[]) from public;
revoke execute on function chain_accesses(timestamptz[], text[], text[], uuid[], bytea[]) from public;
grant execute on function chain_accesses(timestamptz[], text[], text[], uuid[], bytea[]) to vio_app;

-- allowed: the release before appends by append_changes() and seal_accesses() alone, which need it no more
revoke insert on audit_entries from vio_app;
-- allowed: the same; tenants are made as vio_engine
revoke insert, update on tenant_heads from vio_app;
