//! What is heard of a call late, early, or after all was said: never twice, and nothing lost.

use chrono::Duration;
use shared::calls::store::dial as store;
use shared::ids::AttemptId;
use simulator::{Faults, Rule, VendorFaults};

use crate::by_hand::{ATTEMPTS, CALL, Hands, PHONE, claim_only, fails, first_call, sql};
use crate::factory::Factory;

impl Factory {
    /// The list shows nothing of the last ten minutes.
    fn list_is_blind(&self, blind: bool) {
        let list_lag_ms = if blind { 600_000 } else { 0 };
        self.simulator.set_faults(VendorFaults { list_lag_ms, ..VendorFaults::default() }).unwrap();
    }
}

/// What the provider says about an attempt, at one point of its call's life.
async fn tell(factory: &Factory, hands: &Hands, attempt: AttemptId, call: serde_json::Value) {
    let mut call = call;
    call["call_id"] = "call_told".into();
    let told = worker::settle::told::Told::by_call(
        serde_json::from_value(call).unwrap(),
        worker::settle::told::Occasion::Webhook,
    );
    assert!(
        worker::settle::apply::apply(&hands.app, factory.tenant.id, attempt, None, &told)
            .await
            .unwrap()
    );
}

fn ongoing() -> serde_json::Value {
    serde_json::json!({"call_status": "ongoing"})
}

fn ended() -> serde_json::Value {
    serde_json::json!({"call_status": "ended", "disconnection_reason": "user_hangup"})
}

fn analysed() -> serde_json::Value {
    serde_json::json!({
        "call_status": "ended", "disconnection_reason": "user_hangup",
        "call_analysis": {"custom_analysis_data": {"appointment_action": "confirmed"}},
    })
}

#[tokio::test]
async fn a_call_that_shows_just_before_the_retry_is_adopted_and_the_retry_dropped() {
    for still_rings in [false, true] {
        let factory = Factory::with(|config| {
            config.rules = vec![Rule { nth: vec![1], ..fails("cut_after") }];
            config.accounts[0].webhook_url = None;
            if still_rings {
                config.timings.ring = [600_000, 600_000];
            }
        })
        .await;
        factory.list_is_blind(true);
        let hands = factory.hands().await;
        factory.world.book(&factory.tenant, PHONE, 24).await;
        hands.look_and_dial().await;
        hands.check().await;
        hands.later(Duration::minutes(16)).await;
        assert_eq!(factory.word(ATTEMPTS).await, "not_placed not_placed f");

        factory.list_is_blind(false);
        factory.world.advance(Duration::minutes(1)).await;
        hands.look_and_dial().await;
        assert_eq!(factory.simulator.dials().len(), 1, "the retry was dropped");
        let found = if still_rings { "placed t" } else { "settled answered_confirmed t" };
        assert_eq!(factory.word(ATTEMPTS).await, found, "still rings: {still_rings}");
        let call = if still_rings { "in_progress" } else { "settled answered_confirmed" };
        assert_eq!(factory.word(CALL).await, call, "still rings: {still_rings}");
        assert!(hands.look().await.is_empty());
    }
}

#[tokio::test]
async fn a_call_found_after_its_retry_counts_again_and_the_younger_one_is_stopped() {
    let factory = Factory::with(|config| {
        config.rules = vec![Rule { nth: vec![1], ..fails("cut_after") }];
        config.accounts[0].webhook_url = None;
        config.timings.ring = [600_000, 600_000];
    })
    .await;
    factory.list_is_blind(true);
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    let older = hands.look_and_dial().await[0];
    hands.check().await;
    hands.later(Duration::minutes(16)).await;
    factory.world.advance(Duration::minutes(1)).await;
    hands.look_and_dial().await;
    assert_eq!(factory.placed(), 2, "the list had hidden the first one all the time");

    // Its webhook comes at last.
    let record = &factory.simulator.dials()[0];
    let metadata = record.metadata();
    let told = serde_json::from_value(serde_json::json!({
        "call_id": record.call_id, "call_status": "ongoing", "metadata": metadata,
    }))
    .unwrap();
    let told = worker::settle::told::Told::by_call(told, worker::settle::told::Occasion::List);
    let (app, tenant) = (&hands.app, &factory.tenant);
    assert!(
        worker::settle::apply::apply(app, tenant.id, older, Some(tenant.account), &told)
            .await
            .unwrap()
    );
    assert_eq!(factory.word(ATTEMPTS).await, "placed t, placed t", "both count");
    let stopped = |it: &simulator::Simulator| {
        it.dials()[1].disconnection_reason.as_deref() == Some("manual_stopped")
    };
    assert!(factory.simulator.wait_until(std::time::Duration::from_secs(5), stopped).await);
    assert_eq!(factory.word(CALL).await, "in_progress");
}

