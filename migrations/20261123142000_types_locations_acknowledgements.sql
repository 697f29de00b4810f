-- The tenant's appointment types and locations, what was acknowledged about a contact, and settings that are new.
--
-- Reads:    api (serves them); worker reads of appointment types what may be spoken.
-- Locks:    three new tables; tenants for the moment in which a column with a constant default is added.
-- Undo:     drop table acknowledgements, locations, appointment_types; alter table tenants drop column policy_added;
-- Personal: types and locations are the tenant's words about itself, not about a person, and not sealed. An acknowledgement is
--           an id, a word of ours, the version of a text, an actor and a time.

-- Names: the folded name, and before it became that, others. An appointment names its type by a text, in either release; a type
-- that is called otherwise later must not make the sensitive label of an old appointment look like nobody's.
create table appointment_types (
    tenant_id        uuid not null references tenants (id) on delete cascade,
    id               uuid not null,
    name             text not null check (char_length(name) between 1 and 80),
    names            text[] not null check (cardinality(names) between 1 and 50),
    spoken_name      text check (char_length(spoken_name) between 1 and 80),
    sensitive        boolean not null,
    duration_minutes int check (duration_minutes between 5 and 480),
    active           boolean not null default true,
    version          int not null default 1,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    primary key (tenant_id, id),
    constraint sensitive_types_are_never_spoken check (not (sensitive and spoken_name is not null))
);
create unique index appointment_types_have_names_of_their_own on appointment_types (tenant_id, (names[1]));

create table locations (
    tenant_id  uuid not null references tenants (id) on delete cascade,
    id         uuid not null,
    name       text not null check (char_length(name) between 1 and 200),
    names      text[] not null check (cardinality(names) between 1 and 50),
    address    text check (char_length(address) <= 300),
    zone       text not null,
    hours      jsonb,                                     -- of each weekday; null: not known
    active     boolean not null default true,
    version    int not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
);
create unique index locations_have_names_of_their_own on locations (tenant_id, (names[1]));

-- Append-only: what was acknowledged, and each consent that was recorded or withdrawn. contacts.consent_at stays what admission
-- reads. The kinds are the program's, so that a new one needs no migration.
create table acknowledgements (
    tenant_id    uuid not null,
    id           uuid not null,
    contact_id   uuid not null,
    kind         text not null check (kind ~ '^[a-z_]{3,40}$'),
    how          text check (how ~ '^[a-z_]{3,40}$'),
    text_version text check (char_length(text_version) between 1 and 40),
    recorded_by  text not null,                           -- an actor, as in the audit chain
    at           timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, contact_id) references contacts (tenant_id, id) on delete cascade
);
create index acknowledgements_of_contact on acknowledgements (tenant_id, contact_id, at desc, id desc);

do $$
declare t text;
begin
    foreach t in array array['appointment_types', 'locations', 'acknowledgements'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy %I on %I to vio_app using (tenant_id = (select tid())) '
            'with check (tenant_id = (select tid()))', t || '_of_tenant', t);
    end loop;
end $$;

grant select, insert, update on appointment_types, locations to vio_app;
grant select, insert on acknowledgements to vio_app;

-- Settings of the policy that the release before doesn't know: it would refuse to read a policy that has them. The next release
-- may put them into policy.
alter table tenants add column policy_added jsonb not null default '{}';
