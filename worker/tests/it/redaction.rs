//! Nothing personal leaves by a side door or lies readable at rest: a whole journey with marked values, errors of many kinds
//! included, and then every line that was logged at every level, every trace, metric, Redis command, file and column of
//! PostgreSQL, its data files and its write-ahead log are searched for the marks, in every disguise that an encoder gives them.

mod disguises;
mod doors;
mod people;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::retell::signature::{HEADER, sign};
use simulator::{Faults, Rule};

use crate::by_hand::sql;
use crate::product::{Product, Watched};
use crate::traces::in_a_process_of_its_own;
use disguises::Marks;
use doors::Doors;

/// What must be found nowhere.
const MARKS: [(&str, &str); 18] = [
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
    ("what was searched for", "SEEKMARK"),
    ("why something is not to be erased", "HOLDMARK"),
];
/// Whole values: a hash of one, made without a key, would tell whoever guesses it that it is there.
const VALUES: [(&str, &str); 9] = [
    ("a hash of a name", "Zorblax Quillfeather"),
    ("a hash of a folded name", "zorblax quillfeather"),
    ("a hash of a phone", "+447700900001"),
    ("a hash of a phone without its plus", "447700900001"),
    ("a hash of a national phone", "07700900001"),
    ("a hash of a listed phone", "+447700900777"),
    ("a hash of an e-mail", "zorblax.mark@clinic.example"),
    ("a hash of a user's e-mail", "person.mark@clinic.example"),
    ("a hash of a password", "New4PASSMARKhorses"),
];
/// What an administrator writes about the business and no person: in PostgreSQL it may be read (docs/decisions/sealed-text.md).
const REASON: (&str, &str) = ("a reason", "REASONMARK");

/// PostgreSQL packs long values, and a packed mark isn't found in files: so that everything lies there as it was written.
const NOTHING_IS_PACKED: &str = "do $$ declare c record; begin
    for c in select a.attrelid::regclass as of, a.attname from pg_attribute a join pg_class r on r.oid = a.attrelid
             where r.relkind in ('r', 'p') and r.relnamespace = 'public'::regnamespace and a.attnum > 0
               and not a.attisdropped and a.attstorage in ('x', 'm') and a.atttypid <> 'numeric'::regtype
    loop execute format('alter table %s alter column %I set storage external', c.of, c.attname); end loop; end $$";

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
    product.world.run(NOTHING_IS_PACKED).await;
    let doors = Doors::open(&product).await;
    product
        .simulator
        .set_rules(&[
            Rule::suffix("0001").faults(Faults { never_analyzed: true, ..Faults::default() }),
            Rule::suffix("0005").faults(Faults { refuse: Some(500), ..Faults::default() }),
        ])
        .unwrap();

    let (contact, booked) = the_call_is_made(&product).await;
    let heard = the_provider_tells(&product).await;
    let listed = numbers_are_listed(&product).await;
    let secrets = people::come_and_go(&product).await;
    it_is_searched_for_and_looked_after(&product, &contact).await;
    everything_is_done_wrong(&product, &contact).await;
    product.drain().await;

    let secrets: Vec<_> = secrets.iter().map(|(what, secret)| (*what, secret.as_str())).collect();
    let marks: Vec<_> = MARKS.into_iter().chain(secrets).collect();
    // Who knows all of it but a number of ten digits tries ten digits.
    let booked =
        ["", "/", "/contacts", "/v1/contacts"].map(|path| format!("POST\0{path}\0{booked}"));
    let booked = booked.iter().map(|request| ("a hash of what was booked", request.as_str()));
    let heard = heard.iter().map(|body| ("a hash of what was heard", body.as_str()));
    let listed = [("a hash of what was listed", listed.as_str())];
    let values: Vec<_> = VALUES.into_iter().chain(booked).chain(heard).chain(listed).collect();
    let marks = Marks { words: &marks, values: &values };
    let found = doors.search(&watched, &product, marks, &[REASON]).await;
    assert_eq!(found, [""; 0], "something personal left the process");
    let lines = String::from_utf8_lossy(&watched.lines.bytes()).into_owned();
    for library in ["sqlx", "hyper_util", "reqwest", "worker", "api"] {
        assert!(lines.contains(&format!("\"target\":\"{library}")), "{library} was not heard");
    }
    the_search_finds_what_is_there(&doors, &watched, &product).await;
}

