//! Contacts: made, listed, changed, deleted.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};

use crate::client::{Client, ada};

#[tokio::test]
async fn a_contact_is_made_with_its_first_appointment_and_read_back() {
    let client = Client::new().await;
    let at = client.ahead(Duration::days(3)).await;
    let new = json!({
        "name": "  Ada   Lovelace ", "phone": "07700 900123", "email": "Ada@Example.com", "notes": "mornings",
        "zone": "Europe/Paris", "consent": true,
        "appointment": { "at": at, "duration_minutes": 30, "type": "Check-up", "voice_text": "Bring your card.",
                         "priority": "high" },
    });
    let made = client.admin("POST /v1/contacts", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!(made.body["warnings"], json!([]));

    let found = client.admin(&format!("GET {}", made.header("location")), Value::Null).await;
    assert_eq!(found.status, StatusCode::OK);
    for (field, value) in [
        ("name", json!("Ada Lovelace")),
        ("phone", json!("+447700900123")),
        ("email", json!("Ada@Example.com")),
        ("notes", json!("mornings")),
        ("zone", json!("Europe/Paris")),
        ("channel", json!("voice")),
        ("calling_state", json!("scheduled")),
    ] {
        assert_eq!(found.body[field], value, "{field}");
    }
    assert!(found.body["consent"]["by"].as_str().unwrap().starts_with("key:"));
    let next = &found.body["next_appointment"];
    assert_eq!((&next["type"], &next["priority"]), (&json!("Check-up"), &json!("high")));
    assert_eq!(next["call_before_hours"], 24, "the policy's");

    let events = client.world.texts("select kind from events order by n").await;
    assert_eq!(
        events,
        ["contact.created", "contact.acknowledged", "appointment.created", "call.planned"]
    );
    let audit = client
        .world
        .texts("select action from audit_entries where chain = 'changes' order by n")
        .await;
    assert_eq!(audit[..3], ["contact.create", "contact.acknowledge", "appointment.create"]);
}

#[tokio::test]
async fn a_list_goes_page_by_page_from_the_newest_and_misses_nobody() {
    let client = Client::new().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, client.contact().await);
    }
    let mut listed = Vec::new();
    let mut path = "GET /v1/contacts?limit=2".to_owned();
    let mut pages = 0;
    loop {
        let page = client.admin(&path, Value::Null).await;
        pages += 1;
        let items = page.body["items"].as_array().unwrap().clone();
        listed.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        if pages == 1 {
            // What is added at the head moves no page.
            client.contact().await;
        }
        let Some(next) = page.body["next"].as_str() else { break };
        path = format!("GET /v1/contacts?limit=2&cursor={next}");
    }
    assert_eq!((listed, pages), (made, 3));
}

#[tokio::test]
async fn a_change_needs_the_version_that_was_read() {
    let client = Client::new().await;
    let path = format!("PATCH /v1/contacts/{}", client.contact().await);
    let name = json!({ "name": "Ada King" });

    let without = client.admin(&path, name.clone()).await;
    assert_eq!(without.status, StatusCode::PRECONDITION_REQUIRED);
    let changed = client.change(&path, "\"1\"", name).await;
    assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"2\""));
    assert_eq!(changed.body["name"], "Ada King");

    let stale = client.change(&path, "\"1\"", json!({ "name": "Somebody Else" })).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let found = client.admin(&path.replace("PATCH", "GET"), Value::Null).await;
    assert_eq!(found.body["name"], "Ada King", "a stale change loses nothing");
}

