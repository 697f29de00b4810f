//! When a tenant stops itself, and when an account waits: the automatic pause and the breaker.

use chrono::Duration;
use shared::calls::store::accounts;
use simulator::{Faults, Rule};

use crate::by_hand::{Hands, conversation_over, fails, says, sql, with};
use crate::factory::Factory;

/// One minute on: the probe that is due is taken and dialled.
async fn probe(factory: &Factory, hands: &mut Hands) -> bool {
    factory.world.advance(Duration::seconds(61)).await;
    worker::sweep::accounts::sweep(&hands.app).await.unwrap();
    let Ok(reserved) = hands.reserved.try_recv() else { return false };
    hands.dial(reserved.attempt).await;
    true
}

#[tokio::test]
async fn a_tenant_that_fails_fifteen_times_in_twenty_or_annoys_three_pauses_itself() {
    for (scenario, calls, reason) in
        [("dial_failed", 15, "too_many_failed_dials"), ("opt_out", 3, "too_many_opt_outs")]
    {
        let (factory, hands) = with(vec![says(scenario)]).await;
        factory.world.run("update accounts set starts_per_second = 10000").await;
        for digits in 0..u32::try_from(calls).unwrap() {
            factory.book(200 + digits, 24).await;
        }
        assert_eq!(hands.look_and_dial().await.len(), calls);
        conversation_over(&factory, &hands).await;
        assert_eq!(factory.word("select auto_paused_reason from tenants").await, reason);
        factory.book(300, 24).await;
        assert!(hands.look().await.is_empty());
        // Resumed: what was before is forgiven.
        factory
            .world
            .run("update tenants set auto_paused_at = null, resumed_at = app_clock()")
            .await;
        assert_eq!(hands.look_and_dial().await.len(), 1);
        conversation_over(&factory, &hands).await;
        assert_eq!(factory.world.number("select count(auto_paused_at) from tenants").await, 0);
    }
}

#[tokio::test]
async fn fourteen_failed_dials_and_no_answers_pause_nobody() {
    for (scenario, calls) in [("dial_failed", 14), ("no_answer", 20), ("opt_out", 2)] {
        let (factory, hands) = with(vec![says(scenario)]).await;
        factory.world.run("update accounts set starts_per_second = 10000").await;
        for digits in 0..u32::try_from(calls).unwrap() {
            factory.book(200 + digits, 24).await;
        }
        assert_eq!(hands.look_and_dial().await.len(), calls);
        conversation_over(&factory, &hands).await;
        assert_eq!(
            factory.world.number("select count(auto_paused_at) from tenants").await,
            0,
            "{scenario}"
        );
    }
}

#[tokio::test]
async fn the_breaker_opens_after_five_failures_and_closes_after_three_probes() {
    let (factory, mut hands) = with(vec![fails("refuse_429")]).await;
    factory.world.run("update accounts set starts_per_second = 10000").await;
    for digits in 200..205 {
        factory.book(digits, 24).await;
    }
    let reserved = hands.look().await;
    for attempt in &reserved[..4] {
        hands.dial(*attempt).await;
    }
    assert_eq!(factory.word("select breaker_open::text from accounts").await, "false");
    hands.dial(reserved[4]).await;
    assert_eq!(factory.word("select breaker_open::text from accounts").await, "true");

    // The outage lasts: a probe that fails keeps it open.
    assert!(probe(&factory, &mut hands).await, "though no call is marked as due");
    assert_eq!(factory.simulator.dials().len(), 6);
    factory
        .simulator
        .set_rules(&[Rule { faults: Some(Faults::none()), ..says("no_answer") }])
        .unwrap();
    for n in 1..=3 {
        assert_eq!(factory.word("select breaker_open::text from accounts").await, "true", "{n}");
        assert!(hands.look().await.is_empty(), "all others wait");
        assert!(probe(&factory, &mut hands).await, "probe {n}");
    }
    assert_eq!(factory.word("select breaker_open::text from accounts").await, "false");
    let account = accounts::find(&hands.app.db, factory.tenant.account).await.unwrap().unwrap();
    let now = factory.world.db.now().await.unwrap();
    let breaker = account.breaker.unwrap().0;
    for (minutes, rate) in [(0, 1.0), (1, 2.0), (3, 8.0)] {
        let rate_then =
            breaker.allowed_rate(now + Duration::minutes(minutes) + Duration::seconds(1), 10_000.0);
        assert!((rate_then - rate).abs() < 0.01, "{minutes} minutes later: {rate_then}");
    }
    let due = shared::calls::store::dispatch::due_tenants(&hands.app.db, 9).await.unwrap();
    assert_eq!(due.len(), 1, "who waited is looked at");
    assert_eq!(hands.look().await.len(), 1, "one a second at first");
}