#[tokio::test]
async fn a_late_report_of_a_call_that_never_rang_stops_no_retry() {
    let factory = Factory::with(|config| {
        config.rules = vec![Rule { nth: vec![1], ..fails("concurrency_error") }];
        config.timings.ring = [600_000, 600_000];
    })
    .await;
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    let first = hands.look_and_dial().await[0];
    factory.until(2, "select count(*) from webhooks").await;
    hands.settle().await;
    assert_eq!(factory.word(ATTEMPTS).await, "not_placed not_placed f");
    assert_eq!(factory.word(CALL).await, "planned");
    factory.world.advance(Duration::minutes(1)).await;
    hands.look_and_dial().await;
    assert_eq!(factory.placed(), 2);

    let record = &factory.simulator.dials()[0];
    let told = serde_json::from_value(serde_json::json!({
        "call_id": record.call_id, "call_status": "error", "metadata": record.metadata(),
        "disconnection_reason": "concurrency_limit_reached", "start_timestamp": 1,
    }))
    .unwrap();
    let told = worker::settle::told::Told::by_call(told, worker::settle::told::Occasion::List);
    worker::settle::apply::apply(&hands.app, factory.tenant.id, first, None, &told).await.unwrap();
    assert_eq!(factory.word(ATTEMPTS).await, "not_placed not_placed f, placed t");
    assert_eq!(factory.simulator.dials()[1].disconnection_reason, None, "the retry rings on");
}

#[tokio::test]
async fn a_start_that_the_provider_delays_keeps_its_token_until_it_rang() {
    let factory = Factory::with(|config| {
        let faults = Faults { start_delay_ms: 1_500, ..Faults::named("late_start").unwrap() };
        config.rules = vec![Rule { faults: Some(faults), ..Rule::default() }];
    })
    .await;
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    hands.look_and_dial().await;
    hands.check().await;
    assert_eq!(factory.world.number("select count(*) from attempts where token_held").await, 1);
    factory.until(3, "select count(*) from webhooks").await;
    hands.settle().await;
    assert_eq!(factory.word(CALL).await, "settled answered_confirmed");
    let late = "select count(*) from attempts where not token_held \
                and token_back_at >= answered_at + interval '901 seconds' + interval '1400 milliseconds'";
    assert_eq!(factory.world.number(late).await, 1, "counted from its own start");
}

#[tokio::test]
async fn what_its_sender_says_after_all_was_settled_is_not_swept_for_ever() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    let attempt = hands.look_and_dial().await[0];
    factory.until(3, "select count(*) from webhooks").await;
    hands.settle().await;
    let mut tx = hands.app.db.tenant(factory.tenant.id).await.unwrap();
    let now = factory.world.db.now().await.unwrap();
    store::unknown(&mut tx, attempt, hands.app.sender, None, now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(factory.word(ATTEMPTS).await, "settled answered_confirmed t");
    let swept = sql("select count(*) from attempts where check_at < '9999-01-01'".to_owned());
    assert_eq!(factory.world.number(swept).await, 0);
}

#[tokio::test]
async fn the_provider_may_tell_everything_before_the_sender_does() {
    for (said, want) in [
        (ongoing(), "placed t"),
        (ended(), "ended t"),
        (analysed(), "settled answered_confirmed t"),
    ] {
        let factory = Factory::new().await;
        let hands = factory.hands().await;
        factory.world.book(&factory.tenant, PHONE, 24).await;
        let attempt = hands.look().await[0];
        claim_only(&factory, &hands, attempt).await;
        tell(&factory, &hands, attempt, said).await;
        assert_eq!(factory.word(ATTEMPTS).await, want);
        // And then its sender's own word changes nothing of that.
        let reply = store::Reply {
            answer: "accepted",
            status: Some(201),
            provider_call_id: Some("call_told"),
        };
        let facts = shared::calls::rules::facts::Facts::default();
        let (db, tenant) = (&hands.app.db, factory.tenant.id);
        let second = store::accepted(db, tenant, attempt, hands.app.sender, &reply, &facts).await;
        assert!(!second.unwrap());
        assert_eq!(factory.word(ATTEMPTS).await, want);
    }
}

