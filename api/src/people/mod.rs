//! The tenant's people and their keys; and what everybody does for themselves.

mod details;
mod keys;
mod links;
mod me;
mod my_password;
mod my_sessions;
mod second_factor;
mod security;
mod standing;
mod users;
mod visits;

use shared::crypto::TenantField;

use crate::app::Work;
use crate::http::Problem;
use crate::http::contract::{Routes, delete, get, post};

pub(crate) use details::{Details, email_taken};
pub(crate) use links::{LinkView, make};
pub(crate) use visits::VisitView;

const NOUN: &str = "user";

/// Routes below `/v1/me`.
pub(crate) fn of_oneself() -> Routes {
    use second_factor as factor;
    Routes::tagged("Oneself")
        .at("/", get(me::SHOW, me::show))
        .at("/password", post(my_password::CHANGE, my_password::change))
        .at(
            "/sessions",
            get(my_sessions::LIST, my_sessions::list)
                .delete(my_sessions::END_OTHERS, my_sessions::end_others),
        )
        .at("/sessions/{session}", delete(my_sessions::END, my_sessions::end))
        .at("/second-factor", post(factor::PROPOSE, factor::propose))
        .at("/second-factor/confirm", post(factor::CONFIRM, factor::confirm))
        .at("/second-factor/remove", post(factor::REMOVE, factor::remove))
        .at("/second-factor/recovery-codes", post(factor::NEW_CODES, factor::new_codes))
}

/// Routes below `/v1/users`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Users")
        .at("/", get(users::LIST, users::list).post(users::INVITE, users::invite))
        .at("/{user}", get(users::FIND, users::find).patch(users::PATCH, users::patch))
        .at("/{user}/deactivate", post(standing::DEACTIVATE, standing::deactivate))
        .at("/{user}/reactivate", post(standing::REACTIVATE, standing::reactivate))
        .at("/{user}/password-link", post(links::RENEW, links::renew))
        .at(
            "/{user}/second-factor/remove",
            post(standing::REMOVE_FACTOR, standing::remove_second_factor),
        )
        .at(
            "/{user}/sessions",
            get(standing::SESSIONS, standing::sessions)
                .delete(standing::END_SESSIONS, standing::end_sessions),
        )
}

/// Routes below `/v1/api-keys`.
pub(crate) fn keys_routes() -> Routes {
    Routes::tagged("API keys")
        .at("/", get(keys::LIST, keys::list).post(keys::CREATE, keys::create))
        .at("/{key}", get(keys::FIND, keys::find).delete(keys::REVOKE, keys::revoke))
}

/// Routes below `/v1/tenant` that are about people.
pub(crate) fn of_tenant() -> Routes {
    Routes::tagged("Users")
        .at("/security", get(security::FIND, security::find).put(security::PUT, security::put))
        .at("/platform-visits", get(visits::TO_TENANT, visits::to_tenant))
}

/// Adds an event and an audit entry about `id`, its values sealed under the tenant's key.
pub(crate) fn tell(
    work: &mut Work,
    (event, action): (&'static str, &'static str),
    id: uuid::Uuid,
    values: &serde_json::Value,
) -> Result<(), Problem> {
    let sealed = work.keys.seal(TenantField::AuditDetails, id, values.to_string().as_bytes())?;
    work.changes.event(event, id, None).entry(action, id, Some(sealed));
    Ok(())
}
