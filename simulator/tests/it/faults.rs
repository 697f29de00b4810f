//! Everything that goes wrong beside the conversation.

use std::time::{Duration, Instant};

use serde_json::json;
use simulator::{Endpoint, Faults, Outage, Rule, Scenario, Silence, Simulator, VendorFaults};

use crate::world::{LIMIT, World, endless};

#[tokio::test]
async fn any_status_refuses_and_no_call_is_placed() {
    let world = World::new().await;
    for status in [400, 401, 402, 403, 409, 422, 429, 500, 502, 503, 504, 599] {
        world.faults(&format!("refuse_{status}"));
        let (answered, body) = world.create(json!({})).await;
        assert_eq!((answered.as_u16(), &body["status"]), (status, &"error".into()));
        let dial = world.last_dial();
        assert!(!dial.accepted && dial.rang_from.is_none() && dial.replied == Some(status));
    }
    world.faults("rate_limited");
    let (_, body) = world.create(json!({})).await;
    assert_eq!(body["message"], "Account rate limited, please throttle your requests.");
    assert_eq!(world.simulator.state().accepted, 0);
}

#[tokio::test]
async fn a_cut_connection_says_nothing_of_whether_a_call_was_placed() {
    for (fault, placed) in
        [("cut_before", false), ("hang_before", false), ("cut_after", true), ("hang_after", true)]
    {
        let world = World::new().await;
        let faults = Faults { hang_ms: 20, ..Faults::named(fault).unwrap() };
        world.rule(Rule::default().faults(faults));
        let before = Instant::now();
        let error = world.try_create(json!({"metadata": {"attempt": "a"}})).await.unwrap_err();
        assert!(!error.is_connect() && error.status().is_none(), "{fault}: {error}");
        assert!(!fault.starts_with("hang") || before.elapsed() >= Duration::from_millis(20));

        let dial = world.last_dial();
        assert_eq!((dial.accepted, dial.replied), (placed, None), "{fault}");
        assert_eq!(dial.metadata()["attempt"], "a");
        let listed = world.listed(json!({})).await;
        assert_eq!(listed.len(), usize::from(placed), "{fault}");
        if placed {
            world.receiver.wait(3).await;
        }
    }
}

#[tokio::test]
async fn a_client_that_gives_up_is_called_for_nevertheless() {
    let world = World::new().await;
    world.faults("hang_after");
    let url = format!("{}/v2/create-phone-call", world.simulator.base_url());
    let impatient = world
        .client
        .post(url)
        .bearer_auth(crate::world::KEY)
        .json(&crate::world::order(json!({})))
        .timeout(Duration::from_millis(50))
        .send()
        .await;
    assert!(impatient.unwrap_err().is_timeout());
    world.receiver.wait(3).await;
    assert!(world.last_dial().rang_until.is_some());
}

#[tokio::test]
async fn a_slow_reply_doesnt_hold_the_call_up() {
    let world = World::new().await;
    world.rule(Rule::default().faults(Faults { reply_delay_ms: 60, ..Faults::none() }));
    let before = Instant::now();
    let id = world.place(json!({})).await;
    assert!(before.elapsed() >= Duration::from_millis(60));
    let dial = world.last_dial();
    assert_eq!(dial.call_id, Some(id));
    assert!(dial.dialled_at == Some(dial.received_at));
}

#[tokio::test]
async fn a_late_start_is_accepted_now_and_dialled_later() {
    let world = World::new().await;
    world.faults("late_start");
    world.place(json!({})).await;
    let (_, page) = world.list(json!({})).await;
    assert_eq!(page["items"][0]["call_status"], "registered");
    assert_eq!(world.last_dial().dialled_at, None, "not before 90 seconds are over");

    world.simulator.reset();
    world.rule(Rule::default().faults(Faults { start_delay_ms: 80, ..Faults::none() }));
    world.place(json!({})).await;
    world.receiver.wait(3).await;
    let dial = world.last_dial();
    assert_eq!(dial.dialled_at, Some(dial.received_at + 80));
}

