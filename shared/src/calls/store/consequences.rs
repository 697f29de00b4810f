//! SQL of what follows from an outcome: for its call, its appointment, the number, and whoever else has that number.

use chrono::{DateTime, Utc};

use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, AttemptId, CallId, ContactId, DoNotCallId};

/// What becomes of a call after an attempt.
#[derive(Debug, Clone, Copy)]
pub enum CallNext<'a> {
    /// Over, with this outcome.
    Settled {
        /// Its outcome.
        outcome: &'a str,
    },
    /// Planned again, wanted at this instant.
    Again {
        /// The outcome of the attempt.
        outcome: &'a str,
        /// When.
        at: DateTime<Utc>,
        /// When staff are told if it still waits.
        warn_at: DateTime<Utc>,
    },
    /// Planned again after a dial that was not placed.
    Retry {
        /// Not before.
        at: DateTime<Utc>,
    },
}

/// What was decided of an attempt is decided anew: its call is under way again, and what was reserved instead is given
/// back. A younger attempt whose request was sent stays as it is.
///
/// # Errors
/// Any [`Error`].
pub async fn call_is_under_way_after_all(
    tx: &mut TenantTx,
    call: CallId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "select attempt_release(id, $2, 'reserved') from attempts where call_id = $1 and state = 'reserved'",
    )
    .bind(call)
    .bind(now)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "update calls set state = 'in_progress', is_due = false, retry_at = null, not_placed = 0, updated_at = $2 \
         where id = $1 and state = 'planned'",
    )
    .bind(call)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes what becomes of a call. Guarded: only a call that is under way moves on; one that is planned again, since its
/// attempt was unknown for long, can still be settled by that attempt.
///
/// # Errors
/// Any [`Error`].
pub async fn move_call(
    tx: &mut TenantTx,
    call: CallId,
    now: DateTime<Utc>,
    next: CallNext<'_>,
) -> Result<bool, Error> {
    let done = match next {
        CallNext::Settled { outcome } => {
            sqlx::query(
                "update calls set state = 'settled', outcome = $3, settled_at = $2, updated_at = $2, front = false, \
                 is_due = false where id = $1 and state in ('dialling', 'in_progress', 'reserved', 'planned')",
            )
            .bind(call)
            .bind(now)
            .bind(outcome)
            .execute(tx.conn())
            .await?
        }
        CallNext::Again { outcome, at, warn_at } => {
            sqlx::query(
                "update calls set state = 'planned', outcome = $3, due = $4, earliest = least($4, deadline), eligible_at = $4, \
                 is_due = false, front = false, front_until = null, retry_at = null, not_placed = 0, warn_at = $5, \
                 updated_at = $2 where id = $1 and state in ('dialling', 'in_progress', 'reserved')",
            )
            .bind(call)
            .bind(now)
            .bind(outcome)
            .bind(at)
            .bind(warn_at)
            .execute(tx.conn())
            .await?
        }
        CallNext::Retry { at } => {
            sqlx::query(
                "update calls set state = 'planned', retry_at = $3, eligible_at = $3, is_due = false, \
                 not_placed = not_placed + 1, updated_at = $2 where id = $1 and state in ('dialling', 'in_progress', 'reserved')",
            )
            .bind(call)
            .bind(now)
            .bind(at)
            .execute(tx.conn())
            .await?
        }
    };
    Ok(done.rows_affected() == 1)
}

/// A conversation about an appointment took place. Its status follows unless staff settled it meanwhile: then `false`.
///
/// # Errors
/// Any [`Error`].
pub async fn move_appointment(
    tx: &mut TenantTx,
    appointment: AppointmentId,
    now: DateTime<Utc>,
    status: Option<&str>,
    new_time: Option<DateTime<Utc>>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "update appointments set last_contact_at = $2, updated_at = $2, version = version + 1, \
             status = case when status in ('pending', 'rescheduled') then coalesce($3, status) else status end, \
             confirmed_by = case when status in ('pending', 'rescheduled') and $3 = 'confirmed' then 'voice' else confirmed_by end, \
             confirmed_at = case when status in ('pending', 'rescheduled') and $3 = 'confirmed' then $2 else confirmed_at end, \
             booked_at = case when status in ('pending', 'rescheduled') and $4::timestamptz is not null then $2 else booked_at end, \
             round = case when status in ('pending', 'rescheduled') and $4::timestamptz is not null then round + 1 else round end, \
             at = case when status in ('pending', 'rescheduled') then coalesce($4, at) else at end \
         where id = $1 and deleted_at is null \
         returning status = coalesce($3, status)",
    )
    .bind(appointment)
    .bind(now)
    .bind(status)
    .bind(new_time)
    .fetch_optional(tx.conn())
    .await?;
    Ok(done.is_some_and(|row| sqlx::Row::get::<Option<bool>, _>(&row, 0).unwrap_or(false)))
}

