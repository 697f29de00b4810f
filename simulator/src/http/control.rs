//! Ours, not the vendor's: what happened, and what is to happen.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::json;
use crate::connection::Peer;
use crate::outage::VendorFaults;
use crate::record::DialRecord;
use crate::rules::{BadRule, Rule};
use crate::vendor::Vendor;

/// Nobody from another machine, unless that was allowed at the start.
pub(crate) async fn only_from_here(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if vendor.control_from_anywhere || peer.addr.ip().to_canonical().is_loopback() {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "the control API answers this machine only").into_response()
}

#[derive(Deserialize)]
pub(crate) struct Since {
    #[serde(default)]
    since_seq: u32,
}

/// A JSON array, or one line each where `Accept: application/x-ndjson` asks for it.
pub(crate) async fn dials(
    State(vendor): State<Arc<Vendor>>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Response {
    let records = vendor.world().records(since.since_seq, vendor.now());
    let wants = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if wants.is_some_and(|accept| accept.contains("ndjson")) {
        return lines(&records);
    }
    Json(records).into_response()
}

fn lines(records: &[DialRecord]) -> Response {
    let lines: serde_json::Result<String> =
        records.iter().map(|record| Ok(serde_json::to_string(record)? + "\n")).collect();
    match lines {
        Ok(lines) => ([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The counts.
pub(crate) async fn state(State(vendor): State<Arc<Vendor>>) -> Response {
    Json(vendor.world().state(vendor.now())).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    rules: Vec<Rule>,
}

/// One rule, or several.
fn rules(body: &[u8]) -> serde_json::Result<Vec<Rule>> {
    let value: serde_json::Value = serde_json::from_slice(body)?;
    if value.get("rules").is_some() {
        return Ok(serde_json::from_value::<Rules>(value)?.rules);
    }
    Ok(vec![serde_json::from_value(value)?])
}

/// Replaces the rules set at run time, which come before all others.
pub(crate) async fn set_scenario(State(vendor): State<Arc<Vendor>>, body: Bytes) -> Response {
    match rules(&body) {
        Ok(rules) => answer(vendor.change(|world| world.set_rules(&rules))),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

/// Replaces the faults of the whole vendor.
pub(crate) async fn set_faults(State(vendor): State<Arc<Vendor>>, body: Bytes) -> Response {
    match serde_json::from_slice::<VendorFaults>(&body) {
        Ok(faults) => answer(vendor.change(|world| world.set_faults(faults))),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

fn answer(result: Result<(), BadRule>) -> Response {
    match result {
        Ok(()) => json(StatusCode::OK, "{}".to_owned()),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

/// Forgets everything since the start.
pub(crate) async fn reset(State(vendor): State<Arc<Vendor>>) -> Response {
    vendor.change(|world| world.reset());
    json(StatusCode::OK, "{}".to_owned())
}
