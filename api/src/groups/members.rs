//! Who is in a group: one contact at a time, or thousands.
//!
//! Each contact that is added or taken out has an event and an entry of the audit chain of its own, whatever the number.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::groups::MOST_AT_ONCE;
use shared::groups::store::{self, Added, Member, Removed};
use shared::groups::tell::{self, How};
use shared::ids::{ContactId, GroupId};

use super::{MOST_BYTES, fields, lock};
use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, EditGroups};
use crate::http::contract::Operation;
use crate::http::{Empty, Fields, IfMatch, Path, Post, Problem, Reply, Shown};

/// Who is added, and who is taken out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "GroupMembersChange")]
pub(super) struct Change {
    /// Who is added. At most 10,000, together with `remove`.
    #[serde(default)]
    #[schemars(length(max = MOST_AT_ONCE), example = ["0192f0c1-5a3e-7c1d-9f4e-2b6a8c0d1e2f"])]
    add: Vec<ContactId>,
    /// Who is taken out.
    #[serde(default)]
    #[schemars(length(max = MOST_AT_ONCE))]
    remove: Vec<ContactId>,
}

/// What became of all. A contact that is named twice counts once.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupMembersChanged")]
pub(super) struct Changed {
    /// How many are in the group now, and weren't.
    added: usize,
    /// How many of `add` were in it.
    already: usize,
    /// How many were in the group, and aren't.
    removed: usize,
    /// How many of `remove` were not in it.
    absent: usize,
    /// Who is no contact, or a deleted one: nothing was done about them.
    unknown: Vec<ContactId>,
}

impl Change {
    fn check(&self) -> Result<(), Problem> {
        let mut found = Fields::default();
        fields::count(&mut found, "add", &self.add, 0);
        fields::count(&mut found, "remove", &self.remove, self.add.len().min(MOST_AT_ONCE));
        let mut added: Vec<_> = self.add.iter().collect();
        added.sort_unstable();
        for (index, id) in self.remove.iter().enumerate() {
            if added.binary_search(&id).is_ok() {
                let detail = "the same contact is to be added";
                found.fault(&format!("remove/{index}"), "added_too", detail);
                // One is enough: there could be thousands.
                break;
            }
        }
        found.finish(Some(()))
    }
}

pub(super) const CHANGE: Operation = Operation::new("changeGroupMembers", "Add and take out many")
    .says(
        "At most 10,000 at a time, all or nothing, whatever their number. Who was in it stays, and who wasn't stays out: \
         doing it again changes nothing. Those that are no contacts, or deleted ones, are named in `unknown`.",
    );

/// Adds and takes out many contacts in one transaction.
pub(super) async fn change(
    State(app): State<App>,
    by: Allowed<EditGroups>,
    Path(id): Path<GroupId>,
    Post { body, once }: Post<Change, MOST_BYTES>,
) -> Result<Reply<Shown<Changed>>, Problem> {
    body.check()?;
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    lock(&mut work, id, IfMatch::Any).await?;
    let removed = take_out(&mut work, id, &body.remove).await?;
    let added = put_in(&mut work, id, &body.add).await?;
    let changed = Changed {
        added: added.added.len(),
        already: added.already,
        removed: removed.removed.len(),
        absent: removed.absent,
        unknown: added.unknown.into_iter().chain(removed.unknown).collect(),
    };
    work.commit(&app, Reply::ok(&changed)?).await
}

pub(super) const ADD: Operation =
    Operation::new("addGroupMember", "Add a contact to a group").says("204, also if it was in it.");

/// Adds one contact. 204, also if it was in the group.
pub(super) async fn add(
    State(app): State<App>,
    by: Allowed<EditGroups>,
    Path((id, contact)): Path<(GroupId, ContactId)>,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    lock(&mut work, id, IfMatch::Any).await?;
    let added = put_in(&mut work, id, &[contact]).await?;
    if !added.unknown.is_empty() {
        return Err(Problem::NotFound(crate::contacts::NOUN));
    }
    work.commit(&app, Reply::empty()).await
}

pub(super) const REMOVE: Operation =
    Operation::new("removeGroupMember", "Take a contact out of a group")
        .says("It stays a contact. 204, also if it was not in it.");

/// Takes one contact out. 204, also if it was not in the group.
pub(super) async fn remove(
    State(app): State<App>,
    by: Allowed<EditGroups>,
    Path((id, contact)): Path<(GroupId, ContactId)>,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    lock(&mut work, id, IfMatch::Any).await?;
    let removed = take_out(&mut work, id, &[contact]).await?;
    if !removed.unknown.is_empty() {
        return Err(Problem::NotFound(crate::contacts::NOUN));
    }
    work.commit(&app, Reply::empty()).await
}

/// Adds contacts to a group whose lock is held, and tells it.
pub(super) async fn put_in(
    work: &mut Work,
    group: GroupId,
    contacts: &[ContactId],
) -> Result<Added, Problem> {
    if contacts.is_empty() {
        return Ok(Added::default());
    }
    let who = (work.actor, work.now);
    let added = store::add(&mut work.tx, group, contacts, who).await?;
    tell(work, group, &added.added, How::Added)?;
    Ok(added)
}

async fn take_out(
    work: &mut Work,
    group: GroupId,
    contacts: &[ContactId],
) -> Result<Removed, Problem> {
    if contacts.is_empty() {
        return Ok(Removed::default());
    }
    let removed = store::remove(&mut work.tx, group, contacts, work.now).await?;
    tell(work, group, &removed.removed, How::Removed)?;
    Ok(removed)
}

/// Tells of each contact that it is in the group now, or isn't any more.
pub(super) fn tell(
    work: &mut Work,
    group: GroupId,
    members: &[Member],
    how: How,
) -> Result<(), Problem> {
    Ok(tell::tell(&work.keys, &mut work.changes, group, members, how)?)
}
