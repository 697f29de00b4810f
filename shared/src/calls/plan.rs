//! Planning a call: what the API does for staff, and settling for a contact who moves an appointment.
//!
//! Each function is part of its caller's transaction and adds to its caller's [`Changes`]; what it plans or withdraws
//! wakes the tenant by trigger.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;

use super::rules::planning::{Clocks, PlanInput, Planned, last_chance, plan_reminder};
use super::store::plan::{self as store, NewCall, Withdraw};
use super::store::{consequences, zone};
use crate::audit::Changes;
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, CallId, ContactId};
use crate::tenants::Tenant;

/// A planned call is given so much time after it is due before staff are warned that it waits.
const PATIENCE: Duration = Duration::minutes(10);

/// What planning came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reminder {
    /// A reminder is planned.
    Planned {
        /// The call.
        call: CallId,
        /// When it is wanted.
        times: Planned,
    },
    /// A call about it is under way, and will be settled.
    UnderWay,
    /// No calling time is left; the contact is flagged, staff are told.
    TooLate,
    /// None is wanted: the appointment is confirmed, cancelled or gone.
    NotNeeded,
}

/// What a reminder is for. A real move of the appointment begins a new round, with a fresh count of attempts.
pub fn reminder_purpose(appointment: AppointmentId, round: i32) -> String {
    format!("appointment:{appointment}:{round}")
}

/// What a *call now* about no appointment is for: the tenant's local day.
pub fn day_purpose(day: NaiveDate) -> String {
    format!("day:{day}")
}

/// Plans the reminder of an appointment, or moves the one that is planned.
///
/// # Errors
/// Any [`Error`].
pub async fn plan_appointment(
    tx: &mut TenantTx,
    appointment: AppointmentId,
    changes: &mut Changes,
) -> Result<Reminder, Error> {
    let Some(facts) = store::facts(tx, appointment).await? else { return Ok(Reminder::NotNeeded) };
    if !facts.contact_live
        || !matches!(facts.status.as_str(), "pending" | "rescheduled")
        || facts.at <= facts.now
    {
        return Ok(Reminder::NotNeeded);
    }
    let closed: BTreeSet<NaiveDate> = facts.closed_dates.iter().copied().collect();
    let clocks = Clocks {
        policy: &facts.policy.0,
        tenant_zone: zone(&facts.tenant_zone)?,
        contact_zone: zone(&facts.contact_zone)?,
        closed_dates: &closed,
    };
    let planned = plan_reminder(&PlanInput {
        now: facts.now,
        booked_at: facts.booked_at,
        appointment_at: facts.at,
        call_before_hours: facts.call_before_hours.try_into().unwrap_or(1),
        clocks,
        // The low half of an id is random, and stays the same however often its reminder is planned.
        spread: appointment.0.as_u64_pair().1,
    });
    let Ok(times) = planned else {
        // What was planned before goes by times that no longer hold.
        let gone = store::withdraw_reminder(tx, appointment, "too_late_to_call", facts.now).await?;
        tell_withdrawn(&gone, changes);
        consequences::flag(
            tx,
            facts.contact_id,
            Some(appointment),
            None,
            "too_late_to_call",
            facts.now,
        )
        .await?;
        changes.event("contact.flagged", facts.contact_id.0, Some(facts.contact_id));
        return Ok(Reminder::TooLate);
    };
    let purpose = reminder_purpose(appointment, facts.round);
    let call = NewCall {
        id: CallId::new(),
        contact: facts.contact_id,
        appointment: Some(appointment),
        kind: "reminder",
        purpose: &purpose,
        times,
        warn_at: warn_at(times.due, times.deadline, &clocks),
        priority: facts.priority,
        front_until: None,
    };
    let Some(id) = store::plan(tx, facts.now, &call, facts.at).await? else {
        return Ok(Reminder::UnderWay);
    };
    store::clear_plan_flags(tx, appointment, facts.now).await?;
    changes.event("call.planned", id.0, Some(facts.contact_id)).entry("call.plan", id.0, None);
    flag_shared_number(tx, &facts.number_eq, facts.now, &clocks, changes).await?;
    Ok(Reminder::Planned { call: id, times })
}

/// An appointment that was made in this transaction, for which nothing is planned yet.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Whose.
    pub contact: ContactId,
    /// Where they live, by the clock.
    pub contact_zone: Tz,
    /// Their number, as a hash.
    pub number_eq: Vec<u8>,
    /// When it is.
    pub at: DateTime<Utc>,
    /// So long before it the reminder is due.
    pub call_before_hours: u16,
    /// 0 normal, 1 high, 2 urgent.
    pub priority: i16,
}

