//! `POST /v3/list-calls`: filters, order, pages.

use serde_json::{Value, json};
use simulator::Rule;

use crate::world::{FROM, TO, World, endless};

#[tokio::test]
async fn every_filter_finds_what_it_says() {
    let world = World::new().await;
    let confirmed = world
        .place(json!({"override_agent_id": "agent_1", "override_agent_version": 2,
            "metadata": {"attempt_id": "abc-123", "n": 5},
            "retell_llm_dynamic_variables": {"clinic": "North"}}))
        .await;
    world.all_analyzed().await;
    world.scenario("voicemail");
    let voicemail = world
        .place(json!({"to_number": "+442079460998", "metadata": {"attempt_id": "xyz-456"}}))
        .await;
    world.all_analyzed().await;
    world.rule(Rule::default().scenario(endless("confirmed")));
    let ringing = world.place(json!({"to_number": "+442079460997"})).await;
    let (_, first) = world.fetch(&format!("/v2/get-call/{confirmed}")).await;
    let start = first["start_timestamp"].clone();

    let both = [&confirmed, &voicemail];
    let table: [(Value, &[&String], &str); 32] = [
        (json!({}), &[&confirmed, &voicemail, &ringing], "nothing asked"),
        (
            json!({"metadata": [{"type": "string", "op": "eq", "key": "attempt_id", "value": "abc-123"}]}),
            &[&confirmed],
            "metadata eq",
        ),
        (
            json!({"metadata": [{"type": "string", "op": "eq", "key": "attempt_id", "value": "abc-12"}]}),
            &[],
            "eq is not a prefix",
        ),
        (
            json!({"metadata": [{"type": "string", "op": "eq", "key": "other", "value": "abc-123"}]}),
            &[],
            "another key",
        ),
        (
            json!({"metadata": [{"type": "string", "op": "ne", "key": "attempt_id", "value": "abc-123"}]}),
            &[&voicemail, &ringing],
            "metadata ne",
        ),
        (
            json!({"metadata": [{"type": "string", "op": "sw", "key": "attempt_id", "value": "abc"}]}),
            &[&confirmed],
            "metadata sw",
        ),
        (
            json!({"metadata": [{"type": "string", "op": "ew", "key": "attempt_id", "value": "456"}]}),
            &[&voicemail],
            "metadata ew",
        ),
        (
            json!({"metadata": [{"type": "string", "op": "sw", "key": "attempt_id", "value": "bc-1"}]}),
            &[],
            "the middle is no beginning",
        ),
        (
            json!({"metadata": [{"type": "string", "op": "ew", "key": "attempt_id", "value": "z-45"}]}),
            &[],
            "nor an end",
        ),
        (
            json!({"metadata": [{"type": "string", "op": "co", "key": "attempt_id", "value": "-"}]}),
            &both,
            "metadata co",
        ),
        (
            json!({"metadata": [{"type": "number", "op": "ge", "key": "n", "value": 5}]}),
            &[&confirmed],
            "metadata number",
        ),
        (
            json!({"metadata": [{"type": "present", "op": "np", "key": "attempt_id"}]}),
            &[&ringing],
            "metadata absent",
        ),
        (
            json!({"dynamic_variables": [{"type": "string", "op": "eq", "key": "clinic", "value": "North"}]}),
            &[&confirmed],
            "variables",
        ),
        (
            json!({"custom_analysis_data": [{"type": "string", "op": "eq", "key": "appointment_action", "value": "confirmed"}]}),
            &[&confirmed],
            "answers",
        ),
        (
            json!({"call_id": {"type": "string", "op": "eq", "value": confirmed}}),
            &[&confirmed],
            "id eq",
        ),
        (
            json!({"call_id": {"type": "enum", "op": "in", "value": [confirmed, voicemail]}}),
            &both,
            "id in",
        ),
        (
            json!({"call_status": {"type": "enum", "op": "in", "value": ["ended"]}}),
            &both,
            "status ended",
        ),
        (
            json!({"call_status": {"type": "enum", "op": "in", "value": ["ongoing", "error", "not_connected"]}}),
            &[],
            "other statuses",
        ),
        (json!({"to_number": {"type": "string", "op": "eq", "value": TO}}), &[&confirmed], "to"),
        (
            json!({"from_number": {"type": "string", "op": "eq", "value": FROM}}),
            &[&confirmed, &voicemail, &ringing],
            "from",
        ),
        (json!({"from_number": {"type": "string", "op": "ne", "value": FROM}}), &[], "from ne"),
        (
            json!({"start_timestamp": {"type": "number", "op": "le", "value": start}}),
            &[&confirmed],
            "start le",
        ),
        (
            json!({"start_timestamp": {"type": "number", "op": "gt", "value": start}}),
            &[&voicemail],
            "start gt; what rings has no start",
        ),
        (
            json!({"start_timestamp": {"type": "range", "op": "bt", "value": [start, start]}}),
            &[&confirmed],
            "start between",
        ),
        (json!({"end_timestamp": {"type": "number", "op": "ge", "value": start}}), &both, "end"),
        (json!({"direction": {"type": "enum", "op": "in", "value": ["inbound"]}}), &[], "inbound"),
        (
            json!({"disconnection_reason": {"type": "enum", "op": "in", "value": ["voicemail_reached"]}}),
            &[&voicemail],
            "reason",
        ),
        (json!({"agent": [{"agent_id": "agent_1"}]}), &[&confirmed], "agent"),
        (
            json!({"agent": [{"agent_id": "agent_1", "version": [3]}, {"agent_id": "agent_2"}]}),
            &[],
            "agent of another version",
        ),
        (
            json!({"in_voicemail": {"type": "boolean", "op": "eq", "value": true}}),
            &[&voicemail],
            "voicemail",
        ),
        (
            json!({"user_sentiment": {"type": "enum", "op": "in", "value": ["Positive"]}}),
            &[&confirmed],
            "mood",
        ),
        (
            json!({"to_number": {"type": "string", "op": "eq", "value": TO}, "in_voicemail": {"type": "boolean", "op": "eq", "value": true}}),
            &[],
            "all must hold",
        ),
    ];
    for (criteria, expected, why) in table {
        let request = json!({"filter_criteria": criteria, "sort_order": "ascending"});
        let found = world.listed(request).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{why}");
    }
}

