//! Name, voice agent, caller number and zone.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::contacts::phone::PhoneNumber;
use shared::ids::TenantId;
use shared::tenants::{Stop, Tenant, store};

use super::tell;
use crate::app::App;
use crate::auth::{Allowed, EditTenant, ReadTenant};
use crate::contacts::zone;
use crate::http::{Body, Fields, IfMatch, Problem, Reply, present};
use crate::planning::{self, Planned};

const MOST_NAME: usize = 200;
const MOST_AGENT: usize = 200;

/// A tenant as its people see it.
#[derive(Debug, Serialize)]
pub(super) struct TenantView<'a> {
    id: TenantId,
    name: &'a str,
    zone: &'static str,
    agent_id: Option<&'a str>,
    caller_number: Option<&'a str>,
    /// Why nothing is dialled, as far as it is the tenant's own matter.
    paused: Option<StopView<'a>>,
    paused_automatically: Option<StopView<'a>>,
    refused_by_provider: Option<StopView<'a>>,
    resumed_at: DateTime<Utc>,
    version: i32,
}

#[derive(Debug, Serialize)]
struct StopView<'a> {
    at: DateTime<Utc>,
    reason: Option<&'a str>,
}

pub(super) fn view(tenant: &Tenant) -> TenantView<'_> {
    fn stop(stop: &Option<Stop>) -> Option<StopView<'_>> {
        stop.as_ref().map(|stop| StopView { at: stop.at, reason: stop.reason.as_deref() })
    }
    TenantView {
        id: tenant.id,
        name: &tenant.name,
        zone: tenant.zone.name(),
        agent_id: tenant.agent_id.as_deref(),
        caller_number: tenant.caller_number.as_deref(),
        paused: stop(&tenant.paused),
        paused_automatically: stop(&tenant.auto_paused),
        refused_by_provider: stop(&tenant.refused),
        resumed_at: tenant.resumed_at,
        version: tenant.version,
    }
}

/// Shows the tenant.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadTenant>,
) -> Result<Reply, Problem> {
    let work = app.read(&by).await?;
    Ok(Reply::ok(&view(&work.tenant))?.with_version(work.tenant.version))
}

/// What changes: a field that is absent stays, `null` clears agent or number, and so stops dialling.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Patch {
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    agent_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    caller_number: Option<Option<String>>,
}

/// Changes name, voice agent or caller number.
pub(super) async fn patch(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<Reply, Problem> {
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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewZone {
    zone: String,
}

/// Moves the tenant to another zone. Dials of the day that it leaves stay counted.
pub(super) async fn change_zone(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    version: IfMatch,
    Body(new): Body<NewZone>,
) -> Result<Reply, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    version.check(work.tenant.version)?;
    let mut fields = Fields::default();
    let zone = zone(&mut fields, &new.zone);
    let zone = fields.finish(zone)?;
    if zone != work.tenant.zone {
        let values = json!({ "before": work.tenant.zone.name(), "after": zone.name() });
        store::change_zone(&mut work.tx, zone, work.now).await?;
        work.tenant = store::find(&mut work.tx).await?.ok_or(Problem::NotFound("tenant"))?;
        tell(&mut work, "tenant.changed", "tenant.change_zone", &values)?;
        planning::tell(&mut work, Planned::TenantChanged).await?;
    }
    let reply = Reply::ok(&view(&work.tenant))?.with_version(work.tenant.version);
    work.commit(&app, reply).await
}
