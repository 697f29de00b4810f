//! The tenant's types of appointments.

mod edit;
mod view;

use crate::http::contract::{Routes, get, post};

/// Routes below `/v1/appointment-types`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Appointment types")
        .at("/", post(edit::CREATE, edit::create).get(view::LIST, view::list))
        .at("/{appointment_type}", get(view::FIND, view::find).patch(edit::PATCH, edit::patch))
}

/// What a type is called in problems.
const NOUN: &str = "appointment type";
