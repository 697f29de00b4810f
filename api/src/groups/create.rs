//! Making a group, with its first members if some are given.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::groups::store::{self, Standing};
use shared::groups::{Colour, Group, MOST_AT_ONCE, MOST_DESCRIPTION, MOST_NAME};
use shared::ids::{ContactId, GroupId};

use super::view::{GroupView, audited};
use super::{MOST_BYTES, entry, fields, members};
use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, EditGroups};
use crate::http::contract::Operation;
use crate::http::{Created, Fields, Kind, Post, Problem, Reply, Versioned};

/// A group as a client sends it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGroup {
    /// Unlike every other group's, without regard to case and accents.
    #[schemars(length(min = 1, max = MOST_NAME), example = "VIP patients")]
    name: String,
    /// What it is for: no word about a person.
    #[schemars(length(min = 1, max = MOST_DESCRIPTION), example = "Call before nine")]
    description: Option<String>,
    /// What was found in name or description stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
    /// One of the palette.
    #[schemars(with = "Colour", example = &"blue")]
    colour: String,
    /// Who is in it from the beginning.
    #[serde(default)]
    #[schemars(length(max = MOST_AT_ONCE))]
    members: Vec<ContactId>,
}

/// What was made.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NewGroupMade")]
pub(super) struct Made {
    #[serde(flatten)]
    group: GroupView,
    /// Which of `members` are no contacts, or deleted ones: they were not added.
    unknown: Vec<ContactId>,
}

impl NewGroup {
    fn read(&self, work: &mut Work) -> Result<Group, Problem> {
        let mut found = Fields::default();
        let name = fields::name(&mut found, &self.name, None, self.acknowledge_phi);
        let description = match self.description.as_deref() {
            None => Some(None),
            Some(raw) => fields::description(&mut found, raw, None, self.acknowledge_phi).map(Some),
        };
        let colour = fields::colour(&mut found, &self.colour);
        fields::count(&mut found, "members", &self.members, 0);
        let read = (|| {
            Some(Group {
                id: GroupId::new(),
                name: name?,
                description: description?,
                colour: colour?,
                archived_at: None,
                version: 1,
                created_by: work.actor.to_string(),
                created_at: work.now,
                updated_at: work.now,
                members_changed_at: None,
            })
        })();
        found.finish_in(work, read)
    }
}

pub(super) const CREATE: Operation = Operation::new("createGroup", "Make a group")
    .says(
        "With its first members if `members` is given, at most 10,000. Those that are no contacts, or deleted ones, are \
         named in `unknown`.",
    )
    .fails(&[Kind::GroupNameTaken]);

/// Makes a group. Answers 409 `group-name-taken` naming the group that has the name.
pub(super) async fn create(
    State(app): State<App>,
    by: Allowed<EditGroups>,
    Post { body, once }: Post<NewGroup, MOST_BYTES>,
) -> Result<Reply<Versioned<Created<Made>>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let mut group = body.read(&mut work)?;
    if !store::insert(&mut work.tx, &group).await? {
        let other = store::with_name(&mut work.tx, &group.name).await?;
        return Err(fields::taken(other));
    }
    work.changes.event("group.created", group.id.0, None);
    let values = serde_json::json!({ "after": audited(&group) });
    entry(&mut work, "group.create", group.id, &values)?;
    let added = members::put_in(&mut work, group.id, &body.members).await?;
    if !added.added.is_empty() {
        group.members_changed_at = Some(work.now);
    }
    let standings = store::standings(&mut work.tx, &[group.id]).await?;
    let standing: Standing = standings.get(&group.id).copied().unwrap_or_default();
    let view = GroupView::new(&group, standing);
    let made = Made { group: view, unknown: added.unknown };
    let reply = Reply::created(format!("/v1/groups/{}", group.id), &made)?;
    work.commit(&app, reply.with_version(group.version)).await
}
