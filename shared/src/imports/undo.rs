//! Taking an import back: what it made goes, what it changed is as it was, and what somebody has changed since is spared.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Deserialize;
use serde_json::json;

use super::code;
use super::kept::Kept;
use super::store::write;
use super::writing::save_appointment;
use crate::appointments;
use crate::bulk::changes;
use crate::bulk::code as spared;
use crate::calls::plan;
use crate::contacts::store::{self as contacts, Opened};
use crate::contacts::{Contact, audited};
use crate::crypto::TenantField;
use crate::groups::store as groups;
use crate::groups::tell::{How, tell};
use crate::ids::{AppointmentId, ContactId, GroupId, JobId};
use crate::jobs::Failure;
use crate::jobs::store::items::{self, Item, Noted, Outcome};
use crate::jobs::store::run::Batch;

#[derive(Deserialize)]
struct Joined {
    joined: Vec<GroupId>,
}

/// Takes back what was noted of some rows of `of`. What became of each.
///
/// # Errors
/// Any [`Failure`].
pub async fn undo(
    batch: &mut Batch,
    (job, of): (JobId, JobId),
    noted: &[Noted],
) -> Result<Vec<Item>, Failure> {
    let undoing = Undoing::lock(batch, (job, of), noted).await?;
    undoing.run(noted).await
}

/// Deletes groups that an import made, if nobody is in them and nobody has changed them.
///
/// # Errors
/// Any [`Failure`].
pub async fn unmake_groups(batch: &mut Batch, made: &[GroupId]) -> Result<u64, Failure> {
    let mut gone = 0;
    for id in made.iter().copied().collect::<BTreeSet<_>>() {
        let Some(group) = groups::lock(&mut batch.tx, id).await? else { continue };
        if group.version != 1 || !groups::all(&mut batch.tx, id).await?.is_empty() {
            continue;
        }
        groups::delete(&mut batch.tx, id).await?;
        let values = json!({ "before": { "name": group.name.as_str(), "colour": group.colour } });
        let sealed =
            batch.keys.seal(TenantField::AuditDetails, id.0, values.to_string().as_bytes())?;
        batch.changes.event("group.deleted", id.0, None).entry("group.delete", id.0, Some(sealed));
        gone += 1;
    }
    Ok(gone)
}

struct Undoing<'b> {
    batch: &'b mut Batch,
    job: JobId,
    of: JobId,
    locked: HashMap<ContactId, changes::Locked>,
    opened: HashMap<ContactId, Opened>,
    /// Version, and whether it is there.
    appointments: HashMap<AppointmentId, (i32, bool)>,
    /// Whom the import made, and about whom something was changed since.
    edited: HashSet<ContactId>,
    groups: HashSet<GroupId>,
}

impl<'b> Undoing<'b> {
    async fn lock(
        batch: &'b mut Batch,
        (job, of): (JobId, JobId),
        noted: &[Noted],
    ) -> Result<Self, Failure> {
        let ids: BTreeSet<ContactId> = noted.iter().filter_map(|one| one.contact_id).collect();
        let ids: Vec<ContactId> = ids.into_iter().collect();
        let named: BTreeSet<GroupId> = noted.iter().flat_map(joined).collect();
        let named: Vec<GroupId> = named.into_iter().collect();
        let (groups, locked) = changes::lock(batch, &ids, &named).await?;
        let opened = contacts::some(&mut batch.tx, &batch.keys, &ids).await?;
        let opened = opened.into_iter().map(|one| (one.contact.id, one)).collect();
        let things: Vec<AppointmentId> =
            noted.iter().filter_map(|one| one.thing.map(AppointmentId)).collect();
        let standing = write::standing(&mut batch.tx, &things).await?;
        let appointments = standing
            .into_iter()
            .map(|(id, version, deleted)| (id, (version, deleted.is_none())))
            .collect();
        let edited = items::made_and_edited(&mut batch.tx, of, Some(&ids)).await?;
        batch.tx.plan_as_usual().await?;
        let edited = edited.into_iter().collect();
        Ok(Self { batch, job, of, locked, opened, appointments, edited, groups })
    }

