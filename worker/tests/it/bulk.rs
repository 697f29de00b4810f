//! Bulk changes: what they do, for whom, and that they can be taken back.

use serde_json::{Value, json};
use shared::bulk::{Act, Chosen, Edit, Params, Selection, UndoParams};
use shared::calls::rules::snapshot::AppointmentStatus;
use shared::crypto::ContactField;
use shared::groups::{Colour, Group};
use shared::ids::{ContactId, GroupId, JobId};
use shared::jobs::store::items::{self, Noted};
use shared::jobs::{Job, Kind, NewJob, State, store};
use shared::search::Filter;
use shared::testing::{Booking, Inhabitant, World};
use worker::app::App;

use crate::agreement::idle_worker;
use crate::by_hand::sql;

struct Office {
    world: World,
    app: App,
    tenant: Inhabitant,
}

impl Office {
    /// A tenant with `n` contacts, each with an appointment in two days.
    async fn with(n: u32) -> (Self, Vec<Booking>) {
        let world = World::new().await;
        world.wait_for_morning().await;
        let tenant = world.tenant().await;
        let mut bookings = Vec::new();
        for which in 0..n {
            bookings.push(world.book(&tenant, &format!("+447700900{which:03}"), 48).await);
        }
        let app = idle_worker(&world);
        (Self { world, app, tenant }, bookings)
    }

    async fn ask(&self, kind: Kind, params: Value) -> Job {
        let id = JobId::new();
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        let keys = self.world.keys.of(&mut tx).await.unwrap();
        let job = NewJob {
            kind,
            by: self.tenant.actor(),
            params: &params,
            facts: json!({}),
            total: None,
            undoes: None,
        };
        store::insert(&mut tx, &keys, id, &job).await.unwrap();
        tx.commit().await.unwrap();
        worker::jobs::turn::take(&self.app, self.tenant.id, id, 1).await.unwrap();
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        store::find(&mut tx, id).await.unwrap().unwrap()
    }

    async fn bulk(&self, selection: Selection, act: Act) -> Job {
        let params = Params { selection, expected_count: None, act };
        self.ask(Kind::Bulk, serde_json::to_value(params).unwrap()).await
    }

    async fn undo(&self, job: &Job) -> Job {
        let params = serde_json::to_value(UndoParams { job: job.id }).unwrap();
        self.ask(Kind::Undo, params).await
    }

    async fn items(&self, job: &Job) -> Vec<Noted> {
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        items::after(&mut tx, job.id, 0, None, 1_000).await.unwrap()
    }

    async fn group(&self, name: &str) -> GroupId {
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        let now = shared::tenants::store::now(&mut tx).await.unwrap();
        let group = Group {
            id: GroupId::new(),
            name: name.parse().unwrap(),
            description: None,
            colour: Colour::Red,
            archived_at: None,
            version: 1,
            created_by: "worker".to_owned(),
            created_at: now,
            updated_at: now,
            members_changed_at: Some(now),
        };
        shared::groups::store::insert(&mut tx, &group).await.unwrap();
        tx.commit().await.unwrap();
        group.id
    }

    async fn texts(&self, query: String) -> Vec<String> {
        self.world.texts(sql(query)).await
    }

    /// The values of a contact's entry of the audit chain, opened.
    async fn audited(&self, action: &str, contact: ContactId) -> Value {
        let entry = format!(
            "select encode(c.key_wrapped, 'hex') || ' ' || encode(e.detail, 'hex') from audit_entries e
             join contacts c on c.id = e.entity where e.action = '{action}' and e.entity = '{}'",
            contact.0
        );
        let found = self.texts(entry).await;
        let (wrapped, detail) = found[0].split_once(' ').unwrap();
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        let keys = self.world.keys.of(&mut tx).await.unwrap();
        let key = keys.unwrap_contact_key(contact.0, &hex::decode(wrapped).unwrap()).unwrap();
        let place = ContactField::AuditValues { entry: contact.0 };
        let opened = key.open(place, &hex::decode(detail).unwrap()).unwrap();
        serde_json::from_slice(&opened).unwrap()
    }