#[tokio::test]
async fn an_accepted_call_can_fail_for_want_of_concurrency() {
    let world = World::new().await;
    world.faults("concurrency_error");
    world.place(json!({})).await;
    let arrivals = world.receiver.wait(2).await;
    assert_eq!(arrivals[0].call()["call_status"], "error");
    assert_eq!(arrivals[0].call()["disconnection_reason"], "concurrency_limit_reached");
    let dial = world.last_dial();
    assert!(dial.accepted && dial.dialled_at.is_none() && dial.rang_from.is_none());
}

#[tokio::test]
async fn hidden_and_lagging_calls_are_missing_from_the_list_and_nowhere_else() {
    for fault in ["hidden", "list_lag", "lost_and_late"] {
        let world = World::new().await;
        let faults = Faults::named(fault).unwrap();
        let faults = Faults { connection: None, ..faults };
        world.rule(Rule::default().scenario(endless("confirmed")).faults(faults));
        let id = world.place(json!({})).await;
        assert!(world.listed(json!({})).await.is_empty(), "{fault}");
        let (status, _) = world.fetch(&format!("/v2/get-call/{id}")).await;
        assert_eq!(status.as_u16(), 200, "{fault}");
    }
    let world = World::new().await;
    world.faults("hidden");
    let id = world.place(json!({})).await;
    world.all_analyzed().await;
    assert_eq!(world.listed(json!({})).await, [id], "shown once it isn't registered any more");
}

#[tokio::test]
async fn a_lagging_list_shows_a_call_as_it_was() {
    let world = World::new().await;
    let ring_ms = Some([1_500; 2]);
    world.rule(
        Rule::default().scenario(Scenario { ring_ms, ..Scenario::named("confirmed").unwrap() }),
    );
    let id = world.place(json!({})).await;
    world.all_analyzed().await;
    let lagging = |list_lag_ms| VendorFaults { list_lag_ms, ..VendorFaults::default() };
    let table = [
        (0, Some("ended"), "no lag"),
        (1_400, Some("registered"), "it rang until some milliseconds ago"),
        (3_600_000, None, "an hour ago there was no such call"),
    ];
    for (lag, status, why) in table {
        world.simulator.set_faults(lagging(lag)).unwrap();
        let (_, page) = world.list(json!({})).await;
        assert_eq!(page["items"][0]["call_status"].as_str(), status, "{why}");
    }
    let (_, call) = world.fetch(&format!("/v2/get-call/{id}")).await;
    assert_eq!(call["call_status"], "ended", "only the list lags");
}

#[tokio::test]
async fn a_call_may_have_no_timestamps() {
    let world = World::new().await;
    world.faults("no_timestamps");
    world.place(json!({})).await;
    for arrival in world.receiver.wait(3).await {
        for absent in ["start_timestamp", "end_timestamp", "duration_ms"] {
            assert!(arrival.call().get(absent).is_none(), "{absent}");
        }
    }
    assert!(world.last_dial().ended_at.is_some(), "the record knows");
}

#[tokio::test]
async fn a_call_may_never_be_analysed() {
    let world = World::new().await;
    world.faults("never_analyzed");
    let id = world.place(json!({})).await;
    world.receiver.wait(2).await;
    // Another call goes all the way; so would the first have, by then.
    world.simulator.set_rules(&[]).unwrap();
    world.place(json!({})).await;
    world.receiver.wait(5).await;
    let analyzed = world.receiver.events().iter().filter(|it| *it == "call_analyzed").count();
    assert_eq!(analyzed, 1);
    let (_, call) = world.fetch(&format!("/v2/get-call/{id}")).await;
    assert_eq!(call["call_status"], "ended");
    assert!(call.get("call_analysis").is_none());
}

