//! No route answers without a key, none lets a reader write, and another tenant's ids look like absent ones.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::Duration;
use serde_json::{Value, json};
use shared::api_keys::{ApiKey, store};
use uuid::Uuid;

use crate::client::{Client, ada};

/// Every route that a key opens. `{c}`, `{a}`, `{d}`, `{k}` are a contact, its appointment, an entry of the do-not-call
/// list, and a call. Webhooks of the provider are opened by a signature.
pub(crate) const ROUTES: [(&str, Access); 37] = [
    ("POST /v1/contacts", Access::Admin),
    ("GET /v1/contacts", Access::User),
    ("GET /v1/contacts/{c}", Access::User),
    ("PATCH /v1/contacts/{c}", Access::Admin),
    ("DELETE /v1/contacts/{c}", Access::Admin),
    ("POST /v1/contacts/{c}/appointments", Access::Admin),
    ("GET /v1/contacts/{c}/appointments", Access::User),
    ("GET /v1/contacts/{c}/appointments/{a}", Access::User),
    ("PATCH /v1/contacts/{c}/appointments/{a}", Access::Admin),
    ("DELETE /v1/contacts/{c}/appointments/{a}", Access::Admin),
    ("POST /v1/contacts/{c}/appointments/{a}/move", Access::Admin),
    ("POST /v1/contacts/{c}/appointments/{a}/cancel", Access::Admin),
    ("GET /v1/do-not-call", Access::User),
    ("POST /v1/do-not-call", Access::Admin),
    ("DELETE /v1/do-not-call/{d}", Access::Admin),
    ("POST /v1/do-not-call/import", Access::Admin),
    ("GET /v1/tenant", Access::User),
    ("PATCH /v1/tenant", Access::Admin),
    ("PUT /v1/tenant/zone", Access::Admin),
    ("GET /v1/tenant/policy", Access::User),
    ("PATCH /v1/tenant/policy", Access::Admin),
    ("POST /v1/tenant/pause", Access::Admin),
    ("POST /v1/tenant/resume", Access::Admin),
    ("POST /v1/tenant/retry-configuration", Access::Admin),
    ("GET /v1/tenant/closed-dates", Access::User),
    ("PUT /v1/tenant/closed-dates/2027-01-01", Access::Admin),
    ("DELETE /v1/tenant/closed-dates/2027-01-01", Access::Admin),
    ("POST /v1/tenant/closed-dates/presets/uk-bank-holidays", Access::Admin),
    ("POST /v1/live/tickets", Access::User),
    ("GET /v1/contacts?limit=1", Access::User),
    ("GET /v1/do-not-call?limit=1", Access::User),
    ("GET /v1/calls", Access::User),
    ("GET /v1/calls/{k}", Access::User),
    ("GET /v1/calls/{k}/explanation", Access::User),
    ("DELETE /v1/contacts/{c}/flags", Access::Admin),
    ("GET /v1/contacts/{c}/callability", Access::User),
    ("POST /v1/contacts/{c}/call-now", Access::Admin),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    User,
    Admin,
}

pub(crate) struct Ids {
    contact: String,
    appointment: String,
    entry: String,
    call: String,
}

impl Ids {
    fn random() -> Self {
        let id = || Uuid::now_v7().to_string();
        Self { contact: id(), appointment: id(), entry: id(), call: id() }
    }

    pub(crate) fn fill(&self, route: &str) -> String {
        route
            .replace("{c}", &self.contact)
            .replace("{a}", &self.appointment)
            .replace("{d}", &self.entry)
            .replace("{k}", &self.call)
    }
}

/// Routes that a signature opens, or a signature or a key; or a ticket.
const SIGNED: [&str; 3] =
    ["POST /v1/webhooks/retell/{account}", "POST /api/webhook/call-outcome", "GET /v1/live"];

#[tokio::test]
async fn every_route_that_there_is_stands_in_the_lists_above() {
    let client = Client::new().await;
    let mut served = std::collections::BTreeSet::new();
    for path in paths(&client.router) {
        // An id that parses, so that the path is matched; a method that no route knows is told those that it does.
        let filled = shape(&path).replace("{}", "0");
        let request = Request::builder().method("TRACE").uri(&filled).body(Body::empty()).unwrap();
        let answer = client.send(request).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let methods = answer.header("allow").split(',').filter(|method| *method != "HEAD");
        served.extend(methods.map(|method| format!("{method} {}", shape(&path))));
    }
    let dated = |route: &str| route.replace("2027-01-01", "{date}");
    let listed: std::collections::BTreeSet<String> = ROUTES
        .iter()
        .map(|(route, _)| *route)
        .chain(SIGNED)
        .map(|route| shape(&dated(route.split('?').next().unwrap())))
        .collect();
    assert!(served.len() > 30, "routes are read from how axum prints a router: {served:?}");
    assert_eq!(
        served, listed,
        "a new route needs its line in ROUTES, or, if no key opens it, in SIGNED and a test there"
    );
}

