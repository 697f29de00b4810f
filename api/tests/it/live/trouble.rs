//! Redis and PostgreSQL away: later, but nothing lost.

use std::process::{Child, Command, Stdio};

use axum::http::StatusCode;
use serde_json::json;
use shared::queue::{self, Queues};
use shared::testing::World;

use super::server::{Server, make, table};

#[tokio::test]
async fn events_whose_signal_is_lost_are_told_all_the_same() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let nowhere = "redis://127.0.0.1:1";
    let server = Server::over(&world, world.queues.clone(), nowhere, |_| {}).await;
    let mut socket = server.open(&clinic.admin, json!({})).await;
    for round in 1..=3 {
        make(&world, &clinic, &["call.planned"; 2]).await;
        assert_eq!(socket.events(2).await, table(&world, &clinic, round * 2 - 1).await);
    }
}

/// A Redis that can be taken away.
struct OwnRedis(Child, String);

impl OwnRedis {
    async fn start() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let process = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server must be installed: dev/test does it");
        let own = Self(process, format!("redis://127.0.0.1:{port}"));
        while queue::connect(&own.1).await.is_err() {
            tokio::task::yield_now().await;
        }
        own
    }

    fn end(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        self.end();
    }
}

#[tokio::test]
async fn while_redis_is_away_sockets_live_on_and_new_ones_are_told_to_come_back() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let mut redis = OwnRedis::start().await;
    let queues = Queues::new(queue::connect(&redis.1).await.unwrap(), "own");
    let server = Server::over(&world, queues, &redis.1, |_| {}).await;
    let mut socket = server.open(&clinic.admin, json!({})).await;
    let ticket = server.ticket(&clinic.admin).await;
    redis.end();
    make(&world, &clinic, &["call.planned"; 3]).await;
    assert_eq!(socket.events(3).await, table(&world, &clinic, 1).await);
    let (status, _) = server.ask_for_ticket(&clinic.admin).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let shaken = server.shake(&format!("vio.live.v1, {ticket}"), &[]).await;
    assert_eq!(shaken.err(), Some(StatusCode::SERVICE_UNAVAILABLE), "not taken for a wrong ticket");
}

#[tokio::test]
async fn after_postgresql_was_away_everything_is_told() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::start(&world).await;
    let mut socket = server.open(&clinic.admin, json!({})).await;
    make(&world, &clinic, &["call.planned"]).await;
    socket.event().await;
    for round in 0..3 {
        // As a restart does it to those who are connected, listeners included.
        world
            .run(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()
                   and usename in ('vio_app', 'vio_engine')",
            )
            .await;
        world
            .run(
                "insert into events select tenant_id, event_n + 1, now(), 'call.settled', gen_random_uuid(), null
                   from tenant_heads;
                 update tenant_heads set event_n = event_n + 1",
            )
            .await;
        assert_eq!(socket.event().await.n, round + 2);
    }
    // And the end of access is heard again.
    world.run("update api_keys set revoked_at = now()").await;
    assert_eq!(socket.closed().await.map(|it| it.0), Some(4401));
}
