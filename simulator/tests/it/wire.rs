//! The vendor's shapes, key by key, and its refusals.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};
use simulator::{Account, Rule};

use crate::world::{FROM, KEY, TO, World, endless, order, read};

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The fields of a call that has just been accepted.
const CREATED: [&str; 11] = [
    "call_type",
    "from_number",
    "to_number",
    "direction",
    "call_id",
    "agent_id",
    "agent_name",
    "agent_version",
    "metadata",
    "retell_llm_dynamic_variables",
    "call_status",
];

/// What a finished conversation has beside them.
const FINISHED: [&str; 14] = [
    "telephony_identifier",
    "collected_dynamic_variables",
    "custom_sip_headers",
    "data_storage_setting",
    "opt_in_signed_url",
    "start_timestamp",
    "end_timestamp",
    "duration_ms",
    "recording_url",
    "public_log_url",
    "latency",
    "disconnection_reason",
    "call_cost",
    "llm_token_usage",
];

const TRANSCRIPTS: [&str; 3] = ["transcript", "transcript_object", "transcript_with_tool_calls"];

fn everything() -> Value {
    json!({
        "override_agent_id": "agent_1",
        "override_agent_version": 3,
        "metadata": {"attempt_id": "a-1", "nested": {"n": 1.50}},
        "retell_llm_dynamic_variables": {"clinic": "Test"},
        "custom_sip_headers": {"X-Test": "1"},
    })
}

#[tokio::test]
async fn a_created_call_has_the_vendors_fields_and_is_registered() {
    let world = World::new().await;
    let mut order = everything();
    order.as_object_mut().unwrap().remove("custom_sip_headers");
    let (status, call) = world.create(order).await;

    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(keys(&call), CREATED.into());
    assert_eq!(call["call_status"], "registered");
    assert_eq!(call["call_type"], "phone_call");
    assert_eq!(call["direction"], "outbound");
    assert_eq!((&call["from_number"], &call["to_number"]), (&FROM.into(), &TO.into()));
    assert_eq!((&call["agent_id"], &call["agent_version"]), (&"agent_1".into(), &3.into()));
    assert_eq!(call["metadata"], everything()["metadata"]);
}

