//! Changing, moving, cancelling and deleting an appointment.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::appointments::{Appointment, ConfirmedBy, Priority, audited, store};
use shared::calls::rules::snapshot::AppointmentStatus;
use shared::contacts::store::Opened;
use shared::contacts::text::MOST_VOICE_TEXT;
use shared::ids::{AppointmentId, ContactId};
use shared::screening::Place;

use super::fields::{
    DURATION_MINUTES, LEAD_HOURS, MOST_LOCATION, MOST_PERSON, MOST_TIME, MOST_TYPE, When, label,
};
use super::lists::Lists;
use super::view::{AppointmentView, Made};
use super::{NOUN, entry};
use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, EditContacts, Eyes};
use crate::contacts::MOST_ZONE;
use crate::http::contract::Operation;
use crate::http::{
    Body, Empty, Fields, IfMatch, Path, Post, Problem, Reply, Shown, Versioned, present,
};
use crate::phi::{self, Asked};
use crate::planning::{self, Planned};

pub(crate) const MOST_REASON: usize = 500;

/// The answer that shows an appointment as it stands now.
type ChangedReply = Reply<Versioned<Shown<Made>>>;

/// What changes: a field that is absent stays, `null` clears one that may be empty. Times change by moving.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AppointmentPatch")]
pub(super) struct Patch {
    /// So long before the appointment its reminder is due.
    #[schemars(range(min = 1, max = 168), example = 48)]
    call_before_hours: Option<i64>,
    /// How long it takes.
    #[schemars(range(min = 5, max = 480))]
    #[serde(default, deserialize_with = "present")]
    duration_minutes: Option<Option<i64>>,
    /// What kind of appointment.
    #[schemars(length(max = MOST_TYPE))]
    #[serde(default, deserialize_with = "present")]
    r#type: Option<Option<String>>,
    /// With whom.
    #[schemars(length(max = MOST_PERSON))]
    #[serde(default, deserialize_with = "present")]
    owner_name: Option<Option<String>>,
    /// At which business.
    #[schemars(length(max = MOST_PERSON))]
    #[serde(default, deserialize_with = "present")]
    company_name: Option<Option<String>>,
    /// Where.
    #[schemars(length(max = MOST_LOCATION))]
    #[serde(default, deserialize_with = "present")]
    location: Option<Option<String>>,
    /// What the voice may say besides.
    #[schemars(length(max = MOST_VOICE_TEXT))]
    #[serde(default, deserialize_with = "present")]
    voice_text: Option<Option<String>>,
    /// The more important go first.
    priority: Option<Priority>,
    /// The status, by hand.
    status: Option<AppointmentStatus>,
    /// For people; only with a status.
    #[schemars(length(min = 1, max = MOST_REASON))]
    status_reason: Option<String>,
    /// What was found in `status_reason` stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
    /// How it was confirmed; only with status `confirmed`.
    confirmed_by: Option<ConfirmedBy>,
}

