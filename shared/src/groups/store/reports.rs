//! Counts and figures of groups, exact at the moment they are asked for.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::db::{Error, TenantTx};
use crate::groups::{Cell, Figures};
use crate::ids::GroupId;

/// How a group stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Members that are neither deleted nor archived.
    pub contacts: i64,
    /// When a call of one of its members last had an outcome.
    pub last_outcome_at: Option<DateTime<Utc>>,
}

/// How these groups stand. For few of them: their members are gone through.
///
/// # Errors
/// Any [`Error`].
pub async fn standings(
    tx: &mut TenantTx,
    groups: &[GroupId],
) -> Result<HashMap<GroupId, Standing>, Error> {
    let rows: Vec<(GroupId, i64, Option<DateTime<Utc>>)> = sqlx::query_as(
        "select g.id,
             (select count(*) from group_members m join contacts c on c.id = m.contact_id
              where m.group_id = g.id and c.deleted_at is null and c.archived_at is null),
             (select max(k.settled_at) from group_members m join calls k on k.contact_id = m.contact_id
              where m.group_id = g.id and k.outcome is not null)
         from unnest($1::uuid[]) as g (id)",
    )
    .bind(groups)
    .fetch_all(tx.conn())
    .await?;
    let standing = |(id, contacts, last_outcome_at)| (id, Standing { contacts, last_outcome_at });
    Ok(rows.into_iter().map(standing).collect())
}

/// When calls of members of these groups last had an outcome: the calls are gone through, and not the members, who may be many more.
/// A group of which none had one is not in the map.
///
/// # Errors
/// Any [`Error`].
pub async fn last_outcomes(
    tx: &mut TenantTx,
    groups: &[GroupId],
) -> Result<HashMap<GroupId, DateTime<Utc>>, Error> {
    let rows: Vec<(GroupId, DateTime<Utc>)> = sqlx::query_as(
        "select m.group_id, max(k.last_at)
         from (select contact_id, max(settled_at) as last_at from calls
               where outcome is not null and settled_at is not null group by contact_id) k
         join group_members m on m.contact_id = k.contact_id
         where m.group_id = any ($1) group by m.group_id",
    )
    .bind(groups)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().collect())
}

/// How many groups a tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Report {
    /// Those that are not archived.
    pub total: i64,
    /// Those that are.
    pub archived: i64,
    /// The one with the most dials of its members since the given time, of those that are not archived.
    pub most_active: Option<GroupId>,
}

/// How many groups there are, and which is called most since `since`.
///
/// # Errors
/// Any [`Error`].
pub async fn overview(tx: &mut TenantTx, since: DateTime<Utc>) -> Result<Report, Error> {
    Ok(sqlx::query_as(
        "select count(*) filter (where archived_at is null) as total,
             count(*) filter (where archived_at is not null) as archived,
             (select m.group_id from attempts a
              join group_members m on m.contact_id = a.contact_id
              join contacts c on c.id = m.contact_id and c.deleted_at is null
              join groups g on g.id = m.group_id and g.archived_at is null
              where a.counts and a.reserved_at >= $1
              group by m.group_id order by count(*) desc, m.group_id limit 1) as most_active
         from groups",
    )
    .bind(since)
    .fetch_one(tx.conn())
    .await?)
}

/// The groups that are not archived, newest first.
///
/// # Errors
/// Any [`Error`].
pub async fn unarchived(tx: &mut TenantTx) -> Result<Vec<GroupId>, Error> {
    let ids =
        sqlx::query_scalar("select id from groups where archived_at is null order by id desc");
    Ok(ids.fetch_all(tx.conn()).await?)
}

/// What came of the members' appointments that are at `since` or later, and of their calls since then. Archived members
/// count: what happened, happened. Deleted ones don't.
///
/// # Errors
/// Any [`Error`].
pub async fn report(
    tx: &mut TenantTx,
    groups: &[GroupId],
    since: DateTime<Utc>,
) -> Result<HashMap<GroupId, Figures>, Error> {
    let rows: Vec<(GroupId, String, i64, i64)> = sqlx::query_as(
        "select m.group_id, p.status, count(*), count(distinct p.contact_id) from group_members m
         join contacts c on c.id = m.contact_id and c.deleted_at is null
         join appointments p on p.contact_id = m.contact_id
         where m.group_id = any ($1) and p.deleted_at is null and p.at >= $2
         group by m.group_id, p.status
         union all
         select m.group_id, 'calls', count(*), count(distinct a.contact_id) from group_members m
         join contacts c on c.id = m.contact_id and c.deleted_at is null
         join attempts a on a.contact_id = m.contact_id
         where m.group_id = any ($1) and a.counts and a.reserved_at >= $2
         group by m.group_id",
    )
    .bind(groups)
    .bind(since)
    .fetch_all(tx.conn())
    .await?;
    let mut found: HashMap<GroupId, Figures> = HashMap::new();
    for (group, what, count, people) in rows {
        let figures = found.entry(group).or_default();
        let cell = match what.as_str() {
            "pending" => &mut figures.pending,
            "confirmed" => &mut figures.confirmed,
            "cancelled" => &mut figures.cancelled,
            "rescheduled" => &mut figures.rescheduled,
            "calls" => &mut figures.calls,
            _ => return Err(Error::Unreadable("appointments.status")),
        };
        *cell = Cell { count, people };
    }
    Ok(found)
}
