//! Contacts: the people whom a tenant may call.

mod acknowledgements;
mod archive;
mod cards;
mod create;
mod edit;
mod faults;
mod fields;
mod find;
mod flags;
mod search;
mod view;

use crate::http::contract::{Routes, delete, get, post};

pub(crate) use archive::bring_back;
pub(crate) use fields::{MOST_NUMBER, MOST_ZONE, phone, zone};
pub(crate) use search::{Sought, selection};
pub(crate) use view::ContactView;

/// Routes below `/v1/contacts`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Contacts")
        .at("/", post(create::CREATE, create::create).get(find::LIST, find::list))
        .at(
            "/{contact}/acknowledgements",
            post(acknowledgements::CREATE, acknowledgements::create)
                .get(acknowledgements::LIST, acknowledgements::list),
        )
        .at("/{contact}/archive", post(archive::ARCHIVE, archive::archive))
        .at("/{contact}/unarchive", post(archive::UNARCHIVE, archive::unarchive))
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

/// Routes below `/v1/contact-views`.
pub(crate) fn views() -> Routes {
    use search::views;
    Routes::tagged("Contacts")
        .at("/", post(views::CREATE, views::create).get(views::LIST, views::list))
        .at(
            "/{view}",
            get(views::FIND, views::find)
                .patch(views::PATCH, views::patch)
                .delete(views::DELETE, views::delete),
        )
}

/// What a contact is called in problems.
pub(crate) const NOUN: &str = "contact";
