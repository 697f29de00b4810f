//! Who is in a group. Whoever changes it holds the group's lock ([`super::lock`]): adding then locks no contact against
//! anything but the erasure of its row, so that it waits for nobody who edits one, and nobody waits for it.

use chrono::{DateTime, Utc};

use crate::audit::Actor;
use crate::db::{Error, TenantTx};
use crate::ids::{ContactId, GroupId};

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

#[derive(sqlx::FromRow)]
struct Told {
    id: ContactId,
    /// None: no contact that is live.
    key_wrapped: Option<Vec<u8>>,
    moved: bool,
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
    let told: Vec<Told> = sqlx::query_as(
        "with wanted as (select distinct id from unnest($2::uuid[]) as w (id)),
              live as (select w.id, c.key_wrapped from wanted w join contacts c on c.tenant_id = $5 and c.id = w.id
                       where c.deleted_at is null and c.key_wrapped is not null),
              new as (insert into group_members (tenant_id, group_id, contact_id, added_by, added_at)
                      select $5, $1, l.id, $3, $4 from live l on conflict do nothing returning contact_id)
         select w.id, l.key_wrapped, n.contact_id is not null as moved
         from wanted w left join live l on l.id = w.id left join new n on n.contact_id = w.id order by w.id",
    )
    .bind(group)
    .bind(contacts)
    .bind(by.to_string())
    .bind(now)
    .bind(tx.tenant())
    .fetch_all(tx.conn())
    .await?;
    let (added, already, unknown) = sort(told);
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
    let told: Vec<Told> = sqlx::query_as(
        "with wanted as (select distinct id from unnest($2::uuid[]) as w (id)),
              live as (select w.id, c.key_wrapped from wanted w join contacts c on c.tenant_id = $3 and c.id = w.id
                       where c.deleted_at is null and c.key_wrapped is not null),
              gone as (delete from group_members m using live l
                       where m.tenant_id = $3 and m.group_id = $1 and m.contact_id = l.id returning m.contact_id)
         select w.id, l.key_wrapped, g.contact_id is not null as moved
         from wanted w left join live l on l.id = w.id left join gone g on g.contact_id = w.id order by w.id",
    )
    .bind(group)
    .bind(contacts)
    .bind(tx.tenant())
    .fetch_all(tx.conn())
    .await?;
    let (removed, absent, unknown) = sort(told);
    if !removed.is_empty() {
        touch(tx, group, now).await?;
    }
    Ok(Removed { removed, absent, unknown })
}

fn sort(told: Vec<Told>) -> (Vec<Member>, usize, Vec<ContactId>) {
    let (mut moved, mut stayed, mut unknown) = (Vec::new(), 0, Vec::new());
    for Told { id, key_wrapped, moved: was_moved } in told {
        match key_wrapped {
            None => unknown.push(id),
            Some(key_wrapped) if was_moved => moved.push(Member { contact: id, key_wrapped }),
            Some(_) => stayed += 1,
        }
    }
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
         join contacts c on c.tenant_id = m.tenant_id and c.id = m.contact_id
         where m.group_id = $1 and c.deleted_at is null and c.key_wrapped is not null order by c.id",
    )
    .bind(group)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(contact, key_wrapped)| Member { contact, key_wrapped }).collect())
}
