//! The platform's people: they manage tenants from outside, and say first when they look into one.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};

use super::Signed;
use crate::client::{Answer, Client, ada};

const CONTACTS: &str = "GET /v1/contacts";

fn visit_path(visit: &Answer, verb: &str) -> String {
    format!("POST /v1/platform/visits/{}/{verb}", visit.id())
}

#[tokio::test]
async fn a_super_admin_has_a_second_factor_or_does_nothing() {
    let client = Client::new().await;
    let person = client.appointed().await;
    let answer = client.try_sign_in(&person.email, json!({})).await;
    assert_eq!(answer.body["second_factor_setup_needed"], true);
    assert_eq!(answer.body["user"]["role"], "super_admin");
    let signed = Signed::of(&answer);
    for what in ["GET /v1/platform/tenants", CONTACTS] {
        let refused = client.by(&signed, what, Value::Null).await;
        assert_eq!(refused.problem(), "second-factor-setup-needed", "{what}");
    }
    client.add_factor(&signed).await;
    let listed = client.by(&signed, "GET /v1/platform/tenants", Value::Null).await;
    assert_eq!(listed.status, StatusCode::OK);
    assert_eq!(listed.body["items"][0]["id"], client.clinic.id.to_string());
}

#[tokio::test]
async fn a_tenant_is_seen_only_within_a_declared_access_and_only_that_tenant() {
    let client = Client::new().await;
    let contact = client.contact().await;
    let (person, signed) = client.super_admin().await;
    let before = client.by(&signed, CONTACTS, Value::Null).await;
    assert_eq!((before.status, before.problem()), (StatusCode::FORBIDDEN, "access-not-declared"));

    let visit = client.visit(&signed, "read").await;
    assert_eq!((visit.status, &visit.body["state"]), (StatusCode::CREATED, &json!("open")));
    let seen = client.by(&signed, CONTACTS, Value::Null).await;
    assert_eq!(seen.body["items"][0]["id"], contact.as_str());
    assert_eq!(client.by(&signed, "POST /v1/contacts", ada()).await.status, StatusCode::FORBIDDEN);
    let me = client.by(&signed, "GET /v1/me", Value::Null).await;
    assert_eq!(me.body["visit"]["tenant_id"], client.clinic.id.to_string());

    let other = client.world.tenant().await;
    let body = json!({ "tenant_id": other.id, "reason": "Ticket 4712: the same there" });
    let second = client.by(&signed, "POST /v1/platform/visits", body.clone()).await;
    assert_eq!(second.problem(), "access-open", "one tenant at a time");

    let ended = client.by(&signed, &visit_path(&visit, "end"), json!({})).await;
    assert_eq!(ended.body["state"], "ended");
    let after = client.by(&signed, CONTACTS, Value::Null).await;
    assert_eq!(after.problem(), "access-not-declared");
    let second = client.by(&signed, "POST /v1/platform/visits", body).await;
    assert_eq!(second.status, StatusCode::CREATED);
    let seen = client.by(&signed, CONTACTS, Value::Null).await;
    assert_eq!(seen.body["items"], json!([]), "the other tenant has none");

    // The tenant reads who was there, when and why; and each look is in its chain.
    let told = client.admin("GET /v1/tenant/platform-visits", Value::Null).await;
    assert_eq!(told.body["items"][0]["user_id"], person.id.as_str());
    assert_eq!(told.body["items"][0]["reason"], "Ticket 4711: a caller hears nothing");
    assert_eq!(told.body["items"].as_array().unwrap().len(), 1, "its own");
    let changes = client.chain("changes").await;
    assert!(changes.contains(&"visitor visit.start".to_owned()), "{changes:?}");
    assert!(changes.contains(&"visitor visit.end".to_owned()), "{changes:?}");
    let accesses = client.chain("accesses").await;
    assert!(accesses.contains(&"visitor GET /v1/contacts 200".to_owned()), "{accesses:?}");
    assert!(accesses.contains(&"visitor POST /v1/contacts 403".to_owned()), "{accesses:?}");
    let sealed = client.world.texts("select encode(reason, 'escape') from visits").await.join(" ");
    assert!(!sealed.contains("4711"));
    let platform = client.by(&signed, "GET /v1/platform/visits", Value::Null).await;
    assert_eq!(platform.body["items"].as_array().unwrap().len(), 2);
    assert!(platform.body["items"][0].get("reason").is_none(), "why is for the tenant to read");
}

