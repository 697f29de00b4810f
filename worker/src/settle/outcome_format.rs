//! The requirements' own webhook: a tenant's system reports an outcome, authenticated by the tenant's key.

use serde::Deserialize;
use shared::calls::store::settle::latest_attempt;
use shared::ids::{CallId, TenantId};
use shared::retell::wire::Call;

use super::told::{Occasion, Told};
use crate::app::App;

/// The payload, read with patience: what is missing says nothing.
#[derive(Debug, Deserialize)]
struct Outcome {
    session_id: uuid::Uuid,
    retell_call_id: Option<String>,
    call_outcome: String,
    #[serde(default)]
    appointment_action: Option<String>,
    #[serde(default)]
    customer_sentiment: Option<String>,
    #[serde(default)]
    follow_up_required: bool,
}

/// Applies it to the latest dial of the call. `false`: there is no such dial, or the payload can't be read.
pub(super) async fn apply(app: &App, tenant: TenantId, body: &[u8]) -> anyhow::Result<bool> {
    let Ok(outcome) = serde_json::from_slice::<Outcome>(body) else { return Ok(false) };
    let mut tx = app.db.tenant(tenant).await?;
    let found = latest_attempt(&mut tx, CallId(outcome.session_id)).await?;
    tx.rollback().await?;
    let Some((attempt, known)) = found else { return Ok(false) };
    // A tenant's word adds to a call that the provider has placed; it can't say which call that is.
    let Some(call_id) = known else { return Ok(false) };
    if outcome.retell_call_id.is_some_and(|told| told != call_id) {
        return Ok(false);
    }
    let reason = match outcome.call_outcome.as_str() {
        "answered" => "agent_hangup",
        "no_answer" => "dial_no_answer",
        "busy" => "dial_busy",
        "voicemail" => "voicemail_reached",
        "failed" => "dial_failed",
        _ => return Ok(false),
    };
    let call: Call = serde_json::from_value(serde_json::json!({
        "call_id": call_id,
        "call_status": "ended",
        "disconnection_reason": reason,
        "call_analysis": {
            "in_voicemail": outcome.call_outcome == "voicemail",
            "user_sentiment": outcome.customer_sentiment,
            "custom_analysis_data": {
                "appointment_action": outcome.appointment_action,
                "follow_up_required": outcome.follow_up_required,
            },
        },
    }))?;
    Ok(super::apply::apply(app, tenant, attempt, None, &Told::by_call(call, Occasion::Tenant))
        .await?)
}
