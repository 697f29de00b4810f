//! Where changes meet the planning of calls: the only place that knows it.
//!
//! Each function runs in the transaction of the change, after the change was written and before the audit entry, and
//! adds what it does to the same changes. The contact's planned calls are locked already (`contacts::store::lock`).

use shared::appointments::Appointment;
use shared::calls::plan;
use shared::calls::rules::snapshot::AppointmentStatus;
use shared::calls::store::plan::Withdraw;
use shared::crypto::EqualityHashes;
use shared::ids::{AppointmentId, ContactId};

use crate::app::Work;
use crate::http::Problem;

/// A change that planning must know of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Planned<'a> {
    /// An appointment was made: plan its reminder.
    AppointmentCreated(&'a Appointment),
    /// Moved. A real move begins a new round: withdraw what was planned, plan anew. A small one moves due and deadline.
    AppointmentMoved { appointment: &'a Appointment, real: bool },
    /// Details that a plan depends on changed: lead time or priority.
    AppointmentChanged(&'a Appointment),
    /// The status was set by hand: confirmed or cancelled withdraws, pending or rescheduled plans.
    AppointmentStatus(&'a Appointment),
    /// Gone: withdraw.
    AppointmentDeleted(AppointmentId),
    /// Number, zone, channel or consent changed: look at the planned calls again.
    ContactChanged(ContactId),
    /// Gone: withdraw everything.
    ContactDeleted(ContactId),
    /// Out of the way: withdraw everything.
    ContactArchived(ContactId),
    /// Back again: plan the reminders of its open appointments.
    ContactUnarchived(ContactId),
    /// Numbers must not be called: withdraw every planned call to them, whoever's.
    NumbersBlocked(&'a [EqualityHashes]),
    /// Hours, limits, zone or closed dates changed: what waited for the old ones is looked at again.
    TenantChanged,
}

/// Tells planning of a change.
pub(crate) async fn tell(work: &mut Work, change: Planned<'_>) -> Result<(), Problem> {
    let Work { tx, now, changes, .. } = work;
    match change {
        Planned::AppointmentCreated(appointment) | Planned::AppointmentChanged(appointment) => {
            plan::plan_appointment(tx, appointment.id, changes).await?;
        }
        Planned::AppointmentMoved { appointment, real } => {
            if real {
                let what = Withdraw::Appointment(appointment.id);
                plan::withdraw(tx, what, "appointment_moved", *now, changes).await?;
            }
            plan::plan_appointment(tx, appointment.id, changes).await?;
        }
        Planned::AppointmentStatus(appointment) => match appointment.status {
            AppointmentStatus::Pending | AppointmentStatus::Rescheduled => {
                plan::plan_appointment(tx, appointment.id, changes).await?;
            }
            AppointmentStatus::Confirmed | AppointmentStatus::Cancelled => {
                let what = Withdraw::Appointment(appointment.id);
                plan::withdraw(tx, what, "appointment_settled", *now, changes).await?;
            }
        },
        Planned::AppointmentDeleted(appointment) => {
            let what = Withdraw::Appointment(appointment);
            plan::withdraw(tx, what, "appointment_deleted", *now, changes).await?;
        }
        Planned::ContactArchived(contact) => {
            let what = Withdraw::Contact(contact);
            plan::withdraw(tx, what, "contact_archived", *now, changes).await?;
        }
        Planned::ContactChanged(contact) | Planned::ContactUnarchived(contact) => {
            plan::replan_contact(tx, contact, *now, changes).await?;
        }
        Planned::ContactDeleted(contact) => {
            let what = Withdraw::Contact(contact);
            plan::withdraw(tx, what, "contact_deleted", *now, changes).await?;
        }
        Planned::NumbersBlocked(numbers) => {
            let hashes: Vec<_> = numbers.iter().flat_map(EqualityHashes::iter).collect();
            let hashes: Vec<&[u8]> = hashes.iter().map(|hash| &hash.as_bytes()[..]).collect();
            plan::withdraw_numbers(tx, &hashes, None, *now, changes).await?;
        }
        Planned::TenantChanged => plan::look_at_tenant_again(tx, *now).await?,
    }
    Ok(())
}
