//! What never ends by itself: calls that the provider never finishes, webhooks that always fail, accounts that can't be used.

use chrono::Duration;
use shared::calls::store::recovery;
use simulator::{Faults, Outage, Outcome, Rule, Scenario, Silence, VendorFaults};
use worker::settle::apply::apply;
use worker::settle::told::{Occasion, Told};
use worker::sweep;

use crate::by_hand::{ATTEMPTS, CALL, FLAGS, PHONE, claim_only, conversation_over};
use crate::factory::Factory;

const HELD: &str = "select count(*) from attempts where holds_slot or token_held";

impl Factory {
    /// The provider answers nothing any more.
    fn goes_silent(&self) {
        let outage = Some(Outage::Silence(Silence::Close));
        self.simulator.set_faults(VendorFaults { outage, ..VendorFaults::default() }).unwrap();
    }

    /// Rings for longer than any test, and sends no webhooks.
    async fn that_rings_on() -> Self {
        Self::with(|config| {
            config.accounts[0].webhook_url = None;
            config.timings.ring = [600_000, 600_000];
        })
        .await
    }
}

#[tokio::test]
async fn a_call_that_the_provider_never_ends_holds_nothing_after_two_hours() {
    for silent in [false, true] {
        let factory = Factory::that_rings_on().await;
        let hands = factory.hands().await;
        factory.world.book(&factory.tenant, PHONE, 24).await;
        hands.look_and_dial().await;
        if silent {
            factory.goes_silent();
        }
        hands.later(Duration::minutes(119)).await;
        assert_eq!(factory.word(ATTEMPTS).await, "placed t", "silent: {silent}");
        assert_eq!(factory.world.number(HELD).await, 1);
        hands.later(Duration::minutes(6)).await;
        assert_eq!(factory.word(ATTEMPTS).await, "unknown t", "silent: {silent}");
        assert_eq!(factory.world.number(HELD).await, 0);
        assert_eq!(factory.word(CALL).await, "planned unknown");
        assert_eq!(factory.word(FLAGS).await, "outcome_unknown");
        // Looked for twice an hour, and told to staff once; nothing is taken again.
        hands.later(Duration::minutes(31)).await;
        assert_eq!(factory.word(ATTEMPTS).await, "unknown t");
        assert_eq!(factory.world.number(HELD).await, 0);
        assert_eq!(factory.word(CALL).await, "planned unknown");
        hands.later(Duration::hours(23)).await;
        let swept = "select count(*) from attempts where check_at < '9999-01-01'";
        assert_eq!(factory.world.number(swept).await, 0, "and after a day no more");
    }
}

#[tokio::test]
async fn a_call_that_ended_is_decided_by_its_end_when_nobody_answers_for_two_hours() {
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
    factory.goes_silent();
    hands.later(Duration::minutes(60)).await;
    assert_eq!(factory.word(ATTEMPTS).await, "ended t");
    hands.later(Duration::minutes(61)).await;
    assert_eq!(factory.word(CALL).await, "planned no_answer");
}

#[tokio::test]
async fn an_outage_of_a_day_strands_no_call_that_was_being_dialled() {
    for usable in [true, false] {
        let factory = Factory::new().await;
        let (frozen, hands) = (factory.hands().await, factory.hands().await);
        factory.world.book(&factory.tenant, PHONE, 72).await;
        factory.world.run("update calls set due = app_clock(), earliest = app_clock(), eligible_at = app_clock()").await;
        let attempt = frozen.look().await[0];
        claim_only(&factory, &frozen, attempt).await;
        if !usable {
            factory.world.run("update accounts set key_sealed = '\\x00'").await;
        }
        hands.later(Duration::hours(25)).await;
        assert_eq!(factory.word(ATTEMPTS).await, "unknown t", "usable: {usable}");
        assert_eq!(factory.word(CALL).await, "planned unknown", "usable: {usable}");
        assert_eq!(factory.word(FLAGS).await, "outcome_unknown");
        assert_eq!(factory.world.number(HELD).await, 0);
    }
}

