//! What the provider's answers to a request come to: each row of the rules' table.

use chrono::Duration;
use simulator::Rule;

use crate::by_hand::{FLAGS, fails, with};

#[tokio::test]
async fn too_many_requests_are_retried_later_and_do_not_count() {
    let (factory, hands) = with(vec![Rule { nth: vec![1, 2], ..fails("refuse_429") }]).await;
    factory.book(200, 24).await;
    for n in 1..=2 {
        assert_eq!(hands.look_and_dial().await.len(), 1);
        assert_eq!(factory.word("select not_placed::text from calls").await, n.to_string());
        let counted = factory
            .world
            .number("select count(*) from attempts where counts or holds_slot or token_held")
            .await;
        assert_eq!(counted, 0);
        let token = "select count(*) from attempts where token_back_at = answered_at + interval '901 seconds'";
        assert_eq!(factory.world.number(token).await, n, "a request was sent: its token is out");
        let backed_off = "select count(*) from calls where retry_at between app_clock() - interval '1 second' \
                          and app_clock() + interval '61 seconds'";
        assert_eq!(factory.world.number(backed_off).await, 1);
        factory.world.advance(Duration::seconds(62)).await;
    }
    hands.look_and_dial().await;
    assert_eq!((factory.simulator.dials().len(), factory.placed()), (3, 1));
    assert_eq!(factory.word("select not_placed::text from calls").await, "0");
}

#[tokio::test]
async fn no_connection_means_that_nothing_was_sent_and_the_token_is_back_at_once() {
    let (factory, hands) = with(vec![]).await;
    factory.world.point_account_at(factory.tenant.account, "http://127.0.0.1:9").await;
    factory.book(200, 24).await;
    hands.look_and_dial().await;
    assert_eq!(
        factory.word("select concat_ws(' ', state, answer, request_sent) from attempts").await,
        "not_placed not_sent f"
    );
    let out = "select count(*) from attempts where token_held or token_back_at > app_clock() or counts or holds_slot";
    assert_eq!(factory.world.number(out).await, 0);
    assert_eq!(factory.word("select state from calls").await, "planned");
}

#[tokio::test]
async fn a_key_that_is_refused_holds_the_account_until_a_probe_succeeds() {
    for status in [401, 402, 403] {
        let fault = fails(&format!("refuse_{status}"));
        let (factory, hands) = with(vec![Rule { nth: vec![1], ..fault }]).await;
        factory.book(200, 24).await;
        factory.book(201, 24).await;
        let reserved = hands.look().await;
        hands.dial(reserved[0]).await;
        assert_eq!(
            factory.word("select held_reason from accounts").await,
            format!("status_{status}")
        );
        hands.dial(reserved[1]).await;
        assert_eq!(factory.simulator.dials().len(), 1, "the other one isn't dialled any more");
        assert!(hands.look().await.is_empty());
        assert_eq!(
            factory.word("select distinct state from calls").await,
            "planned",
            "none is refused"
        );
        assert_eq!(factory.word(FLAGS).await, "");

        worker::sweep::accounts::sweep(&hands.app).await.unwrap();
        assert_ne!(
            factory.word("select held_reason from accounts").await,
            "",
            "not before its time"
        );
        factory.world.advance(Duration::seconds(61)).await;
        worker::sweep::accounts::sweep(&hands.app).await.unwrap();
        assert_eq!(factory.world.number("select count(held_at) from accounts").await, 0);
        let due = shared::calls::store::dispatch::due_tenants(&hands.app.db, 9).await.unwrap();
        assert_eq!(due.len(), 1, "its tenants are looked at");
        assert_eq!(hands.look().await.len(), 2);
    }
}

#[tokio::test]
async fn a_configuration_that_is_refused_holds_the_tenant_until_it_is_tried_again() {
    let (factory, hands) = with(vec![Rule { nth: vec![1], ..fails("refuse_422") }]).await;
    factory.book(200, 24).await;
    hands.look_and_dial().await;
    assert_eq!(factory.word("select refused_reason from tenants").await, "status_422");
    assert_eq!(factory.word("select state from calls").await, "planned");
    factory.world.advance(Duration::minutes(1)).await;
    assert!(hands.look().await.is_empty());
    factory.world.run("update tenants set refused_at = null, refused_reason = null").await;
    assert_eq!(hands.look_and_dial().await.len(), 1);
    assert_eq!(factory.placed(), 1);
}

#[tokio::test]
async fn three_bad_requests_in_a_row_hold_the_tenant_and_each_call_needs_review() {
    let (factory, hands) = with(vec![fails("refuse_400")]).await;
    for digits in 200..203 {
        let held = factory.world.number("select count(refused_at) from tenants").await;
        assert_eq!(held, 0, "not after fewer than three");
        factory.book(digits, 24).await;
        hands.look_and_dial().await;
    }
    assert_eq!(
        factory.word("select distinct concat_ws(' ', state, outcome) from calls").await,
        "settled not_placed"
    );
    assert_eq!(
        factory.world.number("select count(*) from flags where reason = 'needs_review'").await,
        3
    );
    assert_eq!(factory.word("select refused_reason from tenants").await, "status_400");
}
