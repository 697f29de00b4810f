//! What a batch of a bulk change does.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};

use super::store::appointments::{self, Stands};
use super::store::contacts::{self, Locked};
use super::store::groups as members;
use super::{Act, Chosen, Edit, code};
use crate::appointments::{ConfirmedBy, status_word};
use crate::calls::plan;
use crate::calls::rules::snapshot::AppointmentStatus;
use crate::crypto::ContactField;
use crate::groups::store as groups;
use crate::ids::{AppointmentId, ContactId, GroupId, JobId};
use crate::jobs::Failure;
use crate::jobs::store::items::{Item, Outcome};
use crate::jobs::store::run::Batch;

/// Does it for those of `chosen`, of whom the first is the job's `first`-th. What became of each.
///
/// # Errors
/// Any [`Failure`]; of a group that is gone `no_group`.
pub async fn act(
    batch: &mut Batch,
    job: JobId,
    act: &Act,
    chosen: &[Chosen],
    first: i64,
) -> Result<Vec<Item>, Failure> {
    let found: HashSet<GroupId> = match act {
        // Before contacts, in the order of locks.
        Act::Groups { add, remove, .. } => lock_groups(batch, add, remove).await?,
        _ => HashSet::new(),
    };
    let ids: Vec<ContactId> = chosen.iter().map(|one| one.contact).collect();
    let locked = contacts::lock(&mut batch.tx, &batch.keys, &ids).await?;
    batch.now = crate::tenants::store::now(&mut batch.tx).await?;
    let mut work = Work { batch, job, first, chosen, locked };
    match act {
        Act::Status { status, reason, confirmed_by } => {
            work.status(*status, reason, *confirmed_by).await
        }
        Act::Edit(edit) => work.edit(edit).await,
        Act::Groups { add, remove, replace } => work.groups(add, remove, *replace, &found).await,
        Act::Delete => work.delete().await,
        Act::Restore => work.restore().await,
    }
}

/// Locks the groups that a change names. Those that are there.
async fn lock_groups(
    batch: &mut Batch,
    add: &[GroupId],
    remove: &[GroupId],
) -> Result<HashSet<GroupId>, Failure> {
    let named: BTreeSet<GroupId> = add.iter().chain(remove).copied().collect();
    let mut found = HashSet::new();
    for id in named {
        if groups::lock(&mut batch.tx, id).await?.is_some() {
            found.insert(id);
        }
    }
    Ok(found)
}

/// A batch at work.
struct Work<'a> {
    batch: &'a mut Batch,
    job: JobId,
    first: i64,
    chosen: &'a [Chosen],
    locked: HashMap<ContactId, Locked>,
}