#[tokio::test]
async fn a_webhook_that_always_fails_takes_no_other_along_and_is_given_up() {
    let factory = Factory::with(|config| config.drama_numbers = false).await;
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    hands.look_and_dial().await;
    factory.until(3, "select count(*) from webhooks").await;
    factory
        .world
        .run("update webhooks set body = '\\x00' where id = (select id from webhooks order by received_at, id limit 1)")
        .await;
    hands.settle().await;
    let by_state = "select state || tries from webhooks order by received_at, id";
    assert_eq!(factory.word(by_state).await, "stored1, processed1, processed1");
    assert_eq!(factory.word(CALL).await, "settled answered_confirmed");
    for _ in 0..12 {
        hands.settle().await;
    }
    assert_eq!(factory.word(by_state).await, "dead10, processed1, processed1");
}

#[tokio::test]
async fn a_webhook_whose_last_try_ended_the_process_is_given_up_by_the_sweep() {
    let factory = Factory::with(|config| config.drama_numbers = false).await;
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    hands.look_and_dial().await;
    factory.until(3, "select count(*) from webhooks").await;
    factory.world.run("update webhooks set tries = 10, sent_at = app_clock()").await;
    sweep::bury(&hands.app).await.unwrap();
    let dead = "select count(*) from webhooks where state = 'dead'";
    assert_eq!(factory.world.number(dead).await, 0, "its try may still run");
    hands.settle().await;
    assert_eq!(
        factory.world.number("select count(*) from webhooks where state = 'stored'").await,
        3
    );
    factory.world.advance(Duration::minutes(4)).await;
    sweep::bury(&hands.app).await.unwrap();
    assert_eq!(factory.world.number(dead).await, 3);
}

#[tokio::test]
async fn a_time_that_no_call_can_have_breaks_nothing() {
    for stamp in [8_210_266_876_799_999_i64, 4_102_444_800_000, -8_334_601_228_800_000, i64::MAX] {
        let factory = Factory::that_rings_on().await;
        let hands = factory.hands().await;
        factory.world.book(&factory.tenant, PHONE, 24).await;
        let attempt = hands.look_and_dial().await[0];
        let call = serde_json::from_value(serde_json::json!({
            "call_id": factory.word("select provider_call_id from attempts").await,
            "call_status": "ended", "disconnection_reason": "dial_no_answer",
            "start_timestamp": stamp, "end_timestamp": stamp,
            "call_analysis": {"in_voicemail": false},
        }))
        .unwrap();
        let told = Told::by_call(call, Occasion::Webhook);
        assert!(apply(&hands.app, factory.tenant.id, attempt, None, &told).await.unwrap());
        assert_eq!(factory.word(CALL).await, "planned no_answer", "{stamp}");
        let back = "select count(*) from attempts where token_back_at <= app_clock() + interval '902 seconds'";
        assert_eq!(factory.world.number(back).await, 1, "{stamp}: its token comes back");
    }
}

#[tokio::test]
async fn a_tenant_s_word_decides_the_outcome_but_frees_no_slot_of_the_provider() {
    let factory = Factory::with(|config| {
        config.accounts[0].webhook_url = None;
        config.timings.ring = [1_500, 1_500];
    })
    .await;
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    let attempt = hands.look_and_dial().await[0];
    let call = serde_json::from_value(serde_json::json!({
        "call_id": factory.word("select provider_call_id from attempts").await,
        "call_status": "ended", "disconnection_reason": "agent_hangup",
        "call_analysis": {"custom_analysis_data": {"appointment_action": "confirmed"}},
    }))
    .unwrap();
    let told = Told::by_call(call, Occasion::Tenant);
    assert!(apply(&hands.app, factory.tenant.id, attempt, None, &told).await.unwrap());
    assert_eq!(factory.word(CALL).await, "settled answered_confirmed");
    let slots = "select count(*) from attempts where holds_slot";
    assert_eq!(factory.world.number(slots).await, 1, "the provider still rings");
    let over = |it: &simulator::Simulator| it.state().analyzed == 1;
    assert!(factory.simulator.wait_until(std::time::Duration::from_secs(10), over).await);
    hands.later(Duration::minutes(16)).await;
    assert_eq!(factory.world.number(slots).await, 0, "it was asked, and says that it is over");
    let swept = "select count(*) from attempts where check_at < '9999-01-01'";
    assert_eq!(factory.world.number(swept).await, 0);
}

