//! Between reservation and request: what stops a dial, and that there is one.

use chrono::Duration;
use shared::calls::store::dial;

use crate::by_hand::sql;
use crate::factory::Factory;

#[tokio::test]
async fn what_stops_dialling_between_reservation_and_dial_is_heeded() {
    for (change, why) in [
        ("update tenants set paused_at = app_clock()", "paused by hand"),
        ("update tenants set auto_paused_at = app_clock()", "paused by itself"),
        ("update platform_state set stop_all_at = app_clock()", "everything is stopped"),
        ("update tenants set active = false", "suspended"),
        ("update tenants set refused_at = app_clock()", "not configured"),
        ("update accounts set held_at = app_clock()", "the account is held"),
        (
            "insert into do_not_call (tenant_id, id, number, number_eq, source, added_by, added_at) \
             select tenant_id, id, '\\x', phone_eq, 'manual', 'x', app_clock() from contacts",
            "on the do-not-call list",
        ),
        (
            "insert into bad_numbers select tenant_id, phone_eq, app_clock(), 'x' from contacts",
            "a bad number",
        ),
        ("update contacts set deleted_at = app_clock()", "the contact is gone"),
        ("update contacts set channel = 'email'", "the contact prefers electronic mail"),
        ("update appointments set status = 'cancelled'", "cancelled"),
        ("update appointments set status = 'confirmed'", "confirmed"),
        (
            "update tenants set policy = policy || '{\"consent_required\": true}'",
            "consent is required",
        ),
        (
            "insert into closed_dates select id, (app_clock() at time zone zone)::date, 'x' from tenants",
            "a holiday",
        ),
        ("update calls set deadline = app_clock()", "too late"),
    ] {
        let factory = Factory::new().await;
        let hands = factory.hands().await;
        factory.book(200, 24).await;
        let reserved = hands.look().await;
        factory.world.run(sql(change.to_owned())).await;
        hands.dial(reserved[0]).await;
        assert_eq!(factory.simulator.dials().len(), 0, "{why}");
        assert_eq!(factory.word("select state from attempts").await, "released", "{why}");
        assert_eq!(factory.word("select state from calls").await, "planned", "{why}");
        let left = "select count(*) from attempts where token_held or holds_slot or counts";
        assert_eq!(
            factory.world.number(left).await,
            0,
            "{why}: token, slot and gap are given back"
        );
        assert!(hands.look().await.is_empty(), "{why}");
    }
}

#[tokio::test]
async fn an_opt_out_that_comes_while_the_list_is_asked_before_a_retry_is_heeded() {
    use axum::{Json, Router, routing::post};
    let factory = Factory::with(|config| {
        config.rules = vec![simulator::Rule {
            faults: Some(simulator::Faults::named("cut_before").unwrap()),
            ..simulator::Rule::default()
        }];
    })
    .await;
    let first = factory.hands().await;
    factory.book(200, 24).await;
    first.look_and_dial().await;
    first.check().await;
    first.later(Duration::minutes(16)).await;
    factory.world.advance(Duration::minutes(1)).await;

    let (asked, mut dialled) = tokio::sync::mpsc::channel::<()>(4);
    let world = std::sync::Arc::clone(&factory.world);
    let vendor = Router::new()
        .route(
            "/v3/list-calls",
            post(move || async move {
                world
                    .run(
                        "insert into do_not_call (tenant_id, id, number, number_eq, source, added_by, added_at) \
                         select tenant_id, id, '\\x', phone_eq, 'manual', 'x', app_clock() from contacts",
                    )
                    .await;
                Json(serde_json::json!({"items": [], "has_more": false}))
            }),
        )
        .route(
            "/v2/create-phone-call",
            post(move || async move {
                let _ = asked.send(()).await;
                axum::http::StatusCode::SERVICE_UNAVAILABLE
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, vendor).await });
    factory.world.point_account_at(factory.tenant.account, &url).await;
    let hands = factory.hands().await;
    assert_eq!(hands.look_and_dial().await.len(), 1);
    assert!(dialled.try_recv().is_err(), "nobody was dialled");
    assert_eq!(
        factory.word("select state from attempts order by reserved_at desc limit 1").await,
        "released"
    );
}

#[tokio::test]
async fn a_reservation_that_nobody_takes_goes_back_after_a_minute() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    let reserved = hands.look().await;
    factory.world.advance(Duration::seconds(59)).await;
    worker::sweep::attempts::expire(&hands.app).await.unwrap();
    assert_eq!(factory.word("select state from attempts").await, "reserved");
    factory.world.advance(Duration::seconds(2)).await;
    hands.dial(reserved[0]).await;
    assert_eq!(factory.simulator.dials().len(), 0, "too late to be taken");
    worker::sweep::attempts::expire(&hands.app).await.unwrap();
    assert_eq!(factory.word("select state from attempts").await, "released");
    assert_eq!(factory.word("select state from calls").await, "planned");
    assert_eq!(hands.look_and_dial().await.len(), 1);
    assert_eq!(factory.placed(), 1);
}

