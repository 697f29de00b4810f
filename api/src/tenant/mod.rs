//! The tenant's own settings.

mod closed_dates;
mod pause;
mod policy;
mod settings;

use shared::crypto::TenantField;

use crate::app::Work;
use crate::http::Problem;
use crate::http::contract::{Routes, get, post, put};

pub(crate) use settings::unknown_zone;

/// Routes below `/v1/tenant`.
pub(crate) fn routes() -> Routes {
    use closed_dates as dates;
    Routes::tagged("Tenant")
        .at("/", get(settings::FIND, settings::find).patch(settings::PATCH, settings::patch))
        .at("/zone", put(settings::CHANGE_ZONE, settings::change_zone))
        .at("/policy", get(policy::FIND, policy::find).patch(policy::PATCH, policy::patch))
        .at("/pause", post(pause::PAUSE, pause::pause))
        .at("/resume", post(pause::RESUME, pause::resume))
        .at("/retry-configuration", post(pause::RETRY, pause::retry_configuration))
        .at("/closed-dates", get(dates::LIST, dates::list))
        .at(
            "/closed-dates/{date}",
            put(dates::PUT, dates::put).delete(dates::REMOVE, dates::remove),
        )
        .at("/closed-dates/presets/uk-bank-holidays", post(dates::PRESET, dates::bank_holidays))
}

/// Adds an event and an audit entry about the tenant, sealed under its key.
fn tell(
    work: &mut Work,
    event: &'static str,
    action: &'static str,
    values: &serde_json::Value,
) -> Result<(), Problem> {
    let id = work.tenant.id.0;
    tell_about(work, id, event, action, values)
}

/// Adds an event and an audit entry about something that is the tenant's own, sealed under its key.
pub(crate) fn tell_about(
    work: &mut Work,
    id: uuid::Uuid,
    event: &'static str,
    action: &'static str,
    values: &serde_json::Value,
) -> Result<(), Problem> {
    let sealed = work.keys.seal(TenantField::AuditDetails, id, values.to_string().as_bytes())?;
    work.changes.event(event, id, None).entry(action, id, Some(sealed));
    Ok(())
}
