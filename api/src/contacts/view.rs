//! How a contact is shown: the card of a list, which is also the contact by itself.

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;
use shared::appointments::listed::Listed;
use shared::appointments::store::Shown;
use shared::calls::rules::snapshot::{AppointmentStatus, Channel};
use shared::contacts::actions::{Action, Powers, Reason, State, allowed_actions};
pub(super) use shared::contacts::audited;
use shared::contacts::state::CallingState;
use shared::contacts::store::Facts;
use shared::contacts::{Contact, channel_word};
use shared::ids::{ContactId, GroupId};
use shared::tenants::Tenant;

use crate::appointments::AppointmentView;
use crate::auth::{Allowed, EditContacts, Eyes, PlaceCalls};

/// A contact as its tenant's people see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Contact", transform = always_has_an_appointment)]
pub(crate) struct ContactView {
    id: ContactId,
    #[schemars(example = "Ada Example")]
    name: String,
    /// As E.164.
    #[schemars(example = "+447700900123")]
    phone: String,
    #[schemars(example = "ada@example.com")]
    email: Option<String>,
    /// Left out for those who may not see notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Option<String>>,
    /// Where the person lives, by its name in the tz database.
    #[schemars(example = "Europe/London")]
    zone: &'static str,
    /// How the person wishes to be reached.
    #[schemars(with = "Channel")]
    channel: &'static str,
    /// That the person agreed to automated calls.
    consent: Option<ConsentView>,
    /// Out of the way since then: in no list, and not called.
    archived_at: Option<DateTime<Utc>>,
    /// The groups that it is in.
    groups: Vec<GroupId>,
    /// Derived from the contact's calls and flags.
    calling_state: CallingState,
    /// Why staff should look, such as `too_late_to_call`; more may come.
    #[schemars(example = Vec::<String>::new())]
    flags: Vec<String>,
    /// When the next planned call may be dialled at the earliest. In the past: it waits, and `explainCall` says for what.
    next_call_at: Option<DateTime<Utc>>,
    /// When the person was last reached, about anything.
    last_contact_at: Option<DateTime<Utc>>,
    /// Dials that count, about the shown appointment since it was last really moved; 0 if none is shown.
    #[schemars(example = 0)]
    attempts: i64,
    /// The shown one: the next open one, or else the latest. In a search it stands beside the contact, and is left out here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AppointmentView>")]
    appointment: Option<Option<AppointmentView>>,
    /// The next open one.
    next_appointment: Option<AppointmentView>,
    /// What the caller may do now, and why not.
    allowed_actions: Vec<ActionView>,
    /// The version, as in `ETag`.
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Rows of a search, which leave the appointment out, have a schema that requires nothing.
fn always_has_an_appointment(schema: &mut Schema) {
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.push("appointment".into());
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Consent")]
struct ConsentView {
    /// When it was recorded.
    at: DateTime<Utc>,
    /// By whom.
    by: String,
}

/// Something that may be done, or not. Of `call_now` only permission and the contact are asked here: whether it can go out
/// within ten minutes, `explainContact` says.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AllowedAction")]
struct ActionView {
    action: Action,
    allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

/// Who looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer {
    pub(super) eyes: Eyes,
    powers: Powers,
}

impl Viewer {
    /// Whoever asks.
    pub(crate) fn of<P>(by: &Allowed<P>, tenant: &Tenant) -> Self {
        let eyes = by.eyes(tenant);
        let powers = Powers {
            edits: by.may::<EditContacts>(),
            calls: by.may::<PlaceCalls>(),
            sees_notes: eyes.notes,
            sees_sensitive: eyes.sensitive_types,
        };
        Self { eyes, powers }
    }
}

/// What many cards are built with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) viewer: Viewer,
    pub(super) now: DateTime<Utc>,
    pub(super) listed: &'a Listed,
}

impl ContactView {
    /// A contact where it stands. `usual` is its next open appointment, or else the latest.
    pub(super) fn new(
        contact: &Contact,
        facts: Facts,
        shown: Option<&Shown>,
        usual: Option<&Shown>,
        frame: Frame<'_>,
    ) -> Self {
        let notes = || contact.notes.as_ref().map(|notes| notes.as_str().to_owned());
        let consent = contact.consent.as_ref();
        let appointment = |shown: &Shown| {
            let of = &shown.appointment;
            AppointmentView::new(of, contact.zone, frame.viewer.eyes, frame.listed)
        };
        let is_next = |shown: &&Shown| {
            let of = &shown.appointment;
            of.status != AppointmentStatus::Cancelled && of.at > frame.now
        };
        let actions = allowed_actions(
            frame.viewer.powers,
            State {
                archived: contact.archived_at.is_some(),
                flags: &facts.standing.flags,
                appointment: shown.map(|shown| &shown.appointment),
                now: frame.now,
            },
        );
        let action = |(action, reason): (Action, Option<Reason>)| ActionView {
            action,
            allowed: reason.is_none(),
            reason,
        };
        Self {
            id: contact.id,
            name: contact.name.as_str().to_owned(),
            phone: contact.phone.as_str().to_owned(),
            email: contact.email.as_ref().map(|email| email.as_str().to_owned()),
            notes: frame.viewer.eyes.notes.then(notes),
            zone: contact.zone.name(),
            channel: channel_word(contact.channel),
            consent: consent.map(|c| ConsentView { at: c.at, by: c.by.clone() }),
            archived_at: contact.archived_at,
            groups: facts.groups,
            calling_state: facts.standing.state(),
            flags: facts.standing.flags,
            next_call_at: facts.next_call_at,
            last_contact_at: facts.last_contact_at,
            attempts: shown.map_or(0, |shown| shown.attempts),
            next_appointment: usual.filter(is_next).map(appointment),
            appointment: Some(shown.map(appointment)),
            allowed_actions: actions.into_iter().map(action).collect(),
            version: contact.version,
            created_at: contact.created_at,
            updated_at: contact.updated_at,
        }
    }
}

impl ContactView {
    /// Takes the shown appointment out, for an answer in which it stands beside the contact.
    pub(super) fn take_appointment(&mut self) -> Option<AppointmentView> {
        self.appointment.take().flatten()
    }
}
