use chrono::DateTime;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const ATTEMPT: Uuid = Uuid::from_u128(0xa7);

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn ids() -> CallMetadata {
    let (session_id, tenant_id) = (Uuid::from_u128(0x5e), Uuid::from_u128(0x7e));
    CallMetadata { attempt_id: ATTEMPT, session_id, tenant_id, trace: None }
}

/// A finished call with every key that the vendor documents.
fn finished() -> Value {
    json!({
        "call_type": "phone_call", "from_number": "+442079460100", "to_number": "+447700900123",
        "direction": "outbound", "telephony_identifier": {"twilio_call_sid": "CA00"},
        "call_id": "c1", "agent_id": "g1", "agent_name": "Front desk", "agent_version": 3,
        "call_status": "ended", "metadata": ids(),
        "retell_llm_dynamic_variables": {"spoken_name": "Ada L"},
        "collected_dynamic_variables": {"last_node_name": "end"},
        "custom_sip_headers": {"X-A": "b"}, "data_storage_setting": "everything",
        "opt_in_signed_url": true, "start_timestamp": 1_700_000_000_000_i64,
        "end_timestamp": 1_700_000_030_500_i64, "duration_ms": 30_500,
        "transcript": "Agent: hello\nUser: yes\n",
        "transcript_object": [{"role": "agent", "content": "hello",
            "words": [{"word": "hello", "start": 0.1, "end": 0.4}]}],
        "transcript_with_tool_calls": [{"role": "dtmf", "digit": "1"}],
        "recording_url": "https://recordings.example/c1.wav", "public_log_url": "https://l.example",
        "latency": {}, "disconnection_reason": "agent_hangup",
        "call_cost": {"product_costs": [{"product": "tts", "unit_price": 1, "cost": 6}],
            "total_duration_seconds": 31, "total_duration_unit_price": 1, "combined_cost": 7.5},
        "llm_token_usage": {"values": [9], "average": 9, "num_requests": 1},
        "call_analysis": {"call_summary": "Confirmed.", "in_voicemail": false,
            "user_sentiment": "Positive", "call_successful": true,
            "custom_analysis_data": {"action": "confirmed"}}
    })
}

#[test]
fn a_new_call_is_read() {
    let call: Call = read(json!({
        "call_type": "phone_call", "from_number": "+442079460100", "to_number": "+447700900123",
        "direction": "outbound", "call_id": "c1", "agent_id": "g1", "agent_name": "Front desk",
        "agent_version": 1, "metadata": ids(), "call_status": "registered",
        "retell_llm_dynamic_variables": {"spoken_name": "Ada L"},
    }));
    assert_eq!(call.call_id, "c1");
    assert_eq!(call.status(), Some(CallStatus::Registered));
    assert_eq!((call.attempt_id(), call.ids()), (Some(ATTEMPT), Some(ids())));
    assert_eq!((call.disconnection(), call.started_at()), (None, None));
}

#[test]
fn a_finished_call_is_read() {
    let call: Call = read(finished());
    assert_eq!(call.disconnection(), Some(DisconnectionReason::AgentHangup));
    assert_eq!(call.started_at(), DateTime::from_timestamp_millis(1_700_000_000_000));
    assert_eq!(call.ended_at(), DateTime::from_timestamp_millis(1_700_000_030_500));
    assert_eq!((call.duration_ms, call.agent_version), (Some(30_500), Some(3)));
    let analysis = call.call_analysis.as_ref().unwrap();
    assert_eq!(analysis.sentiment(), Some(Sentiment::Positive));
    assert_eq!(analysis.custom("action"), Some(&json!("confirmed")));
    assert_eq!(call.call_cost.as_ref().unwrap().combined_cost, Some(7.5));
    let again: Call = read(serde_json::to_value(&call).unwrap());
    assert_eq!(again, call, "what is kept survives being stored");
}

#[test]
fn whatever_is_missing_null_or_odd_the_id_is_enough() {
    let keys = finished();
    for key in keys.as_object().unwrap().keys().filter(|key| *key != "call_id") {
        for odd in [None, Some(Value::Null), Some(json!([{"x": 1}])), Some(json!("?"))] {
            let mut changed = keys.clone();
            match odd {
                None => changed.as_object_mut().unwrap().remove(key),
                Some(odd) => changed.as_object_mut().unwrap().insert(key.clone(), odd),
            };
            assert_eq!(read::<Call>(changed).call_id, "c1", "{key}");
        }
    }
    assert_eq!(read::<Call>(json!({"call_id": "c1"})), Call::new("c1"));
    assert!(serde_json::from_value::<Call>(json!({"call_status": "ended"})).is_err());
}

