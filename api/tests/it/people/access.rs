//! Every route about people: without sign-in, with the wrong role, with an ended session, and as another tenant.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Signed;
use crate::client::Client;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Anybody: a secret in the body proves who it is.
    Open,
    /// Anybody who is known, keys too.
    Known,
    /// A person, for themselves.
    Person,
    /// `client_user` and above.
    User,
    /// `client_admin`.
    Admin,
    /// `super_admin`.
    Platform,
}

/// Every route about people. `{u}`, `{s}`, `{k}`, `{t}`, `{v}` are a user, a session, a key, a tenant and a declared access.
const ROUTES: [(&str, Access); 41] = [
    ("POST /v1/auth/sign-in", Access::Open),
    ("POST /v1/auth/refresh", Access::Open),
    ("POST /v1/auth/sign-out", Access::Open),
    ("POST /v1/auth/set-password", Access::Open),
    ("GET /v1/me", Access::Known),
    ("POST /v1/me/password", Access::Person),
    ("GET /v1/me/sessions", Access::Person),
    ("DELETE /v1/me/sessions", Access::Person),
    ("DELETE /v1/me/sessions/{s}", Access::Person),
    ("POST /v1/me/second-factor", Access::Person),
    ("POST /v1/me/second-factor/confirm", Access::Person),
    ("POST /v1/me/second-factor/remove", Access::Person),
    ("POST /v1/me/second-factor/recovery-codes", Access::Person),
    ("GET /v1/users", Access::Admin),
    ("POST /v1/users", Access::Admin),
    ("GET /v1/users/{u}", Access::Admin),
    ("PATCH /v1/users/{u}", Access::Admin),
    ("POST /v1/users/{u}/deactivate", Access::Admin),
    ("POST /v1/users/{u}/reactivate", Access::Admin),
    ("POST /v1/users/{u}/password-link", Access::Admin),
    ("POST /v1/users/{u}/second-factor/remove", Access::Admin),
    ("GET /v1/users/{u}/sessions", Access::Admin),
    ("DELETE /v1/users/{u}/sessions", Access::Admin),
    ("GET /v1/api-keys", Access::Admin),
    ("POST /v1/api-keys", Access::Admin),
    ("GET /v1/api-keys/{k}", Access::Admin),
    ("DELETE /v1/api-keys/{k}", Access::Admin),
    ("GET /v1/tenant/security", Access::User),
    ("PUT /v1/tenant/security", Access::Admin),
    ("GET /v1/tenant/platform-visits", Access::Admin),
    ("GET /v1/platform/tenants", Access::Platform),
    ("POST /v1/platform/tenants", Access::Platform),
    ("GET /v1/platform/tenants/{t}", Access::Platform),
    ("PATCH /v1/platform/tenants/{t}", Access::Platform),
    ("POST /v1/platform/tenants/{t}/administrators", Access::Platform),
    ("GET /v1/platform/visits", Access::Platform),
    ("POST /v1/platform/visits", Access::Platform),
    ("POST /v1/platform/visits/{v}/approve", Access::Platform),
    ("POST /v1/platform/visits/{v}/end", Access::Platform),
    ("GET /v1/users?limit=1", Access::Admin),
    ("GET /v1/api-keys?limit=1", Access::Admin),
];

/// A clinic with one of each, and the routes with their ids.
struct Inhabited {
    client: Client,
    routes: Vec<(String, Access)>,
}

async fn inhabited() -> Inhabited {
    let client = Client::new().await;
    let (user, signed) = client.signed_in("client_user").await;
    let (_, platform) = client.super_admin().await;
    let visit = client.visit(&platform, "read").await.id();
    let key = client.clinic.admin_id.to_string();
    let fill = |route: &str| {
        route
            .replace("{u}", &user.id)
            .replace("{s}", &signed.session)
            .replace("{k}", &key)
            .replace("{t}", &client.clinic.id.to_string())
            .replace("{v}", &visit)
    };
    let routes = ROUTES.iter().map(|(route, access)| (fill(route), *access)).collect();
    Inhabited { client, routes }
}

