-- Long work (imports, exports, bulk changes, campaigns' launches): one row a job, what became of each thing it touched, and what went wrong.
--
-- Reads:    api (asks, shows, stops) and worker (sends, runs, sweeps). The release before knows none of it.
-- Locks:    none: new tables.
-- Undo:     drop table job_failures, job_items, job_selections, jobs; drop function release_reservations_of, jobs_take, jobs_sent, job_claim, jobs_others_wait;
-- Personal: jobs.params, sealed under the tenant's key: a selection may quote a name. All else are ids, numbers, times and words of
--           ours; job_items.before may hold names of owners and companies, which stand in clear with contacts too (docs/leakage.md).

create table jobs (
    tenant_id   uuid not null references tenants (id) on delete cascade,
    id          uuid not null,
    kind        text not null,                            -- a word of ours: what it does
    state       text not null default 'queued'
                check (state in ('queued', 'running', 'paused', 'done', 'cancelled', 'refused', 'dead')),
    asked_by    text not null,                            -- an actor of the audit chain
    params      bytea not null,                           -- what was asked for, sealed
    facts       jsonb not null default '{}',              -- what a list may show of it: ids, numbers, words of ours
    created_at  timestamptz not null,
    ready_at    timestamptz not null,                     -- not run before; its place in the tenant's line
    started_at  timestamptz,
    ended_at    timestamptz,
    -- Whose turn it is. A run that isn't the last one can't write any more.
    run_no      int not null default 0,
    runner      uuid,                                     -- senders.id
    beat_at     timestamptz,                              -- its last sign of life
    send_no     int not null default 0,
    sent_at     timestamptz,                              -- to Redis, since it was last put into the line
    ran_ms      bigint not null default 0,                -- for so long batches were at work
    wants       text check (wants in ('pause', 'cancel')),
    reason      text,                                     -- why it waits or ended: a word of ours
    failures    int not null default 0,                   -- since it last got on
    deaths      int not null default 0,                   -- runners that vanished since it last got on
    -- How far it is. None of them ever goes back.
    total       bigint,
    done        bigint not null default 0,
    failed      bigint not null default 0,
    place       jsonb not null default '{}',              -- where the next batch begins
    result      jsonb,
    undoes      uuid,                                     -- the job that it takes back
    undone_by   uuid,                                     -- the job that takes it back
    told_at     timestamptz not null default '1970-01-01 00:00:00+00',
    trace       text,
    primary key (tenant_id, id),
    constraint jobs_end_when_they_ended check ((ended_at is not null) = (state in ('done', 'cancelled', 'refused', 'dead')))
);
-- The line: what is to be sent. And what was sent or runs: never more than the queue holds and workers run.
create index jobs_in_line on jobs (tenant_id, ready_at, id) where state = 'queued' and sent_at is null;
create index jobs_under_way on jobs (tenant_id, sent_at) where sent_at is not null and state in ('queued', 'running');
create index jobs_ended on jobs (ended_at) where ended_at is not null;
create index jobs_open on jobs (state, tenant_id) where state in ('queued', 'running', 'paused', 'dead');

-- Whom a bulk change is about: evaluated once, when it begins, and gone through in this order.
create table job_selections (
    tenant_id    uuid not null,
    job_id       uuid not null,
    contacts     uuid[] not null,
    appointments uuid[] not null,                         -- of each contact the one that is meant; null: none
    primary key (tenant_id, job_id),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id) on delete cascade
);

-- What became of each row or contact, for whoever looks, and for taking it back.
create table job_items (
    tenant_id  uuid not null,
    job_id     uuid not null,
    n          bigint not null,                           -- its place in the job, from 1 on: a file's row, a selection's contact
    contact_id uuid,
    thing      uuid,                                      -- what was made or changed, if not the contact itself
    outcome    text not null check (outcome in ('done', 'skipped', 'failed')),
    code       text,                                      -- why: a word of ours
    before     jsonb,                                     -- what taking it back puts there again
    version    int,                                       -- of what was changed, afterwards: later ones are somebody's edits
    primary key (tenant_id, job_id, n),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id) on delete cascade
);

