use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use chrono::DateTime;
use serde_json::{Value, json};
use shared::retell::wire::MessageKind;
use uuid::Uuid;
use worker::provider::{Client, ClientSettings, Endpoint, ReadError};

use crate::scripted_server::{Server, Then};

const ATTEMPT: Uuid = Uuid::from_u128(0xa7);

fn settings() -> ClientSettings {
    ClientSettings {
        whole_timeout: Duration::from_secs(2),
        first_pause: Duration::from_millis(1),
        lists_per_second: NonZeroU32::new(1_000).unwrap(),
        others_per_second: NonZeroU32::new(1_000).unwrap(),
        ..ClientSettings::default()
    }
}

fn client(server: &Server, settings: ClientSettings) -> Client {
    Client::new(Endpoint::simulator(&server.base(), "key_test").unwrap(), settings).unwrap()
}

fn item(id: &str, attempt: Uuid) -> Value {
    json!({"call_id": id, "metadata": {"attempt_id": attempt}})
}

fn page(items: &[Value], next: Option<&str>) -> Then {
    let page = json!({"items": items, "has_more": next.is_some(), "pagination_key": next});
    Then::Answer(200, page.to_string())
}

#[tokio::test]
async fn every_page_of_an_attempts_calls_is_read() {
    let server = Server::start(|n, _| match n {
        0 => page(&[item("c1", ATTEMPT)], Some("k1")),
        1 => page(&[], Some("k2")),
        _ => page(&[item("c2", ATTEMPT)], None),
    })
    .await;
    let calls = client(&server, settings()).list_calls_of_attempt(ATTEMPT).await.unwrap();
    assert_eq!(calls.iter().map(|call| &*call.call_id).collect::<Vec<_>>(), ["c1", "c2"]);
    let asked: Vec<_> = server.seen().iter().map(|request| request.json()).collect();
    let filter = json!([{"type": "string", "op": "eq", "key": "attempt_id", "value": ATTEMPT}]);
    assert!(asked.iter().all(|body| body["filter_criteria"]["metadata"] == filter));
    let keys: Vec<_> = asked.iter().map(|body| body["pagination_key"].as_str()).collect();
    assert_eq!(keys, [None, Some("k1"), Some("k2")]);
    assert_eq!(server.seen()[0].line(), "POST /v3/list-calls HTTP/1.1");
    let connections: Vec<_> = server.seen().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 0, 0], "reads share a connection; only dials don't");
}

