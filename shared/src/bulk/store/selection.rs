//! SQL of whom a bulk change is about.

use uuid::Uuid;

use crate::bulk::Chosen;
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, ContactId, JobId};

/// Keeps whom a job is about.
///
/// # Errors
/// Any [`Error`].
pub async fn store(tx: &mut TenantTx, job: JobId, chosen: &[Chosen]) -> Result<(), Error> {
    sqlx::query("insert into job_selections (tenant_id, job_id, contacts, appointments) values (tid(), $1, $2, $3)")
        .bind(job)
        .bind(chosen.iter().map(|one| one.contact.0).collect::<Vec<_>>())
        .bind(chosen.iter().map(|one| one.appointment.map(|id| id.0)).collect::<Vec<_>>())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// How many a job is about; `None` before its selection was evaluated.
///
/// # Errors
/// Any [`Error`].
pub async fn evaluated(tx: &mut TenantTx, job: JobId) -> Result<Option<u64>, Error> {
    let count: Option<i32> =
        sqlx::query_scalar("select cardinality(contacts) from job_selections where job_id = $1")
            .bind(job)
            .fetch_optional(tx.conn())
            .await?;
    Ok(count.map(|count| u64::from(count.unsigned_abs())))
}

/// Those after the first `after`, at most `most`.
///
/// # Errors
/// Any [`Error`].
pub async fn slice(
    tx: &mut TenantTx,
    job: JobId,
    after: usize,
    most: usize,
) -> Result<Vec<Chosen>, Error> {
    let bound = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let rows: Vec<(Uuid, Option<Uuid>)> = sqlx::query_as(
        "select u.c, u.a from job_selections s, unnest(s.contacts[$2:$3], s.appointments[$2:$3]) with ordinality u (c, a, n)
         where s.job_id = $1 order by u.n",
    )
    .bind(job)
    .bind(bound(after.saturating_add(1)))
    .bind(bound(after.saturating_add(most)))
    .fetch_all(tx.conn())
    .await?;
    let chosen = |(contact, appointment): (Uuid, Option<Uuid>)| Chosen {
        contact: ContactId(contact),
        appointment: appointment.map(AppointmentId),
    };
    Ok(rows.into_iter().map(chosen).collect())
}