#[tokio::test]
async fn of_a_thousand_edits_at_once_none_is_lost() {
    const ROUNDS: usize = 40;
    const AT_ONCE: usize = 25;
    let one = Client::new().await;
    let other = one.beside(crate::client::app(&one.world));
    let path = format!("/v1/contacts/{}", one.contact().await);
    let mut said = Vec::new();
    for round in 1..=ROUNDS {
        let (path, version) = (format!("PATCH {path}"), format!("\"{round}\""));
        // Each adds to what it read; half of them change the name too.
        let edits = (0..AT_ONCE).map(|n| {
            let process = if n % 4 < 2 { &one } else { &other };
            let text = format!("{} {round}.{n}", said.join(" "));
            let mut body = json!({ "notes": text });
            if n % 2 == 0 {
                body["name"] = json!(format!("Ada {}", "x".repeat(n)));
            }
            let (path, version) = (&path, &version);
            async move { (n, process.change(path, version, body).await) }
        });
        let answers = futures::future::join_all(edits).await;
        let won: Vec<_> =
            answers.iter().filter(|(_, answer)| answer.status == StatusCode::OK).collect();
        assert_eq!(won.len(), 1, "of those who read the same version one is first");
        for (n, answer) in &answers {
            assert!(
                [StatusCode::OK, StatusCode::PRECONDITION_FAILED].contains(&answer.status),
                "{n}: {}",
                answer.body
            );
        }
        said.push(format!("{round}.{}", won[0].0));
    }
    let found = one.admin(&format!("GET {path}"), Value::Null).await;
    assert_eq!(found.header("etag"), format!("\"{}\"", ROUNDS + 1));
    assert_eq!(
        found.body["notes"].as_str().unwrap().trim(),
        said.join(" "),
        "each that was accepted"
    );
    let written =
        "select count(*) from audit_entries where chain = 'changes' and action = 'contact.change'";
    assert_eq!(usize::try_from(one.world.number(written).await).unwrap(), ROUNDS);
}

#[tokio::test]
async fn a_field_that_is_absent_stays_and_null_clears() {
    let client = Client::new().await;
    let mut new = ada();
    new["email"] = json!("ada@example.com");
    new["notes"] = json!("mornings");
    let id = client.admin("POST /v1/contacts", new).await.id();
    let path = format!("PATCH /v1/contacts/{id}");
    let changed = client.change(&path, "\"1\"", json!({ "notes": null, "channel": "sms" })).await;
    assert_eq!(changed.body["notes"], Value::Null);
    assert_eq!(changed.body["email"], "ada@example.com");
    assert_eq!(changed.body["channel"], "sms");

    let same = client.change(&path, "\"2\"", json!({ "channel": "sms" })).await;
    assert_eq!(same.header("etag"), "\"2\"", "nothing changed, so there is no new version");
    let audit =
        client.world.number("select count(*) from audit_entries where chain = 'changes'").await;
    assert_eq!(audit, 2, "nor an entry");
}