impl Patch {
    fn apply(&self, to: &mut Appointment, work: &mut Work) -> Result<(), Problem> {
        let mut fields = Fields::default();
        if let Some(hours) = self.call_before_hours
            && let Some(hours) = fields.within("call_before_hours", hours, LEAD_HOURS)
        {
            to.call_before_hours = hours;
        }
        if let Some(minutes) = self.duration_minutes {
            to.duration_minutes =
                minutes.and_then(|m| fields.within("duration_minutes", m, DURATION_MINUTES));
        }
        for (raw, field, most, slot) in [
            (&self.r#type, "type", MOST_TYPE, &mut to.kind),
            (&self.owner_name, "owner_name", MOST_PERSON, &mut to.owner_name),
            (&self.company_name, "company_name", MOST_PERSON, &mut to.company_name),
            (&self.location, "location", MOST_LOCATION, &mut to.location),
        ] {
            if let Some(raw) = raw {
                *slot = label(&mut fields, field, raw.as_deref(), most).flatten();
            }
        }
        if let Some(raw) = &self.voice_text {
            let kept = to.voice_text.take();
            let raw = raw.as_deref();
            to.voice_text = raw.and_then(|raw| phi::voice_text(&mut fields, raw, kept.as_ref()));
        }
        to.priority = self.priority.unwrap_or(to.priority);
        self.apply_status(&mut fields, to, work.now);
        fields.finish_in(work, Some(()))
    }

    fn apply_status(
        &self,
        fields: &mut Fields,
        to: &mut Appointment,
        now: chrono::DateTime<chrono::Utc>,
    ) {
        let reason = self.status_reason.as_deref();
        let reason = reason.and_then(|raw| {
            let stops = self.status == Some(AppointmentStatus::Cancelled);
            let how = How { known: self.acknowledge_phi, stops };
            why(fields, ("status_reason", raw), to.status_reason.as_deref(), how)
        });
        if self.confirmed_by.is_some() && self.status != Some(AppointmentStatus::Confirmed) {
            fields.fault("confirmed_by", "not_wanted", "goes with status confirmed only");
        }
        match self.status {
            Some(status) => to.set_status(status, reason, self.confirmed_by, now),
            None if self.status_reason.is_some() => {
                fields.fault("status_reason", "not_wanted", "goes with a status only");
            }
            None => {}
        }
    }
}

pub(super) const PATCH: Operation =
    Operation::new("changeAppointment", "Change an appointment").says(
        "Details, or the status by hand. A field that is absent stays, `null` clears one that may be empty. Times change \
         by moving.",
    );

/// Changes details, or the status by hand.
pub(super) async fn patch(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(ids): Path<(ContactId, AppointmentId)>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<ChangedReply, Problem> {
    let mut work = app.change(&by).await?;
    let eyes = by.eyes(&work.tenant);
    let (opened, before) = lock(&mut work, ids, version).await?;
    let mut after = before.clone();
    patch.apply(&mut after, &mut work)?;
    let lists = of_lists(&mut work, &after).await?;
    if after.kind != before.kind {
        lists.check_type(after.kind.as_ref(), &work.tenant.policy, "/type")?;
    }
    if after == before {
        return show(&opened, &after, eyes, &lists);
    }
    save(&mut work, &opened, &before, &mut after, "appointment.change").await?;
    if patch.status.is_some() {
        planning::tell(&mut work, Planned::AppointmentStatus(&after)).await?;
    } else if (after.call_before_hours, after.priority)
        != (before.call_before_hours, before.priority)
    {
        planning::tell(&mut work, Planned::AppointmentChanged(&after)).await?;
    }
    work.commit(&app, show(&opened, &after, eyes, &lists)?).await
}

/// Where an appointment is moved to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AppointmentMove")]
pub(super) struct Move {
    /// RFC 3339 with an offset.
    #[schemars(length(max = MOST_TIME), example = "2036-03-10T09:30:00Z")]
    at: Option<String>,
    /// On the wall of `zone`, in place of `at`.
    #[schemars(length(max = MOST_TIME))]
    local_time: Option<String>,
    /// The tenant's unless given.
    #[schemars(length(max = MOST_ZONE))]
    zone: Option<String>,
}

pub(super) const MOVE: Operation = Operation::new("moveAppointment", "Move an appointment").says(
    "By two hours or more, or to another day where the contact lives, it becomes `rescheduled` and its reminder is \
     planned anew. By less it keeps status, count and call.",
);

/// Moves an appointment. By two hours or more, or to another day, it is planned anew.
pub(super) async fn move_to(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(ids): Path<(ContactId, AppointmentId)>,
    version: IfMatch,
    Post { body, once }: Post<Move>,
) -> Result<ChangedReply, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let eyes = by.eyes(&work.tenant);
    let (opened, before) = lock(&mut work, ids, version).await?;
    let mut fields = Fields::default();
    let when = When { at: &body.at, local_time: &body.local_time, zone: &body.zone };
    let at = when.read(&mut fields, &work.tenant, work.now);
    let at = fields.finish(at)?;
    let mut after = before.clone();
    let real = after.move_to(at, opened.contact.zone, work.now);
    let lists = of_lists(&mut work, &after).await?;
    if after == before {
        return show(&opened, &after, eyes, &lists);
    }
    save(&mut work, &opened, &before, &mut after, "appointment.change").await?;
    planning::tell(&mut work, Planned::AppointmentMoved { appointment: &after, real }).await?;
    work.commit(&app, show(&opened, &after, eyes, &lists)?).await
}

/// Why an appointment is cancelled.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AppointmentCancellation")]
pub(super) struct Cancel {
    /// For people.
    #[schemars(length(min = 1, max = MOST_REASON), example = "Is travelling")]
    reason: Option<String>,
    /// What was found in `reason` stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
}

pub(super) const CANCEL: Operation = Operation::new("cancelAppointment", "Cancel an appointment")
    .says("Withdraws its planned calls.");

/// Cancels an appointment, and withdraws its planned calls.
pub(super) async fn cancel(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(ids): Path<(ContactId, AppointmentId)>,
    version: IfMatch,
    Post { body, once }: Post<Cancel>,
) -> Result<ChangedReply, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let eyes = by.eyes(&work.tenant);
    let (opened, before) = lock(&mut work, ids, version).await?;
    let mut fields = Fields::default();
    let reason = body.reason.as_deref();
    let kept = before.status_reason.as_deref();
    let how = How { known: body.acknowledge_phi, stops: true };
    let reason = reason.and_then(|raw| why(&mut fields, ("reason", raw), kept, how));
    fields.finish_in(&mut work, Some(()))?;
    let mut after = before.clone();
    after.set_status(AppointmentStatus::Cancelled, reason, None, work.now);
    let lists = of_lists(&mut work, &after).await?;
    if after == before {
        return show(&opened, &after, eyes, &lists);
    }
    save(&mut work, &opened, &before, &mut after, "appointment.change").await?;
    planning::tell(&mut work, Planned::AppointmentStatus(&after)).await?;
    work.commit(&app, show(&opened, &after, eyes, &lists)?).await
}

