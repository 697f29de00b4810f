//! How long contacts are kept: what is archived and erased when, what may not be, and somebody who asks to be erased now.

mod erase;
mod holds;
mod rounds;

use crate::http::contract::{Routes, delete, get, post};

/// Routes below `/v1/retention`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Retention")
        .at("/", get(rounds::FIND, rounds::find))
        .at("/rounds", post(rounds::RUN, rounds::run))
}

/// Routes below `/v1/legal-holds`.
pub(crate) fn of_holds() -> Routes {
    Routes::tagged("Retention")
        .at("/", get(holds::LIST, holds::list).post(holds::PLACE, holds::place))
        .at("/{hold}", delete(holds::RELEASE, holds::release))
}

/// Routes below `/v1/contacts`.
pub(crate) fn of_contact() -> Routes {
    Routes::tagged("Retention").at("/{contact}/erase", post(erase::ERASE, erase::erase))
}
