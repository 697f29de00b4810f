//! What may not be erased, for as long as somebody says so.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::crypto::TenantField;
use shared::ids::{ContactId, LegalHoldId};
use shared::retention::{Hold, store::holds as store};
use shared::screening::Place;
use uuid::Uuid;

use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, KeepContacts};
use crate::http::contract::Operation;
use crate::http::{Created, Empty, Fields, PageView, Path, Post, Problem, Reply, Shown};
use crate::phi::Asked;

const MOST_REASON: usize = 500;
const NOUN: &str = "legal hold";

/// Something that may not be erased.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LegalHold")]
pub(super) struct View {
    id: LegalHoldId,
    /// Whom it keeps; everybody of the tenant if none is named.
    contact_id: Option<ContactId>,
    /// Why.
    #[schemars(example = "A claim is pending")]
    reason: String,
    /// Who said so.
    placed_by: String,
    /// When.
    placed_at: DateTime<Utc>,
}

fn view(hold: Hold) -> View {
    View {
        id: hold.id,
        contact_id: hold.contact,
        reason: hold.reason,
        placed_by: hold.placed_by,
        placed_at: hold.placed_at,
    }
}

pub(super) const LIST: Operation = Operation::new("listLegalHolds", "List legal holds")
    .says("Those that stand, newest first, all on one page.");

/// Lists the holds that stand, newest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<KeepContacts>,
) -> Result<Reply<Shown<PageView<View>>>, Problem> {
    let mut work = app.read(&by).await?;
    let holds = store::standing(&mut work.tx, &work.keys).await?;
    let of = |hold: &Hold| [Some(hold.id.0), hold.contact.map(|id| id.0)];
    let shown: Vec<_> = holds.iter().flat_map(of).flatten().collect();
    let items = holds.into_iter().map(view).collect();
    Ok(Reply::ok(&PageView { items, next: None })?.showing(shown))
}

/// What may not be erased.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewLegalHold")]
pub(super) struct NewHold {
    /// Whom it keeps, deleted ones too; everybody of the tenant if it is left out.
    contact_id: Option<ContactId>,
    /// Why, for those who come after.
    #[schemars(length(min = 1, max = MOST_REASON), example = "A claim is pending")]
    reason: String,
    /// What was found in `reason` stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
}

pub(super) const PLACE: Operation = Operation::new("placeLegalHold", "Say that something may not be erased")
    .says("Neither the daily round nor anybody erases it until the hold is released. Archiving and deleting go on.");

/// Says that a contact, or nobody of the tenant, may be erased.
pub(super) async fn place(
    State(app): State<App>,
    by: Allowed<KeepContacts>,
    Post { body, once }: Post<NewHold>,
) -> Result<Reply<Created<View>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let mut fields = Fields::default();
    let asked = Asked { place: Place::LegalHoldReason, field: "reason", raw: &body.reason };
    let reason = fields.text(asked.field, asked.raw, MOST_REASON);
    let reason = reason.filter(|_| asked.may_stand(&mut fields, false, body.acknowledge_phi));
    let reason = fields.finish_in(&mut work, reason)?;
    let who = (work.actor, work.now);
    let placed = store::place(&mut work.tx, &work.keys, body.contact_id, &reason, who).await?;
    let placed = placed.ok_or_else(|| {
        Problem::field("/contact_id", "unknown", "there is no such contact, or it was erased")
    })?;
    let (id, contact) = (placed.id, placed.contact);
    let values = json!({ "contact_id": contact, "reason": placed.reason });
    entry(&mut work, "legal_hold.place", id.0, &values)?;
    work.changes.event("legal_hold.placed", id.0, contact);
    let reply = Reply::created(format!("/v1/legal-holds/{id}"), &view(placed))?;
    work.commit(&app, reply).await
}

pub(super) const RELEASE: Operation = Operation::new("releaseLegalHold", "Release a legal hold")
    .says("What it kept is erased when its time is over, or by the next round if it is.");

/// Lets what was held be erased again.
pub(super) async fn release(
    State(app): State<App>,
    by: Allowed<KeepContacts>,
    Path(id): Path<LegalHoldId>,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    let who = (work.actor, work.now);
    let contact = store::release(&mut work.tx, id, who).await?.ok_or(Problem::NotFound(NOUN))?;
    entry(&mut work, "legal_hold.release", id.0, &json!({ "contact_id": contact }))?;
    work.changes.event("legal_hold.released", id.0, contact);
    work.commit(&app, Reply::empty()).await
}

fn entry(
    work: &mut Work,
    action: &'static str,
    entity: Uuid,
    values: &serde_json::Value,
) -> Result<(), Problem> {
    let sealed =
        work.keys.seal(TenantField::AuditDetails, entity, values.to_string().as_bytes())?;
    work.changes.entry(action, entity, Some(sealed));
    Ok(())
}
