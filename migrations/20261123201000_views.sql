-- Searches that people keep: for themselves, or for everybody of the tenant.
--
-- Reads:    api; the worker not at all.
-- Locks:    none: a new table.
-- Undo:     drop table contact_views;
-- Personal: a kept search may quote a name, and so may what it is called: both are sealed together under the tenant's key.

create table contact_views (
    tenant_id  uuid not null references tenants (id) on delete cascade,
    id         uuid not null,
    owner      text,                                      -- whose it is: an actor of the audit chain; null: everybody's
    sealed     bytea not null,                            -- name and search
    version    int not null default 1,
    used       bigint not null default 0,
    used_at    timestamptz,
    created_by text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
);
create index contact_views_by_owner on contact_views (tenant_id, owner);

alter table contact_views enable row level security;
alter table contact_views force row level security;
create policy contact_views_of_tenant on contact_views to vio_app using (tenant_id = (select tid()))
    with check (tenant_id = (select tid()));
grant select, insert, update, delete on contact_views to vio_app;
