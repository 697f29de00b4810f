//! Reading what calling states are derived from.

use std::collections::HashMap;

use uuid::Uuid;

use crate::contacts::state::Standing;
use crate::db::{Error, TenantTx};
use crate::ids::ContactId;

/// What the calling states of these contacts are derived from. A contact without calls and flags is not in the map.
///
/// # Errors
/// Any [`Error`].
pub async fn standings(
    tx: &mut TenantTx,
    contacts: &[ContactId],
) -> Result<HashMap<ContactId, Standing>, Error> {
    let ids: Vec<Uuid> = contacts.iter().map(|id| id.0).collect();
    let mut found: HashMap<ContactId, Standing> = HashMap::new();
    let calls: Vec<(Uuid, String, Vec<String>, bool)> = sqlx::query_as(
        "select k.contact_id, k.state, k.blocked, exists (select from attempts a where a.call_id = k.id and a.counts)
         from calls k
         where k.contact_id = any ($1) and k.state in ('planned', 'reserved', 'dialling', 'in_progress')",
    )
    .bind(&ids)
    .fetch_all(tx.conn())
    .await?;
    for (contact, state, blocked, dialled) in calls {
        let standing = found.entry(ContactId(contact)).or_default();
        if state == "planned" {
            standing.planned = true;
            standing.dialled_before |= dialled;
            standing.blocked.extend(blocked);
        } else {
            standing.under_way = true;
        }
    }
    let flags: Vec<(Uuid, String)> = sqlx::query_as(
        "select distinct contact_id, reason from flags where contact_id = any ($1) and cleared_at is null
         order by reason",
    )
    .bind(&ids)
    .fetch_all(tx.conn())
    .await?;
    for (contact, reason) in flags {
        found.entry(ContactId(contact)).or_default().flags.push(reason);
    }
    Ok(found)
}
