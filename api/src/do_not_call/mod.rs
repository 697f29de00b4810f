//! The do-not-call list.

mod change;
mod import;
mod list;
mod rows;

use axum::Router;
use axum::routing::{delete, get, post};

use crate::app::{App, Work};
use crate::http::Problem;
use shared::crypto::TenantField;

/// What an entry is called in problems.
const NOUN: &str = "entry of the do-not-call list";

const MOST_REASON: usize = 500;

/// Routes below `/v1/do-not-call`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(list::list).post(change::add))
        .route("/{entry}", delete(change::remove))
        .route("/import", post(import::import))
}

/// Adds an audit entry about the list, sealed under the tenant's key.
fn entry(
    work: &mut Work,
    action: &'static str,
    entity: uuid::Uuid,
    values: &serde_json::Value,
) -> Result<(), Problem> {
    let sealed =
        work.keys.seal(TenantField::AuditDetails, entity, values.to_string().as_bytes())?;
    work.changes.entry(action, entity, Some(sealed));
    Ok(())
}