/// The paths of a router, as it prints itself.
fn paths(router: &axum::Router) -> std::collections::BTreeSet<String> {
    format!("{router:?}")
        .split("RouteId(")
        .filter_map(|part| part.split_once("): \"/"))
        .filter_map(|(_, rest)| rest.split_once('"'))
        .map(|(path, _)| format!("/{path}"))
        .filter(|path| path != "/" && !path.contains("{*"))
        .collect()
}

/// A path without the names of its parameters.
fn shape(path: &str) -> String {
    let mut out = String::new();
    for part in path.split('{') {
        match part.split_once('}') {
            Some((_, rest)) => out.extend(["{}", rest]),
            None => out.push_str(part),
        }
    }
    out
}

pub(crate) async fn inhabited() -> (Client, Ids) {
    let client = Client::new().await;
    let mut new = ada();
    new["appointment"] = json!({ "at": client.ahead(Duration::days(3)).await });
    let made = client.admin("POST /v1/contacts", new).await;
    let appointment = made.body["next_appointment"]["id"].as_str().unwrap().to_owned();
    let listed = client.admin("POST /v1/do-not-call", json!({ "number": "07700900199" })).await;
    let call = client.world.texts("select id::text from calls").await.remove(0);
    let ids = Ids { contact: made.id(), appointment, entry: listed.id(), call };
    (client, ids)
}

#[tokio::test]
async fn no_route_answers_without_a_key_that_holds() {
    let (client, ids) = inhabited().await;
    let revoked = client.world.tenant().await;
    store::revoke(&client.world.db, revoked.id, revoked.admin_id).await.unwrap();
    let before = client.everything().await;
    let unknown = ApiKey::generate().unwrap();
    for (route, _) in ROUTES {
        let what = ids.fill(route);
        let (method, path) = what.split_once(' ').unwrap();
        for value in [None, Some("Bearer x"), Some("Basic dmlvOnZpbw==")] {
            let mut request = Request::builder().method(method).uri(path);
            if let Some(value) = value {
                request = request.header("authorization", value);
            }
            let answer = client.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what} {value:?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        let a = client.ask(&unknown, &what, &[], &Value::Null).await;
        let b = client.ask(&revoked.admin, &what, &[], &Value::Null).await;
        assert_eq!(
            (a.status, b.status),
            (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED),
            "{what}"
        );
        assert_eq!(a.body["detail"], b.body["detail"], "revoked looks like unknown");
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn who_may_only_read_changes_nothing() {
    let (client, ids) = inhabited().await;
    let before = client.everything().await;
    for (route, access) in ROUTES {
        let answer = client.user(&ids.fill(route), Value::Null).await;
        let expected = if access == Access::User { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{route}");
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn another_tenants_ids_look_like_absent_ones_on_every_route() {
    let (client, ids) = inhabited().await;
    let stranger = client.world.tenant().await;
    let before = client.everything().await;
    let at = client.ahead(Duration::days(9)).await;
    for (route, _) in ROUTES.into_iter().filter(|(route, _)| route.contains('{')) {
        let body = match route {
            _ if route.starts_with("GET") || route.starts_with("DELETE") => Value::Null,
            _ if route.ends_with("/appointments") || route.ends_with("/move") => {
                json!({ "at": at })
            }
            _ => json!({}),
        };
        let absent = Ids::random();
        let mut answers = Vec::new();
        for what in [ids.fill(route), absent.fill(route)] {
            let answer = client.ask(&stranger.admin, &what, &[("if-match", "*")], &body).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{what}: {:?}", answer.body);
            answers.push((answer.body["type"].clone(), answer.body["detail"].clone()));
        }
        assert_eq!(answers[0], answers[1], "{route}");
    }
    assert_eq!(client.everything().await, before);
    for list in ["GET /v1/contacts", "GET /v1/do-not-call", "GET /v1/calls"] {
        let seen = client.ask(&stranger.admin, list, &[], &Value::Null).await;
        assert_eq!(seen.body["items"], json!([]), "{list}");
    }
}

#[tokio::test]
async fn a_suspended_tenant_is_told_so() {
    let client = Client::new().await;
    client.world.run("update tenants set active = false").await;
    let answer = client.admin("GET /v1/tenant", Value::Null).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::FORBIDDEN, "tenant-suspended"));
}
