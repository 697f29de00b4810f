//! Name, voice agent, caller number and zone.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::contacts::phone::PhoneNumber;
use shared::db;
use shared::ids::TenantId;
use shared::tenants::{Stop, Tenant, store};

use super::tell;
use crate::app::App;
use crate::auth::{Allowed, EditTenant, ReadTenant};
use crate::contacts::{MOST_NUMBER, MOST_ZONE, zone};
use crate::http::contract::Operation;
use crate::http::{Body, Fields, IfMatch, Problem, Reply, Shown, Versioned, present};
use crate::planning::{self, Planned};

const MOST_NAME: usize = 200;
const MOST_AGENT: usize = 200;

/// A tenant as its people see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Tenant")]
pub(super) struct TenantView {
    id: TenantId,
    /// What the business is called.
    #[schemars(example = "Elm Street Dental")]
    name: String,
    /// The zone whose wall clock counts, by its name in the tz database.
    #[schemars(example = "Europe/London")]
    zone: &'static str,
    /// The voice agent at the provider. Without one nothing is dialled.
    #[schemars(example = &"agent_demo")]
    agent_id: Option<String>,
    /// The number that people see when they are called. Without one nothing is dialled.
    #[schemars(example = "+441632960000")]
    caller_number: Option<String>,
    /// Why nothing is dialled, as far as it is the tenant's own matter: somebody has paused it.
    paused: Option<StopView>,
    /// Too many failed dials or opt-outs have paused it.
    paused_automatically: Option<StopView>,
    /// The provider has refused the configuration.
    refused_by_provider: Option<StopView>,
    /// Since when the automatic pause counts.
    resumed_at: DateTime<Utc>,
    /// The version, as in `ETag`.
    version: i32,
}

/// Since when, and why.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Stop")]
struct StopView {
    at: DateTime<Utc>,
    /// For people.
    reason: Option<String>,
}

/// The answer that shows the tenant.
pub(super) type TenantReply = Reply<Versioned<Shown<TenantView>>>;

pub(super) fn view(tenant: &Tenant) -> TenantView {
    fn stop(stop: &Option<Stop>) -> Option<StopView> {
        stop.as_ref().map(|stop| StopView { at: stop.at, reason: stop.reason.clone() })
    }
    TenantView {
        id: tenant.id,
        name: tenant.name.clone(),
        zone: tenant.zone.name(),
        agent_id: tenant.agent_id.clone(),
        caller_number: tenant.caller_number.clone(),
        paused: stop(&tenant.paused),
        paused_automatically: stop(&tenant.auto_paused),
        refused_by_provider: stop(&tenant.refused),
        resumed_at: tenant.resumed_at,
        version: tenant.version,
    }
}

pub(super) const FIND: Operation = Operation::new("readTenant", "Show the tenant");

/// Shows the tenant.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadTenant>,
) -> Result<TenantReply, Problem> {
    let work = app.read(&by).await?;
    Ok(Reply::ok(&view(&work.tenant))?.with_version(work.tenant.version))
}

/// What changes: a field that is absent stays, `null` clears agent or number, and so stops dialling.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TenantPatch")]
pub(super) struct Patch {
    /// What the business is called.
    #[schemars(length(min = 1, max = MOST_NAME), example = "Elm Street Dental")]
    name: Option<String>,
    /// The voice agent at the provider.
    #[serde(default, deserialize_with = "present")]
    #[schemars(length(min = 1, max = MOST_AGENT), example = &"agent_demo")]
    agent_id: Option<Option<String>>,
    /// The number that people see when they are called, as E.164.
    #[serde(default, deserialize_with = "present")]
    #[schemars(length(max = MOST_NUMBER), example = "+441632960000")]
    caller_number: Option<Option<String>>,
}

pub(super) const PATCH: Operation = Operation::new("changeTenant", "Change the tenant")
    .says("A field that is absent stays. `null` clears agent or number, and so stops dialling.");

/// Changes name, voice agent or caller number.
pub(super) async fn patch(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<TenantReply, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    version.check(work.tenant.version)?;
    let before = json!(view(&work.tenant));
    patch.apply(&mut work.tenant)?;
    work.tenant.version += 1;
    store::save(&mut work.tx, &work.tenant, work.now).await?;
    let values = json!({ "before": before, "after": view(&work.tenant) });
    tell(&mut work, "tenant.changed", "tenant.change", &values)?;
    let reply = Reply::ok(&view(&work.tenant))?.with_version(work.tenant.version);
    work.commit(&app, reply).await
}

impl Patch {
    fn apply(&self, tenant: &mut Tenant) -> Result<(), Problem> {
        let mut fields = Fields::default();
        if let Some(raw) = &self.name
            && let Some(name) = fields.text("name", raw, MOST_NAME)
        {
            tenant.name = name;
        }
        if let Some(raw) = &self.agent_id {
            tenant.agent_id =
                raw.as_deref().and_then(|raw| fields.text("agent_id", raw, MOST_AGENT));
        }
        if let Some(raw) = &self.caller_number {
            let number = raw.as_deref().map(PhoneNumber::from_e164);
            let number = number.and_then(|read| fields.take("caller_number", read));
            tenant.caller_number = number.map(|number| number.as_str().to_owned());
        }
        fields.finish(Some(()))
    }
}

/// The zone that the tenant goes by.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TenantZone")]
pub(super) struct NewZone {
    /// Its name in the tz database.
    #[schemars(length(max = MOST_ZONE), example = "Europe/London")]
    zone: String,
}

pub(super) const CHANGE_ZONE: Operation =
    Operation::new("changeTenantZone", "Move the tenant to another zone")
        .says("Dials of the day that it leaves stay counted.");

/// Moves the tenant to another zone. Dials of the day that it leaves stay counted.
pub(super) async fn change_zone(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    version: IfMatch,
    Body(new): Body<NewZone>,
) -> Result<TenantReply, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    version.check(work.tenant.version)?;
    let mut fields = Fields::default();
    let zone = zone(&mut fields, &new.zone);
    let zone = fields.finish(zone)?;
    if zone != work.tenant.zone {
        let values = json!({ "before": work.tenant.zone.name(), "after": zone.name() });
        store::change_zone(&mut work.tx, zone, work.now).await.map_err(unknown_zone)?;
        work.tenant = store::find(&mut work.tx).await?.ok_or(Problem::NotFound("tenant"))?;
        tell(&mut work, "tenant.changed", "tenant.change_zone", &values)?;
        planning::tell(&mut work, Planned::TenantChanged).await?;
    }
    let reply = Reply::ok(&view(&work.tenant))?.with_version(work.tenant.version);
    work.commit(&app, reply).await
}

/// PostgreSQL has a zone database of its own, which may lack what ours has.
pub(crate) fn unknown_zone(error: db::Error) -> Problem {
    if error.is_refused_by("tenants_zone_is_known") {
        return Problem::field("/zone", "unknown_zone", "the database does not know this zone");
    }
    error.into()
}
