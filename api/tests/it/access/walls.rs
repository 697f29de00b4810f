//! Every operation by every kind of caller.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use shared::api_keys::{ApiKey, store};

use super::Stranger::{Absent, Empty, Own};
use super::Who::{
    Admin, Anybody, Doorstep, Keeper, Known, Person, Platform, Reader, Signer, Ticket,
};
use super::{Things, ask, keyed, row};
use crate::client::Client;
use crate::contract::{Operation, operations};

#[tokio::test]
async fn what_the_document_shows_as_an_example_works_for_an_administrator() {
    let client = Client::new().await;
    client.world.wait_for_morning().await;
    for (operation, ..) in keyed() {
        let things = Things::of(&client).await;
        let answer =
            ask(&client, &client.clinic.admin, &operation, &things, &operation.example()).await;
        assert!(
            answer.status.is_success(),
            "{}: {} {:?}",
            operation.id(),
            answer.status,
            answer.body
        );
    }
}

#[tokio::test]
async fn nobody_is_let_in_without_a_key_that_holds() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let revoked = client.world.tenant().await;
    let mut tx = client.world.db.engine().await.unwrap();
    store::revoke(&mut tx, revoked.id, revoked.admin_id).await.unwrap();
    tx.commit().await.unwrap();
    let unknown = ApiKey::generate().unwrap();
    let holds = client.clinic.admin.expose().to_owned();
    let before = client.everything().await;
    let opens = |who| !matches!(who, Anybody | Doorstep | Ticket);
    for operation in operations().into_iter().filter(|operation| opens(row(operation).0)) {
        let id = operation.id();
        let mut told = BTreeSet::new();
        for (headers, why) in [
            (vec![], "nothing at all"),
            (vec!["Bearer x".to_owned()], "no key"),
            (vec!["Bearer".to_owned()], "no key either"),
            (vec!["Basic dmlvOnZpbw==".to_owned()], "a password"),
            (vec![holds.clone()], "a key without its scheme"),
            (vec![format!("Bearer {}", unknown.expose())], "a key that nobody has"),
            (vec![format!("Bearer {}", revoked.admin.expose())], "a key that was revoked"),
            (
                vec![format!("Bearer {holds}"), "Bearer x".to_owned()],
                "two, the first of which holds",
            ),
            (
                vec!["Bearer x".to_owned(), format!("Bearer {holds}")],
                "two, the second of which holds",
            ),
        ] {
            // A signature is no matter of keys: there none of them helps.
            let mut request =
                Request::builder().method(operation.method.as_str()).uri(things.path(&operation));
            for value in headers {
                request = request.header("authorization", value);
            }
            let example = operation.example();
            let body =
                if example.is_null() { Body::empty() } else { Body::from(example.to_string()) };
            let request =
                request.header("content-type", "application/json").header("if-match", "*");
            let answer = client.send(request.body(body).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{id} with {why}");
            told.insert(answer.body["detail"].to_string());
        }
        assert_eq!(told.len(), 1, "{id}: unknown and revoked look alike: {told:?}");
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn who_may_only_read_changes_nothing() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let before = client.everything().await;
    for (operation, who, _) in keyed().filter(|(_, who, _)| *who != Keeper) {
        let answer =
            ask(&client, &client.clinic.user, &operation, &things, &operation.example()).await;
        match who {
            Reader => assert_eq!(answer.status, StatusCode::OK, "{}", operation.id()),
            _ => {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", operation.id());
                assert_eq!(answer.problem(), "forbidden");
                let detail = answer.body["detail"].as_str().unwrap_or_default();
                assert!(detail.contains(operation.permission().unwrap()), "{detail}");
            }
        }
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn a_key_with_scopes_does_what_they_name_and_nothing_else() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let wish = json!({ "name": "Calls only", "role": "client_admin", "scopes": ["calls.read"] });
    let made = client.admin("POST /v1/api-keys", wish).await;
    let key = ApiKey::parse(made.body["api_key"].as_str().unwrap()).unwrap();
    let before = client.everything().await;
    for (operation, ..) in keyed() {
        let answer = ask(&client, &key, &operation, &things, &operation.example()).await;
        let in_scope = operation.permission() == Some("calls.read");
        let expected = if in_scope { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{}", operation.id());
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn a_person_who_may_only_read_changes_nothing_and_is_nobody_once_the_session_is_over() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let (_, reader) = client.signed_in("client_user").await;
    let (_, admin) = client.signed_in("client_admin").await;
    let before = client.everything().await;
    let ask = async |bearer: &str, operation: &Operation| {
        let what = format!("{} {}", operation.method, things.path(operation));
        let (headers, body) = ([("if-match", "*")], operation.example());
        client.speak(Some(bearer), &what, &headers, &body).await
    };
    for operation in operations() {
        let id = operation.id();
        let expected = match row(&operation).0 {
            Reader | Known => StatusCode::OK,
            Admin | Platform => StatusCode::FORBIDDEN,
            // Their own tests change what is one's own.
            Keeper | Person | Doorstep | Signer | Ticket | Anybody => continue,
        };
        let answer = ask(&reader.access, &operation).await;
        assert_eq!(answer.status, expected, "{id}: {:?}", answer.body);
        if row(&operation).0 == Platform {
            let answer = ask(&admin.access, &operation).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{id} is not for a tenant's people");
        }
    }
    assert_eq!(client.everything().await, before);

    let out = client.speak(Some(&admin.access), "POST /v1/auth/sign-out", &[], &json!({})).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    for operation in operations() {
        if matches!(row(&operation).0, Reader | Keeper | Admin | Known | Person | Platform) {
            let answer = ask(&admin.access, &operation).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}: it is over", operation.id());
        }
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn another_tenants_things_look_like_absent_ones() {
    let client = Client::new().await;
    let stranger = client.world.tenant().await;
    let things = Things::of(&client).await;
    let before = client.everything().await;
    for (operation, _, sees) in keyed() {
        let id = operation.id();
        match sees {
            Own => {}
            Empty => {
                let seen = ask(&client, &stranger.admin, &operation, &things, &Value::Null).await;
                let items = ["items", "rows", "ids"].iter().find_map(|name| seen.body.get(name));
                assert_eq!(items, Some(&json!([])), "{id}");
            }
            Absent => {
                let mut told = Vec::new();
                for of in [&things, &Things::absent()] {
                    let body = operation.example();
                    let answer = ask(&client, &stranger.admin, &operation, of, &body).await;
                    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}: {:?}", answer.body);
                    told.push((answer.body["type"].clone(), answer.body["detail"].clone()));
                }
                assert_eq!(told[0], told[1], "{id}");
            }
        }
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn a_suspended_tenant_is_told_so_everywhere() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    client.world.run("update tenants set active = false").await;
    let before = client.everything().await;
    for (operation, ..) in keyed() {
        let answer =
            ask(&client, &client.clinic.admin, &operation, &things, &operation.example()).await;
        let told = (answer.status, answer.problem());
        assert_eq!(told, (StatusCode::FORBIDDEN, "tenant-suspended"), "{}", operation.id());
    }
    assert_eq!(client.everything().await, before);
}
