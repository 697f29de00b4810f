//! How a group is shown.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::groups::store::{Membership, Standing};
use shared::groups::{Colour, Group};
use shared::ids::GroupId;

/// A group as its tenant's people see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Group")]
pub(super) struct GroupView {
    id: GroupId,
    #[schemars(example = "VIP patients")]
    name: String,
    /// What it is for.
    #[schemars(example = "Call before nine")]
    description: Option<String>,
    /// One of the palette.
    colour: Colour,
    /// The same as `#rrggbb`.
    #[schemars(example = &"#1565c0")]
    hex: &'static str,
    /// Since when it is out of the way.
    archived_at: Option<DateTime<Utc>>,
    /// Members that are neither deleted nor archived.
    contact_count: i64,
    /// The latest of: a change of the group, a change of who is in it, an outcome of a member's call.
    last_activity: DateTime<Utc>,
    /// The version, as in `ETag`. Members come and go without it.
    version: i32,
    /// Who made it.
    created_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl GroupView {
    /// A group as it stands.
    pub(super) fn new(group: &Group, standing: Standing) -> Self {
        let changed_at = group.changed_at();
        Self {
            id: group.id,
            name: group.name.as_str().to_owned(),
            description: group.description.as_ref().map(|text| text.as_str().to_owned()),
            colour: group.colour,
            hex: group.colour.hex(),
            archived_at: group.archived_at,
            contact_count: standing.contacts,
            last_activity: standing.last_outcome_at.map_or(changed_at, |at| at.max(changed_at)),
            version: group.version,
            created_by: group.created_by.clone(),
            created_at: group.created_at,
            updated_at: group.updated_at,
        }
    }
}

/// That a contact is in a group.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupMembership")]
pub(super) struct MembershipView {
    id: GroupId,
    #[schemars(example = "VIP patients")]
    name: String,
    /// One of the palette.
    colour: Colour,
    /// The same as `#rrggbb`.
    #[schemars(example = &"#1565c0")]
    hex: &'static str,
    /// The group is out of the way.
    archived: bool,
    /// Who added the contact.
    added_by: String,
    /// When.
    added_at: DateTime<Utc>,
}

impl MembershipView {
    /// A membership.
    pub(super) fn new(membership: Membership) -> Self {
        let Membership { group, added_by, added_at } = membership;
        Self {
            id: group.id,
            name: group.name.as_str().to_owned(),
            colour: group.colour,
            hex: group.colour.hex(),
            archived: group.archived_at.is_some(),
            added_by,
            added_at,
        }
    }
}

/// Values of a group for the audit chain: all that people can change, to be sealed.
pub(super) fn audited(group: &Group) -> serde_json::Value {
    serde_json::json!({
        "name": group.name.as_str(),
        "description": group.description.as_ref().map(|text| text.as_str()),
        "colour": group.colour.as_str(),
        "archived_at": group.archived_at,
    })
}