    async fn planned(&self) -> i64 {
        self.world.number("select count(*) from calls where state = 'planned'").await
    }
}

fn ids(bookings: &[Booking]) -> Selection {
    let chosen = |booking: &Booking| Chosen { contact: booking.contact, appointment: None };
    Selection::Ids { chosen: bookings.iter().map(chosen).collect() }
}

fn everybody() -> Selection {
    Selection::Found { query: String::new(), filter: Box::default(), hidden: Vec::new() }
}

fn confirmed() -> Act {
    Act::Status {
        status: AppointmentStatus::Confirmed,
        reason: "They rang us".to_owned(),
        confirmed_by: None,
    }
}

#[tokio::test]
async fn a_status_is_set_for_many_calls_are_withdrawn_and_undoing_plans_them_again() {
    let (office, bookings) = Office::with(4).await;
    assert_eq!(office.planned().await, 4);
    let first = office.bulk(ids(&bookings[..1]), confirmed()).await;
    assert_eq!(first.result, Some(json!({ "changed": 1, "skipped": 0, "failed": 0 })));
    let mut chosen = ids(&bookings);
    if let Selection::Ids { chosen } = &mut chosen {
        chosen.push(Chosen { contact: ContactId::new(), appointment: None });
    }
    let job = office.bulk(chosen, confirmed()).await;
    assert_eq!((job.state, job.progress.done, job.progress.failed), (State::Done, 4, 1));
    assert_eq!(job.result, Some(json!({ "changed": 3, "skipped": 1, "failed": 1 })));
    let told: Vec<_> = office.items(&job).await.into_iter().map(|item| item.code).collect();
    assert_eq!(told.last().unwrap().as_deref(), Some("no_contact"));
    assert_eq!(told[0].as_deref(), Some("unchanged"));
    assert_eq!(office.planned().await, 0, "nobody is rung about what is settled");
    let stands = "select status || ' ' || confirmed_by || ' ' || (status_reason_sealed is not null)::text from appointments";
    assert_eq!(office.world.texts(stands).await, ["confirmed manual true"; 4]);
    let trail = "select count(*) from audit_entries where chain = 'changes' and action = 'appointment.change' and actor like 'key:%'";
    assert_eq!(office.world.number(trail).await, 4, "in the name of who asked");

    // Somebody edits one: it is spared.
    let edited = bookings[2].contact.0;
    office
        .world
        .run(sql(format!(
            "update appointments set version = version + 1 where contact_id = '{edited}'"
        )))
        .await;
    let undo = office.undo(&job).await;
    assert_eq!(undo.result, Some(json!({ "changed": 2, "skipped": 1, "failed": 0 })));
    let spared: Vec<_> = office
        .items(&undo)
        .await
        .into_iter()
        .filter(|item| item.code.as_deref() == Some("edited_since"))
        .map(|item| item.contact_id.unwrap().0)
        .collect();
    assert_eq!(spared, [edited]);
    let stands = office.texts("select status from appointments order by status".to_owned()).await;
    assert_eq!(stands, ["confirmed", "confirmed", "pending", "pending"]);
    assert_eq!(office.planned().await, 2, "they are rung again");
    let again = office.undo(&job).await;
    assert_eq!(again.result.unwrap()["changed"], 0, "once is all");
}

#[tokio::test]
async fn whoever_is_found_is_found_when_the_job_begins_and_the_number_is_held_to() {
    let (office, bookings) = Office::with(3).await;
    let params =
        |expected_count| Params { selection: everybody(), expected_count, act: confirmed() };
    let refused = office.ask(Kind::Bulk, serde_json::to_value(params(Some(2))).unwrap()).await;
    assert_eq!((refused.state, refused.reason.as_deref()), (State::Refused, Some("count_changed")));
    assert_eq!(office.world.number("select count(*) from job_items").await, 0, "nothing was done");
    let done = office.ask(Kind::Bulk, serde_json::to_value(params(Some(3))).unwrap()).await;
    assert_eq!((done.state, done.progress.total), (State::Done, Some(3)));
    let pending = Filter { statuses: vec![AppointmentStatus::Pending], ..Filter::default() };
    let nobody =
        Selection::Found { query: String::new(), filter: Box::new(pending), hidden: Vec::new() };
    let none = office.bulk(nobody, confirmed()).await;
    assert_eq!(
        (none.state, none.progress.total),
        (State::Done, Some(0)),
        "all are confirmed by now"
    );
    assert_eq!(bookings.len(), 3);
}

