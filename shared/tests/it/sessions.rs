//! What every session with PostgreSQL is told, whoever opens it.

use shared::calls::store::dispatch;
use shared::db::Error;
use shared::testing::World;

#[tokio::test]
async fn who_waits_for_a_lock_gives_up_before_a_frozen_holder_loses_it() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    // A process that is frozen within a look: it keeps the tenant's lock, and says nothing more.
    let mut frozen = world.db.tenant(tenant.id).await.unwrap();
    dispatch::open(&mut frozen).await.unwrap().unwrap();

    // Were it granted the lock after all, a frozen process with many looks would keep it for each of them in turn.
    let mut waiting = world.db.tenant(tenant.id).await.unwrap();
    let given = dispatch::open(&mut waiting).await;
    assert!(
        matches!(given, Err(Error::Busy(_))),
        "waited until the holder lost the lock: {given:?}"
    );

    // The holder hadn't lost it: its own time-out is the longer one.
    frozen.commit().await.unwrap();
    drop(waiting);
    let mut next = world.db.tenant(tenant.id).await.unwrap();
    assert!(dispatch::open(&mut next).await.unwrap().is_some());
}
