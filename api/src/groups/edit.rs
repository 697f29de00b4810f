//! Changing, archiving and deleting a group.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::groups::tell::How;
use shared::groups::{Colour, Group, MOST_AT_ONCE, MOST_DESCRIPTION, MOST_NAME, store};
use shared::ids::GroupId;

use super::find::{self, GroupReply};
use super::members;
use super::view::audited;
use super::{entry, fields, lock};
use crate::app::{App, Work};
use crate::auth::{Allowed, EditGroups};
use crate::http::contract::Operation;
use crate::http::{Body, Empty, Fields, IfMatch, Kind, Path, Problem, Reply, present};

/// What changes: a field that is absent stays, `null` clears one that may be empty.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "GroupPatch")]
pub(super) struct Patch {
    /// Unlike every other group's, without regard to case and accents.
    #[schemars(length(min = 1, max = MOST_NAME))]
    name: Option<String>,
    /// What it is for: no word about a person.
    #[serde(default, deserialize_with = "present")]
    #[schemars(length(min = 1, max = MOST_DESCRIPTION), example = "Call after ten")]
    description: Option<Option<String>>,
    /// What was found in name or description stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
    /// One of the palette.
    #[schemars(with = "Option<Colour>", example = &"teal")]
    colour: Option<String>,
    /// Out of the way, or back.
    archived: Option<bool>,
}

impl Patch {
    fn apply(&self, group: &mut Group, work: &mut Work) -> Result<(), Problem> {
        let mut found = Fields::default();
        let known = self.acknowledge_phi;
        if let Some(raw) = &self.name
            && let Some(name) = fields::name(&mut found, raw, Some(&group.name), known)
        {
            group.name = name;
        }
        match &self.description {
            None => {}
            Some(None) => group.description = None,
            Some(Some(raw)) => {
                let kept = group.description.as_ref();
                if let Some(text) = fields::description(&mut found, raw, kept, known) {
                    group.description = Some(text);
                }
            }
        }
        if let Some(colour) = self.colour.as_deref().and_then(|raw| fields::colour(&mut found, raw))
        {
            group.colour = colour;
        }
        match self.archived {
            None => {}
            Some(false) => group.archived_at = None,
            // Said again, it is out of the way since the first time.
            Some(true) => {
                group.archived_at.get_or_insert(work.now);
            }
        }
        found.finish_in(work, Some(()))
    }
}

pub(super) const PATCH: Operation = Operation::new("changeGroup", "Change or archive a group")
    .says(
        "A field that is absent stays, `null` clears one that may be empty. An archived group is out of lists and the \
         overview; it keeps its name and its members.",
    )
    .fails(&[Kind::GroupNameTaken]);

/// Changes a group.
pub(super) async fn patch(
    State(app): State<App>,
    by: Allowed<EditGroups>,
    Path(id): Path<GroupId>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<GroupReply, Problem> {
    let mut work = app.change(&by).await?;
    let mut group = lock(&mut work, id, version).await?;
    let before = group.clone();
    patch.apply(&mut group, &mut work)?;
    if group == before {
        return find::view(&mut work.tx, &group).await;
    }
    let other = store::with_name(&mut work.tx, &group.name).await?;
    if other.is_some_and(|other| other != id) {
        return Err(fields::taken(other));
    }
    group.version += 1;
    group.updated_at = work.now;
    match store::update(&mut work.tx, &group).await {
        // Somebody took the name since it was looked for.
        Err(error) if error.is_refused_by("groups_have_names_of_their_own") => {
            return Err(fields::taken(None));
        }
        done => done?,
    }
    work.changes.event("group.changed", id.0, None);
    let values = serde_json::json!({ "before": audited(&before), "after": audited(&group) });
    entry(&mut work, "group.change", id, &values)?;
    let reply = find::view(&mut work.tx, &group).await?;
    work.commit(&app, reply).await
}

pub(super) const DELETE: Operation = Operation::new("deleteGroup", "Delete a group")
    .says(
        "Its contacts stay. Each is told to be out of it, as if taken out; of a group of more than 10,000, take some out \
         first.",
    )
    .fails(&[Kind::GroupTooLarge]);

/// Deletes a group. Its contacts stay.
pub(super) async fn delete(
    State(app): State<App>,
    by: Allowed<EditGroups>,
    Path(id): Path<GroupId>,
    version: IfMatch,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    let group = lock(&mut work, id, version).await?;
    let rows = store::count(&mut work.tx, id).await?;
    if usize::try_from(rows).map_or(true, |rows| rows > MOST_AT_ONCE) {
        return Err(Problem::Conflict {
            kind: Kind::GroupTooLarge,
            detail: format!("more than {MOST_AT_ONCE} contacts are in the group"),
            more: None,
        });
    }
    let orphans = store::all(&mut work.tx, id).await?;
    store::delete(&mut work.tx, id).await?;
    work.changes.event("group.deleted", id.0, None);
    let values = serde_json::json!({ "before": audited(&group) });
    entry(&mut work, "group.delete", id, &values)?;
    members::tell(&mut work, id, &orphans, How::Removed)?;
    work.commit(&app, Reply::empty()).await
}