#[tokio::test]
async fn groups_are_joined_left_and_replaced_and_put_back_exactly() {
    let (office, bookings) = Office::with(3).await;
    let (red, blue, green) =
        (office.group("Red").await, office.group("Blue").await, office.group("Green").await);
    let members = async || {
        office
            .texts("select c.id || ' ' || g.name from group_members m join groups g on g.id = m.group_id join contacts c on c.id = m.contact_id order by 1".to_owned())
            .await
    };
    let act =
        |add: Vec<GroupId>, remove: Vec<GroupId>, replace| Act::Groups { add, remove, replace };
    office.bulk(ids(&bookings[..2]), act(vec![red, blue], vec![], false)).await;
    let before = members().await;
    assert_eq!(before.len(), 4);
    let job = office.bulk(ids(&bookings), act(vec![red, green], vec![], true)).await;
    assert_eq!(job.result, Some(json!({ "changed": 3, "skipped": 0, "failed": 0 })));
    assert_eq!(members().await.len(), 6);
    assert!(!members().await.iter().any(|row| row.ends_with("Blue")));
    let same = office.bulk(ids(&bookings), act(vec![green], vec![blue], false)).await;
    assert_eq!(same.result, Some(json!({ "changed": 0, "skipped": 3, "failed": 0 })));
    office.undo(&job).await;
    assert_eq!(members().await, before);
    let unknown = office.bulk(ids(&bookings), act(vec![GroupId::new()], vec![], false)).await;
    assert_eq!((unknown.state, unknown.reason.as_deref()), (State::Refused, Some("no_group")));
}

#[tokio::test]
async fn who_was_deleted_comes_back_with_appointments_and_calls() {
    let (office, bookings) = Office::with(3).await;
    let job = office.bulk(ids(&bookings[..2]), Act::Delete).await;
    assert_eq!(job.result, Some(json!({ "changed": 2, "skipped": 0, "failed": 0 })));
    assert_eq!(office.planned().await, 1);
    let before = office.audited("contact.delete", bookings[0].contact).await;
    assert_eq!(before["before"]["phone"], "+447700900000", "what it was is on the trail: {before}");
    assert_eq!(before["job"], json!(job.id));
    let live = "select count(*) from contacts c join appointments a on a.contact_id = c.id and a.deleted_at is null where c.deleted_at is null";
    assert_eq!(office.world.number(live).await, 1);
    let undo = office.undo(&job).await;
    assert_eq!(undo.result, Some(json!({ "changed": 2, "skipped": 0, "failed": 0 })));
    assert_eq!(office.world.number(live).await, 3);
    assert_eq!(office.planned().await, 3);
    let again = office.bulk(ids(&bookings[..1]), Act::Delete).await;
    let restored = office.bulk(ids(&bookings), Act::Restore).await;
    assert_eq!(restored.result, Some(json!({ "changed": 1, "skipped": 2, "failed": 0 })));
    let late = office.undo(&again).await;
    assert_eq!(late.result.unwrap()["changed"], 0, "somebody brought it back before");
}

#[tokio::test]
async fn details_are_edited_and_a_new_lead_moves_the_call() {
    let (office, bookings) = Office::with(2).await;
    let due = "select due::text from calls where state = 'planned' order by contact_id";
    let before = office.world.texts(due).await;
    let edit =
        Edit { owner: Some("Dr Ann".to_owned()), call_before_hours: Some(4), ..Edit::default() };
    let job = office.bulk(ids(&bookings), Act::Edit(edit.clone())).await;
    assert_eq!(job.result, Some(json!({ "changed": 2, "skipped": 0, "failed": 0 })));
    assert_ne!(office.world.texts(due).await, before, "another time");
    let same = office.bulk(ids(&bookings), Act::Edit(edit)).await;
    assert_eq!(same.result, Some(json!({ "changed": 0, "skipped": 2, "failed": 0 })));
    office.undo(&job).await;
    assert_eq!(office.world.texts(due).await, before);
    let owners = "select count(*) from appointments where owner_name is not null";
    assert_eq!(office.world.number(owners).await, 0);
}

