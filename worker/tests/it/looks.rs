//! What a look at a tenant reserves, what it leaves, and when it looks again.

use chrono::Duration;
use shared::calls::rules::planning::Planned;
use shared::calls::store::plan::{self, NewCall, Withdraw};
use shared::calls::store::{dial, recovery};
use shared::ids::CallId;
use shared::testing::Booking;

use crate::by_hand::sql;
use crate::factory::Factory;

const PLANNED_WITHOUT_A_LOOK: &str = "select count(*) from calls k join dispatch_state d using (tenant_id) where k.state = 'planned' \
     and not d.waits_for_account and d.next_dispatch_at > greatest(k.eligible_at, app_clock() + interval '16 minutes') + interval '1 second' \
     and not exists (select from dispatch_wakes w where w.tenant_id = k.tenant_id)";

impl Factory {
    pub(crate) async fn book(&self, last_digits: u32, hours: i64) -> Booking {
        let phone = format!("+447700900{last_digits:03}");
        self.world.book(&self.tenant, &phone, hours).await
    }
}

#[tokio::test]
async fn a_call_withdrawn_while_it_is_reserved_is_not_dialled() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.world.run("update calls set is_due = true").await;
    let call = CallId(factory.word("select id::text from calls").await.parse().unwrap());
    let mut tx = hands.app.db.tenant(factory.tenant.id).await.unwrap();
    let now = factory.world.db.now().await.unwrap();
    plan::withdraw(&mut tx, Withdraw::Call(call), "by hand", now).await.unwrap();

    let (commit, reserved) = tokio::join!(
        async {
            factory
                .until(
                    1,
                    "select least(count(*), 1) from pg_stat_activity where datname = current_database() \
                     and wait_event_type = 'Lock'",
                )
                .await;
            tx.commit().await
        },
        hands.look()
    );
    commit.unwrap();
    for attempt in reserved {
        hands.dial(attempt).await;
    }
    assert_eq!(factory.simulator.dials().len(), 0);
    assert_eq!(factory.word("select state from calls").await, "withdrawn");
}

#[tokio::test]
async fn a_call_planned_for_tomorrow_is_looked_at_though_the_account_was_full_today() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.world.run("update accounts set max_concurrent = 1").await;
    factory.book(200, 70).await;
    factory
        .world
        .run(
            "update calls set due = app_clock(), earliest = app_clock(), eligible_at = app_clock()",
        )
        .await;
    factory.book(201, 48).await;
    assert_eq!(hands.look().await.len(), 1);
    assert_eq!(factory.world.number(PLANNED_WITHOUT_A_LOOK).await, 0);
}

#[tokio::test]
async fn nothing_planned_is_left_without_a_next_look() {
    for (change, why) in [
        ("", "calls of today and tomorrow"),
        ("update accounts set max_concurrent = 1", "a full account"),
        ("update accounts set held_at = app_clock()", "a held account"),
        ("update accounts set starts_per_second = 0.01", "a slow account"),
        ("update tenants set policy = policy || '{\"window_limit\": 1}'", "a small window"),
        ("update tenants set policy = policy || '{\"daily_limit\": 1}'", "a small day"),
        ("update contacts set channel = 'sms'", "contacts who prefer a text"),
    ] {
        let factory = Factory::new().await;
        let hands = factory.hands().await;
        if !change.is_empty() {
            factory.world.run(sql(change.to_owned())).await;
        }
        for (digits, hours) in [(200, 24), (201, 24), (202, 25), (203, 48), (204, 100)] {
            factory.book(digits, hours).await;
        }
        if change.contains("contacts") {
            factory.world.run(sql(change.to_owned())).await;
        }
        for _ in 0..3 {
            hands.look().await;
            let lost = factory.world.number(PLANNED_WITHOUT_A_LOOK).await;
            if change.contains("paused") || change.contains("contacts") {
                continue;
            }
            assert_eq!(lost, 0, "{why}");
            factory.world.advance(Duration::minutes(1)).await;
        }
    }
}

#[tokio::test]
async fn a_contact_who_cannot_be_read_is_not_reserved_again_and_again() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.world.run("update contacts set name = '\\x00'").await;
    hands.look_and_dial().await;
    assert!(hands.look().await.is_empty(), "at most four times an hour");
    assert_eq!(factory.word("select blocked[1] from calls").await, "contact_unreadable");
    factory.world.advance(Duration::minutes(16)).await;
    assert_eq!(hands.look().await.len(), 1, "perhaps it can be read now");
    assert_eq!(factory.simulator.dials().len(), 0);
}

