//! What changes of contacts, appointments and lists do to planned calls.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};

use crate::client::{Client, ada};

/// Calls as `state purpose`, with rounds, in the order of their planning.
async fn calls(client: &Client) -> Vec<String> {
    let calls = "select state || coalesce(' ' || ended_reason, '') || ' ' || right(purpose_key, 1) from calls
                 order by planned_at, id";
    client.world.texts(calls).await
}

/// A contact with an appointment in five days, and the appointment's address.
async fn booked(client: &Client) -> (String, String) {
    let mut new = ada();
    new["appointment"] = json!({ "at": client.ahead(Duration::days(5)).await });
    let made = client.admin("POST /v1/contacts", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let contact = format!("/v1/contacts/{}", made.id());
    let appointment = made.body["next_appointment"]["id"].as_str().unwrap();
    (contact.clone(), format!("{contact}/appointments/{appointment}"))
}

#[tokio::test]
async fn a_booking_plans_one_reminder_at_its_lead() {
    let client = Client::new().await;
    let (_, appointment) = booked(&client).await;
    assert_eq!(calls(&client).await, ["planned 1"]);
    let due = "select (extract(epoch from p.at - k.due) / 3600)::int8 from calls k join appointments p on true";
    let lead = client.world.number(due).await;
    assert!((4..=40).contains(&lead), "24 h, or the open hours next to it: {lead}");

    let patch = json!({ "call_before_hours": 72 });
    client.change(&format!("PATCH {appointment}"), "\"1\"", patch).await;
    assert_eq!(calls(&client).await, ["planned 1"], "moved, not doubled");
    assert!(client.world.number(due).await >= 52);
}

#[tokio::test]
async fn what_ends_an_appointment_withdraws_its_reminder() {
    for (what, version, body, why) in [
        ("POST {a}/cancel", "\"1\"", json!({}), "cancelled"),
        ("PATCH {a}", "\"1\"", json!({ "status": "confirmed" }), "confirmed by hand"),
        ("DELETE {a}", "\"1\"", Value::Null, "deleted"),
        ("DELETE {c}", "\"1\"", Value::Null, "its contact deleted"),
    ] {
        let client = Client::new().await;
        let (contact, appointment) = booked(&client).await;
        let what = what.replace("{a}", &appointment).replace("{c}", &contact);
        let answer = client.change(&what, version, body).await;
        assert!(answer.status.is_success(), "{why}: {:?}", answer.body);
        let left = calls(&client).await;
        assert!(left.len() == 1 && left[0].starts_with("withdrawn "), "{why}: {left:?}");
    }
}

#[tokio::test]
async fn a_real_move_begins_a_new_round_and_reopening_plans_again() {
    let client = Client::new().await;
    let (_, appointment) = booked(&client).await;
    let at = json!({ "at": client.ahead(Duration::days(9)).await });
    client.change(&format!("POST {appointment}/move"), "\"1\"", at).await;
    let moved = calls(&client).await;
    assert_eq!(moved.len(), 2, "{moved:?}");
    assert!(moved[0].starts_with("withdrawn") && moved[1] == "planned 2", "{moved:?}");

    client.change(&format!("POST {appointment}/cancel"), "\"2\"", json!({})).await;
    client.change(&format!("PATCH {appointment}"), "\"3\"", json!({ "status": "pending" })).await;
    let planned = calls(&client).await.iter().filter(|call| call.starts_with("planned")).count();
    assert_eq!(planned, 1);
}

#[tokio::test]
async fn a_listed_number_is_withdrawn_for_all_who_have_it_and_they_are_flagged() {
    let client = Client::new().await;
    let (one, _) = booked(&client).await;
    let (other, _) = booked(&client).await;
    let listed = client.admin("POST /v1/do-not-call", json!({ "number": "07700900123" })).await;
    assert_eq!(listed.status, StatusCode::CREATED);
    let left = calls(&client).await;
    assert!(left.iter().all(|call| call.starts_with("withdrawn do_not_call")), "{left:?}");
    for contact in [one, other] {
        let shown = client.admin(&format!("GET {contact}"), Value::Null).await;
        assert_eq!(shown.body["calling_state"], "needs_review", "{:?}", shown.body);
    }
}

#[tokio::test]
async fn nothing_is_planned_for_a_request_that_fails() {
    let client = Client::new().await;
    let mut new = ada();
    new["email"] = json!("ada@example.com");
    client.admin("POST /v1/contacts", new.clone()).await;
    new["appointment"] = json!({ "at": client.ahead(Duration::days(5)).await });
    let refused = client.admin("POST /v1/contacts", new).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(calls(&client).await, [""; 0]);
}

/// Ten in the morning, and a booking so far ahead. The contact's address and the appointment's.
async fn booked_in_the_morning(ahead: Duration) -> (Client, String, String) {
    let client = Client::new().await;
    client.world.wait_for_morning().await;
    let mut new = ada();
    new["appointment"] = json!({ "at": client.ahead(ahead).await });
    let made = client.admin("POST /v1/contacts", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let contact = format!("/v1/contacts/{}", made.id());
    let appointment = made.body["next_appointment"]["id"].as_str().unwrap();
    (client, contact.clone(), format!("{contact}/appointments/{appointment}"))
}

/// Minutes from a call's time to its appointment: earliest, due, deadline; of planned calls.
async fn minutes_before(client: &Client) -> Vec<String> {
    let minutes = "select concat_ws(' ', floor(extract(epoch from p.at - k.earliest) / 60),
                     floor(extract(epoch from p.at - k.due) / 60), floor(extract(epoch from p.at - k.deadline) / 60))
                   from calls k join appointments p on p.id = k.appointment_id where k.state = 'planned' order by k.id";
    client.world.texts(minutes).await
}

async fn flags(client: &Client) -> Vec<String> {
    client.world.texts("select reason from flags where cleared_at is null order by reason").await
}

#[tokio::test]
async fn times_are_those_of_the_rules() {
    // Two days from ten in the morning: due is open and ahead, and the open period before it began at eight.
    let (client, _, appointment) = booked_in_the_morning(Duration::days(2)).await;
    let hours = |h: i64| h * 60;
    let want = format!("{} {} {}", hours(26), hours(24), hours(2));
    assert_eq!(minutes_before(&client).await, [want], "eight o'clock, a day, two hours before");

    let patch = json!({ "call_before_hours": 1 });
    client.change(&format!("PATCH {appointment}"), "*", patch).await;
    let want = format!("{} {} {}", hours(2), hours(1), 30);
    assert_eq!(minutes_before(&client).await, [want], "half of the lead is less than two hours");
}

#[tokio::test]
async fn a_booking_is_left_alone_for_half_an_hour() {
    let (client, ..) = booked_in_the_morning(Duration::hours(20)).await;
    // Due is past: the first open instant after half an hour, today.
    let after = "select round(extract(epoch from due - planned_at) / 60)::int8 from calls";
    assert_eq!(client.world.number(after).await, 30);
}

#[tokio::test]
async fn a_small_move_keeps_call_status_and_round_and_a_real_one_none() {
    let (client, _, appointment) = booked_in_the_morning(Duration::hours(50)).await;
    let moved_to = |by: Duration| {
        let (client, appointment) = (&client, &appointment);
        async move {
            let at = json!({ "at": client.ahead(by).await });
            client.change(&format!("POST {appointment}/move"), "*", at).await
        }
    };
    let call = client.world.texts("select id::text from calls").await;
    let small = moved_to(Duration::minutes(50 * 60 + 110)).await;
    assert_eq!(small.body["status"], "pending", "{:?}", small.body);
    assert_eq!(
        client.world.texts("select id::text from calls where state = 'planned'").await,
        call
    );
    assert!(
        minutes_before(&client).await[0].ends_with("1440 120"),
        "but due and deadline move along"
    );

    let real = moved_to(Duration::hours(54)).await;
    assert_eq!(real.body["status"], "rescheduled");
    let after = calls(&client).await;
    assert_eq!(after, ["withdrawn appointment_moved 1", "planned 2"]);
}

#[tokio::test]
async fn a_follow_up_keeps_its_time_when_the_appointment_moves_a_little() {
    let (client, _, appointment) = booked_in_the_morning(Duration::hours(50)).await;
    client
        .world
        .run(
            "update calls set outcome = 'voicemail', due = app_clock() + interval '23 hours', earliest = app_clock() + interval '23 hours',
                 eligible_at = app_clock() + interval '23 hours'",
        )
        .await;
    let at = json!({ "at": client.ahead(Duration::hours(51)).await });
    client.change(&format!("POST {appointment}/move"), "*", at).await;
    let kept = "select count(*) from calls where least(due, earliest, eligible_at) > app_clock() + interval '22 hours'
                and greatest(due, earliest, eligible_at) <= app_clock() + interval '23 hours'";
    assert_eq!(
        client.world.number(kept).await,
        1,
        "on a later day, as the rule says after voicemail"
    );
    assert!(minutes_before(&client).await[0].ends_with(" 120"), "the deadline moves");
}

#[tokio::test]
async fn too_late_is_flagged_once_and_what_was_planned_is_withdrawn() {
    // At half past eight tomorrow, with two hours' notice: it can be called today, and in the evening no more.
    let (client, _, appointment) =
        booked_in_the_morning(Duration::hours(22) + Duration::minutes(30)).await;
    assert_eq!(calls(&client).await, ["planned 1"]);
    client.world.advance(Duration::hours(11)).await;
    // Nine in the evening; the appointment moves from half past eight to eight.
    for minutes in [11 * 60, 11 * 60 + 5] {
        let at = json!({ "at": client.ahead(Duration::minutes(minutes)).await });
        let moved = client.change(&format!("POST {appointment}/move"), "*", at).await;
        assert_eq!(moved.status, StatusCode::OK, "{:?}", moved.body);
    }
    assert_eq!(
        calls(&client).await,
        ["withdrawn too_late_to_call 1"],
        "its times don't hold any more"
    );
    assert_eq!(flags(&client).await, ["too_late_to_call"]);

    let at = json!({ "at": client.ahead(Duration::days(4)).await });
    client.change(&format!("POST {appointment}/move"), "*", at).await;
    assert_eq!(flags(&client).await, [""; 0], "planned after all");
}

#[tokio::test]
async fn a_booking_that_is_too_late_is_flagged() {
    let (client, contact, _) = booked_in_the_morning(Duration::minutes(20)).await;
    assert_eq!(calls(&client).await, [""; 0]);
    assert_eq!(flags(&client).await, ["too_late_to_call"]);
    let shown = client.admin(&format!("GET {contact}"), Value::Null).await;
    assert_eq!(shown.body["calling_state"], "needs_review");
}

#[tokio::test]
async fn another_zone_plans_anew() {
    let (client, contact, _) = booked_in_the_morning(Duration::days(2)).await;
    let before = minutes_before(&client).await;
    // Ten in London is five there: the reminder waits for eight.
    let zone = json!({ "zone": "America/New_York" });
    client.change(&format!("PATCH {contact}"), "*", zone).await;
    let after = minutes_before(&client).await;
    assert_ne!(after, before);
    assert_eq!(calls(&client).await, ["planned 1"]);
}

#[tokio::test]
async fn a_dial_under_way_is_never_withdrawn() {
    for (what, body) in [
        ("POST {a}/cancel", json!({})),
        ("PATCH {a}", json!({ "status": "confirmed" })),
        ("DELETE {a}", Value::Null),
        ("DELETE {c}", Value::Null),
        ("POST /v1/do-not-call", json!({ "number": "07700900123" })),
    ] {
        let (client, contact, appointment) = booked_in_the_morning(Duration::days(2)).await;
        client.world.run("update calls set state = 'dialling', is_due = false").await;
        let what = what.replace("{a}", &appointment).replace("{c}", &contact);
        let answer = client.change(&what, "*", body).await;
        assert!(answer.status.is_success(), "{what}: {:?}", answer.body);
        assert_eq!(calls(&client).await, ["dialling 1"], "{what}");
    }
}

#[tokio::test]
async fn a_shared_number_that_has_no_time_for_both_is_flagged_when_planned() {
    let client = Client::new().await;
    client.world.wait_for_morning().await;
    for minutes in [0, 10] {
        let mut new = ada();
        // With three hours' lead and eight between dials of one number there is time for one.
        let at = client.ahead(Duration::hours(29) + Duration::minutes(minutes)).await;
        new["appointment"] = json!({ "at": at, "call_before_hours": 3 });
        client.admin("POST /v1/contacts", new).await;
    }
    assert_eq!(calls(&client).await, ["planned 1", "planned 1"]);
    let who = "select (p.at = (select max(at) from appointments))::text || ' ' || f.reason
               from flags f join appointments p on p.id = f.appointment_id";
    assert_eq!(
        client.world.texts(who).await,
        ["true shared_number"],
        "the earlier deadline goes first"
    );
}

#[tokio::test]
async fn a_number_that_is_put_right_is_called_after_all() {
    let (client, contact, _) = booked_in_the_morning(Duration::days(2)).await;
    client.admin("POST /v1/do-not-call", json!({ "number": "07700900123" })).await;
    assert_eq!(calls(&client).await, ["withdrawn do_not_call 1"]);
    let phone = json!({ "phone": "07700 900124" });
    client.change(&format!("PATCH {contact}"), "*", phone).await;
    assert_eq!(calls(&client).await, ["withdrawn do_not_call 1", "planned 1"]);
}

#[tokio::test]
async fn a_reminder_that_is_wanted_again_while_its_call_now_is_in_front_is_not_lost() {
    let (client, contact, appointment) = booked_in_the_morning(Duration::days(2)).await;
    client.change(&format!("PATCH {appointment}"), "*", json!({ "status": "confirmed" })).await;
    let pressed = client.admin(&format!("POST {contact}/call-now"), json!({})).await;
    assert_eq!(pressed.status, StatusCode::ACCEPTED, "{:?}", pressed.body);
    client.change(&format!("PATCH {appointment}"), "*", json!({ "status": "pending" })).await;
    let kept = "select concat_ws(' ', kind, front, taken_over, deadline < p.at) from calls k
                join appointments p on p.id = k.appointment_id where k.state = 'planned'";
    assert_eq!(
        client.world.texts(kept).await,
        ["reminder t t t"],
        "given back after its ten minutes, it is the reminder"
    );
}

#[tokio::test]
async fn what_waits_for_the_tenants_hours_is_looked_at_again_when_they_change() {
    for (what, body) in [
        ("PATCH /v1/tenant/policy", json!({ "call_anyway": true })),
        ("PUT /v1/tenant/zone", json!({ "zone": "Europe/Dublin" })),
        ("DELETE /v1/tenant/closed-dates/2027-01-01", Value::Null),
    ] {
        let (client, ..) = booked_in_the_morning(Duration::days(2)).await;
        let name = json!({ "name": "Holiday" });
        client.admin("PUT /v1/tenant/closed-dates/2027-01-01", name).await;
        client
            .world
            .run("update calls set blocked = '{outside_contact_hours}', eligible_at = app_clock() + interval '9 hours'")
            .await;
        let changed = client.change(what, "*", body).await;
        assert!(changed.status.is_success(), "{what}: {:?}", changed.body);
        let now = "select count(*) from calls where eligible_at <= app_clock()";
        assert_eq!(client.world.number(now).await, 1, "{what}");
    }
}
