//! Acts on appointments: their status, and their details.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::Work;
use crate::appointments::{ConfirmedBy, Priority, status_word};
use crate::bulk::changes::{entry, plan, withdraw};
use crate::bulk::store::appointments::{self, Stands};
use crate::bulk::{Edit, code, undo};
use crate::calls::rules::snapshot::AppointmentStatus;
use crate::crypto::ContactField;
use crate::ids::AppointmentId;
use crate::jobs::Failure;
use crate::jobs::store::items::{Item, Outcome};

impl Work<'_> {
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

    pub(super) async fn status(
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
            entry(self.batch, self.job, "appointment.change", (id.0, contact, locked), values)?;
            self.batch.changes.event("appointment.changed", id.0, Some(contact));
            items.push(self.changed(at, &stands));
        }
        let now = self.batch.now;
        appointments::set_status(&mut self.batch.tx, &reasons, (word, method), now).await?;
        let ids: Vec<AppointmentId> = reasons.iter().map(|(id, _)| *id).collect();
        match status {
            AppointmentStatus::Confirmed | AppointmentStatus::Cancelled => {
                withdraw(self.batch, (&ids, &[]), "appointment_settled").await?;
            }
            AppointmentStatus::Pending | AppointmentStatus::Rescheduled => {
                plan(self.batch, &ids).await?;
            }
        }
        Ok(items)
    }

    pub(super) async fn edit(&mut self, edit: &Edit) -> Result<Vec<Item>, Failure> {
        let (found, mut items) = self.meant().await?;
        let (mut ids, mut to_plan) = (Vec::new(), Vec::new());
        for (at, stands) in found {
            let after = edited(&stands, edit);
            if after == stands {
                items.push(self.item(at, Outcome::Skipped, Some(code::UNCHANGED)));
                continue;
            }
            let (id, contact) = (stands.id, stands.contact_id);
            let Some(locked) = self.locked.get(&contact) else { continue };
            let values = json!({ "before": details(&stands), "after": details(&after) });
            entry(self.batch, self.job, "appointment.change", (id.0, contact, locked), values)?;
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
        plan(self.batch, &to_plan).await?;
        Ok(items)
    }

    /// That an appointment was changed, with what takes it back.
    fn changed(&self, at: usize, before: &Stands) -> Item {
        Item {
            thing: Some(before.id.0),
            before: Some(undo::kept(before)),
            version: Some(before.version.saturating_add(1)),
            ..self.item(at, Outcome::Done, None)
        }
    }
}

pub(in crate::bulk) fn edited(stands: &Stands, edit: &Edit) -> Stands {
    let text = |new: &Option<String>, old: &Option<String>| match new {
        None => old.clone(),
        Some(new) => Some(new.clone()).filter(|new| !new.is_empty()),
    };
    Stands {
        owner_name: text(&edit.owner, &stands.owner_name),
        location: text(&edit.location, &stands.location),
        call_before_hours: edit.call_before_hours.map_or(stands.call_before_hours, i32::from),
        priority: edit.priority.map_or(stands.priority, Priority::rank),
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
