//! Making a contact, with its first appointment if one is given.

use axum::extract::State;
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::acknowledgements::How;
use shared::acknowledgements::MOST_VERSION;
use shared::calls::rules::snapshot::Channel;
use shared::contacts::email::EmailAddress;
use shared::contacts::name::PersonName;
use shared::contacts::phone::PhoneNumber;
use shared::contacts::store::Opened;
use shared::contacts::text::MOST_NOTES;
use shared::contacts::{Consent, Contact, store};
use shared::crypto::ContactField;

use super::acknowledgements::{note_consent, note_phi, text_version};
use super::view::{Viewer, audited};
use super::{ContactView, MOST_NUMBER, MOST_ZONE, cards, fields};
use crate::app::{App, Begun, Work};
use crate::appointments::{Booking, Lists, NewAppointment, Warning, book};
use crate::auth::{Allowed, EditContacts};
use crate::http::contract::Operation;
use crate::http::{Created, Fields, Kind, Post, Problem, Reply, Versioned};
use crate::phi::{self, Screened};

/// A contact as a client sends it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewContact {
    /// Letters of any script, spaces, hyphens, apostrophes, full stops.
    #[schemars(length(min = 2, max = 200), example = "Ada Example")]
    name: String,
    /// As people write it; stored as E.164. Refused by kind unless the policy accepts it.
    #[schemars(length(max = MOST_NUMBER), example = "07700 900123")]
    phone: String,
    /// Where the person is written to.
    #[schemars(length(max = 254), example = "ada@example.com")]
    email: Option<String>,
    /// For staff only, never sent to the voice provider.
    #[schemars(length(max = MOST_NOTES), example = "Prefers mornings")]
    notes: Option<String>,
    /// What was found in the notes stands there knowingly, and is acknowledged by whoever sends this.
    #[serde(default)]
    acknowledge_phi_in_notes: bool,
    /// Where the person lives, by its name in the tz database; the tenant's unless given.
    #[schemars(length(max = MOST_ZONE), example = "Europe/London")]
    zone: Option<String>,
    /// How the person wishes to be reached; `voice` unless given.
    #[schemars(with = "Option<Channel>")]
    channel: Option<String>,
    /// The person agreed to automated calls.
    #[serde(default)]
    consent: bool,
    /// How the person did so; with `consent` only.
    consent_how: Option<How>,
    /// Which version of a text the person was told; with `consent` only.
    #[schemars(length(min = 1, max = MOST_VERSION))]
    consent_text_version: Option<String>,
    /// Another contact may have the same address.
    #[serde(default)]
    allow_duplicate_email: bool,
    /// The first appointment: both are made, or neither.
    appointment: Option<NewAppointment>,
}

struct Read {
    name: PersonName,
    phone: PhoneNumber,
    email: Option<EmailAddress>,
    notes: Option<Screened>,
    zone: Tz,
    channel: Channel,
    consent_text: Option<String>,
    booking: Option<Booking>,
}

/// What was made, and what staff may want to know about it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NewContactMade")]
pub(super) struct Made {
    #[serde(flatten)]
    contact: ContactView,
    /// What staff may want to know.
    warnings: Vec<Warning>,
}

impl NewContact {
    fn read(&self, work: &mut Work) -> Result<Read, Problem> {
        let (tenant, now) = (&work.tenant, work.now);
        let mut found = Fields::default();
        let name = fields::name(&mut found, &self.name);
        let phone = fields::phone(&mut found, "phone", &self.phone, tenant);
        let email = fields::optional(self.email.as_deref(), |raw| fields::email(&mut found, raw));
        let acknowledged = self.acknowledge_phi_in_notes;
        let notes = fields::optional(self.notes.as_deref(), |raw| {
            phi::notes(&mut found, raw, acknowledged, None)
        });
        let zone = fields::optional(self.zone.as_deref(), |raw| fields::zone(&mut found, raw));
        let channel =
            fields::optional(self.channel.as_deref(), |raw| fields::channel(&mut found, raw));
        let consent_text =
            text_version(&mut found, "consent_text_version", self.consent_text_version.as_deref());
        for (field, given) in [
            ("consent_how", self.consent_how.is_some()),
            ("consent_text_version", self.consent_text_version.is_some()),
        ] {
            if given && !self.consent {
                found.fault(field, "not_wanted", "goes with consent only");
            }
        }
        let booking = match &self.appointment {
            None => Some(None),
            Some(new) => {
                found.below("/appointment", |found| new.read(found, tenant, now)).map(Some)
            }
        };
        let read = (|| {
            Some(Read {
                name: name?,
                phone: phone?,
                email: email?,
                notes: notes?,
                zone: zone?.unwrap_or(work.tenant.zone),
                channel: channel?.unwrap_or(Channel::Voice),
                consent_text: consent_text?,
                booking: booking?,
            })
        })();
        found.finish_in(work, read)
    }
}

