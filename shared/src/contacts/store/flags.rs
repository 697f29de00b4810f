//! What staff were told about a contact, once somebody has looked.

use chrono::{DateTime, Utc};

use crate::db::{Error, TenantTx};
use crate::ids::ContactId;

/// Clears all open flags of a contact. Returns how many there were.
///
/// # Errors
/// Any [`Error`].
pub async fn clear_flags(
    tx: &mut TenantTx,
    contact: ContactId,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let done = sqlx::query(
        "update flags set cleared_at = $2 where contact_id = $1 and cleared_at is null",
    )
    .bind(contact)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
