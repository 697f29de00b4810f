//! Who is not to be called survives a database that goes back.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use shared::journal::{Entry, Journal};

use crate::client::Client;

/// A client whose API has a journal.
async fn journalled() -> (Client, Arc<Journal>, PathBuf) {
    let dir = std::env::temp_dir().join(format!("vio-api-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&dir).unwrap();
    let journal = Arc::new(Journal::open(&dir).unwrap());
    let kept = Arc::clone(&journal);
    let client = Client::with(|app| app.journal = Some(kept)).await;
    (client, journal, dir)
}

async fn listed(client: &Client) -> Vec<String> {
    let list = client.admin("GET /v1/do-not-call", Value::Null).await;
    let items = list.body["items"].as_array().unwrap().clone();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let mut items: Vec<String> =
        items.iter().map(|i| format!("{} {}", text(&i["number"]), text(&i["source"]))).collect();
    items.sort();
    items
}

#[tokio::test]
async fn a_restore_forgets_neither_who_was_listed_nor_who_was_taken_off() {
    let (client, journal, dir) = journalled().await;
    let early = client.admin("POST /v1/do-not-call", json!({ "number": "07700900001" })).await;
    // What the backup holds: the first entry, listed.
    client.world.run("create table backup as select * from do_not_call").await;
    client.admin("POST /v1/do-not-call", json!({ "number": "07700900002" })).await;
    let gone = client.admin("POST /v1/do-not-call", json!({ "number": "07700900003" })).await;
    let wrong = client.admin("POST /v1/do-not-call", json!({ "number": "07700900006" })).await;
    let rows = json!({ "numbers": ["07700900004", "07700900005", "07700900002"] });
    client.admin("POST /v1/do-not-call/import", rows).await;
    for id in [early.id(), gone.id(), wrong.id()] {
        client.admin(&format!("DELETE /v1/do-not-call/{id}"), Value::Null).await;
    }
    client.admin("POST /v1/do-not-call", json!({ "number": "07700900003" })).await;
    let before = listed(&client).await;
    assert_eq!(before.len(), 4, "{before:?}");

    client.world.run("delete from do_not_call; insert into do_not_call select * from backup").await;
    journal.replay(&client.world.db, &client.world.keys).await.unwrap();
    assert_eq!(listed(&client).await, before, "as it was");
    journal.replay(&client.world.db, &client.world.keys).await.unwrap();
    assert_eq!(listed(&client).await, before, "again changes nothing");

    let text = std::fs::read_to_string(dir.join("journal.jsonl")).unwrap();
    assert!(!text.contains("7700900"), "no number lies open");
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn lines_of_older_releases_and_lines_cut_short_are_read_as_far_as_they_go() {
    let dir = std::env::temp_dir().join(format!("vio-api-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&dir).unwrap();
    let id = "0193e0c0-0000-7000-8000-000000000001";
    let old = format!(
        r#"{{"kind":"opt_out","tenant":"{id}","id":"{id}","number_eq":"aa","number":"bb","at":"2026-11-22T10:00:00Z"}}"#
    );
    let unknown = r#"{"kind":"erased","tenant":"x"}"#;
    let mut bytes = format!("{old}\n{unknown}\n{old}\n").into_bytes();
    bytes.extend(b"{\"kind\":\"opt_out\",\xff");
    std::fs::write(dir.join("journal.jsonl"), bytes).unwrap();
    let entries = Journal::open(&dir).unwrap().entries().unwrap();
    assert_eq!(entries.len(), 2);
    assert!(matches!(&entries[0], Entry::OptOut { source, .. } if source == "call"));
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn a_request_that_lists_nothing_new_notes_nothing() {
    let (client, journal, dir) = journalled().await;
    client.admin("POST /v1/do-not-call", json!({ "number": "07700900001" })).await;
    client.admin("POST /v1/do-not-call", json!({ "number": "07700900001" })).await;
    client.admin("POST /v1/do-not-call", json!({ "number": "nonsense" })).await;
    client.admin(&format!("DELETE /v1/do-not-call/{}", uuid::Uuid::now_v7()), Value::Null).await;
    assert_eq!(journal.entries().unwrap().len(), 1);
    std::fs::remove_dir_all(dir).unwrap();
}
