//! The handshake: who gets in, and how often.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use shared::api_keys::{ApiKey, store};
use shared::testing::World;

use super::server::Server;

#[tokio::test]
async fn a_ticket_opens_one_socket_at_any_process() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let (one, other) = (Server::start(&world).await, Server::start(&world).await);
    let protocols = format!("vio.live.v1, {}", one.ticket(&clinic.admin).await);
    let (a, b) = tokio::join!(other.shake(&protocols, &[]), one.shake(&protocols, &[]));
    let statuses = [a.err(), b.err()];
    assert!(
        statuses == [None, Some(StatusCode::UNAUTHORIZED)]
            || statuses == [Some(StatusCode::UNAUTHORIZED), None],
        "of two that come at once, one gets in: {statuses:?}"
    );
    assert_eq!(one.shake(&protocols, &[]).await.err(), Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_ticket_is_good_for_seconds() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::with(&world, |limits| limits.ticket = Duration::from_millis(1)).await;
    let protocols = format!("vio.live.v1, {}", server.ticket(&clinic.admin).await);
    // Redis ends it, by its own clock: asked until it has.
    let key = format!("{}.live.ticket.*", world.queues.prefix());
    let keys = || async {
        let keys: Vec<String> =
            redis::cmd("KEYS").arg(&key).query_async(&mut world.queues.conn()).await.unwrap();
        keys.len()
    };
    while keys().await > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.shake(&protocols, &[]).await.err(), Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn redis_has_the_hash_of_a_ticket_and_ends_it_by_itself() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::start(&world).await;
    let ticket = server.ticket(&clinic.admin).await;
    let random = ticket.strip_prefix("ticket.").unwrap();
    let key = format!("{}.live.ticket.*", world.queues.prefix());
    let keys: Vec<String> =
        redis::cmd("KEYS").arg(&key).query_async(&mut world.queues.conn()).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert!(!keys[0].contains(random));
    let left: i64 =
        redis::cmd("TTL").arg(&keys[0]).query_async(&mut world.queues.conn()).await.unwrap();
    assert!((1..=30).contains(&left), "{left}");
}

#[tokio::test]
async fn without_a_ticket_that_holds_nobody_gets_in() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::with(&world, |it| it.origins = vec!["https://ours.example".into()]).await;
    let unknown = format!("vio.live.v1, ticket.{}", "a".repeat(64));
    for (protocols, status, why) in [
        ("vio.live.v1", StatusCode::UNAUTHORIZED, "no ticket"),
        (unknown.as_str(), StatusCode::UNAUTHORIZED, "nobody's ticket"),
        ("vio.live.v1, ticket.x*", StatusCode::UNAUTHORIZED, "not a ticket at all"),
        ("", StatusCode::UNPROCESSABLE_ENTITY, "no protocol"),
        ("graphql-ws", StatusCode::UNPROCESSABLE_ENTITY, "another protocol"),
    ] {
        assert_eq!(server.shake(protocols, &[]).await.err(), Some(status), "{why}");
    }
    let (status, _) = server.ask_for_ticket(&ApiKey::generate().unwrap()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let elsewhere = World::new().await.tenant().await;
    let (status, _) = server.ask_for_ticket(&elsewhere.admin).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "a key of another installation");

    for (origin, refused) in [
        ("https://theirs.example", Some(StatusCode::FORBIDDEN)),
        ("null", Some(StatusCode::FORBIDDEN)),
        ("https://ours.example.theirs.example", Some(StatusCode::FORBIDDEN)),
        ("https://ours.example", None),
    ] {
        let protocols = format!("vio.live.v1, {}", server.ticket(&clinic.admin).await);
        let shaken = server.shake(&protocols, &[("origin", origin)]).await;
        assert_eq!(shaken.err(), refused, "{origin}");
    }
}

#[tokio::test]
async fn the_ticket_of_a_key_that_was_revoked_since_opens_nothing() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::start(&world).await;
    let protocols = format!("vio.live.v1, {}", server.ticket(&clinic.admin).await);
    let mut tx = world.db.engine().await.unwrap();
    store::revoke(&mut tx, clinic.id, clinic.admin_id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(server.shake(&protocols, &[]).await.err(), Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_plain_request_is_told_to_open_a_socket() {
    let client = crate::client::Client::new().await;
    let answer = client.admin("GET /v1/live", json!(null)).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::UPGRADE_REQUIRED, "upgrade-required")
    );
}
