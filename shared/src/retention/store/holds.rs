//! SQL of legal holds: what may not be erased.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::audit::Actor;
use crate::crypto::{TenantField, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::{ContactId, LegalHoldId};
use crate::retention::Hold;
use crate::tenants::KeyError;

/// Says that a contact, or nobody of the tenant, may be erased. `None`: there is no such contact, or it was erased.
///
/// # Errors
/// Any [`KeyError`].
pub async fn place(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    contact: Option<ContactId>,
    reason: &str,
    (by, now): (Actor, DateTime<Utc>),
) -> Result<Option<Hold>, KeyError> {
    // Whoever erases holds the one or the other.
    let there: Option<i32> = match contact {
        None => sqlx::query_scalar("select 1 from tenants for no key update")
            .fetch_optional(tx.conn())
            .await
            .map_err(Error::from)?,
        // A deleted one too: that is when it matters.
        Some(id) => sqlx::query_scalar(
            "select 1 from contacts where id = $1 and erased_at is null for no key update",
        )
        .bind(id)
        .fetch_optional(tx.conn())
        .await
        .map_err(Error::from)?,
    };
    if there.is_none() {
        return Ok(None);
    }
    let id = LegalHoldId::new();
    sqlx::query(
        "insert into legal_holds (tenant_id, id, contact_id, reason, placed_by, placed_at) values (tid(), $1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(contact)
    .bind(keys.seal(TenantField::HoldReason, id.0, reason.as_bytes())?)
    .bind(by.to_string())
    .bind(now)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    let (reason, placed_by) = (reason.to_owned(), by.to_string());
    Ok(Some(Hold { id, contact, reason, placed_by, placed_at: now }))
}

type Row = (Uuid, Option<ContactId>, Vec<u8>, String, DateTime<Utc>);

/// The holds that stand, newest first.
///
/// # Errors
/// Any [`KeyError`].
pub async fn standing(tx: &mut TenantTx, keys: &TenantKeys) -> Result<Vec<Hold>, KeyError> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, contact_id, reason, placed_by, placed_at from legal_holds where released_at is null
         order by placed_at desc, id desc limit 1000",
    )
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    rows.into_iter()
        .map(|(id, contact, reason, placed_by, placed_at)| {
            let reason = keys.open_text(TenantField::HoldReason, id, &reason)?;
            let reason = reason.as_str().to_owned();
            Ok(Hold { id: LegalHoldId(id), contact, reason, placed_by, placed_at })
        })
        .collect()
}

/// Lets what was held be erased again. `None`: no such hold stands; else the contact that it named.
///
/// # Errors
/// Any [`Error`].
pub async fn release(
    tx: &mut TenantTx,
    id: LegalHoldId,
    (by, now): (Actor, DateTime<Utc>),
) -> Result<Option<Option<ContactId>>, Error> {
    Ok(sqlx::query_scalar(
        "update legal_holds set released_at = $2, released_by = $3 where id = $1 and released_at is null returning contact_id",
    )
    .bind(id)
    .bind(now)
    .bind(by.to_string())
    .fetch_optional(tx.conn())
    .await?)
}
