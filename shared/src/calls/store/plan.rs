//! Planning: calls that are made, moved and withdrawn before anybody dials.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;

use crate::calls::plan::Fresh;
use crate::calls::rules::planning::Planned;
use crate::calls::rules::policy::Policy;
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, CallId, ContactId};

/// What planning a reminder looks at.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct PlanningFacts {
    /// The instant.
    pub now: DateTime<Utc>,
    /// Whose appointment.
    pub contact_id: ContactId,
    /// When it is.
    pub at: DateTime<Utc>,
    /// Its status.
    pub status: String,
    /// Its reminder's lead.
    pub call_before_hours: i32,
    /// When it was made, or last moved.
    pub booked_at: DateTime<Utc>,
    /// How often it was really moved, plus one: each time gets a fresh count of attempts.
    pub round: i32,
    /// 0 normal, 1 high, 2 urgent.
    pub priority: i16,
    /// The contact isn't deleted.
    pub contact_live: bool,
    /// The contact's number, as a hash.
    pub number_eq: Vec<u8>,
    /// The contact's zone.
    pub contact_zone: String,
    /// The tenant's zone.
    pub tenant_zone: String,
    /// The tenant's policy.
    pub policy: Json<Policy>,
    /// The tenant's closed dates.
    pub closed_dates: Vec<NaiveDate>,
}

/// Reads what planning the reminder of `appointment` looks at.
///
/// # Errors
/// Any [`Error`].
pub async fn facts(
    tx: &mut TenantTx,
    appointment: AppointmentId,
) -> Result<Option<PlanningFacts>, Error> {
    Ok(sqlx::query_as("select * from planning_facts($1)")
        .bind(appointment)
        .fetch_optional(tx.conn())
        .await?)
}

/// A call to be planned.
#[derive(Debug, Clone)]
pub struct NewCall<'a> {
    /// Its id, should it be new.
    pub id: CallId,
    /// Who.
    pub contact: ContactId,
    /// What about.
    pub appointment: Option<AppointmentId>,
    /// `reminder` or `call_now`.
    pub kind: &'a str,
    /// What for.
    pub purpose: &'a str,
    /// When.
    pub times: Planned,
    /// Staff are told if it still waits then.
    pub warn_at: DateTime<Utc>,
    /// 0 normal, 1 high, 2 urgent.
    pub priority: i16,
    /// Somebody pressed *call now*: in front until then.
    pub front_until: Option<DateTime<Utc>>,
}

/// Plans a reminder, or moves the one that is planned for the same purpose. `None`: one is under way, and
/// stays; its deadline and its last chance move all the same, for the attempts that follow.
///
/// A call that is in front stays there, but not beyond `appointment_at`; whoever made it, it is a reminder when it is
/// given back. A follow-up keeps its time, and gets the new deadline.
///
/// # Errors
/// Any [`Error`].
pub async fn plan(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    call: &NewCall<'_>,
    appointment_at: DateTime<Utc>,
) -> Result<Option<CallId>, Error> {
    let (id, waits): (CallId, bool) = sqlx::query_as(
        "insert into calls as k (tenant_id, id, contact_id, appointment_id, kind, purpose_key, state, earliest, due, deadline, \
             eligible_at, warn_at, priority, planned_at, updated_at) \
         values (tid(), $1, $2, $3, $4, $5, 'planned', $6, $7, $8, $9, $10, $11, $12, $12) \
         on conflict (tenant_id, contact_id, purpose_key) where state in ('planned', 'reserved', 'dialling', 'in_progress') \
         do update set deadline = case when k.state = 'planned' and k.front \
                 then greatest(excluded.deadline, least(k.front_until, $13)) else excluded.deadline end, \
             warn_at = excluded.warn_at, \
             kind = case when k.state = 'planned' then excluded.kind else k.kind end, \
             appointment_id = case when k.state = 'planned' then excluded.appointment_id else k.appointment_id end, \
             earliest = case when k.state = 'planned' and k.outcome is null then excluded.earliest else k.earliest end, \
             due = case when k.state = 'planned' and k.outcome is null then excluded.due else k.due end, \
             priority = case when k.state = 'planned' then excluded.priority else k.priority end, \
             front_until = case when k.state = 'planned' and k.front then least(k.front_until, $13) else k.front_until end, \
             taken_over = k.taken_over or (k.state = 'planned' and k.front), \
             eligible_at = case when k.state <> 'planned' or k.front or k.outcome is not null then k.eligible_at \
                 else excluded.eligible_at end, \
             is_due = k.is_due and k.state <> 'planned', \
             updated_at = excluded.updated_at, version = k.version + 1 \
         returning id, state = 'planned'",
    )
    .bind(call.id)
    .bind(call.contact)
    .bind(call.appointment)
    .bind(call.kind)
    .bind(call.purpose)
    .bind(call.times.earliest)
    .bind(call.times.due)
    .bind(call.times.deadline)
    .bind(call.times.eligible_at)
    .bind(call.warn_at)
    .bind(call.priority)
    .bind(now)
    .bind(appointment_at)
    .fetch_one(tx.conn())
    .await?;
    Ok(waits.then_some(id))
}