fn outage(outage: Outage, endpoints: Vec<Endpoint>) -> VendorFaults {
    VendorFaults { outage: Some(outage), endpoints, ..VendorFaults::default() }
}

#[tokio::test]
async fn an_outage_strikes_every_endpoint_and_is_recorded() {
    let world = World::new().await;
    let id = world.place(json!({})).await;
    world.simulator.set_faults(outage(Outage::Status(503), Vec::new())).unwrap();
    assert_eq!(world.create(json!({})).await.0.as_u16(), 503);
    assert_eq!(world.list(json!({})).await.0.as_u16(), 503);
    assert_eq!(world.fetch(&format!("/v2/get-call/{id}")).await.0.as_u16(), 503);
    assert_eq!(world.fetch("/get-concurrency").await.0.as_u16(), 503);
    assert_eq!(world.last_dial().replied, Some(503));

    world.simulator.set_faults(outage(Outage::Silence(Silence::Close), Vec::new())).unwrap();
    assert!(world.try_create(json!({})).await.is_err());
    assert_eq!(world.last_dial().replied, None);
    let url = format!("{}/get-concurrency", world.simulator.base_url());
    assert!(world.client.get(url).bearer_auth(crate::world::KEY).send().await.is_err());

    world.simulator.set_faults(VendorFaults::default()).unwrap();
    world.place(json!({})).await;
    assert_eq!(world.simulator.state().accepted, 2);
}

#[tokio::test]
async fn an_outage_may_strike_one_endpoint_only() {
    let world = World::new().await;
    world
        .simulator
        .set_faults(outage(Outage::Status(500), vec![Endpoint::CreatePhoneCall]))
        .unwrap();
    assert_eq!(world.create(json!({})).await.0.as_u16(), 500);
    assert_eq!(world.fetch("/get-concurrency").await.0.as_u16(), 200);
}

#[tokio::test]
async fn faults_by_chance_strike_calls_that_no_rule_gives_faults() {
    let world = World::new().await;
    let weights = [("refuse_500".to_owned(), 1.0)].into();
    world
        .simulator
        .set_faults(VendorFaults { fault_weights: weights, ..VendorFaults::default() })
        .unwrap();
    assert_eq!(world.create(json!({})).await.0.as_u16(), 500);
    world.faults("none");
    assert_eq!(world.create(json!({})).await.0.as_u16(), 201, "a rule's word is last");
}

#[tokio::test]
async fn stopping_doesnt_wait_for_a_hanging_connection_and_writes_the_record() {
    let path = std::env::temp_dir().join(format!("simulator-{}.jsonl", uuid::Uuid::new_v4()));
    let config = simulator::Config { record: Some(path.clone()), ..crate::world::quick() };
    let world = World::with(config).await;
    world.place(json!({"metadata": {"n": 1}})).await;
    world.receiver.wait(3).await;
    world.faults("hang_before");
    let hanging = world.try_create(json!({}));
    let received = |it: &Simulator| it.state().requests == 2;
    let World { simulator, .. } = &world;
    let arrived = simulator.wait_until(LIMIT, received);
    // The request has to be polled for it to get there.
    tokio::select! {
        reply = hanging => panic!("{reply:?}"),
        arrived = arrived => assert!(arrived),
    }
    let before = Instant::now();
    world.simulator.stop().await;
    assert!(before.elapsed() < Duration::from_secs(5));

    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let moments: Vec<_> =
        lines.iter().map(|it| (it["seq"].as_u64(), it["moment"].as_str())).collect();
    let expected = [
        (Some(1), Some("received")),
        (Some(1), Some("ringing")),
        (Some(1), Some("ended")),
        (Some(2), Some("received")),
    ];
    assert_eq!(moments, expected);
    assert_eq!(lines[2]["metadata"], json!({"n": 1}));
    assert!(lines[2]["rang_until"].is_i64());
}
