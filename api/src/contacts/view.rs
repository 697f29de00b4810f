//! How a contact is shown.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::appointments::Appointment;
use shared::calls::rules::snapshot::Channel;
use shared::contacts::state::{CallingState, Standing};
use shared::contacts::{Contact, channel_word};
use shared::ids::ContactId;

use crate::appointments::AppointmentView;

/// A contact as its tenant's people see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Contact")]
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
    /// Derived from the contact's calls and flags.
    calling_state: CallingState,
    /// Why staff should look, such as `too_late_to_call`; more may come.
    #[schemars(example = Vec::<String>::new())]
    flags: Vec<String>,
    /// The next open one.
    next_appointment: Option<AppointmentView>,
    /// The version, as in `ETag`.
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Consent")]
struct ConsentView {
    /// When it was recorded.
    at: DateTime<Utc>,
    /// By whom.
    by: String,
}

impl ContactView {
    /// A contact where it stands.
    pub(crate) fn new(
        contact: &Contact,
        standing: &Standing,
        next: Option<&Appointment>,
        sees_notes: bool,
    ) -> Self {
        let notes = contact.notes.as_ref().map(|notes| notes.as_str().to_owned());
        let consent = contact.consent.as_ref();
        Self {
            id: contact.id,
            name: contact.name.as_str().to_owned(),
            phone: contact.phone.as_str().to_owned(),
            email: contact.email.as_ref().map(|email| email.as_str().to_owned()),
            notes: sees_notes.then_some(notes),
            zone: contact.zone.name(),
            channel: channel_word(contact.channel),
            consent: consent.map(|c| ConsentView { at: c.at, by: c.by.clone() }),
            calling_state: standing.state(),
            flags: standing.flags.clone(),
            next_appointment: next.map(|next| AppointmentView::new(next, contact.zone, sees_notes)),
            version: contact.version,
            created_at: contact.created_at,
            updated_at: contact.updated_at,
        }
    }
}

/// Values of a contact for the audit chain: all that people can change, to be sealed.
pub(super) fn audited(contact: &Contact) -> serde_json::Value {
    serde_json::json!({
        "name": contact.name.as_str(),
        "phone": contact.phone.as_str(),
        "email": contact.email.as_ref().map(|email| email.as_str()),
        "notes": contact.notes.as_ref().map(|notes| notes.as_str()),
        "zone": contact.zone.name(),
        "channel": channel_word(contact.channel),
        "consent_at": contact.consent.as_ref().map(|consent| consent.at),
    })
}