impl Work<'_> {
    fn item(&self, at: usize, outcome: Outcome, code: Option<&'static str>) -> Item {
        Item {
            n: self.first.saturating_add(i64::try_from(at).unwrap_or(i64::MAX)),
            contact: Some(self.chosen[at].contact),
            thing: self.chosen[at].appointment.map(|id| id.0),
            outcome,
            code,
            before: None,
            version: None,
        }
    }

    fn live(&self, id: ContactId) -> Option<&Locked> {
        self.locked.get(&id).filter(|locked| locked.deleted_at.is_none())
    }

    /// An entry of the audit chain, sealed under the contact's key.
    fn entry(
        &mut self,
        action: &'static str,
        (entity, contact): (uuid::Uuid, ContactId),
        mut values: Value,
    ) -> Result<(), Failure> {
        let Some(locked) = self.locked.get(&contact) else { return Ok(()) };
        values["job"] = json!(self.job);
        let key = self.batch.keys.unwrap_contact_key(contact.0, &locked.key_wrapped)?;
        let place = ContactField::AuditValues { entry: entity };
        let sealed = key.seal(place, values.to_string().as_bytes())?;
        self.batch.changes.entry(action, entity, Some(sealed));
        Ok(())
    }

    /// The appointments that are meant, with what is to be said of those that have none.
    async fn meant(&mut self) -> Result<(Vec<(usize, Stands)>, Vec<Item>), Failure> {
        let meant = appointments::meant(&mut self.batch.tx, self.chosen, self.batch.now).await?;
        let (mut found, mut items, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (at, stands) in meant.into_iter().enumerate() {
            let contact = self.chosen[at].contact;
            match stands {
                _ if self.live(contact).is_none() => {
                    items.push(self.item(at, Outcome::Failed, Some(code::NO_CONTACT)));
                }
                None => items.push(self.item(at, Outcome::Failed, Some(code::NO_APPOINTMENT))),
                // Named once by its id, and once as the next one.
                Some(stands) if !seen.insert(stands.id) => {
                    items.push(self.item(at, Outcome::Skipped, Some(code::UNCHANGED)));
                }
                Some(stands) => found.push((at, stands)),
            }
        }
        Ok((found, items))
    }

    async fn status(
        &mut self,
        status: AppointmentStatus,
        reason: &str,
        confirmed_by: Option<ConfirmedBy>,
    ) -> Result<Vec<Item>, Failure> {
        let (found, mut items) = self.meant().await?;
        let word = status_word(status);
        let method = (status == AppointmentStatus::Confirmed)
            .then(|| confirmed_by.unwrap_or(ConfirmedBy::Manual));
        let mut reasons = Vec::new();
        for (at, stands) in found {
            if stands.status == word {
                items.push(self.item(at, Outcome::Skipped, Some(code::UNCHANGED)));
                continue;
            }
            let (id, contact) = (stands.id, stands.contact_id);
            let Some(locked) = self.locked.get(&contact) else { continue };
            let key = self.batch.keys.unwrap_contact_key(contact.0, &locked.key_wrapped)?;
            let place = ContactField::StatusReason { appointment: id.0 };
            reasons.push((id, key.seal(place, reason.as_bytes())?.into_bytes()));
            let after = json!({ "status": word, "status_reason": reason, "confirmed_by": method });
            let values = json!({ "before": { "status": stands.status }, "after": after });
            self.entry("appointment.change", (id.0, contact), values)?;
            self.batch.changes.event("appointment.changed", id.0, Some(contact));
            items.push(self.changed(at, &stands));
        }
        let now = self.batch.now;
        appointments::set_status(&mut self.batch.tx, &reasons, (word, method), now).await?;
        let ids: Vec<AppointmentId> = reasons.iter().map(|(id, _)| *id).collect();
        match status {
            AppointmentStatus::Confirmed | AppointmentStatus::Cancelled => {
                self.withdraw((&ids, &[]), "appointment_settled").await?;
            }
            AppointmentStatus::Pending | AppointmentStatus::Rescheduled => self.plan(&ids).await?,
        }
        Ok(items)
    }

    async fn edit(&mut self, edit: &Edit) -> Result<Vec<Item>, Failure> {
        let (found, mut items) = self.meant().await?;
        let (mut ids, mut to_plan) = (Vec::new(), Vec::new());
        for (at, stands) in found {
            let after = edited(&stands, edit);
            if after == stands {
                items.push(self.item(at, Outcome::Skipped, Some(code::UNCHANGED)));
                continue;
            }
            let (id, contact) = (stands.id, stands.contact_id);
            let values = json!({ "before": details(&stands), "after": details(&after) });
            self.entry("appointment.change", (id.0, contact), values)?;
            self.batch.changes.event("appointment.changed", id.0, Some(contact));
            ids.push(id);
            if (after.call_before_hours, after.priority)
                != (stands.call_before_hours, stands.priority)
            {
                to_plan.push(id);
            }
            items.push(self.changed(at, &stands));
        }
        let now = self.batch.now;
        appointments::edit(&mut self.batch.tx, &ids, edit, now).await?;
        self.plan(&to_plan).await?;
        Ok(items)
    }

    /// That an appointment was changed, with what takes it back.
    fn changed(&self, at: usize, before: &Stands) -> Item {
        Item {
            thing: Some(before.id.0),
            before: Some(super::undo::kept(before)),
            version: Some(before.version.saturating_add(1)),
            ..self.item(at, Outcome::Done, None)
        }
    }

    async fn groups(
        &mut self,
        add: &[GroupId],
        remove: &[GroupId],
        replace: bool,
        found: &HashSet<GroupId>,
    ) -> Result<Vec<Item>, Failure> {
        if add.iter().any(|group| !found.contains(group)) {
            return Err(Failure::Other("no_group"));
        }
        let live: Vec<ContactId> = self
            .chosen
            .iter()
            .map(|one| one.contact)
            .filter(|id| self.live(*id).is_some())
            .collect();
        let before = members::of(&mut self.batch.tx, &live).await?;
        let (mut joins, mut leaves): (HashMap<GroupId, Vec<ContactId>>, HashMap<_, Vec<_>>) =
            (HashMap::new(), HashMap::new());
        let (mut items, mut seen) = (Vec::new(), HashSet::new());
        for (at, one) in self.chosen.iter().enumerate() {
            let id = one.contact;
            if self.live(id).is_none() {
                items.push(self.item(at, Outcome::Failed, Some(code::NO_CONTACT)));
                continue;
            }
            let is_in = before.get(&id).map_or(&[][..], Vec::as_slice);
            let joined: Vec<_> =
                add.iter().filter(|group| !is_in.contains(group)).copied().collect();
            let left: Vec<GroupId> = is_in
                .iter()
                .filter(|group| remove.contains(group) || replace && !add.contains(group))
                .copied()
                .collect();
            if !seen.insert(id) || joined.is_empty() && left.is_empty() {
                items.push(self.item(at, Outcome::Skipped, Some(code::UNCHANGED)));
                continue;
            }
            for group in &joined {
                joins.entry(*group).or_default().push(id);
            }
            for group in &left {
                leaves.entry(*group).or_default().push(id);
            }
            let before = json!({ "joined": joined, "left": left });
            let item = self.item(at, Outcome::Done, None);
            items.push(Item { thing: None, before: Some(before), ..item });
        }
        self.move_members(joins, leaves).await?;
        Ok(items)
    }

    async fn move_members(
        &mut self,
        joins: HashMap<GroupId, Vec<ContactId>>,
        leaves: HashMap<GroupId, Vec<ContactId>>,
    ) -> Result<(), Failure> {
        move_members(self.batch, joins, leaves).await
    }

    async fn delete(&mut self) -> Result<Vec<Item>, Failure> {
        let (mut items, mut ids) = (Vec::new(), Vec::new());
        for at in 0..self.chosen.len() {
            let id = self.chosen[at].contact;
            let Some(version) = self.live(id).map(|locked| locked.version) else {
                items.push(self.item(at, Outcome::Failed, Some(code::NO_CONTACT)));
                continue;
            };
            if ids.contains(&id) {
                items.push(self.item(at, Outcome::Skipped, Some(code::UNCHANGED)));
                continue;
            }
            ids.push(id);
            self.entry("contact.delete", (id.0, id), json!({}))?;
            self.batch.changes.event("contact.deleted", id.0, Some(id));
            let item = self.item(at, Outcome::Done, None);
            let version = Some(version.saturating_add(1));
            items.push(Item { thing: None, before: Some(json!({})), version, ..item });
        }
        self.withdraw((&[], &ids), "contact_deleted").await?;
        contacts::delete(&mut self.batch.tx, &ids, self.batch.now).await?;
        Ok(items)
    }

    async fn restore(&mut self) -> Result<Vec<Item>, Failure> {
        let (mut items, mut ids) = (Vec::new(), Vec::new());
        for at in 0..self.chosen.len() {
            let id = self.chosen[at].contact;
            match self.locked.get(&id) {
                None => items.push(self.item(at, Outcome::Failed, Some(code::NO_CONTACT))),
                Some(locked) if locked.deleted_at.is_none() || ids.contains(&id) => {
                    items.push(self.item(at, Outcome::Skipped, Some(code::NOT_DELETED)));
                }
                Some(locked) => {
                    let version = Some(locked.version.saturating_add(1));
                    ids.push(id);
                    let item = self.item(at, Outcome::Done, None);
                    items.push(Item { thing: None, before: Some(json!({})), version, ..item });
                }
            }
        }
        bring_back(self.batch, self.job, &self.locked, &ids).await?;
        Ok(items)
    }

    async fn withdraw(
        &mut self,
        which: (&[AppointmentId], &[ContactId]),
        reason: &str,
    ) -> Result<(), Failure> {
        withdraw(self.batch, which, reason).await
    }

    async fn plan(&mut self, ids: &[AppointmentId]) -> Result<(), Failure> {
        plan(self.batch, ids).await
    }
}

