//! Erasing and the search's blocks: nobody who was erased is found, and a round makes the blocks be built anew only once.

use std::sync::Arc;

use chrono::Duration;
use shared::audit::{Actor, Changes};
use shared::book::{BookLimits, Books};
use shared::contacts::phone::PhoneNumber;
use shared::contacts::{self, Contact};
use shared::ids::{ContactId, TenantId};
use shared::journal::Journal;
use shared::retention::store::{self, erase};
use shared::testing::World;

async fn add(world: &World, tenant: TenantId, name: &str) -> ContactId {
    let now = world.db.now().await.unwrap();
    let mut tx = world.db.tenant(tenant).await.unwrap();
    let keys = world.keys.of(&mut tx).await.unwrap();
    let phone = PhoneNumber::from_e164("+447700900123").unwrap();
    let contact = Contact::new(name.parse().unwrap(), phone, chrono_tz::Europe::London, now);
    contacts::store::insert(&mut tx, &keys, &contact).await.unwrap();
    tx.commit().await.unwrap();
    contact.id
}

/// Blocks are there that hold everybody.
async fn build(world: &World, tenant: TenantId) {
    let books = Books::new(world.db.clone(), Arc::clone(&world.keys), BookLimits::default());
    books.put_together(tenant).await.unwrap();
    drop(books.read(tenant).await.unwrap());
    assert_eq!(generations(world).await, 1, "the test tests");
}

async fn generations(world: &World) -> i64 {
    world.number("select count(*) from search_generations").await
}

async fn found(world: &World, tenant: TenantId) -> usize {
    // A process that knows nothing yet, and takes the blocks as they are.
    let books = Books::new(world.db.clone(), Arc::clone(&world.keys), BookLimits::default());
    books.read(tenant).await.unwrap().table.contacts()
}

#[tokio::test]
async fn a_round_takes_the_blocks_away_once_and_whoever_was_erased_is_never_found() {
    let world = World::new().await;
    let clinic = world.tenant().await.id;
    let dir = std::env::temp_dir().join(format!("vio-forgetting-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&dir).unwrap();
    let journal = Journal::open(&dir).unwrap();
    world
        .run(
            "create table forgotten (at timestamptz);
             create function count_forgotten() returns trigger language plpgsql security definer as
                 $$ begin insert into public.forgotten values (now()); return null; end $$;
             create trigger counted after delete on search_generations for each statement execute function count_forgotten()",
        )
        .await;
    let times = async || world.number("select count(*) from forgotten").await;
    let mut ids = Vec::new();
    for name in ["Ada Lovelace", "Grace Hopper", "Mary Somerville", "Emmy Noether"] {
        ids.push(add(&world, clinic, name).await);
    }
    build(&world, clinic).await;

    // As a round that was stopped after its first.
    let mut tx = world.db.tenant(clinic).await.unwrap();
    let mut changes = Changes::by(Actor::Worker);
    let done = erase::erase_outside_the_index(&mut tx, ids[0], &mut changes).await.unwrap();
    assert!(done.is_ok());
    changes.append(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(generations(&world).await, 1, "its words lie in the blocks still");
    assert_eq!(found(&world, clinic).await, 3, "and nobody finds them");

    world.run("truncate forgotten").await;
    let report = store::round(&world.db, &journal, clinic).await.unwrap().unwrap();
    assert_eq!((report.erased, times().await), (0, 1), "the next round takes them away");
    assert_eq!(generations(&world).await, 0);

    build(&world, clinic).await;
    world.run("update contacts set archived_at = app_clock() - interval '13 months' where erased_at is null").await;
    world.run("truncate forgotten").await;
    world.advance(Duration::days(2)).await;
    let report = store::round(&world.db, &journal, clinic).await.unwrap().unwrap();
    assert_eq!((report.erased, times().await), (3, 1), "once for all of them");
    assert_eq!((generations(&world).await, found(&world, clinic).await), (0, 0));

    build(&world, clinic).await;
    world.run("truncate forgotten").await;
    world.advance(Duration::days(2)).await;
    let report = store::round(&world.db, &journal, clinic).await.unwrap().unwrap();
    assert_eq!(
        (report.erased, times().await),
        (0, 0),
        "a round that erases nobody forgets nothing"
    );
    assert_eq!(generations(&world).await, 1);
    std::fs::remove_dir_all(dir).unwrap();
}
