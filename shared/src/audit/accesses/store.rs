//! SQL of accesses.

use super::Access;
use crate::db::{Db, Error, TenantTx};
use crate::ids::TenantId;

/// Notes accesses, of whichever tenants, in one statement. They outlive this process from here on.
///
/// # Errors
/// Any [`Error`]; then none was noted.
pub async fn note(db: &Db, accesses: &[Access]) -> Result<(), Error> {
    let each = accesses.iter();
    let tenants: Vec<_> = each.clone().map(|access| access.tenant).collect();
    let actors: Vec<_> = each.clone().map(|access| access.actor.to_string()).collect();
    let actions: Vec<_> = each.clone().map(|access| access.action.as_str()).collect();
    let entities: Vec<_> = each.clone().map(|access| access.entity).collect();
    let shown: Vec<_> = each.map(Access::shown_bytes).collect();
    sqlx::query("select note_accesses($1, $2, $3, $4, $5)")
        .bind(tenants)
        .bind(actors)
        .bind(actions)
        .bind(entities)
        .bind(shown)
        .execute(db.engine_pool())
        .await?;
    Ok(())
}

/// Chains at most `most` of the tenant's noted accesses. Returns how many there were.
///
/// # Errors
/// Any [`Error`].
pub async fn seal(tx: &mut TenantTx, most: i32) -> Result<i32, Error> {
    Ok(sqlx::query_scalar("select seal_accesses($1)").bind(most).fetch_one(tx.conn()).await?)
}

/// Tenants with accesses that are noted and not chained.
///
/// # Errors
/// Any [`Error`].
pub async fn unsealed(db: &Db) -> Result<Vec<TenantId>, Error> {
    Ok(sqlx::query_scalar("select distinct tenant_id from pending_accesses")
        .fetch_all(db.engine_pool())
        .await?)
}