create index job_items_of_contact on job_items (tenant_id, contact_id) where before is not null;

create table job_failures (
    tenant_id  uuid not null,
    job_id     uuid not null,
    run_no     int not null,
    at         timestamptz not null,
    runner     uuid,
    code       text not null,                             -- a word of ours: died, panicked, database, ...
    primary key (tenant_id, job_id, run_no),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id) on delete cascade
);

do $$
declare t text;
begin
    foreach t in array array['jobs', 'job_selections', 'job_items', 'job_failures'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy %I on %I to vio_app using (tenant_id = (select tid())) '
            'with check (tenant_id = (select tid()))', t || '_of_tenant', t);
    end loop;
end $$;
create policy jobs_of_engine on jobs to vio_engine using (true);

grant select, insert, update, delete on jobs to vio_app;
grant select, insert, delete, update (before) on job_items to vio_app;
grant select, insert on job_selections, job_failures to vio_app;
-- What must be found before a tenant is known: whose turn it is, and what is old.
grant select (tenant_id, id, kind, state, created_at, ready_at, beat_at, send_no, sent_at, ended_at, run_no), update (sent_at, send_no)
    on jobs to vio_engine;

-- Jobs to be sent, at most p_most: those of tenants that have least under way first, each tenant's in its line; and what was sent
-- and not taken, or whose runner has been silent, for 20 s. A tenant has at most p_each under way. Changes nothing.
create function jobs_take(p_most int, p_each int) returns table (tenant_id uuid, id uuid, send_no int, again boolean)
language sql stable set search_path = public as $$
    with recursive clock as materialized (select app_clock() as now),
    waiting (t) as (
        (select j.tenant_id from jobs j where j.state = 'queued' and j.sent_at is null order by j.tenant_id limit 1)
        union all
        select (select j.tenant_id from jobs j where j.state = 'queued' and j.sent_at is null and j.tenant_id > w.t
                order by j.tenant_id limit 1)
        from waiting w where w.t is not null
    ),
    busy as (
        select j.tenant_id, count(*) as n from jobs j
        where j.sent_at is not null and j.state in ('queued', 'running') group by j.tenant_id
    ),
    silent as (
        select j.tenant_id, j.id, j.send_no from jobs j, clock
        where j.sent_at is not null and (j.state = 'queued' and j.sent_at < clock.now - interval '20 seconds'
            or j.state = 'running' and greatest(j.beat_at, j.sent_at) < clock.now - interval '20 seconds')
        limit p_most
    ),
    line as (
        select w.t as tenant_id, l.id, l.send_no, coalesce(b.n, 0) + l.rank as rank, l.ready_at
        from waiting w left join busy b on b.tenant_id = w.t, clock,
        lateral (
            select j.id, j.send_no, j.ready_at, row_number() over (order by j.ready_at, j.id) as rank from (
                select i.id, i.send_no, i.ready_at from jobs i
                where i.tenant_id = w.t and i.state = 'queued' and i.sent_at is null and i.ready_at <= clock.now
                order by i.ready_at, i.id limit least(p_most, greatest(p_each - coalesce(b.n, 0), 0))
            ) j
        ) l
        where w.t is not null
    )
    select s.tenant_id, s.id, s.send_no, true from silent s
    union all
    (select l.tenant_id, l.id, l.send_no, false from line l order by l.rank, l.ready_at limit p_most)
$$;

-- Jobs were sent as these numbers. Those that somebody took meanwhile stay as they are.
create function jobs_sent(p_tenants uuid[], p_ids uuid[], p_numbers int[]) returns void
language sql set search_path = public as $$
    -- In one order, and none that somebody else is at: two who sent the same jobs would wait for each other.
    with mine as (
        select j.tenant_id, j.id, u.no from unnest(p_tenants, p_ids, p_numbers) as u (tenant, id, no)
        join jobs j on j.tenant_id = u.tenant and j.id = u.id and j.send_no = u.no - 1 and j.state in ('queued', 'running')
        order by j.tenant_id, j.id for no key update of j skip locked
    )
    update jobs j set sent_at = app_clock(), send_no = m.no from mine m where j.tenant_id = m.tenant_id and j.id = m.id