#[tokio::test]
async fn a_reminder_of_next_week_that_somebody_wants_called_now_is_called_now() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    let booking = factory.book(200, 120).await;
    assert!(hands.look().await.is_empty());
    front(&factory, booking).await;
    assert_eq!(hands.look().await.len(), 1);
}

/// Presses *call now* for a contact's appointment.
pub(crate) async fn front(factory: &Factory, booking: Booking) -> plan::Fronted {
    let now = factory.world.db.now().await.unwrap();
    let mut tx = factory.world.db.tenant(factory.tenant.id).await.unwrap();
    let until = now + Duration::hours(5);
    let purpose = shared::calls::plan::reminder_purpose(booking.appointment, 1);
    let call = NewCall {
        id: CallId::new(),
        contact: booking.contact,
        appointment: Some(booking.appointment),
        kind: "call_now",
        purpose: &purpose,
        times: Planned { earliest: now, due: now, deadline: until, eligible_at: now },
        warn_at: until,
        priority: 0,
        front_until: Some(now + Duration::minutes(10)),
    };
    let fronted = plan::front(&mut tx, now, &call).await.unwrap();
    tx.commit().await.unwrap();
    fronted
}

#[tokio::test]
async fn call_now_takes_over_is_given_back_and_is_one_call_however_often_it_is_pressed() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    let planned = factory.book(200, 120).await;
    factory.world.run("update tenants set paused_at = app_clock()").await;
    let first = front(&factory, planned).await;
    assert!(!first.new && !first.under_way, "it takes over the reminder");
    let again = front(&factory, planned).await;
    assert_eq!(again.id, first.id, "pressed twice it is one call");

    factory.world.advance(Duration::minutes(9)).await;
    hands.look().await;
    assert_eq!(factory.word("select state || front::text from calls").await, "plannedtrue");
    factory.world.advance(Duration::minutes(2)).await;
    hands.look().await;
    assert_eq!(factory.word("select state || front::text from calls").await, "plannedfalse");
    assert_eq!(
        factory.word("select kind from events where kind = 'call.given_back'").await,
        "call.given_back"
    );

    // A call that did not exist before is withdrawn.
    factory.world.run("update calls set state = 'withdrawn' where state = 'planned'").await;
    assert!(front(&factory, planned).await.new);
    factory.world.advance(Duration::minutes(11)).await;
    hands.look().await;
    assert_eq!(
        factory.word("select ended_reason from calls where kind = 'call_now'").await,
        "call_now_expired"
    );

    // While a dial is under way it answers that call.
    let under_way = factory.book(201, 24).await;
    factory.world.run("update tenants set paused_at = null").await;
    assert_eq!(hands.look().await.len(), 1);
    assert!(front(&factory, under_way).await.under_way);
}

#[tokio::test]
async fn a_change_of_each_table_that_the_rule_reads_wakes_the_tenant() {
    let factory = Factory::new().await;
    factory.book(200, 24).await;
    factory.world.run("insert into closed_dates select id, '2031-01-01', 'x' from tenants").await;
    for (change, why) in [
        ("update tenants set paused_at = app_clock()", "a pause"),
        ("update tenants set policy = '{}'", "another policy"),
        ("insert into closed_dates select id, '2030-01-01', 'x' from tenants", "a closed date"),
        ("delete from closed_dates where date = '2031-01-01'", "a date opened again"),
        ("update contacts set consent_at = app_clock()", "a consent"),
        ("update appointments set status = 'confirmed'", "an appointment"),
        (
            "insert into bad_numbers select tenant_id, phone_eq, app_clock(), 'x' from contacts",
            "a bad number",
        ),
        ("delete from bad_numbers", "a number that is good again"),
        (
            "insert into do_not_call (tenant_id, id, number, number_eq, source, added_by, added_at) \
             select tenant_id, id, '\\x', phone_eq, 'manual', 'x', app_clock() from contacts",
            "an opt-out",
        ),
        ("update do_not_call set removed_at = app_clock()", "an opt-out removed"),
        ("update calls set priority = 2", "a planned call"),
        (
            "insert into calls (tenant_id, id, contact_id, kind, purpose_key, state, earliest, due, deadline, eligible_at, \
             planned_at, updated_at) select tenant_id, gen_random_uuid(), id, 'call_now', 'day:x', 'planned', now(), now(), \
             now() + interval '9 days', now(), now(), now() from contacts",
            "another call",
        ),
        (
            "insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at, \
             expires_at, dialled_at) select k.tenant_id, gen_random_uuid(), k.id, contact_id, t.account_id, purpose_key, '\\x', \
             'unknown', now(), now(), now() from calls k join tenants t on t.id = k.tenant_id limit 1; \
             delete from dispatch_wakes; update attempts set state = 'not_placed'",
            "an attempt that frees something",
        ),
        ("update platform_state set stop_all_at = app_clock()", "everything is stopped"),
        ("update platform_state set stop_all_at = null", "everything goes on"),
    ] {
        factory.world.run("delete from dispatch_wakes").await;
        factory.world.run(sql(change.to_owned())).await;
        let wakes = factory.world.number("select count(*) from dispatch_wakes").await;
        assert!(wakes > 0, "{why}");
    }
}

