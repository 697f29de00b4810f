//! `POST /v2/create-phone-call`

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{bearer, json, refusal, silence, wait};
use crate::call::Hook;
use crate::connection::Peer;
use crate::placing::{Answer, Incoming, Order};
use crate::vendor::Vendor;

/// No client waits longer for its 201, so neither does a reply that waits for webhooks.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Places a call, or does whatever else was arranged.
pub(crate) async fn create_phone_call(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut incoming = understand(&body);
    incoming.traceparent =
        headers.get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let now = vendor.now();
    let verdict = vendor.change(|world| world.receive(now, bearer(&headers), incoming));
    if let Some(sent) = verdict.webhooks_sent {
        tokio::select! {
            _ = tokio::time::timeout(LONGEST_WAIT, sent) => {}
            () = vendor.stopped() => {}
        }
    }
    wait(&vendor, verdict.delay).await;
    match verdict.answer {
        Answer::Placed(body) => json(StatusCode::CREATED, body),
        Answer::Refused(status) => refusal(status),
        Answer::Silence(after) => silence(&vendor, &peer, after).await,
    }
}

/// The body, with nothing yet believed of the types of its fields.
#[derive(Deserialize)]
struct Text<'a> {
    from_number: Option<Value>,
    to_number: Option<Value>,
    override_agent_id: Option<Value>,
    override_agent_version: Option<Value>,
    agent_override: Option<Value>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    retell_llm_dynamic_variables: Option<&'a RawValue>,
    #[serde(borrow)]
    custom_sip_headers: Option<&'a RawValue>,
    ignore_e164_validation: Option<Value>,
}

fn understand(body: &[u8]) -> Incoming {
    let Ok(text) = serde_json::from_slice::<Text<'_>>(body) else { return Incoming::default() };
    let number = |field: &Option<Value>| field.as_ref()?.as_str()?.parse().ok();
    Incoming {
        from: number(&text.from_number),
        to: number(&text.to_number),
        metadata: text.metadata.map(ToOwned::to_owned),
        order: order(&text),
        traceparent: None,
    }
}

/// `None` where the vendor's documents call for a 400.
fn order(text: &Text<'_>) -> Option<Order> {
    let number = |field: &Option<Value>| field.as_ref()?.as_str()?.parse().ok();
    let agent_id = match &text.override_agent_id {
        None => None,
        Some(value) => Some(value.as_str()?.to_owned()),
    };
    text.ignore_e164_validation.as_ref().map_or(Some(true), Value::as_bool)?;
    text.metadata.map_or(Some(()), |raw| raw.get().starts_with('{').then_some(()))?;
    strings(text.retell_llm_dynamic_variables)?;
    let headers = strings(text.custom_sip_headers)?;
    if !headers.keys().all(|name| name.to_ascii_uppercase().starts_with("X-")) {
        return None;
    }
    Some(Order {
        from: number(&text.from_number)?,
        to: number(&text.to_number)?,
        agent_id,
        agent_version: agent_version(text.override_agent_version.as_ref())?,
        hook: hook(text.agent_override.as_ref())?,
        variables: text.retell_llm_dynamic_variables.map(ToOwned::to_owned),
        sip_headers: text.custom_sip_headers.map(ToOwned::to_owned),
    })
}

/// A whole number, or a tag of up to 20 of `a-z 0-9 _ -`; what version a tag stands for we don't know.
/// The outer `None` is a bad request, the inner one no version.
fn agent_version(value: Option<&Value>) -> Option<Option<u64>> {
    match value {
        None => Some(None),
        Some(Value::String(tag)) => {
            let tidy = tag
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
            (tidy && (1..=20).contains(&tag.len())).then_some(None)
        }
        Some(other) => other.as_u64().map(Some),
    }
}

/// An object of strings; absent is empty.
fn strings(raw: Option<&RawValue>) -> Option<HashMap<String, String>> {
    raw.map_or(Some(HashMap::new()), |raw| serde_json::from_str(raw.get()).ok())
}

/// The outer `None` is a bad request, the inner one no override.
fn hook(value: Option<&Value>) -> Option<Option<Hook>> {
    let Some(value) = value else { return Some(None) };
    let Some(agent) = value.as_object()?.get("agent") else { return Some(None) };
    let hook: Hook = serde_json::from_value(agent.clone()).ok()?;
    // The vendor's own bounds.
    let rings = hook.ring_duration_ms.is_none_or(|ms| (5_000..=300_000).contains(&ms));
    rings.then_some((hook != Hook::default()).then_some(hook))
}
