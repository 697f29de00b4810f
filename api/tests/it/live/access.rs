//! A socket lives no longer than what it was opened with.

use std::time::Duration;

use serde_json::json;
use shared::api_keys::store;
use shared::testing::World;

use super::server::{Server, Socket, make};
use crate::client::Client;
use crate::people::Signed;

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
    let mut tx = world.db.engine().await.unwrap();
    assert!(store::revoke(&mut tx, clinic.id, clinic.admin_id).await.unwrap());
    tx.commit().await.unwrap();
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

#[tokio::test]
async fn a_sockets_session_ends_it_in_every_process_however_it_ends() {
    let client = Client::new().await;
    // Nobody asks by itself within this test: PostgreSQL has to tell.
    let patient = |limits: &mut api::LiveLimits| limits.access = Duration::from_secs(3_600);
    let server = Server::with(&client.world, patient).await;
    let (_, ending) = client.signed_in("client_user").await;
    let (_, staying) = client.signed_in("client_admin").await;
    let mut stays = open_as(&client, &server, &staying).await;
    let mut ends = open_as(&client, &server, &ending).await;
    client
        .world
        .run(
            "update sessions set ended_at = now(), ended_why = 'by_administrator'
             where user_id = (select id from users where role = 'client_user')",
        )
        .await;
    assert_eq!(ends.closed().await.map(|it| it.0), Some(4401));
    make(&client.world, &client.clinic, &["call.planned"]).await;
    assert_eq!(stays.event().await.kind, "call.planned");
}

#[tokio::test]
async fn a_socket_ends_with_the_eight_hours_of_its_session() {
    let client = Client::new().await;
    let soon = |limits: &mut api::LiveLimits| limits.access = Duration::from_millis(50);
    let server = Server::with(&client.world, soon).await;
    let (_, signed) = client.signed_in("client_user").await;
    let mut socket = open_as(&client, &server, &signed).await;
    client.world.advance(chrono::Duration::hours(8)).await;
    assert_eq!(socket.closed().await.map(|it| it.0), Some(4401));
}

#[tokio::test]
async fn a_user_who_is_deactivated_or_gets_another_role_loses_their_sockets() {
    let client = Client::new().await;
    // Nobody asks by itself within this test: PostgreSQL has to tell.
    let patient = |limits: &mut api::LiveLimits| limits.access = Duration::from_secs(3_600);
    let server = Server::with(&client.world, patient).await;
    let (gone, going) = client.signed_in("client_user").await;
    let (demoted, changing) = client.signed_in("client_admin").await;
    let (_, staying) = client.signed_in("client_admin").await;
    let mut goes = open_as(&client, &server, &going).await;
    let mut changes = open_as(&client, &server, &changing).await;
    let mut stays = open_as(&client, &server, &staying).await;
    let path = format!("POST /v1/users/{}/deactivate", gone.id);
    assert!(client.by(&staying, &path, json!({})).await.status.is_success());
    assert_eq!(goes.closed().await.map(|it| it.0), Some(4401), "deactivated");
    let path = format!("PATCH /v1/users/{}", demoted.id);
    let role = json!({ "role": "client_user" });
    let answer = client.speak(Some(&staying.access), &path, &[("if-match", "*")], &role).await;
    assert!(answer.status.is_success(), "{:?}", answer.body);
    assert_eq!(changes.closed().await.map(|it| it.0), Some(4401), "another role");
    make(&client.world, &client.clinic, &["call.planned"]).await;
    while stays.event().await.kind != "call.planned" {}
}

#[tokio::test]
async fn a_visitors_socket_ends_with_the_declared_access() {
    let client = Client::new().await;
    let patient = |limits: &mut api::LiveLimits| limits.access = Duration::from_secs(3_600);
    let server = Server::with(&client.world, patient).await;
    let (_, signed) = client.super_admin().await;
    let visit = client.visit(&signed, "read").await;
    let mut socket = open_as(&client, &server, &signed).await;
    make(&client.world, &client.clinic, &["call.planned"]).await;
    assert_eq!(socket.event().await.kind, "call.planned");
    let path = format!("POST /v1/platform/visits/{}/end", visit.id());
    assert!(client.by(&signed, &path, json!({})).await.status.is_success());
    assert_eq!(socket.closed().await.map(|it| it.0), Some(4401));
}

#[tokio::test]
async fn a_visitors_socket_ends_when_the_declared_access_runs_out() {
    let client = Client::new().await;
    let soon = |limits: &mut api::LiveLimits| limits.access = Duration::from_millis(50);
    let server = Server::with(&client.world, soon).await;
    let (_, signed) = client.super_admin().await;
    client.visit(&signed, "read").await;
    let mut socket = open_as(&client, &server, &signed).await;
    client.world.advance(chrono::Duration::hours(4)).await;
    assert_eq!(socket.closed().await.map(|it| it.0), Some(4401));
}

/// A socket of somebody who signed in. Events of before are no business of it.
async fn open_as(client: &Client, server: &Server, signed: &Signed) -> Socket {
    let answer = client.by(signed, "POST /v1/live/tickets", json!({})).await;
    let ticket = answer.body["protocols"][1].as_str().expect("a ticket").to_owned();
    let mut socket = server.shake(&format!("vio.live.v1, {ticket}"), &[]).await.unwrap();
    socket.send(&json!({})).await;
    assert_eq!(socket.next().await["type"], "hello");
    socket
}
