//! A request that names itself is done once.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::json;

use crate::client::{Client, ada};

const ONCE: [(&str, &str); 1] = [("idempotency-key", "booking-17 of 07700900123")];

#[tokio::test]
async fn the_second_time_gets_the_first_answer_and_changes_nothing() {
    let client = Client::new().await;
    let admin = &client.clinic.admin;
    let first = client.ask(admin, "POST /v1/contacts", &ONCE, &ada()).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (StatusCode::CREATED, ""));
    let before = client.everything().await;
    let second = client.ask(admin, "POST /v1/contacts", &ONCE, &ada()).await;
    assert_eq!(
        (second.status, second.header("idempotency-replayed")),
        (StatusCode::CREATED, "true")
    );
    assert_eq!(second.body, first.body);
    for header in ["location", "etag", "content-type"] {
        assert_eq!(second.header(header), first.header(header));
    }
    assert_eq!(client.everything().await, before);

    let mut other = ada();
    other["name"] = json!("Somebody Else");
    let reused = client.ask(admin, "POST /v1/contacts", &ONCE, &other).await;
    assert_eq!((reused.status.as_u16(), reused.problem()), (422, "idempotency-key-reused"));
    let elsewhere = client.ask(admin, "POST /v1/do-not-call", &ONCE, &ada()).await;
    assert_eq!(elsewhere.status.as_u16(), 422, "another address is another request");
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn a_key_is_one_tenants_own_and_lasts_a_day() {
    let client = Client::new().await;
    let other = client.world.tenant().await;
    let mine = client.ask(&client.clinic.admin, "POST /v1/contacts", &ONCE, &ada()).await;
    let theirs = client.ask(&other.admin, "POST /v1/contacts", &ONCE, &ada()).await;
    assert_eq!(theirs.status, StatusCode::CREATED);
    assert_ne!(theirs.id(), mine.id());

    client.world.advance(Duration::hours(24)).await;
    let next_day = client.ask(&client.clinic.admin, "POST /v1/contacts", &ONCE, &ada()).await;
    assert_eq!(next_day.header("idempotency-replayed"), "");
    assert_ne!(next_day.id(), mine.id());
}

#[tokio::test]
async fn a_refused_request_may_be_mended_and_sent_again() {
    let client = Client::new().await;
    let admin = &client.clinic.admin;
    let bad = json!({ "name": "Ada Lovelace", "phone": "1" });
    let refused = client.ask(admin, "POST /v1/contacts", &ONCE, &bad).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mended = client.ask(admin, "POST /v1/contacts", &ONCE, &ada()).await;
    assert_eq!(mended.status, StatusCode::CREATED);
}

#[tokio::test]
async fn twins_at_the_same_time_make_one() {
    let client = Client::new().await;
    let admin = &client.clinic.admin;
    let new = ada();
    let ask = || client.ask(admin, "POST /v1/contacts", &ONCE, &new);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    let mut made = 0;
    for answer in [a, b, c, d] {
        match answer.status {
            StatusCode::CREATED => {
                made += usize::from(answer.header("idempotency-replayed").is_empty())
            }
            StatusCode::CONFLICT => {
                assert_eq!(answer.problem(), "request-under-way");
                assert_eq!(answer.header("retry-after"), "1");
            }
            other => panic!("{other}: {:?}", answer.body),
        }
    }
    assert_eq!((made, client.world.number("select count(*) from contacts").await), (1, 1));
}

#[tokio::test]
async fn neither_key_nor_answer_lies_open() {
    let client = Client::new().await;
    client.ask(&client.clinic.admin, "POST /v1/contacts", &ONCE, &ada()).await;
    let row = client
        .world
        .texts("select encode(key_hash || request_hash || body, 'escape') || headers::text from idempotency_keys")
        .await;
    for secret in ["booking-17", "Ada", "7700900123"] {
        assert!(!row[0].contains(secret), "{secret}");
    }
    let new = ada();
    let nameless = [("idempotency-key", "")];
    let empty = client.ask(&client.clinic.admin, "POST /v1/contacts", &nameless, &new).await;
    assert_eq!(empty.faults(), ["Idempotency-Key bad_length"]);
}