/// Plans the reminders of appointments that are new, pending, and of contacts who may be called: what [`plan_appointment`] does
/// for each, with a few statements for all of them.
///
/// # Errors
/// Any [`Error`].
pub async fn plan_fresh(
    tx: &mut TenantTx,
    tenant: &Tenant,
    now: DateTime<Utc>,
    fresh: &[Fresh],
    changes: &mut Changes,
) -> Result<(), Error> {
    if fresh.is_empty() {
        return Ok(());
    }
    let closed: BTreeSet<NaiveDate> = store::closed_dates(tx).await?.into_iter().collect();
    let clocks = |of: &Fresh| Clocks {
        policy: &tenant.policy,
        tenant_zone: tenant.zone,
        contact_zone: of.contact_zone,
        closed_dates: &closed,
    };
    let (mut planned, mut too_late) = (Vec::with_capacity(fresh.len()), Vec::new());
    for of in fresh.iter().filter(|of| of.at > now) {
        let clocks = clocks(of);
        let times = plan_reminder(&PlanInput {
            now,
            booked_at: now,
            appointment_at: of.at,
            call_before_hours: of.call_before_hours.into(),
            clocks,
            spread: of.appointment.0.as_u64_pair().1,
        });
        let Ok(times) = times else {
            too_late.push((of.contact, of.appointment));
            changes.event("contact.flagged", of.contact.0, Some(of.contact));
            continue;
        };
        let id = CallId::new();
        let warn_at = warn_at(times.due, times.deadline, &clocks);
        planned.push(store::FreshCall {
            id,
            of,
            purpose: reminder_purpose(of.appointment, 1),
            times,
            warn_at,
        });
        changes.event("call.planned", id.0, Some(of.contact)).entry("call.plan", id.0, None);
    }
    store::plan_fresh(tx, now, &planned).await?;
    consequences::flag_appointments(tx, &too_late, "too_late_to_call", now).await?;
    let numbers: BTreeSet<&[u8]> = fresh.iter().map(|of| of.number_eq.as_slice()).collect();
    for number in store::shared_numbers(tx, &numbers.into_iter().collect::<Vec<_>>()).await? {
        if let Some(of) = fresh.iter().find(|of| of.number_eq == number) {
            flag_shared_number(tx, &number, now, &clocks(of), changes).await?;
        }
    }
    Ok(())
}

/// When staff are told that a call still waits: two calling hours before the deadline, but not before it was due.
pub fn warn_at(due: DateTime<Utc>, deadline: DateTime<Utc>, clocks: &Clocks<'_>) -> DateTime<Utc> {
    last_chance(deadline, clocks).max(due + PATIENCE).min(deadline)
}

/// Of calls to one number that can't all be made, those with later deadlines are flagged when planned.
async fn flag_shared_number(
    tx: &mut TenantTx,
    number: &[u8],
    now: DateTime<Utc>,
    clocks: &Clocks<'_>,
    changes: &mut Changes,
) -> Result<(), Error> {
    let sharing = store::sharing_number(tx, number).await?;
    if sharing.len() < 2 {
        return Ok(());
    }
    let (gap, calendar) = (clocks.policy.gap(), clocks.calendar());
    let mut free_from = sharing[0].last_dial.map_or(now, |at| at + gap).max(now);
    for call in sharing {
        match calendar.next_open(free_from.max(call.due)) {
            Some(start) if start < call.deadline => free_from = start + gap,
            _ => {
                consequences::flag(
                    tx,
                    call.contact_id,
                    call.appointment_id,
                    Some(call.id),
                    "shared_number",
                    now,
                )
                .await?;
                changes.event("contact.flagged", call.contact_id.0, Some(call.contact_id));
            }
        }
    }
    Ok(())
}

/// Withdraws planned calls, and tells.
///
/// # Errors
/// Any [`Error`].
pub async fn withdraw(
    tx: &mut TenantTx,
    what: Withdraw,
    reason: &str,
    now: DateTime<Utc>,
    changes: &mut Changes,
) -> Result<usize, Error> {
    let gone = store::withdraw(tx, what, reason, now).await?;
    tell_withdrawn(&gone, changes);
    Ok(gone.len())
}

/// Tells of calls that were withdrawn.
pub(crate) fn tell_withdrawn(gone: &[(CallId, ContactId)], changes: &mut Changes) {
    for (call, contact) in gone {
        changes.event("call.withdrawn", call.0, Some(*contact)).entry(
            "call.withdraw",
            call.0,
            None,
        );
    }
}

/// Withdraws all that is planned for numbers that must not be called any more, and flags who has them, but for `but`:
/// whoever said so.
///
/// # Errors
/// Any [`Error`].
pub async fn withdraw_numbers(
    tx: &mut TenantTx,
    numbers: &[&[u8]],
    but: Option<ContactId>,
    now: DateTime<Utc>,
    changes: &mut Changes,
) -> Result<usize, Error> {
    let (gone, flagged) =
        consequences::withdraw_for_numbers(tx, numbers, but, "do_not_call", now).await?;
    tell_withdrawn(&gone, changes);
    for contact in flagged {
        changes.event("contact.flagged", contact.0, Some(contact));
    }
    Ok(gone.len())
}

/// A contact's zone, number, channel or consent changed: its reminders are planned anew, and what was held because of
/// them is looked at again.
///
/// # Errors
/// Any [`Error`].
pub async fn replan_contact(
    tx: &mut TenantTx,
    contact: ContactId,
    now: DateTime<Utc>,
    changes: &mut Changes,
) -> Result<(), Error> {
    for appointment in store::appointments_to_remind(tx, contact, now).await? {
        plan_appointment(tx, appointment, changes).await?;
    }
    store::look_again(tx, contact, now).await
}

/// The tenant's policy, zone or closed dates changed: what waited for the old ones is looked at again.
///
/// # Errors
/// Any [`Error`].
pub async fn look_at_tenant_again(tx: &mut TenantTx, now: DateTime<Utc>) -> Result<(), Error> {
    store::look_at_all_again(tx, now).await
}