#[tokio::test]
async fn two_workers_with_the_same_task_send_one_request() {
    let factory = Factory::new().await;
    let (one, two) = (factory.hands().await, factory.hands().await);
    factory.book(200, 24).await;
    let attempt = one.look().await[0];
    tokio::join!(one.dial(attempt), two.dial(attempt), one.dial(attempt), two.dial(attempt));
    one.dial(attempt).await;
    assert_eq!(factory.simulator.dials().len(), 1);
}

#[tokio::test]
async fn the_provider_s_word_moves_the_call_on_before_its_sender_s_does() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    let attempt = hands.look().await[0];
    let mut tx = hands.app.db.tenant(factory.tenant.id).await.unwrap();
    let opened = dial::open(&mut tx, attempt).await.unwrap().unwrap();
    dial::claim(&mut tx, attempt, hands.app.sender, opened.now, 0).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let told = serde_json::from_value(serde_json::json!({
        "call_id": "call_1", "call_status": "ongoing",
    }))
    .unwrap();
    let told = worker::settle::told::Told::by_call(told, worker::settle::told::Occasion::Webhook);
    worker::settle::apply::apply(&hands.app, factory.tenant.id, attempt, None, &told)
        .await
        .unwrap();
    assert_eq!(factory.word("select state from calls").await, "in_progress");
}

#[tokio::test]
async fn a_reservation_whose_call_or_number_is_taken_meanwhile_is_given_back_at_once() {
    let another_rings = "insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, \
         reserved_at, expires_at, dialled_at) select tenant_id, gen_random_uuid(), call_id, contact_id, account_id, purpose_key, \
         number_eq, 'placed', reserved_at, expires_at, dialled_at from attempts";
    for (change, call_after, why) in [
        ("update calls set state = 'withdrawn'", "withdrawn", "the call is withdrawn"),
        ("update calls set state = 'in_progress'", "in_progress", "the call is dialled already"),
        (another_rings, "planned", "the number rings already"),
    ] {
        let factory = Factory::new().await;
        let hands = factory.hands().await;
        factory.book(200, 24).await;
        let attempt = hands.look().await[0];
        // After the last check and before the claim: so the claim must see it by itself.
        let mut tx = hands.app.db.tenant(factory.tenant.id).await.unwrap();
        let opened = dial::open(&mut tx, attempt).await.unwrap().unwrap();
        // Past the guard of arrows: a state that nothing should lead to.
        let past_guard =
            format!("begin; set local session_replication_role = replica; {change}; commit");
        factory.world.run(sql(past_guard)).await;
        let claim = dial::claim(&mut tx, attempt, hands.app.sender, opened.now, 0).await.unwrap();
        tx.commit().await.unwrap();
        assert!(claim.is_none(), "{why}");
        let given_back = sql(format!(
            "select count(*) from attempts where state = 'released' and not holds_slot and id = '{}'",
            attempt.0
        ));
        assert_eq!(factory.world.number(given_back).await, 1, "{why}");
        assert_eq!(factory.word("select state from calls").await, call_after, "{why}");
    }
}

#[tokio::test]
async fn an_edit_waits_for_the_call_under_way_before_it_takes_the_contact() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    let booking = factory.book(200, 24).await;
    let attempt = hands.look().await[0];
    let mut dialling = hands.app.db.tenant(factory.tenant.id).await.unwrap();
    let opened = dial::open(&mut dialling, attempt).await.unwrap().unwrap();
    dial::claim(&mut dialling, attempt, hands.app.sender, opened.now, 0).await.unwrap().unwrap();
    let mut editing = factory.world.db.tenant(factory.tenant.id).await.unwrap();
    let keys = factory.world.keys.of(&mut editing).await.unwrap();
    let (edited, ()) = tokio::join!(
        shared::contacts::store::lock(&mut editing, &keys, booking.contact),
        async {
            factory
                .until(
                    1,
                    "select least(count(*), 1) from pg_stat_activity where datname = current_database() \
                     and wait_event_type = 'Lock'",
                )
                .await;
            // Call first, contact then, as settling does it: nobody waits for the other.
            shared::contacts::store::lock(&mut dialling, &keys, booking.contact)
                .await
                .unwrap()
                .unwrap();
            dialling.commit().await.unwrap();
        }
    );
    assert!(edited.unwrap().is_some());
}

#[tokio::test]
async fn a_call_has_one_attempt_to_send_whatever_a_statement_forgets() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    assert_eq!(hands.look().await.len(), 1);
    // Fails unless the second one is refused.
    factory
        .world
        .run(
            "do $$ begin
                 insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                     expires_at, dialled_at)
                 select tenant_id, gen_random_uuid(), call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                     expires_at, dialled_at from attempts;
                 raise exception 'a second attempt was reserved';
             exception when unique_violation then null;
             end $$",
        )
        .await;
}
