//! The handshake.

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, header};
use axum::response::Response;

use super::socket::{self, Arrival};
use super::tickets;
use super::words::{MOST_BYTES, PROTOCOL, TICKET};
use crate::accesses::Witness;
use crate::app::App;
use crate::http::Problem;

/// Bytes that are read at a time: the library's default of 128 kB would be all of a socket's memory.
const READ_BUFFER: usize = 1_024;
/// Bytes that are gathered before they are written.
const WRITE_BUFFER: usize = 4 * 1_024;
/// Bytes that may wait to be written. We wait for the client long before, so more than this is a bug.
const MOST_WRITE_BUFFER: usize = 64 * 1_024;

/// Turns a request with a ticket into a socket.
///
/// What is wrong with the handshake is answered over HTTP. What comes after (no room, process ends) is told by closing the
/// socket with a code: browsers show their pages nothing else.
pub(super) async fn open(
    State(app): State<App>,
    Extension(witness): Extension<Witness>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| Problem::UpgradeRequired)?;
    let hub = app.live.hub();
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    if origin.is_some_and(|origin| !hub.limits.origins.iter().any(|known| known == origin)) {
        return Err(Problem::ForeignOrigin);
    }
    let offered =
        |name: &str| upgrade.requested_protocols().any(|it| it.as_bytes() == name.as_bytes());
    if !offered(PROTOCOL) {
        return Err(Problem::field("Sec-WebSocket-Protocol", "unknown", "offer vio.live.v1"));
    }
    let ticket = upgrade
        .requested_protocols()
        .find_map(|it| it.to_str().ok()?.strip_prefix(TICKET).map(str::to_owned))
        .ok_or(Problem::BadTicket)?;
    let pass = tickets::redeem(&hub.queues, &ticket).await?.ok_or(Problem::BadTicket)?;
    witness.saw(pass.tenant, pass.holder.actor());
    let held = hub.access.hold(pass.holder).await?.ok_or(Problem::BadTicket)?;
    let ends_in = match pass.ends_at {
        Some(at) => {
            let left = at - app.db.now().await?;
            Some(left.to_std().map_err(|_| Problem::BadTicket)?)
        }
        None => None,
    };
    let arrival = Arrival { hub: std::sync::Arc::clone(hub), pass, held, ends_in };
    Ok(upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MOST_WRITE_BUFFER)
        .max_message_size(MOST_BYTES)
        .max_frame_size(MOST_BYTES)
        .on_upgrade(move |socket| socket::serve(socket, arrival)))
}
