//! What operators' gauges say of calls that are due.

use shared::calls::store::waiting::{platform, waiting};
use shared::telemetry::metrics::WAITS_FOR;
use shared::testing::World;

#[tokio::test]
async fn a_due_call_is_counted_under_the_first_thing_that_stops_it() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    world.book(&tenant, "+447700900001", 24).await;
    world
        .run("update dispatch_state set next_dispatch_at = app_clock() - interval '90 seconds'")
        .await;
    world
        .run("update calls set due = app_clock(), eligible_at = app_clock() - interval '1 hour'")
        .await;
    // Each on top of those before it: what is named is what has to be lifted first.
    for (arrange, why) in [
        ("select", "nothing"),
        (
            "update dispatch_state set next_dispatch_at = app_clock() + interval '1 minute'",
            "limits",
        ),
        ("update dispatch_state set waits_for_account = true", "account_full"),
        ("update accounts set breaker_open = true", "breaker_open"),
        ("update accounts set held_at = app_clock()", "account_held"),
        ("update tenants set auto_paused_at = app_clock()", "auto_paused"),
        ("update tenants set paused_at = app_clock()", "paused"),
        ("update tenants set refused_at = app_clock()", "refused"),
        ("update tenants set account_id = null", "no_account"),
        ("update tenants set active = false", "inactive"),
        ("update platform_state set recovering_at = app_clock()", "recovering"),
        ("update platform_state set stop_all_at = app_clock()", "stop_all"),
    ] {
        world.run(arrange).await;
        let found = waiting(&world.db).await.unwrap();
        assert_eq!(found.len(), 1, "{why}: {found:?}");
        assert_eq!((found[0].why.as_str(), found[0].calls), (why, 1));
        assert!(WAITS_FOR.contains(&why));
        assert!((3_600.0..3_700.0).contains(&found[0].longest_seconds), "{found:?}");
        if why == "nothing" {
            assert!((90.0..190.0).contains(&found[0].late_seconds), "{found:?}");
        }
    }
    let all = platform(&world.db).await.unwrap();
    assert!(all.stop_all && all.recovering);
    assert_eq!(
        (all.paused, all.auto_paused, all.refused),
        (0, 0, 0),
        "an inactive tenant is nobody's trouble"
    );

    world.run("update tenants set active = true").await;
    let all = platform(&world.db).await.unwrap();
    assert_eq!((all.paused, all.auto_paused, all.refused), (1, 1, 1));
}

#[tokio::test]
async fn calls_that_are_not_due_or_under_way_wait_for_nothing() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    world.book(&tenant, "+447700900001", 24).await;
    for arrange in [
        "update calls set eligible_at = app_clock() + interval '1 minute', is_due = false",
        "update calls set eligible_at = app_clock() - interval '1 minute', state = 'in_progress'",
    ] {
        world.run(arrange).await;
        assert!(waiting(&world.db).await.unwrap().is_empty(), "{arrange}");
    }
}

#[tokio::test]
async fn workers_webhooks_and_accesses_are_counted_by_what_is_known_of_them() {
    let world = World::new().await;
    world
        .run(
            "insert into senders (id, host_id, started_at, seen_at, ended_at, dead_at)
             select gen_random_uuid(), gen_random_uuid(), app_clock(), app_clock() - s, e, d from (values
                 (interval '1 second', null::timestamptz, null::timestamptz),
                 (interval '1 minute', null, null), (interval '2 minutes', null, null),
                 (interval '2 days', null, null),
                 (interval '1 second', app_clock(), null), (interval '1 minute', null, app_clock())) v (s, e, d)",
        )
        .await;
    let tenant = world.tenant().await;
    let empty = platform(&world.db).await.unwrap();
    assert_eq!(
        (empty.workers, empty.silent_workers),
        (1, 2),
        "who ended, is dead or long gone is not waited for"
    );
    assert_eq!((empty.webhooks, empty.oldest_webhook_seconds), (0, 0.0));
    assert_eq!((empty.accesses, empty.oldest_access_seconds), (0, 0.0), "zero, not nothing");

    let source = shared::webhooks::Source::Account(tenant.account);
    let received = shared::webhooks::seal(world.keys.master(), source, b"{}").unwrap();
    shared::webhooks::store::store(&world.db, &[received]).await.unwrap();
    world.run("update webhooks set received_at = app_clock() - interval '1 minute'").await;
    let one = platform(&world.db).await.unwrap();
    assert_eq!(one.webhooks, 1);
    assert!((60.0..160.0).contains(&one.oldest_webhook_seconds), "{one:?}");

    let access = shared::audit::accesses::Access {
        tenant: tenant.id,
        actor: shared::audit::Actor::Worker,
        action: "GET /v1/contacts 200".into(),
        entity: tenant.id.0,
        shown: Vec::new(),
    };
    shared::audit::accesses::store::note(&world.db, &[access.clone(), access]).await.unwrap();
    world.run("update pending_accesses set at = app_clock() - n.ago from (select min(id) as first, interval '1 minute' as ago from pending_accesses) n where id = n.first").await;
    let two = platform(&world.db).await.unwrap();
    assert_eq!(two.accesses, 2);
    assert!((60.0..160.0).contains(&two.oldest_access_seconds), "the first counts: {two:?}");

    let mut tx = world.db.tenant(tenant.id).await.unwrap();
    shared::audit::accesses::store::seal(&mut tx, 100).await.unwrap();
    tx.commit().await.unwrap();
    let none = platform(&world.db).await.unwrap();
    assert_eq!((none.accesses, none.oldest_access_seconds), (0, 0.0), "chained");
}

#[tokio::test]
async fn a_rotation_that_stands_and_a_round_that_is_late_are_seen() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let none = platform(&world.db).await.unwrap();
    assert_eq!((none.rotations, none.rotation_stalled_seconds), (0, 0.0), "zero, not nothing");
    assert_eq!(none.retention_late_seconds, 0.0, "zero, not nothing");

    world
        .run(
            "insert into key_rotations (tenant_id, kind, state, key_id, phase, after, rows_total, ready_at, started_at, changed_at)
             select t.id, k, s, 2, 'contacts', gen_random_uuid(), 1, clock_timestamp() + r, clock_timestamp() - interval '2 hours',
                 clock_timestamp() - interval '1 hour'
             from tenants t, (values ('tenant', 'running', interval '-10 minutes'), ('contacts', 'done', interval '-2 hours'),
                 ('equality', 'running', interval '30 days')) v (k, s, r)",
        )
        .await;
    let stands = platform(&world.db).await.unwrap();
    assert_eq!(stands.rotations, 2, "one is done");
    let seconds = stands.rotation_stalled_seconds;
    assert!(
        (600.0..700.0).contains(&seconds),
        "since it may; one that waits doesn't stand: {seconds}"
    );

    world
        .run(
            "insert into retention_runs (tenant_id, next_at) select id, app_clock() - interval '3 hours' from tenants
             on conflict (tenant_id) do update set next_at = excluded.next_at",
        )
        .await;
    let late = platform(&world.db).await.unwrap().retention_late_seconds;
    assert!((10_800.0..10_900.0).contains(&late), "{late}");
    world.run("update tenants set active = false").await;
    let left = platform(&world.db).await.unwrap().retention_late_seconds;
    assert_eq!(left, 0.0, "{} is looked through no more", tenant.id);
}
