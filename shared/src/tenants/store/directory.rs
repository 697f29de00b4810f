//! SQL of the list of tenants, for the platform's people: what each is called and whether it is active, and nothing of its data.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::{Db, Error, TenantTx};
use crate::ids::{AccountId, TenantId};
use crate::paging::{Cursor, Page, Slice};
use crate::tenants::Tenant;

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: TenantId,
    /// What the business is called.
    pub name: String,
    /// Not suspended.
    pub active: bool,
    /// Its zone.
    pub zone: String,
    /// Through which account it dials.
    pub account: Option<AccountId>,
    /// Its people must have a second factor.
    pub second_factor_required: bool,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

type Row = (Uuid, String, bool, String, Option<Uuid>, bool, DateTime<Utc>);

fn read(row: Row) -> Listed {
    let (id, name, active, zone, account, second_factor_required, created_at) = row;
    Listed {
        id: TenantId(id),
        name,
        active,
        zone,
        account: account.map(AccountId),
        second_factor_required,
        created_at,
    }
}

/// All tenants, newest first.
///
/// # Errors
/// Any [`Error`].
pub async fn list(db: &Db, slice: Slice) -> Result<Page<Listed>, Error> {
    let (at, id) = slice.bounds();
    let rows: Vec<Row> = sqlx::query_as(
        "select id, name, active, zone, account_id, second_factor_required, created_at from tenants
         where $1::timestamptz is null or (created_at, id) < ($1, $2)
         order by created_at desc, id desc limit $3",
    )
    .bind(at)
    .bind(id)
    .bind(slice.ask())
    .fetch_all(db.engine_pool())
    .await?;
    let listed = rows.into_iter().map(read).collect();
    Ok(Page::cut(listed, slice, |tenant: &Listed| Cursor {
        at: tenant.created_at,
        id: tenant.id.0,
    }))
}

/// One tenant; `None` if there is none of this id.
///
/// # Errors
/// Any [`Error`].
pub async fn find(db: &Db, id: TenantId) -> Result<Option<Listed>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "select id, name, active, zone, account_id, second_factor_required, created_at from tenants where id = $1",
    )
    .bind(id)
    .fetch_optional(db.engine_pool())
    .await?;
    Ok(row.map(read))
}

/// Stores what the platform decides about a tenant: whether it is active, how loose its policy may be.
///
/// # Errors
/// Any [`Error`].
pub async fn settle(tx: &mut TenantTx, tenant: &Tenant, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query("update tenants set active = $1, allowance = $2, version = $3, updated_at = $4")
        .bind(tenant.active)
        .bind(Json(&tenant.allowance))
        .bind(tenant.version)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Whether the tenant's people must have a second factor.
///
/// # Errors
/// Any [`Error`].
pub async fn second_factor_required(tx: &mut TenantTx) -> Result<bool, Error> {
    let required = sqlx::query_scalar("select second_factor_required from tenants")
        .fetch_optional(tx.conn())
        .await?;
    Ok(required.unwrap_or(false))
}

/// Asks a second factor of the tenant's people, or no longer. Sessions that have shown none may only set one up from now on.
///
/// # Errors
/// Any [`Error`].
pub async fn require_second_factor(
    tx: &mut TenantTx,
    required: bool,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update tenants set second_factor_required = $1, version = version + 1, updated_at = $2",
    )
    .bind(required)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}
