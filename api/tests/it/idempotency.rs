//! A request that names itself is done once.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};

use crate::access::{Things, Who, who_may};
use crate::client::{Client, ada};
use crate::contract::operations;

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

/// Sent by others' systems, whose every delivery has an id of its own.
const BY_SIGNATURE: [&str; 2] = ["receiveProviderEvent", "reportOutcome"];

/// None lets a client believe that it is safe to ask again when it isn't.
#[tokio::test]
async fn every_post_keeps_its_answer_or_says_that_it_does_not() {
    let client = Client::new().await;
    client.world.wait_for_morning().await;
    let (_, person) = client.signed_in("client_admin").await;
    let (_, platform) = client.super_admin().await;
    let key = client.clinic.admin.expose().to_owned();
    let (mut kept, mut refused) = (0, 0);
    for operation in operations() {
        let id = operation.id();
        if operation.method != "POST" || BY_SIGNATURE.contains(&id) {
            continue;
        }
        let things = Things::of(&client).await;
        let what = format!("POST {}", things.path(&operation));
        let bearer = match who_may(&operation) {
            Who::Admin | Who::Reader | Who::Keeper => Some(key.as_str()),
            Who::Person => Some(person.access.as_str()),
            Who::Platform => Some(platform.access.as_str()),
            _ => None,
        };
        let name = format!("once-{id}");
        let headers = [("idempotency-key", name.as_str()), ("if-match", "*")];
        let ask = || async { client.speak(bearer, &what, &headers, &operation.example()).await };
        let parameters = operation.about["parameters"].as_array().cloned().unwrap_or_default();
        let told = Value::from(parameters).to_string().contains("Idempotency-Key");
        let first = ask().await;
        if told {
            assert!(first.status.is_success(), "{id}: {:?}", first.body);
            assert_eq!(first.header("idempotency-replayed"), "", "{id}");
            let before = client.everything().await;
            let second = ask().await;
            assert_eq!(second.header("idempotency-replayed"), "true", "{id}: {:?}", second.body);
            assert_eq!((second.status, &second.body), (first.status, &first.body), "{id}");
            assert_eq!(client.everything().await, before, "{id}");
            kept += 1;
        } else {
            assert_eq!(first.faults(), ["Idempotency-Key not_kept"], "{id}: {:?}", first.body);
            refused += 1;
        }
    }
    assert!(kept > 10 && refused > 10, "{kept} kept, {refused} refused");
}
