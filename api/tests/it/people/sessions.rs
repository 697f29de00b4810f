//! Sessions, listed and ended, over several processes.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::ids::{SessionId, UserId};
use shared::people::store::stands;
use shared::people::{Caller, Ended};

use super::PASSWORD;
use crate::client::{Client, app, people};

#[tokio::test]
async fn one_sees_where_one_is_signed_in_and_ends_what_one_wishes() {
    let client = Client::new().await;
    let (person, first) = client.signed_in("client_user").await;
    let second = client.sign_in(&person).await;
    let (_, stranger) = client.signed_in("client_admin").await;

    let listed = client.by(&second, "GET /v1/me/sessions", Value::Null).await;
    let items = listed.body["items"].as_array().unwrap();
    let seen: Vec<_> =
        items.iter().map(|item| (item["id"].as_str().unwrap(), &item["current"])).collect();
    assert_eq!(seen, [(second.session.as_str(), &json!(true)), (&first.session, &json!(false))]);

    let end = format!("DELETE /v1/me/sessions/{}", first.session);
    let others = client.by(&stranger, &end, Value::Null).await;
    assert_eq!(others.status, StatusCode::NOT_FOUND, "somebody else's session is not there");
    assert_eq!(client.by(&second, &end, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.by(&second, &end, Value::Null).await.status, StatusCode::NOT_FOUND);
    let me = "GET /v1/me";
    assert_eq!(client.by(&first, me, Value::Null).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.refresh(&first.refresh).await.status, StatusCode::UNAUTHORIZED);

    let third = client.sign_in(&person).await;
    let ended = client.by(&third, "DELETE /v1/me/sessions", Value::Null).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(client.by(&second, me, Value::Null).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.by(&third, me, Value::Null).await.status, StatusCode::OK, "the present one");
    assert_eq!(client.by(&stranger, me, Value::Null).await.status, StatusCode::OK, "nobody else's");
}

#[tokio::test]
async fn signing_out_ends_the_session_whichever_token_is_shown_and_is_never_an_error() {
    let client = Client::new().await;
    let person = client.person("client_user").await;
    let out = "POST /v1/auth/sign-out";
    for way in ["access token", "refresh token", "cookie"] {
        let signed = client.sign_in(&person).await;
        let cookie = format!("__Secure-vio_refresh={}", signed.refresh);
        let answer = match way {
            "access token" => client.by(&signed, out, Value::Null).await,
            "refresh token" => {
                let body = json!({ "refresh_token": signed.refresh });
                client.speak(None, out, &[], &body).await
            }
            _ => {
                let headers = [("cookie", cookie.as_str()), ("x-vio-request", "1")];
                client.speak(None, out, &headers, &Value::Null).await
            }
        };
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{way}: {:?}", answer.body);
        assert!(answer.header("set-cookie").contains("Max-Age=0"), "{way}");
        let me = client.by(&signed, "GET /v1/me", Value::Null).await;
        assert_eq!(me.status, StatusCode::UNAUTHORIZED, "{way}");
        let again = client.by(&signed, out, Value::Null).await;
        assert_eq!(again.status, StatusCode::NO_CONTENT, "{way}: over already");
    }
    let key = client.admin(out, Value::Null).await;
    assert_eq!(key.status, StatusCode::FORBIDDEN, "a key has no session");
}

#[tokio::test]
async fn deactivation_ends_sessions_at_once_in_every_process() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    // Another process, which has served this person before and has heard nothing since.
    let other = Client {
        router: api::router(app(&client.world)),
        clinic: client.clinic.clone(),
        world: client.world,
    };
    assert_eq!(other.by(&signed, "GET /v1/contacts", Value::Null).await.status, StatusCode::OK);
    let client = Client {
        router: api::router(app(&other.world)),
        clinic: other.clinic.clone(),
        world: other.world,
    };
    let path = format!("POST /v1/users/{}/deactivate", person.id);
    let done = client.admin(&path, json!({})).await;
    assert_eq!((done.status, &done.body["state"]), (StatusCode::OK, &json!("deactivated")));

    let other = Client { router: other.router, clinic: client.clinic.clone(), world: client.world };
    for what in ["GET /v1/contacts", "GET /v1/me"] {
        let answer = other.by(&signed, what, Value::Null).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
    }
    assert_eq!(other.refresh(&signed.refresh).await.status, StatusCode::UNAUTHORIZED);
    let again = other.try_sign_in(&person.email, json!({})).await;
    assert_eq!(again.problem(), "sign-in-refused");

    let back = format!("POST /v1/users/{}/reactivate", person.id);
    assert_eq!(other.admin(&back, json!({})).await.body["state"], "active");
    let old = other.by(&signed, "GET /v1/me", Value::Null).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED, "what ended stays so");
    other.sign_in(&person).await;
}

