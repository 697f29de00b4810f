//! What was decided of an attempt, and what was told since says otherwise: the end is as if all had been told together
//! (`docs/decisions/contradictions.md`).

use chrono::{DateTime, Utc};
use shared::audit::Changes;
use shared::calls::rules::outcome::Decision;
use shared::calls::store::contradictions as store;
use shared::calls::store::settle::{Settling, open};
use shared::db::{Error, TenantTx};
use shared::ids::AttemptId;

use super::apply::SettleError;
use super::consequences;
use crate::app::App;

/// Takes back what followed from the outcome that is overturned; before the attempt is written.
pub(super) async fn take_back(
    tx: &mut TenantTx,
    attempt: AttemptId,
    it: &Settling,
) -> Result<(), Error> {
    tracing::warn!(attempt.id = %attempt, "what is told of an attempt contradicts its outcome, which is decided anew");
    store::take_back(tx, attempt, it.call_id, it.now).await
}

/// Does what follows from the new outcome, with the call as it is now; after the attempt was written.
pub(super) async fn follow_anew(
    app: &App,
    tx: &mut TenantTx,
    attempt: AttemptId,
    decision: Decision,
    ended_at: DateTime<Utc>,
    changes: &mut Changes,
) -> Result<(), SettleError> {
    let Some(it) = open(tx, attempt).await? else { return Ok(()) };
    consequences::follow(app, tx, &it, decision, ended_at, changes).await?;
    Ok(store::rename_settled(tx, attempt, it.call_id, decision.outcome.name()).await?)
}
