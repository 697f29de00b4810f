//! Changing and deleting a contact.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::acknowledgements::{How, MOST_VERSION};
use shared::calls::rules::snapshot::Channel;
use shared::contacts::store::{self, Opened};
use shared::contacts::text::MOST_NOTES;
use shared::contacts::{Consent, Contact};
use shared::crypto::ContactField;
use shared::ids::ContactId;

use super::acknowledgements::{note_consent, note_phi, text_version};
use super::create::refuse_taken_email;
use super::find::ContactReply;
use super::view::{Viewer, audited};
use super::{MOST_NUMBER, MOST_ZONE, NOUN, fields, find};
use crate::app::{App, Work};
use crate::auth::{Allowed, EditContacts};
use crate::http::contract::Operation;
use crate::http::{Body, Empty, Fields, IfMatch, Kind, Path, Problem, Reply, present};
use crate::phi;
use crate::planning::{self, Planned};

/// What changes: a field that is absent stays, `null` clears one that may be empty.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ContactPatch")]
pub(super) struct Patch {
    /// Letters of any script, spaces, hyphens, apostrophes, full stops.
    #[schemars(length(min = 2, max = 200))]
    name: Option<String>,
    /// As people write it.
    #[schemars(length(max = MOST_NUMBER), example = "07700 900124")]
    phone: Option<String>,
    /// Where the person is written to.
    #[serde(default, deserialize_with = "present")]
    #[schemars(length(max = 254))]
    email: Option<Option<String>>,
    /// For staff only.
    #[serde(default, deserialize_with = "present")]
    #[schemars(length(max = MOST_NOTES), example = "Moved to the flat above")]
    notes: Option<Option<String>>,
    /// What was found in the new notes stands there knowingly, and is acknowledged by whoever sends this.
    #[serde(default)]
    acknowledge_phi_in_notes: bool,
    /// Where the person lives, by its name in the tz database.
    #[schemars(length(max = MOST_ZONE))]
    zone: Option<String>,
    /// How the person wishes to be reached.
    #[schemars(with = "Option<Channel>")]
    channel: Option<String>,
    /// The person agreed to automated calls.
    consent: Option<bool>,
    /// How the person agreed, or took it back; only where `consent` changes.
    consent_how: Option<How>,
    /// Which version of a text the person was told; only where `consent` changes.
    #[schemars(length(min = 1, max = MOST_VERSION))]
    consent_text_version: Option<String>,
    /// Another contact may have the same address.
    #[serde(default)]
    allow_duplicate_email: bool,
}

impl Patch {
    fn apply(&self, contact: &mut Contact, work: &mut Work) -> Result<Applied, Problem> {
        let mut found = Fields::default();
        let mut knowingly = false;
        if let Some(name) = self.name.as_deref().and_then(|raw| fields::name(&mut found, raw)) {
            contact.name = name;
        }
        if let Some(raw) = &self.phone
            && let Some(phone) = fields::phone(&mut found, "phone", raw, &work.tenant)
        {
            contact.phone = phone;
        }
        if let Some(raw) = &self.email
            && let Some(email) = fields::optional(raw.as_deref(), |r| fields::email(&mut found, r))
        {
            contact.email = email;
        }
        if let Some(raw) = &self.notes
            && let Some(notes) = fields::optional(raw.as_deref(), |raw| {
                let acknowledged = self.acknowledge_phi_in_notes;
                phi::notes(&mut found, raw, acknowledged, contact.notes.as_ref())
            })
        {
            knowingly = notes.as_ref().is_some_and(|screened| screened.acknowledged);
            contact.notes = notes.map(|screened| screened.notes);
        }
        if let Some(zone) = self.zone.as_deref().and_then(|raw| fields::zone(&mut found, raw)) {
            contact.zone = zone;
        }
        if let Some(channel) =
            self.channel.as_deref().and_then(|raw| fields::channel(&mut found, raw))
        {
            contact.channel = channel;
        }
        match self.consent {
            None => {}
            Some(false) => contact.consent = None,
            // Recorded once: saying it again doesn't make it newer.
            Some(true) => {
                let now = || Consent { at: work.now, by: work.actor.to_string() };
                contact.consent.get_or_insert_with(now);
            }
        }
        let version = self.consent_text_version.as_deref();
        let version = text_version(&mut found, "consent_text_version", version);
        for (field, given) in [
            ("consent_how", self.consent_how.is_some()),
            ("consent_text_version", self.consent_text_version.is_some()),
        ] {
            if given && self.consent.is_none() {
                found.fault(field, "not_wanted", "goes with consent only");
            }
        }
        found.finish_in(work, version.map(|consent_text| Applied { consent_text, knowingly }))
    }
}

