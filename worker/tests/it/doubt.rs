//! Attempts whose fate is unknown: adopted, proved not placed, or left unknown.

use chrono::Duration;
use simulator::{Faults, Outage, Outcome, Rule, Scenario, Silence, VendorFaults};

use crate::by_hand::{ATTEMPTS, CALL, PHONE, claim_only, first_call};
use crate::factory::Factory;

#[tokio::test]
async fn a_call_whose_201_was_lost_is_adopted_from_the_list() {
    for fault in ["cut_after", "before_reply"] {
        let factory = first_call(fault).await;
        let hands = factory.hands().await;
        factory.world.book(&factory.tenant, PHONE, 24).await;
        hands.look_and_dial().await;
        if fault == "cut_after" {
            assert_eq!(factory.word(ATTEMPTS).await, "unknown t");
            hands.check().await;
            assert_ne!(factory.word("select provider_call_id from attempts").await, "");
        }
        factory.until(3, "select count(*) from webhooks").await;
        hands.settle().await;
        assert_eq!(factory.word(CALL).await, "settled answered_confirmed", "{fault}");
        assert_eq!(factory.placed(), 1);
    }
}

#[tokio::test]
async fn a_server_error_is_unknown_and_counts_until_the_list_was_silent_twice() {
    for fault in ["refuse_500", "refuse_503", "cut_before"] {
        let factory = first_call(fault).await;
        let hands = factory.hands().await;
        factory.world.book(&factory.tenant, PHONE, 24).await;
        hands.look_and_dial().await;
        assert_eq!(factory.word(ATTEMPTS).await, "unknown t", "{fault}");
        assert_eq!(factory.word(CALL).await, "in_progress");

        hands.check().await;
        hands.later(Duration::minutes(14)).await;
        assert_eq!(factory.word(ATTEMPTS).await, "unknown t", "14 minutes prove nothing");
        assert!(hands.look().await.is_empty(), "nothing is dialled meanwhile");
        hands.later(Duration::minutes(6)).await;
        assert_eq!(factory.word(ATTEMPTS).await, "not_placed not_placed f");
        assert_eq!(factory.word(CALL).await, "planned");

        factory.world.advance(Duration::minutes(1)).await;
        assert_eq!(hands.look_and_dial().await.len(), 1);
        assert_eq!(factory.placed(), 1, "the retry, and it alone");
    }
}

#[tokio::test]
async fn a_frozen_sender_proves_nothing_and_the_follow_up_comes_after_two_hours() {
    let factory = Factory::new().await;
    let (frozen, hands) = (factory.hands().await, factory.hands().await);
    factory.world.book(&factory.tenant, PHONE, 24).await;
    let attempt = frozen.look().await[0];
    claim_only(&factory, &frozen, attempt).await;

    for _ in 0..7 {
        hands.later(Duration::minutes(16)).await;
        worker::sweep::senders::sweep(&hands.app).await.unwrap();
        assert_eq!(factory.word(ATTEMPTS).await, "unknown t", "its lock is held: it may wake");
        assert_eq!(factory.world.number("select count(*) from attempts where token_held").await, 1);
    }
    hands.later(Duration::minutes(16)).await;
    assert_eq!(factory.word(ATTEMPTS).await, "unknown t", "it stays counted");
    let held = "select count(*) from attempts where token_held or holds_slot";
    assert_eq!(factory.world.number(held).await, 0, "token and slot came back");
    assert_eq!(factory.word(CALL).await, "planned unknown");
    assert_eq!(factory.word("select reason from flags").await, "outcome_unknown");

    // The follow-up goes out, beside the attempt that stays unknown for good.
    factory.world.advance(Duration::hours(22)).await;
    factory
        .world
        .run("update calls set deadline = app_clock() + interval '2 hours', due = app_clock()")
        .await;
    assert_eq!(hands.look_and_dial().await.len(), 1);
    assert_eq!(factory.word(ATTEMPTS).await, "unknown t, placed t");
    factory.until(3, "select count(*) from webhooks").await;
    hands.settle().await;
    assert_eq!(factory.word(CALL).await, "settled answered_confirmed");
    assert_eq!(factory.placed(), 1);
}

