//! Appointments: booked, moved, confirmed, cancelled.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};

use crate::client::Client;

async fn booked(client: &Client, ahead: Duration) -> String {
    let contact = client.contact().await;
    let at = client.ahead(ahead).await;
    let path = format!("POST /v1/contacts/{contact}/appointments");
    let made = client.admin(&path, json!({ "at": at })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    made.header("location").to_owned()
}

#[tokio::test]
async fn a_local_time_is_an_instant_on_the_zones_wall() {
    let client = Client::new().await;
    let path = format!("POST /v1/contacts/{}/appointments", client.contact().await);
    let year: i32 = client.ahead(Duration::days(366)).await[..4].parse().unwrap();
    for (body, expected, why) in [
        (
            json!({ "local_time": format!("{year}-07-15T09:30") }),
            "07-15T08:30:00Z",
            "London in summer",
        ),
        (
            json!({ "local_time": format!("{year}-07-15T09:30"), "zone": "America/New_York" }),
            "07-15T13:30:00Z",
            "New York",
        ),
        (json!({ "at": format!("{year}-07-15T09:30:00+02:00") }), "07-15T07:30:00Z", "an offset"),
    ] {
        let made = client.admin(&path, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{why}: {:?}", made.body);
        assert_eq!(made.body["at"], format!("{year}-{expected}"), "{why}");
    }
}

#[tokio::test]
async fn a_real_move_is_rescheduled_and_a_small_one_keeps_the_status() {
    let client = Client::new().await;
    let path = booked(&client, Duration::days(3)).await;
    let confirmed =
        json!({ "status": "confirmed", "confirmed_by": "phone", "status_reason": "rang us" });
    let patched = client.change(&format!("PATCH {path}"), "\"1\"", confirmed).await;
    assert_eq!(patched.body["status"], "confirmed");
    assert_eq!(patched.body["confirmed_by"], "phone");

    // A quarter of an hour, towards the middle of the day so that no midnight lies between.
    let at: chrono::DateTime<chrono::Utc> = patched.body["at"].as_str().unwrap().parse().unwrap();
    let quarter = Duration::minutes(if chrono::Timelike::hour(&at) < 12 { 15 } else { -15 });
    let small = json!({ "at": (at + quarter).to_rfc3339() });
    let moved = client.change(&format!("POST {path}/move"), "\"2\"", small).await;
    assert_eq!((moved.status, &moved.body["status"]), (StatusCode::OK, &json!("confirmed")));

    let real = json!({ "at": client.ahead(Duration::days(9)).await });
    let moved = client.change(&format!("POST {path}/move"), "\"3\"", real).await;
    assert_eq!(moved.body["status"], "rescheduled");
    assert_eq!(moved.body["confirmed_by"], Value::Null);
    assert_eq!(client.world.number("select round::int8 from appointments").await, 2);
}

#[tokio::test]
async fn an_appointment_is_cancelled_with_a_reason_and_deleted() {
    let client = Client::new().await;
    let path = booked(&client, Duration::days(3)).await;
    let cancelled = client
        .change(&format!("POST {path}/cancel"), "\"1\"", json!({ "reason": "is away" }))
        .await;
    assert_eq!(cancelled.body["status"], "cancelled");
    assert_eq!(cancelled.body["status_reason"], "is away");
    let contact = path.split("/appointments").next().unwrap();
    let shown = client.admin(&format!("GET {contact}"), Value::Null).await;
    assert_eq!(shown.body["next_appointment"], Value::Null, "a cancelled one is not next");

    let deleted = client.change(&format!("DELETE {path}"), "\"2\"", Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(
        client.admin(&format!("GET {path}"), Value::Null).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn each_wrong_field_of_an_appointment_is_named() {
    let client = Client::new().await;
    let path = booked(&client, Duration::days(3)).await;
    let before = client.everything().await;
    for (body, fault, why) in [
        (json!({ "call_before_hours": 0 }), "/call_before_hours out_of_range", "no lead"),
        (json!({ "call_before_hours": 169 }), "/call_before_hours out_of_range", "over a week"),
        (json!({ "duration_minutes": 4 }), "/duration_minutes out_of_range", "too short"),
        (json!({ "duration_minutes": 481 }), "/duration_minutes out_of_range", "too long"),
        (json!({ "type": "a".repeat(81) }), "/type too_long", "a long type"),
        (json!({ "location": "{{x}}" }), "/location placeholder", "filled in by the provider"),
        (json!({ "voice_text": "a".repeat(301) }), "/voice_text too_long", "a speech"),
        (json!({ "priority": "highest" }), "/priority wrong_type", "no such priority"),
        (json!({ "status": "done" }), "/status wrong_type", "no such status"),
        (json!({ "confirmed_by": "sms" }), "/confirmed_by not_wanted", "without a confirmation"),
        (json!({ "status_reason": "x" }), "/status_reason not_wanted", "without a status"),
        (json!({ "at": "2030-01-01T00:00:00Z" }), "/at unknown_field", "times change by moving"),
    ] {
        let answer = client.change(&format!("PATCH {path}"), "\"1\"", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}");
        assert_eq!(answer.faults(), [fault], "{why}");
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn why_an_appointment_stands_as_it_does_lies_sealed() {
    let client = Client::new().await;
    let path = booked(&client, Duration::days(3)).await;
    let body = json!({ "reason": "is in HOSPITAL"});
    client.change(&format!("POST {path}/cancel"), "\"1\"", body).await;
    let rows = client.world.texts("select a::text from appointments a").await.join(" ");
    let bytes = "select encode(status_reason_sealed, 'escape') from appointments";
    let rows = rows + &client.world.texts(bytes).await.join(" ");
    assert!(!rows.contains("HOSPITAL"), "{rows}");
    let shown = client.admin(&format!("GET {path}"), Value::Null).await;
    assert_eq!(shown.body["status_reason"], "is in HOSPITAL");
    // What the release before writes is newer than what this one sealed.
    client.world.run("update appointments set status_reason = 'is well again'").await;
    let shown = client.admin(&format!("GET {path}"), Value::Null).await;
    assert_eq!(shown.body["status_reason"], "is well again");
}
