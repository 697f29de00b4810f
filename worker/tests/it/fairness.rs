//! One tenant's trouble is no other's.

use std::collections::HashSet;

use shared::calls::store::dispatch::due_tenants;
use simulator::{Faults, Rule};

use crate::by_hand::{fails, says, sql, with};
use crate::factory::Factory;
use crate::own_redis::OwnRedis;

#[tokio::test]
async fn a_tenant_whose_every_look_fails_is_passed_over_and_hides_nobody() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    let other = factory.world.tenant().await;
    let drain = "update dispatch_state set next_dispatch_at = '9999-12-31 00:00:00+00'; delete from dispatch_wakes";
    factory.world.run(drain).await;
    // A stored policy that does not parse.
    let broken = format!(
        "update tenants set policy = '{{\"daily_limit\": \"many\"}}' where id = '{0}'; \
         insert into dispatch_wakes (tenant_id) select '{0}' from generate_series(1, 2000); \
         insert into dispatch_wakes (tenant_id) values ('{1}')",
        factory.tenant.id.0, other.id.0
    );
    factory.world.run(sql(broken)).await;
    let due = async |limit| {
        let due = due_tenants(&hands.app.db, limit).await.unwrap();
        due.into_iter().map(|due| due.tenant_id).collect::<Vec<_>>()
    };
    assert_eq!(due(9).await.len(), 2, "however often one of them is woken");
    worker::dispatch::pass(&hands.app).await.unwrap();
    assert!(due(9).await.is_empty(), "one was looked at, one is passed over");
    let kept = "select count(*) from dispatch_wakes";
    assert_eq!(factory.world.number(kept).await, 2001, "its wakes stay for the look that works");
    factory.world.advance(chrono::Duration::seconds(61)).await;
    assert_eq!(due(9).await, [factory.tenant.id], "perhaps it works now");
}

#[tokio::test]
async fn who_was_not_looked_at_for_longest_comes_first_whether_woken_or_due() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    let (due, woken) = (factory.tenant.id, factory.world.tenant().await.id);
    for (first, second) in [(due, woken), (woken, due)] {
        factory
            .world
            .run(sql(format!(
                "delete from dispatch_wakes; insert into dispatch_wakes (tenant_id) values ('{}'); \
                 update dispatch_state set next_dispatch_at = '9999-12-31 00:00:00+00', last_instant = app_clock(); \
                 update dispatch_state set next_dispatch_at = '1970-01-01 00:00:00+00' where tenant_id = '{}'; \
                 update dispatch_state set last_instant = app_clock() - interval '1 hour' where tenant_id = '{}'",
                woken.0, due.0, first.0
            )))
            .await;
        let found = due_tenants(&hands.app.db, 9).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|due| due.tenant_id).collect();
        assert_eq!(found, [first, second]);
    }
}

#[tokio::test]
async fn nobody_starves_however_many_are_woken_all_the_time() {
    const TENANTS: i64 = 40;
    // A look reads twice as many of the woken as it may take: far fewer than there are.
    const LIMIT: i32 = 4;
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    for _ in 1..TENANTS {
        factory.world.tenant().await;
    }
    factory
        .world
        .run(
            "update dispatch_state set next_dispatch_at = '9999-12-31 00:00:00+00', last_instant = app_clock() - interval '1 hour'; \
             delete from dispatch_wakes; insert into dispatch_wakes (tenant_id) select id from tenants",
        )
        .await;
    let mut looked_at = HashSet::new();
    // What is left out by chance 300 times running (8 of 40 are read each time) would be left out for ever.
    for _ in 0..300 {
        for due in due_tenants(&hands.app.db, LIMIT).await.unwrap() {
            looked_at.insert(due.tenant_id.0);
            // Looked at, and woken again at once.
            let again = format!(
                "update dispatch_state set last_instant = app_clock() where tenant_id = '{0}'; \
                 delete from dispatch_wakes where tenant_id = '{0}'; insert into dispatch_wakes (tenant_id) values ('{0}')",
                due.tenant_id.0
            );
            factory.world.run(sql(again)).await;
        }
        if looked_at.len() as i64 == TENANTS {
            return;
        }
    }
    panic!("{} of {TENANTS} were looked at", looked_at.len());
}

#[tokio::test]
async fn a_paused_tenant_does_not_keep_the_breaker_of_a_shared_account_open() {
    let (factory, mut hands) = with(vec![fails("refuse_429")]).await;
    factory.world.run("update accounts set starts_per_second = 10000").await;
    let paused = factory.world.tenant_with(|new| new.account = Some(factory.tenant.account)).await;
    let paused_id =
        sql(format!("update tenants set paused_at = app_clock() where id = '{}'", paused.id.0));
    for digits in 300..330 {
        // Further from their deadlines than all of the other tenant's.
        factory.world.book(&paused, &format!("+447700900{digits}"), 30).await;
    }
    factory
        .world
        .run(
            "update calls set due = app_clock(), earliest = app_clock(), eligible_at = app_clock()",
        )
        .await;
    factory.world.run(paused_id).await;
    for digits in 200..206 {
        factory.book(digits, 24).await;
    }
    let reserved = hands.look().await;
    for attempt in &reserved[..5] {
        hands.dial(*attempt).await;
    }
    assert_eq!(
        factory.word("select breaker_open::text from accounts where breaker_open").await,
        "true"
    );
    factory
        .simulator
        .set_rules(&[Rule { faults: Some(Faults::none()), ..says("no_answer") }])
        .unwrap();
    factory.world.advance(chrono::Duration::seconds(61)).await;
    worker::sweep::attempts::expire(&hands.app).await.unwrap();
    worker::sweep::accounts::sweep(&hands.app).await.unwrap();
    let probe = hands.reserved.try_recv().expect("the tenant that may dial has the probe");
    assert_eq!(probe.tenant, factory.tenant.id);
}

#[tokio::test]
async fn calls_that_time_overtook_are_refused_and_flagged_while_redis_is_away() {
    let redis = OwnRedis::start().await;
    let factory = Factory::on(&redis).await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.book(201, 24).await;
    factory.world.run("update calls set deadline = app_clock() where id = (select min(id::text)::uuid from calls)").await;
    drop(redis);
    worker::dispatch::pass(&hands.app).await.unwrap();
    assert_eq!(factory.word("select state from calls order by state").await, "planned, refused");
    assert!(factory.world.number("select count(*) from flags").await > 0);
    assert_eq!(
        factory.world.number("select count(*) from attempts").await,
        0,
        "nothing to dial with"
    );
}

#[tokio::test]
async fn a_zone_that_postgresql_does_not_know_is_refused() {
    let factory = Factory::new().await;
    // Anything else than the refusal fails the statement, and the test.
    factory
        .world
        .run(
            "do $$ begin \
                 update tenants set zone = 'Mars/Olympus'; \
                 raise exception 'it was taken'; \
             exception when check_violation then null; end $$",
        )
        .await;
}
