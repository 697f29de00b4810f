-- Groups of contacts, whether somebody came to an appointment, and contacts that are out of the way.
--
-- Reads:    api (serves them); the worker doesn't.
-- Locks:    two new tables; contacts and appointments for the moment in which columns without a default are added.
-- Undo:     drop table group_members, groups; alter table contacts drop column archived_at;
--           alter table appointments drop column attendance, drop column attendance_at, drop column attendance_by;
-- Personal: a group's name and description are the tenant's words about a purpose, not about a person, and not sealed;
--           that somebody is in a group is an id in a row.

alter table contacts add column archived_at timestamptz;   -- out of the way: not in lists, not called; nothing is lost

alter table appointments add column attendance text;       -- attended, no_show; null: not known
alter table appointments add column attendance_at timestamptz;
alter table appointments add column attendance_by text;    -- an actor, as in the audit chain
alter table appointments add constraint appointments_attendance_is_known
    check (attendance in ('attended', 'no_show')) not valid;

create table groups (
    tenant_id   uuid not null references tenants (id) on delete cascade,
    id          uuid not null,
    name        text not null check (char_length(name) between 1 and 50),
    name_key    text not null,                             -- the name folded: unique without regard to case and accents
    description text check (char_length(description) <= 255),
    colour      text not null check (colour in ('red', 'orange', 'yellow', 'green', 'teal', 'blue', 'purple', 'grey')),
    archived_at timestamptz,
    version     int not null default 1,
    created_by  text not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    primary key (tenant_id, id),
    constraint groups_have_names_of_their_own unique (tenant_id, name_key)
);

create table group_members (
    tenant_id  uuid not null,
    group_id   uuid not null,
    contact_id uuid not null,
    added_by   text not null,                              -- an actor, as in the audit chain
    added_at   timestamptz not null,
    primary key (tenant_id, group_id, contact_id),
    foreign key (tenant_id, group_id) references groups (tenant_id, id) on delete cascade,
    foreign key (tenant_id, contact_id) references contacts (tenant_id, id) on delete cascade
);
create index group_members_of_contact on group_members (tenant_id, contact_id);

do $$
declare t text;
begin
    foreach t in array array['groups', 'group_members'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy %I on %I to vio_app using (tenant_id = (select tid())) '
            'with check (tenant_id = (select tid()))', t || '_of_tenant', t);
    end loop;
end $$;

grant select, insert, update, delete on groups, group_members to vio_app;
