//! Imports: what rows become, that nothing is made twice, and that they can be taken back.

use serde_json::{Value, json};
use shared::bulk::UndoParams;
use shared::ids::{ContactId, ImportId, JobId};
use shared::imports::store::files;
use shared::imports::{Duplicates, Import, Options, Params};
use shared::intake::mapping::{Assigned, Mapping};
use shared::intake::{self, mapping};
use shared::jobs::store::items::{self, Noted};
use shared::jobs::{Job, Kind, NewJob, State, store};
use shared::testing::{Inhabitant, World};
use worker::app::App;

use crate::agreement::idle_worker;
use crate::by_hand::sql;

struct Desk {
    world: World,
    app: App,
    tenant: Inhabitant,
}

/// The mapping that is proposed for a file.
fn proposed(file: &str) -> Mapping {
    let sheet = intake::read(file.as_bytes()).unwrap();
    let assigned = |proposal: mapping::Proposal| {
        Some(Assigned { column: proposal.column.label, field: proposal.field? })
    };
    let columns = mapping::propose(&sheet).columns;
    Mapping { columns: columns.into_iter().filter_map(assigned).collect(), date_order: None }
}

fn options(file: &str, duplicates: Duplicates) -> Options {
    Options {
        mapping: proposed(file),
        duplicates,
        groups: Vec::new(),
        make_groups: true,
        acknowledge_phi: true,
        allow_duplicate_email: false,
    }
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        world.wait_for_morning().await;
        let tenant = world.tenant().await;
        let app = idle_worker(&world);
        Self { world, app, tenant }
    }

    /// A day some days ahead, as files write it.
    async fn day(&self, ahead: i64) -> String {
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        let now = shared::tenants::store::now(&mut tx).await.unwrap();
        (now + chrono::Duration::days(ahead)).format("%Y-%m-%d").to_string()
    }

    /// Date and time in twenty minutes, by London's clocks, as two cells.
    async fn soon(&self) -> String {
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        let now = shared::tenants::store::now(&mut tx).await.unwrap();
        let at = (now + chrono::Duration::minutes(20)).with_timezone(&chrono_tz::Europe::London);
        at.format("%Y-%m-%d,%H:%M").to_string()
    }

    async fn upload(&self, file: &str) -> ImportId {
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        let keys = self.world.keys.of(&mut tx).await.unwrap();
        let import = Import {
            id: ImportId::new(),
            bytes: file.len() as u64,
            rows: 0,
            uploaded_by: self.tenant.actor().to_string(),
            created_at: shared::tenants::store::now(&mut tx).await.unwrap(),
            job: None,
        };
        files::insert(&mut tx, &keys, &import, file.as_bytes()).await.unwrap();
        tx.commit().await.unwrap();
        import.id
    }

    async fn ask(&self, kind: Kind, params: Value) -> JobId {
        let id = JobId::new();
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        let keys = self.world.keys.of(&mut tx).await.unwrap();
        let (by, facts) = (self.tenant.actor(), json!({}));
        let job = NewJob { kind, by, params: &params, facts, total: None, undoes: None };
        store::insert(&mut tx, &keys, id, &job).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn turn(&self, id: JobId) -> Job {
        worker::jobs::turn::take(&self.app, self.tenant.id, id, 1).await.unwrap();
        self.job(id).await
    }

    async fn job(&self, id: JobId) -> Job {
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        store::find(&mut tx, id).await.unwrap().unwrap()
    }

    async fn import(&self, file: &str, options: Options) -> Job {
        let import = self.upload(file).await;
        let params = serde_json::to_value(Params { import, options }).unwrap();
        let id = self.ask(Kind::Import, params).await;
        self.turn(id).await
    }

    async fn undo(&self, job: &Job) -> Job {
        let params = serde_json::to_value(UndoParams { job: job.id }).unwrap();
        let id = self.ask(Kind::Undo, params).await;
        self.turn(id).await
    }

    async fn items(&self, job: &Job) -> Vec<Noted> {
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        items::after(&mut tx, job.id, 0, None, 20_000).await.unwrap()
    }

    async fn to_undo(&self, job: &Job) -> (u64, u64) {
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        items::to_undo(&mut tx, job.id).await.unwrap()
    }

    async fn codes(&self, job: &Job) -> Vec<String> {
        let items = self.items(job).await;
        items
            .into_iter()
            .map(|item| format!("{} {}", item.n, item.code.unwrap_or_default()))
            .collect()
    }

    async fn count(&self, query: &'static str) -> i64 {
        self.world.number(query).await
    }

    async fn people(&self) -> Vec<(ContactId, String, String)> {
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        let keys = self.world.keys.of(&mut tx).await.unwrap();
        let ids: Vec<String> = self
            .world
            .texts("select id::text from contacts where deleted_at is null order by id")
            .await;
        let ids: Vec<ContactId> = ids.iter().map(|id| id.parse().unwrap()).collect();
        let mut found = shared::contacts::store::some(&mut tx, &keys, &ids).await.unwrap();
        found.sort_by_key(|one| one.contact.id);
        let email = |c: &shared::contacts::Contact| {
            c.email.as_ref().map_or(String::new(), |it| it.as_str().to_owned())
        };
        found
            .into_iter()
            .map(|one| (one.contact.id, one.contact.name.as_str().to_owned(), email(&one.contact)))
            .collect()
    }
}

