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

use axum::Router;
use axum::extract::{FromRequest, Request};
use axum::routing::{delete, get, post};
use serde::de::DeserializeOwned;
use shared::crypto::TenantField;

use crate::app::{App, Work};
use crate::http::{Body, Problem};

pub(crate) use details::{Details, email_taken};
pub(crate) use links::make;
pub(crate) use visits::VisitView;

const NOUN: &str = "user";

/// Routes below `/v1/me`.
pub(crate) fn of_oneself() -> Router<App> {
    Router::new()
        .route("/", get(me::show))
        .route("/password", post(my_password::change))
        .route("/sessions", get(my_sessions::list).delete(my_sessions::end_others))
        .route("/sessions/{session}", delete(my_sessions::end))
        .route("/second-factor", post(second_factor::propose))
        .route("/second-factor/confirm", post(second_factor::confirm))
        .route("/second-factor/remove", post(second_factor::remove))
        .route("/second-factor/recovery-codes", post(second_factor::new_codes))
}

/// Routes below `/v1/users`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(users::list).post(users::invite))
        .route("/{user}", get(users::find).patch(users::patch))
        .route("/{user}/deactivate", post(standing::deactivate))
        .route("/{user}/reactivate", post(standing::reactivate))
        .route("/{user}/password-link", post(links::renew))
        .route("/{user}/second-factor/remove", post(standing::remove_second_factor))
        .route("/{user}/sessions", get(standing::sessions).delete(standing::end_sessions))
}

/// Routes below `/v1/api-keys`.
pub(crate) fn keys_routes() -> Router<App> {
    Router::new()
        .route("/", get(keys::list).post(keys::create))
        .route("/{key}", get(keys::find).delete(keys::revoke))
}

/// Routes below `/v1/tenant` that are about people.
pub(crate) fn of_tenant() -> Router<App> {
    Router::new()
        .route("/security", get(security::find).put(security::put))
        .route("/platform-visits", get(visits::to_tenant))
}

/// The body of a request whose answer holds a secret: it is shown once, so it is not kept for a second asking.
#[derive(Debug)]
pub(crate) struct NotKept<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for NotKept<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if request.headers().contains_key("idempotency-key") {
            let why = "the answer holds a secret that is shown once, and is not kept";
            return Err(Problem::field("Idempotency-Key", "not_kept", why));
        }
        Body::from_request(request, app).await.map(|Body(body)| Self(body))
    }
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