#[tokio::test]
async fn a_list_that_may_leave_something_out_is_an_error() {
    for (first, error, why) in [
        (page(&[item("c1", Uuid::from_u128(1))], None), ReadError::UnfilteredList, "another's"),
        (page(&[json!({"call_id": "c1"})], None), ReadError::UnfilteredList, "nobody's"),
        (
            Then::Answer(200, r#"{"items":[],"has_more":true}"#.into()),
            ReadError::IncompleteList,
            "no key",
        ),
        (Then::Answer(200, "{}".into()), ReadError::Unreadable, "no list"),
        (Then::Answer(200, "[]".into()), ReadError::Unreadable, "the second version's shape"),
        (
            Then::Answer(200, r#"{"items":[{}],"has_more":false}"#.into()),
            ReadError::Unreadable,
            "no id",
        ),
    ] {
        let first = std::sync::Mutex::new(Some(first));
        let server = Server::start(move |_, _| {
            first.lock().unwrap().take().unwrap_or(Then::Answer(500, String::new()))
        })
        .await;
        let listed = client(&server, settings()).list_calls_of_attempt(ATTEMPT).await;
        assert_eq!(listed, Err(error), "{why}");
    }
    let endless = Server::start(|_, _| page(&[], Some("same"))).await;
    let listed = client(&endless, settings()).list_calls_of_attempt(ATTEMPT).await;
    assert_eq!(listed, Err(ReadError::IncompleteList), "the same page again");
}

#[tokio::test]
async fn calls_are_listed_since_an_instant() {
    let server = Server::start(|_, _| page(&[item("c1", ATTEMPT)], None)).await;
    let since = DateTime::from_timestamp_millis(77).unwrap();
    assert_eq!(client(&server, settings()).list_calls_since(since).await.unwrap().len(), 1);
    let filter = json!({"start_timestamp": {"type": "number", "op": "ge", "value": 77}});
    assert_eq!(server.seen()[0].json()["filter_criteria"], filter);
}

#[tokio::test]
async fn reads_are_repeated_while_the_failure_may_pass() {
    type Row = (fn() -> Then, usize, Option<ReadError>, &'static str);
    let rows: [Row; 6] = [
        (|| Then::Answer(500, "".into()), 2, None, "a fault over there passes"),
        (|| Then::Answer(429, "".into()), 2, None, "so does the rush"),
        (|| Then::Reset, 2, None, "so does a broken connection"),
        (|| Then::Hold, 2, None, "so does silence"),
        (
            || Then::Answer(401, r#"{"message":"API key is missing"}"#.into()),
            1,
            Some(ReadError::Refused { status: 401, message_kind: MessageKind::ApiKey }),
            "a wrong key stays wrong",
        ),
        (
            || Then::Answer(200, "[".into()),
            1,
            Some(ReadError::Unreadable),
            "nonsense stays nonsense",
        ),
    ];
    for (then, requests, error, why) in rows {
        let server = Server::start(move |n, _| match n {
            0 => then(),
            _ => Then::Answer(200, r#"{"current_concurrency":1,"concurrency_limit":20}"#.into()),
        })
        .await;
        let answer = client(&server, settings()).concurrency().await;
        assert_eq!(answer.err(), error, "{why}");
        assert_eq!(server.seen().len(), requests, "{why}");
        assert_eq!(server.seen()[0].line(), "GET /get-concurrency HTTP/1.1");
    }
    let down = Server::start(|_, _| Then::Answer(503, String::new())).await;
    let answer = client(&down, settings()).concurrency().await;
    assert_eq!((answer, down.seen().len()), (Err(ReadError::ServerError(503)), 4), "then it ends");
}

#[tokio::test]
async fn a_call_is_found_or_known_to_be_unknown() {
    let server = Server::start(|_, request| match request.line() {
        "GET /v2/get-call/c1 HTTP/1.1" => Then::Answer(200, item("c1", ATTEMPT).to_string()),
        "GET /v2/get-call/..%2Fx HTTP/1.1" => Then::Answer(404, String::new()),
        _ => Then::Answer(
            422,
            r#"{"status":"error","message":"Cannot find requested asset"}"#.into(),
        ),
    })
    .await;
    let client = client(&server, settings());
    assert_eq!(client.find_call("c1").await.unwrap().unwrap().attempt_id(), Some(ATTEMPT));
    assert_eq!(client.find_call("c2").await, Ok(None));
    assert_eq!(client.find_call("../x").await, Ok(None), "an id is no path");
    assert!(server.seen().iter().all(|request| request.head.contains("Bearer key_test")));
}

#[tokio::test]
async fn stopping_a_call_is_asked_once() {
    let server = Server::start(|n, _| match n {
        0 => Then::Answer(204, String::new()),
        _ => Then::Answer(500, String::new()),
    })
    .await;
    let client = client(&server, settings());
    assert_eq!(client.stop_call("c1").await, Ok(()));
    assert_eq!(client.stop_call("c1").await, Err(ReadError::ServerError(500)));
    let lines: Vec<_> = server.seen().iter().map(|request| request.line().to_owned()).collect();
    assert_eq!(lines, ["POST /v2/stop-call/c1 HTTP/1.1"; 2]);
}

#[tokio::test]
async fn requests_keep_the_pace_repeats_included() {
    let server = Server::start(|_, _| Then::Answer(503, String::new())).await;
    let paced = ClientSettings { others_per_second: NonZeroU32::new(4).unwrap(), ..settings() };
    let client = client(&server, paced);
    let begun = Instant::now();
    // Four requests are the burst; four more wait a quarter of a second each.
    for _ in 0..2 {
        assert!(client.concurrency().await.is_err());
    }
    assert_eq!(server.seen().len(), 8);
    assert!(begun.elapsed() > Duration::from_millis(800), "{:?}", begun.elapsed());
}