#[tokio::test]
async fn a_late_answer_settles_the_call_that_was_planned_again() {
    for (said, attempt_now, call_now) in [
        (ongoing(), "placed t", "planned unknown"),
        (ended(), "ended t", "planned unknown"),
        (analysed(), "settled answered_confirmed t", "settled answered_confirmed"),
    ] {
        let factory = Factory::new().await;
        let (frozen, hands) = (factory.hands().await, factory.hands().await);
        factory.world.book(&factory.tenant, PHONE, 24).await;
        let attempt = frozen.look().await[0];
        claim_only(&factory, &frozen, attempt).await;
        hands.later(Duration::minutes(1)).await;
        hands.later(Duration::minutes(121)).await;
        assert_eq!(factory.word(CALL).await, "planned unknown");
        tell(&factory, &hands, attempt, said).await;
        assert_eq!(factory.word(ATTEMPTS).await, attempt_now);
        assert_eq!(factory.word(CALL).await, call_now);
    }
}

#[tokio::test]
async fn a_call_that_was_thought_absent_may_be_heard_of_at_any_point_of_its_life() {
    for (said, attempt_now, call_now) in [
        (ongoing(), "placed t", "in_progress"),
        (ended(), "ended t", "in_progress"),
        (analysed(), "settled answered_confirmed t", "settled answered_confirmed"),
    ] {
        let factory = first_call("cut_before").await;
        let hands = factory.hands().await;
        factory.world.book(&factory.tenant, PHONE, 24).await;
        let attempt = hands.look_and_dial().await[0];
        hands.check().await;
        hands.later(Duration::minutes(16)).await;
        assert_eq!(factory.word(ATTEMPTS).await, "not_placed not_placed f");
        tell(&factory, &hands, attempt, said).await;
        assert_eq!(factory.word(ATTEMPTS).await, attempt_now);
        assert_eq!(factory.word(CALL).await, call_now, "the retry is dropped");
    }
}

#[tokio::test]
async fn a_request_that_left_though_its_sender_said_no_is_adopted() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    let attempt = hands.look().await[0];
    claim_only(&factory, &hands, attempt).await;
    let mut tx = hands.app.db.tenant(factory.tenant.id).await.unwrap();
    let now = factory.world.db.now().await.unwrap();
    assert!(store::release_unsent(&mut tx, attempt, now).await.unwrap());
    tx.commit().await.unwrap();
    tell(&factory, &hands, attempt, ongoing()).await;
    assert_eq!(
        factory
            .word("select concat_ws(' ', state, counts, holds_slot, token_held) from attempts")
            .await,
        "placed t t t"
    );
    assert_eq!(factory.word(CALL).await, "in_progress");
    assert!(hands.look().await.is_empty());
}

#[tokio::test]
async fn a_sender_that_was_frozen_may_still_say_that_nothing_was_sent() {
    let factory = Factory::new().await;
    let (frozen, hands) = (factory.hands().await, factory.hands().await);
    factory.world.book(&factory.tenant, PHONE, 24).await;
    let attempt = frozen.look().await[0];
    claim_only(&factory, &frozen, attempt).await;
    hands.later(Duration::minutes(1)).await;
    assert_eq!(factory.word(ATTEMPTS).await, "unknown t", "a sweep came first");
    let mut tx = frozen.app.db.tenant(factory.tenant.id).await.unwrap();
    let now = factory.world.db.now().await.unwrap();
    assert!(store::release_unsent(&mut tx, attempt, now).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(factory.word("select state from attempts").await, "released");
    assert_eq!(factory.word(CALL).await, "planned");
    assert_eq!(hands.look_and_dial().await.len(), 1, "and is dialled at once");
}
