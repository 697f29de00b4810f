//! SQL of a tenant's round: whose time is over, in batches, each a short transaction.

pub mod erase;
pub mod holds;
pub mod replay;
pub mod shred;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Report, Round, Spared};
use crate::audit::{Actor, Changes};
use crate::book;
use crate::db::{Db, Error, TenantTx};
use crate::ids::{ContactId, TenantId};
use crate::journal::{Entry, Journal};
use crate::screening;
use crate::tenants;

/// Contacts that are archived in one transaction.
const BATCH: i64 = 500;
/// Contacts that are looked through at a time for those whose time is over.
const LOOK: i64 = 200;
/// Ids that a report names.
const NAMED: usize = 100;
/// Contacts that one round erases. The rest waits for the next one, which comes at once.
const MOST_ERASED: u64 = 500;
/// Who began a round and was stopped is followed by another after this.
const LEASE_MINUTES: i32 = 60;

/// Whom a round archives. Nobody for whom something is planned or under way.
macro_rules! to_archive {
    () => {
        "from contacts c cross join tenants t
         cross join lateral (select max(p.at) as at from appointments p
             where p.contact_id = c.id and p.deleted_at is null) l
         where c.deleted_at is null and c.archived_at is null and c.erased_at is null
           and not exists (select from calls k where k.contact_id = c.id
               and k.state in ('planned', 'reserved', 'dialling', 'in_progress'))
           and (l.at is not null and (greatest(l.at, c.updated_at) at time zone t.zone)::date
                   < (app_clock() at time zone t.zone)::date
               or greatest(l.at, c.updated_at, (select max(k.planned_at) from calls k where k.contact_id = c.id))
                   < app_clock() - interval '12 months')"
    };
}

/// Tenants whose day has come, at most `most`.
///
/// # Errors
/// Any [`Error`].
pub async fn due(db: &Db, most: i64) -> Result<Vec<TenantId>, Error> {
    Ok(sqlx::query_scalar(
        "select t.id from tenants t left join retention_runs r on r.tenant_id = t.id
         where t.active and coalesce(r.next_at <= app_clock(), true) order by r.next_at nulls first, t.id limit $1",
    )
    .bind(most)
    .fetch_all(db.engine_pool())
    .await?)
}

