//! How often a tenant may ask, over all processes.

use api::{Limits, Rules};
use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::queue::{self, Queues};

use crate::client::Client;
use crate::people::Signed;

/// Ten requests a minute, of which keys may make seven; two processes.
async fn limited() -> (Client, Client) {
    let rules = Rules::of(10, 2);
    let first =
        Client::with_world(|app, world| app.limits = Limits::new(rules, &world.queues)).await;
    let mut app = crate::client::app(&first.world);
    // Another process has a connection of its own.
    let conn = queue::connect(&first.world.redis_url).await.unwrap();
    app.limits = Limits::new(rules, &Queues::new(conn, first.world.queues.prefix()));
    let second = first.beside(app);
    (first, second)
}

#[tokio::test]
async fn a_tenants_requests_are_counted_over_all_processes_and_the_answers_say_what_is_left() {
    let (one, other) = limited().await;
    let key = one.clinic.admin.clone();
    for left in (0..7).rev() {
        let process = if left % 2 == 0 { &one } else { &other };
        let answer = process.ask(&key, "GET /v1/tenant", &[], &Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK);
        let told = answer.header("ratelimit").to_owned();
        let (tenant, keys) = told.split_once(", ").unwrap();
        assert!(tenant.starts_with(&format!("\"tenant\";r={};t=", left + 3)), "{told}");
        assert!(keys.starts_with(&format!("\"keys\";r={left};t=")), "{told}");
        let policy = answer.header("ratelimit-policy");
        assert_eq!(policy, "\"tenant\";q=10;w=60, \"keys\";q=7;w=60");
    }
    for process in [&one, &other] {
        let refused = process.ask(&key, "GET /v1/tenant", &[], &Value::Null).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (429, "rate-limited"));
        let seconds: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert!(refused.header("ratelimit").contains("\"keys\";r=0"));
    }
}