#[test]
fn a_call_that_is_not_ours_has_no_attempt() {
    for metadata in [json!({}), json!({"attempt_id": 7}), json!({"attempt_id": "x"}), json!([])] {
        let call: Call = read(json!({"call_id": "c1", "metadata": metadata}));
        assert_eq!((call.attempt_id(), call.ids()), (None, None));
    }
    let call: Call = read(json!({"call_id": "c1", "metadata": {"attempt_id": ATTEMPT}}));
    assert_eq!((call.attempt_id(), call.ids()), (Some(ATTEMPT), None), "the attempt is enough");
}

#[test]
fn words_that_are_new_to_us_are_kept_and_read_as_unknown() {
    let call: Call = read(json!({
        "call_id": "c1", "call_status": "paused", "disconnection_reason": "network_blocked"
    }));
    assert_eq!(call.status(), Some(CallStatus::Unknown));
    assert_eq!(call.disconnection(), Some(DisconnectionReason::Unknown));
    assert_eq!(call.disconnection_reason.as_deref(), Some("network_blocked"));
    assert_eq!(Sentiment::read("Unknown"), Sentiment::Unknown);
    assert_eq!(DisconnectionReason::KNOWN.len(), 34, "the vendor's SDK 5.66 has this many");
    for (word, reason) in DisconnectionReason::KNOWN {
        assert_eq!(DisconnectionReason::read(word), *reason);
    }
}

#[test]
fn webhooks_are_read_and_recognised_when_they_come_again() {
    let hook = |event: &str, call: Value| read::<Webhook>(json!({"event": event, "call": call}));
    let unanswered = json!({
        "call_type": "phone_call", "call_id": "c1", "call_status": "not_connected",
        "disconnection_reason": "dial_no_answer", "duration_ms": 0, "metadata": ids(),
        "start_timestamp": 5, "end_timestamp": 6
    });
    let ended = hook("call_ended", unanswered.clone());
    assert_eq!(ended.kind(), WebhookEvent::CallEnded);
    assert_eq!(ended.delivery_key().as_deref(), Some("call_ended/c1"));
    let transfer: Webhook = read(json!({
        "event": "transfer_started", "call": unanswered, "transfer_option": {"type": "cold"},
        "transfer_destination": {"number": "+442079460100"}
    }));
    assert_eq!(transfer.delivery_key().as_deref(), Some("transfer_started/c1/5"));
    for event in ["transcript_updated", "something_new"] {
        assert_eq!(hook(event, json!({"call_id": "c1"})).delivery_key(), None, "{event}");
    }
    let inbound = json!({
        "call_id": "c2", "call_status": "registered", "direction": "inbound",
        "opt_out_sensitive_data_storage": false, "transcript_object": [], "transcript": "..."
    });
    assert_eq!(hook("call_analyzed", inbound).call.unwrap().attempt_id(), None);
    let chat: Webhook = read(json!({"event": "chat_started", "chat": {"chat_id": "t1"}}));
    assert_eq!(
        (chat.kind(), chat.call, WebhookEvent::KNOWN.len()),
        (WebhookEvent::Unknown, None, 8)
    );
}

#[test]
fn a_request_has_the_vendors_shape() {
    let mut variables = VoiceVariables::new();
    variables.set("spoken_name", "Ada L").unwrap().set("extra", "").unwrap();
    let request = CreatePhoneCall {
        from_number: "+442079460100".into(),
        to_number: "+447700900123".into(),
        override_agent_id: Some("g1".into()),
        agent_override: None,
        metadata: ids(),
        retell_llm_dynamic_variables: variables,
    };
    let sent = serde_json::to_value(&request).unwrap();
    assert_eq!(
        sent,
        json!({
            "from_number": "+442079460100", "to_number": "+447700900123", "override_agent_id": "g1",
            "metadata": {
                "attempt_id": ATTEMPT, "session_id": ids().session_id, "tenant_id": ids().tenant_id
            },
            "retell_llm_dynamic_variables": {"spoken_name": "Ada L", "extra": ""}
        })
    );
    assert_eq!(read::<CreatePhoneCall>(sent), request);
}

