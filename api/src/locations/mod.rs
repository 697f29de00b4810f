//! The tenant's places.

mod edit;
mod view;

use schemars::{Schema, SchemaGenerator};
use shared::calls::rules::hours::Week;

use crate::http::contract::{Routes, get, in_one_piece, post};

/// Routes below `/v1/locations`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Locations")
        .at("/", post(edit::CREATE, edit::create).get(view::LIST, view::list))
        .at("/{location}", get(view::FIND, view::find).patch(edit::PATCH, edit::patch))
}

/// The schema of hours. They are read with days left out, and shown with all of them.
fn hours(generator: &mut SchemaGenerator) -> Schema {
    in_one_piece::<Option<Week>>(generator)
}

/// What a location is called in problems.
const NOUN: &str = "location";
