//! The provider's messages: twice, out of order, late, lost, and about others.

use chrono::Duration;

use crate::by_hand::{ATTEMPTS, CALL, FLAGS, conversation_over, fails, sql, with};

#[tokio::test]
async fn webhooks_twice_out_of_order_and_late_change_nothing_but_what_they_say_first() {
    for fault in [
        "duplicated",
        "reversed",
        "analyzed_first",
        "started_lost",
        "ended_lost",
        "before_reply",
        "no_timestamps",
    ] {
        let (factory, hands) = with(vec![fails(fault)]).await;
        factory.book(200, 24).await;
        let attempt = hands.look_and_dial().await[0];
        conversation_over(&factory, &hands).await;
        assert_eq!(factory.word(CALL).await, "settled answered_confirmed", "{fault}");
        // All of it again, as the provider tells it when it is asked.
        let account = hands
            .app
            .accounts
            .of(&hands.app.db, &hands.app.keys, factory.tenant.account)
            .await
            .unwrap();
        let id = factory.word("select provider_call_id from attempts").await;
        let call = account.client.find_call(&id).await.unwrap().unwrap();
        let told =
            worker::settle::told::Told::by_call(call, worker::settle::told::Occasion::Answer);
        let apply = worker::settle::apply::apply;
        assert!(apply(&hands.app, factory.tenant.id, attempt, None, &told).await.unwrap());
        for kind in ["call.ended", "call.settled", "call.placed"] {
            let told = sql(format!("select count(*) from events where kind = '{kind}'"));
            assert_eq!(factory.world.number(told).await, 1, "{fault}: {kind}");
        }
        assert_eq!(factory.simulator.dials().len(), 1);
    }
}

#[tokio::test]
async fn webhooks_that_never_come_are_made_up_for_by_asking() {
    for (fault, minutes) in [("lost", 16), ("analyzed_lost", 11)] {
        let (factory, hands) = with(vec![fails(fault)]).await;
        factory.book(200, 24).await;
        hands.look_and_dial().await;
        let over = |it: &simulator::Simulator| it.state().analyzed == 1;
        assert!(factory.simulator.wait_until(std::time::Duration::from_secs(10), over).await);
        let webhooks = if fault == "lost" { 0 } else { 2 };
        factory.until(webhooks, "select count(*) from webhooks").await;
        hands.settle().await;
        hands.check().await;
        assert_ne!(
            factory.word(CALL).await,
            "settled answered_confirmed",
            "{fault}: not asked yet"
        );
        hands.later(Duration::minutes(minutes)).await;
        assert_eq!(factory.word(CALL).await, "settled answered_confirmed", "{fault}");
    }
}

#[tokio::test]
async fn a_call_that_is_never_analysed_is_decided_ten_minutes_after_its_end() {
    let (factory, hands) = with(vec![fails("never_analyzed")]).await;
    factory.book(200, 24).await;
    hands.look_and_dial().await;
    factory.until(2, "select count(*) from webhooks").await;
    hands.settle().await;
    assert_eq!(factory.word(ATTEMPTS).await, "ended t");
    hands.later(Duration::minutes(11)).await;
    assert_eq!(factory.word(CALL).await, "settled answered_no_action");
    assert_eq!(
        factory.word(FLAGS).await,
        "follow_up_required",
        "somebody was spoken to, and nothing is known of it"
    );
}

#[tokio::test]
async fn a_message_about_another_tenant_s_or_an_unknown_call_changes_nothing() {
    let (factory, hands) = with(vec![]).await;
    factory.book(200, 24).await;
    let attempt = hands.look_and_dial().await[0];
    conversation_over(&factory, &hands).await;
    let other = factory.world.tenant().await;
    let before = factory.word("select md5(string_agg(a::text, '')) from attempts a").await;
    let told = |id: &str| {
        let call = serde_json::json!({"call_id": id, "call_status": "ended", "disconnection_reason": "user_requested_dnc"});
        worker::settle::told::Told::by_call(
            serde_json::from_value(call).unwrap(),
            worker::settle::told::Occasion::Webhook,
        )
    };
    let apply = worker::settle::apply::apply;
    let own_id = factory.word("select provider_call_id from attempts").await;
    for (tenant, account, id, why) in [
        (factory.tenant.id, Some(other.account), own_id.as_str(), "signed by another account"),
        (other.id, Some(factory.tenant.account), own_id.as_str(), "naming another tenant"),
        (
            factory.tenant.id,
            Some(factory.tenant.account),
            "call_else",
            "about another call of the provider",
        ),
    ] {
        assert!(!apply(&hands.app, tenant, attempt, account, &told(id)).await.unwrap(), "{why}");
    }
    let nobody = shared::ids::AttemptId::new();
    assert!(!apply(&hands.app, factory.tenant.id, nobody, None, &told("call_1")).await.unwrap());
    assert_eq!(factory.word("select md5(string_agg(a::text, '')) from attempts a").await, before);
    assert_eq!(factory.world.number("select count(*) from do_not_call").await, 0);
}

#[tokio::test]
async fn a_reservation_hears_of_no_call_that_nobody_asked_for() {
    let (factory, hands) = with(vec![]).await;
    factory.book(200, 24).await;
    let attempt = hands.look().await[0];
    let call = serde_json::json!({"call_id": "call_1", "call_status": "ended", "disconnection_reason": "user_hangup"});
    let told = worker::settle::told::Told::by_call(
        serde_json::from_value(call).unwrap(),
        worker::settle::told::Occasion::Webhook,
    );
    assert!(
        !worker::settle::apply::apply(&hands.app, factory.tenant.id, attempt, None, &told)
            .await
            .unwrap()
    );
    assert_eq!(factory.word("select state from attempts").await, "reserved");
}