#[tokio::test]
async fn a_call_that_is_held_for_its_contact_goes_out_when_the_contact_changes() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.book(201, 24).await;
    factory.world.run("update contacts set channel = 'sms'").await;
    assert!(hands.look().await.is_empty());
    assert_eq!(
        factory.word("select distinct blocked[1] from calls").await,
        "prefers_another_channel"
    );
    factory
        .world
        .run("update contacts set channel = 'voice' where id = (select max(id::text)::uuid from contacts)")
        .await;
    assert_eq!(hands.look().await.len(), 1, "at once, and not after a quarter of an hour");
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
async fn a_deadline_that_passes_refuses_the_call_and_flags_its_contact() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.world.run("update tenants set paused_at = app_clock()").await;
    factory.book(200, 24).await;
    hands.look().await;
    let now = factory.world.db.now().await.unwrap();
    // The deadline is at 08:00 next morning: the last chance was two calling hours before it.
    factory.world.advance(Duration::hours(9)).await;
    hands.look().await;
    assert_eq!(factory.word("select reason from flags").await, "last_chance:waiting");
    factory.world.advance(Duration::hours(14)).await;
    hands.look().await;
    assert_eq!(
        factory.word("select state || ' ' || ended_reason from calls").await,
        "refused deadline_passed"
    );
    let flags = factory.world.number("select count(*) from flags").await;
    assert_eq!(flags, 2, "at the last chance, and when it was too late; booked at {now}");
}

#[tokio::test]
async fn the_gap_holds_between_two_contacts_with_one_number() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.book(200, 24).await;
    assert_eq!(hands.look_and_dial().await.len(), 1, "one of them, in the same look");
    factory.until(3, "select count(*) from webhooks").await;
    hands.settle().await;
    factory.world.advance(Duration::hours(7)).await;
    assert!(hands.look().await.is_empty());
    assert_eq!(
        factory.word("select blocked[1] from calls where state = 'planned'").await,
        "gap_not_over"
    );
    factory.world.advance(Duration::hours(1) + Duration::minutes(1)).await;
    assert_eq!(hands.look().await.len(), 1);
}

#[tokio::test]
async fn the_twenty_sixth_call_of_a_quarter_of_an_hour_waits_for_a_token() {
    let factory = Factory::with(|config| {
        config.accounts[0].concurrency = 100;
        config.drama_numbers = false;
    })
    .await;
    let hands = factory.hands().await;
    factory.world.run("update accounts set max_concurrent = 100, starts_per_second = 10000").await;
    for digits in 200..230 {
        factory.book(digits, 24).await;
    }
    let mut dialled = 0;
    for _ in 0..3 {
        dialled += hands.look_and_dial().await.len();
    }
    assert_eq!(dialled, 25);
    factory.until(75, "select count(*) from webhooks").await;
    hands.settle().await;
    factory.world.advance(Duration::minutes(14) + Duration::seconds(50)).await;
    assert!(hands.look().await.is_empty(), "not a second too early");
    factory.world.advance(Duration::seconds(30)).await;
    assert_eq!(hands.look().await.len(), 5);
    let early = "select count(*) from attempts a where not a.token_held and \
                 a.token_back_at < greatest(a.answered_at, a.started_at) + interval '901 seconds'";
    assert_eq!(factory.world.number(early).await, 0);
}

