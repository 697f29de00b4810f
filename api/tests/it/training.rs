//! Training: what each has completed, who is to be reminded, and that none of it is changed afterwards.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::client::Client;
use crate::people::Signed;

const MODULES: [&str; 4] = ["hipaa", "contacts", "calls", "analytics"];

/// Of each module, why it is due.
async fn due(client: &Client, signed: &Signed) -> Vec<Value> {
    let shown = client.by(signed, "GET /v1/training", Value::Null).await;
    assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
    let items = shown.body["items"].as_array().unwrap().clone();
    assert_eq!(items.iter().map(|item| &item["module"]).collect::<Vec<_>>(), MODULES);
    for item in &items {
        assert_eq!(item["due"], !item["why"].is_null());
    }
    items.into_iter().map(|item| item["why"].clone()).collect()
}

async fn complete(client: &Client, signed: &Signed, module: &str) -> StatusCode {
    let what = format!("POST /v1/training/{module}/completions");
    client.by(signed, &what, json!({ "version": 1 })).await.status
}

#[tokio::test]
async fn each_completes_the_modules_and_administrators_see_who_did() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    assert_eq!(due(&client, &signed).await, ["never_completed"; 4]);
    let newer = json!({ "version": 2 });
    let odd = client.by(&signed, "POST /v1/training/hipaa/completions", newer).await;
    assert_eq!(odd.faults(), ["/version not_current"]);
    assert_eq!(complete(&client, &signed, "juggling").await, StatusCode::NOT_FOUND);
    for module in MODULES {
        assert_eq!(complete(&client, &signed, module).await, StatusCode::CREATED);
    }
    assert_eq!(due(&client, &signed).await, [Value::Null, Value::Null, Value::Null, Value::Null]);
    let entries = "select count(*) from audit_entries where chain = 'changes' and action = 'training.complete'
        and actor like 'user:%'";
    assert_eq!(client.world.number(entries).await, 4, "on the trail");

    let (other, _) = client.signed_in("client_admin").await;
    let listed = client.admin("GET /v1/training/people", Value::Null).await;
    let of = |id: &str| {
        let items = listed.body["items"].as_array().unwrap();
        items.iter().find(|item| item["user_id"] == id).cloned().unwrap()
    };
    assert_eq!(of(&person.id)["due"], false, "{listed:?}");
    assert!(of(&person.id)["modules"][2]["completed_at"].is_string());
    assert_eq!(of(&person.id)["modules"][2]["completed_version"], 1);
    assert_eq!(of(&other.id)["due"], true);

    let refused = client.by(&signed, "GET /v1/training/people", Value::Null).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "for administrators");
    let key = client.admin("GET /v1/training", Value::Null).await;
    assert_eq!(key.status, StatusCode::FORBIDDEN, "a program learns nothing");
    let body = json!({ "version": 1 });
    let key = client.admin("POST /v1/training/hipaa/completions", body).await;
    assert_eq!(key.status, StatusCode::FORBIDDEN);
    let strangers = client.of_another_tenant().await;
    let listed = strangers.admin("GET /v1/training/people", Value::Null).await;
    assert_eq!(listed.body["items"], json!([]));
}

#[tokio::test]
async fn a_completion_that_is_sent_twice_by_name_is_there_once() {
    let client = Client::new().await;
    let (_, signed) = client.signed_in("client_user").await;
    for _ in 0..2 {
        let headers = [("idempotency-key", "once")];
        let what = "POST /v1/training/calls/completions";
        let body = json!({ "version": 1 });
        let made = client.speak(Some(&signed.access), what, &headers, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    }
    assert_eq!(client.world.number("select count(*) from training_completions").await, 1);
}

#[tokio::test]
async fn the_third_detection_reminds_and_completing_the_module_ends_it() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_admin").await;
    for module in MODULES {
        complete(&client, &signed, module).await;
    }
    let save = async |knowingly: bool| {
        let body = json!({ "reason": "Her asthma", "acknowledge_phi": knowingly });
        client.by(&signed, "POST /v1/legal-holds", body).await.status
    };
    let reminded = async || due(&client, &signed).await[0].clone();
    let clean = json!({ "reason": "A claim is pending" });
    for _ in 0..4 {
        client.by(&signed, "POST /v1/legal-holds", clean.clone()).await;
    }
    assert_eq!(save(false).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(save(true).await, StatusCode::CREATED);
    assert_eq!(reminded().await, Value::Null, "two, and clean ones don't count");
    assert_eq!(save(false).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reminded().await, "detections");
    assert_eq!(due(&client, &signed).await[1..], [Value::Null, Value::Null, Value::Null]);
    let people = client.admin("GET /v1/phi/compliance", Value::Null).await.body["people"].clone();
    assert_eq!(people[0]["user_id"], person.id.as_str());
    assert_eq!(people[0]["reminder"], "detections", "{people}");
    let (_, colleague) = client.signed_in("client_admin").await;
    complete(&client, &colleague, "hipaa").await;
    assert_eq!(due(&client, &colleague).await[0], Value::Null, "somebody else's remind nobody");

    assert_eq!(complete(&client, &signed, "hipaa").await, StatusCode::CREATED);
    assert_eq!(reminded().await, Value::Null, "it was completed since");
    for _ in 0..3 {
        save(false).await;
    }
    assert_eq!(reminded().await, "detections", "three more");
    client.world.run("update training_completions set at = at - interval '40 days'").await;
    assert_eq!(reminded().await, "detections");
    client.world.run("update phi_detections set at = at - interval '31 days'").await;
    assert_eq!(reminded().await, Value::Null, "too long ago");
}
