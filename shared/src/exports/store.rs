//! SQL of exports.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{KEPT, Made};
use crate::db::{Error, TenantTx};
use crate::ids::{ContactId, FileId, GroupId, JobId};

/// What the tenant's groups are called, archived ones too.
///
/// # Errors
/// Any [`Error`].
pub(super) async fn group_names(tx: &mut TenantTx) -> Result<HashMap<GroupId, String>, Error> {
    let names: Vec<(GroupId, String)> =
        sqlx::query_as("select id, name from groups").fetch_all(tx.conn()).await?;
    Ok(names.into_iter().collect())
}

/// Those of `contacts` that are deleted by now, or erased.
///
/// # Errors
/// Any [`Error`].
pub async fn gone(tx: &mut TenantTx, contacts: &[ContactId]) -> Result<HashSet<ContactId>, Error> {
    let gone: Vec<ContactId> = sqlx::query_scalar(
        "select w.id from unnest($1::uuid[]) w (id)
         where not exists (select from contacts c where c.id = w.id and c.deleted_at is null)",
    )
    .bind(contacts)
    .fetch_all(tx.conn())
    .await?;
    Ok(gone.into_iter().collect())
}

/// How far an export is. Nothing, if there is no such job, or another release wrote what can't be read.
///
/// # Errors
/// Any [`Error`].
pub async fn made(tx: &mut TenantTx, job: JobId) -> Result<Option<Made>, Error> {
    let place: Option<serde_json::Value> =
        sqlx::query_scalar("select place from jobs where id = $1 and kind = 'export'")
            .bind(job)
            .fetch_optional(tx.conn())
            .await?;
    Ok(place.and_then(|place| serde_json::from_value(place).ok()))
}

/// The parts of exports that go on, that can be downloaded, or that died and may be tried again.
///
/// # Errors
/// Any [`Error`].
pub async fn parts_in_use(tx: &mut TenantTx) -> Result<HashSet<FileId>, Error> {
    let parts: Vec<Uuid> = sqlx::query_scalar(
        "select p::uuid from jobs j, jsonb_array_elements_text(coalesce(j.place -> 'parts', '[]')) p
         where j.kind = 'export' and (j.ended_at is null or j.state in ('done', 'dead') and j.ended_at > app_clock() - $1)",
    )
    .bind(KEPT)
    .fetch_all(tx.conn())
    .await?;
    Ok(parts.into_iter().map(FileId).collect())
}