#[tokio::test]
async fn the_probe_is_the_call_furthest_from_its_deadline_however_many_are_due() {
    let (factory, mut hands) = with(vec![Rule { nth: vec![1], ..fails("refuse_429") }]).await;
    factory.world.run("update accounts set starts_per_second = 10000, max_concurrent = 5").await;
    for digits in 200..205 {
        factory.book(digits, 24).await;
    }
    hands.look_and_dial().await;
    assert_eq!(factory.word("select breaker_open::text from accounts").await, "true");
    for digits in 300..360 {
        factory.book(digits, 26).await;
    }
    factory.book(400, 30).await;
    factory
        .world
        .run("update calls set due = app_clock(), earliest = app_clock(), eligible_at = app_clock() where outcome is null and not_placed = 0")
        .await;
    hands.look().await;
    factory
        .simulator
        .set_rules(&[Rule { faults: Some(Faults::none()), ..says("no_answer") }])
        .unwrap();
    assert!(probe(&factory, &mut hands).await);
    let last = factory.simulator.dials().pop().unwrap();
    assert_eq!(last.to_number.unwrap().to_string(), "+447700900400");
    assert!(
        factory.world.number("select count(*) from dispatch_state where waits_for_account").await
            == 1,
        "the others wait on"
    );
}

#[tokio::test]
async fn while_the_vendor_is_down_altogether_no_probe_is_dialled() {
    let (factory, mut hands) = with(vec![fails("refuse_429")]).await;
    factory.world.run("update accounts set starts_per_second = 10000").await;
    for digits in 200..205 {
        factory.book(digits, 24).await;
    }
    hands.look_and_dial().await;
    factory
        .simulator
        .set_faults(simulator::VendorFaults {
            outage: Some(simulator::Outage::Status(503)),
            ..simulator::VendorFaults::default()
        })
        .unwrap();
    assert!(!probe(&factory, &mut hands).await);
    assert_eq!(factory.simulator.dials().len(), 5);
}

#[tokio::test]
async fn a_tenant_whose_look_fails_does_not_keep_the_account_from_its_probe() {
    let (factory, mut hands) = with(vec![fails("refuse_429")]).await;
    factory.world.run("update accounts set starts_per_second = 10000").await;
    for digits in 200..205 {
        factory.book(digits, 24).await;
    }
    hands.look_and_dial().await;
    assert_eq!(factory.word("select breaker_open::text from accounts").await, "true");
    // A zone that PostgreSQL makes something of, and we don't: each look at that tenant fails. Ours comes after it, since
    // the first of its candidates is not to be called.
    let account = factory.tenant.account;
    let broken = factory.world.tenant_with(|it| it.account = Some(account)).await;
    factory.world.book(&broken, "+447700900300", 24).await;
    factory
        .world
        .run(sql(format!(
            "update calls set eligible_at = app_clock(), due = app_clock(), earliest = app_clock(), not_placed = 0, retry_at = null; \
             update dispatch_state set account_id = '{account}'; update tenants set zone = 'FOO1' where id = '{}'; \
             insert into do_not_call (tenant_id, id, number, number_eq, source, added_by, added_at) \
             select k.tenant_id, gen_random_uuid(), '', c.phone_eq, 'manual', 'test', app_clock() from calls k \
             join contacts c on c.id = k.contact_id where k.tenant_id = '{}' order by k.deadline desc limit 1",
            broken.id, factory.tenant.id
        )))
        .await;
    assert!(probe(&factory, &mut hands).await, "the next tenant's call is the probe");
}

#[tokio::test]
async fn too_many_requests_have_a_label_of_their_own_in_the_metrics() {
    let (factory, hands) = with(vec![fails("refuse_429")]).await;
    let counted = || -> f64 {
        let text = shared::telemetry::metrics::render();
        let line =
            text.lines().find(|line| line.starts_with("vio_dials_total{answer=\"too_many\"}"));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
    };
    let before = counted();
    factory.book(200, 24).await;
    hands.look_and_dial().await;
    assert!(counted() > before);
}
