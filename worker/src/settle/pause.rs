//! The automatic pause, after a dial that failed by the tenant's or the numbers' fault, or an opt-out.

use std::collections::BTreeMap;

use shared::audit::{Actor, Changes};
use shared::calls::rules::automatic_pause::{Resumes, Stop, Thresholds, Why, judge};
use shared::calls::store::tenancy as store;
use shared::db::Error;
use shared::ids::TenantId;

use crate::app::App;

/// Judges the tenant's last dials, and pauses it if they say so.
///
/// # Errors
/// Any [`Error`].
pub async fn consider(app: &App, tenant: TenantId) -> Result<(), Error> {
    let mut tx = app.db.tenant(tenant).await?;
    store::lock(&mut tx).await?;
    let (resumed, dials) = store::recent_dials(&mut tx).await?;
    let resumes = Resumes { tenant: Some(resumed), campaigns: BTreeMap::new() };
    // Campaigns have no row of their own yet; until they do, one that goes wrong pauses its tenant.
    let (Some(Stop::Tenant(why)) | Some(Stop::Campaign(_, why))) =
        judge(&dials, &resumes, Thresholds::default())
    else {
        return tx.rollback().await;
    };
    let reason = match why {
        Why::FailedDials => "too_many_failed_dials",
        Why::OptOuts => "too_many_opt_outs",
    };
    if store::pause_automatically(&mut tx, reason).await? {
        let mut changes = Changes::by(Actor::Worker);
        changes.event("tenant.paused", tenant.0, None).entry("tenant.pause", tenant.0, None);
        changes.append(&mut tx).await?;
        tx.commit().await?;
        tracing::warn!(tenant.id = %tenant, reason, "a tenant paused itself");
    }
    Ok(())
}
