//! Where changes meet the planning of calls: the only place that knows it.
//!
//! Each function runs in the transaction of the change, after the change was written and before the audit entry, and
//! adds what it does to the same changes. The contact's planned calls are locked already (`contacts::store::lock`).

use shared::appointments::Appointment;
use shared::crypto::EqualityHashes;
use shared::ids::{AppointmentId, ContactId};

use crate::app::Work;
use crate::http::Problem;

/// A change that planning must know of.
#[derive(Debug, Clone, Copy)]
#[expect(dead_code, reason = "what planning reads of it once it is wired here")]
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
    AppointmentDeleted(ContactId, AppointmentId),
    /// Number, zone, channel or consent changed: look at the planned calls again.
    ContactChanged(ContactId),
    /// Gone: withdraw everything.
    ContactDeleted(ContactId),
    /// Numbers must not be called: withdraw every planned call to them, whoever's.
    NumbersBlocked(&'a [EqualityHashes]),
    /// Numbers may be called again.
    NumbersAllowed(&'a [EqualityHashes]),
}

/// Tells planning of a change.
pub(crate) async fn tell(work: &mut Work, change: Planned<'_>) -> Result<(), Problem> {
    tracing::debug!(tenant.id = %work.tx.tenant(), change = ?std::mem::discriminant(&change), "planning was told");
    Ok(())
}
