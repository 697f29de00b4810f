//! What an account may have.

use serde_json::json;
use simulator::{Account, OverConcurrency, Rule, Simulator};

use crate::world::{KEY, LIMIT, World, endless};

#[tokio::test]
async fn a_call_too_many_is_429_until_one_ends() {
    let account = Account { concurrency: 3, reserved_inbound: 1, ..Account::default() };
    let world = World::with_account(account).await;
    world.rule(Rule::default().scenario(endless("confirmed")));
    let first = world.place(json!({})).await;
    world.place(json!({})).await;
    let (status, body) = world.create(json!({})).await;
    assert_eq!(status.as_u16(), 429);
    assert_eq!(body["message"], "Account rate limited, please throttle your requests.");

    world.post(KEY, &format!("/v2/stop-call/{first}"), &json!({})).await.unwrap();
    let free = |it: &Simulator| it.state().accounts[0].current_concurrency == 1;
    assert!(world.simulator.wait_until(LIMIT, free).await);
    world.place(json!({})).await;
}

#[tokio::test]
async fn a_call_too_many_may_also_be_accepted_and_fail() {
    let over_concurrency = OverConcurrency::AcceptThenFail;
    let account = Account { concurrency: 1, over_concurrency, ..Account::default() };
    let world = World::with_account(account).await;
    world.rule(Rule::default().scenario(endless("confirmed")));
    world.place(json!({})).await;
    world.place(json!({})).await;
    let arrivals = world.receiver.wait(2).await;
    assert_eq!(arrivals[0].call()["disconnection_reason"], "concurrency_limit_reached");
    assert_eq!(world.simulator.state().accounts[0].current_concurrency, 1);
}

#[tokio::test]
async fn starts_wait_their_turn() {
    let account = Account { calls_per_second: Some(20.0), ..Account::default() };
    let world = World::with_account(account).await;
    for _ in 0..4 {
        world.place(json!({})).await;
    }
    world.receiver.wait(12).await;
    let mut starts: Vec<i64> =
        world.simulator.dials().iter().filter_map(|dial| dial.dialled_at).collect();
    starts.sort_unstable();
    assert_eq!(starts.len(), 4);
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= 49), "{starts:?}");
}

#[tokio::test]
async fn who_doesnt_pay_gets_402() {
    let account = Account { payment_required: true, ..Account::default() };
    let world = World::with_account(account).await;
    let (status, body) = world.create(json!({})).await;
    assert_eq!(status.as_u16(), 402);
    assert_eq!(body["message"], "Trial has ended, please add payment method.");
}

#[tokio::test]
async fn an_agents_ring_time_is_kept_to() {
    let agent = json!({"agent_override": {"agent": {"ring_duration_ms": 5_000}}});
    let speedy = simulator::Config { speed: 100.0, ..simulator::Config::default() };
    let world = World::with(speedy).await;
    world.scenario("no_answer");
    world.place(agent).await;
    world.receiver.wait(1).await;
    let dial = world.last_dial();
    let rang = dial.rang_until.unwrap() - dial.rang_from.unwrap();
    assert_eq!(rang, 50, "five seconds, a hundred times faster");
}
