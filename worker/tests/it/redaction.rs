//! Nothing personal leaves by a side door: a whole journey with marked values, errors of many kinds included, and then every line
//! that was logged at every level, every trace, metric, Redis command, file and column of PostgreSQL is searched for the marks.

mod doors;
mod people;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::retell::signature::{HEADER, sign};
use simulator::{Faults, Rule};

use crate::product::{Product, Watched};
use crate::traces::in_a_process_of_its_own;
use doors::Doors;

/// What must be found nowhere.
const MARKS: [(&str, &str); 16] = [
    ("name", "Quillfeather"),
    ("phone", "7700900001"),
    ("e-mail", "zorblax.mark@"),
    ("notes", "NOTESMARK"),
    ("voice text", "VOICEMARK"),
    ("transcript", "SCRIPTMARK"),
    ("do-not-call number", "7700900777"),
    ("why a number is not to be called", "LISTMARK"),
    ("why an appointment is cancelled", "STATUSMARK"),
    ("a user's name", "Peoplemark"),
    ("a user's e-mail", "person.mark@"),
    ("a password", "PASSMARK"),
    ("a code, token or link that is none", "CODEMARK"),
    ("why the platform looked", "VISITMARK"),
    ("a refused request", "BADMARK"),
    ("an address or header", "urlmark"),
];
/// What an administrator writes about the business and no person: in PostgreSQL it may be read (docs/decisions/sealed-text.md).
const REASON: (&str, &str) = ("a reason", "REASONMARK");