/// What a change says besides the contact's new values.
struct Applied {
    /// Which version of the consent's text.
    consent_text: Option<String>,
    /// The new notes have something in them that may be health information.
    knowingly: bool,
}

pub(super) const PATCH: Operation = Operation::new("changeContact", "Change a contact")
    .says(
        "A field that is absent stays, `null` clears one that may be empty. Planned calls are looked at again if number, \
         zone, channel or consent changed.",
    )
    .fails(&[Kind::EmailTaken]);

/// Changes a contact. Planned calls are looked at again if number, zone, channel or consent changed.
pub(super) async fn patch(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ContactId>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<ContactReply, Problem> {
    let mut work = app.change(&by).await?;
    if let Some(Some(raw)) = &patch.email
        && let Ok(email) = raw.parse()
    {
        store::lock_email(&mut work.tx, &work.keys, &email).await?;
    }
    let mut opened = lock(&mut work, id, version).await?;
    let before = opened.contact.clone();
    let applied = patch.apply(&mut opened.contact, &mut work)?;
    let viewer = Viewer::of(&by, &work.tenant);
    if opened.contact == before {
        return find::show(&mut work, viewer, &opened).await;
    }
    if opened.contact.email != before.email && !patch.allow_duplicate_email {
        refuse_taken_email(&mut work, &opened.contact).await?;
    }
    opened.contact.version += 1;
    opened.contact.updated_at = work.now;
    store::update(&mut work.tx, &work.keys, &opened).await?;
    let after = &opened.contact;
    let dialled = |c: &Contact| (c.phone.clone(), c.zone, c.channel, c.consent.is_some());
    if dialled(after) != dialled(&before) {
        planning::tell(&mut work, Planned::ContactChanged(id)).await?;
    }
    work.changes.event("contact.changed", id.0, Some(id));
    let values = serde_json::json!({ "before": audited(&before), "after": audited(after) });
    entry(&mut work, "contact.change", &opened, &values)?;
    let consents = (before.consent.as_ref(), opened.contact.consent.as_ref());
    note_consent(&mut work, &opened.key, id, consents, patch.consent_how, applied.consent_text)
        .await?;
    note_phi(&mut work, &opened.key, id, applied.knowingly).await?;
    let reply = find::show(&mut work, viewer, &opened).await?;
    work.commit(&app, reply).await
}

pub(super) const DELETE: Operation = Operation::new("deleteContact", "Delete a contact")
    .says("With its appointments; what is planned is withdrawn. A dial under way goes on.");

/// Deletes a contact with its appointments, and withdraws what is planned. A dial under way goes on.
pub(super) async fn delete(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ContactId>,
    version: IfMatch,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    let opened = lock(&mut work, id, version).await?;
    store::delete(&mut work.tx, id, work.now).await?;
    planning::tell(&mut work, Planned::ContactDeleted(id)).await?;
    work.changes.event("contact.deleted", id.0, Some(id));
    let values = serde_json::json!({ "before": audited(&opened.contact) });
    entry(&mut work, "contact.delete", &opened, &values)?;
    work.commit(&app, Reply::empty()).await
}

pub(super) async fn lock(
    work: &mut Work,
    id: ContactId,
    version: IfMatch,
) -> Result<Opened, Problem> {
    let found = store::lock(&mut work.tx, &work.keys, id).await?;
    let opened = found.ok_or(Problem::NotFound(NOUN))?;
    version.check(opened.contact.version)?;
    work.now = shared::tenants::store::now(&mut work.tx).await?;
    Ok(opened)
}

pub(super) fn entry(
    work: &mut Work,
    action: &'static str,
    opened: &Opened,
    values: &serde_json::Value,
) -> Result<(), Problem> {
    let id = opened.contact.id.0;
    let place = ContactField::AuditValues { entry: id };
    let sealed = opened.key.seal(place, values.to_string().as_bytes())?;
    work.changes.entry(action, id, Some(sealed));
    Ok(())
}
