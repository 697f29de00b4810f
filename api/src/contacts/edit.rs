//! Changing and deleting a contact.

use axum::extract::State;
use serde::Deserialize;
use shared::contacts::store::{self, Opened};
use shared::contacts::{Consent, Contact};
use shared::crypto::ContactField;
use shared::ids::ContactId;

use super::create::refuse_taken_email;
use super::view::audited;
use super::{NOUN, fields, find};
use crate::app::{App, Work};
use crate::auth::{Allowed, EditContacts};
use crate::http::{Body, Fields, IfMatch, Path, Problem, Reply, present};
use crate::planning::{self, Planned};

/// What changes: a field that is absent stays, `null` clears one that may be empty.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Patch {
    name: Option<String>,
    phone: Option<String>,
    #[serde(default, deserialize_with = "present")]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    notes: Option<Option<String>>,
    zone: Option<String>,
    channel: Option<String>,
    consent: Option<bool>,
    #[serde(default)]
    allow_duplicate_email: bool,
}

impl Patch {
    fn apply(&self, contact: &mut Contact, work: &Work) -> Result<(), Problem> {
        let mut found = Fields::default();
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
            && let Some(notes) = fields::optional(raw.as_deref(), |r| fields::notes(&mut found, r))
        {
            contact.notes = notes;
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
        found.finish(Some(()))
    }
}

/// Changes a contact. Planned calls are looked at again if number, zone, channel or consent changed.
pub(super) async fn patch(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ContactId>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<Reply, Problem> {
    let mut work = app.change(&by).await?;
    if let Some(Some(raw)) = &patch.email
        && let Ok(email) = raw.parse()
    {
        store::lock_email(&mut work.tx, &work.keys, &email).await?;
    }
    let mut opened = lock(&mut work, id, version).await?;
    let before = opened.contact.clone();
    patch.apply(&mut opened.contact, &work)?;
    if opened.contact == before {
        return find::view(&mut work, &opened, true).await;
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
    let reply = find::view(&mut work, &opened, true).await?;
    work.commit(&app, reply).await
}

/// Deletes a contact with its appointments, and withdraws what is planned. A dial under way goes on.
pub(super) async fn delete(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ContactId>,
    version: IfMatch,
) -> Result<Reply, Problem> {
    let mut work = app.change(&by).await?;
    let opened = lock(&mut work, id, version).await?;
    store::delete(&mut work.tx, id, work.now).await?;
    planning::tell(&mut work, Planned::ContactDeleted(id)).await?;
    work.changes.event("contact.deleted", id.0, Some(id));
    let values = serde_json::json!({ "before": audited(&opened.contact) });
    entry(&mut work, "contact.delete", &opened, &values)?;
    work.commit(&app, Reply::empty()).await
}

async fn lock(work: &mut Work, id: ContactId, version: IfMatch) -> Result<Opened, Problem> {
    let found = store::lock(&mut work.tx, &work.keys, id).await?;
    let opened = found.ok_or(Problem::NotFound(NOUN))?;
    version.check(opened.contact.version)?;
    work.now = shared::tenants::store::now(&mut work.tx).await?;
    Ok(opened)
}

fn entry(
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