#[test]
fn nothing_personal_leaves_by_logs_traces_metrics_redis_files_or_plain_columns() {
    let printed = in_a_process_of_its_own("redaction::the_whole_journey").to_lowercase();
    for (what, mark) in MARKS.into_iter().chain([REASON]) {
        assert!(!printed.contains(&mark.to_lowercase()), "{what} was printed by the process");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "nothing_personal_leaves_by_logs_traces_metrics_redis_files_or_plain_columns runs it in a process of its own"]
async fn the_whole_journey() {
    // Whatever a library says by way of `log` is heard too, as no process of ours would.
    tracing_log::LogTracer::init().unwrap();
    let watched = Watched::start("trace").await;
    let mut product = Product::start().await;
    let doors = Doors::open(&product).await;
    product
        .simulator
        .set_rules(&[
            Rule::suffix("0001").faults(Faults { never_analyzed: true, ..Faults::default() }),
            Rule::suffix("0005").faults(Faults { refuse: Some(500), ..Faults::default() }),
        ])
        .unwrap();

    let contact = the_call_is_made(&product).await;
    the_provider_tells(&product).await;
    numbers_are_listed(&product).await;
    let secrets = people::come_and_go(&product).await;
    everything_is_done_wrong(&product, &contact).await;
    product.drain().await;

    let secrets: Vec<_> = secrets.iter().map(|(what, secret)| (*what, secret.as_str())).collect();
    let marks: Vec<_> = MARKS.into_iter().chain(secrets).collect();
    let found = doors.search(&watched, &product, &marks, &[REASON]).await;
    assert_eq!(found, [""; 0], "something personal left the process");
    let lines = String::from_utf8_lossy(&watched.lines.bytes()).into_owned();
    for library in ["sqlx", "hyper_util", "reqwest", "worker", "api"] {
        assert!(lines.contains(&format!("\"target\":\"{library}")), "{library} was not heard");
    }
    the_search_finds_what_is_there(&doors, &watched, &product).await;
}

/// A contact whose every field is marked, called and confirmed; and another, whose call the provider breaks.
async fn the_call_is_made(product: &Product) -> String {
    let (status, _) = product
        .answer(
            product
                .request("PATCH /v1/tenant/policy")
                .header("if-match", "*")
                .header("content-type", "application/json")
                .body(r#"{"keep_transcripts":true}"#),
        )
        .await;
    assert_eq!(status, 200);
    let mut appointment = product.in_a_day_and_an_hour().await;
    appointment["voice_text"] = json!("Please bring VOICEMARK.");
    let contact = json!({
        "name": "Zorblax Quillfeather", "phone": "07700 900001", "email": "zorblax.mark@clinic.example",
        "notes": "Says NOTESMARK.", "appointment": appointment,
    });
    let keyed = product
        .request("POST /v1/contacts")
        .header("idempotency-key", "once-urlmark")
        .header("content-type", "application/json")
        .body(contact.to_string());
    let (status, made) = product.answer(keyed.try_clone().unwrap()).await;
    assert_eq!(status, 201, "{made}");
    let (status, again) = product.answer(keyed).await;
    assert_eq!((status, &again["id"]), (201, &made["id"]), "the kept answer");

    let unlucky = json!({
        "name": "Unlucky Quillfeather", "phone": "07700 900005", "appointment": product.in_a_day_and_an_hour().await,
    });
    assert_eq!(product.send("POST /v1/contacts", &unlucky).await.0, 201);
    product.world.advance(chrono::Duration::minutes(61)).await;
    product.until(1, "select count(*) from attempts where state = 'ended'").await;
    product.until(1, "select count(*) from attempts where state = 'unknown'").await;
    made["id"].as_str().unwrap().to_owned()
}

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// The provider's analysis, with what was said; then one that is no JSON, and one that is nobody's.
async fn the_provider_tells(product: &Product) {
    let dial = product.simulator.dials().into_iter().find(|dial| dial.accepted).unwrap();
    let heard = json!({ "event": "call_analyzed", "call": {
        "call_id": dial.call_id, "call_status": "ended", "metadata": dial.metadata(),
        "from_number": "+441632960000", "to_number": "+447700900001",
        "disconnection_reason": "user_hangup",
        "start_timestamp": dial.dialled_at, "end_timestamp": dial.ended_at,
        "transcript": "User: I am SCRIPTMARK.", "recording_url": "https://records.example/SCRIPTMARK.wav",
        "retell_llm_dynamic_variables": { "spoken_name": "Zorblax Quillfeather" },
        "call_analysis": { "call_summary": "Spoke with SCRIPTMARK.", "in_voicemail": false,
            "user_sentiment": "Positive", "call_successful": true,
            "custom_analysis_data": { "appointment_action": "confirmed", "remark": "SCRIPTMARK" } },
    }});
    let path = format!("POST /v1/webhooks/retell/{}", product.tenant.account);
    let nobodys = json!({ "event": "call_ended", "call": { "call_id": "SCRIPTMARK", "transcript": "SCRIPTMARK" } });
    for body in [
        heard.to_string(),
        "{ SCRIPTMARK".to_owned(),
        nobodys.to_string(),
        json!(["SCRIPTMARK"]).to_string(),
    ] {
        let signed =
            product.request(&path).header(HEADER, sign("key_1", body.as_bytes(), now())).body(body);
        assert_eq!(product.answer(signed).await.0, 204);
    }
    let forged = product.request(&path).header(HEADER, "v=1,d=urlmark").body("BADMARK");
    assert_eq!(product.answer(forged).await.0, 401);
    let report = json!({
        "session_id": uuid::Uuid::now_v7(), "call_outcome": "answered", "retell_call_id": "SCRIPTMARK", "remark": "SCRIPTMARK",
    });
    assert_eq!(product.send("POST /api/webhook/call-outcome", &report).await.0, 204);
    product.until(0, "select count(*) from webhooks where state = 'stored'").await;
    product.until(1, "select count(*) from appointments where status = 'confirmed'").await;
    product.until(1, "select count(*) from transcripts").await;
}

async fn numbers_are_listed(product: &Product) {
    let entry = json!({ "number": "07700 900777", "reason": "LISTMARK" });
    assert_eq!(product.send("POST /v1/do-not-call", &entry).await.0, 201);
    let rows = "07700900778,LISTMARK\nBADMARK,LISTMARK\n07700900777,again\n";
    let csv = product
        .request("POST /v1/do-not-call/import")
        .header("content-type", "text/csv")
        .body(rows);
    let (status, result) = product.answer(csv).await;
    assert_eq!(status, 200, "{result}");
}

/// Errors of many kinds, each with a mark where a careless message would quote it.
async fn everything_is_done_wrong(product: &Product, contact: &str) {
    let of_contact = format!("/v1/contacts/{contact}");
    for (what, body) in [
        (
            "POST /v1/contacts",
            json!({ "name": "BADMARK 4711", "phone": "BADMARK", "email": "BADMARK" }),
        ),
        ("POST /v1/contacts", json!({ "name": "Bad Mark", "phone": "07700 900002", "BADMARK": 1 })),
        (
            "POST /v1/contacts",
            json!({ "name": "Bad Mark", "phone": "07700 900002", "notes": "BADMARK\u{0}" }),
        ),
        (
            "POST /v1/contacts",
            json!({ "name": "Bad Mark", "phone": "07700 900002", "zone": "Europe/BADMARK" }),
        ),
        (
            "POST /v1/contacts",
            json!({ "name": "Twin Quillfeather", "phone": "07700 900001", "email": "zorblax.mark@clinic.example" }),
        ),
        ("POST /v1/contacts", json!("BADMARK")),
        ("POST /v1/contacts/urlmark", Value::Null),
        ("GET /v1/contacts?urlmark=BADMARK", Value::Null),
        ("GET /v1/contacts?cursor=urlmark", Value::Null),
        ("GET /urlmark/BADMARK", Value::Null),
        ("URLMARK /v1/contacts", Value::Null),
        ("POST /v1/do-not-call", json!({ "number": "BADMARK", "reason": "BADMARK" })),
        (
            "POST /v1/do-not-call/import",
            json!({ "numbers": ["BADMARK", { "number": "BADMARK", "x": "BADMARK" }] }),
        ),
        ("PUT /v1/tenant/zone", json!({ "zone": "BADMARK" })),
        (
            "POST /api/webhook/call-outcome",
            json!({ "session_id": "BADMARK", "call_outcome": "BADMARK" }),
        ),
    ] {
        let (status, answer) = product.send(what, &body).await;
        assert!((400..500).contains(&status), "{what}: {status} {answer}");
    }
    let patch = format!("PATCH {of_contact}");
    let raw = |what: &str, kind: &str, body: &str| {
        product.request(what).header("content-type", kind.to_owned()).body(body.to_owned())
    };
    for (request, expected) in [
        (raw("POST /v1/contacts", "application/json", "{\"name\": \"BADMARK"), 400),
        (raw("POST /v1/contacts", "application/json", "{\"name\": \"BADMARK\", \"name\": 1}"), 422),
        (raw("POST /v1/contacts", "text/urlmark", "BADMARK"), 415),
        (raw("POST /v1/contacts", "application/json", &"BADMARK".repeat(20_000)), 413),
        (
            raw("POST /v1/contacts", "application/json", "{}")
                .header("idempotency-key", "once-urlmark"),
            422,
        ),
        (
            raw(&patch, "application/json", "{\"notes\": \"BADMARK\"}")
                .header("if-match", "\"urlmark\""),
            412,
        ),
        (raw(&patch, "application/json", "{\"notes\": \"BADMARK\"}"), 428),
    ] {
        let (status, answer) = product.answer(request).await;
        // Which refusal is another test's business.
        assert!((400..500).contains(&status), "{expected} or so: {status} {answer}");
    }
    let stranger = product.request("GET /v1/contacts").headers(
        [
            ("authorization", "Bearer urlmark"),
            ("x-request-id", "urlmark"),
            ("traceparent", "urlmark"),
            ("user-agent", "urlmark"),
            ("x-forwarded-for", "urlmark"),
        ]
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect(),
    );
    assert_eq!(product.answer(stranger).await.0, 401);
    let booked = product.send(&format!("GET {of_contact}/appointments"), &Value::Null).await.1;
    let booked = booked["items"][0]["id"].as_str().unwrap().to_owned();
    let cancel = raw(
        &format!("POST {of_contact}/appointments/{booked}/cancel"),
        "application/json",
        r#"{"reason":"STATUSMARK"}"#,
    );
    assert_eq!(product.answer(cancel.header("if-match", "*")).await.0, 200);
    // Names are read back and changed, too: an answer is no side door, but its way may be.
    assert_eq!(product.send(&format!("GET {of_contact}"), &Value::Null).await.0, 200);
    let change = raw(&patch, "application/json", r#"{"name":"Zorblax Quillfeather Esq"}"#)
        .header("if-match", "*");
    assert_eq!(product.answer(change).await.0, 200);
    assert_eq!(
        product
            .answer(product.request(&format!("DELETE {of_contact}")).header("if-match", "*"))
            .await
            .0,
        204
    );
    // A column that PostgreSQL refuses: the error's detail quotes the row.
    let (pause, _) =
        product.send("POST /v1/tenant/pause", &json!({ "reason": "REASONMARK" })).await;
    assert!(pause < 300, "{pause}");
}

/// Of each door: a mark that is put there on purpose is found. A search that can't find anything proves nothing.
async fn the_search_finds_what_is_there(doors: &Doors, watched: &Watched, product: &Product) {
    const SLIP: [(&str, &str); 1] = [("a slip", "SLIPMARK")];
    assert_eq!(doors.search(watched, product, &SLIP, &[]).await, [""; 0]);
    tracing::debug!(contact = "slipmark", "a line that says too much");
    drop(
        tracing::info_span!(target: shared::telemetry::traces::TARGET, "slip", attempt.id = "SLIPMARK"),
    );
    shared::telemetry::metrics::deferred("SLIPMARK");
    let mut conn = product.world.queues.conn();
    let key = format!("{}.slip", product.world.queues.prefix());
    redis::cmd("SET").arg(&key).arg("U0xJUE1BUks=").exec_async(&mut conn).await.unwrap();
    std::fs::write(product.state_dir.join("slip"), "534c49504d41524b").unwrap();
    product.world.run("update tenants set name = 'Slipmark Ltd'").await;
    let found = doors.search(watched, product, &SLIP, &[]).await;
    let doors: Vec<_> = found.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(doors, ["logs", "traces", "metrics", "redis", "files", "postgresql"], "{found:#?}");
}
