//! What rows become, put together one by one and written many at a time.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::code;
use super::decide::Becomes;
use super::kept::Kept;
use super::run::item;
use super::store::write;
use crate::acknowledgements::{self, How, NewEntry, What};
use crate::appointments::{self, Appointment, BY_IMPORT};
use crate::calls::plan::{self, Fresh};
use crate::contacts::store::{self as contacts, Opened};
use crate::contacts::{Consent, Contact, audited};
use crate::crypto::{ContactKey, EqualityKind};
use crate::ids::{AcknowledgementId, AppointmentId, ContactId, JobId};
use crate::intake::check::{Checked, Row};
use crate::jobs::Failure;
use crate::jobs::store::items::{Item, Outcome};
use crate::jobs::store::run::Batch;
use crate::screening::{self, Detection};

/// A batch that is being put together.
pub(super) struct Writing<'b> {
    batch: &'b mut Batch,
    job: JobId,
    opened: HashMap<ContactId, Opened>,
    new: Vec<(Contact, Option<How>, Option<String>, bool)>,
    appointments: Vec<Appointment>,
    /// What was acknowledged.
    entries: Vec<NewEntry>,
    detections: Vec<Detection>,
}

impl<'b> Writing<'b> {
    /// Nothing yet, over whom the batch has locked.
    pub(super) fn new(
        batch: &'b mut Batch,
        job: JobId,
        opened: HashMap<ContactId, Opened>,
    ) -> Self {
        Self {
            batch,
            job,
            opened,
            new: Vec::new(),
            appointments: Vec::new(),
            entries: Vec::new(),
            detections: Vec::new(),
        }
    }

    /// A row that is to be written.
    pub(super) async fn row(&mut self, row: &Row, becomes: Becomes) -> Result<Item, Failure> {
        match becomes {
            Becomes::New(contact) => {
                self.contact(contact, row);
                Ok(self.with_appointment(row, contact, code::CREATED, Some(1)))
            }
            Becomes::Added(contact) => Ok(self.with_appointment(row, contact, code::ADDED, None)),
            Becomes::Updated(contact, appointment) => {
                self.update(row, contact, (true, appointment)).await
            }
            Becomes::Rebooked(contact, there) => {
                self.update(row, contact, (false, Some(there))).await
            }
            Becomes::Skipped(code, contact) => {
                Ok(item(row.number, Outcome::Skipped, Some(contact), code))
            }
            Becomes::Failed(code, _) => Ok(item(row.number, Outcome::Failed, None, code.as_str())),
        }
    }

    /// The texts of a row that was written go on record.
    pub(super) fn screened(&mut self, row: &Checked) {
        let known = screening::Outcome::Acknowledged;
        let of =
            |one: &crate::intake::check::Screened| Detection::of(one.place, known, &one.findings);
        self.detections.extend(row.screened.iter().map(of));
    }

    /// Those of a row that was refused, if anything was found in them.
    pub(super) fn refused(&mut self, row: &Checked) {
        let found = row.screened.iter().filter(|one| !one.findings.is_empty());
        let refused = screening::Outcome::Refused;
        self.detections.extend(found.map(|one| Detection::of(one.place, refused, &one.findings)));
    }

    fn contact(&mut self, id: ContactId, row: &Row) {
        let now = self.batch.now;
        let zone = row.zone.unwrap_or(self.batch.tenant.zone);
        let by = || self.batch.changes.actor().to_string();
        let contact = Contact {
            id,
            email: row.email.clone(),
            notes: row.notes.clone(),
            channel: row.channel.unwrap_or(crate::calls::rules::snapshot::Channel::Voice),
            consent: row.consent.filter(|yes| *yes).map(|_| Consent { at: now, by: by() }),
            ..Contact::new(row.name.clone(), row.phone.clone(), zone, now)
        };
        let version = row.consent_text_version.clone();
        self.new.push((contact, row.consent_how, version, row.phi_in_notes));
    }

    fn with_appointment(
        &mut self,
        row: &Row,
        contact: ContactId,
        code: &'static str,
        version: Option<i32>,
    ) -> Item {
        let usual = self.batch.tenant.policy.call_before_hours;
        let lead = row.call_before_hours.unwrap_or(u16::try_from(usual).unwrap_or(1));
        let new = Appointment {
            duration_minutes: row.duration_minutes,
            kind: row.kind.clone(),
            owner_name: row.owner_name.clone(),
            company_name: row.company_name.clone(),
            location: row.location.clone(),
            voice_text: row.voice_text.clone(),
            priority: row.priority.unwrap_or(crate::appointments::Priority::Normal),
            source: BY_IMPORT.to_owned(),
            ..Appointment::new(contact, row.at, lead, self.batch.now)
        };
        let thing = Some(new.id.0);
        self.appointments.push(new);
        let done = item(row.number, Outcome::Done, Some(contact), code);
        Item { thing, version, thing_version: Some(1), ..done }
    }