pub(super) const DELETE: Operation = Operation::new("deleteAppointment", "Delete an appointment")
    .says("Withdraws its planned calls.");

/// Deletes an appointment, and withdraws its planned calls.
pub(super) async fn delete(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(ids): Path<(ContactId, AppointmentId)>,
    version: IfMatch,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    let (opened, before) = lock(&mut work, ids, version).await?;
    store::delete(&mut work.tx, before.id, work.now).await?;
    planning::tell(&mut work, Planned::AppointmentDeleted(before.id)).await?;
    work.changes.event("appointment.deleted", before.id.0, Some(before.contact));
    let values = serde_json::json!({ "before": audited(&before) });
    entry(&mut work, &opened.key, "appointment.delete", &before, &values)?;
    work.commit(&app, Reply::empty()).await
}

/// How a status is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    /// What is found in its reason stands there knowingly.
    pub(crate) known: bool,
    /// It stops calls.
    pub(crate) stops: bool,
}

/// Why a status is set, screened unless it is what is `kept`; or its faults noted.
pub(crate) fn why(
    fields: &mut Fields,
    (field, raw): (&str, &str),
    kept: Option<&str>,
    how: How,
) -> Option<String> {
    let text = fields.text(field, raw, MOST_REASON)?;
    let asked = Asked { place: Place::StatusReason, field, raw };
    let kept = kept == Some(&text);
    if how.stops {
        asked.stands(fields, kept, how.known);
        return Some(text);
    }
    asked.may_stand(fields, kept, how.known).then_some(text)
}

/// The contact, locked, and its appointment in the version that was read. The contact's lock guards its appointments.
pub(super) async fn lock(
    work: &mut Work,
    (contact, id): (ContactId, AppointmentId),
    version: IfMatch,
) -> Result<(Opened, Appointment), Problem> {
    let found = shared::contacts::store::lock(&mut work.tx, &work.keys, contact).await?;
    let opened = found.ok_or(Problem::NotFound(crate::contacts::NOUN))?;
    let found = store::find(&mut work.tx, &opened.key, id).await?;
    let appointment = found.ok_or(Problem::NotFound(NOUN))?;
    version.check(appointment.version)?;
    work.now = shared::tenants::store::now(&mut work.tx).await?;
    Ok((opened, appointment))
}

/// Stores what changed, and tells. `action` is the word of the audit chain.
pub(super) async fn save(
    work: &mut Work,
    opened: &Opened,
    before: &Appointment,
    after: &mut Appointment,
    action: &'static str,
) -> Result<(), Problem> {
    after.version += 1;
    after.updated_at = work.now;
    store::update(&mut work.tx, &opened.key, after).await?;
    work.changes.event("appointment.changed", after.id.0, Some(after.contact));
    let values = serde_json::json!({ "before": audited(before), "after": audited(after) });
    entry(work, &opened.key, action, after, &values)
}

/// The lists that the appointment names something of.
async fn of_lists(work: &mut Work, of: &Appointment) -> Result<Lists, Problem> {
    Lists::read(&mut work.tx, of.kind.as_ref(), of.location.as_ref()).await
}

fn show(
    opened: &Opened,
    appointment: &Appointment,
    eyes: Eyes,
    lists: &Lists,
) -> Result<ChangedReply, Problem> {
    let view = AppointmentView::new(appointment, opened.contact.zone, eyes, &lists.listed());
    let made = Made { appointment: view, warnings: lists.warnings(appointment) };
    Ok(Reply::ok(&made)?.with_version(appointment.version))
}
