//! SQL of groups. A group's row is locked before its members' contacts, whoever changes what.

mod members;
mod reports;

use chrono::{DateTime, Utc};

use super::{Colour, Group, GroupName};
use crate::db::{Error, TenantTx};
use crate::ids::{ContactId, GroupId};
use crate::paging::{Cursor, Page, Slice};

pub use members::{Added, Member, Removed, add, all, count, remove};
pub use reports::{Report, Standing, last_outcomes, overview, report, standings, unarchived};

#[derive(sqlx::FromRow)]
struct Row {
    id: GroupId,
    name: String,
    description: Option<String>,
    colour: String,
    archived_at: Option<DateTime<Utc>>,
    version: i32,
    created_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    members_changed_at: Option<DateTime<Utc>>,
}

impl Row {
    fn open(self) -> Result<Group, Error> {
        let unreadable = |column| move |_| Error::Unreadable(column);
        let description = self.description.map(|text| text.parse());
        Ok(Group {
            id: self.id,
            name: self.name.parse().map_err(unreadable("groups.name"))?,
            description: description.transpose().map_err(unreadable("groups.description"))?,
            colour: Colour::from_word(&self.colour).ok_or(Error::Unreadable("groups.colour"))?,
            archived_at: self.archived_at,
            version: self.version,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
            members_changed_at: self.members_changed_at,
        })
    }
}

/// Stores a new group. False, and nothing stored, if another has its name.
///
/// # Errors
/// Any [`Error`].
pub async fn insert(tx: &mut TenantTx, group: &Group) -> Result<bool, Error> {
    let done = sqlx::query(
        "insert into groups (tenant_id, id, name, name_key, description, colour, archived_at, version, created_by,
             created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict on constraint groups_have_names_of_their_own do nothing",
    )
    .bind(tx.tenant())
    .bind(group.id)
    .bind(group.name.as_str())
    .bind(group.name.key())
    .bind(group.description.as_ref().map(super::Description::as_str))
    .bind(group.colour.as_str())
    .bind(group.archived_at)
    .bind(group.version)
    .bind(&group.created_by)
    .bind(group.created_at)
    .bind(group.updated_at)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores a changed group; its row must be locked. Whose name another has taken in the same moment is refused by the
/// constraint `groups_have_names_of_their_own`.
///
/// # Errors
/// Any [`Error`].
pub async fn update(tx: &mut TenantTx, group: &Group) -> Result<(), Error> {
    sqlx::query(
        "update groups set name = $2, name_key = $3, description = $4, colour = $5, archived_at = $6, version = $7,
             updated_at = $8
         where id = $1",
    )
    .bind(group.id)
    .bind(group.name.as_str())
    .bind(group.name.key())
    .bind(group.description.as_ref().map(super::Description::as_str))
    .bind(group.colour.as_str())
    .bind(group.archived_at)
    .bind(group.version)
    .bind(group.updated_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes a group and that anybody was in it. The contacts stay.
///
/// # Errors
/// Any [`Error`].
pub async fn delete(tx: &mut TenantTx, id: GroupId) -> Result<(), Error> {
    sqlx::query("delete from groups where id = $1").bind(id).execute(tx.conn()).await?;
    Ok(())
}

/// One group; `None` if there is none or it is another tenant's: the two look alike.
///
/// # Errors
/// Any [`Error`].
pub async fn find(tx: &mut TenantTx, id: GroupId) -> Result<Option<Group>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "select id, name, description, colour, archived_at, version, created_by, created_at, updated_at, members_changed_at
         from groups where id = $1",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?;
    row.map(Row::open).transpose()
}

/// One group, kept from being changed by others until the transaction ends. To be called before any contact is locked.
///
/// # Errors
/// Any [`Error`].
pub async fn lock(tx: &mut TenantTx, id: GroupId) -> Result<Option<Group>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "select id, name, description, colour, archived_at, version, created_by, created_at, updated_at, members_changed_at
         from groups where id = $1 for no key update",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?;
    row.map(Row::open).transpose()
}

/// The group that has this name, or one that differs from it by case, accents or white space only.
///
/// # Errors
/// Any [`Error`].
pub async fn with_name(tx: &mut TenantTx, name: &GroupName) -> Result<Option<GroupId>, Error> {
    Ok(sqlx::query_scalar("select id from groups where name_key = $1")
        .bind(name.key())
        .fetch_optional(tx.conn())
        .await?)
}

/// Groups that are archived, or those that aren't; newest first.
///
/// # Errors
/// Any [`Error`].
pub async fn list(tx: &mut TenantTx, archived: bool, slice: Slice) -> Result<Page<Group>, Error> {
    let (at, id) = slice.bounds();
    let rows: Vec<Row> = sqlx::query_as(
        "select id, name, description, colour, archived_at, version, created_by, created_at, updated_at, members_changed_at
         from groups
         where (archived_at is not null) = $4 and ($1::timestamptz is null or (created_at, id) < ($1, $2))
         order by created_at desc, id desc limit $3",
    )
    .bind(at)
    .bind(id)
    .bind(slice.ask())
    .bind(archived)
    .fetch_all(tx.conn())
    .await?;
    let groups = rows.into_iter().map(Row::open).collect::<Result<_, _>>()?;
    Ok(Page::cut(groups, slice, |group: &Group| Cursor { at: group.created_at, id: group.id.0 }))
}

/// That a contact is in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// In which.
    pub group: Group,
    /// Who added it: an actor of the audit chain.
    pub added_by: String,
    /// When.
    pub added_at: DateTime<Utc>,
}

/// The groups of a contact, archived ones too, by name; `None` if there is no such live contact.
///
/// # Errors
/// Any [`Error`].
pub async fn of_contact(
    tx: &mut TenantTx,
    contact: ContactId,
) -> Result<Option<Vec<Membership>>, Error> {
    #[derive(sqlx::FromRow)]
    struct Joined {
        #[sqlx(flatten)]
        group: Row,
        added_by: String,
        added_at: DateTime<Utc>,
    }
    let live: bool = sqlx::query_scalar(
        "select exists (select from contacts where id = $1 and deleted_at is null)",
    )
    .bind(contact)
    .fetch_one(tx.conn())
    .await?;
    if !live {
        return Ok(None);
    }
    let rows: Vec<Joined> = sqlx::query_as(
        "select g.id, g.name, g.description, g.colour, g.archived_at, g.version, g.created_by, g.created_at, g.updated_at,
             g.members_changed_at, m.added_by, m.added_at
         from group_members m join groups g on g.id = m.group_id
         where m.contact_id = $1 order by g.name_key",
    )
    .bind(contact)
    .fetch_all(tx.conn())
    .await?;
    let open = |row: Joined| {
        let group = row.group.open()?;
        Ok(Membership { group, added_by: row.added_by, added_at: row.added_at })
    };
    rows.into_iter().map(open).collect::<Result<_, _>>().map(Some)
}
