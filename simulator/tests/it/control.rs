//! The control API, over HTTP.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulator::{Config, Simulator};

use crate::world::{World, quick, read};

async fn control(world: &World, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let url = format!("{}{path}", world.simulator.base_url());
    read(world.client.request(method, url).json(&body).send().await.unwrap()).await
}

#[tokio::test]
async fn rules_and_faults_are_set_at_run_time_and_forgotten_by_a_reset() {
    let world = World::new().await;
    let set = |body| control(&world, Method::PUT, "/control/scenario", body);
    assert_eq!(set(json!({"scenario": "busy"})).await.0, StatusCode::OK);
    world.place(json!({})).await;
    assert_eq!(world.last_dial().scenario.as_deref(), Some("busy"));

    let rules = json!({"rules": [{"suffix": "999", "scenario": "opt_out", "faults": "slow"}]});
    assert_eq!(set(rules).await.0, StatusCode::OK);
    assert_eq!(set(json!({"scenario": "bussy"})).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(set(json!({"rules": [{"suffix": "9"}]})).await.0, StatusCode::BAD_REQUEST);

    let faults = json!({"outage": 503, "endpoints": ["list-calls"]});
    assert_eq!(control(&world, Method::PUT, "/control/faults", faults).await.0, StatusCode::OK);
    assert_eq!(world.list(json!({})).await.0.as_u16(), 503);
    for bad in [json!({"outage": 200}), json!({"outge": 503}), json!({"fault_weights": {"x": 1}})] {
        let (status, _) = control(&world, Method::PUT, "/control/faults", bad).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(world.list(json!({})).await.0.as_u16(), 503, "a bad request changes nothing");

    assert_eq!(control(&world, Method::POST, "/control/reset", json!({})).await.0, StatusCode::OK);
    assert!(world.simulator.dials().is_empty());
    assert!(world.listed(json!({})).await.is_empty());
    world.place(json!({})).await;
    assert_eq!(world.last_dial().scenario.as_deref(), Some("confirmed"));
}

#[tokio::test]
async fn a_call_from_before_a_reset_is_unknown_and_silent() {
    let world = World::new().await;
    let id = world.place(json!({})).await;
    world.receiver.wait(3).await;
    world.simulator.reset();
    world.place(json!({})).await;
    let (status, _) = world.fetch(&format!("/v2/get-call/{id}")).await;
    assert_eq!(status.as_u16(), 422, "though there is a first call again");
    world.receiver.wait(6).await;
}

#[tokio::test]
async fn the_record_can_be_read_from_where_one_left_off() {
    let world = World::new().await;
    for n in 0..3 {
        world.place(json!({"metadata": {"n": n}})).await;
    }
    world.all_analyzed().await;
    let (_, all) = control(&world, Method::GET, "/control/dials", Value::Null).await;
    assert_eq!(all.as_array().unwrap().len(), 3);
    let (_, rest) = control(&world, Method::GET, "/control/dials?since_seq=2", Value::Null).await;
    assert_eq!(rest.as_array().unwrap().len(), 1);
    let last = &rest[0];
    assert_eq!((&last["seq"], &last["metadata"]["n"]), (&3.into(), &2.into()));
    let fields = [
        "received_at",
        "account",
        "from_number",
        "to_number",
        "accepted",
        "replied",
        "call_id",
        "scenario",
        "faults",
        "dialled_at",
        "rang_from",
        "rang_until",
        "answered_at",
        "ended_at",
        "analyzed_at",
        "call_status",
        "disconnection_reason",
    ];
    for field in fields {
        assert!(last.get(field).is_some(), "{field}");
    }

    let url = format!("{}/control/dials", world.simulator.base_url());
    let lines =
        world.client.get(url).header("accept", "application/x-ndjson").send().await.unwrap();
    assert_eq!(lines.text().await.unwrap().lines().count(), 3);
}

#[tokio::test]
async fn health_and_state_answer_without_a_key() {
    let world = World::new().await;
    let url = format!("{}/health", world.simulator.base_url());
    assert!(world.client.get(url).send().await.unwrap().status().is_success());
    world.place(json!({})).await;
    world.all_analyzed().await;
    let (_, state) = control(&world, Method::GET, "/control/state", Value::Null).await;
    assert_eq!((&state["accepted"], &state["analyzed"]), (&1.into(), &1.into()));
}

#[tokio::test]
async fn what_cant_be_meant_doesnt_start() {
    let rules = serde_json::from_value(json!([{"chance": 2, "scenario": "busy"}])).unwrap();
    let table = [
        (Config { accounts: Vec::new(), ..quick() }, "nobody may call"),
        (Config { speed: 0.0, ..quick() }, "time stands still"),
        (Config { rules, ..quick() }, "more than certain"),
    ];
    for (config, why) in table {
        assert!(Simulator::start(config).await.is_err(), "{why}");
    }
}

#[tokio::test]
async fn it_can_be_stopped_before_it_has_done_anything() {
    let stopping = Simulator::start(quick()).await.unwrap().stop();
    assert!(tokio::time::timeout(crate::world::LIMIT, stopping).await.is_ok());
}