/// Withdraws what is planned, and tells.
pub(super) async fn withdraw(
    batch: &mut Batch,
    which: (&[AppointmentId], &[ContactId]),
    reason: &str,
) -> Result<(), Failure> {
    for (call, contact) in contacts::withdraw(&mut batch.tx, which, reason, batch.now).await? {
        batch.changes.event("call.withdrawn", call.0, Some(contact)).entry(
            "call.withdraw",
            call.0,
            None,
        );
    }
    Ok(())
}

/// Plans reminders.
pub(super) async fn plan(batch: &mut Batch, ids: &[AppointmentId]) -> Result<(), Failure> {
    for id in ids {
        plan::plan_appointment(&mut batch.tx, *id, &mut batch.changes).await?;
    }
    Ok(())
}

/// Has contacts join and leave groups, which are locked, and tells each of them.
pub(super) async fn move_members(
    batch: &mut Batch,
    joins: HashMap<GroupId, Vec<ContactId>>,
    leaves: HashMap<GroupId, Vec<ContactId>>,
) -> Result<(), Failure> {
    use crate::groups::tell::{How, tell};
    let who = batch.changes.actor();
    for (group, contacts) in in_order(leaves) {
        let gone = groups::remove(&mut batch.tx, group, &contacts, batch.now).await?;
        tell(&batch.keys, &mut batch.changes, group, &gone.removed, How::Removed)?;
    }
    for (group, contacts) in in_order(joins) {
        let added = groups::add(&mut batch.tx, group, &contacts, (who, batch.now)).await?;
        tell(&batch.keys, &mut batch.changes, group, &added.added, How::Added)?;
    }
    Ok(())
}

