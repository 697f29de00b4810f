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
