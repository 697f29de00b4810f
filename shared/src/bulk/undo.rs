//! Taking a bulk change back: what nobody has changed since is put back, what somebody has is spared.

use std::collections::{HashMap, HashSet};

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::changes::{bring_back, delete, entry, lock, move_members, plan, withdraw};
use super::store::appointments::{self, Stands};
use super::{Act, code};
use crate::ids::{AppointmentId, ContactId, GroupId, JobId};
use crate::jobs::Failure;
use crate::jobs::store::items::{Item, Noted, Outcome};
use crate::jobs::store::run::Batch;

/// What an appointment was, as it is kept with the job: words, names that stand in clear with appointments too, and the reason as
/// it was sealed.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    status: String,
    reason: Option<String>,
    confirmed_by: Option<String>,
    confirmed_at: Option<chrono::DateTime<chrono::Utc>>,
    owner: Option<String>,
    location: Option<String>,
    hours: i32,
    priority: i16,
}

pub(super) fn kept(before: &Stands) -> Value {
    let kept = Kept {
        status: before.status.clone(),
        reason: before.status_reason_sealed.as_deref().map(|sealed| BASE64.encode(sealed)),
        confirmed_by: before.confirmed_by.clone(),
        confirmed_at: before.confirmed_at,
        owner: before.owner_name.clone(),
        location: before.location.clone(),
        hours: before.call_before_hours,
        priority: before.priority,
    };
    serde_json::to_value(kept).unwrap_or_default()
}

fn stands(noted: &Noted) -> Option<(Stands, i32)> {
    let kept: Kept = serde_json::from_value(noted.before.clone()?).ok()?;
    let reason = kept.reason.map(|text| BASE64.decode(text.as_bytes())).transpose().ok()?;
    let stands = Stands {
        id: AppointmentId(noted.thing?),
        contact_id: noted.contact_id?,
        status: kept.status,
        status_reason_sealed: reason,
        confirmed_by: kept.confirmed_by,
        confirmed_at: kept.confirmed_at,
        owner_name: kept.owner,
        location: kept.location,
        call_before_hours: kept.hours,
        priority: kept.priority,
        version: noted.version?,
    };
    let version = stands.version;
    Some((stands, version))
}

/// Takes back what was noted of some. What became of each.
///
/// # Errors
/// Any [`Failure`].
pub async fn undo(
    batch: &mut Batch,
    job: JobId,
    act: &Act,
    noted: &[Noted],
) -> Result<Vec<Item>, Failure> {
    let ids: Vec<ContactId> = noted.iter().filter_map(|one| one.contact_id).collect();
    match act {
        Act::Groups { .. } => of_groups(batch, noted).await,
        Act::Status { .. } | Act::Edit(_) => of_appointments(batch, job, noted, &ids).await,
        Act::Delete => of_deletion(batch, job, noted, &ids).await,
        Act::Restore => of_restoration(batch, job, noted, &ids).await,
        // Nobody is asked for it: `Job::undo_until` says never.
        Act::Call { .. } => Err(Failure::Other("of_another_kind")),
    }
}

fn item(of: &Noted, outcome: Outcome, code: Option<&'static str>) -> Item {
    Item { thing: of.thing, ..Item::new(of.n, of.contact_id, outcome, code) }
}

