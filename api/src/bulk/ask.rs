//! What is asked for, read from the body.

use schemars::JsonSchema;
use serde::Deserialize;
use shared::appointments::{ConfirmedBy, Priority};
use shared::bulk::{Act, Chosen, Edit, MOST, MOST_GROUPS, Params, Selection};
use shared::calls::rules::snapshot::AppointmentStatus;
use shared::ids::{AppointmentId, ContactId, GroupId};
use shared::search::Filter;
use shared::search::filter::Groups;

use crate::appointments::reading::{
    How, LEAD_HOURS, MOST_LOCATION, MOST_PERSON, MOST_REASON, label, why,
};
use crate::contacts::{Sought, selection};
use crate::http::{Fields, present};

/// One change of many contacts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BulkChange")]
pub(super) struct Ask {
    selection: Who,
    /// So many, or nothing is done: what a preview showed. Without it, whoever is there when the job begins.
    #[schemars(range(min = 0))]
    expected_count: Option<i64>,
    act: What,
}

/// Who: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BulkSelection")]
pub(crate) struct Who {
    /// These, at most 10,000.
    #[schemars(length(max = MOST), example = serde_json::json!([{ "contact_id": "0192f0c1-5a3e-7c1d-9f4e-2b6a8c0d1e2f" }]))]
    ids: Option<Vec<One>>,
    /// Whoever is found when the job begins; `sort` and `fields` don't matter.
    search: Option<Sought>,
    /// Whoever is in this group when the job begins, and not archived.
    group: Option<GroupId>,
    /// Every contact that is not archived.
    #[serde(default)]
    all: bool,
}

/// One of them.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BulkContact")]
struct One {
    contact_id: ContactId,
    /// Which appointment, as `searchContactIds` gave it. Without it: the next open one, or else the latest.
    appointment_id: Option<AppointmentId>,
}

/// What: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BulkAct")]
struct What {
    #[schemars(example = serde_json::json!({ "status": "confirmed", "reason": "They rang us" }))]
    status: Option<Status>,
    groups: Option<ToGroups>,
    edit: Option<ToEdit>,
    delete: Option<Nothing>,
    call: Option<ToCall>,
    restore: Option<Nothing>,
}

/// Nothing more is to be said.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BulkNothing")]
struct Nothing {}

/// They are called now.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "BulkCall")]
struct ToCall {
    /// Stay in front until the deadline, rather than ten minutes.
    wait: bool,
}

/// The status of their appointments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BulkStatus")]
struct Status {
    status: AppointmentStatus,
    /// For people; kept with each appointment.
    #[schemars(length(min = 1, max = MOST_REASON), example = "Surgery closed by snow")]
    reason: String,
    /// How it was confirmed; only with status `confirmed`.
    confirmed_by: Option<ConfirmedBy>,
    /// What was found in `reason` stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
}

/// Which groups they are in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BulkGroups")]
struct ToGroups {
    /// In these too.
    #[serde(default)]
    #[schemars(length(max = MOST_GROUPS))]
    add: Vec<GroupId>,
    /// In these no more.
    #[serde(default)]
    #[schemars(length(max = MOST_GROUPS))]
    remove: Vec<GroupId>,
    /// In these and no others. Not together with `add` and `remove`.
    #[schemars(length(max = MOST_GROUPS))]
    replace: Option<Vec<GroupId>>,
}

/// Details of their appointments. What is absent stays, `null` clears.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BulkEdit")]
struct ToEdit {
    /// With whom.
    #[schemars(length(max = MOST_PERSON))]
    #[serde(default, deserialize_with = "present")]
    owner_name: Option<Option<String>>,
    /// Where.
    #[schemars(length(max = MOST_LOCATION))]
    #[serde(default, deserialize_with = "present")]
    location: Option<Option<String>>,
    /// So long before the appointment its reminder is due.
    #[schemars(range(min = 1, max = 168))]
    call_before_hours: Option<i64>,
    /// The more important go first.
    priority: Option<Priority>,
}

impl Ask {
    /// What is to be done, or its faults noted.
    pub(super) fn read(self, fields: &mut Fields) -> Option<Params> {
        let selection = fields.below("/selection", |fields| self.selection.read(fields));
        let act = fields.below("/act", |fields| self.act.read(fields));
        let expected_count = expected_count(self.expected_count, fields);
        let (selection, act) = (selection?, act?);
        if act == Act::Restore && !matches!(selection, Selection::Ids { .. }) {
            fields.fault(
                "selection/ids",
                "missing",
                "deleted contacts are found by nobody: name them",
            );
        }
        if let Selection::Ids { chosen } = &selection
            && chosen.len() > act.most()
        {
            let detail = format!("at most {}: more is a campaign", act.most());
            fields.fault("selection/ids", "too_many", detail);
        }
        Some(Params { selection, expected_count, act })
    }
}

/// The `expected_count` of a request, or its fault noted.
pub(crate) fn expected_count(asked: Option<i64>, fields: &mut Fields) -> Option<u64> {
    let count = asked.map(u64::try_from).transpose();
    count.unwrap_or_else(|_| {
        fields.fault("expected_count", "out_of_range", "must be 0 or more");
        None
    })
}

