//! What the provider's answers and the conversations come to: each row of the rules' tables.

use chrono::Duration;
use shared::calls::store::accounts;
use simulator::{Faults, Rule, Scenario};

use crate::by_hand::{Hands, sql};
use crate::factory::Factory;

const CALL: &str = "select concat_ws(' ', state, outcome) from calls";
const ATTEMPT: &str = "select concat_ws(' ', state, outcome, counts) from attempts where state <> 'released' order by reserved_at";
const FLAGS: &str = "select reason from flags order by reason";

fn says(name: &str) -> Rule {
    Rule { scenario: Some(Scenario::named(name).unwrap()), ..Rule::default() }
}

fn fails(name: &str) -> Rule {
    Rule { faults: Some(Faults::named(name).unwrap()), ..Rule::default() }
}

async fn with(rules: Vec<Rule>) -> (Factory, Hands) {
    let factory = Factory::with(|config| {
        config.rules = rules;
        config.drama_numbers = false;
    })
    .await;
    let hands = factory.hands().await;
    (factory, hands)
}

/// Dials one call and applies what the provider says of it.
async fn one_call(rule: Rule) -> (Factory, Hands) {
    let (factory, hands) = with(vec![rule]).await;
    factory.book(200, 47).await;
    factory
        .world
        .run(
            "update calls set due = app_clock(), earliest = app_clock(), eligible_at = app_clock()",
        )
        .await;
    assert_eq!(hands.look_and_dial().await.len(), 1);
    conversation_over(&factory, &hands).await;
    (factory, hands)
}

/// Applies webhooks until the provider has said all of its calls.
async fn conversation_over(factory: &Factory, hands: &Hands) {
    let open = "select count(*) from attempts where state in ('placed', 'ended')";
    let said = async {
        while factory.world.number(open).await > 0 {
            hands.settle().await;
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), said).await.unwrap();
}

#[tokio::test]
async fn conversations_end_as_the_rules_say() {
    for (scenario, attempt, call, status, flags) in [
        (
            "confirmed",
            "settled answered_confirmed t",
            "settled answered_confirmed",
            "confirmed voice",
            "",
        ),
        (
            "confirmed_follow_up",
            "settled answered_confirmed t",
            "settled answered_confirmed",
            "confirmed voice",
            "follow_up_required",
        ),
        (
            "cancelled",
            "settled answered_cancelled t",
            "settled answered_cancelled",
            "cancelled",
            "",
        ),
        (
            "rescheduled_no_time",
            "settled answered_rescheduled t",
            "settled answered_rescheduled",
            "rescheduled",
            "needs_new_time",
        ),
        ("no_action", "settled answered_no_action t", "settled answered_no_action", "pending", ""),
        (
            "no_action_follow_up",
            "settled answered_no_action t",
            "settled answered_no_action",
            "pending",
            "follow_up_required",
        ),
        ("hung_up", "settled answered_no_action t", "settled answered_no_action", "pending", ""),
        ("no_answer", "settled no_answer t", "planned no_answer", "pending", ""),
        ("busy", "settled busy t", "planned busy", "pending", ""),
        ("user_declined", "settled no_answer t", "planned no_answer", "pending", ""),
        ("dial_failed", "settled dial_failed t", "planned dial_failed", "pending", ""),
        ("voicemail", "settled voicemail t", "planned voicemail", "pending", ""),
        ("opt_out", "settled opted_out t", "settled opted_out", "pending", ""),
        (
            "wrong_number",
            "settled wrong_number t",
            "settled wrong_number",
            "pending",
            "wrong_number",
        ),
        (
            "invalid_destination",
            "not_placed invalid_destination f",
            "settled invalid_destination",
            "pending",
            "number_bad",
        ),
    ] {
        let (factory, _hands) = one_call(says(scenario)).await;
        assert_eq!(factory.word(ATTEMPT).await, attempt, "{scenario}");
        assert_eq!(factory.word(CALL).await, call, "{scenario}");
        let now =
            factory.word("select concat_ws(' ', status, confirmed_by) from appointments").await;
        assert_eq!(now, status, "{scenario}");
        assert_eq!(factory.word(FLAGS).await, flags, "{scenario}");
        let talked = factory.world.number("select count(last_contact_at) from appointments").await;
        let conversation = ["confirmed", "cancelled", "rescheduled", "no_action", "hung_up"];
        let want = conversation.iter().any(|name| scenario.starts_with(name));
        assert_eq!(talked == 1, want, "{scenario}: last contact time");
        let left = factory
            .world
            .number("select count(*) from attempts where holds_slot or token_held")
            .await;
        assert_eq!(left, 0, "{scenario}: slot and token come back");
    }
}