    async fn run(mut self, noted: &[Noted]) -> Result<Vec<Item>, Failure> {
        let (mut items, mut gone, mut added) = (Vec::new(), Vec::new(), Vec::new());
        for one in noted {
            let (outcome, word) = match self.fate(one) {
                Fate::Erased => (Outcome::Failed, Some(spared::ERASED)),
                Fate::Spared => (Outcome::Skipped, Some(spared::EDITED_SINCE)),
                Fate::GoneAlready => (Outcome::Done, None),
                Fate::Contact(contact) => {
                    gone.push(contact);
                    (Outcome::Done, None)
                }
                Fate::Appointment(contact, appointment) => {
                    added.push((contact, appointment));
                    (Outcome::Done, None)
                }
                Fate::Changed(contact) => match self.put_back(one, contact, &mut added).await? {
                    true => (Outcome::Done, None),
                    false => (Outcome::Skipped, Some(spared::EDITED_SINCE)),
                },
            };
            let done = Item::new(one.n, one.contact_id, outcome, word);
            items.push(Item { thing: one.thing, ..done });
        }
        self.remove_appointments(&added).await?;
        changes::delete(self.batch, self.job, &self.locked, &gone).await?;
        self.leave(noted, &items).await?;
        Ok(items)
    }

    /// What is to become of what a row did.
    fn fate(&self, one: &Noted) -> Fate {
        let Some(contact) = one.contact_id else { return Fate::Erased };
        let thing = one.thing.map(AppointmentId);
        let standing = thing.and_then(|id| self.appointments.get(&id).copied());
        let Some(opened) = self.opened.get(&contact) else {
            return match self.locked.contains_key(&contact) {
                // With the contact, which the same undo or somebody deleted, went what the row had made.
                true if standing.is_none_or(|(_, there)| !there) => Fate::GoneAlready,
                true => Fate::Spared,
                false => Fate::Erased,
            };
        };
        let contact_stayed = one.version.is_none_or(|version| opened.contact.version == version);
        let thing_stayed = match (standing, one.thing_version) {
            (Some((version, there)), Some(then)) => there && version == then,
            (None, None) => true,
            _ => false,
        };
        if !contact_stayed || !thing_stayed {
            return Fate::Spared;
        }
        match (one.code.as_deref(), thing) {
            (Some(code::CREATED), _) if self.edited.contains(&contact) => Fate::Spared,
            (Some(code::CREATED), _) => Fate::Contact(contact),
            (Some(code::ADDED), Some(appointment)) => Fate::Appointment(contact, appointment),
            _ => Fate::Changed(contact),
        }
    }

    /// Puts a contact and an appointment back as they were. False: what they were can't be read.
    async fn put_back(
        &mut self,
        one: &Noted,
        contact: ContactId,
        added: &mut Vec<(ContactId, AppointmentId)>,
    ) -> Result<bool, Failure> {
        let Some(opened) = self.opened.get(&contact).cloned() else { return Ok(false) };
        let kept = one.before_sealed.as_ref();
        let kept = kept.map(|sealed| Kept::open(&opened.key, self.of, sealed));
        let kept = match kept {
            Some(None) => return Ok(false),
            Some(Some(kept)) => Some(kept),
            None => None,
        };
        if let Some(kept) = kept.as_ref().filter(|kept| kept.has_contact()) {
            let Some(before) = kept.put_back(&opened.contact) else { return Ok(false) };
            self.save(&opened, before).await?;
        }
        let Some(thing) = one.thing.map(AppointmentId) else { return Ok(true) };
        let changed = kept.as_ref().filter(|kept| kept.has_appointment());
        let Some(kept) = changed else {
            added.push((contact, thing));
            return Ok(true);
        };
        let now = appointments::store::find(&mut self.batch.tx, &opened.key, thing).await?;
        let Some(now) = now else { return Ok(false) };
        let Some(mut before) = kept.put_back_appointment(&now) else { return Ok(false) };
        before.version = now.version.saturating_add(1);
        before.updated_at = self.batch.now;
        save_appointment(self.batch, self.job, &opened.key, &now, &before).await?;
        Ok(true)
    }