#[tokio::test]
async fn a_finished_call_has_all_fields_and_a_list_leaves_the_transcripts_out() {
    let world = World::new().await;
    let id = world.place(everything()).await;
    world.all_analyzed().await;

    let (status, call) = world.fetch(&format!("/v2/get-call/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    let mut item: BTreeSet<&str> = CREATED.iter().chain(&FINISHED).copied().collect();
    item.insert("call_analysis");
    let full: BTreeSet<&str> = item.iter().chain(&TRANSCRIPTS).copied().collect();
    assert_eq!(keys(&call), full);
    assert_eq!(
        keys(&call["call_analysis"]),
        [
            "call_summary",
            "in_voicemail",
            "user_sentiment",
            "call_successful",
            "custom_analysis_data"
        ]
        .into()
    );
    let (start, end) = (call["start_timestamp"].as_i64(), call["end_timestamp"].as_i64());
    assert_eq!(call["duration_ms"].as_i64(), end.zip(start).map(|(end, start)| end - start));
    let word = &call["transcript_object"][0]["words"][0];
    assert_eq!(keys(word), ["word", "start", "end"].into());
    assert!(call["transcript"].as_str().unwrap().starts_with("Agent: "));

    let (_, page) = world.list(json!({"include_total": true})).await;
    assert_eq!(keys(&page), ["items", "has_more", "total"].into());
    assert_eq!(keys(&page["items"][0]), item);
}

#[tokio::test]
async fn what_was_not_supplied_is_absent() {
    let world = World::new().await;
    let (_, call) = world.create(json!({})).await;
    for absent in ["metadata", "retell_llm_dynamic_variables", "start_timestamp", "call_analysis"] {
        assert!(call.get(absent).is_none(), "{absent}");
    }
    world.receiver.wait(3).await;
    for arrival in world.receiver.arrivals() {
        assert!(arrival.call().get("metadata").is_none());
    }
}

#[tokio::test]
async fn metadata_comes_back_word_for_word() {
    let world = World::new().await;
    // Key order and 1.50 would not survive a parse.
    let body = format!(
        r#"{{"from_number":"{FROM}","to_number":"{TO}","metadata":{{"z":1.50,"a":"\u00e9"}}}}"#
    );
    let url = format!("{}/v2/create-phone-call", world.simulator.base_url());
    let reply = world.client.post(url).bearer_auth(KEY).body(body).send().await.unwrap();
    let verbatim = r#"{"z":1.50,"a":"\u00e9"}"#;
    assert!(reply.text().await.unwrap().contains(verbatim));
    let arrivals = world.receiver.wait(3).await;
    assert!(String::from_utf8_lossy(&arrivals[2].raw).contains(verbatim));
    assert_eq!(world.last_dial().metadata_text.unwrap().get(), verbatim);
}

#[tokio::test]
async fn a_call_that_never_connected_has_no_conversation_in_it() {
    let world = World::new().await;
    world.scenario("no_answer");
    let id = world.place(everything()).await;
    world.all_analyzed().await;
    let (_, call) = world.fetch(&format!("/v2/get-call/{id}")).await;
    assert_eq!(call["call_status"], "not_connected");
    assert_eq!(call["duration_ms"], 0);
    assert_eq!(call["call_analysis"]["custom_analysis_data"], json!({}));
    for absent in TRANSCRIPTS.iter().chain(&["recording_url", "call_cost"]) {
        assert!(call.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn requests_that_the_documents_forbid_get_the_documented_refusals() {
    let world = World::with_account(Account {
        agents: vec!["agent_1".to_owned(), "agent_simulator".to_owned()],
        from_numbers: vec![FROM.to_owned()],
        ..Account::default()
    })
    .await;
    let table = [
        (json!({"to_number": "07700900123"}), 400, "a number that isn't E.164"),
        (json!({"to_number": null}), 400, "no number"),
        (json!({"from_number": 44}), 400, "a number that is a number"),
        (json!({"metadata": "text"}), 400, "metadata that is no object"),
        (json!({"metadata": [1]}), 400, "metadata that is an array"),
        (json!({"retell_llm_dynamic_variables": {"n": 1}}), 400, "variables must be strings"),
        (json!({"custom_sip_headers": {"Test": "1"}}), 400, "a header without X-"),
        (json!({"override_agent_id": 5}), 400, "an agent that is a number"),
        (json!({"override_agent_version": "Latest Version"}), 400, "a tag with capitals"),
        (json!({"override_agent_version": -1}), 400, "a negative version"),
        (json!({"agent_override": {"agent": {"ring_duration_ms": 100}}}), 400, "rings too shortly"),
        (json!({"agent_override": []}), 400, "an override that is an array"),
        (json!({"override_agent_id": "agent_2"}), 422, "an unknown agent"),
        (json!({"from_number": "+442079460101"}), 422, "an unknown caller"),
        (json!({"override_agent_id": "agent_1", "override_agent_version": "prod"}), 201, "good"),
    ];
    for (more, expected, why) in table {
        let (status, body) = world.create(more).await;
        assert_eq!(status.as_u16(), expected, "{why}");
        assert_eq!(world.last_dial().replied, Some(expected), "{why}");
        assert_eq!(world.last_dial().accepted, expected == 201, "{why}");
        if expected != 201 {
            assert_eq!(keys(&body), ["status", "message"].into(), "{why}");
            assert_eq!(body["status"], "error");
        }
    }
    let messages = [
        (400, "Invalid request format, please check API reference."),
        (422, "Cannot find requested asset under given api key."),
    ];
    for (status, message) in messages {
        let more =
            if status == 400 { json!({"to_number": 1}) } else { json!({"override_agent_id": "?"}) };
        assert_eq!(world.create(more).await.1["message"], message);
    }
}

#[tokio::test]
async fn every_endpoint_asks_for_the_key() {
    let world = World::new().await;
    let post = [
        ("/v2/create-phone-call", order(json!({}))),
        ("/v3/list-calls", json!({})),
        ("/v2/stop-call/call_1", json!({})),
    ];
    for (path, body) in post {
        let (status, body) = read(world.post("key_wrong", path, &body).await.unwrap()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(body["message"], "API key is missing or invalid.");
    }
    for path in ["/v2/get-call/call_1", "/get-concurrency"] {
        let url = format!("{}{path}", world.simulator.base_url());
        let status = world.client.get(url).send().await.unwrap().status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(world.last_dial().account, None, "the stranger's request is in the record");
}

#[tokio::test]
async fn an_unknown_call_is_422_and_an_unknown_path_404() {
    let world = World::new().await;
    let id = world.place(json!({})).await;
    let mut other = id.clone();
    other.replace_range(6..7, if &id[6..7] == "0" { "1" } else { "0" });
    for unknown in ["call_x", "", "é", other.as_str()] {
        if unknown.is_empty() {
            continue;
        }
        let (status, _) = world.fetch(&format!("/v2/get-call/{unknown}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{unknown}");
        let stop = world.post(KEY, &format!("/v2/stop-call/{unknown}"), &json!({})).await.unwrap();
        assert_eq!(stop.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (status, body) = world.fetch("/v9/nothing").await;
    assert_eq!((status, &body["status"]), (StatusCode::NOT_FOUND, &"error".into()));
}

#[tokio::test]
async fn concurrency_is_told_in_the_vendors_words() {
    let world = World::new().await;
    world.rule(Rule::default().scenario(endless("confirmed")));
    world.place(json!({})).await;
    let (status, body) = world.fetch("/get-concurrency").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        keys(&body),
        [
            "current_concurrency",
            "concurrency_limit",
            "base_concurrency",
            "purchased_concurrency",
            "concurrency_purchase_limit",
            "remaining_purchase_limit",
            "reserved_inbound_concurrency",
            "concurrency_burst_enabled",
            "concurrency_burst_limit"
        ]
        .into()
    );
    assert_eq!((&body["current_concurrency"], &body["concurrency_limit"]), (&1.into(), &20.into()));
}