/// What a refused request must not have changed.
async fn people(client: &Client) -> Vec<String> {
    client
        .world
        .texts(
            "select 'users ' || string_agg(id || state || role || version, ' ' order by id) from users
             union all select 'sessions ' || count(*) || ' ' || count(ended_at) from sessions
             union all select 'keys ' || count(*) || ' ' || count(revoked_at) from api_keys
             union all select 'links ' || count(*) || ' ' || count(used_at) from password_links
             union all select 'visits ' || count(*) || ' ' || count(ended_at) from visits
             union all select 'tenants ' || count(*) || ' ' || sum(version) from tenants
             union all select 'changes ' || sum(change_n) from tenant_heads",
        )
        .await
}

#[tokio::test]
async fn without_sign_in_or_with_an_ended_session_no_route_answers() {
    let Inhabited { client, routes } = inhabited().await;
    let (_, ended) = client.signed_in("client_admin").await;
    client.by(&ended, "POST /v1/auth/sign-out", Value::Null).await;
    let before = people(&client).await;
    for (what, access) in &routes {
        if *access == Access::Open {
            continue;
        }
        for bearer in [None, Some("x"), Some(ended.access.as_str()), Some(&ended.refresh)] {
            let answer = client.speak(bearer, what, &[("if-match", "*")], &json!({})).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what} {bearer:?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{what}");
        }
    }
    assert_eq!(people(&client).await, before);
}

#[tokio::test]
async fn each_role_is_let_in_where_it_may_and_nowhere_else() {
    let Inhabited { client, routes } = inhabited().await;
    let (_, user) = client.signed_in("client_user").await;
    let (_, admin) = client.signed_in("client_admin").await;
    // No access declared: of the platform, and of no tenant.
    let (_, platform) = client.super_admin().await;
    let bearers = [
        ("client_user", user.access.as_str()),
        ("client_admin", &admin.access),
        ("super_admin", &platform.access),
        ("key of a client_user", client.clinic.user.expose()),
        ("key of a client_admin", client.clinic.admin.expose()),
    ];
    for (what, access) in &routes {
        for (who, bearer) in bearers {
            let allowed = match access {
                Access::Open | Access::Known => continue,
                Access::Person => !who.starts_with("key"),
                Access::User => who != "super_admin",
                Access::Admin => who.contains("client_admin"),
                Access::Platform => who == "super_admin",
            };
            // A parameter that nobody knows, so that whoever is let in is stopped right behind the door.
            let answer = if allowed && !what.starts_with("GET") {
                let nobodys = json!({ "nobody_knows_this": 1 });
                if what.starts_with("DELETE") {
                    continue;
                }
                client.speak(Some(bearer), what, &[("if-match", "*")], &nobodys).await
            } else {
                client.speak(Some(bearer), what, &[("if-match", "*")], &json!({})).await
            };
            let status = answer.status;
            if !allowed {
                assert_eq!(status, StatusCode::FORBIDDEN, "{who}: {what}: {:?}", answer.body);
            } else if what.starts_with("GET") {
                assert_eq!(status, StatusCode::OK, "{who}: {what}: {:?}", answer.body);
            } else {
                assert_eq!(
                    status,
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "{who}: {what}: {:?}",
                    answer.body
                );
            }
        }
    }
}

#[tokio::test]
async fn another_tenants_people_keys_and_sessions_look_like_absent_ones() {
    let Inhabited { client, routes } = inhabited().await;
    let stranger = client.world.tenant().await;
    let admin = client.person_of(&stranger.admin, "client_admin").await;
    let signed: Signed = client.sign_in(&admin).await;
    let before = people(&client).await;
    let own = |(_, (route, access)): &(&(String, Access), &(&str, Access))| {
        route.contains('{') && *access != Access::Platform
    };
    for ((what, _), (route, _)) in routes.iter().zip(&ROUTES).filter(own) {
        let random = uuid::Uuid::now_v7().to_string();
        let absent = ["{u}", "{s}", "{k}"]
            .iter()
            .fold((*route).to_owned(), |text, name| text.replace(name, &random));
        let mut answers = Vec::new();
        for what in [what, &absent] {
            let answer =
                client.speak(Some(&signed.access), what, &[("if-match", "*")], &json!({})).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{what}: {:?}", answer.body);
            answers.push((answer.body["type"].clone(), answer.body["detail"].clone()));
        }
        assert_eq!(answers[0], answers[1], "{route}");
    }
    assert_eq!(people(&client).await, before);
}
