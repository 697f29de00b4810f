//! Books show exactly what the transaction sees that they come with: held against the same contacts, read anew in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::{DateTime, Duration};
use shared::appointments::{self, Appointment};
use shared::book::{BookLimits, Books, Reading, store};
use shared::contacts::{self, Contact, phone::PhoneNumber};
use shared::db::Db;
use shared::ids::{ContactId, TenantId};
use shared::search::filter::Archived;
use shared::search::{
    Calendar, Facets, Filter, Query, Request, Selection, Sort, SortKey, Start, Table, Window, build,
};
use shared::tenants::KeyRing;
use shared::testing::{Inhabitant, World};

/// All that a list can show of a table.
fn all_of(table: &Table) -> (Vec<Window>, Facets) {
    let query = Query::parse("").unwrap();
    let filter = Filter { archived: Archived::Included, ..Filter::default() };
    // Any moment will do, so long as it is the same for both.
    let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let calendar = Calendar { now, zone: chrono_tz::Europe::London };
    let request = Request { query: &query, filter: &filter, calendar, hidden: &[] };
    let selection = Selection::new(table, &request);
    let sorts = [
        SortKey::Name,
        SortKey::Appointment,
        SortKey::Status,
        SortKey::Owner,
        SortKey::NextCall,
        SortKey::LastContact,
        SortKey::Attempts,
    ];
    let window =
        |key| selection.window(&[Sort { key, descending: false }], Start::Offset(0), usize::MAX);
    (sorts.map(window).into(), selection.facets(&calendar))
}

/// The contacts that the reading's transaction sees, read from their rows.
async fn anew(reading: &mut Reading) -> Table {
    let (mut rows, mut after) = (Vec::new(), store::FIRST);
    loop {
        let (some, last) = store::page(&mut reading.tx, &reading.keys, after, 100).await.unwrap();
        let Some(last) = last else { break };
        rows.extend(some);
        after = last;
    }
    Table::new(build(rows).unwrap().into_iter().map(Arc::new))
}

async fn check(books: &Books, tenant: TenantId, why: &str) -> usize {
    let mut reading = books.read(tenant).await.unwrap();
    let fresh = anew(&mut reading).await;
    assert_eq!(reading.table.contacts(), fresh.contacts(), "{why}");
    assert!(all_of(&reading.table) == all_of(&fresh), "{why}: the book is not what its moment has");
    fresh.contacts()
}

fn books(world: &World, db: &Db) -> Books {
    Books::new(db.clone(), Arc::clone(&world.keys), BookLimits::default())
}

async fn add(db: &Db, ring: &KeyRing, tenant: TenantId, name: &str) -> ContactId {
    let now = db.now().await.unwrap();
    let mut tx = db.tenant(tenant).await.unwrap();
    let keys = ring.of(&mut tx).await.unwrap();
    let phone = PhoneNumber::from_e164("+447700900123").unwrap();
    let contact = Contact::new(name.parse().unwrap(), phone, chrono_tz::Europe::London, now);
    let key = contacts::store::insert(&mut tx, &keys, &contact).await.unwrap();
    let mut appointment = Appointment::new(contact.id, now + Duration::hours(30), 24, now);
    appointment.voice_text = Some("Bring the form".parse().unwrap());
    appointments::store::insert(&mut tx, &key, &appointment, "api").await.unwrap();
    tx.commit().await.unwrap();
    contact.id
}

/// Changes a name, over two statements and a pause, so that transactions end in another order than they began.
async fn rename(db: &Db, ring: &KeyRing, tenant: TenantId, id: ContactId, name: &str) {
    let mut tx = db.tenant(tenant).await.unwrap();
    let keys = ring.of(&mut tx).await.unwrap();
    let Some(mut opened) = contacts::store::lock(&mut tx, &keys, id).await.unwrap() else { return };
    opened.contact.name = name.parse().unwrap();
    contacts::store::update(&mut tx, &keys, &opened).await.unwrap();
    for _ in 0..id.0.as_u128() % 7 {
        tokio::task::yield_now().await;
        tx_is_there(&mut tx).await;
    }
    tx.commit().await.unwrap();
}

async fn tx_is_there(tx: &mut shared::db::TenantTx) {
    shared::tenants::store::now(tx).await.unwrap();
}