    /// Writes a row into somebody who is there, if it says who they are, and into their appointment.
    async fn update(
        &mut self,
        row: &Row,
        id: ContactId,
        (says_who, appointment): (bool, Option<AppointmentId>),
    ) -> Result<Item, Failure> {
        let Some(Opened { contact: before, key }) = self.opened.get(&id).cloned() else {
            return Err(Failure::Other("contact_not_locked"));
        };
        let mut after = match says_who {
            true => updated(&before, row, self.batch),
            false => before.clone(),
        };
        let changed = after != before;
        if changed {
            after.version = before.version.saturating_add(1);
            after.updated_at = self.batch.now;
            self.save(&key, &before, after.clone()).await?;
            let how = (row.consent_how, row.consent_text_version.clone());
            self.consent(&key, (&before, &after), how)?;
            if row.phi_in_notes && after.notes != before.notes {
                self.acknowledge(&key, id, phi_in_notes(), None)?;
            }
        }
        let version = changed.then_some(after.version);
        let kept = |of: Option<&Appointment>| Kept::of(changed.then_some(&before), of);
        let Some(appointment) = appointment else {
            let done = self.with_appointment(row, id, code::UPDATED, version);
            let before_sealed = changed.then(|| kept(None).seal(&key, self.job)).transpose()?;
            return Ok(Item { before_sealed, ..done });
        };
        let there = appointments::store::find(&mut self.batch.tx, &key, appointment).await?;
        let there = there.ok_or(Failure::Other("appointment_not_locked"))?;
        let then = self.appointment(&key, &there, row).await?;
        let mut done = item(row.number, Outcome::Done, Some(id), code::UPDATED);
        if then.is_none() && !changed {
            (done.outcome, done.code) = (Outcome::Skipped, Some(code::UNCHANGED));
            return Ok(done);
        }
        done.version = version;
        done.thing = then.is_some().then_some(appointment.0);
        done.thing_version = then;
        done.before_sealed = Some(kept(then.is_some().then_some(&there)).seal(&key, self.job)?);
        Ok(done)
    }

    async fn save(
        &mut self,
        key: &ContactKey,
        before: &Contact,
        after: Contact,
    ) -> Result<(), Failure> {
        let opened = Opened { contact: after, key: key.clone() };
        contacts::update(&mut self.batch.tx, &self.batch.keys, &opened).await?;
        let Batch { tx, changes, now, .. } = &mut *self.batch;
        let after = &opened.contact;
        let dialled = |c: &Contact| (c.zone, c.channel, c.consent.is_some(), c.archived_at);
        if dialled(after) != dialled(before) {
            plan::replan_contact(tx, after.id, *now, changes).await?;
        }
        changes.event("contact.changed", after.id.0, Some(after.id));
        let values = json!({ "before": audited(before), "after": audited(after) });
        let (id, after) = (after.id, opened.contact.clone());
        self.entry(key, "contact.change", id.0, values)?;
        self.opened.insert(id, Opened { contact: after, key: key.clone() });
        Ok(())
    }

    /// Writes a row into an appointment. Its version then, if anything changed.
    async fn appointment(
        &mut self,
        key: &ContactKey,
        before: &Appointment,
        row: &Row,
    ) -> Result<Option<i32>, Failure> {
        let mut after = Appointment {
            call_before_hours: row.call_before_hours.unwrap_or(before.call_before_hours),
            duration_minutes: row.duration_minutes.or(before.duration_minutes),
            kind: row.kind.clone().or_else(|| before.kind.clone()),
            owner_name: row.owner_name.clone().or_else(|| before.owner_name.clone()),
            company_name: row.company_name.clone().or_else(|| before.company_name.clone()),
            location: row.location.clone().or_else(|| before.location.clone()),
            voice_text: row.voice_text.clone().or_else(|| before.voice_text.clone()),
            priority: row.priority.unwrap_or(before.priority),
            ..before.clone()
        };
        if after == *before {
            return Ok(None);
        }
        after.version = before.version.saturating_add(1);
        after.updated_at = self.batch.now;
        save_appointment(self.batch, self.job, key, before, &after).await?;
        Ok(Some(after.version))
    }

    fn consent(
        &mut self,
        key: &ContactKey,
        (before, after): (&Contact, &Contact),
        (how, version): (Option<How>, Option<String>),
    ) -> Result<(), Failure> {
        let what = match (&before.consent, &after.consent) {
            (None, Some(_)) => What::ConsentRecorded(how),
            (Some(_), None) => What::ConsentWithdrawn(how),
            _ => return Ok(()),
        };
        self.acknowledge(key, after.id, what, version)
    }

