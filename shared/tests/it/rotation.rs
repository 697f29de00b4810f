//! Keys rotate while everybody works: nothing is lost, nobody is called who isn't to be, wherever it is stopped.

use std::sync::Arc;
use std::time::Duration;

use shared::audit::Actor;
use shared::contacts::phone::PhoneNumber;
use shared::contacts::{self, Consent, Contact};
use shared::crypto::EqualityKind;
use shared::db::Db;
use shared::do_not_call::Source;
use shared::do_not_call::store::{self as list, Wish};
use shared::ids::{TenantId, ViewId};
use shared::paging::Slice;
use shared::rotation::store::{begin, of_tenant, step};
use shared::rotation::{Kind, Lead, Step};
use shared::tenants::KeyRing;
use shared::testing::{Inhabitant, World};
use shared::views::{self, View};

/// On the do-not-call list, and dialled lately.
const LISTED: &str = "+447700900001";
/// Dialled lately.
const DIALLED: &str = "+447700900002";

const AT_ONCE: Lead = Lead { before_it_seals: Duration::ZERO, before_the_rest: Duration::ZERO };

/// What a process that starts now knows.
fn ring(world: &World) -> KeyRing {
    KeyRing::new(world.keys.master().clone())
}

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::from_e164(text).unwrap()
}

/// A new contact of a process that has these keys. `consent.by` says in the open whose number it has.
async fn add(db: &Db, ring: &KeyRing, tenant: TenantId, phone: &str) {
    let now = db.now().await.unwrap();
    let mut tx = db.tenant(tenant).await.unwrap();
    let keys = ring.of(&mut tx).await.unwrap();
    let contact = Contact {
        email: Some("ada@example.com".parse().unwrap()),
        notes: Some("prefers mornings".parse().unwrap()),
        consent: Some(Consent { at: now, by: phone.to_owned() }),
        ..Contact::new(
            "Ada Example".parse().unwrap(),
            number(phone),
            chrono_tz::Europe::London,
            now,
        )
    };
    contacts::store::insert(&mut tx, &keys, &contact).await.unwrap();
    tx.commit().await.unwrap();
}

async fn is_listed(db: &Db, ring: &KeyRing, tenant: TenantId, phone: &str) -> bool {
    let now = db.now().await.unwrap();
    let mut tx = db.tenant(tenant).await.unwrap();
    shared::tenants::store::lock(&mut tx).await.unwrap();
    let keys = ring.of(&mut tx).await.unwrap();
    let wish = Wish { number: number(phone), reason: None };
    let who = (Actor::Worker, now);
    let added = list::add(&mut tx, (&keys, ring.master()), &[wish], Source::Manual, who).await;
    !added.unwrap().listed[0].new
}

/// A tenant with contacts of both numbers, dials of both, and the first on its list.
async fn settled() -> (World, Inhabitant) {
    let world = World::new().await;
    let clinic = world.tenant().await;
    for phone in [LISTED, DIALLED] {
        world.book(&clinic, phone, 72).await;
    }
    world
        .run(
            "insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                 expires_at, dialled_at, settled_at, holds_slot)
             select k.tenant_id, gen_random_uuid(), k.id, k.contact_id, t.account_id, k.purpose_key, c.phone_eq, 'settled',
                 app_clock(), app_clock(), app_clock(), app_clock(), false
             from calls k join contacts c on c.id = k.contact_id join tenants t on t.id = k.tenant_id;
             update attempts set counts = false where id = (select id from attempts limit 1);
             insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                 expires_at, dialled_at, settled_at, holds_slot)
             select tenant_id, gen_random_uuid(), call_id, contact_id, account_id, purpose_key, number_eq, 'settled',
                 app_clock(), app_clock(), app_clock(), app_clock(), false from attempts where not counts;
             update contacts c set consent_at = app_clock(), consent_by = case when c.id = (select contact_id from attempts
                 where not counts) then 'first' else 'second' end",
        )
        .await;
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    let keys = world.keys.of(&mut tx).await.unwrap();
    let now = world.db.now().await.unwrap();
    let wish = Wish { number: number(LISTED), reason: Some("asked by telephone".to_owned()) };
    let view = View {
        id: ViewId::new(),
        owner: None,
        name: "The Adas".to_owned(),
        search: serde_json::json!({ "query": "ada" }),
        version: 1,
        used: 0,
        used_at: None,
        created_by: "worker".to_owned(),
        created_at: now,
        updated_at: now,
    };
    assert!(views::store::insert(&mut tx, &keys, &view, 1).await.unwrap());
    let keys = (&*keys, world.keys.master());
    let who = (clinic.actor(), now);
    list::add(&mut tx, keys, &[wish], Source::Manual, who).await.unwrap();
    tx.commit().await.unwrap();
    for phone in [LISTED, DIALLED, "+447700900003"] {
        for _ in 0..30 {
            add(&world.db, &world.keys, clinic.id, phone).await;
        }
    }
    (world, clinic)
}