    async fn save(&mut self, opened: &Opened, mut after: Contact) -> Result<(), Failure> {
        let before = &opened.contact;
        after.version = before.version.saturating_add(1);
        after.updated_at = self.batch.now;
        let id = after.id;
        let values = json!({ "before": audited(before), "after": audited(&after) });
        let archived = before.archived_at.is_none() && after.archived_at.is_some();
        let changed = Opened { contact: after, key: opened.key.clone() };
        let Batch { tx, keys, changes, now, .. } = &mut *self.batch;
        contacts::update(tx, keys, &changed).await?;
        if archived {
            let what = crate::calls::store::plan::Withdraw::Contact(id);
            plan::withdraw(tx, what, "contact_archived", *now, changes).await?;
        } else {
            plan::replan_contact(tx, id, *now, changes).await?;
        }
        changes.event("contact.changed", id.0, Some(id));
        self.batch.entry(self.job, &opened.key, ("contact.change", id.0), values)?;
        self.opened.insert(id, changed);
        Ok(())
    }

    async fn remove_appointments(
        &mut self,
        added: &[(ContactId, AppointmentId)],
    ) -> Result<(), Failure> {
        let ids: Vec<AppointmentId> = added.iter().map(|(_, id)| *id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        for (contact, id) in added {
            let Some(Opened { key, .. }) = self.opened.get(contact).cloned() else { continue };
            let before = appointments::store::find(&mut self.batch.tx, &key, *id).await?;
            let Some(before) = before else { continue };
            self.batch.changes.event("appointment.deleted", id.0, Some(*contact));
            let values = json!({ "before": appointments::audited(&before) });
            self.batch.entry(self.job, &key, ("appointment.delete", id.0), values)?;
        }
        changes::withdraw(self.batch, (&ids, &[]), "appointment_deleted").await?;
        let now = self.batch.now;
        write::delete_appointments(&mut self.batch.tx, &ids, now).await?;
        Ok(())
    }

    /// Takes people who stay out of the groups into which the import had put them.
    async fn leave(&mut self, noted: &[Noted], items: &[Item]) -> Result<(), Failure> {
        let mut leaves: HashMap<GroupId, BTreeSet<ContactId>> = HashMap::new();
        for (one, item) in noted.iter().zip(items) {
            let Some(contact) = one.contact_id.filter(|_| item.outcome == Outcome::Done) else {
                continue;
            };
            for group in joined(one).into_iter().filter(|group| self.groups.contains(group)) {
                leaves.entry(group).or_default().insert(contact);
            }
        }
        let mut leaves: Vec<_> = leaves.into_iter().collect();
        leaves.sort_unstable_by_key(|(group, _)| *group);
        for (group, contacts) in leaves {
            let contacts: Vec<ContactId> = contacts.into_iter().collect();
            let Batch { tx, keys, changes, now, .. } = &mut *self.batch;
            let gone = groups::remove(tx, group, &contacts, *now).await?;
            tell(keys, changes, group, &gone.removed, How::Removed)?;
        }
        Ok(())
    }
}

/// What is to become of what a row did.
enum Fate {
    /// The contact was erased.
    Erased,
    /// Somebody has changed it since.
    Spared,
    /// It is gone.
    GoneAlready,
    /// The contact goes, with its appointments.
    Contact(ContactId),
    /// The appointment goes.
    Appointment(ContactId, AppointmentId),
    /// What was changed is put back.
    Changed(ContactId),
}

fn joined(of: &Noted) -> Vec<GroupId> {
    let joined = of.before.clone().and_then(|before| serde_json::from_value(before).ok());
    joined.map_or_else(Vec::new, |Joined { joined }| joined)
}
