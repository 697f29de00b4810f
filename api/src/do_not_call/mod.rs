//! The do-not-call list.

mod change;
mod import;
mod list;
mod rows;

use shared::crypto::TenantField;
use shared::screening::Place;

use crate::app::Work;
use crate::http::contract::{Routes, delete, get, post};
use crate::http::{Fields, Problem};
use crate::phi::Asked;

/// What an entry is called in problems.
const NOUN: &str = "entry of the do-not-call list";

const MOST_REASON: usize = 500;

/// Routes below `/v1/do-not-call`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Do-not-call list")
        .at("/", get(list::LIST, list::list).post(change::ADD, change::add))
        .at("/{entry}", delete(change::REMOVE, change::remove))
        .at("/import", post(import::IMPORT, import::import))
}

/// Why a number is not to be called, screened; or its faults noted. What is found in it keeps no number off the list.
fn why(fields: &mut Fields, raw: &str, acknowledged: bool) -> Option<String> {
    let asked = Asked { place: Place::DoNotCallReason, field: "reason", raw };
    let text = fields.text(asked.field, raw, MOST_REASON)?;
    asked.stands(fields, false, acknowledged);
    Some(text)
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
