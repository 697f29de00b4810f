//! SQL of reading events.

use super::Event;
use crate::db::{Db, Error, TenantTx};
use crate::ids::TenantId;

/// The tenant's events from number `from` on, at most `most`, in order.
///
/// # Errors
/// Any [`Error`].
pub async fn from(tx: &mut TenantTx, from: i64, most: i64) -> Result<Vec<Event>, Error> {
    Ok(sqlx::query_as(
        "select n, at, kind, entity, contact_id from events where n >= $1 order by n limit $2",
    )
    .bind(from)
    .bind(most)
    .fetch_all(tx.conn())
    .await?)
}

/// The number of the tenant's last event; 0 before the first.
///
/// # Errors
/// Any [`Error`].
pub async fn head(tx: &mut TenantTx) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("select event_n from tenant_heads").fetch_one(tx.conn()).await?)
}

/// The numbers of these tenants' last events, in one statement for all of them.
///
/// # Errors
/// Any [`Error`].
pub async fn heads(db: &Db, tenants: &[TenantId]) -> Result<Vec<(TenantId, i64)>, Error> {
    Ok(sqlx::query_as("select tenant_id, event_n from tenant_heads where tenant_id = any($1)")
        .bind(tenants)
        .fetch_all(db.engine_pool())
        .await?)
}