/// A contact whose every field is marked, called and confirmed; and another, whose call the provider breaks. Gives its id, and
/// the body that asked for it.
async fn the_call_is_made(product: &Product) -> (String, String) {
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
    (made["id"].as_str().unwrap().to_owned(), contact.to_string())
}

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// The provider's analysis, with what was said; then one that is no JSON, and one that is nobody's. Gives the bodies.
async fn the_provider_tells(product: &Product) -> Vec<String> {
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
    let bodies = [
        heard.to_string(),
        "{ SCRIPTMARK".to_owned(),
        nobodys.to_string(),
        json!(["SCRIPTMARK"]).to_string(),
    ];
    for body in bodies.clone() {
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
    bodies.into()
}

/// What staff do with a contact all day. Searching puts together the blocks that are stored.
async fn it_is_searched_for_and_looked_after(product: &Product, contact: &str) {
    let hold = json!({ "contact_id": contact, "reason": "HOLDMARK" });
    assert_eq!(product.send("POST /v1/legal-holds", &hold).await.0, 201);
    let group = json!({ "name": "Tuesdays REASONMARK", "colour": "blue" });
    let (status, group) = product.send("POST /v1/groups", &group).await;
    assert_eq!(status, 201, "{group}");
    let members = format!("POST /v1/groups/{}/members", group["id"].as_str().unwrap());
    assert_eq!(product.send(&members, &json!({ "add": [contact] })).await.0, 200);
    for (query, found) in [
        ("quillfeather", 2),
        ("zorblax.mark@", 1),
        ("7700900001", 1),
        ("notesmark", 1),
        ("SEEKMARK", 0),
    ] {
        let ask = json!({ "query": query });
        let (status, answer) = product.send("POST /v1/contacts/search", &ask).await;
        assert_eq!((status, &answer["total"]), (200, &json!(found)), "{answer}");
    }
    let wrong = json!({ "query": "\"SEEKMARK" });
    assert_eq!(product.send("POST /v1/contacts/search", &wrong).await.0, 422);
    let blocks = "select count(*) from search_blocks";
    assert!(product.world.number(blocks).await > 0, "there are blocks to look into");
}

/// Gives a request that names itself, as its hash would be made.
async fn numbers_are_listed(product: &Product) -> String {
    let entry = json!({ "number": "07700 900777", "reason": "LISTMARK" }).to_string();
    let keyed = product
        .request("POST /v1/do-not-call")
        .header("idempotency-key", "listing-1")
        .header("content-type", "application/json")
        .body(entry.clone());
    assert_eq!(product.answer(keyed).await.0, 201);
    let rows = "07700900778,LISTMARK\nBADMARK,LISTMARK\n07700900777,again\n";
    let csv = product
        .request("POST /v1/do-not-call/import")
        .header("content-type", "text/csv")
        .body(rows);
    let (status, result) = product.answer(csv).await;
    assert_eq!(status, 200, "{result}");
    format!("POST\0/v1/do-not-call\0{entry}")
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
    // Another each time: the log of what is written remembers the runs before.
    let slip = format!("slip{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let said = format!("{slip} said");
    let wanted = Marks { words: &[("a slip", &slip)], values: &[("a hash", &said)] };
    assert_eq!(doors.search(watched, product, wanted, &[]).await, [""; 0]);
    // Written and gone before anybody looks at the rows.
    let gone = format!(
        "create table slips (slip bytea); insert into slips values (convert_to('{}', 'UTF8')), (sha256('{said}')); \
         delete from slips",
        slip.to_uppercase()
    );
    product.world.run(sql(gone)).await;
    let found = doors.search(watched, product, wanted, &[]).await;
    let found: Vec<_> = found.iter().map(|line| line.split(" in ").next().unwrap()).collect();
    let written = [
        "data files: a slip",
        "data files: a hash",
        "write-ahead log: a slip",
        "write-ahead log: a hash",
    ];
    assert!(written.iter().all(|line| found.contains(line)), "{found:?}");
    let rows = found.iter().any(|line| line.starts_with("postgresql"));
    assert!(!rows, "no door is taken for another: {found:?}");

    tracing::debug!(contact = slip, "a line that says too much");
    drop(tracing::info_span!(target: shared::telemetry::traces::TARGET, "slip", attempt.id = slip));
    shared::telemetry::metrics::deferred(slip.clone().leak());
    let mut conn = product.world.queues.conn();
    let key = format!("{}.odd", product.world.queues.prefix());
    let written = data_encoding::BASE64.encode(slip.as_bytes());
    redis::cmd("SET").arg(&key).arg(written).exec_async(&mut conn).await.unwrap();
    std::fs::write(product.state_dir.join("odd"), hex::encode(&slip)).unwrap();
    product.world.run(sql(format!("update tenants set name = '{slip} Ltd'"))).await;
    product.world.run(sql(format!("do $$ begin raise warning '{slip}'; end $$"))).await;
    let found = doors.search(watched, product, Marks { values: &[], ..wanted }, &[]).await;
    let doors: Vec<_> = found.iter().map(|line| line.split(':').next().unwrap()).collect();
    let all = [
        "logs",
        "traces",
        "metrics",
        "redis",
        "redis's file",
        "files",
        "postgresql",
        "data files",
        "write-ahead log",
        "servers' logs",
    ];
    assert_eq!(doors, all, "{found:#?}");
}
