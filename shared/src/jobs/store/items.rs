//! SQL of what became of each thing that a job touched.

use uuid::Uuid;

use crate::db::{Error, TenantTx};
use crate::ids::{ContactId, JobId};

/// What became of one row or contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it was to be.
    Done,
    /// Nothing was to be done.
    Skipped,
    /// It could not be done.
    Failed,
}

impl Outcome {
    /// The word kept in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its place in the job, from 1 on.
    pub n: i64,
    /// Whom it is about.
    pub contact: Option<ContactId>,
    /// What was made or changed, if not the contact itself.
    pub thing: Option<Uuid>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why: a word of ours.
    pub code: Option<&'static str>,
    /// What taking it back puts there again: ids and words that stand in clear with contacts too.
    pub before: Option<serde_json::Value>,
    /// The version of what was changed, afterwards. Of an import the contact's; none if the contact stayed as it was.
    pub version: Option<i32>,
    /// Of an import: the version of `thing`, afterwards.
    pub thing_version: Option<i32>,
    /// What it was before, sealed under the contact's key ([`crate::crypto::ContactField::BeforeJob`]): it ends with it.
    pub before_sealed: Option<Vec<u8>>,
}

impl Item {
    /// Nothing was made or changed yet.
    pub fn new(
        n: i64,
        contact: Option<ContactId>,
        outcome: Outcome,
        code: Option<&'static str>,
    ) -> Self {
        Self {
            n,
            contact,
            thing: None,
            outcome,
            code,
            before: None,
            version: None,
            thing_version: None,
            before_sealed: None,
        }
    }
}

/// Notes what became of some, in the transaction that did it. What is noted already stays.
///
/// # Errors
/// Any [`Error`].
pub async fn insert(tx: &mut TenantTx, job: JobId, items: &[Item]) -> Result<(), Error> {
    if items.is_empty() {
        return Ok(());
    }
    tx.plan_as_usual().await?;
    let column = |of: fn(&Item) -> Option<Uuid>| items.iter().map(of).collect::<Vec<_>>();
    sqlx::query(
        "insert into job_items (tenant_id, job_id, n, contact_id, thing, outcome, code, before, version,
             thing_version, before_sealed)
         select tid(), $1, u.* from unnest($2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::jsonb[], $8::int[],
             $9::int[], $10::bytea[]) u
         on conflict (tenant_id, job_id, n) do nothing",
    )
    .bind(job)
    .bind(items.iter().map(|item| item.n).collect::<Vec<_>>())
    .bind(column(|item| item.contact.map(|id| id.0)))
    .bind(column(|item| item.thing))
    .bind(items.iter().map(|item| item.outcome.as_str()).collect::<Vec<_>>())
    .bind(items.iter().map(|item| item.code).collect::<Vec<_>>())
    .bind(items.iter().map(|item| item.before.clone()).collect::<Vec<_>>())
    .bind(items.iter().map(|item| item.version).collect::<Vec<_>>())
    .bind(items.iter().map(|item| item.thing_version).collect::<Vec<_>>())
    .bind(items.iter().map(|item| item.before_sealed.as_deref()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A noted one.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Noted {
    /// Its place in the job.
    pub n: i64,
    /// Whom it is about.
    pub contact_id: Option<ContactId>,
    /// What was made or changed, if not the contact itself.
    pub thing: Option<Uuid>,
    /// What became of it: a word of [`Outcome`].
    pub outcome: String,
    /// Why.
    pub code: Option<String>,
    /// What it was before.
    pub before: Option<serde_json::Value>,
    /// The version afterwards.
    pub version: Option<i32>,
    /// Of an import: the version of `thing` afterwards.
    pub thing_version: Option<i32>,
    /// What it was before, sealed under the contact's key.
    pub before_sealed: Option<Vec<u8>>,
}

/// The noted ones after place `after`, in order, at most `most`; those of one outcome, if it is given.
///
/// # Errors
/// Any [`Error`].
pub async fn after(
    tx: &mut TenantTx,
    job: JobId,
    after: i64,
    outcome: Option<Outcome>,
    most: i64,
) -> Result<Vec<Noted>, Error> {
    Ok(sqlx::query_as(
        "select n, contact_id, thing, outcome, code, before, version, thing_version, before_sealed from job_items
         where job_id = $1 and n > $2 and ($3::text is null or outcome = $3) order by n limit $4",
    )
    .bind(job)
    .bind(after)
    .bind(outcome.map(Outcome::as_str))
    .bind(most)
    .fetch_all(tx.conn())
    .await?)
}

/// Of the contacts that a job made, those about whom somebody has changed something since: a live appointment that is not as the job left
/// it. Of all, or of those named.
///
/// # Errors
/// Any [`Error`].
pub async fn made_and_edited(
    tx: &mut TenantTx,
    job: JobId,
    contacts: Option<&[ContactId]>,
) -> Result<Vec<ContactId>, Error> {
    Ok(sqlx::query_scalar(
        "select distinct a.contact_id from appointments a
         left join job_items o on o.job_id = $1 and o.thing = a.id and o.thing_version = a.version
         where a.contact_id in (select contact_id from job_items where job_id = $1 and code = 'created'
                 and ($2::uuid[] is null or contact_id = any ($2)))
             and a.deleted_at is null and o.thing is null",
    )
    .bind(job)
    .bind(contacts)
    .fetch_all(tx.conn())
    .await?)
}

/// How many were done, and how many of those somebody has changed since: what taking the job back would spare.
///
/// # Errors
/// Any [`Error`].
pub async fn to_undo(tx: &mut TenantTx, job: JobId) -> Result<(u64, u64), Error> {
    let edited = made_and_edited(tx, job, None).await?;
    let (done, changed): (i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where case
             when i.thing_version is null then i.version <> (case when i.thing is null then c.version else p.version end)
                 or p.deleted_at is not null
             else (i.version is not null and (i.version <> c.version or c.deleted_at is not null))
                 or p.version is distinct from i.thing_version or p.deleted_at is not null
                 or i.code = 'created' and i.contact_id = any ($2) end)
         from job_items i
         left join appointments p on p.id = i.thing
         left join contacts c on c.id = i.contact_id
         where i.job_id = $1 and i.outcome = 'done'",
    )
    .bind(job)
    .bind(edited)
    .fetch_one(tx.conn())
    .await?;
    Ok((done.unsigned_abs(), changed.unsigned_abs()))
}