async fn delete(db: &Db, tenant: TenantId, id: ContactId) {
    let mut tx = db.tenant(tenant).await.unwrap();
    contacts::store::delete(&mut tx, id, db.now().await.unwrap()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_sees_exactly_what_its_moment_has_whoever_writes_meanwhile() {
    const WRITERS: usize = 4;
    const WRITES: usize = 60;
    let world = World::new().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let (app, engine) = world.database_urls();
    let db = Db::connect(&app, &engine, 16).unwrap();
    for n in 0..40 {
        add(&db, &world.keys, tenant.id, &format!("First {}", word(n))).await;
    }
    add(&db, &world.keys, other.id, "Somebody Else").await;
    // Two processes, and one that keeps nothing.
    let off = BookLimits { bytes: 0, ..BookLimits::default() };
    let all = [
        books(&world, &db),
        books(&world, &db),
        Books::new(db.clone(), Arc::clone(&world.keys), off),
    ];
    let (writing, reads, moved) = (AtomicBool::new(true), AtomicUsize::new(0), AtomicUsize::new(0));
    let write = async |seed: usize| {
        let mut mine = Vec::new();
        for n in 0..WRITES {
            let name = format!("Number {}", word(seed * WRITES + n));
            match (n + seed) % 4 {
                0 | 1 => mine.push(add(&db, &world.keys, tenant.id, &name).await),
                2 => {
                    if let Some(id) = mine.get(n / 3 % mine.len().max(1)) {
                        rename(&db, &world.keys, tenant.id, *id, &name).await;
                    }
                }
                _ if n % 8 == 7 && !mine.is_empty() => {
                    delete(&db, tenant.id, mine.remove(0)).await;
                }
                _ => {}
            }
            // Whoever wrote sees it at once, in every process.
            if let Some(last) = mine.last().filter(|_| (n + seed) % 4 < 2) {
                let books = &all[n % all.len()];
                let reading = books.read(tenant.id).await.unwrap();
                let (windows, _) = all_of(&reading.table);
                assert!(windows[0].rows.iter().any(|row| row.contact == *last), "its own write");
            }
        }
    };
    let read = async |which: usize| {
        while writing.load(Ordering::Relaxed) || reads.load(Ordering::Relaxed) < 20 {
            check(&all[which], tenant.id, "beside writers").await;
            reads.fetch_add(1, Ordering::Relaxed);
        }
    };
    let disturb = async || {
        let mut n = 0;
        while writing.load(Ordering::Relaxed) {
            n += 1;
            match n % 5 {
                // As a crash of PostgreSQL leaves it, or a block that could not be opened.
                0 => {
                    let mut tx = db.tenant(tenant.id).await.unwrap();
                    // Those who put blocks together meanwhile may have won.
                    if store::forget(&mut tx).await.is_ok() {
                        let _lost = tx.commit().await;
                    }
                }
                1 => all[n % 2].drop_book(tenant.id),
                _ => {
                    let done = all[n % 2].put_together(tenant.id).await;
                    moved.fetch_add(usize::from(matches!(done, Ok(true))), Ordering::Relaxed);
                }
            }
        }
    };
    let write_all = async {
        tokio::join!(write(0), write(1), write(2), write(3));
        writing.store(false, Ordering::Relaxed);
    };
    tokio::join!(write_all, read(0), read(0), read(0), read(1), read(2), disturb());
    assert!(
        reads.load(Ordering::Relaxed) >= 20 && moved.load(Ordering::Relaxed) >= 3,
        "the test tests"
    );
    assert!(WRITERS == 4 && check(&all[0], tenant.id, "in the end").await > 40);
    let reading = all[0].read(other.id).await.unwrap();
    assert_eq!(reading.table.contacts(), 1, "of another tenant");
}

/// Letters for a number: names have no digits.
fn word(n: usize) -> String {
    n.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

/// Every fact that a list shows, changed behind everybody's back: a table whose trigger forgets one fails here.
const CHANGES: [(&str, &str); 18] = [
    ("archived", "update contacts set archived_at = now()"),
    ("no longer", "update contacts set archived_at = null"),
    ("another status", "update appointments set status = 'confirmed'"),
    ("attended", "update appointments set attendance = 'attended'"),
    ("another owner", "update appointments set owner_name = 'Dr Ann', priority = 2, location = 'Leeds'"),
    ("reached", "update appointments set last_contact_at = now()"),
    (
        "in a group",
        "insert into groups (tenant_id, id, name, name_key, colour, created_by, created_at, updated_at)
             select id, id, 'A', 'a', 'red', 'worker', now(), now() from tenants;
         insert into group_members (tenant_id, group_id, contact_id, added_by, added_at)
             select tenant_id, tenant_id, id, 'worker', now() from contacts",
    ),
    ("out of it", "delete from group_members"),
    (
        "a planned call",
        "insert into calls (tenant_id, id, contact_id, kind, purpose_key, state, earliest, due, deadline, eligible_at,
             planned_at, updated_at)
         select tenant_id, id, id, 'reminder', 'x', 'planned', now(), now(), now() + interval '1 day', now(), now(), now()
         from contacts",
    ),
    (
        "later than the other",
        "update calls set eligible_at = now() + interval '3 hours'
         where contact_id = (select min(contact_id::text)::uuid from calls)",
    ),
    ("something in its way", "update calls set blocked = '{consent_missing}'"),
    ("nothing any more", "update calls set blocked = '{}'"),
    (
        "dialled before",
        "insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
             expires_at, dialled_at)
         select tenant_id, id, id, contact_id, id, 'x', '', 'settled', now(), now(), now() from calls;
         update calls set state = 'reserved'; update calls set state = 'planned'",
    ),
    ("it doesn't count", "update attempts set counts = false"),
    ("under way", "update calls set state = 'in_progress'"),
    ("settled", "update calls set state = 'settled'"),
    (
        "flagged",
        "insert into flags (tenant_id, id, contact_id, reason, raised_at)
         select tenant_id, id, id, 'too_late_to_call', now() from contacts",
    ),
    ("cleared", "update flags set cleared_at = now()"),
];

#[tokio::test]
async fn every_fact_that_a_list_shows_is_noted_when_it_changes() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let books = books(&world, &world.db);
    for name in ["Ada Example", "Bob Example"] {
        add(&world.db, &world.keys, tenant.id, name).await;
    }
    let mut before = all_of(&books.read(tenant.id).await.unwrap().table);
    for (why, statements) in CHANGES {
        world.run(statements).await;
        check(&books, tenant.id, why).await;
        let after = all_of(&books.read(tenant.id).await.unwrap().table);
        assert!(after != before, "{why}: the statement must change what is shown");
        before = after;
    }
    world
        .run("delete from attempts; delete from calls; delete from flags; delete from appointments")
        .await;
    check(&books, tenant.id, "rows that are gone").await;
    world.run("delete from contacts").await;
    assert_eq!(check(&books, tenant.id, "everybody is gone").await, 0);
}

