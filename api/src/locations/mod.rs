//! The tenant's places.

mod edit;
mod view;

use crate::http::contract::{Routes, get, post};

/// Routes below `/v1/locations`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Locations")
        .at("/", post(edit::CREATE, edit::create).get(view::LIST, view::list))
        .at("/{location}", get(view::FIND, view::find).patch(edit::PATCH, edit::patch))
}

/// What a location is called in problems.
const NOUN: &str = "location";
