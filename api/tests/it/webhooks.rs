//! Webhooks: what is let in, what is stored, and what is not.

use std::time::{Duration, Instant, SystemTime};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::crypto::PlatformField;
use shared::db::Db;
use shared::retell::signature::{HEADER, sign};

use crate::client::{Answer, Client, app};

/// The vendor's event, with a value that must not lie open.
const EVENT: &str =
    r#"{"event":"call_ended","call":{"call_id":"call_1","transcript":"MARKED-7f3a"}}"#;

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

fn request(path: &str, signature: Option<&str>, body: &[u8]) -> Request<Body> {
    let mut request = Request::builder().method("POST").uri(path);
    if let Some(signature) = signature {
        request = request.header(HEADER, signature);
    }
    request.header("content-type", "application/json").body(Body::from(body.to_vec())).unwrap()
}

fn path_of(client: &Client) -> String {
    format!("/v1/webhooks/retell/{}", client.clinic.account)
}

async fn deliver(client: &Client, path: &str, key: &str, body: &[u8]) -> Answer {
    client.send(request(path, Some(&sign(key, body, now())), body)).await
}

async fn stored(client: &Client) -> Vec<String> {
    let what = "select concat_ws(' ', format, state, account_id is not null, tenant_id is not null, sent_at) from webhooks";
    client.world.texts(what).await
}

#[tokio::test]
async fn a_signed_webhook_is_stored_once_and_acknowledged_at_once_while_no_worker_runs() {
    let client = Client::new().await;
    for path in [path_of(&client), "/api/webhook/call-outcome".to_owned()] {
        let began = Instant::now();
        let answer = deliver(&client, &path, "key_1", EVENT.as_bytes()).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::NO_CONTENT, &Value::Null));
        // Milliseconds as a rule; this machine is shared.
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!(stored(&client).await, ["retell stored t f"], "the same body again is one row");
    }
}

#[tokio::test]
async fn what_is_stored_is_sealed() {
    let client = Client::new().await;
    deliver(&client, &path_of(&client), "key_1", EVENT.as_bytes()).await;
    let open = "select count(*) from webhooks w
                where position('MARKED-7f3a'::bytea in w.body) > 0 or w::text ilike '%MARKED%'
                   or w::text ilike '%' || encode('MARKED-7f3a', 'hex') || '%'";
    assert_eq!(client.world.number(open).await, 0);
    let rows = client.world.texts("select id || ' ' || encode(body, 'hex') from webhooks").await;
    let (id, body) = rows[0].split_once(' ').unwrap();
    let master = client.world.keys.master();
    let body = hex::decode(body).unwrap();
    let opened =
        master.open_platform(PlatformField::WebhookBody, id.parse().unwrap(), &body).unwrap();
    assert_eq!(opened.as_slice(), EVENT.as_bytes(), "and can be opened");
}

#[tokio::test]
async fn nothing_comes_in_without_a_signature_that_holds() {
    let client = Client::new().await;
    let body = EVENT.as_bytes();
    let own = path_of(&client);
    let unknown = format!("/v1/webhooks/retell/{}", uuid::Uuid::now_v7());
    let late = now() - chrono::Duration::minutes(6);
    let early = now() + chrono::Duration::minutes(6);
    let good = sign("key_1", body, now());
    let mut answers = Vec::new();
    for (path, signature, body, why) in [
        (&own, None, body, "missing"),
        (&own, Some("v=1,d=00".to_owned()), body, "malformed"),
        (&own, Some(sign("key_2", body, now())), body, "another key"),
        (&own, Some(good.clone()), &b"{}"[..], "of another body"),
        (&own, Some(sign("key_1", body, late)), body, "stale: a replay"),
        (&own, Some(sign("key_1", body, early)), body, "of the future"),
        (&own, Some(sign("", body, now())), body, "by the empty key"),
        (&unknown, Some(good), body, "to an account that doesn't exist"),
    ] {
        let answer = client.send(request(path, signature.as_deref(), body)).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (StatusCode::UNAUTHORIZED, "bad-signature"),
            "{why}"
        );
        answers.push(answer.body["detail"].clone());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "an account that doesn't exist looks like a wrong signature");
    let outcome = "/api/webhook/call-outcome";
    let wrong = client.send(request(outcome, Some(&sign("key_2", body, now())), body)).await;
    let keyless = client.send(request(outcome, None, body)).await;
    assert_eq!((wrong.problem(), keyless.problem()), ("bad-signature", "unauthenticated"));
    assert_eq!(stored(&client).await, [""; 0]);
}

#[tokio::test]
async fn another_accounts_key_opens_nothing() {
    let client = Client::new().await;
    rotate(&client, "key_2", None).await;
    let stranger = client.world.tenant().await;
    let path = format!("/v1/webhooks/retell/{}", stranger.account);
    let answer = deliver(&client, &path, "key_2", EVENT.as_bytes()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stored(&client).await, [""; 0]);
    let answer = deliver(&client, "/api/webhook/call-outcome", "key_2", EVENT.as_bytes()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "the one address finds whose it is");
    let whose = client.world.texts("select account_id::text from webhooks").await;
    assert_eq!(whose, [client.clinic.account.to_string()]);
}