/// Has the tenant's next round begin as soon as a worker comes.
///
/// # Errors
/// Any [`Error`].
pub async fn ask_for_round(tx: &mut TenantTx) -> Result<(), Error> {
    sqlx::query(
        "insert into retention_runs (tenant_id, next_at) select id, app_clock() from tenants
         on conflict (tenant_id) do update set next_at = least(retention_runs.next_at, excluded.next_at)",
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

type Last =
    (DateTime<Utc>, Option<DateTime<Utc>>, i64, i64, Json<std::collections::BTreeMap<String, u64>>);

/// When the next round comes, and what the last one did.
///
/// # Errors
/// Any [`Error`].
pub async fn rounds(tx: &mut TenantTx) -> Result<(Option<DateTime<Utc>>, Option<Round>), Error> {
    let row: Option<Last> =
        sqlx::query_as("select next_at, ran_at, archived, erased, spared from retention_runs")
            .fetch_optional(tx.conn())
            .await?;
    Ok(match row {
        None => (None, None),
        Some((next, at, archived, erased, spared)) => {
            (Some(next), at.map(|at| Round { at, archived, erased, spared: spared.0 }))
        }
    })
}

/// A tenant's round, if its day has come and nobody else is at it. What it erases is noted in the journal first. It can be
/// stopped anywhere, and another goes on with what is left.
///
/// # Errors
/// Any [`Error`]; what was done is done.
pub async fn round(db: &Db, journal: &Journal, tenant: TenantId) -> Result<Option<Report>, Error> {
    if !claim(db, tenant).await? {
        return Ok(None);
    }
    let mut report = Report::default();
    let swept = sweep(db, journal, tenant, &mut report).await;
    // Once for all of them, and also if the round broke off: the next search builds what it needs only once.
    let mut tx = db.tenant(tenant).await?;
    book::store::forget_erased(&mut tx).await?;
    tx.commit().await?;
    let more = swept?;
    let mut tx = db.tenant(tenant).await?;
    erase::forget_old_numbers(&mut tx).await?;
    screening::store::prune(&mut tx).await?;
    sqlx::query(
        "update retention_runs set ran_at = app_clock(), archived = $1, erased = $2, spared = $3,
             next_at = app_clock() + case when $4 then interval '0' else interval '1 day' end",
    )
    .bind(i64::try_from(report.archived).unwrap_or(i64::MAX))
    .bind(i64::try_from(report.erased).unwrap_or(i64::MAX))
    .bind(Json(&report.spared))
    .bind(more)
    .execute(tx.conn())
    .await?;
    // Entries of the audit chain are kept for six years; what only opened them is kept no longer.
    sqlx::query("delete from tenant_keys where purpose = 'field' and retired_at < app_clock() - interval '6 years'")
        .execute(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(Some(report))
}

/// Archives and erases, and notes it in `report`. True if it stopped before all was done.
async fn sweep(
    db: &Db,
    journal: &Journal,
    tenant: TenantId,
    report: &mut Report,
) -> Result<bool, Error> {
    loop {
        let archived = archive(db, tenant).await?;
        report.archived += archived;
        if archived == 0 {
            break;
        }
    }
    let mut after = Uuid::nil();
    loop {
        let mut tx = db.tenant(tenant).await?;
        let found = over(&mut tx, after).await?;
        tx.commit().await?;
        let Some((last, _)) = found.last() else { return Ok(false) };
        if report.erased >= MOST_ERASED {
            return Ok(true);
        }
        after = last.0;
        for (id, _) in found {
            // Looked at again under its locks.
            let outcome = erase_one(db, journal, tenant, id).await?;
            note(report, id, outcome);
        }
    }
}

/// What a round would do now. Changes nothing.
///
/// # Errors
/// Any [`Error`].
pub async fn forecast(tx: &mut TenantTx) -> Result<Report, Error> {
    let mut report = Report::default();
    let due: i64 =
        sqlx::query_scalar(concat!("select count(*) ", to_archive!())).fetch_one(tx.conn()).await?;
    report.archived = due.unsigned_abs();
    let mut after = Uuid::nil();
    loop {
        let found = over(tx, after).await?;
        let Some((last, _)) = found.last() else { return Ok(report) };
        after = last.0;
        for (id, why) in found {
            note(&mut report, id, why);
        }
    }
}

fn note(report: &mut Report, id: ContactId, spared: Option<Spared>) {
    match spared {
        None => {
            report.erased += 1;
            if report.erased_ids.len() < NAMED {
                report.erased_ids.push(id);
            }
        }
        Some(why) => {
            *report.spared.entry(why.as_str()).or_default() += 1;
            if report.spared_ids.len() < NAMED {
                report.spared_ids.push((id, why.as_str()));
            }
        }
    }
}

async fn claim(db: &Db, tenant: TenantId) -> Result<bool, Error> {
    let mut tx = db.tenant(tenant).await?;
    let taken = sqlx::query(
        "insert into retention_runs as r (tenant_id, next_at)
         select id, app_clock() + make_interval(mins => $1) from tenants where active and shredded_at is null
         on conflict (tenant_id) do update set next_at = excluded.next_at where r.next_at <= app_clock()",
    )
    .bind(LEASE_MINUTES)
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(taken.rows_affected() == 1)
}

async fn archive(db: &Db, tenant: TenantId) -> Result<u64, Error> {
    let mut tx = db.tenant(tenant).await?;
    let done: Vec<Uuid> = sqlx::query_scalar(concat!(
        "update contacts set archived_at = app_clock(), updated_at = app_clock(), version = version + 1
         where id in (select c.id ",
        to_archive!(),
        " order by c.id limit $1 for no key update of c skip locked) returning id"
    ))
    .bind(BATCH)
    .fetch_all(tx.conn())
    .await?;
    let mut changes = Changes::by(Actor::Worker);
    for id in &done {
        changes.event("contact.archived", *id, Some(ContactId(*id))).entry(
            "contact.archive",
            *id,
            None,
        );
    }
    if !done.is_empty() {
        changes.append(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(done.len() as u64)
}

/// Whose time is over, and why not, as far as it shows now.
async fn over(tx: &mut TenantTx, after: Uuid) -> Result<Vec<(ContactId, Option<Spared>)>, Error> {
    let tenant = tenants::store::find(tx).await?.ok_or(Error::Unreadable("tenants.id"))?;
    let rows: Vec<(ContactId, Option<String>)> = sqlx::query_as(
        "select c.id, case
             when exists (select from legal_holds h where (h.contact_id = c.id or h.contact_id is null) and h.released_at is null)
                 then 'legal_hold'
             when exists (select from calls k where k.contact_id = c.id and k.state in ('reserved', 'dialling', 'in_progress'))
                 then 'call_under_way'
             when exists (select from attempts a where a.contact_id = c.id
                 and a.state in ('reserved', 'dialling', 'unknown', 'placed', 'ended')) then 'dial_unsettled'
             end
         from contacts c
         where c.id > $1 and c.erased_at is null
           and least(c.archived_at, c.deleted_at) < app_clock() - make_interval(months => $2)
         order by c.id limit $3",
    )
    .bind(after)
    .bind(i32::try_from(tenant.policy.retention_months).unwrap_or(i32::MAX))
    .bind(LOOK)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(id, why)| (id, why.as_deref().and_then(Spared::from_word))).collect())
}

async fn erase_one(
    db: &Db,
    journal: &Journal,
    tenant: TenantId,
    id: ContactId,
) -> Result<Option<Spared>, Error> {
    let mut tx = db.tenant(tenant).await?;
    let mut changes = Changes::by(Actor::Worker);
    match erase::erase_outside_the_index(&mut tx, id, &mut changes).await? {
        Err(why) => Ok(Some(why)),
        Ok(_) => {
            let at = tenants::store::now(&mut tx).await?;
            changes.append(&mut tx).await?;
            journal.append(&[Entry::Erased { tenant, id, at }]);
            tx.commit().await?;
            Ok(None)
        }
    }
}
