//! Changes that acts and taking them back both make. Whatever they change is locked already.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::store::contacts;
pub(crate) use super::store::contacts::Locked;
use crate::calls::plan as planning;
use crate::contacts::{audited, store};
use crate::groups::store as groups;
use crate::groups::tell::{How, tell};
use crate::ids::{AppointmentId, ContactId, GroupId, JobId};
use crate::jobs::Failure;
use crate::jobs::store::run::Batch;

/// Adds an entry of the audit chain about something of a contact, sealed under the contact's key; it names the job.
pub(super) fn entry(
    batch: &mut Batch,
    job: JobId,
    action: &'static str,
    (entity, contact, locked): (Uuid, ContactId, &Locked),
    values: Value,
) -> Result<(), Failure> {
    let key = batch.keys.unwrap_contact_key(contact.0, &locked.key_wrapped)?;
    batch.entry(job, &key, (action, entity), values)
}

/// Withdraws what is planned, and tells.
pub(crate) async fn withdraw(
    batch: &mut Batch,
    which: (&[AppointmentId], &[ContactId]),
    reason: &str,
) -> Result<(), Failure> {
    let gone = contacts::withdraw(&mut batch.tx, which, reason, batch.now).await?;
    planning::tell_withdrawn(&gone, &mut batch.changes);
    Ok(())
}

/// Locks contacts and groups in the order in which everybody does, and reads the time under the locks. The groups that are there, and
/// the contacts that are, or are deleted; who was erased is not in the map.
pub(crate) async fn lock(
    batch: &mut Batch,
    ids: &[ContactId],
    groups: &[GroupId],
) -> Result<(HashSet<GroupId>, HashMap<ContactId, Locked>), Failure> {
    let locked = contacts::lock(&mut batch.tx, &batch.keys, ids, groups).await?;
    batch.now = crate::tenants::store::now(&mut batch.tx).await?;
    Ok(locked)
}

/// Plans reminders.
pub(super) async fn plan(batch: &mut Batch, ids: &[AppointmentId]) -> Result<(), Failure> {
    for id in ids {
        planning::plan_appointment(&mut batch.tx, *id, &mut batch.changes).await?;
    }
    Ok(())
}

/// Has contacts join and leave groups, which are locked, and tells each of them.
pub(super) async fn move_members(
    batch: &mut Batch,
    joins: HashMap<GroupId, Vec<ContactId>>,
    leaves: HashMap<GroupId, Vec<ContactId>>,
) -> Result<(), Failure> {
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

/// Deletes contacts with their appointments, and tells what they were.
pub(crate) async fn delete(
    batch: &mut Batch,
    job: JobId,
    locked: &HashMap<ContactId, Locked>,
    ids: &[ContactId],
) -> Result<(), Failure> {
    for opened in store::some(&mut batch.tx, &batch.keys, ids).await? {
        let id = opened.contact.id;
        let Some(locked) = locked.get(&id) else { continue };
        let values = json!({ "before": audited(&opened.contact) });
        entry(batch, job, "contact.delete", (id.0, id, locked), values)?;
        batch.changes.event("contact.deleted", id.0, Some(id));
    }
    withdraw(batch, (&[], ids), "contact_deleted").await?;
    contacts::delete(&mut batch.tx, ids, batch.now).await?;
    Ok(())
}

/// Brings deleted contacts back with what was deleted with them, plans reminders, and tells what they are.
pub(super) async fn bring_back(
    batch: &mut Batch,
    job: JobId,
    locked: &HashMap<ContactId, Locked>,
    ids: &[ContactId],
) -> Result<(), Failure> {
    let appointments = contacts::restore(&mut batch.tx, ids, batch.now).await?;
    for opened in store::some(&mut batch.tx, &batch.keys, ids).await? {
        let id = opened.contact.id;
        let Some(locked) = locked.get(&id) else { continue };
        let values = json!({ "after": audited(&opened.contact) });
        entry(batch, job, "contact.restore", (id.0, id, locked), values)?;
        batch.changes.event("contact.restored", id.0, Some(id));
    }
    plan(batch, &appointments).await
}