#[tokio::test]
async fn what_the_vendor_doesnt_take_is_400() {
    let world = World::new().await;
    let table = [
        (
            json!({"filter_criteria": {"call_status": {"type": "enum", "op": "in", "value": ["registered"]}}}),
            "registered can't be asked for",
        ),
        (json!({"filter_criteria": {"call_status": ["ended"]}}), "the older form"),
        (
            json!({"filter_criteria": {"call_status": {"type": "string", "op": "eq", "value": "ended"}}}),
            "an operator of another field",
        ),
        (
            json!({"filter_criteria": {"metadata": [{"type": "string", "op": "eq", "value": "a"}]}}),
            "no key",
        ),
        (json!({"filter_criteria": {"metadata": {"attempt_id": "a"}}}), "a plain object"),
        (
            json!({"filter_criteria": {"colour": {"type": "string", "op": "eq", "value": "a"}}}),
            "an unknown field",
        ),
        (
            json!({"filter_criteria": {"to_number": {"type": "string", "op": "like", "value": "a"}}}),
            "an unknown operator",
        ),
        (json!({"limit": 0}), "too few"),
        (json!({"limit": 1001}), "too many"),
        (json!({"skip": 1, "pagination_key": "a"}), "two ways of paging"),
        (json!({"pagination_key": "?"}), "a key of nobody"),
        (json!({"pagination_key": "ééééééééééééé"}), "a key that isn't ASCII"),
        (json!({"sort_order": "upwards"}), "no order"),
    ];
    for (request, why) in table {
        let (status, body) = world.list(request).await;
        assert_eq!((status.as_u16(), &body["status"]), (400, &"error".into()), "{why}");
    }
}

#[tokio::test]
async fn pages_hold_every_call_once_newest_first() {
    let world = World::new().await;
    let mut placed = Vec::new();
    for _ in 0..7 {
        placed.push(world.place(json!({})).await);
        world.all_analyzed().await;
    }
    let ascending = placed.clone();
    placed.reverse();
    for (order, expected) in [("descending", placed), ("ascending", ascending)] {
        let mut seen: Vec<String> = Vec::new();
        let mut request = json!({"limit": 3, "sort_order": order, "include_total": true});
        let mut sizes = Vec::new();
        loop {
            let (_, page) = world.list(request.clone()).await;
            let items = page["items"].as_array().unwrap();
            sizes.push(items.len());
            seen.extend(items.iter().map(|it| it["call_id"].as_str().unwrap().to_owned()));
            assert_eq!(page["total"], 7);
            assert_eq!(page["has_more"].as_bool().unwrap(), page.get("pagination_key").is_some());
            match page.get("pagination_key") {
                Some(key) => request["pagination_key"] = key.clone(),
                None => break,
            }
        }
        assert_eq!(sizes, [3, 3, 1]);
        assert_eq!(seen, expected, "{order}");
        let skipped = world.listed(json!({"skip": 5, "sort_order": order})).await;
        assert_eq!(skipped, expected[5..]);
    }
}
