-- What screening of free texts came to, by whom and in which field, and who completed which training module.
--
-- Reads:    api (figures, reminders); the worker's round of retention deletes what is a year old. vio_engine: nothing.
-- Locks:    none: new tables.
-- Undo:     drop table phi_detections, training_completions;
-- Personal: nothing of a text, no place in one, and of no contact. Who of the staff wrote it (an id), when, and kinds of findings:
--           words of ours, in clear (docs/leakage.md).

create table phi_detections (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id        uuid not null,
    at        timestamptz not null,
    actor     text not null,                              -- who saved it: an actor of the audit chain
    field     text not null,                              -- where the text was to stand: a word of ours
    outcome   text not null check (outcome in ('clean', 'refused', 'acknowledged', 'unasked')),
    kinds     text[] not null default '{}',               -- what was found: words of ours, each once
    severity  text check (severity in ('medium', 'high', 'critical')),
    primary key (tenant_id, id),
    -- Nothing was found in what is clean, and something in the rest.
    constraint phi_detections_say_what_was_found
        check ((outcome = 'clean') = (severity is null) and (outcome = 'clean') = (cardinality(kinds) = 0))
);
create index phi_detections_by_time on phi_detections (tenant_id, at);

create table training_completions (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id        uuid not null,
    user_id   uuid not null,
    module    text not null,                              -- a word of ours
    version   int not null check (version > 0),           -- of the module's text
    at        timestamptz not null,
    primary key (tenant_id, id)
);
create index training_completions_by_user on training_completions (tenant_id, user_id, module, at);

alter table phi_detections enable row level security;
alter table phi_detections force row level security;
create policy phi_detections_of_tenant on phi_detections for select to vio_app using (tenant_id = (select tid()));
create policy phi_detections_are_added on phi_detections for insert to vio_app with check (tenant_id = (select tid()));
-- Nobody takes a row away before its time, whatever they ask.
create policy phi_detections_are_kept_a_year on phi_detections for delete to vio_app
    using (tenant_id = (select tid()) and at < (select app_clock()) - interval '365 days');
grant select, insert, delete on phi_detections to vio_app;

alter table training_completions enable row level security;
alter table training_completions force row level security;
create policy training_completions_of_tenant on training_completions to vio_app using (tenant_id = (select tid()))
    with check (tenant_id = (select tid()));
grant select, insert on training_completions to vio_app;
