//! Calls: what is planned, what was dialled, and why something has not gone out.

mod explain;
mod find;
mod now;
mod view;

use crate::http::contract::{Routes, get, post};

/// What a call is called in problems.
const NOUN: &str = "call";

/// Routes below `/v1/calls`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Calls")
        .at("/", get(find::LIST, find::list))
        .at("/{call}", get(find::FIND, find::find))
        .at("/{call}/explanation", get(explain::CALL, explain::call))
}

/// Routes below `/v1/contacts`.
pub(crate) fn of_contact() -> Routes {
    Routes::tagged("Calls")
        .at("/{contact}/callability", get(explain::CONTACT, explain::contact))
        .at("/{contact}/call-now", post(now::PRESS, now::press))
}
