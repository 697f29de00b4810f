-- Keys that rotate while everybody works, contacts that are erased when their time is over, and what may not be erased.
--
-- Reads:    api (rotations, holds, retention) and worker (goes on with what was begun). The release before takes the highest key
--           for the one that seals, whatever seals_from says, and knows one key of a contact: rotate nothing while it runs.
-- Locks:    three new tables; tenants, tenant_keys and contacts for the moment in which columns are added.
-- Undo:     drop table key_rotations, legal_holds, retention_runs; alter table tenant_keys drop column seals_from, drop column
--           retired_at; alter table contacts drop column erased_at; alter table tenants drop column shredded_at. Not while a
--           rotation runs, nor after a contact's key was rotated.
-- Personal: legal_holds.reason, sealed under the tenant's key. Erasing takes away all that is sealed under a contact's key.

-- A new key is known to every process for a while before one seals with it; one that is retired only opens.
alter table tenant_keys add column seals_from timestamptz not null default '1970-01-01 00:00:00+00';
alter table tenant_keys add column retired_at timestamptz;

alter table contacts add column erased_at timestamptz;     -- nothing of the person is left but the id
alter table tenants add column shredded_at timestamptz;    -- its keys are destroyed

-- How far a rotation is. One of each kind and tenant: the last.
create table key_rotations (
    tenant_id   uuid not null references tenants (id) on delete cascade,
    kind        text not null check (kind in ('tenant', 'contacts', 'equality')),
    state       text not null check (state in ('running', 'done')),
    key_id      int  not null,                             -- the new key; of contacts: 0
    phase       text not null,                             -- whose rows it is at
    after       uuid not null,                             -- the last row of the phase that is done
    rows_done   bigint not null default 0,
    rows_total  bigint not null,                           -- when it began
    ready_at    timestamptz not null,                      -- nothing is done before
    started_at  timestamptz not null,
    changed_at  timestamptz not null,
    finished_at timestamptz,
    primary key (tenant_id, kind)
);
create index key_rotations_running on key_rotations (ready_at) where state = 'running';

-- What may not be erased, for as long as somebody says so. Without a contact: nothing of the tenant.
create table legal_holds (
    tenant_id   uuid not null references tenants (id) on delete cascade,
    id          uuid not null,
    contact_id  uuid,
    reason      bytea not null,                            -- sealed under the tenant's key
    placed_by   text not null,
    placed_at   timestamptz not null,
    released_by text,
    released_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, contact_id) references contacts (tenant_id, id) on delete cascade
);
create index legal_holds_standing on legal_holds (tenant_id, contact_id) where released_at is null;

-- When a tenant's contacts are looked through next, and what came of it last. One row a tenant.
create table retention_runs (
    tenant_id uuid primary key references tenants (id) on delete cascade,
    next_at   timestamptz not null,
    ran_at    timestamptz,
    archived  bigint not null default 0,
    erased    bigint not null default 0,
    spared    jsonb not null default '{}'                  -- how many, by why: closed words
);

do $$
declare t text;
begin
    foreach t in array array['key_rotations', 'legal_holds', 'retention_runs'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy %I on %I to vio_app using (tenant_id = (select tid())) '
            'with check (tenant_id = (select tid()))', t || '_of_tenant', t);
    end loop;
end $$;
-- What must be found before a tenant is known: whose rotation goes on, whose day has come.
create policy key_rotations_of_engine on key_rotations to vio_engine using (true);
create policy retention_runs_of_engine on retention_runs to vio_engine using (true);

grant select, insert, update on key_rotations, legal_holds, retention_runs to vio_app;
grant select (tenant_id, kind, state, ready_at) on key_rotations to vio_engine;
grant select (tenant_id, next_at) on retention_runs to vio_engine;
grant delete on tenant_keys to vio_app;
-- Sealed anew when the tenant's key rotates.
grant update (email) on users to vio_app;
grant update (reason) on visits to vio_app;
