//! The handshake.

use std::sync::Arc;

use axum::Extension;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::socket::{self, Arrival};
use super::tickets;
use super::words::{MOST_BYTES, PROTOCOL, TICKET};
use crate::accesses::Witness;
use crate::app::App;
use crate::http::contract::{Answer, Draft, Operation, Takes};
use crate::http::{Kind, Problem};

/// Bytes that are read at a time: the library's default of 128 kB would be all of a socket's memory.
const READ_BUFFER: usize = 1_024;
/// Bytes that are gathered before they are written.
const WRITE_BUFFER: usize = 4 * 1_024;
/// Bytes that may wait to be written. We wait for the client long before, so more than this is a bug.
const MOST_WRITE_BUFFER: usize = 64 * 1_024;

/// What a client sends to open a socket, checked as far as it can be without asking anybody.
#[derive(Debug)]
pub(super) struct Handshake {
    upgrade: WebSocketUpgrade,
    ticket: String,
}

impl Takes for Handshake {
    fn describe(draft: &mut Draft<'_>) {
        draft.opened_by("ticket");
        for header in ["Sec-WebSocket-Protocol", "Sec-WebSocket-Key", "Sec-WebSocket-Version"] {
            draft.header(header);
        }
        draft.fails(&[
            Kind::UpgradeRequired,
            Kind::ForeignOrigin,
            Kind::Invalid,
            Kind::BadTicket,
            Kind::Busy,
        ]);
    }
}

impl FromRequestParts<App> for Handshake {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let upgrade = WebSocketUpgrade::from_request_parts(parts, app).await;
        let upgrade = upgrade.map_err(|_| Problem::UpgradeRequired)?;
        let origin = parts.headers.get(header::ORIGIN);
        let origin = origin.map(|origin| origin.to_str().unwrap_or_default());
        let known = &app.live.hub().limits.origins;
        if origin.is_some_and(|origin| !known.iter().any(|known| known == origin)) {
            return Err(Problem::ForeignOrigin);
        }
        let offered = upgrade.requested_protocols().any(|it| it.as_bytes() == PROTOCOL.as_bytes());
        if !offered {
            return Err(Problem::field("Sec-WebSocket-Protocol", "unknown", "offer vio.live.v1"));
        }
        let ticket = upgrade
            .requested_protocols()
            .find_map(|it| it.to_str().ok()?.strip_prefix(TICKET).map(str::to_owned))
            .ok_or(Problem::BadTicket)?;
        Ok(Self { upgrade, ticket })
    }
}

/// 101, and from then on what `docs/live.md` describes.
#[derive(Debug)]
pub(super) struct Upgraded(Response);

impl Answer for Upgraded {
    fn describe(draft: &mut Draft<'_>) {
        let said = "The connection is a WebSocket from here on. Messages are JSON: the client's first says where to go on, the \
                    server's are `hello`, `event`, `at`, `stale` and `resync`.";
        draft.answers_with(101, said, &[]);
    }
}

impl IntoResponse for Upgraded {
    fn into_response(self) -> Response {
        self.0
    }
}

pub(super) const OPEN: Operation = Operation::new("openLive", "Be told what happens").says(
    "A WebSocket over which the tenant's events come as they happen: numbers, kinds and ids, nothing personal. It is opened with a \
     ticket as second protocol, and ends with what the ticket was issued for. Messages, closing codes and how to resume: \
     `docs/live.md`.",
);

/// Turns a request with a ticket into a socket.
///
/// What is wrong with the handshake is answered over HTTP. What comes after (no room, process ends) is told by closing the
/// socket with a code: browsers show their pages nothing else.
pub(super) async fn open(
    State(app): State<App>,
    Extension(witness): Extension<Witness>,
    Handshake { upgrade, ticket }: Handshake,
) -> Result<Upgraded, Problem> {
    let hub = app.live.hub();
    let pass = tickets::redeem(&hub.queues, &ticket).await?.ok_or(Problem::BadTicket)?;
    witness.saw(pass.tenant, pass.caller.actor());
    let held = hub.access.hold((pass.caller, pass.tenant, pass.role)).await?;
    let held = held.ok_or(Problem::BadTicket)?;
    let arrival = Arrival { hub: Arc::clone(hub), pass, held };
    let answer = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MOST_WRITE_BUFFER)
        .max_message_size(MOST_BYTES)
        .max_frame_size(MOST_BYTES)
        .on_upgrade(move |socket| socket::serve(socket, arrival));
    Ok(Upgraded(answer))
}
