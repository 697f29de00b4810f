//! *Call now*: it skips nothing, it only goes first.

use chrono::{DateTime, Utc};

use super::explain::{Explanation, explain};
use super::plan::{day_purpose, reminder_purpose};
use super::rules::hours::HORIZON;
use super::rules::planning::{Clocks, Patience, PlannedNow, plan_call_now};
use super::rules::verdict::Decision;
use super::store::dial::facts;
use super::store::explain::{Scene, scene};
use super::store::front::{self as store, OpenAppointment, OpenCall, open_appointment};
use super::store::plan::NewCall;
use super::store::{CallRow, day_start, tenancy};
use crate::audit::Changes;
use crate::db::{Error, TenantTx};
use crate::ids::{CallId, ContactId};

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
    row: CallRow,
    /// The call that is open for the purpose.
    open: Option<OpenCall>,
    appointment: Option<OpenAppointment>,
    purpose: String,
    /// How many calls are in front of it.
    ahead: u32,
}

impl Prospect {
    /// What the rule says of it, whoever presses and for as long as it takes.
    pub(super) fn explain(&self, scene: &Scene) -> Result<Explanation, Error> {
        explain(scene, &self.row, self.ahead)
    }
}

/// What a call now of `contact` would be. `None`: there is no such contact.
///
/// It is looked at as if it had time until its appointment, or for the days to come: when somebody asks in the evening,
/// the answer is tomorrow morning, not that today is over. [`press`] heeds the deadline that it would really have.
pub(super) async fn prospect(
    tx: &mut TenantTx,
    scene: &Scene,
    contact: ContactId,
) -> Result<Option<Prospect>, Error> {
    let (now, zone) = (scene.now, scene.tenant.zone);
    let appointment = open_appointment(tx, contact, now).await?;
    let purpose = match appointment {
        Some(appointment) => reminder_purpose(appointment.id, appointment.round),
        None => day_purpose(now.with_timezone(&zone).date_naive()),
    };
    let deadline = appointment.map_or(now + HORIZON, |appointment| appointment.at);
    let open = store::open_call(tx, contact, &purpose).await?;
    let row = match open {
        // Its attempts, its wait after a dial that was not placed: all of it is taken over.
        Some(call) => facts(tx, call.id, now, day_start(now, zone)).await?,
        None => {
            let about = appointment.map(|appointment| appointment.id);
            store::prospective(tx, contact, about, &purpose, deadline, now, day_start(now, zone))
                .await?
        }
    };
    let Some(row) = row else { return Ok(None) };
    let ahead = store::fronts_ahead(tx, open.map(|call| call.id), now).await?;
    let deadline = open.map_or(deadline, |call| call.deadline.max(deadline));
    Ok(Some(Prospect { row: row.pressed(deadline), open, appointment, purpose, ahead }))
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
    let Some(prospect) = prospect(tx, &scene, contact).await? else {
        return Ok(Pressed::NoContact);
    };
    if let Some(call) = prospect.open.filter(|call| call.under_way) {
        return Ok(Pressed::UnderWay { call: call.id });
    }
    let explanation = prospect.explain(&scene)?;
    let expected = explanation.expected;
    let Some(times) = acceptable(&scene, &prospect, wait, expected) else {
        return Ok(match prospect.open.filter(|call| call.front) {
            // It is in front already; pressing again changes nothing, and takes nothing away.
            Some(call) if !matches!(explanation.decision, Decision::Refuse { .. }) => {
                Pressed::InFront { call: call.id, new: false, expected }
            }
            _ => Pressed::NotNow(Box::new(explanation)),
        });
    };
    let call = NewCall {
        id: CallId::new(),
        contact,
        appointment: prospect.appointment.map(|appointment| appointment.id),
        kind: "call_now",
        purpose: &prospect.purpose,
        times: times.times,
        warn_at: times.times.deadline,
        priority: prospect.appointment.map_or(0, |appointment| appointment.priority),
        front_until: Some(times.in_front_until),
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
    Ok(Pressed::InFront { call: fronted.id, new: fronted.new, expected })
}

/// How the call goes to the front, if it is expected to go out in time: within ten minutes, or for one that waits,
/// before its deadline.
fn acceptable(
    scene: &Scene,
    prospect: &Prospect,
    wait: bool,
    expected: Option<DateTime<Utc>>,
) -> Option<PlannedNow> {
    let clocks = Clocks {
        policy: &scene.tenant.policy,
        tenant_zone: scene.tenant.zone,
        // Only the tenant's own close matters for the deadline; the contact's hours are a check of their own.
        contact_zone: scene.tenant.zone,
        closed_dates: &scene.tenant.closed_dates,
    };
    let patience = if wait { Patience::UntilDeadline } else { Patience::Minutes };
    let at = prospect.appointment.map(|appointment| appointment.at);
    let mut times = plan_call_now(scene.now, at, patience, &clocks).ok()?;
    if let Some(call) = prospect.open
        && !wait
    {
        // Taken over for minutes only, it keeps the deadline that it had.
        times.in_front_until = times.in_front_until.min(call.deadline);
    }
    (expected? < times.in_front_until).then_some(times)
}
