//! SQL of declared accesses.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::crypto::{TenantField, TenantKeys};
use crate::db::{Db, Error, TenantTx};
use crate::ids::{TenantId, UserId, VisitId};
use crate::paging::{Cursor, Page, Slice};
use crate::people::visit::{APPROVAL, Kind, Record};
use crate::tenants::KeyError;

/// An access to be declared.
#[derive(Debug, Clone)]
pub struct NewVisit {
    /// Its id.
    pub id: VisitId,
    /// Whose.
    pub user: UserId,
    /// How deep.
    pub kind: Kind,
    /// Why.
    pub reason: String,
    /// For how long once it begins.
    pub minutes: u16,
}

/// Declares an access to the transaction's tenant: one to read begins now, one by breaking the glass waits for approval.
///
/// # Errors
/// [`Error::Refused`] by `visits_are_one_at_a_time` if the user has another open; any other [`KeyError`].
pub async fn declare(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    visit: &NewVisit,
    now: DateTime<Utc>,
) -> Result<(), KeyError> {
    let reason = keys.seal(TenantField::VisitReason, visit.id.0, visit.reason.as_bytes())?;
    let (starts, ends) = match visit.kind {
        Kind::Read => (Some(now), now + Duration::minutes(visit.minutes.into())),
        Kind::BreakGlass => (None, now + APPROVAL),
    };
    sqlx::query(
        "insert into visits (id, tenant_id, user_id, kind, reason, minutes, asked_at, starts_at, ends_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(visit.id)
    .bind(tx.tenant())
    .bind(visit.user)
    .bind(visit.kind.as_str())
    .bind(reason.into_bytes())
    .bind(i32::from(visit.minutes))
    .bind(now)
    .bind(starts)
    .bind(ends)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// Closes what a user left to lapse, so that it doesn't stand in the way of the next.
///
/// # Errors
/// Any [`Error`].
pub async fn close_lapsed(db: &Db, user: UserId) -> Result<(), Error> {
    sqlx::query("update visits set ended_at = ends_at where user_id = $1 and ended_at is null and ends_at <= app_clock()")
        .bind(user)
        .execute(db.engine_pool())
        .await?;
    Ok(())
}

/// To which tenant an access is; `None` if there is none of this id.
///
/// # Errors
/// Any [`Error`].
pub async fn tenant_of(db: &Db, id: VisitId) -> Result<Option<TenantId>, Error> {
    Ok(sqlx::query_scalar("select tenant_id from visits where id = $1")
        .bind(id)
        .fetch_optional(db.engine_pool())
        .await?)
}

/// Lets an access begin that waited for the second person.
///
/// # Errors
/// Any [`Error`].
pub async fn approve(
    tx: &mut TenantTx,
    record: &Record,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("update visits set approved_by = $2, starts_at = $3, ends_at = $4 where id = $1")
        .bind(record.id)
        .bind(by)
        .bind(now)
        .bind(now + Duration::minutes(record.minutes.into()))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Ends an access before its time. False if it ended before.
///
/// # Errors
/// Any [`Error`].
pub async fn end(tx: &mut TenantTx, id: VisitId, now: DateTime<Utc>) -> Result<bool, Error> {
    let done = sqlx::query(
        "update visits set ended_at = $2 where id = $1 and ended_at is null and ends_at > $2",
    )
    .bind(id)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    user_id: Uuid,
    kind: String,
    reason: Vec<u8>,
    minutes: i32,
    asked_at: DateTime<Utc>,
    approved_by: Option<Uuid>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self, keys: Option<&TenantKeys>) -> Result<Record, KeyError> {
        let open = |keys: &TenantKeys| {
            keys.open_text(TenantField::VisitReason, self.id, &self.reason)
                .map(|text| text.as_str().to_owned())
        };
        Ok(Record {
            id: VisitId(self.id),
            tenant: TenantId(self.tenant_id),
            user: UserId(self.user_id),
            kind: self.kind.parse().map_err(|_| Error::Unreadable("visits.kind"))?,
            reason: keys.map(open).transpose()?,
            minutes: self.minutes,
            asked_at: self.asked_at,
            approved_by: self.approved_by.map(UserId),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            ended_at: self.ended_at,
        })
    }
}

/// An access to the transaction's tenant, kept from changing until the transaction ends.
///
/// # Errors
/// Any [`KeyError`].
pub async fn lock(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: VisitId,
) -> Result<Option<Record>, KeyError> {
    let row: Option<Row> = sqlx::query_as(
        "select id, tenant_id, user_id, kind, reason, minutes, asked_at, approved_by, starts_at, ends_at, ended_at
         from visits where id = $1 for update",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    row.map(|row| row.read(Some(keys))).transpose()
}

fn page(rows: Vec<Row>, keys: Option<&TenantKeys>, slice: Slice) -> Result<Page<Record>, KeyError> {
    let records = rows.into_iter().map(|row| row.read(keys)).collect::<Result<_, _>>()?;
    Ok(Page::cut(records, slice, |record: &Record| Cursor { at: record.asked_at, id: record.id.0 }))
}

/// Accesses to the transaction's tenant, the latest first: for its people.
///
/// # Errors
/// Any [`KeyError`].
pub async fn to_tenant(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    slice: Slice,
) -> Result<Page<Record>, KeyError> {
    let (at, id) = slice.bounds();
    let rows: Vec<Row> = sqlx::query_as(
        "select id, tenant_id, user_id, kind, reason, minutes, asked_at, approved_by, starts_at, ends_at, ended_at
         from visits where $1::timestamptz is null or (asked_at, id) < ($1, $2)
         order by asked_at desc, id desc limit $3",
    )
    .bind(at)
    .bind(id)
    .bind(slice.ask())
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    page(rows, Some(keys), slice)
}

/// Accesses to all tenants, the latest first and without their reasons: for the platform's people.
///
/// # Errors
/// Any [`KeyError`].
pub async fn list(db: &Db, slice: Slice) -> Result<Page<Record>, KeyError> {
    let (at, id) = slice.bounds();
    let rows: Vec<Row> = sqlx::query_as(
        "select id, tenant_id, user_id, kind, reason, minutes, asked_at, approved_by, starts_at, ends_at, ended_at
         from visits where $1::timestamptz is null or (asked_at, id) < ($1, $2)
         order by asked_at desc, id desc limit $3",
    )
    .bind(at)
    .bind(id)
    .bind(slice.ask())
    .fetch_all(db.engine_pool())
    .await
    .map_err(Error::from)?;
    page(rows, None, slice)
}
