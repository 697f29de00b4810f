//! Calls: what is planned, what was dialled, and why something has not gone out.

mod explain;
mod find;
mod now;
mod view;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// What a call is called in problems.
const NOUN: &str = "call";

/// Routes below `/v1/calls`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(find::list))
        .route("/{call}", get(find::find))
        .route("/{call}/explanation", get(explain::call))
}

/// Routes below `/v1/contacts`.
pub(crate) fn of_contact() -> Router<App> {
    Router::new()
        .route("/{contact}/callability", get(explain::contact))
        .route("/{contact}/call-now", post(now::press))
}