/// What lasts longer than a request hears it over Redis, and may ask.
#[tokio::test]
async fn another_process_hears_that_a_user_was_deactivated() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let elsewhere = people(&client.world);
    let mut heard = elsewhere.endings().hear();
    let redis = redis::Client::open(client.world.redis_url.as_str()).unwrap();
    let listener = elsewhere.clone();
    let listening = tokio::spawn(async move { listener.endings().listen(&redis).await });
    assert_eq!(heard.recv().await.unwrap(), Ended::Unsure, "it listens, and asks for itself");

    let user = UserId(person.id.parse().unwrap());
    let session = SessionId(signed.session.parse().unwrap());
    let caller = Caller::User { user, session };
    let (db, tenant) = (&client.world.db, client.clinic.id);
    assert!(stands(db, caller, tenant).await.unwrap());
    let other_tenant = client.world.tenant().await.id;
    assert!(!stands(db, caller, other_tenant).await.unwrap(), "nobody of another tenant");

    client.admin(&format!("POST /v1/users/{}/deactivate", person.id), json!({})).await;
    let ended = heard.recv().await.unwrap();
    assert!(ended.concerns(caller, tenant), "{ended:?}");
    assert!(!stands(db, caller, tenant).await.unwrap());
    listening.abort();
}

#[tokio::test]
async fn an_administrator_sees_and_ends_anybodys_sessions() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let path = format!("/v1/users/{}/sessions", person.id);
    let listed = client.admin(&format!("GET {path}"), Value::Null).await;
    assert_eq!(listed.body["items"][0]["id"], signed.session.as_str());
    let ended = client.admin(&format!("DELETE {path}"), Value::Null).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let me = client.by(&signed, "GET /v1/me", Value::Null).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.admin(&format!("GET {path}"), Value::Null).await.body["items"], json!([]));
    client.sign_in(&person).await;
    assert!(client.chain("changes").await.contains(&"key user.sessions_ended".to_owned()));
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_the_old_password() {
    let client = Client::new().await;
    let (person, first) = client.signed_in("client_user").await;
    let second = client.sign_in(&person).await;
    let change = "POST /v1/me/password";
    let body = |old: &str, new: &str| json!({ "password": old, "new_password": new });
    for (old, new, fault, why) in [
        ("Wrong4Horses", "Other4Horses", "/password wrong_password", "not the present one"),
        (PASSWORD, "other4horses", "/new_password no_upper_case", "against the rule"),
        (PASSWORD, "Password1", "/new_password common_password", "a common one"),
        (PASSWORD, PASSWORD, "/new_password same_password", "no new one"),
    ] {
        let answer = client.by(&first, change, body(old, new)).await;
        assert_eq!(answer.faults(), [fault], "{why}");
    }
    let me = async |signed| client.by(signed, "GET /v1/me", Value::Null).await.status;
    assert_eq!(me(&second).await, StatusCode::OK, "what was refused changed nothing");

    let done = client.by(&first, change, body(PASSWORD, "Other4Horses")).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{:?}", done.body);
    assert_eq!(me(&first).await, StatusCode::OK, "the session that changed it");
    assert_eq!(me(&second).await, StatusCode::UNAUTHORIZED);
    let old = client.try_sign_in(&person.email, json!({})).await;
    assert_eq!(old.problem(), "sign-in-refused");
    let new = client.try_sign_in(&person.email, json!({ "password": "Other4Horses" })).await;
    assert_eq!(new.status, StatusCode::OK);
    assert!(client.chain("changes").await.contains(&"user user.password".to_owned()));
}
