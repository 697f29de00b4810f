//! A batch of rows: who is there is locked and looked at, what is to become of each row is decided, and written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use serde_json::json;

use super::decide::{Book, Person, decide};
use super::store::{self, people};
use super::writing::Writing;
use super::{Duplicates, Options, code};
use crate::bulk::changes;
use crate::contacts::store as contacts;
use crate::contacts::store::Opened;
use crate::crypto::TenantField;
use crate::groups::{Colour, Group, GroupName, store as groups};
use crate::ids::{ContactId, GroupId, JobId};
use crate::intake::check::{Checked, Code, Row};
use crate::intake::duplicates::name_key;
use crate::jobs::store::items::{Item, Outcome};
use crate::jobs::store::run::Batch;
use crate::jobs::{Failure, Step};

/// An import that finds another at work looks again after so long.
const WAIT: TimeDelta = TimeDelta::seconds(1);

/// Makes the groups that rows name and that aren't there, in the first batch. Those that were made.
///
/// # Errors
/// Any [`Failure`].
pub async fn begin(
    batch: &mut Batch,
    options: &Options,
    rows: &[Checked],
) -> Result<Vec<GroupId>, Failure> {
    if !options.make_groups {
        return Ok(Vec::new());
    }
    let there = store::groups_by_key(&mut batch.tx).await?;
    let named = rows.iter().filter_map(|row| row.result.as_ref().ok()).flat_map(|row| &row.groups);
    let new: BTreeMap<String, &GroupName> =
        named.map(|name| (name.key(), name)).filter(|(key, _)| !there.contains_key(key)).collect();
    let (mut made, by) = (Vec::new(), batch.changes.actor().to_string());
    for name in new.into_values() {
        let group = Group {
            id: GroupId::new(),
            name: name.clone(),
            description: None,
            colour: Colour::Grey,
            archived_at: None,
            version: 1,
            created_by: by.clone(),
            created_at: batch.now,
            updated_at: batch.now,
            members_changed_at: None,
        };
        // Somebody may have made it in this very moment.
        if groups::insert(&mut batch.tx, &group).await? {
            let values =
                json!({ "after": { "name": group.name.as_str(), "colour": group.colour } });
            let place = TenantField::AuditDetails;
            let sealed = batch.keys.seal(place, group.id.0, values.to_string().as_bytes())?;
            batch.changes.event("group.created", group.id.0, None);
            batch.changes.entry("group.create", group.id.0, Some(sealed));
            made.push(group.id);
        }
    }
    Ok(made)
}

/// Whether it is this batch's turn: one batch of a tenant's imports, and of their undoing, is at work at a time. Ask before [`write()`] and
/// [`super::undo::undo`].
///
/// # Errors
/// Any [`Failure`].
pub async fn turn(batch: &mut Batch) -> Result<bool, Failure> {
    Ok(people::try_lock_imports(&mut batch.tx).await?)
}

/// Has a batch tried again in a moment, since another of the tenant's imports is at work.
pub fn not_now(batch: &Batch) -> Step {
    Step::Wait(batch.now + WAIT, "other_import")
}

/// Writes rows. What became of each, in their order.
///
/// # Errors
/// Any [`Failure`]: the batch is not to be kept.
pub async fn write(
    batch: &mut Batch,
    job: JobId,
    options: &Options,
    rows: &[Checked],
) -> Result<Vec<Item>, Failure> {
    let good: Vec<&Row> = rows.iter().filter_map(|row| row.result.as_ref().ok()).collect();
    let found = Found::lock(batch, job, options, &good).await?;
    let mut book = found.book;
    let becomes = decide(good.iter().copied(), &mut book, options);
    let mut writing = Writing::new(batch, job, found.opened);
    let mut joins: HashMap<GroupId, BTreeSet<ContactId>> = HashMap::new();
    let mut items = Vec::with_capacity(rows.len());
    let mut decided = good.iter().zip(&becomes);
    for checked in rows {
        if let Err(faults) = &checked.result {
            writing.refused(checked);
            let code = faults.first().map_or(Code::Missing, |fault| fault.code);
            items.push(item(checked.number, Outcome::Failed, None, code.as_str()));
            continue;
        }
        let Some((row, becomes)) = decided.next() else { continue };
        let done = writing.row(row, *becomes).await?;
        let written = matches!(done.outcome, Outcome::Done) || done.code == Some(code::UNCHANGED);
        if let Some(contact) = done.contact.filter(|_| written) {
            for group in found.groups.of(row) {
                joins.entry(group).or_default().insert(contact);
            }
        }
        if matches!(done.outcome, Outcome::Done) {
            writing.screened(checked);
        }
        items.push(done);
    }
    writing.finish().await?;
    join(batch, joins, &mut items).await?;
    Ok(items)
}