async fn written() -> (World, Inhabitant, Books) {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let books = books(&world, &world.db);
    for n in 0..20 {
        add(&world.db, &world.keys, tenant.id, &format!("Number {}", word(n))).await;
    }
    check(&books, tenant.id, "built").await;
    (world, tenant, books)
}

#[tokio::test]
async fn blocks_that_are_damaged_lost_or_of_another_cluster_are_built_anew() {
    let (world, tenant, kept) = written().await;
    let generation = "select id from search_generations";
    for (why, statement) in [
        (
            "a bit",
            "update search_blocks set sealed = set_byte(sealed, 99, get_byte(sealed, 99) # 1)",
        ),
        ("its length", "update search_blocks set sealed = substring(sealed for 70)"),
        ("another number of contacts", "update search_blocks set contacts = contacts - 1"),
        ("another generation's", "update search_generations set watermark = watermark + 1"),
        ("a block is gone", "delete from search_blocks"),
        ("a crash empties them", "truncate search_blocks, search_generations, search_changes"),
        ("a dump of another cluster", "update search_generations set cluster = cluster + 1"),
    ] {
        let before = world.number(generation).await;
        world.run(statement).await;
        // Another process, which has nothing yet.
        assert_eq!(check(&books(&world, &world.db), tenant.id, why).await, 20);
        assert_ne!(world.number(generation).await, before, "{why}: they must have been built anew");
        assert_eq!(check(&kept, tenant.id, why).await, 20, "one that kept the old ones");
    }
}