#[tokio::test]
async fn what_is_settled_and_still_to_be_checked_is_looked_at_once() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.world.book(&factory.tenant, PHONE, 24).await;
    hands.look_and_dial().await;
    conversation_over(&factory, &hands).await;
    factory.world.run("update attempts set check_at = app_clock()").await;
    hands.check().await;
    let swept = "select count(*) from attempts where check_at < '9999-01-01'";
    assert_eq!(factory.world.number(swept).await, 0);
}

#[tokio::test]
async fn keys_that_cannot_be_opened_put_the_call_off() {
    for broken in
        ["update accounts set key_sealed = '\\x00'", "update tenant_keys set wrapped = '\\x00'"]
    {
        let factory = Factory::new().await;
        let hands = factory.hands().await;
        factory.world.book(&factory.tenant, PHONE, 24).await;
        factory.world.run(broken).await;
        hands.look_and_dial().await;
        assert_eq!(factory.simulator.dials().len(), 0);
        assert_eq!(factory.word("select state from attempts").await, "released", "{broken}");
        assert_eq!(
            factory.word("select state || ' ' || blocked[1] from calls").await,
            "planned account_unusable",
            "{broken}"
        );
        assert!(hands.look().await.is_empty(), "not at once, and for ever");
    }
}

#[tokio::test]
async fn one_account_that_cannot_be_read_holds_only_itself_after_a_restore() {
    let factory = Factory::with(|config| config.drama_numbers = false).await;
    let hands = factory.hands().await;
    let other = factory.world.tenant().await;
    factory
        .world
        .run(crate::by_hand::sql(format!(
            "update accounts set key_sealed = '\\x00' where id = '{}'",
            other.account
        )))
        .await;
    assert_ne!(other.account, factory.tenant.account);
    recovery::begin(&hands.app.db, 1).await.unwrap();
    let mut read = sweep::recovery::Read::default();
    sweep::recovery::sweep(&hands.app, &mut read).await.unwrap();
    assert!(
        recovery::current(&hands.app.db).await.unwrap().is_some(),
        "not before the hold is over"
    );
    factory.world.advance(Duration::minutes(2)).await;
    sweep::recovery::sweep(&hands.app, &mut read).await.unwrap();
    assert!(recovery::current(&hands.app.db).await.unwrap().is_none(), "dialling goes on");
    let held = "select held_reason from accounts where held_at is not null";
    assert_eq!(factory.word(held).await, "not_read_after_restore");
    factory.world.advance(Duration::minutes(5)).await;
    sweep::accounts::sweep(&hands.app).await.unwrap();
    assert_eq!(factory.word(held).await, "not_read_after_restore", "no probe releases it");
}

#[tokio::test]
async fn the_silence_about_an_old_attempt_moves_no_call_that_rings_by_now() {
    let factory = Factory::with(|config| {
        config.rules = vec![Rule { nth: vec![1], ..crate::by_hand::fails("cut_before") }];
        config.accounts[0].webhook_url = None;
        config.timings.ring = [600_000, 600_000];
    })
    .await;
    let hands = factory.hands().await;
    factory.world.run("update accounts set list_trusted = false").await;
    factory.world.book(&factory.tenant, PHONE, 72).await;
    let due =
        "update calls set due = app_clock(), earliest = app_clock(), eligible_at = app_clock()";
    factory.world.run(due).await;
    hands.look_and_dial().await;
    hands.check().await;
    hands.later(Duration::minutes(125)).await;
    assert_eq!(factory.word(CALL).await, "planned unknown");
    hands.later(Duration::minutes(6 * 60)).await;
    factory.world.run(due).await;
    assert_eq!(hands.look_and_dial().await.len(), 1, "the follow-up");
    factory.world.run("update accounts set list_trusted = true").await;
    hands.later(Duration::minutes(31)).await;
    assert_eq!(factory.word(ATTEMPTS).await, "not_placed not_placed f, placed t");
    assert_eq!(factory.word(CALL).await, "in_progress unknown", "the younger one decides");
}