/// A reminder of a new appointment.
#[derive(Debug)]
pub struct FreshCall<'f> {
    /// Its id.
    pub id: CallId,
    /// The appointment.
    pub of: &'f Fresh,
    /// What for.
    pub purpose: String,
    /// When.
    pub times: Planned,
    /// Staff are told if it still waits then.
    pub warn_at: DateTime<Utc>,
}

/// Plans reminders of new appointments, for which nothing can be planned or under way yet.
///
/// # Errors
/// Any [`Error`].
pub async fn plan_fresh(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    calls: &[FreshCall<'_>],
) -> Result<(), Error> {
    if calls.is_empty() {
        return Ok(());
    }
    let times = |of: fn(&FreshCall<'_>) -> DateTime<Utc>| calls.iter().map(of).collect::<Vec<_>>();
    sqlx::query(
        "insert into calls (tenant_id, id, contact_id, appointment_id, kind, purpose_key, state, earliest, due, deadline, \
             eligible_at, warn_at, priority, planned_at, updated_at) \
         select tid(), u.id, u.contact, u.appointment, 'reminder', u.purpose, 'planned', u.earliest, u.due, u.deadline, u.eligible, \
             u.warn, u.priority, $10, $10 \
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[], \
             $8::timestamptz[], $9::timestamptz[], $11::smallint[]) \
             u (id, contact, appointment, purpose, earliest, due, deadline, eligible, warn, priority)",
    )
    .bind(calls.iter().map(|call| call.id).collect::<Vec<_>>())
    .bind(calls.iter().map(|call| call.of.contact).collect::<Vec<_>>())
    .bind(calls.iter().map(|call| call.of.appointment).collect::<Vec<_>>())
    .bind(calls.iter().map(|call| call.purpose.as_str()).collect::<Vec<_>>())
    .bind(times(|call| call.times.earliest))
    .bind(times(|call| call.times.due))
    .bind(times(|call| call.times.deadline))
    .bind(times(|call| call.times.eligible_at))
    .bind(times(|call| call.warn_at))
    .bind(now)
    .bind(calls.iter().map(|call| call.of.priority).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The tenant's closed dates that can still matter.
///
/// # Errors
/// Any [`Error`].
pub async fn closed_dates(tx: &mut TenantTx) -> Result<Vec<NaiveDate>, Error> {
    Ok(sqlx::query_scalar("select date from closed_dates where date >= app_clock()::date - 2")
        .fetch_all(tx.conn())
        .await?)
}

/// Those of the numbers for which more than one call is planned.
///
/// # Errors
/// Any [`Error`].
pub async fn shared_numbers(tx: &mut TenantTx, numbers: &[&[u8]]) -> Result<Vec<Vec<u8>>, Error> {
    Ok(sqlx::query_scalar(
        "select c.phone_eq from contacts c join calls k on k.contact_id = c.id and k.state = 'planned' \
         where c.phone_eq = any ($1) group by c.phone_eq having count(*) > 1",
    )
    .bind(numbers)
    .fetch_all(tx.conn())
    .await?)
}

/// What withdraws a call.
#[derive(Debug, Clone, Copy)]
pub enum Withdraw {
    /// Everything planned about an appointment.
    Appointment(AppointmentId),
    /// Everything planned for a contact.
    Contact(ContactId),
    /// One call.
    Call(CallId),
}

/// Withdraws an appointment's reminder, for which no time is left. Returns the calls.
///
/// A call that somebody has in front stays for its ten minutes, and is not given back to a plan that no longer holds.
///
/// # Errors
/// Any [`Error`].
pub async fn withdraw_reminder(
    tx: &mut TenantTx,
    appointment: AppointmentId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(CallId, ContactId)>, Error> {
    sqlx::query("select release_reservations($1, null, null, $2)")
        .bind(appointment)
        .bind(now)
        .execute(tx.conn())
        .await?;
    sqlx::query("update calls set taken_over = false where state = 'planned' and front and taken_over and appointment_id = $1")
        .bind(appointment)
        .execute(tx.conn())
        .await?;
    Ok(sqlx::query_as(
        "update calls set state = 'withdrawn', ended_reason = $2, settled_at = $3, updated_at = $3, is_due = false \
         where state = 'planned' and not front and appointment_id = $1 returning id, contact_id",
    )
    .bind(appointment)
    .bind(reason)
    .bind(now)
    .fetch_all(tx.conn())
    .await?)
}

/// Takes back what was told of an appointment's earlier plan.
///
/// # Errors
/// Any [`Error`].
pub async fn clear_plan_flags(
    tx: &mut TenantTx,
    appointment: AppointmentId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update flags set cleared_at = $2 where appointment_id = $1 and cleared_at is null \
         and reason in ('too_late_to_call', 'shared_number')",
    )
    .bind(appointment)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Withdraws planned calls, and reserved ones that nobody has claimed. A dial under way is never withdrawn. Returns the calls.
///
/// # Errors
/// Any [`Error`].
pub async fn withdraw(
    tx: &mut TenantTx,
    what: Withdraw,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(CallId, ContactId)>, Error> {
    let (appointment, contact, call) = match what {
        Withdraw::Appointment(id) => (Some(id), None, None),
        Withdraw::Contact(id) => (None, Some(id), None),
        Withdraw::Call(id) => (None, None, Some(id)),
    };
    sqlx::query("select release_reservations($1, $2, $3, $4)")
        .bind(appointment)
        .bind(contact)
        .bind(call)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(sqlx::query_as(
        "update calls set state = 'withdrawn', ended_reason = $4, settled_at = $5, updated_at = $5, is_due = false, front = false \
         where state = 'planned' and (appointment_id = $1 or contact_id = $2 or id = $3) returning id, contact_id",
    )
    .bind(appointment)
    .bind(contact)
    .bind(call)
    .bind(reason)
    .bind(now)
    .fetch_all(tx.conn())
    .await?)
}

/// An open call to one number: what else is planned for it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SharingNumber {
    /// The call.
    pub id: CallId,
    /// Whom it is for.
    pub contact_id: ContactId,
    /// What about.
    pub appointment_id: Option<AppointmentId>,
    /// Wanted at.
    pub due: DateTime<Utc>,
    /// Not dialled at or after.
    pub deadline: DateTime<Utc>,
    /// The last counted dial of the number.
    pub last_dial: Option<DateTime<Utc>>,
}

/// Planned calls to a number, earliest deadline first.
///
/// # Errors
/// Any [`Error`].
pub async fn sharing_number(tx: &mut TenantTx, number: &[u8]) -> Result<Vec<SharingNumber>, Error> {
    Ok(sqlx::query_as(
        // `offset 0` keeps the number first: ordered by deadline, with few wanted, all of a tenant's planned calls would be gone through.
        "select k.id, k.contact_id, k.appointment_id, k.due, k.deadline, \
             (select max(dialled_at) from attempts a where a.number_eq = $1 and a.counts) as last_dial \
         from (select p.* from (select id from contacts where phone_eq = $1 offset 0) c \
                   cross join lateral (select * from calls where contact_id = c.id and state = 'planned' offset 0) p offset 0) k \
         order by k.deadline limit 20",
    )
    .bind(number)
    .fetch_all(tx.conn())
    .await?)
}

/// The contact's appointments ahead whose reminder is planned anew when its zone or number changes: it is planned, it
/// was flagged as too late, or it ended without anybody having been reached, for want of a number that may be called.
///
/// # Errors
/// Any [`Error`].
pub async fn appointments_to_remind(
    tx: &mut TenantTx,
    contact: ContactId,
    now: DateTime<Utc>,
) -> Result<Vec<AppointmentId>, Error> {
    Ok(sqlx::query_scalar(
        "select p.id from appointments p where p.contact_id = $1 and p.at > $2 and p.deleted_at is null \
           and p.status in ('pending', 'rescheduled') \
           and coalesce((select k.state = 'planned' and k.outcome is null \
                   or k.state = 'refused' and k.ended_reason in ('on_do_not_call_list', 'number_bad', 'test_number', \
                       'never_open', 'no_time_before_deadline') \
                   or k.state = 'withdrawn' and k.ended_reason in ('do_not_call', 'too_late_to_call', 'contact_archived') \
                   or k.state = 'settled' and exists (select from attempts a join bad_numbers b on b.number_eq = a.number_eq \
                                                      where a.call_id = k.id) \
               from calls k where k.appointment_id = p.id order by k.planned_at desc, k.id desc limit 1), true) \
         order by p.at",
    )
    .bind(contact)
    .bind(now)
    .fetch_all(tx.conn())
    .await?)
}

/// Calls of a contact that something held are looked at again now.
///
/// # Errors
/// Any [`Error`].
pub async fn look_again(
    tx: &mut TenantTx,
    contact: ContactId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update calls set eligible_at = $2, is_due = false where contact_id = $1 and state = 'planned' \
         and cardinality(blocked) > 0 and eligible_at > $2",
    )
    .bind(contact)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// All of the tenant's calls that something held or deferred are looked at again now: what they wait for may be over.
///
/// # Errors
/// Any [`Error`].
pub async fn look_at_all_again(tx: &mut TenantTx, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query(
        "update calls set eligible_at = $1, is_due = false where state = 'planned' and cardinality(blocked) > 0 \
         and eligible_at > $1",
    )
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}
