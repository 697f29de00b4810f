//! SQL of many contacts at once: locking, deleting, bringing back.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::crypto::TenantKeys;
use crate::db::{Error, TenantTx};
use crate::ids::{CallId, ContactId, GroupId};
use crate::rotation::store::numbers;

/// A locked contact.
#[derive(Debug, Clone)]
pub(crate) struct Locked {
    /// Its key, wrapped.
    pub(crate) key_wrapped: Vec<u8>,
    /// Since when it is deleted.
    pub(crate) deleted_at: Option<DateTime<Utc>>,
    /// Its version.
    pub(crate) version: i32,
}

/// Locks contacts as `contacts::store::lock` locks one, and groups, in the order in which everybody does: open calls, groups, the
/// contacts themselves, each in the order of ids. The groups that are there, and the contacts; who was erased is not among them.
pub(in crate::bulk) async fn lock(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    ids: &[ContactId],
    groups: &[GroupId],
) -> Result<(HashSet<GroupId>, HashMap<ContactId, Locked>), Error> {
    numbers::lock_while_rotating(tx, keys).await?;
    tx.plan_for_values().await?;
    if !ids.is_empty() {
        sqlx::query(
            "select from calls where contact_id = any ($1) and state in ('planned', 'reserved', 'dialling', 'in_progress')
             order by id for no key update",
        )
        .bind(ids)
        .execute(tx.conn())
        .await?;
    }
    let mut there = HashSet::new();
    if !groups.is_empty() {
        let found: Vec<GroupId> = sqlx::query_scalar(
            "select id from groups where id = any ($1) order by id for no key update",
        )
        .bind(groups)
        .fetch_all(tx.conn())
        .await?;
        there.extend(found);
    }
    if ids.is_empty() {
        return Ok((there, HashMap::new()));
    }
    type Row = (ContactId, Vec<u8>, Option<DateTime<Utc>>, i32);
    let rows: Vec<Row> = sqlx::query_as(
        "select id, key_wrapped, deleted_at, version from contacts where id = any ($1) and key_wrapped is not null
         order by id for no key update",
    )
    .bind(ids)
    .fetch_all(tx.conn())
    .await?;
    let locked = |(id, key_wrapped, deleted_at, version): Row| {
        (id, Locked { key_wrapped, deleted_at, version })
    };
    Ok((there, rows.into_iter().map(locked).collect()))
}

/// Deletes contacts with their appointments.
pub(in crate::bulk) async fn delete(
    tx: &mut TenantTx,
    ids: &[ContactId],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    for statement in [
        "update appointments set deleted_at = $2, updated_at = $2, version = version + 1
         where contact_id = any ($1) and deleted_at is null",
        "update contacts set deleted_at = $2, updated_at = $2, version = version + 1 where id = any ($1)",
    ] {
        sqlx::query(statement).bind(ids).bind(now).execute(tx.conn()).await?;
    }
    Ok(())
}

/// Brings deleted contacts back, with the appointments that were deleted with them. The appointments that are to be planned.
pub(in crate::bulk) async fn restore(
    tx: &mut TenantTx,
    ids: &[ContactId],
    now: DateTime<Utc>,
) -> Result<Vec<crate::ids::AppointmentId>, Error> {
    let back = sqlx::query_scalar(
        "update appointments a set deleted_at = null, updated_at = $2, version = a.version + 1
         from contacts c where c.id = any ($1) and a.contact_id = c.id and a.deleted_at = c.deleted_at returning a.id",
    )
    .bind(ids)
    .bind(now)
    .fetch_all(tx.conn())
    .await?;
    sqlx::query("update contacts set deleted_at = null, updated_at = $2, version = version + 1 where id = any ($1)")
        .bind(ids)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(back)
}

/// Withdraws what is planned about these appointments, or to these contacts. A dial under way is never withdrawn.
pub(in crate::bulk) async fn withdraw(
    tx: &mut TenantTx,
    (appointments, contacts): (&[crate::ids::AppointmentId], &[ContactId]),
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(CallId, ContactId)>, Error> {
    sqlx::query("select release_reservations_of($1, $2, $3)")
        .bind(appointments)
        .bind(contacts)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(sqlx::query_as(
        "update calls set state = 'withdrawn', ended_reason = $3, settled_at = $4, updated_at = $4, is_due = false, front = false
         where state = 'planned' and (appointment_id = any ($1) or contact_id = any ($2)) returning id, contact_id",
    )
    .bind(appointments)
    .bind(contacts)
    .bind(reason)
    .bind(now)
    .fetch_all(tx.conn())
    .await?)
}

/// Of those that are there, and were not erased, whether they are live. Locks nothing.
pub(in crate::bulk) async fn there(
    tx: &mut TenantTx,
    ids: &[ContactId],
) -> Result<HashMap<ContactId, bool>, Error> {
    tx.plan_for_values().await?;
    let rows: Vec<(ContactId, bool)> = sqlx::query_as(
        "select id, deleted_at is null from contacts where id = any ($1) and key_wrapped is not null",
    )
    .bind(ids)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().collect())
}
