//! SQL of erasing one contact.

use crate::audit::Changes;
use crate::book;
use crate::calls::plan;
use crate::calls::store::plan::Withdraw;
use crate::db::{Error, TenantTx};
use crate::ids::ContactId;
use crate::retention::{Erased, Spared};
use crate::tenants::store::now;

/// After so many days no rule asks any more which number was dialled.
const ASKED_FOR_DAYS: i32 = 35;

/// Destroys a contact's key, and takes away whatever stands open about the person. What is planned is withdrawn. Adds what it
/// did to `changes`; the caller appends them last. What stays: ids, times, how calls ended, entries of the audit chain, whose
/// details nobody can open any more, and the do-not-call list, which is the number's and under the tenant's key.
///
/// # Errors
/// Any [`Error`].
pub async fn erase(
    tx: &mut TenantTx,
    id: ContactId,
    changes: &mut Changes,
) -> Result<Result<Erased, Spared>, Error> {
    let done = erase_outside_the_index(tx, id, changes).await?;
    if done.is_ok() {
        // Its words lie in the index, folded, under the tenant's key.
        book::store::forget(tx).await?;
    }
    Ok(done)
}

/// As [`erase`], but what lies in the blocks of the search stays there until [`book::store::forget_erased`] is called: once for
/// many. Nobody finds it: contacts that changed since the blocks were made are read from their rows.
///
/// # Errors
/// Any [`Error`].
pub async fn erase_outside_the_index(
    tx: &mut TenantTx,
    id: ContactId,
    changes: &mut Changes,
) -> Result<Result<Erased, Spared>, Error> {
    for statement in [
        // Whoever places a hold on everybody holds this, so that it comes before or after.
        "select from tenants where $1::uuid is not null for share",
        "select from calls where contact_id = $1 and state in ('planned', 'reserved', 'dialling', 'in_progress')
         order by id for no key update",
        "select from contacts where id = $1 for no key update",
    ] {
        sqlx::query(statement).bind(id).execute(tx.conn()).await?;
    }
    if let Some(why) = spared(tx, id).await? {
        return Ok(Err(why));
    }
    let now = now(tx).await?;
    plan::withdraw(tx, Withdraw::Contact(id), "contact_deleted", now, changes).await?;
    let done = destroy(tx, id).await?;
    changes.event("contact.erased", id.0, Some(id)).entry("contact.erase", id.0, None);
    Ok(Ok(done))
}

/// Why the contact may not be erased now. Its rows are locked.
async fn spared(tx: &mut TenantTx, id: ContactId) -> Result<Option<Spared>, Error> {
    let (held, under_way, unsettled): (bool, bool, bool) = sqlx::query_as(
        "select exists (select from legal_holds where (contact_id = $1 or contact_id is null) and released_at is null),
             exists (select from calls where contact_id = $1 and state in ('reserved', 'dialling', 'in_progress')),
             exists (select from attempts where contact_id = $1
                 and state in ('reserved', 'dialling', 'unknown', 'placed', 'ended'))",
    )
    .bind(id)
    .fetch_one(tx.conn())
    .await?;
    Ok(if held {
        Some(Spared::LegalHold)
    } else if under_way {
        Some(Spared::CallUnderWay)
    } else if unsettled {
        Some(Spared::DialUnsettled)
    } else {
        None
    })
}

/// Takes away what is sealed and what is open. Doing it again changes nothing.
pub(super) async fn destroy(tx: &mut TenantTx, id: ContactId) -> Result<Erased, Error> {
    let count = async |tx: &mut TenantTx, statement: &'static str| -> Result<u64, Error> {
        Ok(sqlx::query(statement).bind(id).execute(tx.conn()).await?.rows_affected())
    };
    let conversations = count(
        tx,
        "delete from transcripts where attempt_id in (select id from attempts where contact_id = $1)",
    )
    .await?;
    let appointments = count(
        tx,
        "update appointments set voice_text = null, status_reason = null, status_reason_sealed = null, owner_name = null,
             company_name = null, location = null, type = null, attendance = null, attendance_by = null, attendance_at = null,
             deleted_at = coalesce(deleted_at, app_clock()), updated_at = app_clock(), version = version + 1
         where contact_id = $1",
    )
    .await?;
    let groups = count(tx, "delete from group_members where contact_id = $1").await?;
    count(
        tx,
        "update flags set cleared_at = app_clock() where contact_id = $1 and cleared_at is null",
    )
    .await?;
    // What taking a job back would put there again.
    count(tx, "update job_items set before = null where contact_id = $1 and before is not null")
        .await?;
    // Numbers that were dialled lately are compared for others who have them: the gap and the week are the number's.
    let dials: u64 = sqlx::query(
        "update attempts set number_eq = uuid_send(gen_random_uuid())
         where contact_id = $1 and dialled_at < app_clock() - make_interval(days => $2)",
    )
    .bind(id)
    .bind(ASKED_FOR_DAYS)
    .execute(tx.conn())
    .await?
    .rows_affected();
    // A hash of nothing: it is like no other.
    count(
        tx,
        "update contacts set key_wrapped = null, name = null, phone = null, email = null, notes = null, email_eq = null,
             phone_eq = uuid_send(gen_random_uuid()), consent_at = null, consent_by = null,
             deleted_at = coalesce(deleted_at, app_clock()), erased_at = app_clock(), updated_at = app_clock(),
             version = version + 1
         where id = $1 and erased_at is null",
    )
    .await?;
    Ok(Erased { appointments, conversations, dials, groups })
}

/// Dials of erased contacts that were too young to be forgotten with them.
pub(super) async fn forget_old_numbers(tx: &mut TenantTx) -> Result<(), Error> {
    sqlx::query(
        "update attempts a set number_eq = uuid_send(gen_random_uuid()) from contacts c
         where c.id = a.contact_id and c.erased_at > app_clock() - make_interval(days => $1 * 2)
           and c.erased_at > a.dialled_at
           and a.dialled_at < app_clock() - make_interval(days => $1)
           and c.erased_at < a.dialled_at + make_interval(days => $1)",
    )
    .bind(ASKED_FOR_DAYS)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether there is such a contact, deleted or not, that was not erased.
///
/// # Errors
/// Any [`Error`].
pub async fn is_there(tx: &mut TenantTx, id: ContactId) -> Result<bool, Error> {
    let known = "select exists (select from contacts where id = $1 and erased_at is null)";
    Ok(sqlx::query_scalar(known).bind(id).fetch_one(tx.conn()).await?)
}
