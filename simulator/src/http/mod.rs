//! The vendor's HTTP side, and ours beside it.

mod control;
mod create;
mod list;
mod read;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};

use crate::connection::Peer;
use crate::faults::Faults;
use crate::outage::{Endpoint, Outage, Silence};
use crate::vendor::Vendor;

/// Every route.
pub(crate) fn router(vendor: Arc<Vendor>) -> Router {
    let control = Router::new()
        .route("/control/dials", get(control::dials))
        .route("/control/state", get(control::state))
        .route("/control/scenario", put(control::set_scenario))
        .route("/control/faults", put(control::set_faults))
        .route("/control/reset", post(control::reset))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&vendor), control::only_from_here));
    Router::new()
        .route("/v2/create-phone-call", post(create::create_phone_call))
        .route("/v2/get-call/{call_id}", get(read::show_call))
        .route("/v3/list-calls", post(list::list_calls))
        .route("/v2/stop-call/{call_id}", post(read::stop_call))
        .route("/get-concurrency", get(read::show_concurrency))
        .route("/health", get(async || "ok"))
        .route("/health/ready", get(async || "ok"))
        .merge(control)
        .fallback(async || refusal(404))
        .method_not_allowed_fallback(async || refusal(405))
        .layer(DefaultBodyLimit::max(1 << 20))
        .with_state(vendor)
}

/// The vendor's error body. The texts are those that its API description gives as examples.
fn refusal(status: u16) -> Response {
    let message = match status {
        400 => "Invalid request format, please check API reference.",
        401 => "API key is missing or invalid.",
        402 => "Trial has ended, please add payment method.",
        404 => "The requested resource was not found.",
        422 => "Cannot find requested asset under given api key.",
        429 => "Account rate limited, please throttle your requests.",
        500..=599 => "An unexpected server error occurred.",
        _ => "The request was refused.",
    };
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (code, axum::Json(serde_json::json!({"status": "error", "message": message}))).into_response()
}

/// JSON that is written already.
fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The bearer token, if there is one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Leaves the client without an answer, after so long.
async fn silence(vendor: &Vendor, peer: &Peer, after: Duration) -> Response {
    wait(vendor, after).await;
    peer.cut();
    StatusCode::NO_CONTENT.into_response()
}

/// Waits, but not longer than the simulator lives.
async fn wait(vendor: &Vendor, time: Duration) {
    if time.is_zero() {
        return;
    }
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = vendor.stopped() => {}
    }
}

/// What every endpoint but create-phone-call begins with: an outage, or whose key it is.
///
/// # Errors
/// The answer, if it ends here.
async fn admit(
    vendor: &Vendor,
    peer: &Peer,
    headers: &HeaderMap,
    endpoint: Endpoint,
) -> Result<u16, Response> {
    let (outage, account) = {
        let world = vendor.world();
        (world.vendor.at(endpoint), world.account_of(bearer(headers)))
    };
    let hang = Duration::from_millis(Faults::HANG_MS);
    match outage {
        None => account.ok_or_else(|| refusal(401)),
        Some(Outage::Status(status)) => Err(refusal(status)),
        Some(Outage::Silence(Silence::Close)) => Err(silence(vendor, peer, Duration::ZERO).await),
        Some(Outage::Silence(Silence::Hang)) => Err(silence(vendor, peer, hang).await),
    }
}
