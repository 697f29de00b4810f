//! SQL of imports: files, templates, who is there, and rows that are written many at a time.

pub mod files;
pub(super) mod people;
pub mod templates;
pub(super) mod write;

use std::collections::HashMap;

use crate::db::{Error, TenantTx};
use crate::groups::GroupName;
use crate::ids::GroupId;

/// The groups that aren't archived.
///
/// # Errors
/// Any [`Error`].
pub async fn groups(tx: &mut TenantTx) -> Result<Vec<(GroupId, GroupName)>, Error> {
    let rows: Vec<(GroupId, String)> =
        sqlx::query_as("select id, name from groups where archived_at is null order by id")
            .fetch_all(tx.conn())
            .await?;
    let read = |(id, name): (GroupId, String)| {
        Ok((id, name.parse().map_err(|_| Error::Unreadable("groups.name"))?))
    };
    rows.into_iter().map(read).collect()
}

/// All groups by the keys of their names, archived ones too.
///
/// # Errors
/// Any [`Error`].
pub(super) async fn groups_by_key(tx: &mut TenantTx) -> Result<HashMap<String, GroupId>, Error> {
    let rows: Vec<(String, GroupId)> =
        sqlx::query_as("select name_key, id from groups").fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().collect())
}
