//! What workers do without anybody asking: contacts whose time is over, and rotations that were begun.

use shared::journal::Entry;
use shared::rotation::store::begin;
use shared::rotation::{Kind, Lead};
use std::time::Duration;
use worker::sweep::keeping;

use crate::by_hand::with;

#[tokio::test]
async fn a_worker_erases_whose_time_is_over_and_its_journal_remembers() {
    let (factory, hands) = with(vec![]).await;
    let booked = factory.book(200, 24).await;
    factory.world.run("update contacts set deleted_at = app_clock() - interval '13 months'").await;
    keeping::keep(&hands.app).await.unwrap();
    let erased =
        "select count(*) from contacts where erased_at is not null and key_wrapped is null";
    assert_eq!(factory.world.number(erased).await, 1);
    let noted = hands.app.journal.entries().unwrap();
    assert!(matches!(noted.as_slice(), [Entry::Erased { id, .. }] if *id == booked.contact));
    assert!(hands.look().await.is_empty(), "what was planned is withdrawn");
}

#[tokio::test]
async fn a_rotation_that_somebody_began_is_finished_by_a_worker() {
    let (factory, hands) = with(vec![]).await;
    factory.book(200, 24).await;
    let lead = Lead { before_it_seals: Duration::ZERO, before_the_rest: Duration::ZERO };
    for kind in Kind::ALL {
        begin(&factory.world.db, &factory.world.keys, factory.tenant.id, kind, lead).await.unwrap();
    }
    keeping::rotate(&hands.app).await.unwrap();
    let done = "select kind from key_rotations where state = 'done' order by kind";
    assert_eq!(factory.world.texts(done).await, ["contacts", "equality", "tenant"]);
    assert_eq!(hands.look_and_dial().await.len(), 1, "and who is due is dialled");
}
