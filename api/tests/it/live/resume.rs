//! Going on where one was, or being told that this can't be done.

use serde_json::{Value, json};
use shared::testing::World;

use super::server::{Server, make, table};

#[tokio::test]
async fn a_client_goes_on_exactly_where_it_was_at_any_process() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let servers = [Server::start(&world).await, Server::start(&world).await];
    let mut first = servers[0].open(&clinic.admin, json!({})).await;
    make(&world, &clinic, &["call.planned"; 5]).await;
    let known = first.events(3).await;
    drop(first);
    make(&world, &clinic, &["call.settled"; 4]).await;
    for server in &servers {
        for opening in [known[2].resume(), json!({ "resume": 3 })] {
            let mut socket = server.open(&clinic.admin, opening).await;
            assert_eq!(socket.hello, 3);
            assert_eq!(socket.events(6).await, table(&world, &clinic, 4).await);
        }
    }
    let mut all = servers[1].open(&clinic.admin, json!({ "resume": 0 })).await;
    assert_eq!(all.events(9).await, table(&world, &clinic, 1).await, "from the first event on");
    make(&world, &clinic, &["call.planned"]).await;
    assert_eq!(all.event().await.n, 10, "and what comes after it");
}

#[tokio::test]
async fn many_that_come_back_together_cost_one_reading() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    make(&world, &clinic, &["call.planned"; 20]).await;
    let server = Server::start(&world).await;
    world
        .run("create extension if not exists pg_stat_statements; select pg_stat_statements_reset()")
        .await;
    let coming = (0..12).map(|_| server.open(&clinic.admin, json!({ "resume": 10 })));
    for mut socket in futures::future::join_all(coming).await {
        assert_eq!(socket.events(10).await.last().unwrap().n, 20);
    }
    let read = world
        .number(
            "select coalesce(sum(s.calls), 0)::bigint from pg_stat_statements s
             join pg_database d on d.oid = s.dbid
             where d.datname = current_database() and s.query like 'select n, at, kind%'",
        )
        .await;
    assert!(read <= 3, "the events were read {read} times for 12 sockets");
}

/// Each row: what happened to the database meanwhile, what the client says it knows, why it has to read everything anew.
#[tokio::test]
async fn a_client_that_may_have_missed_something_is_told_to_read_everything_anew() {
    for (meanwhile, opening, why) in [
        ("", json!({ "resume": 99 }), "unknown"),
        ("", json!({ "resume": 5, "at": "2026-01-01T00:00:00Z" }), "other_history"),
        ("delete from events where n <= 10", json!({ "resume": 5 }), "gone"),
        ("delete from events where n = 15", json!({ "resume": 12 }), "gone"),
        (
            "insert into events select tenant_id, 20 + g, at, kind, entity, contact_id from events, generate_series(1, 600) g where n = 20;
             update tenant_heads set event_n = 620",
            json!({ "resume": 5 }),
            "too_old",
        ),
    ] {
        let world = World::new().await;
        let clinic = world.tenant().await;
        make(&world, &clinic, &["call.planned"; 20]).await;
        world.run(meanwhile).await;
        let server = Server::start(&world).await;
        let mut socket = server.open(&clinic.admin, opening).await;
        let word = socket.next().await;
        let head = world.number("select max(n) from events").await;
        assert_eq!(word, json!({ "type": "resync", "n": head, "why": why }));
        make(&world, &clinic, &["call.settled"]).await;
        assert_eq!(socket.event().await.n, head + 1, "{why}: then it goes on");
    }
}

async fn resynced(socket: &mut super::server::Socket) -> Value {
    loop {
        let word = socket.next().await;
        if word["type"] == "resync" {
            return word;
        }
        assert_ne!(word["type"], "event", "{word}");
    }
}

#[tokio::test]
async fn a_database_that_was_restored_to_an_earlier_time_is_noticed() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::start(&world).await;
    let mut socket = server.open(&clinic.admin, json!({})).await;
    make(&world, &clinic, &["call.planned"; 8]).await;
    socket.events(8).await;
    world.run("delete from events where n > 5; update tenant_heads set event_n = 5").await;
    let word = resynced(&mut socket).await;
    assert_eq!((&word["n"], &word["why"]), (&json!(5), &json!("gap")));
    make(&world, &clinic, &["call.settled"]).await;
    assert_eq!(socket.event().await.n, 6);
}

#[tokio::test]
async fn a_flood_is_told_as_one_word() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::start(&world).await;
    let mut socket = server.open(&clinic.admin, json!({})).await;
    make(&world, &clinic, &["contact.created"; 2_000]).await;
    let word = resynced(&mut socket).await;
    assert_eq!((&word["n"], &word["why"]), (&json!(2_000), &json!("gap")));
}
