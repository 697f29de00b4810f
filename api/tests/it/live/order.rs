//! What is told is the table: in order, whole, each once, and nobody else's.

use serde_json::json;
use shared::audit::Changes;
use shared::testing::World;
use uuid::Uuid;

use super::server::{Server, make, table};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_socket_of_every_process_is_told_each_event_once_and_in_order() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let servers = [Server::start(&world).await, Server::start(&world).await];
    let mut sockets = Vec::new();
    for server in servers.iter().cycle().take(4) {
        sockets.push(server.open(&clinic.admin, json!({})).await);
    }
    // Writers that overlap, of which some take theirs back.
    let writers = (0..4).map(|writer| {
        let (world, clinic) = (&world, &clinic);
        async move {
            for round in 0..12 {
                let mut tx = world.db.tenant(clinic.id).await.unwrap();
                let mut changes = Changes::by(clinic.actor());
                for _ in 0..=(round % 3) {
                    changes.event("call.planned", Uuid::now_v7(), None);
                }
                changes.append(&mut tx).await.unwrap();
                if (round + writer) % 4 == 0 {
                    tx.rollback().await.unwrap();
                } else {
                    tx.commit().await.unwrap();
                }
            }
        }
    });
    futures::future::join_all(writers).await;
    let table = table(&world, &clinic, 1).await;
    assert!(table.len() > 50);
    for socket in &mut sockets {
        assert_eq!(socket.events(table.len()).await, table);
    }
    make(&world, &clinic, &["call.settled"]).await;
    for socket in &mut sockets {
        assert_eq!(socket.event().await.n, table.len() as i64 + 1, "and nothing in between");
    }
}

#[tokio::test]
async fn a_word_holds_ids_kinds_and_numbers_and_nothing_else() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::start(&world).await;
    let mut socket = server.open(&clinic.user, json!({})).await;
    let (id, contact) = (Uuid::now_v7(), shared::ids::ContactId::new());
    let mut tx = world.db.tenant(clinic.id).await.unwrap();
    let mut changes = Changes::by(clinic.actor());
    changes.event("call.settled", id, Some(contact));
    changes.append(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let mut word = socket.next().await;
    assert!(word.as_object_mut().unwrap().remove("at").unwrap().is_string());
    assert_eq!(
        word,
        json!({ "type": "event", "n": 1, "kind": "call.settled", "id": id, "contact": contact })
    );
}

#[tokio::test]
async fn another_tenant_is_told_nothing() {
    let world = World::new().await;
    let (clinic, stranger) = (world.tenant().await, world.tenant().await);
    let server = Server::start(&world).await;
    let mut theirs = server.open(&stranger.admin, json!({})).await;
    let mut ours = server.open(&clinic.admin, json!({})).await;
    make(&world, &clinic, &["call.planned", "call.settled"]).await;
    ours.events(2).await;
    make(&world, &stranger, &["tenant.paused"]).await;
    let first = theirs.event().await;
    assert_eq!(
        (first.n, first.kind.as_str()),
        (1, "tenant.paused"),
        "the first they hear is theirs"
    );
    let mut resumed = server.open(&stranger.admin, json!({ "resume": 0 })).await;
    assert_eq!(resumed.event().await, first);
}

#[tokio::test]
async fn only_kinds_that_are_wanted_and_may_be_known_are_told() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::start(&world).await;
    let mut calls = server.open(&clinic.admin, json!({ "kinds": ["call", "tenant.paused"] })).await;
    let mut reader = server.open(&clinic.user, json!({})).await;
    let kinds = [
        "contact.created",
        "call.planned",
        "tenant.changed",
        "key.made",
        "tenant.paused",
        "call.x",
    ];
    make(&world, &clinic, &kinds).await;
    let told: Vec<_> = calls.events(3).await.into_iter().map(|it| (it.n, it.kind)).collect();
    assert_eq!(
        told,
        [(2, "call.planned".into()), (5, "tenant.paused".into()), (6, "call.x".into())]
    );
    let told: Vec<_> = reader.events(5).await.into_iter().map(|it| it.n).collect();
    assert_eq!(
        told,
        [1, 2, 3, 5, 6],
        "what nobody has said that readers may know, they aren't told"
    );
}
