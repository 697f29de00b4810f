//! The tenant's own settings.

mod closed_dates;
mod pause;
mod policy;
mod settings;

use axum::Router;
use axum::routing::{get, post, put};
use shared::crypto::TenantField;

use crate::app::{App, Work};
use crate::http::Problem;

/// Routes below `/v1/tenant`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(settings::find).patch(settings::patch))
        .route("/zone", put(settings::change_zone))
        .route("/policy", get(policy::find).patch(policy::patch))
        .route("/pause", post(pause::pause))
        .route("/resume", post(pause::resume))
        .route("/retry-configuration", post(pause::retry_configuration))
        .route("/closed-dates", get(closed_dates::list))
        .route("/closed-dates/{date}", put(closed_dates::put).delete(closed_dates::remove))
        .route("/closed-dates/presets/uk-bank-holidays", post(closed_dates::bank_holidays))
}

/// Adds an event and an audit entry about the tenant, sealed under its key.
fn tell(
    work: &mut Work,
    event: &'static str,
    action: &'static str,
    values: &serde_json::Value,
) -> Result<(), Problem> {
    let id = work.tenant.id.0;
    let sealed = work.keys.seal(TenantField::AuditDetails, id, values.to_string().as_bytes())?;
    work.changes.event(event, id, None).entry(action, id, Some(sealed));
    Ok(())
}
