//! Contacts whose time is over: archived, erased, spared; tenants that leave; and what a restore must not bring back.

use std::path::PathBuf;

use chrono::Duration;
use shared::audit::Changes;
use shared::contacts;
use shared::do_not_call::Source;
use shared::do_not_call::store::{self as list, Wish};
use shared::ids::ContactId;
use shared::journal::{Entry, Journal};
use shared::paging::Slice;
use shared::phi::detect;
use shared::retention::store::{self, erase, holds, shred};
use shared::retention::{NotShredded, Report, Spared};
use shared::rotation::Step;
use shared::rotation::store::{begin, step};
use shared::rotation::{Kind, Lead};
use shared::screening::{self, Detection, Outcome, Place};
use shared::tenants::KeyRing;
use shared::testing::{Inhabitant, World};
use sqlx::{Connection, PgConnection};

const PHONE: &str = "+447700900001";

/// A journal of its own, gone when the test ends.
struct Kept {
    dir: PathBuf,
    journal: Journal,
}

impl Kept {
    fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("vio-retention-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&dir).unwrap();
        let journal = Journal::open(&dir).unwrap();
        Self { dir, journal }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}

/// A contact with an appointment in two days, of whom nothing is planned any more.
async fn contact(world: &World, clinic: &Inhabitant) -> ContactId {
    let booked = world.book(clinic, PHONE, 48).await;
    world
        .run("update calls set state = 'withdrawn', ended_reason = 'test', settled_at = app_clock() where state = 'planned'")
        .await;
    booked.contact
}

async fn round(world: &World, kept: &Kept, clinic: &Inhabitant) -> Report {
    store::round(&world.db, &kept.journal, clinic.id).await.unwrap().expect("its day has come")
}

async fn add_to_list(world: &World, ring: &KeyRing, clinic: &Inhabitant) -> Vec<Entry> {
    let now = world.db.now().await.unwrap();
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    let keys = ring.of(&mut tx).await.unwrap();
    let number = contacts::phone::PhoneNumber::from_e164(PHONE).unwrap();
    let wish = Wish { number, reason: None };
    let keys = (&*keys, ring.master());
    let added = list::add(&mut tx, keys, &[wish], Source::Manual, (clinic.actor(), now)).await;
    tx.commit().await.unwrap();
    added.unwrap().noted
}

#[tokio::test]
async fn a_contact_is_archived_the_day_after_and_erased_when_its_time_is_over() {
    let (world, kept) = (World::new().await, Kept::new());
    let clinic = world.tenant().await;
    let id = contact(&world, &clinic).await;
    world.run("update contacts set email = name, email_eq = phone_eq, notes = name").await;
    let standing = "select case when erased_at is not null then 'erased' when archived_at is not null then 'archived'
        else 'live' end from contacts";
    for (ahead, expected, why) in [
        (Duration::days(1), "live", "its appointment is ahead"),
        (Duration::days(2), "archived", "the appointment was yesterday or before"),
        (Duration::days(364), "archived", "it is kept for twelve months more"),
        (Duration::days(3), "erased", "and no longer"),
    ] {
        world.advance(ahead).await;
        round(&world, &kept, &clinic).await;
        assert_eq!(world.texts(standing).await, [expected], "{why}");
    }
    let left = "select count(*) from contacts where num_nonnulls(key_wrapped, name, phone, email, notes, email_eq) > 0";
    assert_eq!(world.number(left).await, 0);
    assert_eq!(
        world
            .texts("select action from audit_entries where action like 'contact.%' order by n")
            .await,
        ["contact.archive", "contact.erase"]
    );
    let noted = kept.journal.entries().unwrap();
    assert!(matches!(noted.as_slice(), [Entry::Erased { id: noted, .. }] if *noted == id));
    let again = store::round(&world.db, &kept.journal, clinic.id).await.unwrap();
    assert_eq!(again, None, "once a day");
}

#[tokio::test]
async fn who_has_no_appointment_is_archived_after_twelve_months_without_an_edit() {
    let (world, kept) = (World::new().await, Kept::new());
    let clinic = world.tenant().await;
    contact(&world, &clinic).await;
    world.run("update appointments set deleted_at = app_clock()").await;
    world.advance(Duration::days(360)).await;
    assert_eq!(round(&world, &kept, &clinic).await.archived, 0);
    world.advance(Duration::days(10)).await;
    assert_eq!(round(&world, &kept, &clinic).await.archived, 1);
}

#[tokio::test]
async fn a_forecast_says_what_a_round_then_does_and_changes_nothing() {
    let (world, kept) = (World::new().await, Kept::new());
    let clinic = world.tenant().await;
    let (one, other) = (contact(&world, &clinic).await, contact(&world, &clinic).await);
    contact(&world, &clinic).await;
    world
        .run(
            "update contacts set deleted_at = app_clock() - interval '13 months' where id in
        (select id from contacts order by id limit 2)",
        )
        .await;
    let now = world.db.now().await.unwrap();
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    let keys = world.keys.of(&mut tx).await.unwrap();
    let who = (clinic.actor(), now);
    holds::place(&mut tx, &keys, Some(other), "A claim is pending", who).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    world.advance(Duration::days(4)).await;

    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    let would = store::forecast(&mut tx).await.unwrap();
    drop(tx);
    assert_eq!((would.archived, would.erased), (1, 1), "{would:?}");
    assert_eq!(would.erased_ids, [one]);
    assert_eq!(would.spared_ids, [(other, "legal_hold")]);
    assert_eq!(world.number("select count(*) from contacts where erased_at is not null").await, 0);
    assert_eq!(round(&world, &kept, &clinic).await, would);

    // Everybody is held; then nobody is.
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    let all = holds::place(&mut tx, &keys, None, "An inquiry", who).await.unwrap().unwrap();
    for hold in holds::standing(&mut tx, &keys).await.unwrap() {
        assert!(["A claim is pending", "An inquiry"].contains(&hold.reason.as_str()));
        if hold.id != all.id {
            assert_eq!(holds::release(&mut tx, hold.id, who).await.unwrap(), Some(Some(other)));
            assert_eq!(holds::release(&mut tx, hold.id, who).await.unwrap(), None, "once");
        }
    }
    tx.commit().await.unwrap();
    world.advance(Duration::days(2)).await;
    assert_eq!(round(&world, &kept, &clinic).await.erased, 0);
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    holds::release(&mut tx, all.id, who).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    world.advance(Duration::days(2)).await;
    assert_eq!(round(&world, &kept, &clinic).await.erased_ids, [other]);
}

#[tokio::test]
async fn nobody_is_erased_while_a_call_may_still_say_something() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let id = world.book(&clinic, PHONE, 48).await.contact;
    world
        .run(
            "insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                 expires_at, dialled_at)
             select k.tenant_id, gen_random_uuid(), k.id, k.contact_id, t.account_id, k.purpose_key, c.phone_eq, 'placed',
                 app_clock(), app_clock(), app_clock()
             from calls k join contacts c on c.id = k.contact_id join tenants t on t.id = k.tenant_id;
             update calls set state = 'in_progress'",
        )
        .await;
    let tried = async || {
        let mut tx = world.db.tenant(clinic.id).await.unwrap();
        let mut changes = Changes::by(clinic.actor());
        let done = erase::erase(&mut tx, id, &mut changes).await.unwrap();
        if done.is_ok() {
            changes.append(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        done
    };
    assert_eq!(tried().await.unwrap_err(), Spared::CallUnderWay);
    world.run("update calls set state = 'settled', settled_at = app_clock()").await;
    assert_eq!(tried().await.unwrap_err(), Spared::DialUnsettled);
    world
        .run("update attempts set state = 'settled', settled_at = app_clock(), holds_slot = false")
        .await;
    let hash = "select encode(number_eq, 'hex') from attempts";
    let before = world.texts(hash).await;
    let done = tried().await.unwrap();
    assert_eq!((done.appointments, done.dials), (1, 0));
    assert_eq!(world.texts(hash).await, before, "the gap of whoever has the number stands");

    // Five weeks later nobody asks for it any more.
    let kept = Kept::new();
    world.advance(Duration::days(36)).await;
    round(&world, &kept, &clinic).await;
    assert_ne!(world.texts(hash).await, before);
}

#[tokio::test]
async fn the_do_not_call_list_outlives_whoever_was_erased() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let id = contact(&world, &clinic).await;
    add_to_list(&world, &world.keys, &clinic).await;
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    let mut changes = Changes::by(clinic.actor());
    erase::erase(&mut tx, id, &mut changes).await.unwrap().unwrap();
    changes.append(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let next = world.book(&clinic, PHONE, 48).await;
    let listed = "select count(*) from contacts c cross join lateral
        contact_facts(c.id, 'x', null, app_clock(), app_clock()) f where f.do_not_call and c.deleted_at is null";
    assert_eq!(world.number(listed).await, 1, "{} is known as listed", next.contact);
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    let keys = world.keys.of(&mut tx).await.unwrap();
    let entries = list::list(&mut tx, &keys, Slice { after: None, limit: 9 }).await.unwrap();
    assert_eq!(entries.items[0].number.as_str(), PHONE);
}

#[tokio::test]
async fn a_restore_brings_back_neither_who_was_erased_nor_who_was_shredded() {
    let (world, kept) = (World::new().await, Kept::new());
    let (clinic, leaving) = (world.tenant().await, world.tenant().await);
    contact(&world, &clinic).await;
    contact(&world, &leaving).await;
    world
        .run(
            "create table backup_contacts as select * from contacts; create table backup_keys as select * from tenant_keys;
             update contacts set deleted_at = app_clock() - interval '13 months'",
        )
        .await;
    round(&world, &kept, &clinic).await;
    world.run("update tenants set active = false where id = (select max(id::text)::uuid from tenants)").await;
    let done = shred::shred(&world.db, Some(&kept.journal), "ada", (leaving.id, "A clinic")).await;
    assert_eq!(done.unwrap().keys, 2);

    world
        .run(
            "delete from tenant_keys; insert into tenant_keys select * from backup_keys;
             update contacts c set key_wrapped = b.key_wrapped, name = b.name, phone = b.phone, phone_eq = b.phone_eq,
                 erased_at = null, deleted_at = null from backup_contacts b where b.id = c.id;
             update tenants set active = true, shredded_at = null",
        )
        .await;
    kept.journal.replay(&world.db, &world.keys).await.unwrap();
    let back = "select count(*) from contacts c join tenant_keys k using (tenant_id) where c.key_wrapped is not null";
    assert_eq!(world.number(back).await, 0, "the one has no key, the other's tenant has none");
    assert_eq!(world.number("select count(*) from tenant_keys").await, 2, "the other tenant's");
    assert_eq!(world.number("select count(*) from tenants where active").await, 1);
    kept.journal.replay(&world.db, &world.keys).await.unwrap();
}

#[tokio::test]
async fn a_number_that_was_listed_after_a_rotation_is_listed_again_in_a_database_from_before_it() {
    let (world, kept) = (World::new().await, Kept::new());
    let clinic = world.tenant().await;
    contact(&world, &clinic).await;
    world
        .run("create table backup_contacts as select * from contacts; create table backup_keys as select * from tenant_keys")
        .await;
    let at_once = Lead {
        before_it_seals: std::time::Duration::ZERO,
        before_the_rest: std::time::Duration::ZERO,
    };
    for kind in [Kind::Equality, Kind::Tenant] {
        begin(&world.db, &world.keys, clinic.id, kind, at_once).await.unwrap();
        let ring = KeyRing::new(world.keys.master().clone());
        while step(&world.db, &ring, clinic.id, kind).await.unwrap() != Step::Done {}
    }
    // By a process that knows the new keys.
    let ring = KeyRing::new(world.keys.master().clone());
    let noted = add_to_list(&world, &ring, &clinic).await;
    kept.journal.append(&noted);
    world
        .run(
            "delete from do_not_call; delete from tenant_keys; insert into tenant_keys select * from backup_keys;
             update contacts c set key_wrapped = b.key_wrapped, phone_eq = b.phone_eq from backup_contacts b where b.id = c.id",
        )
        .await;
    let ring = KeyRing::new(world.keys.master().clone());
    kept.journal.replay(&world.db, &ring).await.unwrap();
    let listed = "select count(*) from contacts c cross join lateral
        contact_facts(c.id, 'x', null, app_clock(), app_clock()) f where f.do_not_call";
    assert_eq!(
        world.number(listed).await,
        1,
        "though neither its seal nor its hash of that day is known any more"
    );
    let text = std::fs::read_to_string(kept.dir.join("journal.jsonl")).unwrap();
    assert!(!text.contains("7700900"), "no number lies open");
}

#[tokio::test]
async fn a_tenant_that_leaves_is_shredded_and_nothing_of_it_opens() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let stays = world.tenant().await;
    contact(&world, &clinic).await;
    contact(&world, &stays).await;
    add_to_list(&world, &world.keys, &clinic).await;
    world.book(&clinic, "+447700900002", 48).await;
    let tried = async |name: &str| {
        shred::shred(&world.db, None, "ada", (clinic.id, name)).await.map_err(|why| why.to_string())
    };
    let refused = |why: NotShredded| Err(why.to_string());
    assert_eq!(tried("a clinic").await, refused(NotShredded::Unconfirmed), "another case");
    assert_eq!(tried("A clinic").await, refused(NotShredded::Active));
    world.run("update tenants set active = false where id = (select min(id::text)::uuid from tenants)").await;
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    let keys = world.keys.of(&mut tx).await.unwrap();
    let who = (clinic.actor(), world.db.now().await.unwrap());
    let hold = holds::place(&mut tx, &keys, None, "An inquiry", who).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tried("A clinic").await, refused(NotShredded::Held));
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    holds::release(&mut tx, hold.id, who).await.unwrap().unwrap();
    tx.commit().await.unwrap();