pub(super) const CREATE: Operation = Operation::new("createContact", "Make a contact")
    .says("With its first appointment if `appointment` is given. `warnings` tells what is allowed and may yet be a mistake.")
    .fails(&[Kind::EmailTaken]);

/// Makes a contact. Answers 409 `email-taken` naming the contact that has the address, unless the request allows it.
pub(super) async fn create(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Post { body, once }: Post<NewContact>,
) -> Result<Reply<Versioned<Created<Made>>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let read = body.read(&mut work)?;
    let knowingly = read.notes.as_ref().is_some_and(|screened| screened.acknowledged);
    let contact = Contact {
        email: read.email,
        notes: read.notes.map(|screened| screened.notes),
        channel: read.channel,
        consent: body.consent.then(|| Consent { at: work.now, by: work.actor.to_string() }),
        ..Contact::new(read.name, read.phone, read.zone, work.now)
    };
    if !body.allow_duplicate_email {
        refuse_taken_email(&mut work, &contact).await?;
    }
    let lists = match &read.booking {
        None => Lists::default(),
        Some(booking) => {
            let (kind, location) = (booking.kind.as_ref(), booking.location.as_ref());
            let lists = Lists::read(&mut work.tx, kind, location).await?;
            lists.check_type(kind, &work.tenant.policy, "/appointment/type")?;
            lists
        }
    };
    let key = store::insert(&mut work.tx, &work.keys, &contact).await?;
    work.changes.event("contact.created", contact.id.0, Some(contact.id));
    let values = serde_json::json!({ "after": audited(&contact) }).to_string();
    let place = ContactField::AuditValues { entry: contact.id.0 };
    let sealed = key.seal(place, values.as_bytes())?;
    work.changes.entry("contact.create", contact.id.0, Some(sealed));

    let after = (None, contact.consent.as_ref());
    note_consent(&mut work, &key, contact.id, after, body.consent_how, read.consent_text).await?;
    note_phi(&mut work, &key, contact.id, knowingly).await?;

    let mut warnings = Vec::new();
    if let Some(booking) = read.booking {
        let (phone, at) = (&contact.phone, booking.at);
        let twins =
            store::with_phone_and_time(&mut work.tx, &work.keys, phone, at, contact.id).await?;
        let (_, told) = book(&mut work, &key, contact.id, booking, &lists).await?;
        warnings = Warning::possible_duplicate(twins).into_iter().chain(told).collect();
    }
    let viewer = Viewer::of(&by, &work.tenant);
    let opened = Opened { contact, key };
    let view = cards::view(&mut work, viewer, &opened).await?;
    let (id, version) = (opened.contact.id, opened.contact.version);
    let reply = Reply::created(format!("/v1/contacts/{id}"), &Made { contact: view, warnings })?;
    work.commit(&app, reply.with_version(version)).await
}

/// Refuses an address that another live contact has, and keeps others from taking it meanwhile.
pub(super) async fn refuse_taken_email(work: &mut Work, contact: &Contact) -> Result<(), Problem> {
    let Some(email) = &contact.email else { return Ok(()) };
    store::lock_email(&mut work.tx, &work.keys, email).await?;
    let taken = store::with_email(&mut work.tx, &work.keys, email, contact.id).await?;
    match taken {
        None => Ok(()),
        Some(other) => Err(Problem::Conflict {
            kind: Kind::EmailTaken,
            detail: "another contact has this e-mail address".to_owned(),
            more: Some(("contact_id", other.to_string().into())),
        }),
    }
}
