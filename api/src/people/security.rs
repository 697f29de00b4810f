//! How the tenant's people sign in.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::people::Ended;
use shared::tenants::store::directory;

use super::tell;
use crate::app::App;
use crate::auth::{Allowed, EditSecurity, ReadTenant};
use crate::http::contract::Operation;
use crate::http::{Body, IfMatch, Problem, Reply, Shown, Versioned};

/// What the tenant asks of its people.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SignInSecurity")]
pub(super) struct Security {
    /// Everybody of the tenant signs in with a second factor.
    second_factor_required: bool,
}

pub(super) const FIND: Operation =
    Operation::new("readSecurity", "Show how the tenant's people sign in");

/// Shows it.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadTenant>,
) -> Result<Reply<Versioned<Shown<Security>>>, Problem> {
    let mut work = app.read(&by).await?;
    let second_factor_required = directory::second_factor_required(&mut work.tx).await?;
    Ok(Reply::ok(&Security { second_factor_required })?.with_version(work.tenant.version))
}

pub(super) const PUT: Operation =
    Operation::new("changeSecurity", "Change how the tenant's people sign in").says(
        "From then on whoever has shown no second factor in their session may only set one up.",
    );

/// Asks for a second factor, or no longer. From then on whoever has shown none in their session may only set one up.
pub(super) async fn put(
    State(app): State<App>,
    by: Allowed<EditSecurity>,
    version: IfMatch,
    Body(wish): Body<Security>,
) -> Result<Reply<Versioned<Shown<Security>>>, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    version.check(work.tenant.version)?;
    let required = wish.second_factor_required;
    let before = directory::second_factor_required(&mut work.tx).await?;
    if required != before {
        directory::require_second_factor(&mut work.tx, required, work.now).await?;
        work.tenant.version += 1;
        let id = work.tenant.id.0;
        let values = json!({ "before": before, "after": required });
        tell(&mut work, ("tenant.changed", "tenant.second_factor_required"), id, &values)?;
    }
    let (tenant, reply) = (work.tenant.id, Reply::ok(&wish)?.with_version(work.tenant.version));
    let reply = work.commit(&app, reply).await?;
    app.people.endings().tell(Ended::Tenant(tenant));
    Ok(reply)
}