/// Tells staff. Once for each call and reason; about no call, once for each contact, appointment and reason.
///
/// # Errors
/// Any [`Error`].
pub async fn flag(
    tx: &mut TenantTx,
    contact: ContactId,
    appointment: Option<AppointmentId>,
    call: Option<CallId>,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into flags (tenant_id, id, contact_id, appointment_id, call_id, reason, raised_at) \
         values (tid(), gen_random_uuid(), $1, $2, $3, $4, $5) on conflict do nothing",
    )
    .bind(contact)
    .bind(appointment)
    .bind(call)
    .bind(reason)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Flags contacts about their appointments, for people to look at. What is flagged so already stays.
///
/// # Errors
/// Any [`Error`].
pub async fn flag_appointments(
    tx: &mut TenantTx,
    which: &[(ContactId, AppointmentId)],
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if which.is_empty() {
        return Ok(());
    }
    let (contacts, appointments): (Vec<ContactId>, Vec<AppointmentId>) =
        which.iter().copied().unzip();
    sqlx::query(
        "insert into flags (tenant_id, id, contact_id, appointment_id, reason, raised_at) \
         select tid(), gen_random_uuid(), u.*, $3, $4 from unnest($1::uuid[], $2::uuid[]) u on conflict do nothing",
    )
    .bind(contacts)
    .bind(appointments)
    .bind(reason)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The provider says that the number doesn't exist, or that a stranger answers it.
///
/// # Errors
/// Any [`Error`].
pub async fn mark_number_bad(
    tx: &mut TenantTx,
    number: &[u8],
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("insert into bad_numbers (tenant_id, number_eq, at, reason) values (tid(), $1, $2, $3) on conflict do nothing")
        .bind(number)
        .bind(now)
        .bind(reason)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Puts a number on the do-not-call list because its owner said so; `sealed` is the number for the list.
///
/// # Errors
/// Any [`Error`].
pub async fn opt_out(
    tx: &mut TenantTx,
    id: DoNotCallId,
    number: &[u8],
    sealed: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into do_not_call (tenant_id, id, number, number_eq, source, reason, added_by, added_at) \
         values (tid(), $1, $2, $3, 'call', 'opted out in a call', 'provider', $4) on conflict do nothing",
    )
    .bind(id)
    .bind(sealed)
    .bind(number)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Withdraws all that is planned for numbers, and flags the contacts that have them, except `but`. Returns the calls,
/// and the contacts that were flagged.
///
/// # Errors
/// Any [`Error`].
pub async fn withdraw_for_numbers(
    tx: &mut TenantTx,
    numbers: &[&[u8]],
    but: Option<ContactId>,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(Vec<(CallId, ContactId)>, Vec<ContactId>), Error> {
    let gone = sqlx::query_as(
        "update calls set state = 'withdrawn', ended_reason = $2, settled_at = $3, updated_at = $3, is_due = false, \
             front = false where id in (select k.id from calls k where k.state = 'planned' \
             and k.contact_id in (select c.id from contacts c where c.phone_eq = any ($1)) order by k.id for update) \
         returning id, contact_id",
    )
    .bind(numbers)
    .bind(reason)
    .bind(now)
    .fetch_all(tx.conn())
    .await?;
    let flagged = sqlx::query_scalar(
        "insert into flags (tenant_id, id, contact_id, reason, raised_at) \
         select tenant_id, gen_random_uuid(), id, $2, $3 from contacts \
         where phone_eq = any ($1) and deleted_at is null and id is distinct from $4 \
           and not exists (select from flags f where f.contact_id = contacts.id and f.reason = $2 and f.cleared_at is null) \
         on conflict do nothing returning contact_id",
    )
    .bind(numbers)
    .bind(reason)
    .bind(now)
    .bind(but)
    .fetch_all(tx.conn())
    .await?;
    Ok((gone, flagged))
}

/// Keeps what the policy lets us keep of a conversation, sealed.
///
/// # Errors
/// Any [`Error`].
pub async fn keep_conversation(
    tx: &mut TenantTx,
    attempt: AttemptId,
    transcript: Option<&[u8]>,
    recording: Option<&[u8]>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into transcripts (tenant_id, attempt_id, transcript, recording_url, stored_at) values (tid(), $1, $2, $3, $4) \
         on conflict (tenant_id, attempt_id) do update set transcript = coalesce(excluded.transcript, transcripts.transcript), \
             recording_url = coalesce(excluded.recording_url, transcripts.recording_url)",
    )
    .bind(attempt)
    .bind(transcript)
    .bind(recording)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}