/// Contacts that the engine would take for callable though they are not, in one look.
async fn wrong(world: &World) -> i64 {
    world
        .number(
            "select count(*) from contacts c
             cross join lateral contact_facts(c.id, 'x', null, app_clock(), app_clock()) f
             where c.consent_by = '+447700900001' and not f.do_not_call
                or c.consent_by in ('+447700900001', '+447700900002')
                   and (f.last_counted is null or cardinality(f.number_dials) = 0)",
        )
        .await
}

/// Everything that is sealed opens for a process that starts now.
async fn all_opens(world: &World, tenant: TenantId) {
    let ring = ring(world);
    let mut tx = world.db.tenant(tenant).await.unwrap();
    let keys = ring.of(&mut tx).await.unwrap();
    let mut after = None;
    let mut seen = 0;
    loop {
        let slice = Slice { after, limit: 200 };
        let page = contacts::store::list(&mut tx, &keys, false, slice).await.unwrap();
        seen += page.items.len();
        for opened in &page.items {
            assert_eq!(opened.contact.name.as_str(), "Ada Example");
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let live = world.number("select count(*) from contacts where deleted_at is null").await;
    assert_eq!(seen, usize::try_from(live).unwrap());
    let listed = list::list(&mut tx, &keys, Slice { after: None, limit: 200 }).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    assert_eq!(listed.items[0].number, number(LISTED));
    let views = views::store::list(&mut tx, &keys, "nobody").await.unwrap();
    assert_eq!((views.len(), views[0].name.as_str()), (1, "The Adas"));
}

async fn finish(world: &World, ring: &KeyRing, tenant: TenantId, kind: Kind) {
    loop {
        match step(&world.db, ring, tenant, kind).await.unwrap() {
            Step::Went(_) => assert_eq!(wrong(world).await, 0, "{kind:?}"),
            Step::Done => return,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn each_key_rotates_and_everything_still_opens_and_is_found() {
    let (world, clinic) = settled().await;
    assert_eq!(wrong(&world).await, 0);
    let before =
        world.texts("select encode(name || key_wrapped, 'hex') from contacts order by id").await;
    for kind in [Kind::Contacts, Kind::Tenant, Kind::Equality, Kind::Tenant, Kind::Contacts] {
        begin(&world.db, &world.keys, clinic.id, kind, AT_ONCE).await.unwrap();
        let fresh = ring(&world);
        finish(&world, &fresh, clinic.id, kind).await;
        all_opens(&world, clinic.id).await;
        assert_eq!(wrong(&world).await, 0, "{kind:?}");
        assert!(is_listed(&world.db, &ring(&world), clinic.id, LISTED).await, "{kind:?}");
        let mut tx = world.db.tenant(clinic.id).await.unwrap();
        let found = of_tenant(&mut tx).await.unwrap();
        let found = found.iter().find(|found| found.kind == kind.as_str()).unwrap();
        assert_eq!((found.state.as_str(), found.phase.as_str()), ("done", "done"));
        assert!(found.rows_done >= 92, "{found:?}");
    }
    let after =
        world.texts("select encode(name || key_wrapped, 'hex') from contacts order by id").await;
    assert!(before.iter().all(|old| !after.contains(old)), "each was sealed and wrapped anew");
    let keys = "select purpose || ' ' || key_id || case when retired_at is null then '' else ' retired' end
        from tenant_keys order by 1";
    assert_eq!(
        world.texts(keys).await,
        ["equality 2", "field 1 retired", "field 2 retired", "field 3"],
        "an old field key opens entries of the audit chain"
    );
    let of_old = "select count(*) from (select key_wrapped from contacts union all select number from do_not_call
         union all select reason_sealed from do_not_call where reason_sealed is not null
         union all select sealed from contact_views) s (sealed) where substring(sealed from 2 for 4) <> int4send(3)";
    assert_eq!(world.number(of_old).await, 0);
    let two =
        "select count(*) from contacts where octet_length(key_wrapped) <> 5 + 12 + 3 * 32 + 16";
    assert_eq!(world.number(two).await, 0, "a contact has three keys now, wrapped together");
}

#[tokio::test]
async fn what_processes_of_different_age_write_meanwhile_is_found_by_all() {
    let (world, clinic) = settled().await;
    // The key is there, and nobody hashes with it yet.
    let lead = Lead { before_it_seals: Duration::from_secs(3_600), ..AT_ONCE };
    begin(&world.db, &world.keys, clinic.id, Kind::Equality, lead).await.unwrap();
    let (slow, quick) = (Arc::new(ring(&world)), Arc::new(ring(&world)));
    let hashes = async |ring: &KeyRing| {
        let mut tx = world.db.tenant(clinic.id).await.unwrap();
        ring.of(&mut tx).await.unwrap().equality(EqualityKind::Phone, LISTED)
    };
    // It keeps what it knows for a minute.
    let of_slow = hashes(&slow).await;
    world
        .run("update tenant_keys set seals_from = '1970-01-01'; update key_rotations set ready_at = clock_timestamp()")
        .await;
    let of_quick = hashes(&quick).await;
    assert_eq!((of_slow.current, of_slow.other), (of_quick.other.unwrap(), Some(of_quick.current)));

    // Each writes so much and no more: what is looked at costs more with every contact, and would never be through with
    // a writer that goes on until it is.
    let writer = |ring: &Arc<KeyRing>| {
        let (db, ring, tenant) = (world.db.clone(), Arc::clone(ring), clinic.id);
        tokio::spawn(async move {
            for phone in [LISTED, DIALLED].repeat(20) {
                add(&db, &ring, tenant, phone).await;
                assert!(is_listed(&db, &ring, tenant, LISTED).await);
            }
        })
    };
    let both = [writer(&slow), writer(&quick)];
    let mut looks = 0;
    while !both.iter().all(tokio::task::JoinHandle::is_finished) {
        assert_eq!(wrong(&world).await, 0, "between the two");
        looks += 1;
    }
    for task in both {
        task.await.unwrap();
    }
    assert!(looks > 1, "looked at while they wrote");
    // The slow one has heard of it by the time the rest is brought along.
    let other = writer(&quick);
    finish(&world, &quick, clinic.id, Kind::Equality).await;
    other.await.unwrap();
    assert_eq!(wrong(&world).await, 0);
    all_opens(&world, clinic.id).await;
    let hashes = "select count(distinct number_eq) from (select phone_eq as number_eq from contacts
        union all select number_eq from attempts union all select number_eq from do_not_call) n";
    assert_eq!(world.number(hashes).await, 3, "three numbers, one hash each");
}

#[tokio::test]
async fn wherever_a_step_is_cut_off_the_next_one_goes_on() {
    let (world, clinic) = settled().await;
    for kind in Kind::ALL {
        begin(&world.db, &world.keys, clinic.id, kind, AT_ONCE).await.unwrap();
        let mut ring = ring(&world);
        for turns in (0..12).map(|n| 1_u32 << n) {
            let cut = async {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            };
            // Dropped at whatever it waits for, as when its process dies.
            tokio::select! {
                biased;
                stepped = step(&world.db, &ring, clinic.id, kind) => { stepped.unwrap(); }
                () = cut => {}
            }
            assert_eq!(wrong(&world).await, 0, "{kind:?} after {turns} turns");
            ring = KeyRing::new(world.keys.master().clone());
        }
        loop {
            match step(&world.db, &ring, clinic.id, kind).await.unwrap() {
                // The connection of one that was cut off is rolled back when it is taken again.
                Step::Elsewhere | Step::Went(_) => {}
                Step::Done => break,
                other @ Step::Waits(_) => panic!("{other:?}"),
            }
        }
        all_opens(&world, clinic.id).await;
        assert_eq!(wrong(&world).await, 0, "{kind:?}");
    }
}

#[tokio::test]
async fn nothing_is_done_before_every_process_can_have_heard() {
    let (world, clinic) = settled().await;
    let begun =
        begin(&world.db, &world.keys, clinic.id, Kind::Tenant, Lead::default()).await.unwrap();
    let again = begin(&world.db, &world.keys, clinic.id, Kind::Tenant, AT_ONCE).await.unwrap();
    assert_eq!(again, begun, "one at a time");
    let fresh = ring(&world);
    let waits = step(&world.db, &fresh, clinic.id, Kind::Tenant).await.unwrap();
    assert_eq!(waits, Step::Waits(begun.ready_at));
    add(&world.db, &fresh, clinic.id, DIALLED).await;
    let sealed =
        "select count(*) from contacts where substring(key_wrapped from 2 for 4) <> int4send(1)";
    assert_eq!(world.number(sealed).await, 0, "nobody seals with it yet");
    // Time goes by; a process that has not looked since does nothing.
    world
        .run("update tenant_keys set seals_from = '1970-01-01'; update key_rotations set ready_at = clock_timestamp()")
        .await;
    assert_eq!(step(&world.db, &fresh, clinic.id, Kind::Tenant).await.unwrap(), Step::Elsewhere);
    finish(&world, &ring(&world), clinic.id, Kind::Tenant).await;
}

#[tokio::test]
async fn an_old_equality_key_stays_while_a_dial_of_a_number_that_nobody_has_may_be_asked_for() {
    let (world, clinic) = settled().await;
    world
        .run(
            "insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                 expires_at, dialled_at, settled_at, holds_slot)
             select tenant_id, gen_random_uuid(), call_id, contact_id, account_id, purpose_key, '\\x00', 'settled',
                 app_clock(), app_clock(), app_clock(), app_clock(), false from attempts where not counts",
        )
        .await;
    begin(&world.db, &world.keys, clinic.id, Kind::Equality, AT_ONCE).await.unwrap();
    let fresh = ring(&world);
    loop {
        match step(&world.db, &fresh, clinic.id, Kind::Equality).await.unwrap() {
            Step::Went(_) => {}
            Step::Waits(until) => {
                let days = (until - world.db.now().await.unwrap()).num_days();
                assert_eq!(days, 34, "thirty-five days after the dial");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    let equality = "select count(*) from tenant_keys where purpose = 'equality'";
    assert_eq!(world.number(equality).await, 2);
    assert!(begin(&world.db, &world.keys, clinic.id, Kind::Equality, AT_ONCE).await.is_ok());
    assert_eq!(world.number(equality).await, 2, "no third one");
    world.run("update attempts set dialled_at = dialled_at - interval '36 days' where number_eq = '\\x00';
        update key_rotations set ready_at = clock_timestamp()").await;
    assert_eq!(step(&world.db, &fresh, clinic.id, Kind::Equality).await.unwrap(), Step::Done);
    assert_eq!(world.number(equality).await, 1);
}
