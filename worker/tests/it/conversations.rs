//! What the conversations come to: each row of the rules' table.

use chrono::Duration;
use simulator::Rule;

use crate::by_hand::{ATTEMPTS, CALL, FLAGS, Hands, conversation_over, says, with};
use crate::factory::Factory;

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
        assert_eq!(factory.word(ATTEMPTS).await, attempt, "{scenario}");
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
