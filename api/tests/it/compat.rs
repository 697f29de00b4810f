//! Clients of the release before this one notice nothing: docs/development.md, "Releases side by side".

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use shared::testing::{BEFORE, World};
use tower::ServiceExt;

use crate::client::app;

async fn ask(
    world: &World,
    request: axum::http::request::Builder,
    body: Body,
) -> (u16, bool, Value) {
    let key = format!("Bearer {}", BEFORE.meta().api_key);
    let request = request.header("authorization", key).body(body).unwrap();
    let answer = api::router(app(world)).oneshot(request).await.unwrap();
    let (status, replayed) =
        (answer.status().as_u16(), answer.headers().contains_key("idempotency-replayed"));
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, replayed, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn migrated() -> World {
    let world = BEFORE.world().await;
    world.migrate().await;
    world
}

#[tokio::test]
async fn a_key_and_the_contacts_of_the_release_before_are_taken() {
    let world = migrated().await;
    let (status, _, body) =
        ask(&world, Request::get("/v1/contacts?limit=200"), Body::empty()).await;
    assert_eq!(status, 200, "{body}");
    let names: Vec<_> = body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"Ada Example") && names.contains(&"Nan Example"), "{names:?}");
}

/// A client that asks again across an update must not be done twice, nor be answered with an error.
#[tokio::test]
async fn a_request_that_the_release_before_did_is_answered_as_it_did() {
    let world = migrated().await;
    let meta = BEFORE.meta();
    let contacts = "select count(*) from contacts";
    let before = world.number(contacts).await;
    let request = Request::post("/v1/contacts")
        .header("content-type", "application/json")
        .header("idempotency-key", meta.idempotency_key);
    let (status, replayed, body) = ask(&world, request, Body::from(meta.request)).await;
    assert_eq!((status, replayed), (201, true), "{body}");
    assert_eq!(body, meta.answer);
    assert_eq!(world.number(contacts).await, before);
}
