//! What dialling does to a tenant as a whole: holds and automatic pauses.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::audit::{Actor, Changes};
use crate::calls::rules::automatic_pause::RecentDial;
use crate::calls::rules::disconnection::Fault;
use crate::db::{Db, Error, TenantTx};
use crate::ids::{CampaignId, TenantId};

/// Holds a tenant as *not configured*, until its configuration changes or its administrator says retry.
///
/// # Errors
/// Any [`Error`].
pub async fn hold_unconfigured(db: &Db, tenant: TenantId, status: u16) -> Result<(), Error> {
    let mut tx = db.tenant(tenant).await?;
    lock(&mut tx).await?;
    let done = sqlx::query(
        "update tenants set refused_at = app_clock(), refused_reason = $1 where refused_at is null",
    )
    .bind(format!("status_{status}"))
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 {
        let mut changes = Changes::by(Actor::Worker);
        changes.event("tenant.not_configured", tenant.0, None).entry("tenant.hold", tenant.0, None);
        changes.append(&mut tx).await?;
    }
    tx.commit().await
}

/// Takes the tenant's lock.
///
/// # Errors
/// Any [`Error`].
pub async fn lock(tx: &mut TenantTx) -> Result<(), Error> {
    sqlx::query("select tenant_id from dispatch_state for update").execute(tx.conn()).await?;
    Ok(())
}

/// When, of which campaign, whose fault, with which outcome.
type DialRow = (DateTime<Utc>, Option<Uuid>, Option<String>, Option<String>);

/// The tenant's last decided dials since its last resume, newest first, and when that was.
///
/// # Errors
/// Any [`Error`].
pub async fn recent_dials(tx: &mut TenantTx) -> Result<(DateTime<Utc>, Vec<RecentDial>), Error> {
    let resumed: DateTime<Utc> =
        sqlx::query_scalar("select resumed_at from tenants").fetch_one(tx.conn()).await?;
    let rows: Vec<DialRow> = sqlx::query_as(
        "select dialled_at, campaign_id, fault, outcome from attempts where settled_at is not null and state <> 'released' \
         and reserved_at > $1 order by reserved_at desc limit 200",
    )
    .bind(resumed)
    .fetch_all(tx.conn())
    .await?;
    let dials = rows
        .into_iter()
        .map(|(at, campaign, fault, outcome)| {
            let outcome = outcome.unwrap_or_default();
            let fault = match fault.as_deref() {
                Some("provider") => Fault::Provider,
                Some("tenant") => Fault::Tenant,
                Some("number") => Fault::Number,
                _ => Fault::Nobody,
            };
            let opted_out = outcome == "opted_out";
            let answered =
                opted_out || outcome == "wrong_number" || outcome.starts_with("answered");
            RecentDial { at, campaign: campaign.map(CampaignId), fault, answered, opted_out }
        })
        .collect();
    Ok((resumed, dials))
}

/// Pauses the tenant, unless it is. `true` if this did.
///
/// # Errors
/// Any [`Error`].
pub async fn pause_automatically(tx: &mut TenantTx, reason: &str) -> Result<bool, Error> {
    let done = sqlx::query(
        "update tenants set auto_paused_at = app_clock(), auto_paused_reason = $1 where auto_paused_at is null",
    )
    .bind(reason)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}
