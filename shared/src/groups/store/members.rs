//! Who is in a group. Whoever changes it holds the group's lock ([`super::lock`]): adding then locks no contact against
//! anything but the erasure of its row, so that it waits for nobody who edits one, and nobody waits for it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::audit::Actor;
use crate::db::{Error, TenantTx};
use crate::ids::{ContactId, GroupId};

/// From so many contacts on, statements of the transaction that compare with all of them are planned for them.
const MANY: usize = 100;

/// Somebody who was added or taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub contact: ContactId,
    /// The contact's key, wrapped: what is written about it is sealed under it.
    pub key_wrapped: Vec<u8>,
}

/// What [`add`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Who is in the group now, and wasn't.
    pub added: Vec<Member>,
    /// How many were in it.
    pub already: usize,
    /// Who is no contact of this tenant, or a deleted one.
    pub unknown: Vec<ContactId>,
}

/// What [`remove`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Who was in the group, and isn't.
    pub removed: Vec<Member>,
    /// How many were not in it.
    pub absent: usize,
    /// Who is no contact of this tenant, or a deleted one.
    pub unknown: Vec<ContactId>,
}

/// Adds contacts to a group; each once, however often it is named. Who is deleted in this very moment may yet be added: it
/// is counted and listed nowhere.
///
/// # Errors
/// Any [`Error`].
pub async fn add(
    tx: &mut TenantTx,
    group: GroupId,
    contacts: &[ContactId],
    (by, now): (Actor, DateTime<Utc>),
) -> Result<Added, Error> {
    let live = live(tx, contacts).await?;
    let new: Vec<ContactId> = sqlx::query_scalar(
        "insert into group_members (tenant_id, group_id, contact_id, added_by, added_at)
         select $1, $2, id, $4, $5 from unnest($3::uuid[]) as l (id) on conflict do nothing returning contact_id",
    )
    .bind(tx.tenant())
    .bind(group)
    .bind(live.keys().copied().collect::<Vec<_>>())
    .bind(by.to_string())
    .bind(now)
    .fetch_all(tx.conn())
    .await?;
    let (added, already, unknown) = sort(contacts, live, new);
    if !added.is_empty() {
        touch(tx, group, now).await?;
    }
    Ok(Added { added, already, unknown })
}

/// Takes contacts out of a group. They stay contacts.
///
/// # Errors
/// Any [`Error`].
pub async fn remove(
    tx: &mut TenantTx,
    group: GroupId,
    contacts: &[ContactId],
    now: DateTime<Utc>,
) -> Result<Removed, Error> {
    let live = live(tx, contacts).await?;
    let gone: Vec<ContactId> = sqlx::query_scalar(
        "delete from group_members where group_id = $1 and contact_id = any ($2) returning contact_id",
    )
    .bind(group)
    .bind(live.keys().copied().collect::<Vec<_>>())
    .fetch_all(tx.conn())
    .await?;
    let (removed, absent, unknown) = sort(contacts, live, gone);
    if !removed.is_empty() {
        touch(tx, group, now).await?;
    }
    Ok(Removed { removed, absent, unknown })
}

/// Those of the contacts that are live, in the order of their ids, with their wrapped keys.
async fn live(
    tx: &mut TenantTx,
    contacts: &[ContactId],
) -> Result<BTreeMap<ContactId, Vec<u8>>, Error> {
    if contacts.len() > MANY {
        tx.plan_for_values().await?;
    }
    let rows: Vec<(ContactId, Vec<u8>)> = sqlx::query_as(
        "select id, key_wrapped from contacts
         where id = any ($1) and deleted_at is null and key_wrapped is not null",
    )
    .bind(contacts)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().collect())
}

/// Who moved, how many stayed, and who is not live.
fn sort(
    contacts: &[ContactId],
    mut live: BTreeMap<ContactId, Vec<u8>>,
    mut moved: Vec<ContactId>,
) -> (Vec<Member>, usize, Vec<ContactId>) {
    let named: BTreeSet<ContactId> = contacts.iter().copied().collect();
    let unknown = named.into_iter().filter(|id| !live.contains_key(id)).collect();
    moved.sort_unstable();
    let member = |contact| Some(Member { contact, key_wrapped: live.remove(&contact)? });
    let moved: Vec<Member> = moved.into_iter().filter_map(member).collect();
    let stayed = live.len();
    (moved, stayed, unknown)
}

async fn touch(tx: &mut TenantTx, group: GroupId, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query("update groups set members_changed_at = $2 where id = $1")
        .bind(group)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// How many rows say that somebody is in the group: archived and deleted contacts too, which no count for people has.
///
/// # Errors
/// Any [`Error`].
pub async fn count(tx: &mut TenantTx, group: GroupId) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("select count(*) from group_members where group_id = $1")
        .bind(group)
        .fetch_one(tx.conn())
        .await?)
}

/// Everybody in a group who is not deleted: who is concerned when it goes.
///
/// # Errors
/// Any [`Error`].
pub async fn all(tx: &mut TenantTx, group: GroupId) -> Result<Vec<Member>, Error> {
    let rows: Vec<(ContactId, Vec<u8>)> = sqlx::query_as(
        "select c.id, c.key_wrapped from group_members m
         join contacts c on c.id = m.contact_id
         where m.group_id = $1 and c.deleted_at is null and c.key_wrapped is not null order by c.id",
    )
    .bind(group)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(contact, key_wrapped)| Member { contact, key_wrapped }).collect())
}