    let done = tried("A clinic").await.unwrap();
    assert_eq!((done.keys, done.calls, done.contacts, done.do_not_call), (2, 1, 2, 1));
    let fresh = KeyRing::new(world.keys.master().clone());
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    assert!(fresh.of(&mut tx).await.is_err(), "there is no key");
    let mut tx = world.db.tenant(stays.id).await.unwrap();
    let keys = fresh.of(&mut tx).await.unwrap();
    let all = Slice { after: None, limit: 9 };
    assert_eq!(contacts::store::list(&mut tx, &keys, false, all).await.unwrap().items.len(), 1);
    assert_eq!(
        world.texts("select operator || ' ' || action from operator_acts").await,
        ["ada tenant.shred"]
    );
    assert_eq!(world.number("select count(*) from search_blocks").await, 0);
}

#[tokio::test]
async fn what_screening_came_to_is_kept_for_a_year_whoever_asks() {
    let (world, kept) = (World::new().await, Kept::new());
    let clinic = world.tenant().await;
    let now = world.db.now().await.unwrap();
    let found = [Detection::of(Place::Notes, Outcome::Refused, &detect("Her asthma"))];
    assert_eq!(found[0].kinds, ["diagnosis"]);
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    screening::store::insert(&mut tx, (clinic.actor(), now), &found).await.unwrap();
    tx.commit().await.unwrap();
    let rows = "select count(*) from phi_detections";
    let (url, _) = world.database_urls();
    let mut app = PgConnection::connect(&url).await.unwrap();
    sqlx::query("select set_config('app.tenant_id', $1, false)")
        .bind(clinic.id.to_string())
        .execute(&mut app)
        .await
        .unwrap();
    for (ahead, expected, why) in [
        (Duration::days(0), 1, "it is new"),
        (Duration::days(364), 1, "a day less than a year"),
        (Duration::days(2), 0, "its time is over"),
    ] {
        world.advance(ahead).await;
        // The application may not take it away before, even if it wants to.
        if expected == 1 {
            let seen: i64 = sqlx::query_scalar(rows).fetch_one(&mut app).await.unwrap();
            assert_eq!(seen, 1);
            let gone = sqlx::query("delete from phi_detections").execute(&mut app).await.unwrap();
            assert_eq!(gone.rows_affected(), 0, "{why}");
            let changed = sqlx::query("update phi_detections set outcome = 'clean'");
            assert!(changed.execute(&mut app).await.is_err(), "rows are added only");
        }
        round(&world, &kept, &clinic).await;
        assert_eq!(world.number(rows).await, expected, "{why}");
    }
}
