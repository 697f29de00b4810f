//! SQL of tenants.

pub(super) mod closed_dates;
pub(super) mod create;
pub mod directory;
pub(crate) mod platform_keys;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::types::Json;

use super::{Stop, Tenant};
use crate::calls::rules::policy::{Allowance, Policy};
use crate::crypto::{TenantKeyPurpose, TenantKeyRow};
use crate::db::{Error, TenantTx};
use crate::ids::{AccountId, TenantId};

/// The wrapped keys of the transaction's tenant.
pub(crate) async fn key_rows(tx: &mut TenantTx) -> Result<Vec<TenantKeyRow>, Error> {
    let rows = sqlx::query_as(
        "select purpose, key_id, wrapped, seals_from <= clock_timestamp() from tenant_keys",
    )
    .fetch_all(tx.conn())
    .await?;
    read_keys(rows)
}

/// Rows of wrapped keys: purpose, id, key, whether it seals.
fn read_keys(rows: Vec<(String, i32, Vec<u8>, bool)>) -> Result<Vec<TenantKeyRow>, Error> {
    rows.into_iter()
        .map(|(purpose, id, wrapped, seals)| {
            let purpose = TenantKeyPurpose::from_word(&purpose)
                .ok_or(Error::Unreadable("tenant_keys.purpose"))?;
            let id = id.try_into().map_err(|_| Error::Unreadable("tenant_keys.key_id"))?;
            Ok(TenantKeyRow { purpose, id, wrapped, seals })
        })
        .collect()
}

/// Takes the tenant's lock: whoever changes what dispatch and dial look at takes it first, so that the change comes
/// either before a dial or after it.
///
/// # Errors
/// Any [`Error`].
pub async fn lock(tx: &mut TenantTx) -> Result<(), Error> {
    sqlx::query("select from dispatch_state where tenant_id = $1 for update")
        .bind(tx.tenant())
        .execute(tx.conn())
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    now: DateTime<Utc>,
    id: TenantId,
    name: String,
    zone: String,
    active: bool,
    account_id: Option<AccountId>,
    agent_id: Option<String>,
    caller_number: Option<String>,
    policy: Json<Policy>,
    allowance: Json<Allowance>,
    version: i32,
    refused_at: Option<DateTime<Utc>>,
    refused_reason: Option<String>,
    paused_at: Option<DateTime<Utc>>,
    paused_reason: Option<String>,
    auto_paused_at: Option<DateTime<Utc>>,
    auto_paused_reason: Option<String>,
    resumed_at: DateTime<Utc>,
}

/// The transaction's tenant; `None` if there is none of this id.
///
/// # Errors
/// Any [`Error`].
pub async fn find(tx: &mut TenantTx) -> Result<Option<Tenant>, Error> {
    Ok(find_now(tx).await?.map(|(tenant, _)| tenant))
}

/// The transaction's tenant and the instant that rules go by, in one statement: nearly every request begins with it.
///
/// # Errors
/// Any [`Error`].
pub async fn find_now(tx: &mut TenantTx) -> Result<Option<(Tenant, DateTime<Utc>)>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "select app_clock() as now, id, name, zone, active, account_id, agent_id, caller_number, policy, allowance, version, refused_at,
             refused_reason, paused_at, paused_reason, auto_paused_at, auto_paused_reason, resumed_at
         from tenants",
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let stop = |at: Option<DateTime<Utc>>, reason| at.map(|at| Stop { at, reason });
    let tenant = Tenant {
        id: row.id,
        name: row.name,
        zone: row.zone.parse().map_err(|_| Error::Unreadable("tenants.zone"))?,
        active: row.active,
        account: row.account_id,
        agent_id: row.agent_id,
        caller_number: row.caller_number,
        policy: row.policy.0,
        allowance: row.allowance.0,
        version: row.version,
        refused: stop(row.refused_at, row.refused_reason),
        paused: stop(row.paused_at, row.paused_reason),
        auto_paused: stop(row.auto_paused_at, row.auto_paused_reason),
        resumed_at: row.resumed_at,
    };
    Ok(Some((tenant, row.now)))
}

/// Stores name, voice agent, caller number and policy. New agents and numbers get a new chance with the provider.
///
/// # Errors
/// [`Error::Refused`] by a check; any other [`Error`].
pub async fn save(tx: &mut TenantTx, tenant: &Tenant, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query(
        "update tenants set name = $1, agent_id = $2, caller_number = $3, policy = $4, version = $5, updated_at = $6,
             refused_at = case when (agent_id, caller_number) is distinct from ($2, $3) then null else refused_at end,
             refused_reason = case when (agent_id, caller_number) is distinct from ($2, $3) then null
                 else refused_reason end",
    )
    .bind(&tenant.name)
    .bind(&tenant.agent_id)
    .bind(&tenant.caller_number)
    .bind(Json(&tenant.policy))
    .bind(tenant.version)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Moves the tenant to another zone. Dials since the local day began, by any clock of that day, stay counted.
///
/// # Errors
/// [`Error::Refused`] by `tenants_zone_is_known` if PostgreSQL doesn't know the zone; any other [`Error`].
pub async fn change_zone(tx: &mut TenantTx, zone: Tz, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query(
        "update tenants t set zone = $1, zone_changed_at = $2, version = version + 1, updated_at = $2,
             -- A second change on one day keeps the first one's beginning: least() passes over nulls.
             day_start_before = least(d.midnight,
                 case when t.zone_changed_at >= d.midnight then t.day_start_before end)
         from (select id, date_trunc('day', $2 at time zone zone) at time zone zone as midnight from tenants) d
         where d.id = t.id",
    )
    .bind(zone.name())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Stops the tenant's dialling by hand. A pause that holds already keeps its time and gets the new reason.
///
/// # Errors
/// Any [`Error`].
pub async fn pause(tx: &mut TenantTx, reason: &str, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query("update tenants set paused_at = coalesce(paused_at, $1), paused_reason = $2, updated_at = $1")
        .bind(now)
        .bind(reason)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Ends every pause of the tenant. The automatic one looks only at dials from now on.
///
/// # Errors
/// Any [`Error`].
pub async fn resume(tx: &mut TenantTx, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query(
        "update tenants set paused_at = null, paused_reason = null, auto_paused_at = null, auto_paused_reason = null,
             resumed_at = $1, updated_at = $1",
    )
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives a configuration that the provider refused another chance.
///
/// # Errors
/// Any [`Error`].
pub async fn retry_configuration(tx: &mut TenantTx, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query("update tenants set refused_at = null, refused_reason = null, updated_at = $1")
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The instant that rules go by, read in the transaction: after a lock was waited for, for example.
///
/// # Errors
/// Any [`Error`].
pub async fn now(tx: &mut TenantTx) -> Result<DateTime<Utc>, Error> {
    Ok(sqlx::query_scalar("select app_clock()").fetch_one(tx.conn()).await?)
}