#[tokio::test]
async fn an_access_ends_by_itself() {
    let client = Client::new().await;
    let (_, mut signed) = client.super_admin().await;
    let body = json!({ "tenant_id": client.clinic.id, "minutes": 20,
                       "reason": "Ticket 4711: a caller hears nothing" });
    let visit = client.by(&signed, "POST /v1/platform/visits", body.clone()).await;
    assert_eq!(visit.status, StatusCode::CREATED);
    client.world.advance(Duration::minutes(14)).await;
    signed = Signed::of(&client.refresh(&signed.refresh).await);
    assert_eq!(client.by(&signed, CONTACTS, Value::Null).await.status, StatusCode::OK);
    client.world.advance(Duration::minutes(6)).await;
    let after = client.by(&signed, CONTACTS, Value::Null).await;
    assert_eq!(after.problem(), "access-not-declared");
    let next = client.by(&signed, "POST /v1/platform/visits", body).await;
    assert_eq!(next.status, StatusCode::CREATED, "what ran out stands in no way");
}

#[tokio::test]
async fn the_glass_is_broken_by_two() {
    let client = Client::new().await;
    let (_, one) = client.super_admin().await;
    let (_, other) = client.super_admin().await;
    let visit = client.visit(&one, "break_glass").await;
    assert_eq!(visit.body["state"], "waiting");
    let waiting = client.by(&one, CONTACTS, Value::Null).await;
    assert_eq!(waiting.problem(), "access-not-declared", "not yet");
    let own = client.by(&one, &visit_path(&visit, "approve"), json!({})).await;
    assert_eq!((own.status, own.problem()), (StatusCode::CONFLICT, "own-access"));
    let approved = client.by(&other, &visit_path(&visit, "approve"), json!({})).await;
    assert_eq!(approved.body["state"], "open", "{:?}", approved.body);
    let twice = client.by(&other, &visit_path(&visit, "approve"), json!({})).await;
    assert_eq!(twice.problem(), "access-not-waiting");

    assert_eq!(client.by(&other, CONTACTS, Value::Null).await.problem(), "access-not-declared");
    let made = client.by(&one, "POST /v1/contacts", ada()).await;
    assert_eq!(made.status, StatusCode::CREATED, "as an administrator");
    let path = format!("PATCH /v1/contacts/{}", made.id());
    let name = json!({ "name": "Ada King" });
    let changed = client.speak(Some(&one.access), &path, &[("if-match", "*")], &name).await;
    assert_eq!(changed.status, StatusCode::OK);
    // What would outlast the access is not for a visitor.
    for (what, body) in [
        ("POST /v1/users", json!({ "name": "Eve Example", "email": "eve@x.example" })),
        ("POST /v1/api-keys", json!({ "name": "Back door" })),
        ("PUT /v1/tenant/security", json!({ "second_factor_required": false })),
    ] {
        let answer = client.speak(Some(&one.access), what, &[("if-match", "*")], &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
    }
    let changes = client.chain("changes").await;
    for entry in ["visitor visit.ask", "visitor visit.approve", "visitor contact.create"] {
        assert!(changes.contains(&entry.to_owned()), "{entry}: {changes:?}");
    }
}

#[tokio::test]
async fn a_wish_that_nobody_approves_lapses_and_another_may_end_an_access() {
    let client = Client::new().await;
    let (_, one) = client.super_admin().await;
    let (_, other) = client.super_admin().await;
    let lapsing = client.visit(&one, "break_glass").await;
    client.world.advance(Duration::minutes(15)).await;
    let (one, other) = (
        Signed::of(&client.refresh(&one.refresh).await),
        Signed::of(&client.refresh(&other.refresh).await),
    );
    let late = client.by(&other, &visit_path(&lapsing, "approve"), json!({})).await;
    assert_eq!(late.problem(), "access-not-waiting");
    let open = client.visit(&one, "read").await;
    assert_eq!(open.status, StatusCode::CREATED);
    let ended = client.by(&other, &visit_path(&open, "end"), json!({})).await;
    assert_eq!(ended.status, StatusCode::OK);
    assert_eq!(client.by(&one, CONTACTS, Value::Null).await.problem(), "access-not-declared");
}

#[tokio::test]
async fn an_access_says_why_and_is_not_for_long() {
    let client = Client::new().await;
    let (_, signed) = client.super_admin().await;
    let id = client.clinic.id;
    for (body, fault, why) in [
        (json!({ "tenant_id": id, "reason": "because" }), "/reason too_short", "no reason"),
        (json!({ "tenant_id": id, "reason": "" }), "/reason empty", "none at all"),
        (
            json!({ "tenant_id": id, "reason": "Ticket 4711", "minutes": 241 }),
            "/minutes out_of_range",
            "too long",
        ),
        (
            json!({ "tenant_id": id, "reason": "Ticket 4711", "kind": "break_glass", "minutes": 61 }),
            "/minutes out_of_range",
            "too long to break the glass",
        ),
        (
            json!({ "tenant_id": id, "reason": "Ticket 4711", "kind": "write" }),
            "/kind unknown_kind",
            "no such kind",
        ),
    ] {
        let answer = client.by(&signed, "POST /v1/platform/visits", body).await;
        assert_eq!(answer.faults(), [fault], "{why}");
    }
    let nowhere = json!({ "tenant_id": uuid::Uuid::now_v7(), "reason": "Ticket 4711" });
    let answer = client.by(&signed, "POST /v1/platform/visits", nowhere).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn tenants_are_made_and_settled_from_outside() {
    let client = Client::new().await;
    let (_, signed) = client.super_admin().await;
    let body = json!({ "name": "Second clinic", "zone": "Europe/Dublin" });
    let made = client.by(&signed, "POST /v1/platform/tenants", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let path = format!("/v1/platform/tenants/{}", made.id());
    let details = json!({ "name": "Joan Clarke", "email": "joan@second.example" });
    let invited = client.by(&signed, &format!("POST {path}/administrators"), details).await;
    let link = invited.body["link"]["token"].as_str().unwrap();
    assert_eq!(client.set_password(link, super::PASSWORD).await.status, StatusCode::NO_CONTENT);
    let joan = Signed::of(&client.try_sign_in("joan@second.example", json!({})).await);
    let users = client.by(&joan, "GET /v1/users", Value::Null).await;
    assert_eq!(users.body["items"][0]["name"], "Joan Clarke");

    let shown = client.by(&signed, &format!("GET {path}"), Value::Null).await;
    assert_eq!(shown.body["zone"], "Europe/Dublin");
    let patch = async |body: Value| {
        client
            .speak(Some(&signed.access), &format!("PATCH {path}"), &[("if-match", "*")], &body)
            .await
    };
    let looser = patch(json!({ "allowance": { "daily_limit_at_most": 500 } })).await;
    assert_eq!(looser.body["allowance"]["daily_limit_at_most"], 500, "{:?}", looser.body);
    let tighter = patch(json!({ "allowance": { "daily_limit_at_most": 1 } })).await;
    assert_eq!(tighter.faults(), ["/allowance policy_is_looser"]);
    let suspended = patch(json!({ "active": false })).await;
    assert_eq!(suspended.body["active"], false);
    let refused = client.by(&joan, "GET /v1/users", Value::Null).await;
    assert_eq!(refused.problem(), "tenant-suspended");
    let of_platform = client.world.texts("select action from platform_entries order by n").await;
    assert!(of_platform.contains(&"tenant.create".to_owned()), "{of_platform:?}");
    let nowhere = format!("GET /v1/platform/tenants/{}", uuid::Uuid::now_v7());
    assert_eq!(client.by(&signed, &nowhere, Value::Null).await.status, StatusCode::NOT_FOUND);
}

/// Else one person of the platform would be a tenant's administrator, for good, where changing anything there takes two for an hour.
#[tokio::test]
async fn nobody_of_the_platform_invites_themselves_where_there_is_an_administrator() {
    let client = Client::new().await;
    let (_, signed) = client.super_admin().await;
    let invite = format!("POST /v1/platform/tenants/{}/administrators", client.clinic.id);
    let details = |email: &str| json!({ "name": "Sam Platform", "email": email });
    let mistyped = client.by(&signed, &invite, details("joan@clinic.exampel")).await;
    assert_eq!(mistyped.status, StatusCode::CREATED, "{:?}", mistyped.body);
    let first = client.by(&signed, &invite, details("joan@clinic.example")).await;
    assert_eq!(first.status, StatusCode::CREATED, "nobody has set a password yet");
    client.set_password(first.body["link"]["token"].as_str().unwrap(), super::PASSWORD).await;
    let before = client.everything().await;
    let refused = client.by(&signed, &invite, details("sam@elsewhere.example")).await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "administrator-there"));
    assert_eq!(client.everything().await, before);
}
