//! Whoever asks may go away at any moment: nobody inherits what they had begun.

use futures::FutureExt;
use shared::db::Db;
use shared::testing::World;

/// Connections go back to their pool a moment after they were let go.
async fn all_are_back(db: &Db) {
    while db.pool_use().iter().any(|pool| (pool.idle as u64) < u64::from(pool.open)) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_transaction_that_was_given_up_while_it_began_is_nobody_elses() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let (app, engine) = world.database_urls();
    // Few connections: each is asked for again at once.
    let db = Db::connect(&app, &engine, 1).unwrap();
    db.ping().await.unwrap();
    let mut given_up = [0, 0];
    // PostgreSQL is now and then faster than one look.
    for _ in 0..2_000 {
        if given_up.iter().all(|times| *times >= 5) {
            break;
        }
        all_are_back(&db).await;
        // Looked at once: `begin` is on its way, and nobody waits for it any more.
        given_up[0] += u32::from(db.tenant_snapshot(tenant.id).now_or_never().is_none());
        // In a transaction that somebody else began this is refused: it is too late for another snapshot.
        db.tenant_snapshot(tenant.id).await.expect("a transaction of its own");

        all_are_back(&db).await;
        given_up[1] += u32::from(db.engine().now_or_never().is_none());
        // Otherwise this would be in a transaction that nobody commits.
        db.now().await.unwrap();
        all_are_back(&db).await;
        let open = world
            .number("select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'")
            .await;
        assert_eq!(open, 0, "a connection in the pool is in a transaction");
    }
    assert!(given_up.iter().all(|times| *times >= 5), "the test tests: {given_up:?}");
}
