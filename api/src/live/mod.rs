//! Live updates: a tenant's events over WebSockets, in order, without gap or duplicate. `docs/live.md` has the protocol.
//!
//! The table `events` is the truth, a signal over Redis says when to look, and a timer makes up for lost signals. One
//! reader a tenant and process fills a ring of encoded frames ([`feed`]); each socket ([`socket`]) has nothing but its
//! place in the ring, so a slow one costs no memory. When a socket can't know that it missed nothing, it says `resync`.

mod access;
mod feed;
mod hub;
mod limits;
mod open;
mod ring;
mod socket;
mod tickets;
mod words;

pub use hub::Live;
pub use limits::Limits;

use crate::http::contract::{Routes, get, post};

/// Routes below `/v1/live`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Live updates")
        .at("/", get(open::OPEN, open::open))
        .at("/tickets", post(tickets::ISSUE, tickets::issue))
}
