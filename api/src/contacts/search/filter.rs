//! Whom to leave out, as a client writes it.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::appointments::Priority;
use shared::calls::rules::snapshot::AppointmentStatus;
use shared::ids::GroupId;
use shared::search::filter::{Archived, Calling, Groups, LastContact};
use shared::search::{AppointmentDate, Attendance, Filter};

use crate::http::Fields;

/// Most values of one list.
const MOST: usize = 100;
/// No appointment is earlier.
const EARLIEST: NaiveDate = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap();
/// No appointment is later.
const LATEST: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 30).unwrap();
/// Longest word that is compared with.
const MOST_WORD: usize = 200;

/// A filter. All parts must hold; of each list one value must. Those about an appointment must hold for one and the same
/// appointment, which the row then shows.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "ContactFilter")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FilterBody {
    /// How the appointment stands.
    #[schemars(length(max = MOST))]
    status: Vec<AppointmentStatus>,
    /// When it begins, by the tenant's clock. Weeks begin on Monday.
    date: Option<DateBody>,
    /// It begins on this day or later; not together with `date`.
    date_from: Option<NaiveDate>,
    /// It begins on this day or earlier; not together with `date`.
    date_to: Option<NaiveDate>,
    /// Whether the person came.
    #[schemars(length(max = MOST))]
    attendance: Vec<AttendanceBody>,
    /// How important it is.
    #[schemars(length(max = MOST))]
    priority: Vec<Priority>,
    /// What it is for, as written.
    #[schemars(length(max = MOST))]
    r#type: Vec<String>,
    /// With whom, as written.
    #[schemars(length(max = MOST))]
    owner: Vec<String>,
    /// Where, as written.
    #[schemars(length(max = MOST))]
    location: Vec<String>,
    /// Who brought the booking: `manual`, `api`, `import`, a calendar.
    #[schemars(length(max = MOST))]
    source: Vec<String>,
    /// Which groups the contact is in.
    groups: GroupsBody,
    /// How the contact stands with its calls.
    #[schemars(length(max = MOST))]
    calling: Vec<Calling>,
    /// When the person was last reached. A week is 7 times 24 hours, a month 30.
    last_contact: Option<LastContactBody>,
    /// The person was last reached within so many times 24 hours; not together with `last_contact`.
    #[schemars(range(min = 1, max = 3650))]
    last_contact_within_days: Option<i64>,
    /// Archived contacts: not shown, only those, or shown with the others.
    archived: Archived,
}

/// Which groups.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "GroupFilter")]
#[serde(deny_unknown_fields, default)]
struct GroupsBody {
    /// In one of these, if any are named.
    #[schemars(length(max = MOST))]
    any: Vec<GroupId>,
    /// In all of these.
    #[schemars(length(max = MOST))]
    all: Vec<GroupId>,
    /// In none of these.
    #[schemars(length(max = MOST))]
    none: Vec<GroupId>,
    /// In no group at all.
    ungrouped: bool,
}

/// A day or week.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "AppointmentDay")]
#[serde(rename_all = "snake_case")]
enum DateBody {
    Today,
    Tomorrow,
    ThisWeek,
    NextWeek,
}

/// Whether the person came.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "AttendanceFilter")]
#[serde(rename_all = "snake_case")]
enum AttendanceBody {
    Attended,
    NoShow,
    Unknown,
}

/// When the person was last reached.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "LastContactFilter")]
#[serde(rename_all = "snake_case")]
enum LastContactBody {
    Never,
    Today,
    Week,
    Month,
}

impl FilterBody {
    /// The filter, or its faults noted.
    pub(super) fn read(self, fields: &mut Fields) -> Option<Filter> {
        let words = [
            ("type", &self.r#type),
            ("owner", &self.owner),
            ("location", &self.location),
            ("source", &self.source),
        ];
        for (field, words) in words {
            at_most(fields, field, words.len());
            if words.iter().any(|word| word.chars().count() > MOST_WORD) {
                fields.fault(field, "too_long", "at most 200 characters each");
            }
        }
        for (field, length) in [
            ("status", self.status.len()),
            ("attendance", self.attendance.len()),
            ("priority", self.priority.len()),
            ("calling", self.calling.len()),
            ("groups/any", self.groups.any.len()),
            ("groups/all", self.groups.all.len()),
            ("groups/none", self.groups.none.len()),
        ] {
            at_most(fields, field, length);
        }
        let date = self.date(fields);
        let last_contact = self.last_contact(fields);
        let attendance = |one: &AttendanceBody| match one {
            AttendanceBody::Attended => Some(Attendance::Attended),
            AttendanceBody::NoShow => Some(Attendance::NoShow),
            AttendanceBody::Unknown => None,
        };
        Some(Filter {
            statuses: self.status,
            date,
            attendance: self.attendance.iter().map(attendance).collect(),
            priorities: self.priority,
            kinds: self.r#type,
            owners: self.owner,
            locations: self.location,
            sources: self.source,
            groups: Groups {
                any: self.groups.any,
                all: self.groups.all,
                none: self.groups.none,
                ungrouped: self.groups.ungrouped,
            },
            calling: self.calling,
            last_contact,
            archived: self.archived,
        })
    }

    fn date(&self, fields: &mut Fields) -> Option<AppointmentDate> {
        if self.date.is_some() && (self.date_from.is_some() || self.date_to.is_some()) {
            fields.fault("date", "range_given", "give either date, or date_from and date_to");
        }
        for (field, date) in [("date_from", self.date_from), ("date_to", self.date_to)] {
            if date.is_some_and(|date| !(EARLIEST..=LATEST).contains(&date)) {
                fields.fault(field, "out_of_range", "must be a date of the years 1900 to 9999");
            }
        }
        if let (Some(from), Some(to)) = (self.date_from, self.date_to)
            && from > to
        {
            fields.fault("date_to", "before_from", "must not be before date_from");
        }
        match (self.date, self.date_from, self.date_to) {
            (Some(DateBody::Today), ..) => Some(AppointmentDate::Today),
            (Some(DateBody::Tomorrow), ..) => Some(AppointmentDate::Tomorrow),
            (Some(DateBody::ThisWeek), ..) => Some(AppointmentDate::ThisWeek),
            (Some(DateBody::NextWeek), ..) => Some(AppointmentDate::NextWeek),
            (None, None, None) => None,
            (None, from, to) => {
                Some(AppointmentDate::Days(from.unwrap_or(EARLIEST), to.unwrap_or(LATEST)))
            }
        }
    }

    fn last_contact(&self, fields: &mut Fields) -> Option<LastContact> {
        let days = self
            .last_contact_within_days
            .and_then(|days| fields.within("last_contact_within_days", days, 1..=3_650));
        if self.last_contact.is_some() && self.last_contact_within_days.is_some() {
            let why = "give either last_contact or last_contact_within_days";
            fields.fault("last_contact", "days_given", why);
        }
        match self.last_contact {
            Some(LastContactBody::Never) => Some(LastContact::Never),
            Some(LastContactBody::Today) => Some(LastContact::Today),
            Some(LastContactBody::Week) => Some(LastContact::Days(7)),
            Some(LastContactBody::Month) => Some(LastContact::Days(30)),
            None => days.map(LastContact::Days),
        }
    }
}

fn at_most(fields: &mut Fields, field: &str, length: usize) {
    if length > MOST {
        fields.fault(field, "too_many", "at most 100 values");
    }
}