#[tokio::test]
async fn blocks_of_another_tenant_are_not_opened() {
    let (world, tenant, _) = written().await;
    let other = world.tenant().await;
    check(&books(&world, &world.db), other.id, "nobody yet").await;
    world
        .run(
            "delete from search_blocks b using search_generations g where g.id = b.generation and g.contacts = 0;
             update search_blocks b set tenant_id = n.tenant_id, generation = n.id from search_generations n
             where n.contacts = 0;
             update search_generations n set blocks = o.blocks, contacts = o.contacts, watermark = o.watermark
             from search_generations o where n.contacts = 0 and o.contacts > 0",
        )
        .await;
    let reading = books(&world, &world.db).read(other.id).await.unwrap();
    assert_eq!(reading.table.contacts(), 0);
    assert_eq!(check(&books(&world, &world.db), tenant.id, "its own are built anew").await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_dies_while_blocks_are_put_together_leaves_the_old_ones() {
    let (world, tenant, _) = written().await;
    for n in 0..30u32 {
        let books = books(&world, &world.db);
        add(&world.db, &world.keys, tenant.id, "Another One").await;
        let put_together = tokio::spawn(async move { books.put_together(tenant.id).await });
        for _ in 0..n {
            tokio::task::yield_now().await;
        }
        put_together.abort();
        let _gone = put_together.await;
        check(&self::books(&world, &world.db), tenant.id, "after a death").await;
    }
    assert_eq!(world.number("select count(*) from search_generations").await, 1);
    assert_eq!(
        world.number("select count(distinct generation) from search_blocks").await,
        1,
        "no block is left behind"
    );
}

/// Of a million contacts it takes longer than a request may: each that ended took the building with it, and nobody ever searched.
#[tokio::test]
async fn a_building_goes_on_when_whoever_asked_for_it_goes_away() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    add(&world.db, &world.keys, tenant.id, "Somebody").await;
    // The building waits for the lock, as if it took long.
    let mut held = world.db.tenant_snapshot_to_write(tenant.id).await.unwrap();
    assert!(store::try_lock(&mut held).await.unwrap());
    let books = books(&world, &world.db);
    let asked = tokio::time::timeout(std::time::Duration::from_millis(500), books.read(tenant.id));
    assert!(asked.await.is_err(), "it can't be there yet");
    held.rollback().await.unwrap();
    let built = async {
        while world.number("select count(*) from search_generations").await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), built).await.expect("nobody builds");
}

#[tokio::test]
async fn what_nobody_asks_for_is_pruned_and_nothing_else() {
    let (world, tenant, books) = written().await;
    let unread = world.tenant().await;
    let changes = "select count(*) from search_changes";
    let pass = async |most| {
        world.run("update search_marks set at = at - interval '31 minutes'").await;
        store::prune(&world.db, most).await.unwrap()
    };
    add(&world.db, &world.keys, tenant.id, "Of A Read One").await;
    add(&world.db, &world.keys, unread.id, "Of An Unread One").await;
    let noted = world.number(changes).await;
    assert_eq!(store::prune(&world.db, 100).await.unwrap(), 0, "the first pass marks");
    add(&world.db, &world.keys, unread.id, "After The Mark").await;
    assert_eq!(
        store::prune(&world.db, 100).await.unwrap(),
        0,
        "too soon: somebody may be building"
    );
    assert_eq!(pass(100).await, 2, "those of the unread tenant that the mark saw");
    assert_eq!(
        world.number(changes).await,
        noted,
        "one is noted since, two are gone, two of the read one"
    );
    check(&books, tenant.id, "the read one lost nothing").await;
    assert_eq!(check(&books, unread.id, "nor the other, once it is read").await, 2);
    for _ in 0..6 {
        add(&world.db, &world.keys, tenant.id, "More And More").await;
    }
    pass(10).await;
    assert_eq!(
        world.number("select count(*) from search_generations").await,
        1,
        "blocks that nobody reads are given up"
    );
    assert_eq!(check(&books, tenant.id, "and built once somebody does").await, 27);
}
