//! What a card shows besides the contact itself: read for many contacts in one statement.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::contacts::state::Standing;
use crate::db::{Error, TenantTx};
use crate::ids::{ContactId, GroupId};

/// What is known of a contact from its calls, flags, groups and appointments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What its calling state is derived from.
    pub standing: Standing,
    /// When its next planned call is looked at; not before then it is dialled.
    pub next_call_at: Option<DateTime<Utc>>,
    /// When it was last reached, about anything.
    pub last_contact_at: Option<DateTime<Utc>>,
    /// The groups that it is in, in the order of their ids.
    pub groups: Vec<GroupId>,
}

#[derive(sqlx::FromRow)]
struct Fact {
    what: String,
    contact: ContactId,
    id: Option<Uuid>,
    word: Option<String>,
    words: Option<Vec<String>>,
    dialled: Option<bool>,
    at: Option<DateTime<Utc>>,
}

/// What is known of these contacts. One of which nothing is known is not in the map.
///
/// # Errors
/// Any [`Error`].
pub async fn facts(
    tx: &mut TenantTx,
    contacts: &[ContactId],
) -> Result<HashMap<ContactId, Facts>, Error> {
    let rows: Vec<Fact> = sqlx::query_as(
        "select 'call' as what, k.contact_id as contact, null::uuid as id, k.state as word, k.blocked as words,
             exists (select from attempts a where a.call_id = k.id and a.counts) as dialled, k.eligible_at as at
         from calls k
         where k.contact_id = any ($1) and k.state in ('planned', 'reserved', 'dialling', 'in_progress')
         union all
         select distinct 'flag', f.contact_id, null::uuid, f.reason, null::text[], null::boolean, null::timestamptz
         from flags f where f.contact_id = any ($1) and f.cleared_at is null
         union all
         select 'group', m.contact_id, m.group_id, null, null, null, null from group_members m where m.contact_id = any ($1)
         union all
         select 'reached', p.contact_id, null, null, null, null, max(p.last_contact_at) from appointments p
         where p.contact_id = any ($1) and p.deleted_at is null and p.last_contact_at is not null group by p.contact_id",
    )
    .bind(contacts)
    .fetch_all(tx.conn())
    .await?;
    let mut found: HashMap<ContactId, Facts> = HashMap::with_capacity(contacts.len());
    for fact in rows {
        let of = found.entry(fact.contact).or_default();
        match fact.what.as_str() {
            "call" => add_call(of, fact),
            "flag" => of.standing.flags.extend(fact.word),
            "group" => of.groups.extend(fact.id.map(GroupId)),
            _ => of.last_contact_at = fact.at,
        }
    }
    for of in found.values_mut() {
        of.standing.flags.sort_unstable();
        of.groups.sort_unstable();
    }
    Ok(found)
}

fn add_call(of: &mut Facts, call: Fact) {
    if call.word.as_deref() != Some("planned") {
        of.standing.under_way = true;
        return;
    }
    of.standing.planned = true;
    of.standing.dialled_before |= call.dialled.unwrap_or_default();
    of.standing.blocked.extend(call.words.unwrap_or_default());
    of.next_call_at = of.next_call_at.into_iter().chain(call.at).min();
}
