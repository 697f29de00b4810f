//! API keys, made and revoked by the tenant.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::api_keys::ApiKey;

use crate::client::{Answer, Client, ada, app};

fn key(made: &Answer) -> ApiKey {
    ApiKey::parse(made.body["api_key"].as_str().expect("a key")).expect("a key")
}

#[tokio::test]
async fn a_key_is_shown_once_and_does_what_its_scopes_say() {
    let client = Client::new().await;
    let (_, signed) = client.signed_in("client_admin").await;
    let body = json!({ "name": "CRM", "role": "client_admin",
                       "scopes": ["contacts.read", "contacts.edit"] });
    let made = client.by(&signed, "POST /v1/api-keys", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let crm = key(&made);
    for (what, body, status, why) in [
        ("GET /v1/contacts", Value::Null, 200, "in its scopes"),
        ("POST /v1/contacts", ada(), 201, "in its scopes"),
        ("GET /v1/calls", Value::Null, 403, "its role may, its scopes don't say so"),
        ("PATCH /v1/tenant", json!({}), 403, "its role may, its scopes don't say so"),
        ("GET /v1/users", Value::Null, 403, "its role may, its scopes don't say so"),
    ] {
        let answer = client.ask(&crm, what, &[("if-match", "*")], &body).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {why}");
    }
    let path = format!("GET /v1/api-keys/{}", made.id());
    let shown = client.by(&signed, &path, Value::Null).await;
    assert!(shown.body.get("api_key").is_none(), "never again");
    assert!(shown.body["last_used"].is_string());
    assert_eq!(shown.body["scopes"], json!(["contacts.edit", "contacts.read"]));
    let listed = client.by(&signed, "GET /v1/api-keys", Value::Null).await;
    assert!(!listed.body.to_string().contains(crm.expose()));
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 3, "the tenant's two, and this");
    let me = client.ask(&crm, "GET /v1/me", &[], &Value::Null).await;
    assert_eq!(me.body["permissions"], json!(["contacts.read", "contacts.edit"]));
}

#[tokio::test]
async fn scopes_are_permissions_that_the_role_has() {
    let client = Client::new().await;
    for (body, faults, why) in [
        (
            json!({ "name": "x", "scopes": ["contacts.read", "everything"] }),
            vec!["/scopes/1 unknown_scope"],
            "no such permission",
        ),
        (
            json!({ "name": "x", "scopes": ["contacts.edit"] }),
            vec!["/scopes/0 unknown_scope"],
            "readers don't edit",
        ),
        (
            json!({ "name": "x", "role": "super_admin" }),
            vec!["/role unknown_role"],
            "no role of a key",
        ),
        (json!({ "name": " " }), vec!["/name empty"], "no name"),
    ] {
        let answer = client.admin("POST /v1/api-keys", body).await;
        assert_eq!(answer.faults(), faults, "{why}");
    }
    let reader = client.admin("POST /v1/api-keys", json!({ "name": "Reader" })).await;
    assert_eq!(reader.body["role"], "client_user", "the least, unless said otherwise");
    assert_eq!(reader.body["scopes"], Value::Null);
    let answer = client.ask(&key(&reader), "POST /v1/contacts", &[], &ada()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_key_makes_no_key_that_may_more_than_itself() {
    let client = Client::new().await;
    let scopes = json!(["api_keys.edit", "contacts.read"]);
    let body = json!({ "name": "Maker", "role": "client_admin", "scopes": scopes });
    let maker = key(&client.admin("POST /v1/api-keys", body).await);
    let make = async |scopes: Value| {
        let body = json!({ "name": "Made", "role": "client_admin", "scopes": scopes });
        client.ask(&maker, "POST /v1/api-keys", &[], &body).await
    };
    for scopes in [Value::Null, json!(["contacts.edit"]), json!(["contacts.read", "users.edit"])] {
        assert_eq!(make(scopes).await.faults(), ["/scopes more_than_own"]);
    }
    assert_eq!(make(json!(["contacts.read"])).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_at_once_in_every_process() {
    let client = Client::new().await;
    let made = client.admin("POST /v1/api-keys", json!({ "name": "CRM" })).await;
    let crm = key(&made);
    let running = client.router.clone();
    assert_eq!(
        client.ask(&crm, "GET /v1/contacts", &[], &Value::Null).await.status,
        StatusCode::OK
    );
    let path = format!("DELETE /v1/api-keys/{}", made.id());
    let other = client.world.tenant().await;
    let elsewhere = client.ask(&other.admin, &path, &[], &Value::Null).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND, "another tenant's key is not there");
    let starting = Client { router: api::router(app(&client.world)), ..client };
    assert_eq!(starting.admin(&path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(starting.admin(&path, Value::Null).await.status, StatusCode::NOT_FOUND);
    let running = Client { router: running, ..starting };
    let answer = running.ask(&crm, "GET /v1/contacts", &[], &Value::Null).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(running.chain("changes").await, ["key api_key.create", "key api_key.revoke"]);
}
