//! Why a call has not gone out, and when it will.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use shared::calls::explain::{self, Explanation};
use shared::calls::store::read;
use shared::ids::{CallId, ContactId};

use super::NOUN;
use super::find::CallState;
use crate::app::App;
use crate::auth::{Allowed, ReadCalls};
use crate::contacts;
use crate::http::contract::Operation;
use crate::http::{Path, Problem, Reply, Shown};

/// The explanation of a call. Of one that is under way or over, only how it stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CallExplanation {
    call_id: CallId,
    /// State of the call.
    #[schemars(with = "CallState")]
    state: String,
    /// Its outcome, once it has one.
    outcome: Option<String>,
    /// Why it was refused or withdrawn.
    ended_reason: Option<String>,
    /// Of a planned call: why it has not gone out, and when it will.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
}

pub(super) const CALL: Operation = Operation::new("explainCall", "Explain why a call has not gone out")
    .says("By the rule that dials, on one snapshot. Of a call that is under way or over, only how it stands.");

/// Explains a call on one snapshot, by the rule that dials.
pub(super) async fn call(
    State(app): State<App>,
    by: Allowed<ReadCalls>,
    Path(id): Path<CallId>,
) -> Result<Reply<Shown<CallExplanation>>, Problem> {
    let mut tx = app.db.tenant_snapshot(by.tenant).await?;
    let call = read::find(&mut tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    let explanation = match call.state.as_str() {
        "planned" => explain::call(&mut tx, id).await?,
        _ => None,
    };
    let contact = call.contact_id;
    let reply = Reply::ok(&CallExplanation {
        call_id: id,
        state: call.state,
        outcome: call.outcome,
        ended_reason: call.ended_reason,
        explanation,
    })?;
    Ok(reply.showing([contact.0]))
}

pub(super) const CONTACT: Operation = Operation::new("explainContact", "May this contact be called now?").says(
    "The explanation of a *call now* that nobody has pressed: may this contact be called, and if not, why and when.",
);

/// Whether a contact may be called now, and if not, why and when.
pub(super) async fn contact(
    State(app): State<App>,
    by: Allowed<ReadCalls>,
    Path(id): Path<ContactId>,
) -> Result<Reply<Shown<Explanation>>, Problem> {
    let mut tx = app.db.tenant_snapshot(by.tenant).await?;
    let explanation =
        explain::contact(&mut tx, id).await?.ok_or(Problem::NotFound(contacts::NOUN))?;
    Reply::ok(&explanation)
}