#[tokio::test]
async fn an_address_belongs_to_one_contact_unless_the_request_says_otherwise() {
    let client = Client::new().await;
    let mut new = ada();
    new["email"] = json!("Ada@example.com");
    let first = client.admin("POST /v1/contacts", new.clone()).await;
    new["email"] = json!("ada@EXAMPLE.com");
    let second = client.admin("POST /v1/contacts", new.clone()).await;
    assert_eq!((second.status, second.problem()), (StatusCode::CONFLICT, "email-taken"));
    assert_eq!(second.body["contact_id"], first.body["id"]);

    new["allow_duplicate_email"] = json!(true);
    let allowed = client.admin("POST /v1/contacts", new).await;
    assert_eq!(allowed.status, StatusCode::CREATED);

    let other = client.contact().await;
    let path = format!("PATCH /v1/contacts/{other}");
    let taken = client.change(&path, "\"1\"", json!({ "email": "ada@example.com" })).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_same_number_at_the_same_time_is_a_warning() {
    let client = Client::new().await;
    let mut new = ada();
    new["appointment"] = json!({ "at": client.ahead(Duration::days(3)).await });
    let first = client.admin("POST /v1/contacts", new.clone()).await;
    let twin = client.admin("POST /v1/contacts", new.clone()).await;
    assert_eq!(twin.status, StatusCode::CREATED, "families share phones");
    let warning = json!([{ "code": "possible_duplicate", "contacts": [first.id()] }]);
    assert_eq!(twin.body["warnings"], warning);

    new["appointment"]["at"] = json!(client.ahead(Duration::days(4)).await);
    let later = client.admin("POST /v1/contacts", new).await;
    assert_eq!(later.body["warnings"], json!([]));
}

#[tokio::test]
async fn a_deleted_contact_is_gone_with_its_appointments() {
    let client = Client::new().await;
    let mut new = ada();
    new["email"] = json!("ada@example.com");
    new["appointment"] = json!({ "at": client.ahead(Duration::days(3)).await });
    let made = client.admin("POST /v1/contacts", new.clone()).await;
    let path = format!("/v1/contacts/{}", made.id());
    let deleted = client.change(&format!("DELETE {path}"), "\"1\"", Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    for path in [path.clone(), format!("{path}/appointments")] {
        let gone = client.admin(&format!("GET {path}"), Value::Null).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{path}");
    }
    let rows =
        client.world.number("select count(*) from contacts where key_wrapped is not null").await;
    assert_eq!(rows, 1, "soft: erasing is another day's work");
    let again = client.admin("POST /v1/contacts", new).await;
    assert_eq!(again.status, StatusCode::CREATED, "its address is free");
}

#[tokio::test]
async fn notes_and_voice_text_are_shown_to_those_who_only_read_if_the_policy_says_so() {
    let client = Client::new().await;
    let mut new = ada();
    new["notes"] = json!("mornings");
    let at = client.ahead(Duration::days(3)).await;
    new["appointment"] = json!({ "at": at, "voice_text": "Bring your card." });
    let id = client.admin("POST /v1/contacts", new).await.id();
    let path = format!("GET /v1/contacts/{id}");
    let hidden = client.user(&path, Value::Null).await;
    assert_eq!(hidden.body["name"], "Ada Lovelace");
    assert!(hidden.body.get("notes").is_none());
    assert!(hidden.body["next_appointment"].get("voice_text").is_none());

    let policy =
        client.change("PATCH /v1/tenant/policy", "*", json!({ "users_see_notes": true })).await;
    assert_eq!(policy.status, StatusCode::OK);
    let shown = client.user(&path, Value::Null).await;
    assert_eq!(shown.body["notes"], "mornings");
    assert_eq!(shown.body["next_appointment"]["voice_text"], "Bring your card.");
}

#[tokio::test]
async fn the_calling_state_follows_calls_and_flags() {
    let client = Client::new().await;
    let path = format!("GET /v1/contacts/{}", client.contact().await);
    client
        .world
        .run(
            "insert into calls (tenant_id, id, contact_id, kind, purpose_key, state, earliest, due, deadline, eligible_at,
                 planned_at, updated_at)
             select tenant_id, gen_random_uuid(), id, 'call_now', 'x', 'planned', now(), now(), now(), now(), now(), now()
             from contacts",
        )
        .await;
    assert_eq!(client.admin(&path, Value::Null).await.body["calling_state"], "scheduled");
    client.world.run("update calls set blocked = '{consent_missing}'").await;
    assert_eq!(client.admin(&path, Value::Null).await.body["calling_state"], "held");
    client.world.run("update calls set state = 'dialling'").await;
    assert_eq!(client.admin(&path, Value::Null).await.body["calling_state"], "in_progress");
    client
        .world
        .run(
            "update calls set state = 'settled';
             insert into flags (tenant_id, id, contact_id, reason, raised_at)
             select tenant_id, gen_random_uuid(), id, 'attempts_used', now() from contacts",
        )
        .await;
    let exhausted = client.admin(&path, Value::Null).await;
    assert_eq!(exhausted.body["calling_state"], "exhausted");
    assert_eq!(exhausted.body["flags"], json!(["attempts_used"]));
}