/// Gives the clinic's account another webhook key, and perhaps one before it.
async fn rotate(client: &Client, key: &str, old: Option<&str>) {
    let account = client.clinic.account;
    let seal = |key: &str| {
        let master = client.world.keys.master();
        let sealed =
            master.seal_platform(PlatformField::ProviderWebhookKey, account.0, key.as_bytes());
        format!("'\\x{}'", hex::encode(sealed.unwrap().as_bytes()))
    };
    let old = old.map_or("null".to_owned(), seal);
    let statement = format!(
        "update accounts set webhook_key_sealed = {}, webhook_key_old = {old} where id = '{account}'",
        seal(key)
    );
    client.world.run(statement.leak()).await;
}

#[tokio::test]
async fn while_keys_rotate_both_hold_and_a_new_one_holds_at_once() {
    let client = Client::new().await;
    let path = path_of(&client);
    let status =
        async |key: &str, body: &str| deliver(&client, &path, key, body.as_bytes()).await.status;
    assert_eq!(status("key_1", r#"{"n":1}"#).await, StatusCode::NO_CONTENT);
    rotate(&client, "key_2", Some("key_1")).await;
    assert_eq!(status("key_1", r#"{"n":2}"#).await, StatusCode::NO_CONTENT, "the old one");
    // Keys are read again at most once a second.
    let patience = Instant::now();
    while status("key_2", r#"{"n":3}"#).await != StatusCode::NO_CONTENT {
        assert!(patience.elapsed() < Duration::from_secs(10), "the new one");
    }
    assert_eq!(stored(&client).await.len(), 3);
}

#[tokio::test]
async fn a_signed_body_that_is_no_json_is_stored_and_a_huge_one_is_refused() {
    let client = Client::new().await;
    let path = path_of(&client);
    let odd = deliver(&client, &path, "key_1", b"hello").await;
    assert_eq!(
        odd.status,
        StatusCode::NO_CONTENT,
        "the worker ignores it; asking again would not help"
    );
    let huge = vec![b' '; 4 * 1024 * 1024 + 1];
    let refused = deliver(&client, &path, "key_1", &huge).await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
    assert_eq!(stored(&client).await.len(), 1);
}

#[tokio::test]
async fn a_tenant_reports_an_outcome_with_its_key() {
    let client = Client::new().await;
    let what = "POST /api/webhook/call-outcome";
    let session = uuid::Uuid::now_v7();
    let report = json!({
        "session_id": session, "retell_call_id": "call_1", "call_outcome": "answered", "call_duration": 62,
        "appointment_action": "confirmed", "customer_sentiment": "positive", "follow_up_required": false,
    });
    let answer = client.admin(what, report.clone()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{:?}", answer.body);
    let twice = client.admin(what, report).await;
    assert_eq!(twice.status, StatusCode::NO_CONTENT);
    assert_eq!(stored(&client).await, ["outcome stored f t"]);

    for (body, fault) in [
        (json!({ "call_outcome": "busy" }), "/session_id missing"),
        (json!({ "session_id": session }), "/call_outcome missing"),
        (json!({ "session_id": "abc", "call_outcome": "busy" }), "/session_id wrong_type"),
        (json!({ "session_id": session, "call_outcome": "eaten" }), "/call_outcome wrong_type"),
        (
            json!({ "session_id": session, "call_outcome": "busy", "appointment_action": "x" }),
            "/appointment_action wrong_type",
        ),
        (
            json!({ "session_id": session, "call_outcome": "busy", "follow_up_required": "no" }),
            "/follow_up_required wrong_type",
        ),
    ] {
        let refused = client.admin(what, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{fault}");
        assert_eq!(refused.faults(), [fault]);
    }
    let user = client.user(what, json!({})).await;
    assert_eq!(user.status, StatusCode::FORBIDDEN);
    assert_eq!(stored(&client).await.len(), 1);
}

#[tokio::test]
async fn a_report_is_its_tenants_word_only() {
    let client = Client::new().await;
    let stranger = client.world.tenant().await;
    let report = json!({ "session_id": uuid::Uuid::now_v7(), "call_outcome": "busy" });
    client.ask(&stranger.admin, "POST /api/webhook/call-outcome", &[], &report).await;
    // The worker looks for the session among this tenant's calls.
    let whose = client.world.texts("select tenant_id::text from webhooks").await;
    assert_eq!(whose, [stranger.id.to_string()]);
}

#[tokio::test]
async fn while_postgresql_is_away_the_sender_is_told_to_come_again() {
    let mut client = Client::new().await;
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing";
    let db = Db::connect(nowhere, nowhere, 2).unwrap();
    let mut away = app(&client.world);
    away.inbox = api::Inbox::start(db.clone(), client.world.signals.clone());
    away.db = db;
    // Once with keys that are known, once without.
    let mut half = away.clone();
    half.db = client.world.db.clone();
    let path = path_of(&client);
    for app in [away, half] {
        client.router = api::router(app);
        let answer = deliver(&client, &path, "key_1", EVENT.as_bytes()).await;
        assert_eq!((answer.status, answer.problem()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(stored(&client).await, [""; 0]);
}