#[tokio::test]
async fn a_new_time_moves_the_appointment_and_plans_its_reminder_with_a_fresh_count() {
    let (factory, _hands) = one_call(says("rescheduled")).await;
    assert_eq!(
        factory.word("select status || ' ' || round from appointments").await,
        "rescheduled 2"
    );
    assert_eq!(
        factory.word("select state from calls order by planned_at").await,
        "settled, planned",
        "a new call for the new time"
    );
    assert_eq!(factory.world.number("select count(distinct purpose_key) from calls").await, 2);
}

#[tokio::test]
async fn after_no_answer_the_follow_up_comes_eight_hours_later_and_after_voicemail_on_a_later_day()
{
    for (scenario, not_yet, then) in [("no_answer", 7, 2), ("busy", 7, 2), ("voicemail", 13, 10)] {
        let (factory, hands) = one_call(says(scenario)).await;
        factory.world.advance(Duration::hours(not_yet)).await;
        assert!(hands.look().await.is_empty(), "{scenario}");
        factory.world.advance(Duration::hours(then)).await;
        assert_eq!(hands.look_and_dial().await.len(), 1, "{scenario}");
        conversation_over(&factory, &hands).await;
        assert_eq!(factory.word(CALL).await, format!("settled {scenario}"), "no attempt is left");
        assert_eq!(factory.word(FLAGS).await, "attempts_used", "{scenario}");
    }
}

#[tokio::test]
async fn voicemail_is_followed_up_today_if_only_today_is_left() {
    let (factory, hands) = with(vec![says("voicemail")]).await;
    // Deadline 07:00 tomorrow: no other day has an open instant.
    factory.book(200, 23).await;
    hands.look_and_dial().await;
    conversation_over(&factory, &hands).await;
    factory.world.advance(Duration::hours(8) + Duration::minutes(1)).await;
    assert_eq!(hands.look().await.len(), 1);
}

#[tokio::test]
async fn an_opt_out_withdraws_all_that_is_planned_for_the_number_and_flags_who_shares_it() {
    let (factory, hands) = with(vec![says("opt_out")]).await;
    factory.book(200, 24).await;
    factory.book(200, 30).await;
    factory.book(200, 90).await;
    factory.book(201, 90).await;
    hands.look_and_dial().await;
    conversation_over(&factory, &hands).await;
    assert_eq!(
        factory.word("select state || ' ' || coalesce(ended_reason, outcome, '') from calls order by deadline").await,
        "settled opted_out, withdrawn do_not_call, withdrawn do_not_call, planned "
    );
    assert_eq!(factory.world.number("select count(*) from do_not_call").await, 1);
    let others = "select count(distinct contact_id) from flags where reason = 'do_not_call'";
    assert_eq!(factory.world.number(others).await, 2, "the other two contacts");
    assert_eq!(hands.app.journal.entries().unwrap().len(), 1, "for a restore");
}

#[tokio::test]
async fn a_bad_number_refuses_its_other_calls_too() {
    let (factory, hands) = with(vec![says("invalid_destination")]).await;
    factory.book(200, 24).await;
    factory.book(200, 25).await;
    hands.look_and_dial().await;
    conversation_over(&factory, &hands).await;
    factory.world.advance(Duration::hours(2)).await;
    assert!(hands.look().await.is_empty());
    assert_eq!(
        factory
            .word("select state || ' ' || coalesce(ended_reason, '') from calls order by deadline")
            .await,
        "settled , refused number_bad"
    );
    assert_eq!(factory.word(FLAGS).await, "not_called:number_bad, number_bad");
}

#[tokio::test]
async fn staff_who_settled_the_appointment_meanwhile_are_right() {
    let (factory, hands) = with(vec![says("confirmed")]).await;
    factory.book(200, 24).await;
    hands.look_and_dial().await;
    factory.world.run("update appointments set status = 'cancelled'").await;
    conversation_over(&factory, &hands).await;
    assert_eq!(factory.word("select status from appointments").await, "cancelled");
    assert_eq!(factory.word(FLAGS).await, "answer_differs");
}

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
    assert_eq!(factory.word(ATTEMPT).await, "ended t");
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

/// One minute on: the probe that is due is taken and dialled.
async fn probe(factory: &Factory, hands: &mut Hands) -> bool {
    factory.world.advance(Duration::seconds(61)).await;
    worker::sweep::accounts::sweep(&hands.app).await.unwrap();
    let Ok(reserved) = hands.reserved.try_recv() else { return false };
    hands.dial(reserved.attempt).await;
    true
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
