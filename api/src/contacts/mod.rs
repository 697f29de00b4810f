//! Contacts: the people whom a tenant may call.

mod create;
mod edit;
mod faults;
mod fields;
mod find;
mod flags;
mod search;
mod view;

use crate::http::contract::{Routes, delete, get, post};

pub(crate) use fields::{MOST_NUMBER, MOST_ZONE, phone, zone};
use find::views;
pub(crate) use view::ContactView;

/// Routes below `/v1/contacts`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Contacts")
        .at("/", post(create::CREATE, create::create).get(find::LIST, find::list))
        .at("/search", post(search::SEARCH, search::search))
        .at("/search/ids", post(search::IDS, search::ids))
        .at("/{contact}/flags", delete(flags::CLEAR, flags::clear))
        .at(
            "/{contact}",
            get(find::FIND, find::find)
                .patch(edit::PATCH, edit::patch)
                .delete(edit::DELETE, edit::delete),
        )
}

/// What a contact is called in problems.
pub(crate) const NOUN: &str = "contact";
