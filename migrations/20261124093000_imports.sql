-- Uploaded files that are to become contacts, and the mappings that a tenant keeps for files of one shape.
--
-- Reads:    api (takes files, previews) and worker (runs them, forgets them). The release before knows none of it.
-- Locks:    job_items for a moment: two columns without a default.
-- Undo:     drop table import_templates, imports; alter table job_items drop column before_sealed, drop column thing_version;
-- Personal: imports.content, sealed under a key of the file's own, which is wrapped by the tenant's; import_templates.sealed, under the
--           tenant's: a header may hold anything; job_items.before_sealed, under the contact's.

create table imports (
    tenant_id   uuid not null references tenants (id) on delete cascade,
    id          uuid not null,
    key_wrapped bytea not null,                           -- the file's own key
    content     bytea not null,                           -- the file, compressed, sealed under it
    bytes       bigint not null,                          -- as it was uploaded
    rows        int not null,                             -- below the header
    uploaded_by text not null,                            -- an actor of the audit chain
    created_at  timestamptz not null,
    job_id      uuid,                                     -- the job that runs it: once
    primary key (tenant_id, id)
);
-- What is sealed can't be compressed: PostgreSQL needn't try.
alter table imports alter column content set storage external;
create unique index imports_of_job on imports (tenant_id, job_id) where job_id is not null;
create index imports_by_age on imports (created_at);

create table import_templates (
    tenant_id  uuid not null references tenants (id) on delete cascade,
    id         uuid not null,
    sealed     bytea not null,                            -- its name, the mapping, and what else was chosen
    used       bigint not null default 0,
    used_at    timestamptz,
    created_by text not null,
    created_at timestamptz not null,
    primary key (tenant_id, id)
);

do $$
declare t text;
begin
    foreach t in array array['imports', 'import_templates'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy %I on %I to vio_app using (tenant_id = (select tid())) '
            'with check (tenant_id = (select tid()))', t || '_of_tenant', t);
    end loop;
end $$;
create policy imports_of_engine on imports to vio_engine using (true);

grant select, insert, delete, update (job_id, key_wrapped) on imports to vio_app;
grant select, insert, update, delete on import_templates to vio_app;
-- Which tenants have files that are too old.
grant select (tenant_id, id, created_at, job_id) on imports to vio_engine;

-- What an import was told apart by: the version of the appointment beside the contact's, and what a person was before.
alter table job_items add column thing_version int;
alter table job_items add column before_sealed bytea;