#[tokio::test]
async fn an_attempt_of_a_frozen_sender_that_was_the_last_one_tells_staff() {
    let factory = Factory::new().await;
    let (frozen, hands) = (factory.hands().await, factory.hands().await);
    factory.world.run("update tenants set policy = policy || '{\"max_attempts\": 1}'").await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    let attempt = frozen.look().await[0];
    claim_only(&factory, &frozen, attempt).await;
    hands.later(Duration::minutes(1)).await;
    hands.later(Duration::minutes(121)).await;
    assert_eq!(factory.word(CALL).await, "settled unknown");
    assert_eq!(
        factory.word("select reason from flags order by reason").await,
        "attempts_used, outcome_unknown"
    );
}

#[tokio::test]
async fn the_attempt_of_a_dead_sender_is_looked_for_and_dialled_again() {
    let factory = Factory::new().await;
    let (dying, hands) = (factory.hands().await, factory.hands().await);
    factory.world.book(&factory.tenant, PHONE, 24).await;
    let attempt = dying.look().await[0];
    claim_only(&factory, &dying, attempt).await;
    drop(dying);
    factory.world.advance(Duration::minutes(1)).await;
    worker::sweep::senders::sweep(&hands.app).await.unwrap();
    assert_eq!(
        factory.world.number("select count(*) from senders where dead_at is not null").await,
        1,
        "its lock could be taken"
    );
    hands.check().await;
    hands.later(Duration::minutes(16)).await;
    assert_eq!(factory.word(ATTEMPTS).await, "not_placed not_placed f");
    factory.world.advance(Duration::minutes(1)).await;
    hands.look_and_dial().await;
    assert_eq!(factory.placed(), 1);
}

#[tokio::test]
async fn the_silence_of_a_list_that_is_not_trusted_settles_nothing() {
    let factory = first_call("cut_before").await;
    let hands = factory.hands().await;
    factory.world.run("update accounts set list_trusted = false").await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    hands.look_and_dial().await;
    for _ in 0..6 {
        hands.later(Duration::minutes(16)).await;
        assert_eq!(factory.word(ATTEMPTS).await, "unknown t");
    }
    hands.later(Duration::minutes(30)).await;
    assert_eq!(factory.word(CALL).await, "planned unknown", "the ordinary follow-up");
}

#[tokio::test]
async fn a_list_that_does_not_answer_is_no_silence() {
    let factory = first_call("cut_before").await;
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    hands.look_and_dial().await;
    factory
        .simulator
        .set_faults(VendorFaults {
            outage: Some(Outage::Silence(Silence::Close)),
            ..VendorFaults::default()
        })
        .unwrap();
    hands.check().await;
    hands.later(Duration::minutes(30)).await;
    assert_eq!(factory.word(ATTEMPTS).await, "unknown t");
    assert_eq!(factory.word("select cardinality(silent_looks)::text from attempts").await, "0");
}

#[tokio::test]
async fn a_call_that_the_provider_has_forgotten_does_not_hold_its_slot_for_ever() {
    let factory = Factory::with(|config| {
        config.accounts[0].webhook_url = None;
        config.timings.ring = [600_000, 600_000];
    })
    .await;
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    hands.look_and_dial().await;
    assert_eq!(factory.word(ATTEMPTS).await, "placed t");
    factory.simulator.reset();
    for _ in 0..8 {
        hands.later(Duration::minutes(16)).await;
    }
    assert_eq!(factory.word(CALL).await, "planned unknown");
    assert_eq!(factory.word("select reason from flags").await, "outcome_unknown");
    assert_eq!(
        factory.world.number("select count(*) from attempts where holds_slot or token_held").await,
        0
    );
}

#[tokio::test]
async fn a_call_that_ended_and_was_then_forgotten_is_decided_by_its_end() {
    let factory = Factory::with(|config| {
        config.rules = vec![Rule {
            scenario: Some(Scenario::of(Outcome::NoAnswer)),
            faults: Some(Faults::named("analyzed_lost").unwrap()),
            ..Rule::default()
        }];
    })
    .await;
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    hands.look_and_dial().await;
    factory.until(1, "select count(*) from webhooks").await;
    hands.settle().await;
    assert_eq!(factory.word(ATTEMPTS).await, "ended t");
    factory.simulator.reset();
    hands.later(Duration::minutes(11)).await;
    assert_eq!(factory.word(CALL).await, "planned no_answer");
}
