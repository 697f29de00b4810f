-- The search index of each tenant: sealed blocks of its contacts, and which contacts changed since.
--
-- Reads:    api (builds, searches, puts together); worker only by the triggers, which note changed contacts.
-- Locks:    three new tables; triggers on contacts, appointments, calls, attempts, flags, group_members and groups: a short
--           lock of each against writers, at any size of theirs.
-- Undo:     drop function note_changed_contacts, note_changed_contact, search_state, forget_search, prune_search cascade;
--           drop table search_blocks, search_generations, search_changes, search_marks;
-- Personal: blocks hold names, numbers, addresses, notes and voice text, folded, sealed under the tenant's key
--           (AES-256-GCM) before they arrive. All else here is ids and numbers.
--
-- All of it is derived and can be made again at any time. So none of it is written to the log (unlogged): after a crash
-- the tables are empty, on a standby and in a file-level backup they never hold anything, and the first search builds anew.
-- A dump should leave them out: pg_dump --no-unlogged-table-data.

-- Which contacts changed, one row a change. Written by the transaction that changes them; nobody waits for anybody.
--
-- What a reader has not seen yet are the rows whose transaction its last snapshot did not see: exactly those, in whatever
-- order transactions began and ended. No number needs to be handed out in the order of commits for that.
create unlogged table search_changes (
    tenant_id  uuid not null,
    contact_id uuid not null,
    xid        xid8 not null default pg_current_xact_id()
);
create index search_changes_by_xid on search_changes (tenant_id, xid);
-- It is filled all day and emptied in one go: dead rows are to go soon.
alter table search_changes set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

-- The blocks that count, of each tenant that was searched.
create unlogged table search_generations (
    tenant_id uuid primary key references tenants (id) on delete cascade,
    id        bigint not null,                            -- random: never the same again
    cluster   bigint not null,                            -- as_of means nothing in another one, where a dump may be restored
    as_of     pg_snapshot not null,                       -- what the blocks know
    watermark bigint not null,                            -- of as_of: under the seal of each block
    blocks    int not null,
    contacts  int not null,
    made_at   timestamptz not null default clock_timestamp()
);

create unlogged table search_blocks (
    tenant_id  uuid not null,
    generation bigint not null,
    number     int not null,
    contacts   int not null,
    sealed     bytea not null,
    primary key (tenant_id, generation, number)
);
-- It is packed already.
alter table search_blocks alter column sealed set storage external;

-- When pruning last passed, and what it saw then. One row.
create unlogged table search_marks (
    single boolean primary key default true check (single),
    at     timestamptz not null,
    seen   pg_snapshot not null
);

do $$
declare t text;
begin
    foreach t in array array['search_changes', 'search_generations', 'search_blocks'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy %I on %I to vio_app using (tenant_id = (select tid())) '
            'with check (tenant_id = (select tid()))', t || '_of_tenant', t);
        -- Pruning goes over all tenants. It sees ids and numbers; what is sealed is not granted.
        execute format('create policy %I on %I to vio_engine using (true) with check (true)', t || '_of_engine', t);
    end loop;
end $$;
alter table search_marks enable row level security;
alter table search_marks force row level security;
create policy search_marks_of_engine on search_marks to vio_engine using (true) with check (true);

grant select, insert, delete on search_changes, search_generations, search_blocks to vio_app;
grant select, insert, delete on search_changes to vio_engine;
grant select (tenant_id, id), delete on search_generations to vio_engine;
grant select (tenant_id, generation), delete on search_blocks to vio_engine;
grant select, insert, update on search_marks to vio_engine;

-- Noting changes -------------------------------------------------------------------------------------------------

create function note_changed_contacts() returns trigger language plpgsql as $$
begin
    insert into search_changes (tenant_id, contact_id) select distinct tenant_id, contact_id from changed;
    return null;
end $$;

create function note_changed_rows_of_contacts() returns trigger language plpgsql as $$
begin
    insert into search_changes (tenant_id, contact_id) select tenant_id, id from changed;
    return null;
end $$;

