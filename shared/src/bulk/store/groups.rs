//! SQL of the groups of many contacts.

use std::collections::HashMap;

use crate::db::{Error, TenantTx};
use crate::ids::{ContactId, GroupId};

/// The groups that each of these contacts is in.
pub(in crate::bulk) async fn of(
    tx: &mut TenantTx,
    contacts: &[ContactId],
) -> Result<HashMap<ContactId, Vec<GroupId>>, Error> {
    let rows: Vec<(ContactId, GroupId)> = sqlx::query_as(
        "select contact_id, group_id from group_members where contact_id = any ($1) order by group_id",
    )
    .bind(contacts)
    .fetch_all(tx.conn())
    .await?;
    let mut of: HashMap<ContactId, Vec<GroupId>> = HashMap::new();
    for (contact, group) in rows {
        of.entry(contact).or_default().push(group);
    }
    Ok(of)
}
