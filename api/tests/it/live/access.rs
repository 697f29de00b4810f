//! A socket lives no longer than what it was opened with.

use std::time::Duration;

use serde_json::json;
use shared::api_keys::store;
use shared::testing::World;

use super::server::{Server, make};

#[tokio::test]
async fn a_revoked_key_ends_its_sockets_in_every_process_and_no_others() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    // Nobody asks by itself within this test: PostgreSQL has to tell.
    let patient = |limits: &mut api::LiveLimits| limits.access = Duration::from_secs(3_600);
    let servers = [Server::with(&world, patient).await, Server::with(&world, patient).await];
    let mut ending = Vec::new();
    let mut staying = Vec::new();
    for server in &servers {
        ending.push(server.open(&clinic.admin, json!({})).await);
        ending.push(server.open(&clinic.admin, json!({})).await);
        staying.push(server.open(&clinic.user, json!({})).await);
    }
    assert!(store::revoke(&world.db, clinic.id, clinic.admin_id).await.unwrap());
    for socket in &mut ending {
        assert_eq!(socket.closed().await, Some((4401, "access ended".to_owned())));
    }
    make(&world, &clinic, &["call.planned"]).await;
    for socket in &mut staying {
        assert_eq!(socket.event().await.n, 1);
    }
}

#[tokio::test]
async fn a_suspended_tenants_sockets_end() {
    let world = World::new().await;
    let (clinic, other) = (world.tenant().await, world.tenant().await);
    let server = Server::start(&world).await;
    let mut ending = server.open(&clinic.user, json!({})).await;
    let mut staying = server.open(&other.user, json!({})).await;
    let mut suspended = server.open(&clinic.admin, json!({})).await;
    let id = clinic.id;
    world.run("update tenants set active = false where id = (select tenant_id from api_keys order by created_at, id limit 1)").await;
    assert_eq!(ending.closed().await.map(|it| it.0), Some(4401), "{id}");
    assert_eq!(suspended.closed().await.map(|it| it.0), Some(4401));
    make(&world, &other, &["call.planned"]).await;
    assert_eq!(staying.event().await.n, 1);
}

/// The word from PostgreSQL is lost with the connection that hears it; the timer makes up for it.
#[tokio::test]
async fn an_end_that_nobody_told_of_is_noticed_by_asking() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::with(&world, |limits| limits.access = Duration::from_millis(50)).await;
    let mut socket = server.open(&clinic.admin, json!({})).await;
    world
        .run(
            "alter table api_keys disable trigger api_keys_access_ended;
             update api_keys set revoked_at = now()",
        )
        .await;
    assert_eq!(socket.closed().await.map(|it| it.0), Some(4401));
}