async fn of_appointments(
    batch: &mut Batch,
    job: JobId,
    noted: &[Noted],
    ids: &[ContactId],
) -> Result<Vec<Item>, Failure> {
    let (_, locked) = lock(batch, ids, &[]).await?;
    let before: Vec<(Stands, i32)> = noted.iter().filter_map(stands).collect();
    let back = appointments::put_back(&mut batch.tx, &before, batch.now).await?;
    let back: HashSet<AppointmentId> = back.into_iter().collect();
    let (mut settled, mut open, mut items) = (Vec::new(), Vec::new(), Vec::new());
    let of: HashMap<AppointmentId, &Stands> = before.iter().map(|(b, _)| (b.id, b)).collect();
    for one in noted {
        let id = one.thing.map(AppointmentId).filter(|id| back.contains(id));
        let Some((id, before)) = id.and_then(|id| Some((id, *of.get(&id)?))) else {
            items.push(item(one, Outcome::Skipped, Some(code::EDITED_SINCE)));
            continue;
        };
        let contact = before.contact_id;
        if let Some(locked) = locked.get(&contact) {
            let mut after = kept(before);
            // Sealed as it is, it would say nothing to who reads the trail.
            if let Some(after) = after.as_object_mut() {
                after.remove("reason");
            }
            let of = (id.0, contact, locked);
            entry(batch, job, "appointment.change", of, serde_json::json!({ "after": after }))?;
        }
        batch.changes.event("appointment.changed", id.0, Some(contact));
        match before.status.as_str() {
            "pending" | "rescheduled" => open.push(id),
            _ => settled.push(id),
        }
        items.push(item(one, Outcome::Done, None));
    }
    withdraw(batch, (&settled, &[]), "appointment_settled").await?;
    plan(batch, &open).await?;
    Ok(items)
}

async fn of_groups(batch: &mut Batch, noted: &[Noted]) -> Result<Vec<Item>, Failure> {
    #[derive(Deserialize)]
    struct Moved {
        joined: Vec<GroupId>,
        left: Vec<GroupId>,
    }
    let moved: Vec<(ContactId, Moved)> = noted
        .iter()
        .filter_map(|one| {
            Some((one.contact_id?, serde_json::from_value(one.before.clone()?).ok()?))
        })
        .collect();
    let named = moved.iter().flat_map(|(_, moved)| moved.joined.iter().chain(&moved.left));
    let named: Vec<GroupId> = named.copied().collect();
    let (there, _) = lock(batch, &[], &named).await?;
    let (mut joins, mut leaves): (HashMap<GroupId, Vec<ContactId>>, HashMap<_, Vec<_>>) =
        (HashMap::new(), HashMap::new());
    for (contact, Moved { joined, left }) in moved {
        // A group that was deleted since is left alone.
        for group in joined.into_iter().filter(|group| there.contains(group)) {
            leaves.entry(group).or_default().push(contact);
        }
        for group in left.into_iter().filter(|group| there.contains(group)) {
            joins.entry(group).or_default().push(contact);
        }
    }
    move_members(batch, joins, leaves).await?;
    let of = |one: &Noted| match one.before {
        Some(_) => item(one, Outcome::Done, None),
        None => item(one, Outcome::Failed, Some(code::ERASED)),
    };
    Ok(noted.iter().map(of).collect())
}

async fn of_deletion(
    batch: &mut Batch,
    job: JobId,
    noted: &[Noted],
    ids: &[ContactId],
) -> Result<Vec<Item>, Failure> {
    let (_, locked) = lock(batch, ids, &[]).await?;
    let (mut back, mut items) = (Vec::new(), Vec::new());
    for one in noted {
        let found = one.contact_id.and_then(|id| Some((id, locked.get(&id)?)));
        match found {
            None => items.push(item(one, Outcome::Failed, Some(code::ERASED))),
            Some((id, locked))
                if locked.deleted_at.is_some() && Some(locked.version) == one.version =>
            {
                back.push(id);
                items.push(item(one, Outcome::Done, None));
            }
            Some(_) => items.push(item(one, Outcome::Skipped, Some(code::EDITED_SINCE))),
        }
    }
    bring_back(batch, job, &locked, &back).await?;
    Ok(items)
}

async fn of_restoration(
    batch: &mut Batch,
    job: JobId,
    noted: &[Noted],
    ids: &[ContactId],
) -> Result<Vec<Item>, Failure> {
    let (_, locked) = lock(batch, ids, &[]).await?;
    let (mut gone, mut items) = (Vec::new(), Vec::new());
    for one in noted {
        let found = one.contact_id.and_then(|id| Some((id, locked.get(&id)?)));
        match found {
            Some((id, locked))
                if locked.deleted_at.is_none() && Some(locked.version) == one.version =>
            {
                gone.push(id);
                items.push(item(one, Outcome::Done, None));
            }
            _ => items.push(item(one, Outcome::Skipped, Some(code::EDITED_SINCE))),
        }
    }
    delete(batch, job, &locked, &gone).await?;
    Ok(items)
}