/// Puts people into groups, and notes of those who were there before what is to be taken back.
async fn join(
    batch: &mut Batch,
    joins: HashMap<GroupId, BTreeSet<ContactId>>,
    items: &mut [Item],
) -> Result<(), Failure> {
    let mut joined: HashMap<ContactId, Vec<GroupId>> = HashMap::new();
    let (actor, now) = (batch.changes.actor(), batch.now);
    for (group, contacts) in joins.into_iter().collect::<BTreeMap<_, _>>() {
        let contacts: Vec<ContactId> = contacts.into_iter().collect();
        let added = groups::add(&mut batch.tx, group, &contacts, (actor, now)).await?;
        let how = crate::groups::tell::How::Added;
        crate::groups::tell::tell(&batch.keys, &mut batch.changes, group, &added.added, how)?;
        for member in added.added {
            joined.entry(member.contact).or_default().push(group);
        }
    }
    for item in items.iter_mut() {
        let Some(groups) = item.contact.and_then(|contact| joined.remove(&contact)) else {
            continue;
        };
        if item.code == Some(code::UNCHANGED) {
            (item.outcome, item.code) = (Outcome::Done, Some(code::UPDATED));
        }
        item.before = Some(json!({ "joined": groups }));
    }
    Ok(())
}

pub(super) fn item(
    number: u32,
    outcome: Outcome,
    contact: Option<ContactId>,
    code: &'static str,
) -> Item {
    Item::new(number.into(), contact, outcome, Some(code))
}

/// Which groups rows name.
struct Groups {
    all: Vec<GroupId>,
    by_key: HashMap<String, GroupId>,
    there: HashSet<GroupId>,
}

impl Groups {
    fn of(&self, row: &Row) -> BTreeSet<GroupId> {
        let named = row.groups.iter().filter_map(|name| self.by_key.get(&name.key()));
        self.all.iter().chain(named).copied().filter(|id| self.there.contains(id)).collect()
    }
}

/// Who is there and may be changed, locked.
struct Found {
    book: Book,
    opened: HashMap<ContactId, Opened>,
    groups: Groups,
}

impl Found {
    async fn lock(
        batch: &mut Batch,
        job: JobId,
        options: &Options,
        rows: &[&Row],
    ) -> Result<Self, Failure> {
        let known = match options.duplicates {
            Duplicates::Create => HashMap::new(),
            Duplicates::Skip | Duplicates::Update => {
                people::known(&mut batch.tx, &batch.keys, rows).await?
            }
        };
        let ids: Vec<ContactId> = known.values().copied().collect();
        let (named, booked) = people::named(&mut batch.tx, job, &ids).await?;
        let touches =
            |id: &ContactId| options.duplicates == Duplicates::Update || named.contains(id);
        let touched: Vec<ContactId> = ids.into_iter().filter(touches).collect();
        let mut groups = Groups {
            all: options.groups.clone(),
            by_key: store::groups_by_key(&mut batch.tx).await?,
            there: HashSet::new(),
        };
        let of_rows = rows.iter().flat_map(|row| &row.groups);
        let wanted: BTreeSet<GroupId> = of_rows
            .filter_map(|name| groups.by_key.get(&name.key()))
            .chain(&groups.all)
            .copied()
            .collect();
        let wanted: Vec<GroupId> = wanted.into_iter().collect();
        (groups.there, _) = changes::lock(batch, &touched, &wanted).await?;
        let opened = contacts::some(&mut batch.tx, &batch.keys, &touched).await?;
        let opened: HashMap<ContactId, Opened> =
            opened.into_iter().map(|one| (one.contact.id, one)).collect();
        let mut book = Book::default();
        for (key, contact) in known {
            // Whom somebody renamed or deleted before the lock is nobody that rows name.
            let same = |one: &Opened| {
                (one.contact.phone.as_str(), name_key(one.contact.name.as_str()))
                    == (key.0.as_str(), key.1.clone())
            };
            if touches(&contact) && !opened.get(&contact).is_some_and(same) {
                continue;
            }
            book.people.insert(key, Person { contact, named: named.contains(&contact) });
        }
        let times: Vec<_> = rows.iter().map(|row| row.at).collect();
        for (contact, at, id) in people::appointments(&mut batch.tx, &touched, &times).await? {
            let said = booked.contains(&id);
            book.appointments.insert((contact, at), Some(id).filter(|_| !said));
        }
        if !options.allow_duplicate_email {
            people::lock_emails(&mut batch.tx, &batch.keys, rows).await?;
            book.emails = people::emails(&mut batch.tx, &batch.keys, rows).await?;
        }
        batch.tx.plan_as_usual().await?;
        Ok(Self { book, opened, groups })
    }
}