create function note_changed_contact() returns trigger language plpgsql as $$
begin
    insert into search_changes (tenant_id, contact_id) values (new.tenant_id, new.contact_id);
    return null;
end $$;

create trigger contacts_searched_i after insert on contacts
    referencing new table as changed for each statement execute function note_changed_rows_of_contacts();
create trigger contacts_searched_u after update on contacts
    referencing new table as changed for each statement execute function note_changed_rows_of_contacts();
create trigger contacts_searched_d after delete on contacts
    referencing old table as changed for each statement execute function note_changed_rows_of_contacts();
create trigger appointments_searched_i after insert on appointments
    referencing new table as changed for each statement execute function note_changed_contacts();
create trigger appointments_searched_u after update on appointments
    referencing new table as changed for each statement execute function note_changed_contacts();
create trigger appointments_searched_d after delete on appointments
    referencing old table as changed for each statement execute function note_changed_contacts();
create trigger group_members_searched_i after insert on group_members
    referencing new table as changed for each statement execute function note_changed_contacts();
create trigger group_members_searched_d after delete on group_members
    referencing old table as changed for each statement execute function note_changed_contacts();
create trigger flags_searched_i after insert on flags
    referencing new table as changed for each statement execute function note_changed_contacts();
create trigger flags_searched_u after update on flags
    referencing new table as changed for each statement execute function note_changed_contacts();
create trigger flags_searched_d after delete on flags
    referencing old table as changed for each statement execute function note_changed_contacts();
create trigger calls_searched_i after insert on calls
    referencing new table as changed for each statement execute function note_changed_contacts();
create trigger calls_searched_d after delete on calls
    referencing old table as changed for each statement execute function note_changed_contacts();

-- Calls and attempts change often, and what a list shows of them seldom. A condition on the row costs next to nothing.
create trigger calls_searched_u after update of state, eligible_at, blocked, contact_id on calls for each row
    when ((old.state = 'planned') is distinct from (new.state = 'planned')
        or (old.state in ('planned', 'reserved', 'dialling', 'in_progress'))
            is distinct from (new.state in ('planned', 'reserved', 'dialling', 'in_progress'))
        or old.eligible_at is distinct from new.eligible_at and new.state = 'planned'
        or old.blocked is distinct from new.blocked and new.state = 'planned')
    execute function note_changed_contact();
-- Whether a planned call was dialled before is asked of its attempts.
create trigger attempts_searched_u after update of counts on attempts for each row
    when (old.counts is distinct from new.counts) execute function note_changed_contact();

-- Asking ---------------------------------------------------------------------------------------------------------

-- How the tenant's index stands, for a reader that holds generation p_generation with all that the snapshot p_seen saw (null:
-- none). No generation: there is none to be read. To be asked in a transaction of one snapshot, in which the changed contacts
-- are then read: what it answers is then all that this snapshot has and the reader hasn't.
create function search_state(p_generation bigint, p_seen text,
    out generation bigint, out watermark bigint, out blocks int, out contacts int, out seen text, out changed uuid[])
language plpgsql stable as $$
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

-- Takes the tenant's index away; the next search builds it anew. For what must not stay: keys that were changed or destroyed,
-- contacts that were erased, blocks that can't be opened.
create function forget_search() returns void language plpgsql as $$
begin
    delete from search_generations where tenant_id = tid();
    delete from search_blocks where tenant_id = tid();
end $$;

-- Takes away what nobody will ask for. Changes are noted whether or not a tenant is ever searched:
-- * of a tenant without blocks, those that the mark saw. Whoever is building blocks began after it, and hence knows them: a
--   mark counts once it is half an hour old, and nobody builds for longer than ten minutes (docs/search.md);
-- * the blocks of a tenant with more than p_most changes since: nobody searches it, or they would have been put together.
create function prune_search(p_most int) returns int language plpgsql as $$
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

revoke execute on function search_state(bigint, text), forget_search(), prune_search(int) from public;
grant execute on function search_state(bigint, text), forget_search() to vio_app;
grant execute on function prune_search(int) to vio_engine;
