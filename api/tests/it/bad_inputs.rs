//! What is wrong gets its clear error, and changes nothing.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::{Datelike, Duration, NaiveDate, Weekday};
use serde_json::{Value, json};

use crate::client::{Answer, Client, ada};

/// `ada`, with one field changed or added.
fn with(field: &str, value: Value) -> Value {
    let mut new = ada();
    new[field] = value;
    new
}

async fn raw(client: &Client, what: &str, content_type: &str, body: impl Into<Body>) -> Answer {
    let (method, path) = what.split_once(' ').unwrap();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {}", client.clinic.admin.expose()))
        .header("content-type", content_type)
        .body(body.into())
        .unwrap();
    client.send(request).await
}

#[tokio::test]
async fn each_wrong_field_of_a_contact_is_named_and_nothing_is_stored() {
    let client = Client::new().await;
    let before = client.everything().await;
    // The last Sunday of March a year or so ahead: London skips 01:00 to 02:00.
    let year: i32 = client.ahead(Duration::days(400)).await[..4].parse().unwrap();
    let spring = (25..=31)
        .filter_map(|day| NaiveDate::from_ymd_opt(year, 3, day))
        .find(|day| day.weekday() == Weekday::Sun)
        .unwrap();
    let appointment = |value: Value| with("appointment", value);
    for (body, fault, why) in [
        (with("name", json!("X")), "/name too_short", "one letter"),
        (with("name", json!(7)), "/name wrong_type", "a number"),
        (with("name", Value::Null), "/name wrong_type", "null"),
        (json!({ "name": "Ada Lovelace" }), "/phone missing", "no number"),
        (with("phone", json!("+33 1 42 68 53 00")), "/phone country_not_accepted", "foreign"),
        (with("phone", json!("0909 879 0000")), "/phone premium_rate", "premium"),
        (with("phone", json!("0844 412 3456")), "/phone revenue_share", "revenue share"),
        (with("phone", json!("999")), "/phone too_short", "an emergency"),
        (with("email", json!("ada")), "/email no_at_sign", "no address"),
        (with("notes", json!("a".repeat(10_001))), "/notes too_long", "too many notes"),
        (with("zone", json!("Mars/Olympus")), "/zone unknown_zone", "no such place"),
        (with("channel", json!("fax")), "/channel unknown_channel", "no such channel"),
        (with("ssn", json!("000-00-0000")), "/ssn unknown_field", "a field that must not exist"),
        (
            appointment(json!({ "at": "2020-01-01T09:00:00Z" })),
            "/appointment/at in_the_past",
            "long gone",
        ),
        (appointment(json!({ "at": "2030-01-01" })), "/appointment/at bad_time", "no time"),
        (
            appointment(json!({ "at": "2030-01-01T09:00:00" })),
            "/appointment/at bad_time",
            "no offset",
        ),
        (appointment(json!({})), "/appointment/at missing", "no time at all"),
        (
            appointment(json!({ "local_time": format!("{spring}T01:30") })),
            "/appointment/local_time skipped_by_clocks",
            "a time that clocks skip",
        ),
        (
            appointment(json!({ "local_time": "2030-01-01T09:00", "zone": "Nowhere" })),
            "/appointment/zone unknown_zone",
            "an unknown zone",
        ),
        (
            appointment(json!({ "at": "2030-01-01T09:00:00Z", "call_before_hours": -1 })),
            "/appointment/call_before_hours out_of_range",
            "a negative lead",
        ),
        (
            appointment(json!({ "at": "2030-01-01T09:00:00Z", "diagnosis": "x" })),
            "/appointment/diagnosis unknown_field",
            "a field that must not exist",
        ),
    ] {
        let answer = client.admin("POST /v1/contacts", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}: {:?}", answer.body);
        assert_eq!(answer.faults(), [fault], "{why}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{why}");
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn all_faults_of_a_body_are_told_at_once_and_none_quotes_a_value() {
    let client = Client::new().await;
    let body = json!({ "name": "4dalovelace", "phone": "secret-number", "email": "secret-address",
                       "appointment": { "at": "secret-time" } });
    let answer = client.admin("POST /v1/contacts", body).await;
    assert_eq!(
        answer.faults(),
        [
            "/name bad_character",
            "/phone bad_character",
            "/email no_at_sign",
            "/appointment/at bad_time"
        ]
    );
    let text = answer.body.to_string();
    for value in ["4dalovelace", "secret"] {
        assert!(!text.contains(value), "{text}");
    }
    let wrong_type =
        client.admin("POST /v1/contacts", with("consent", json!("Ada's secret"))).await;
    assert_eq!(wrong_type.faults(), ["/consent wrong_type"]);
    assert!(!wrong_type.body.to_string().contains("secret"));
}

#[tokio::test]
async fn a_body_that_is_no_json_or_too_large_is_refused_as_such() {
    let client = Client::new().await;
    let before = client.everything().await;
    let create = "POST /v1/contacts";
    let json = "application/json";
    for (content_type, body, status, why) in [
        (json, "{\"name\": ".to_owned(), 400, "cut short"),
        (json, "name=Ada".to_owned(), 400, "a form"),
        (json, format!("{} x", ada()), 400, "something behind it"),
        (json, "[]".to_owned(), 422, "a list"),
        (json, "\u{0}".to_owned(), 400, "a control character"),
        ("text/plain", ada().to_string(), 415, "another type"),
        ("application/jsonx", ada().to_string(), 415, "nearly the type"),
        (json, with("notes", json!("a".repeat(70_000))).to_string(), 413, "70 kB"),
        (json, r#"["Ada Lovelace", "07700900123"]"#.to_owned(), 422, "fields without names"),
        (json, format!("{{\"x\":{}", "[".repeat(60_000)), 422, "nested without end"),
    ] {
        let answer = raw(&client, create, content_type, body).await;
        assert_eq!(answer.status.as_u16(), status, "{why}: {:?}", answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{why}");
        assert_eq!(answer.body["status"], status, "{why}");
    }
    // Without a length nobody knows how large it will be.
    let chunk = || Ok::<_, std::io::Error>("a".repeat(10_000));
    let endless = futures::stream::iter((0..20).map(move |_| chunk()));
    let answer = raw(&client, create, json, Body::from_stream(endless)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn an_address_a_method_or_a_parameter_that_is_not_there_is_a_problem() {
    let client = Client::new().await;
    for (what, status, why) in [
        ("GET /v1/nothing", 404, "no such address"),
        ("GET /", 404, "no such address"),
        ("GET /v1/contacts/not-an-id", 404, "an id that names nothing"),
        ("PUT /v1/contacts", 405, "no such method"),
        ("TRACE /v1/contacts", 405, "nor this one"),
        ("GET /v1/contacts?limit=0", 422, "too few"),
        ("GET /v1/contacts?limit=201", 422, "too many"),
        ("GET /v1/contacts?limit=-5", 422, "negative"),
        ("GET /v1/contacts?limit=x", 422, "no number"),
        ("GET /v1/contacts?cursor=x", 422, "no cursor"),
        ("GET /v1/contacts?name=Ada", 422, "search texts are never in a URL"),
        ("GET /v1/tenant/closed-dates", 200, "for comparison"),
        ("DELETE /v1/tenant/closed-dates/2027-02-30", 404, "no such date"),
    ] {
        let answer = client.admin(what, Value::Null).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {why}: {:?}", answer.body);
        if status != 200 {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{why}");
            let id = answer.header("x-request-id");
            assert_eq!(answer.body["request_id"], id, "{why}");
        }
    }
    let named = client.admin("GET /v1/contacts?name=Ada", Value::Null).await;
    assert_eq!(named.faults(), ["name unknown_parameter"]);
}
