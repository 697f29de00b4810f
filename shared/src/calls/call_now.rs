//! *Call now*: it skips nothing, it only goes first.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::explain::{Explanation, explain};
use super::plan::{day_purpose, reminder_purpose};
use super::rules::planning::{CALL_NOW_PATIENCE, Clocks, Patience, PlannedNow, plan_call_now};
use super::rules::verdict::Decision;
use super::store::explain::{Scene, scene};
use super::store::plan::{self as store, NewCall, open_appointment};
use super::store::{CallRow, day_start, tenancy};
use crate::audit::Changes;
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, CallId, ContactId};

/// What pressing *call now* came to.
#[derive(Debug)]
pub enum Pressed {
    /// The call is in front. `new`: it was not planned before.
    InFront {
        /// The call.
        call: CallId,
        /// It was not planned before.
        new: bool,
        /// When it will be dialled.
        expected: Option<DateTime<Utc>>,
    },
    /// A dial for the same purpose is under way: this is it.
    UnderWay {
        /// The call.
        call: CallId,
    },
    /// It can't go out within ten minutes, and nobody asked to wait: nothing was changed.
    NotNow(Box<Explanation>),
    /// The tenant has no such contact.
    NoContact,
}

/// A call now that may be made.
pub(super) struct Prospect {
    pub(super) row: CallRow,
    appointment: Option<AppointmentId>,
    purpose: String,
    times: PlannedNow,
    priority: i16,
}

/// What a call now of `contact` would be. One that comes too late today is still explained: its deadline is now.
pub(super) async fn prospect(
    tx: &mut TenantTx,
    scene: &Scene,
    contact: ContactId,
    wait: bool,
) -> Result<Option<Prospect>, Error> {
    let now = scene.now;
    let appointment = open_appointment(tx, contact, now).await?;
    let empty = BTreeSet::new();
    let clocks = Clocks {
        policy: &scene.tenant.policy,
        tenant_zone: scene.tenant.zone,
        // Only the tenant's own close matters for the deadline; the contact's hours are a check of their own.
        contact_zone: scene.tenant.zone,
        closed_dates: if scene.tenant.closed_dates.is_empty() {
            &empty
        } else {
            &scene.tenant.closed_dates
        },
    };
    let patience = if wait { Patience::UntilDeadline } else { Patience::Minutes };
    let times =
        plan_call_now(now, appointment.map(|a| a.at), patience, &clocks).unwrap_or_else(|_| {
            let times = super::rules::planning::Planned {
                earliest: now,
                due: now,
                deadline: now,
                eligible_at: now,
            };
            PlannedNow { times, in_front_until: now }
        });
    let purpose = match appointment {
        Some(appointment) => reminder_purpose(appointment.id, appointment.round),
        None => day_purpose(now.with_timezone(&scene.tenant.zone).date_naive()),
    };
    let row = store::prospective(
        tx,
        contact,
        appointment.map(|a| a.id),
        &purpose,
        times.times.deadline,
        now,
        day_start(now, scene.tenant.zone),
    )
    .await?;
    let priority = appointment.map_or(0, |a| a.priority);
    Ok(row.map(|row| Prospect {
        row,
        appointment: appointment.map(|a| a.id),
        purpose,
        times,
        priority,
    }))
}

/// Presses *call now* for a contact: takes over its open call for the purpose, with its attempts, or makes one.
///
/// `wait`: stay in front until the deadline, however far away that is.
///
/// # Errors
/// Any [`Error`].
pub async fn press(
    tx: &mut TenantTx,
    contact: ContactId,
    wait: bool,
    changes: &mut Changes,
) -> Result<Pressed, Error> {
    tenancy::lock(tx).await?;
    let Some(scene) = scene(tx).await? else { return Ok(Pressed::NoContact) };
    let Some(prospect) = prospect(tx, &scene, contact, wait).await? else {
        return Ok(Pressed::NoContact);
    };
    if let Some(call) = store::under_way(tx, contact, &prospect.purpose).await? {
        return Ok(Pressed::UnderWay { call });
    }
    let explanation = explain(&scene, &prospect.row, Some(0))?;
    let soon = explanation.expected.is_some_and(|at| at <= scene.now + CALL_NOW_PATIENCE);
    let possible = match explanation.decision {
        Decision::Dial => true,
        Decision::Defer { .. } | Decision::Hold { .. } => {
            soon || (wait && explanation.expected.is_some())
        }
        Decision::Refuse { .. } => false,
    };
    if !possible {
        return Ok(Pressed::NotNow(Box::new(explanation)));
    }
    let call = NewCall {
        id: CallId::new(),
        contact,
        appointment: prospect.appointment,
        kind: "call_now",
        purpose: &prospect.purpose,
        times: prospect.times.times,
        warn_at: prospect.times.times.deadline,
        priority: prospect.priority,
        front_until: Some(prospect.times.in_front_until),
    };
    let fronted = store::front(tx, scene.now, &call).await?;
    if fronted.under_way {
        return Ok(Pressed::UnderWay { call: fronted.id });
    }
    changes.event("call.in_front", fronted.id.0, Some(contact)).entry(
        "call.press_now",
        fronted.id.0,
        None,
    );
    Ok(Pressed::InFront { call: fronted.id, new: fronted.new, expected: explanation.expected })
}