const LIVE: &str = "select count(*) from contacts where deleted_at is null";
const BOOKED: &str = "select count(*) from appointments where deleted_at is null";
const PLANNED: &str = "select count(*) from calls where state = 'planned'";

#[tokio::test]
async fn rows_become_contacts_with_appointments_reminders_groups_and_a_trail() {
    let desk = Desk::new().await;
    let day = desk.day(4).await;
    let file = format!(
        "Name,Phone,Email,Date,Time,Notes,Groups,Consent\n\
         Ada Lovelace,07700 900001,ada@example.com,{day},10:00,Has diabetes,Regulars;New ones,yes\n\
         Bob Bell,07700 900002,,{day},10:30,,Regulars,no\n\
         Cyd,not a number,,{day},11:00,,,\n\
         Ada Lovelace,07700900001,,{day},15:00,,,\n\
         Ada Lovelace,+44 7700 900001,,{day},15:00,,,\n\
         Dan Dare,07700 900003,ADA@example.com,{day},11:00,,,\n"
    );
    let job = desk.import(&file, options(&file, Duplicates::Skip)).await;
    assert_eq!(job.state, State::Done, "{job:?}");
    assert_eq!((job.progress.total, job.progress.done, job.progress.failed), (Some(6), 4, 2));
    let result = job.result.clone().unwrap();
    assert_eq!(
        (&result["created"], &result["added"], &result["skipped"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(result["groups_made"].as_array().unwrap().len(), 2);
    assert_eq!(
        desk.codes(&job).await,
        ["2 created", "3 created", "4 bad_character", "5 added", "6 same_row", "7 email_taken"]
    );
    assert_eq!((desk.count(LIVE).await, desk.count(BOOKED).await), (2, 3));
    assert_eq!(desk.count(PLANNED).await, 3);
    assert_eq!(desk.count("select count(*) from group_members").await, 3);
    assert_eq!(
        desk.count("select count(*) from acknowledgements where kind = 'consent_recorded'").await,
        1
    );
    assert_eq!(
        desk.count("select count(*) from acknowledgements where kind = 'phi_in_notes'").await,
        1
    );
    assert_eq!(
        desk.count("select count(*) from phi_detections where outcome = 'acknowledged'").await,
        1
    );
    for (action, n) in [
        ("contact.create", 2),
        ("appointment.create", 3),
        ("call.plan", 3),
        ("group.add_member", 3),
    ] {
        let of = sql(format!(
            "select count(*) from audit_entries where chain = 'changes' and action = '{action}'"
        ));
        assert_eq!(desk.world.number(of).await, n, "{action}");
    }
    // The two appointments of one person can't both be reminded of at once: the number is shared.
    let names: Vec<String> = desk.people().await.into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(names, ["Ada Lovelace", "Bob Bell"]);
}

#[tokio::test]
async fn what_planning_many_does_is_what_planning_one_does() {
    let desk = Desk::new().await;
    let days = [desk.day(1).await, desk.day(3).await, desk.day(9).await];
    let mut file = String::from("Name,Phone,Date,Time,Hours before,Zone,Priority\n");
    for (which, day) in days.iter().cycle().take(12).enumerate() {
        let (hour, lead) = (8 + which % 10, [2, 24, 168][which % 3]);
        let zone = ["Europe/London", "America/New_York"][which % 2];
        let number = which / 2;
        file.push_str(&format!(
            "Person {},07700 90000{number},{day},{hour}:15,{lead},{zone},high\n",
            char::from(b'a' + u8::try_from(which).unwrap()),
        ));
    }
    // Calls to one number that can't all be made: they are hours apart, and wanted at once.
    for (name, minute) in [("Uma", 0), ("Val", 15), ("Wyn", 30)] {
        let day = &days[0];
        file.push_str(&format!(
            "{name} Example,07700 900008,{day},12:{minute:02},2,Europe/London,normal\n"
        ));
    }
    // In twenty minutes: no calling time is left.
    let soon = desk.soon().await;
    file.push_str(&format!("Late Example,07700 900009,{soon},24,Europe/London,high\n"));
    let mut how = options(&file, Duplicates::Create);
    how.mapping.columns.retain(|one| one.column != "Hours before");
    let lead = Assigned { column: "Hours before".into(), field: intake::Field::CallBeforeHours };
    how.mapping.columns.push(lead);
    desk.import(&file, how).await;
    let plans = "select appointment_id::text || ' ' || earliest || ' ' || due || ' ' || deadline || ' ' || eligible_at || ' ' || warn_at
         || ' ' || priority || ' ' || purpose_key from calls where state = 'planned' order by appointment_id";
    let flags = "select contact_id::text || reason from flags where cleared_at is null order by 1";
    let (many, flagged) = (desk.world.texts(plans).await, desk.world.texts(flags).await);
    assert!(many.len() >= 8, "{many:?}");
    assert!(flagged.iter().any(|flag| flag.ends_with("too_late_to_call")), "{flagged:?}");
    assert!(flagged.iter().any(|flag| flag.ends_with("shared_number")), "{flagged:?}");
    // The same appointments, each planned by itself. Bookings are as old as they were.
    desk.world.run("delete from flags").await;
    desk.world.run("delete from calls").await;
    let mut tx = desk.world.db.tenant(desk.tenant.id).await.unwrap();
    let ids = desk.world.texts("select id::text from appointments order by id").await;
    let mut changes = shared::audit::Changes::by(desk.tenant.actor());
    for id in ids {
        shared::calls::plan::plan_appointment(&mut tx, id.parse().unwrap(), &mut changes)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(many, desk.world.texts(plans).await);
    assert_eq!(flagged, desk.world.texts(flags).await);
}

#[tokio::test]
async fn people_who_are_there_are_skipped_updated_or_made_again() {
    let desk = Desk::new().await;
    let (day, later) = (desk.day(4).await, desk.day(6).await);
    let first = format!(
        "Name,Phone,Email,Date,Time,Location\nZoë Ash,07700 900001,zoe@example.com,{day},10:00,Here\n"
    );
    desk.import(&first, options(&first, Duplicates::Skip)).await;
    let again = format!(
        "Name,Phone,Email,Date,Time,Location\nash zoe,07700900001,new@example.com,{day},10:00,There\nZoe Ash,07700900001,,{later},10:00,There\n"
    );
    let job = desk.import(&again, options(&again, Duplicates::Skip)).await;
    assert_eq!(desk.codes(&job).await, ["2 known_person", "3 known_person"]);
    assert_eq!((desk.count(LIVE).await, desk.count(BOOKED).await), (1, 1));

    let job = desk.import(&again, options(&again, Duplicates::Update)).await;
    assert_eq!(desk.codes(&job).await, ["2 updated", "3 added"]);
    assert_eq!((desk.count(LIVE).await, desk.count(BOOKED).await), (1, 2));
    let (_, name, email) = desk.people().await.remove(0);
    assert_eq!((name.as_str(), email.as_str()), ("Zoë Ash", "new@example.com"));
    assert_eq!(desk.count("select count(*) from appointments where location = 'There'").await, 2);
    let unchanged = desk.import(&again, options(&again, Duplicates::Update)).await;
    assert_eq!(
        desk.codes(&unchanged).await,
        ["2 unchanged", "3 unchanged"],
        "each is there already"
    );

    let back = desk.undo(&job).await;
    assert_eq!(back.state, State::Done);
    let (_, _, email) = desk.people().await.remove(0);
    assert_eq!(email, "zoe@example.com");
    assert_eq!(desk.count(BOOKED).await, 1);
    assert_eq!(
        desk.count(
            "select count(*) from appointments where location = 'Here' and deleted_at is null"
        )
        .await,
        1
    );
    assert_eq!(desk.count(PLANNED).await, 1);

    let mut anyway = options(&again, Duplicates::Create);
    anyway.allow_duplicate_email = true;
    let job = desk.import(&again, anyway).await;
    assert_eq!(desk.codes(&job).await, ["2 created", "3 created"]);
    assert_eq!(desk.count(LIVE).await, 3);
}

#[tokio::test]
async fn taking_an_import_back_spares_what_was_edited_since() {
    let desk = Desk::new().await;
    let day = desk.day(4).await;
    let mut file = String::from("Name,Phone,Date,Time,Groups\n");
    for (which, name) in ["Ada", "Bob", "Cyd", "Dan", "Eve"].iter().enumerate() {
        file.push_str(&format!("{name} Bell,07700 90000{which},{day},1{which}:00,Weekly\n"));
    }
    let job = desk.import(&file, options(&file, Duplicates::Skip)).await;
    assert_eq!(desk.count(PLANNED).await, 5);
    let people = desk.people().await;
    let id = |which: usize| people[which].0;
    for statement in [
        format!("update contacts set version = 2 where id = '{}'", id(0)),
        format!("update appointments set version = 2 where contact_id = '{}'", id(1)),
        format!(
            "insert into appointments (tenant_id, id, contact_id, at, call_before_hours, priority, status, booked_at, round, source, version,
                 created_at, updated_at)
             select tenant_id, gen_random_uuid(), contact_id, at + interval '1 day', 24, 0, 'pending', booked_at, 1, 'manual', 1, created_at,
                 updated_at from appointments where contact_id = '{}'",
            id(2)
        ),
    ] {
        desk.world.run(sql(statement)).await;
    }
    assert_eq!(desk.to_undo(&job).await, (5, 3));
    let back = desk.undo(&job).await;
    assert_eq!(back.state, State::Done, "{back:?}");
    assert_eq!(
        desk.codes(&back).await,
        ["2 edited_since", "3 edited_since", "4 edited_since", "5 ", "6 "]
    );
    assert_eq!((desk.count(LIVE).await, desk.count(PLANNED).await), (3, 3));
    assert_eq!(desk.count("select count(*) from groups").await, 1, "three are in it still");

    let rest = desk.day(8).await;
    let file = format!("Name,Phone,Date,Time,Groups\nFay Ash,07700900009,{rest},10:00,Fresh\n");
    let job = desk.import(&file, options(&file, Duplicates::Skip)).await;
    desk.undo(&job).await;
    assert_eq!(
        desk.count("select count(*) from groups").await,
        1,
        "nobody is in the one that was made"
    );
}

#[tokio::test]
async fn a_killed_import_goes_on_where_it_was_and_makes_nothing_twice() {
    let desk = Desk::new().await;
    let day = desk.day(4).await;
    let mut file = String::from("Name,Phone,Date,Time\n");
    for which in 0..1_200 {
        file.push_str(&format!(
            "Person {},07700 900{:03},{day},{:02}:{:02}\n",
            ["Ada", "Bob", "Cyd"][which % 3],
            which % 400,
            8 + which / 400,
            which % 60
        ));
    }
    let import = desk.upload(&file).await;
    let how = options(&file, Duplicates::Skip);
    let params = serde_json::to_value(Params { import, options: how }).unwrap();
    let id = desk.ask(Kind::Import, params).await;
    // A row that can't be written in the second batch: the run fails there, whatever it had done of the batch is gone.
    desk.world
        .run("create function refuse_some() returns trigger language plpgsql as $$ begin
                  if (select count(*) from contacts) > 700 then raise exception 'no'; end if; return new; end $$")
        .await;
    desk.world
        .run("create trigger refuse_some before insert on calls for each row execute function refuse_some()")
        .await;
    let job = desk.turn(id).await;
    assert_eq!((job.state, job.progress.done), (State::Queued, 500), "{job:?}");
    assert_eq!(desk.count(LIVE).await, 500);
    desk.world.run("drop trigger refuse_some on calls").await;
    desk.world.run("update jobs set ready_at = app_clock()").await;
    worker::jobs::turn::take(&desk.app, desk.tenant.id, id, 2).await.unwrap();
    let job = desk.job(id).await;
    assert_eq!(
        (job.state, job.progress.done, job.progress.failed),
        (State::Done, 1_200, 0),
        "{job:?}"
    );
    // 400 numbers, three names: 1,200 people, since each number has each name once.
    let items = desk.items(&job).await;
    assert_eq!(items.len(), 1_200);
    let made = items.iter().filter(|item| item.code.as_deref() == Some("created")).count();
    assert_eq!(desk.count(LIVE).await, i64::try_from(made).unwrap());
    assert_eq!(desk.count(BOOKED).await, 1_200);
}

#[tokio::test]
async fn files_are_forgotten_in_time() {
    let desk = Desk::new().await;
    let day = desk.day(4).await;
    let file = format!("Name,Phone,Date,Time\nFay Ash,07700900009,{day},10:00\n");
    let unused = desk.upload(&file).await;
    let used = desk.upload(&file).await;
    let params = Params { import: used, options: options(&file, Duplicates::Skip) };
    let id = desk.ask(Kind::Import, serde_json::to_value(params).unwrap()).await;
    let mut tx = desk.world.db.tenant(desk.tenant.id).await.unwrap();
    files::run_by(&mut tx, used, id).await.unwrap();
    tx.commit().await.unwrap();
    desk.turn(id).await;
    let files = "select id::text from imports order by id";
    desk.world.run("update imports set created_at = created_at - interval '25 hours'").await;
    worker::jobs::keeping::round(&desk.app).await.unwrap();
    assert_eq!(desk.world.texts(files).await, [used.to_string()], "{unused}");
    desk.world.run("update imports set created_at = created_at - interval '8 days'").await;
    worker::jobs::keeping::round(&desk.app).await.unwrap();
    assert_eq!(desk.world.texts(files).await.len(), 1, "its job ended just now");
    desk.world.run("update jobs set ended_at = ended_at - interval '8 days'").await;
    worker::jobs::keeping::round(&desk.app).await.unwrap();
    assert!(desk.world.texts(files).await.is_empty());
}

#[tokio::test]
async fn each_of_somebodys_appointments_is_updated_by_its_own_row() {
    let desk = Desk::new().await;
    let (day, later) = (desk.day(4).await, desk.day(6).await);
    let file = |place: &str| {
        format!(
            "Name,Phone,Date,Time,Location\nZoe Ash,07700 900001,{day},10:00,{place}\nZoe Ash,07700 900001,{later},10:00,{place}\n"
        )
    };
    let (first, again) = (file("Here"), file("There"));
    desk.import(&first, options(&first, Duplicates::Skip)).await;
    let job = desk.import(&again, options(&again, Duplicates::Update)).await;
    assert_eq!(desk.codes(&job).await, ["2 updated", "3 updated"]);
    let there = "select count(*) from appointments where location = 'There' and deleted_at is null";
    assert_eq!((desk.count(BOOKED).await, desk.count(there).await), (2, 2));
    desk.undo(&job).await;
    assert_eq!((desk.count(BOOKED).await, desk.count(there).await), (2, 0));
}

#[tokio::test]
async fn who_was_made_stays_if_any_of_their_appointments_was_edited_since() {
    let desk = Desk::new().await;
    let (day, later) = (desk.day(4).await, desk.day(6).await);
    let file = format!(
        "Name,Phone,Date,Time\nZoe Ash,07700 900001,{day},10:00\nZoe Ash,07700 900001,{later},10:00\nBob Bell,07700 900002,{day},10:00\n"
    );
    let job = desk.import(&file, options(&file, Duplicates::Skip)).await;
    assert_eq!(desk.codes(&job).await, ["2 created", "3 added", "4 created"]);
    desk.world
        .run("update appointments set version = 2 where id = (select thing from job_items where code = 'added')")
        .await;
    assert_eq!(desk.to_undo(&job).await, (3, 2));
    let back = desk.undo(&job).await;
    assert_eq!(desk.codes(&back).await, ["2 edited_since", "3 edited_since", "4 "]);
    assert_eq!((desk.count(LIVE).await, desk.count(BOOKED).await), (1, 2));
}

#[tokio::test]
async fn two_imports_at_once_make_nobody_twice() {
    let desk = Desk::new().await;
    let day = desk.day(4).await;
    let mut file = String::from("Name,Phone,Date,Time\n");
    for which in 0..200 {
        file.push_str(&format!("Ada Bell,07700 900{which:03},{day},10:00\n"));
    }
    let mut jobs = Vec::new();
    for _ in 0..3 {
        let import = desk.upload(&file).await;
        let params = Params { import, options: options(&file, Duplicates::Skip) };
        jobs.push(desk.ask(Kind::Import, serde_json::to_value(params).unwrap()).await);
    }
    let mut waited = false;
    let ended = loop {
        let jobs = jobs.iter().map(|id| desk.turn(*id));
        let jobs = futures::future::join_all(jobs).await;
        if jobs.iter().all(|job| job.state == State::Done) {
            break jobs;
        }
        let waits =
            |job: &Job| (job.state, job.reason.as_deref()) == (State::Queued, Some("other_import"));
        waited |= jobs.iter().any(waits);
        assert!(jobs.iter().all(|job| job.state == State::Done || waits(job)), "{jobs:?}");
        desk.world.run("update jobs set ready_at = app_clock() where state = 'queued'").await;
    };
    assert!(waited, "they were never at work at once: this shows nothing");
    let made: u64 =
        ended.iter().map(|job| job.result.as_ref().unwrap()["created"].as_u64().unwrap()).sum();
    assert_eq!((made, desk.count(LIVE).await, desk.count(BOOKED).await), (200, 200, 200));
}
