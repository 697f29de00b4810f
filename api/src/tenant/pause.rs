//! Stopping and resuming a tenant's dialling.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use shared::screening::Place;
use shared::tenants::store;

use super::settings::{TenantReply, view};
use super::tell;
use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, EditTenant};
use crate::http::contract::Operation;
use crate::http::{Fields, Nothing, Post, Problem, Reply};
use crate::phi::Asked;

const MOST_REASON: usize = 500;

/// Why dialling stops.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pause {
    /// For people.
    #[schemars(length(min = 1, max = MOST_REASON), example = "The telephone line is being repaired")]
    reason: String,
    /// What was found in `reason` stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
}

pub(super) const PAUSE: Operation = Operation::new("pauseTenant", "Stop dialling")
    .says("A dial that was claimed before goes on. Pausing again changes the reason only.");

/// Stops the tenant's dialling. A dial that was claimed before goes on.
pub(super) async fn pause(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Post { body, once }: Post<Pause>,
) -> Result<TenantReply, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    work.lock_tenant().await?;
    let mut fields = Fields::default();
    let asked = Asked { place: Place::PauseReason, field: "reason", raw: &body.reason };
    let kept = work.tenant.paused.as_ref().and_then(|stop| stop.reason.clone());
    let reason = fields.text(asked.field, asked.raw, MOST_REASON);
    if let Some(text) = &reason {
        asked.stands(&mut fields, kept.as_ref() == Some(text), body.acknowledge_phi);
    }
    let reason = fields.finish_in(&mut work, reason)?;
    store::pause(&mut work.tx, &reason, work.now).await?;
    tell(&mut work, "tenant.paused", "tenant.pause", &json!({ "reason": reason }))?;
    finish(work, &app).await
}

pub(super) const RESUME: Operation = Operation::new("resumeTenant", "Resume dialling")
    .says("Ends the pause by hand and the automatic one, which then counts from here.");

/// Ends the pause by hand and the automatic one.
pub(super) async fn resume(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Post { body: Nothing {}, once }: Post<Nothing>,
) -> Result<TenantReply, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    work.lock_tenant().await?;
    store::resume(&mut work.tx, work.now).await?;
    let values = json!({ "before": view(&work.tenant) });
    tell(&mut work, "tenant.resumed", "tenant.resume", &values)?;
    finish(work, &app).await
}

pub(super) const RETRY: Operation =
    Operation::new("retryConfiguration", "Try a refused configuration again")
        .says("Gives a configuration that the provider refused another chance.");

/// Gives a configuration that the provider refused another chance.
pub(super) async fn retry_configuration(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Post { body: Nothing {}, once }: Post<Nothing>,
) -> Result<TenantReply, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    work.lock_tenant().await?;
    store::retry_configuration(&mut work.tx, work.now).await?;
    let values = json!({ "before": view(&work.tenant) });
    tell(&mut work, "tenant.changed", "tenant.retry_configuration", &values)?;
    finish(work, &app).await
}

async fn finish(mut work: Work, app: &App) -> Result<TenantReply, Problem> {
    work.tenant = store::find(&mut work.tx).await?.ok_or(Problem::NotFound("tenant"))?;
    let reply = Reply::ok(&view(&work.tenant))?.with_version(work.tenant.version);
    work.commit(app, reply).await
}