#[test]
fn variables_do_not_get_in_the_providers_way() {
    let mut variables = VoiceVariables::new();
    let mut set = |name: &str, value: &str| variables.set(name, value).map(|_| ());
    for (name, value, expected) in [
        ("spoken_name", "Ada", Ok(())),
        ("current_time_Europe/London", "x", Err(VariableError::BadName)),
        ("current_time_utc", "x", Err(VariableError::Reserved)),
        ("user_number", "x", Err(VariableError::Reserved)),
        ("", "x", Err(VariableError::BadName)),
        ("a b", "x", Err(VariableError::BadName)),
        ("extra", "{{user_number}}", Err(VariableError::Placeholder)),
    ] {
        assert_eq!(set(name, value), expected, "{name}");
    }
    assert_eq!((variables.value("spoken_name"), variables.value("extra")), (Some("Ada"), None));
}

#[test]
fn lists_are_asked_for_and_read_in_the_third_version() {
    let by_attempt =
        ListCalls { filter_criteria: CallFilter::of_attempt(ATTEMPT), ..ListCalls::default() };
    assert_eq!(
        serde_json::to_value(&by_attempt).unwrap(),
        json!({"filter_criteria": {"metadata": [
            {"type": "string", "op": "eq", "key": "attempt_id", "value": ATTEMPT}
        ]}})
    );
    let since = CallFilter::started_since(DateTime::from_timestamp_millis(77).unwrap());
    let filter = json!({"start_timestamp": {"type": "number", "op": "ge", "value": 77}});
    assert_eq!(serde_json::to_value(since).unwrap(), filter);

    let item = finished();
    let page: ListedCalls =
        read(json!({"has_more": true, "pagination_key": "k", "items": [item], "total": 1}));
    assert_eq!((page.items.len(), page.has_more), (1, true));
    for broken in [json!({}), json!({"items": []}), json!([]), json!({"has_more": false})] {
        let read = serde_json::from_value::<ListedCalls>(broken);
        assert!(read.is_err(), "what can't be read must not pass for an empty list");
    }
}

#[test]
fn outbound_calls_leave_room_for_inbound_ones() {
    let account: Concurrency = read(json!({
        "current_concurrency": 10, "concurrency_limit": 100, "base_concurrency": 20,
        "purchased_concurrency": 80, "concurrency_purchase_limit": 100,
        "remaining_purchase_limit": 20, "reserved_inbound_concurrency": 15,
        "concurrency_burst_enabled": true, "concurrency_burst_limit": 60
    }));
    assert_eq!(account.outbound_limit(), 85);
    let small: Concurrency = read(json!({"current_concurrency": 0, "concurrency_limit": 5}));
    assert_eq!(small.outbound_limit(), 5);
    let odd = Concurrency { reserved_inbound_concurrency: Some(9), ..small };
    assert_eq!(odd.outbound_limit(), 0, "never negative");
}

#[test]
fn refusals_are_told_apart_without_keeping_their_text() {
    for (message, kind) in [
        ("Invalid request format, please check API reference.", MessageKind::Request),
        ("API key is missing or invalid.", MessageKind::ApiKey),
        ("Trial has ended, please add payment method.", MessageKind::Payment),
        ("Cannot find requested asset under given api key.", MessageKind::Asset),
        ("Account rate limited, please throttle your requests.", MessageKind::RateLimit),
        ("Concurrency limit reached", MessageKind::Concurrency),
        ("to_number +447700900123 is not valid", MessageKind::Destination),
        ("Item from_number not found", MessageKind::CallerNumber),
        ("An unexpected server error occurred.", MessageKind::Other),
    ] {
        let body: ErrorBody = read(json!({"status": "error", "message": message}));
        assert_eq!(body.kind(), kind, "{message}");
        assert!(!format!("{body:?}").contains("447700"));
    }
    assert_eq!(read::<ErrorBody>(json!({"message": 7})).kind(), MessageKind::Unreadable);
}

#[test]
fn nothing_personal_is_printed() {
    let call: Call = read(finished());
    let webhook = Webhook { event: "call_ended".into(), call: Some(call.clone()) };
    let request: CreatePhoneCall = read(json!({
        "from_number": "+442079460100", "to_number": "+447700900123", "metadata": ids(),
        "retell_llm_dynamic_variables": {"spoken_name": "Ada L"}
    }));
    let printed = format!("{call:?} {webhook:?} {request:?} {:?}", call.call_analysis);
    for personal in ["+44", "Ada", "Confirmed", "confirmed", "hello", "recordings"] {
        assert!(!printed.contains(personal), "{personal} in {printed}");
    }
    assert!(printed.contains("AgentHangup") && printed.contains(&ATTEMPT.to_string()));
}
