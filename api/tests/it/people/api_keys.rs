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
        (
            json!({ "name": "Booking \u{202e}tidua" }),
            vec!["/name control_character"],
            "it would read backwards",
        ),
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

/// The permission to edit users is no way to all others: who invites, resets a password or takes off a second factor can be
/// whom they do it for.
#[tokio::test]
async fn a_key_with_scopes_gives_nobody_more_than_it_has() {
    let client = Client::new().await;
    let (admin, _) = client.signed_in("client_admin").await;
    let gone = client.person("client_admin").await;
    let deactivate = format!("POST /v1/users/{}/deactivate", gone.id);
    assert_eq!(client.admin(&deactivate, json!({})).await.status, StatusCode::OK);
    let reader = client.person("client_user").await;
    let make = async |scopes: Value| {
        let body = json!({ "name": "HR", "role": "client_admin", "scopes": scopes });
        key(&client.admin("POST /v1/api-keys", body).await)
    };
    let users = make(json!(["users.read", "users.edit"])).await;
    let ask = async |key: &ApiKey, what: &str, body: Value| {
        client.ask(key, what, &[("if-match", "*")], &body).await
    };
    for role in ["client_admin", "client_user"] {
        let body = json!({ "name": "Eve Example", "email": "eve@x.example", "role": role });
        let refused = ask(&users, "POST /v1/users", body).await;
        assert_eq!(refused.faults(), ["/role more_than_own"], "{role}: the key reads no contact");
    }
    let raised = json!({ "role": "client_admin" });
    let refused = ask(&users, &format!("PATCH /v1/users/{}", reader.id), raised).await;
    assert_eq!(refused.faults(), ["/role more_than_own"]);
    for (of, verb) in [
        (&admin, "password-link"),
        (&reader, "password-link"),
        (&admin, "second-factor/remove"),
        (&gone, "reactivate"),
    ] {
        let refused = ask(&users, &format!("POST /v1/users/{}/{verb}", of.id), json!({})).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{verb}");
    }
    assert_eq!(client.world.number("select count(*) from users").await, 3, "nobody was made");
    assert_eq!(
        client.world.number("select count(*) from password_links where used_at is null").await,
        0
    );
    let path = format!("PATCH /v1/users/{}", reader.id);
    let named = ask(&users, &path, json!({ "name": "Ada King" })).await;
    assert_eq!(named.status, StatusCode::OK, "what gives nothing");

    let of_reader = [
        "contacts.read",
        "views.edit",
        "groups.read",
        "jobs.read",
        "calls.read",
        "do_not_call.read",
        "live.read",
        "tenant.read",
    ];
    let mut scopes = vec!["users.read", "users.edit"];
    scopes.extend(of_reader);
    let readers = make(json!(scopes)).await;
    let link =
        ask(&readers, &format!("POST /v1/users/{}/password-link", reader.id), json!({})).await;
    assert_eq!(link.status, StatusCode::OK, "it may all that a reader may: {:?}", link.body);
    let body = json!({ "name": "Eve Example", "email": "eve@x.example", "role": "client_admin" });
    let refused = ask(&readers, "POST /v1/users", body).await;
    assert_eq!(refused.faults(), ["/role more_than_own"]);
}

#[tokio::test]
async fn numbers_that_are_not_to_be_called_are_for_keys_that_change_the_list() {
    let client = Client::new().await;
    client.admin("POST /v1/do-not-call", json!({ "number": "07700 900199" })).await;
    for (scopes, shown) in [
        (json!(["do_not_call.read"]), false),
        (json!(["do_not_call.read", "do_not_call.edit"]), true),
    ] {
        let body = json!({ "name": "List", "role": "client_admin", "scopes": scopes });
        let made = key(&client.admin("POST /v1/api-keys", body).await);
        let list = client.ask(&made, "GET /v1/do-not-call", &[], &Value::Null).await;
        assert_eq!(list.body["items"][0].get("number").is_some(), shown, "{scopes}");
    }
}