#[tokio::test]
async fn the_day_has_its_limit_and_the_next_day_its_own() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.world.run("update tenants set policy = policy || '{\"daily_limit\": 2}'").await;
    for digits in 200..203 {
        factory.book(digits, 40).await;
        factory.world.run("update calls set due = app_clock(), earliest = app_clock(), eligible_at = app_clock()").await;
    }
    assert_eq!(hands.look_and_dial().await.len(), 2);
    factory.world.advance(Duration::hours(9)).await;
    assert!(hands.look().await.is_empty());
    factory.world.advance(Duration::hours(14)).await;
    assert_eq!(hands.look().await.len(), 1);
}

#[tokio::test]
async fn a_database_that_went_back_dials_nobody_until_the_provider_s_record_is_adopted() {
    // A sequence goes on 32 numbers ahead after a restore, since PostgreSQL logs it so.
    for goes_on_at in [1, 40] {
        the_database_goes_back(goes_on_at).await;
    }
}

async fn the_database_goes_back(goes_on_at: i64) {
    let factory = Factory::with(|config| config.drama_numbers = false).await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.book(201, 24).await;
    factory.book(202, 24).await;
    let reserved = hands.look().await;
    hands.dial(reserved[0]).await;
    hands.dial(reserved[1]).await;
    factory.until(6, "select count(*) from webhooks").await;
    // An opt-out that only the journal knows.
    let at = factory.world.db.now().await.unwrap();
    let id = shared::ids::DoNotCallId::new();
    hands.app.journal.opt_out(factory.tenant.id, id, b"hash", b"sealed", at);
    // The database goes back to before the second dial.
    let forget = format!(
        "delete from attempts where id = '{}'; update calls set state = 'planned', eligible_at = app_clock() where state = 'in_progress' \
         and not exists (select from attempts a where a.call_id = calls.id); delete from webhooks; select setval('dial_serial', {goes_on_at})",
        reserved[1]
    );
    factory.world.run(sql(forget)).await;

    hands.dial(reserved[2]).await;
    assert_eq!(factory.simulator.dials().len(), 2, "it is noticed before anybody is dialled");
    assert!(recovery::current(&hands.app.db).await.unwrap().is_some());
    assert!(hands.look().await.is_empty(), "and all dialling is held");

    worker::sweep::recovery::sweep(&hands.app).await.unwrap();
    assert_eq!(factory.world.number("select count(*) from attempts where adopted").await, 1);
    assert_eq!(factory.world.number("select count(*) from do_not_call").await, 1);
    factory.world.advance(Duration::minutes(2)).await;
    worker::sweep::recovery::sweep(&hands.app).await.unwrap();
    assert!(recovery::current(&hands.app.db).await.unwrap().is_none());
    worker::sweep::attempts::expire(&hands.app).await.unwrap();
    hands.look_and_dial().await;
    let mut numbers: Vec<_> = factory
        .simulator
        .dials()
        .iter()
        .map(|dial| dial.to_number.as_ref().unwrap().to_string())
        .collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!((factory.placed(), numbers.len()), (3, 3), "each once");
}

#[tokio::test]
async fn a_reservation_that_the_database_forgot_to_have_dialled_is_adopted() {
    let factory = Factory::with(|config| config.drama_numbers = false).await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    let attempt = hands.look_and_dial().await[0];
    // Back to when it was reserved.
    factory
        .world
        .run(
            "drop trigger only_known_arrows on attempts; drop trigger only_known_arrows on calls; \
             update attempts set state = 'reserved', intent_at = null, provider_call_id = null, claimed_by = null, serial = null, \
             answered_at = null, answer = null, facts = null, placed_at = null; update calls set state = 'reserved'; \
             delete from webhooks",
        )
        .await;
    recovery::begin(&hands.app.db, 1).await.unwrap();
    let over = |it: &simulator::Simulator| it.state().analyzed == 1;
    assert!(factory.simulator.wait_until(std::time::Duration::from_secs(5), over).await);
    worker::sweep::recovery::sweep(&hands.app).await.unwrap();
    hands.dial(attempt).await;
    assert_eq!(factory.placed(), 1, "not dialled again");
    assert_eq!(factory.world.number("select count(*) from attempts where adopted").await, 1);
    assert_eq!(factory.word("select state from calls").await, "settled");
}
