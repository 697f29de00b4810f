//! `GET /v2/get-call/{id}`, `POST /v2/stop-call/{id}` and `GET /get-concurrency`

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{admit, json, refusal};
use crate::connection::Peer;
use crate::outage::Endpoint;
use crate::shape::Detail;
use crate::vendor::Vendor;

/// One call. An unknown one is a 422, as the vendor has it.
pub(crate) async fn show_call(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    Path(call_id): Path<String>,
) -> Response {
    let account = match admit(&vendor, &peer, &headers, Endpoint::GetCall).await {
        Ok(account) => account,
        Err(answer) => return answer,
    };
    let now = vendor.now();
    let world = vendor.world();
    let Some((_, dial, call)) = world.find(account, &call_id) else { return refusal(422) };
    let shape = call.shape(&call_id, dial.metadata.as_deref(), call.stage(now), Detail::Full);
    serde_json::to_string(&shape).map_or_else(|_| refusal(500), |body| json(StatusCode::OK, body))
}

/// Ends a call. One that is over already gets a 204 too.
pub(crate) async fn stop_call(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    Path(call_id): Path<String>,
) -> Response {
    let account = match admit(&vendor, &peer, &headers, Endpoint::StopCall).await {
        Ok(account) => account,
        Err(answer) => return answer,
    };
    let now = vendor.now();
    if vendor.change(|world| world.stop_call(now, account, &call_id)) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        refusal(422)
    }
}

/// How many calls there are and may be.
pub(crate) async fn show_concurrency(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
) -> Response {
    let account = match admit(&vendor, &peer, &headers, Endpoint::GetConcurrency).await {
        Ok(account) => account,
        Err(answer) => return answer,
    };
    let world = vendor.world();
    let limit = world.account(account).concurrency;
    axum::Json(serde_json::json!({
        "current_concurrency": world.trunks[usize::from(account)].busy,
        "concurrency_limit": limit,
        "base_concurrency": limit,
        "purchased_concurrency": 0,
        "concurrency_purchase_limit": 100,
        "remaining_purchase_limit": 100,
        "reserved_inbound_concurrency": world.account(account).reserved_inbound,
        "concurrency_burst_enabled": false,
        "concurrency_burst_limit": 0,
    }))
    .into_response()
}