fn in_order(of: HashMap<GroupId, Vec<ContactId>>) -> Vec<(GroupId, Vec<ContactId>)> {
    let mut of: Vec<_> = of.into_iter().collect();
    of.sort_unstable_by_key(|(group, _)| *group);
    of
}

/// Brings deleted contacts back, and tells.
pub(super) async fn bring_back(
    batch: &mut Batch,
    job: JobId,
    locked: &HashMap<ContactId, Locked>,
    ids: &[ContactId],
) -> Result<(), Failure> {
    let appointments = contacts::restore(&mut batch.tx, ids, batch.now).await?;
    for id in ids {
        let Some(locked) = locked.get(id) else { continue };
        let key = batch.keys.unwrap_contact_key(id.0, &locked.key_wrapped)?;
        let place = ContactField::AuditValues { entry: id.0 };
        let sealed = key.seal(place, json!({ "job": job }).to_string().as_bytes())?;
        batch.changes.event("contact.restored", id.0, Some(*id)).entry(
            "contact.restore",
            id.0,
            Some(sealed),
        );
    }
    plan(batch, &appointments).await
}

pub(super) fn edited(stands: &Stands, edit: &Edit) -> Stands {
    let text = |new: &Option<String>, old: &Option<String>| match new {
        None => old.clone(),
        Some(new) => Some(new.clone()).filter(|new| !new.is_empty()),
    };
    Stands {
        owner_name: text(&edit.owner, &stands.owner_name),
        location: text(&edit.location, &stands.location),
        call_before_hours: edit.call_before_hours.map_or(stands.call_before_hours, i32::from),
        priority: edit.priority.map_or(stands.priority, crate::appointments::Priority::rank),
        ..stands.clone()
    }
}

fn details(of: &Stands) -> Value {
    json!({
        "owner_name": of.owner_name,
        "location": of.location,
        "call_before_hours": of.call_before_hours,
        "priority": of.priority,
    })
}