impl Who {
    /// Reads all that is given, so that a client hears of every fault, and takes it if it is one.
    pub(crate) fn read(self, fields: &mut Fields) -> Option<Selection> {
        let by_ids = self.ids.map(|ids| Self::by_ids(&ids, fields));
        let by_search =
            self.search.map(|search| fields.below("/search", |fields| selection(search, fields)));
        let by_filter = |group: Option<GroupId>| {
            let groups = Groups { any: group.into_iter().collect(), ..Groups::default() };
            let filter = Box::new(Filter { groups, ..Filter::default() });
            Some(Selection::Found { query: String::new(), filter, hidden: Vec::new() })
        };
        let by_group = self.group.map(|group| by_filter(Some(group)));
        let all = self.all.then(|| by_filter(None));
        only_one(
            fields,
            [by_ids, by_search, by_group, all],
            "give one of ids, search, group and all",
        )
    }

    fn by_ids(ids: &[One], fields: &mut Fields) -> Option<Selection> {
        if ids.is_empty() {
            fields.fault("ids", "empty", "must not be empty");
        }
        if ids.len() > MOST {
            fields.fault("ids", "too_many", format!("at most {MOST}"));
            return None;
        }
        let chosen =
            |one: &One| Chosen { contact: one.contact_id, appointment: one.appointment_id };
        Some(Selection::Ids { chosen: ids.iter().map(chosen).collect() })
    }
}

impl What {
    fn read(self, fields: &mut Fields) -> Option<Act> {
        let status =
            self.status.map(|status| fields.below("/status", |fields| status.read(fields)));
        let groups =
            self.groups.map(|groups| fields.below("/groups", |fields| groups.read(fields)));
        let edit = self.edit.map(|edit| fields.below("/edit", |fields| edit.read(fields)));
        let delete = self.delete.map(|Nothing {}| Some(Act::Delete));
        let call = self.call.map(|ToCall { wait }| Some(Act::Call { wait }));
        let restore = self.restore.map(|Nothing {}| Some(Act::Restore));
        let one = "give one of status, groups, edit, delete, restore and call";
        only_one(fields, [status, groups, edit, delete, restore, call], one)
    }
}

/// The one that was given; a fault if none was, or several were. The inner `None` is one whose faults are noted.
fn only_one<T, const N: usize>(
    fields: &mut Fields,
    given: [Option<Option<T>>; N],
    detail: &'static str,
) -> Option<T> {
    let mut given = given.into_iter().flatten();
    let first = given.next();
    if first.is_none() || given.next().is_some() {
        fields.fault("", "one_of", detail);
        return None;
    }
    first.flatten()
}

impl Status {
    fn read(self, fields: &mut Fields) -> Option<Act> {
        let stops = self.status == AppointmentStatus::Cancelled;
        let how = How { known: self.acknowledge_phi, stops };
        let reason = why(fields, ("reason", &self.reason), None, how);
        if self.confirmed_by.is_some() && self.status != AppointmentStatus::Confirmed {
            fields.fault("confirmed_by", "not_wanted", "goes with status confirmed only");
        }
        Some(Act::Status { status: self.status, reason: reason?, confirmed_by: self.confirmed_by })
    }
}

impl ToGroups {
    fn read(self, fields: &mut Fields) -> Option<Act> {
        let Self { add, remove, replace } = self;
        if replace.is_some() && !(add.is_empty() && remove.is_empty()) {
            fields.fault("replace", "not_wanted", "goes without add and remove");
        }
        if replace.is_none() && add.is_empty() && remove.is_empty() {
            fields.fault("add", "empty", "name a group");
        }
        for (field, groups) in [("add", &add), ("remove", &remove)] {
            if groups.len() > MOST_GROUPS {
                fields.fault(field, "too_many", format!("at most {MOST_GROUPS}"));
            }
        }
        if replace.as_ref().is_some_and(|groups| groups.len() > MOST_GROUPS) {
            fields.fault("replace", "too_many", format!("at most {MOST_GROUPS}"));
        }
        if let Some(at) = remove.iter().position(|group| add.contains(group)) {
            fields.fault(&format!("remove/{at}"), "added_too", "the same group is to be added");
        }
        let once = |groups: Vec<GroupId>| {
            let set: std::collections::BTreeSet<_> = groups.into_iter().collect();
            set.into_iter().collect::<Vec<_>>()
        };
        Some(match replace {
            Some(groups) => Act::Groups { add: once(groups), remove: Vec::new(), replace: true },
            None => Act::Groups { add: once(add), remove: once(remove), replace: false },
        })
    }
}

impl ToEdit {
    fn read(self, fields: &mut Fields) -> Option<Act> {
        let mut text = |field: &str, raw: Option<Option<String>>, most: usize| match raw {
            None => None,
            Some(None) => Some(String::new()),
            Some(Some(raw)) => label(fields, field, Some(&raw), most)
                .flatten()
                .map(|label| label.as_str().to_owned()),
        };
        let owner = text("owner_name", self.owner_name, MOST_PERSON);
        let location = text("location", self.location, MOST_LOCATION);
        let hours = self.call_before_hours;
        let call_before_hours =
            hours.and_then(|hours| fields.within("call_before_hours", hours, LEAD_HOURS));
        let edit = Edit { owner, location, call_before_hours, priority: self.priority };
        if edit == Edit::default() {
            fields.fault("", "empty", "say what changes");
        }
        Some(Act::Edit(edit))
    }
}