$$;

-- Whether somebody else's job, or one of another kind, waits for a worker: for more than a moment.
create function jobs_others_wait(p_tenant uuid, p_kind text) returns boolean
language sql stable set search_path = public as $$
    select exists (
        select from jobs j, (select app_clock() as now offset 0) clock
        where j.state = 'queued' and j.sent_at is null and (j.tenant_id, j.kind) <> (p_tenant, p_kind)
          and j.ready_at < clock.now - interval '200 milliseconds'
        union all
        select from jobs j, (select app_clock() as now offset 0) clock
        where j.state = 'queued' and j.sent_at < clock.now - interval '200 milliseconds' and (j.tenant_id, j.kind) <> (p_tenant, p_kind))
$$;

-- Takes a job for this run: one that waits, or one whose runner has been silent. Nothing, if it is neither. A job whose runners
-- vanished p_most_deaths times without getting on is dead.
create function job_claim(p_tenant uuid, p_id uuid, p_no int, p_runner uuid, p_most_deaths int) returns setof jobs
language plpgsql set search_path = public as $$
declare
    j   jobs;
    now timestamptz;
begin
    perform set_config('app.tenant_id', p_tenant::text, true);
    select * into j from jobs where tenant_id = p_tenant and id = p_id for no key update;
    now := app_clock();
    if not found or p_no < j.send_no
        or not (j.state = 'queued' and j.ready_at <= now
                or j.state = 'running' and j.beat_at < now - interval '6 seconds') then
        return;
    end if;
    if j.state = 'running' then
        insert into job_failures (tenant_id, job_id, run_no, at, runner, code) values (p_tenant, p_id, j.run_no, now, j.runner, 'died');
        j.deaths := j.deaths + 1;
    end if;
    if j.deaths >= p_most_deaths then
        update jobs set state = 'dead', reason = 'killed_its_workers', deaths = j.deaths, ended_at = now, runner = null, sent_at = null,
            wants = null
        where tenant_id = p_tenant and id = p_id returning * into j;
        perform append_changes(array['job.dead'], array[p_id], array[null]::uuid[], 'worker', '{}', '{}', '{}');
    else
        update jobs set state = 'running', run_no = j.run_no + 1, runner = p_runner, beat_at = now, send_no = p_no, deaths = j.deaths,
            sent_at = coalesce(j.sent_at, now), started_at = coalesce(j.started_at, now), reason = null
        where tenant_id = p_tenant and id = p_id returning * into j;
    end if;
    return next j;
end $$;

-- Takes back reservations of calls about these appointments, or to these contacts, that nobody has claimed.
create function release_reservations_of(p_appointments uuid[], p_contacts uuid[], p_now timestamptz) returns void
language plpgsql set search_path = public as $$
begin
    perform attempt_release(a.id, p_now, 'reserved') from attempts a join calls k on k.id = a.call_id
    where a.state = 'reserved' and k.state = 'reserved'
      and (k.appointment_id = any (p_appointments) or k.contact_id = any (p_contacts));
end $$;

revoke execute on function release_reservations_of(uuid[], uuid[], timestamptz) from public;
grant execute on function release_reservations_of(uuid[], uuid[], timestamptz) to vio_app;
revoke execute on function jobs_take(int, int), jobs_sent(uuid[], uuid[], int[]), jobs_others_wait(uuid, text),
    job_claim(uuid, uuid, int, uuid, int) from public;
grant execute on function jobs_take(int, int), jobs_sent(uuid[], uuid[], int[]), jobs_others_wait(uuid, text) to vio_engine;
grant execute on function job_claim(uuid, uuid, int, uuid, int) to vio_app;
