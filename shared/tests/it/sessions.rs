//! What every session with PostgreSQL is told, whoever opens it.

use shared::calls::store::dispatch;
use shared::db::Error;
use shared::testing::World;

#[tokio::test]
async fn who_waits_for_a_lock_gives_up_before_a_frozen_holder_loses_it() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    // Connected before anybody holds anything: how long that takes must not matter.
    let mut waiting = world.db.tenant(tenant.id).await.unwrap();
    // A process that is frozen within a look: it keeps the tenant's lock, and says nothing more.
    let mut frozen = world.db.tenant(tenant.id).await.unwrap();
    dispatch::open(&mut frozen).await.unwrap().unwrap();

    // Were it granted the lock after all, a frozen process with many looks would keep it for each of them in turn.
    let given = dispatch::open(&mut waiting).await;
    assert!(
        matches!(given, Err(Error::Busy(_))),
        "waited until the holder lost the lock: {given:?}"
    );
    drop(frozen);
}
