//! Explanations: the facts of one snapshot, without locks.

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::dispatch::LookAccount;
use super::rows::TenantRow;
use crate::calls::rules::snapshot::TenantFacts;
use crate::db::{Error, TenantTx};
use crate::ids::CallId;

/// What is the same for all of a tenant's calls at one instant.
#[derive(Debug)]
pub struct Scene {
    /// The instant.
    pub now: DateTime<Utc>,
    /// The tenant's facts.
    pub tenant: TenantFacts,
    /// The account's, if the tenant has one.
    pub account: Option<LookAccount>,
}

/// Reads the scene. `None`: there is no such tenant.
///
/// # Errors
/// Any [`Error`].
pub async fn scene(tx: &mut TenantTx) -> Result<Option<Scene>, Error> {
    let Some(row) = sqlx::query("select * from explain_open()").fetch_optional(tx.conn()).await?
    else {
        return Ok(None);
    };
    let now = row.try_get("now")?;
    let tenant = <TenantRow as sqlx::FromRow<_>>::from_row(&row)?.facts()?;
    Ok(Some(Scene { now, tenant, account: LookAccount::from_row(&row, now)? }))
}

/// How many of the tenant's planned calls go before this one by the time that it is wanted. `near` is the end of the
/// next two calling days.
///
/// # Errors
/// Any [`Error`].
pub async fn ahead(
    tx: &mut TenantTx,
    call: CallId,
    now: DateTime<Utc>,
    near: DateTime<Utc>,
) -> Result<u32, Error> {
    let count: i64 = sqlx::query_scalar("select calls_ahead($1, $2, $3)")
        .bind(call)
        .bind(now)
        .bind(near)
        .fetch_one(tx.conn())
        .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}