#[tokio::test]
async fn going_on_with_a_session_counts_and_one_too_many_costs_no_token() {
    let (one, _) = limited().await;
    let (_, mut signed) = one.signed_in("client_user").await;
    let mut answers = Vec::new();
    // How many were used up by signing somebody in is no matter here; more than ten there can't be.
    let refused = loop {
        let answer = one.refresh(&signed.refresh).await;
        if answer.status != StatusCode::OK || answers.len() > 10 {
            break answer;
        }
        signed = Signed::of(&answer);
        answers.push(answer.header("ratelimit").to_owned());
    };
    assert_eq!((refused.status.as_u16(), refused.problem()), (429, "rate-limited"));
    assert!(answers.last().unwrap().starts_with("\"tenant\";r=0;"), "{answers:?}");
    // Where the tenant may ask again, the same token is good: nothing was used up.
    let free = one.beside(crate::client::app(&one.world));
    assert_eq!(free.refresh(&signed.refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_key_of_the_tenant_shares_its_count_and_another_tenant_does_not() {
    let (one, _) = limited().await;
    for _ in 0..7 {
        one.admin("GET /v1/tenant", Value::Null).await;
    }
    assert_eq!(one.user("GET /v1/tenant", Value::Null).await.status.as_u16(), 429);
    let stranger = one.world.tenant().await;
    let answer = one.ask(&stranger.admin, "GET /v1/tenant", &[], &Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_refused_request_changes_nothing_and_what_is_refused_otherwise_counts() {
    let (one, _) = limited().await;
    for _ in 0..7 {
        // Forbidden, and counted: who guesses is limited too.
        assert_eq!(one.user("POST /v1/tenant/resume", json!({})).await.status.as_u16(), 403);
    }
    let before = one.everything().await;
    let body = json!({ "name": "Ada Lovelace", "phone": "07700 900123" });
    assert_eq!(one.admin("POST /v1/contacts", body).await.status.as_u16(), 429);
    assert_eq!(one.everything().await, before);
}

#[tokio::test]
async fn a_request_weighs_for_a_minute_and_no_longer() {
    let (one, _) = limited().await;
    for _ in 0..7 {
        assert_eq!(one.admin("GET /v1/tenant", Value::Null).await.status, StatusCode::OK);
    }
    assert_eq!(one.admin("GET /v1/tenant", Value::Null).await.status.as_u16(), 429);
    // The first two were made 60 s ago, the next not quite.
    let mut conn = one.world.queues.conn();
    for list in ["", ".by_key"] {
        let list = format!("{}.asked.{}{list}", one.world.queues.prefix(), one.clinic.id);
        let (seconds, micros): (i64, i64) =
            redis::cmd("TIME").query_async(&mut conn).await.unwrap();
        let now = seconds * 1000 + micros / 1000;
        for (place, age) in [(-1, 60_000), (-2, 60_000), (-3, 50_000)] {
            let set = redis::cmd("LSET").arg(&list).arg(place).arg(now - age).to_owned();
            set.exec_async(&mut conn).await.unwrap();
        }
    }
    for _ in 0..2 {
        assert_eq!(one.admin("GET /v1/tenant", Value::Null).await.status, StatusCode::OK);
    }
    let refused = one.admin("GET /v1/tenant", Value::Null).await;
    assert_eq!(refused.status.as_u16(), 429);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn webhooks_count_towards_no_limit() {
    let (one, _) = limited().await;
    let report = json!({ "session_id": uuid::Uuid::now_v7(), "call_outcome": "busy" });
    for _ in 0..12 {
        let answer = one.admin("POST /api/webhook/call-outcome", report.clone()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(answer.header("ratelimit"), "");
    }
    assert_eq!(one.admin("GET /v1/tenant", Value::Null).await.status, StatusCode::OK);
}

#[tokio::test]
async fn downloads_count_towards_no_limit() {
    let (one, _) = limited().await;
    let asked = one.admin("POST /v1/exports", json!({ "selection": { "all": true } })).await;
    let done = format!(
        "update jobs set state = 'done', ended_at = app_clock() where id = '{}'",
        asked.id()
    );
    one.world.run(Box::leak(done.into_boxed_str())).await;
    for _ in 0..12 {
        let path = format!("GET /v1/exports/{}/file", asked.id());
        let answer = one.admin(&path, Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("ratelimit"), "");
    }
    assert_eq!(one.admin("GET /v1/tenant", Value::Null).await.status, StatusCode::OK);
}

#[tokio::test]
async fn while_redis_is_away_a_process_allows_its_share() {
    let (mut one, _) = limited().await;
    // A connection of which the server then shuts the door: nothing listens there any more.
    let gone = Gone::start().await;
    let conn = queue::connect(&gone.url()).await.unwrap();
    gone.stop();
    let mut app = crate::client::app(&one.world);
    app.limits = Limits::new(Rules::of(100, 2), &Queues::new(conn, "gone"));
    one = one.beside(app);
    let mut served = 0;
    let refused = loop {
        let answer = one.admin("GET /v1/tenant", Value::Null).await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        served += 1;
        assert!(served <= 35, "half of the keys' 70 at most");
    };
    assert!(served >= 7, "a fifth of the share at once: {served}");
    assert_eq!((refused.status.as_u16(), refused.problem()), (429, "rate-limited"));
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
}

/// Something that greets like Redis, until it goes.
struct Gone {
    port: u16,
    served: tokio::task::JoinHandle<()>,
}

impl Gone {
    async fn start() -> Self {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut bytes = [0; 1024];
            while let Ok(read) = stream.read(&mut bytes).await {
                if read == 0 {
                    return;
                }
                // One OK for each command that came.
                let commands = bytes[..read].iter().filter(|byte| **byte == b'*').count();
                let _gone = stream.write_all("+OK\r\n".repeat(commands).as_bytes()).await;
            }
        });
        Self { port, served }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn stop(self) {
        self.served.abort();
    }
}
