//! Contacts that are erased because they ask for it, and what may not be.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};

use crate::client::{Client, ada};

async fn booked(client: &Client) -> String {
    let mut new = ada();
    new["appointment"] = json!({ "at": client.ahead(Duration::days(3)).await });
    client.admin("POST /v1/contacts", new).await.id()
}

#[tokio::test]
async fn who_asks_to_be_erased_is_gone_for_everybody() {
    let client = Client::new().await;
    let contact = booked(&client).await;
    let erase = format!("POST /v1/contacts/{contact}/erase");
    let before = client.everything().await;
    let unsure = client.admin(&erase, json!({ "confirm": "never" })).await;
    assert_eq!(unsure.faults(), ["/confirm unconfirmed"]);
    assert_eq!(client.everything().await, before, "nothing was changed");

    let done = client.admin(&erase, json!({ "confirm": "erase" })).await;
    assert_eq!(done.status, StatusCode::OK, "{:?}", done.body);
    assert_eq!(
        done.body,
        json!({ "appointments": 1, "conversations": 0, "dials": 0, "groups": 0 })
    );
    let gone = client.admin(&format!("GET /v1/contacts/{contact}"), Value::Null).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(
        client.admin(&erase, json!({ "confirm": "erase" })).await.status,
        StatusCode::NOT_FOUND
    );
    let planned = "select count(*) from calls where state = 'planned'";
    assert_eq!(client.world.number(planned).await, 0);
    let left = "select count(*) from contacts where num_nonnulls(key_wrapped, name, phone, email, notes, email_eq) > 0";
    assert_eq!(client.world.number(left).await, 0);
    let told =
        client.world.texts("select action from audit_entries where action = 'contact.erase'").await;
    assert_eq!(told.len(), 1);
}

#[tokio::test]
async fn a_contact_that_was_deleted_can_be_erased_and_one_that_is_held_cannot() {
    let client = Client::new().await;
    let contact = booked(&client).await;
    let hold = json!({ "contact_id": contact, "reason": "A claim is pending" });
    let hold = client.admin("POST /v1/legal-holds", hold).await;
    assert_eq!(hold.status, StatusCode::CREATED, "{:?}", hold.body);
    let delete = format!("DELETE /v1/contacts/{contact}");
    let any = [("if-match", "*")];
    let deleted = client.ask(&client.clinic.admin, &delete, &any, &Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "a hold keeps nobody from deleting");

    let erase = format!("POST /v1/contacts/{contact}/erase");
    let refused = client.admin(&erase, json!({ "confirm": "erase" })).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.problem(), "not-erased");
    assert_eq!(refused.body["why"], "legal_hold");
    let listed = client.admin("GET /v1/legal-holds", Value::Null).await;
    assert_eq!(listed.body["items"][0]["reason"], "A claim is pending");
    let sealed = client.world.texts("select encode(reason, 'escape') from legal_holds").await;
    assert!(!sealed[0].contains("claim"));

    let release = format!("DELETE /v1/legal-holds/{}", hold.id());
    assert_eq!(client.admin(&release, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.admin(&release, Value::Null).await.status, StatusCode::NOT_FOUND, "once");
    assert_eq!(client.admin(&erase, json!({ "confirm": "erase" })).await.status, StatusCode::OK);
    let again = json!({ "contact_id": contact, "reason": "Too late" });
    let late = client.admin("POST /v1/legal-holds", again).await;
    assert_eq!(late.faults(), ["/contact_id unknown"]);
}

#[tokio::test]
async fn a_round_is_asked_for_and_its_forecast_is_seen() {
    let client = Client::new().await;
    booked(&client).await;
    client.world.run("update contacts set deleted_at = app_clock() - interval '13 months'").await;
    let read = client.admin("GET /v1/retention", Value::Null).await;
    assert_eq!(read.body["retention_months"], 12);
    assert_eq!(read.body["now"]["erase"], 1, "{:?}", read.body);
    assert_eq!((&read.body["last"], &read.body["next_at"]), (&Value::Null, &Value::Null));
    let asked = client.admin("POST /v1/retention/rounds", json!({})).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.body["next_at"].is_string(), "{:?}", asked.body);
    let due = shared::retention::store::due(&client.world.db, 10).await.unwrap();
    assert_eq!(due, [client.clinic.id]);
}