#[tokio::test]
async fn more_than_one_batch_is_gone_through_once_whoever_is_killed_between_them() {
    let (office, bookings) = Office::with(3).await;
    // The third of them twelve hundred times: the same person is done once.
    let mut chosen: Vec<Chosen> =
        (0..1_200).map(|_| Chosen { contact: ContactId::new(), appointment: None }).collect();
    chosen[700] = Chosen { contact: bookings[0].contact, appointment: None };
    let job = office.bulk(Selection::Ids { chosen }, confirmed()).await;
    assert_eq!((job.state, job.progress.done, job.progress.failed), (State::Done, 1, 1_199));
    let numbered = "select count(*) from (select n, row_number() over (order by n) as r from job_items) i where n = r";
    assert_eq!(office.world.number(numbered).await, 1_200, "each has its place, none twice");
}

#[tokio::test]
async fn of_who_was_erased_nothing_is_kept_to_put_back() {
    let (office, bookings) = Office::with(2).await;
    let edit = Edit { owner: Some("Dr Ann".to_owned()), ..Edit::default() };
    let job = office.bulk(ids(&bookings), Act::Edit(edit)).await;
    let mut tx = office.world.db.tenant(office.tenant.id).await.unwrap();
    let mut changes = shared::audit::Changes::by(office.tenant.actor());
    let erased = shared::retention::store::erase::erase(&mut tx, bookings[0].contact, &mut changes);
    assert!(erased.await.unwrap().is_ok());
    changes.append(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let kept = "select count(*) from job_items where before is not null";
    assert_eq!(office.world.number(kept).await, 1, "the other one's");
    let undo = office.undo(&job).await;
    assert_eq!(undo.result, Some(json!({ "changed": 1, "skipped": 1, "failed": 0 })));
}

#[tokio::test]
async fn many_are_called_now_each_by_the_rule_and_at_most_a_hundred() {
    let (office, bookings) = Office::with(3).await;
    let by_mail =
        format!("update contacts set channel = 'email' where id = '{}'", bookings[1].contact);
    office.world.run(sql(by_mail)).await;
    let mut chosen = ids(&bookings);
    if let Selection::Ids { chosen } = &mut chosen {
        chosen.push(Chosen { contact: ContactId::new(), appointment: None });
    }
    let job = office.bulk(chosen, Act::Call { wait: false }).await;
    assert_eq!(
        (job.state, job.result.clone()),
        (State::Done, Some(json!({ "changed": 2, "skipped": 0, "failed": 2 })))
    );
    let told: Vec<_> = office.items(&job).await.into_iter().filter_map(|item| item.code).collect();
    assert_eq!(told, ["in_front", "prefers_another_channel", "in_front", "no_contact"]);
    let fronts = "select count(*) from calls where front and state = 'planned'";
    assert_eq!(office.world.number(fronts).await, 2);
    assert_eq!(
        office.world.number("select count(*) from calls").await,
        3,
        "what was planned is taken over"
    );
    let trail = "select count(*) from audit_entries where chain = 'changes' and action = 'call.press_now' and actor like 'key:%'";
    assert_eq!(office.world.number(trail).await, 2, "in the name of who asked");
    let again = office.bulk(ids(&bookings[..1]), Act::Call { wait: false }).await;
    assert_eq!(again.result.unwrap()["changed"], 1);
    assert_eq!(office.world.number(fronts).await, 2, "pressed twice it is one call");
}

#[tokio::test]
async fn more_than_a_hundred_are_called_by_a_campaign_and_not_at_once() {
    let (office, _) = Office::with(101).await;
    let job = office.bulk(everybody(), Act::Call { wait: true }).await;
    assert_eq!((job.state, job.reason.as_deref()), (State::Refused, Some("too_many")));
    assert_eq!(office.world.number("select count(*) from calls where front").await, 0);
}