    fn acknowledge(
        &mut self,
        key: &ContactKey,
        contact: ContactId,
        what: What,
        text_version: Option<String>,
    ) -> Result<(), Failure> {
        let (id, at) = (AcknowledgementId::new(), self.batch.now);
        let (kind, how) = what.words();
        let values = json!({ "after": { "kind": kind, "how": how, "text_version": text_version } });
        self.batch.changes.event("contact.acknowledged", id.0, Some(contact));
        self.entry(key, "contact.acknowledge", contact.0, values)?;
        let by = self.batch.changes.actor().to_string();
        self.entries.push(NewEntry { id, contact, what, text_version, by, at });
        Ok(())
    }

    fn entry(
        &mut self,
        key: &ContactKey,
        action: &'static str,
        entity: Uuid,
        values: Value,
    ) -> Result<(), Failure> {
        self.batch.entry(self.job, key, (action, entity), values)
    }

    /// Writes what was put together.
    pub(super) async fn finish(mut self) -> Result<(), Failure> {
        let new = std::mem::take(&mut self.new);
        let contacts: Vec<Contact> = new.iter().map(|(contact, ..)| contact.clone()).collect();
        let made = write::contacts(&mut self.batch.tx, &self.batch.keys, &contacts).await?;
        let mut keys: HashMap<ContactId, (ContactKey, Contact)> = HashMap::new();
        for ((contact, how, version, phi), key) in new.into_iter().zip(made) {
            self.batch.changes.event("contact.created", contact.id.0, Some(contact.id));
            self.entry(
                &key,
                "contact.create",
                contact.id.0,
                json!({ "after": audited(&contact) }),
            )?;
            if contact.consent.is_some() {
                self.acknowledge(&key, contact.id, What::ConsentRecorded(how), version)?;
            }
            if phi {
                self.acknowledge(&key, contact.id, phi_in_notes(), None)?;
            }
            keys.insert(contact.id, (key, contact));
        }
        for (id, Opened { contact, key }) in std::mem::take(&mut self.opened) {
            keys.insert(id, (key, contact));
        }
        let (mut booked, mut fresh) = (Vec::new(), Vec::new());
        for new in std::mem::take(&mut self.appointments) {
            let Some((key, contact)) = keys.get(&new.contact) else {
                return Err(Failure::Other("contact_not_locked"));
            };
            self.batch.changes.event("appointment.created", new.id.0, Some(new.contact));
            let values = json!({ "after": appointments::audited(&new) });
            self.entry(key, "appointment.create", new.id.0, values)?;
            let number = self.batch.keys.equality(EqualityKind::Phone, contact.phone.as_str());
            if contact.archived_at.is_none() {
                fresh.push(Fresh {
                    appointment: new.id,
                    contact: contact.id,
                    contact_zone: contact.zone,
                    number_eq: number.current.as_bytes().to_vec(),
                    at: new.at,
                    call_before_hours: new.call_before_hours,
                    priority: new.priority.rank(),
                });
            }
            booked.push((new, key));
        }
        let Batch { tx, tenant, changes, now, .. } = self.batch;
        write::appointments(tx, &booked).await?;
        plan::plan_fresh(tx, tenant, *now, &fresh, changes).await?;
        write::acknowledgements(tx, &self.entries).await?;
        screening::store::insert(tx, (changes.actor(), *now), &self.detections).await?;
        Ok(())
    }
}

fn phi_in_notes() -> What {
    What::Acknowledged(acknowledgements::Kind::PhiInNotes)
}

/// A contact with what a row says written into it. What it doesn't say stays.
fn updated(before: &Contact, row: &Row, batch: &Batch) -> Contact {
    let consent = match (row.consent, &before.consent) {
        (Some(true), None) => {
            Some(Consent { at: batch.now, by: batch.changes.actor().to_string() })
        }
        (Some(false), _) => None,
        (_, consent) => consent.clone(),
    };
    Contact {
        email: row.email.clone().or_else(|| before.email.clone()),
        notes: row.notes.clone().or_else(|| before.notes.clone()),
        zone: row.zone.unwrap_or(before.zone),
        channel: row.channel.unwrap_or(before.channel),
        consent,
        archived_at: None,
        ..before.clone()
    }
}

/// Stores a changed appointment, plans anew what depends on it, and tells.
pub(super) async fn save_appointment(
    batch: &mut Batch,
    job: JobId,
    key: &ContactKey,
    before: &Appointment,
    after: &Appointment,
) -> Result<(), Failure> {
    appointments::store::update(&mut batch.tx, key, after).await?;
    if (after.call_before_hours, after.priority) != (before.call_before_hours, before.priority) {
        plan::plan_appointment(&mut batch.tx, after.id, &mut batch.changes).await?;
    }
    batch.changes.event("appointment.changed", after.id.0, Some(after.contact));
    let values =
        json!({ "before": appointments::audited(before), "after": appointments::audited(after) });
    batch.entry(job, key, ("appointment.change", after.id.0), values)
}
