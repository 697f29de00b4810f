//! Contacts: the people whom a tenant may call.

mod create;
mod edit;
mod faults;
mod fields;
mod find;
mod flags;
mod view;

use axum::Router;
use axum::routing::{delete, get, post};

use crate::app::App;

pub(crate) use fields::{phone, zone};
pub(crate) use view::ContactView;

/// Routes below `/v1/contacts`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", post(create::create).get(find::list))
        .route("/{contact}/flags", delete(flags::clear))
        .route("/{contact}", get(find::find).patch(edit::patch).delete(edit::delete))
}

/// What a contact is called in problems.
pub(crate) const NOUN: &str = "contact";
