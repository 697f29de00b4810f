//! Whatever happens to its connections, a client that keeps the rules of docs/live.md knows what the table says.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use shared::testing::{Inhabitant, World};

use super::server::{Server, Socket, Told, make, table};

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// So many events in one transaction.
    Make(usize),
    /// The client reads so many words.
    Read(usize),
    /// The connection breaks; the client comes back to this process.
    Reconnect(usize),
    /// The same, and it has forgotten when its last event was.
    ReconnectWithoutTime(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..5_usize).prop_map(Step::Make),
        1 => (30..60_usize).prop_map(Step::Make),
        4 => (0..6_usize).prop_map(Step::Read),
        2 => (0..2_usize).prop_map(Step::Reconnect),
        1 => (0..2_usize).prop_map(Step::ReconnectWithoutTime),
    ];
    prop::collection::vec(step, 1..25)
}

/// A client by the rules: what it knows, and up to where.
struct Client<'a> {
    world: &'a World,
    clinic: &'a Inhabitant,
    socket: Socket,
    known: BTreeMap<i64, Told>,
    n: i64,
    at: Option<String>,
}

impl Client<'_> {
    async fn reconnect(&mut self, server: &Server) {
        let opening = match &self.at {
            Some(at) => json!({ "resume": self.n, "at": at }),
            None => json!({ "resume": self.n }),
        };
        self.socket = server.open(&self.clinic.admin, opening).await;
    }

    async fn take(&mut self, word: Value) {
        match word["type"].as_str().unwrap() {
            "event" => {
                let told = Told::of(&word);
                assert_eq!(told.n, self.n + 1, "no gap, and nothing twice");
                (self.n, self.at) = (told.n, Some(told.at.clone()));
                assert!(self.known.insert(told.n, told).is_none());
            }
            "resync" => {
                self.n = word["n"].as_i64().unwrap();
                self.at = None;
                let all = table(self.world, self.clinic, 1).await;
                self.known =
                    all.into_iter().filter(|it| it.n <= self.n).map(|it| (it.n, it)).collect();
            }
            "at" => assert_eq!(word["n"], self.n),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_clients_view_is_the_table_whatever_happens_to_its_connections() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(&steps(), |steps| {
        runtime.block_on(follow(&world, steps));
        Ok(())
    });
    runtime.block_on(async { drop(world) });
    ran.unwrap();
}

async fn follow(world: &World, steps: Vec<Step>) {
    let clinic = world.tenant().await;
    // So little is kept that some come too late.
    let tight = |limits: &mut api::LiveLimits| {
        limits.ring = 48;
        limits.most_missed = 40;
    };
    let servers = [Server::with(world, tight).await, Server::with(world, tight).await];
    let socket = servers[0].open(&clinic.admin, json!({ "resume": 0 })).await;
    let mut client =
        Client { world, clinic: &clinic, socket, known: BTreeMap::new(), n: 0, at: None };
    let mut made = 0;
    for step in steps {
        match step {
            Step::Make(count) => {
                make(world, &clinic, &vec!["call.planned"; count]).await;
                made += count as i64;
            }
            Step::Read(count) => {
                for _ in 0..count {
                    if client.n < made {
                        let word = client.socket.next().await;
                        client.take(word).await;
                    }
                }
            }
            Step::Reconnect(server) => client.reconnect(&servers[server]).await,
            Step::ReconnectWithoutTime(server) => {
                client.at = None;
                client.reconnect(&servers[server]).await;
            }
        }
    }
    while client.n < made {
        let word = client.socket.next().await;
        client.take(word).await;
    }
    let known: Vec<Told> = client.known.into_values().collect();
    assert_eq!(known, table(world, &clinic, 1).await);
}
