//! Which contacts are wanted, besides what is searched for. All parts must hold; those about appointments for one and
//! the same appointment.

use super::block::{Block, NEVER};
use super::calendar::{AppointmentDate, Calendar};
use super::column::WordColumn;
use super::row::Attendance;
use crate::appointments::Priority;
use crate::calls::rules::snapshot::AppointmentStatus;
use crate::contacts::state::CallingState;
use crate::ids::GroupId;

/// A planned call that is due for so long is overdue, in microseconds: an hour.
const OVERDUE_AFTER: i64 = 3_600_000_000;
const DAY: i64 = 24 * 3_600_000_000;

/// What is wanted. The default is every contact that is not archived. Of each list one must hold; an empty one asks
/// nothing.
/// Kept with a job until it runs: what is named here must be read by the next release.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Filter {
    /// How the appointment stands.
    pub statuses: Vec<AppointmentStatus>,
    /// When it begins.
    pub date: Option<AppointmentDate>,
    /// Whether the person came; `None` is not known yet.
    pub attendance: Vec<Option<Attendance>>,
    /// How important it is.
    pub priorities: Vec<Priority>,
    /// What it is for, as written.
    pub kinds: Vec<String>,
    /// With whom, as written.
    pub owners: Vec<String>,
    /// Where, as written.
    pub locations: Vec<String>,
    /// Who brought the booking.
    pub sources: Vec<String>,
    /// Which groups the contact is in.
    pub groups: Groups,
    /// How it stands with calls.
    pub calling: Vec<Calling>,
    /// When the person was last reached.
    pub last_contact: Option<LastContact>,
    /// Whether archived contacts are wanted.
    pub archived: Archived,
}

/// Which groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Groups {
    /// In one of these, if any are named.
    pub any: Vec<GroupId>,
    /// In all of these.
    pub all: Vec<GroupId>,
    /// In none of these.
    pub none: Vec<GroupId>,
    /// In no group at all.
    pub ungrouped: bool,
}

/// How a contact stands with its calls.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Calling {
    /// The next call's time has come.
    DueNow,
    /// It comes before this day ends, or has come.
    DueToday,
    /// It came more than an hour ago.
    Overdue,
    /// It is still to come.
    Scheduled,
    /// A call is under way.
    InProgress,
    /// A call is planned again after one that reached nobody.
    FollowUp,
    /// All dials are used up.
    Exhausted,
    /// Something other than time is in the way.
    Held,
    /// Staff should look.
    NeedsReview,
}

impl Calling {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::DueNow,
        Self::DueToday,
        Self::Overdue,
        Self::Scheduled,
        Self::InProgress,
        Self::FollowUp,
        Self::Exhausted,
        Self::Held,
        Self::NeedsReview,
    ];
}

/// When a person was last reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastContact {
    /// Never.
    Never,
    /// On this day.
    Today,
    /// Within so many times 24 hours: 7 is the PRD's week, 30 its month.
    Days(u16),
}

/// Whether archived contacts are wanted.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Archived {
    /// Only those that are not archived.
    #[default]
    No,
    /// Only those that are.
    Only,
    /// Both.
    Included,
}

/// The parts of a filter about an appointment: bits of what fails.
pub(super) mod appointment_part {
    pub(in super::super) const STATUS: u8 = 1;
    pub(in super::super) const DATE: u8 = 1 << 1;
    pub(in super::super) const ATTENDANCE: u8 = 1 << 2;
    pub(in super::super) const PRIORITY: u8 = 1 << 3;
    pub(in super::super) const KIND: u8 = 1 << 4;
    pub(in super::super) const OWNER: u8 = 1 << 5;
    pub(in super::super) const LOCATION: u8 = 1 << 6;
    pub(in super::super) const SOURCE: u8 = 1 << 7;
}

/// The parts of a filter about the contact itself: bits of what fails.
pub(super) mod contact_part {
    pub(in super::super) const GROUPS: u8 = 1;
    pub(in super::super) const CALLING: u8 = 1 << 1;
    pub(in super::super) const LAST_CONTACT: u8 = 1 << 2;
    pub(in super::super) const ARCHIVED: u8 = 1 << 3;
}

/// Instants that calling and last contact are held against.
#[derive(Clone, Copy)]
pub(super) struct Instants {
    pub(super) now: i64,
    today: i64,
    tomorrow: i64,
}

impl Instants {
    pub(super) fn new(calendar: &Calendar) -> Self {
        let today = calendar.bounds(AppointmentDate::Today);
        Self { now: calendar.now.timestamp_micros(), today: today.start, tomorrow: today.end }
    }

    pub(super) fn is(self, calling: Calling, state: CallingState, next_call_at: i64) -> bool {
        let is_due_by = |at: i64| next_call_at != NEVER && next_call_at <= at;
        match calling {
            Calling::DueNow => is_due_by(self.now),
            Calling::DueToday => is_due_by(self.tomorrow - 1),
            Calling::Overdue => is_due_by(self.now - OVERDUE_AFTER - 1),
            Calling::Scheduled => next_call_at > self.now,
            Calling::InProgress => state == CallingState::InProgress,
            Calling::FollowUp => state == CallingState::FollowUp,
            Calling::Exhausted => state == CallingState::Exhausted,
            Calling::Held => state == CallingState::Held,
            Calling::NeedsReview => state == CallingState::NeedsReview,
        }
    }

    pub(super) fn was(self, last: LastContact, last_contact_at: i64) -> bool {
        match last {
            LastContact::Never => last_contact_at == NEVER,
            LastContact::Today => last_contact_at >= self.today,
            LastContact::Days(days) => {
                last_contact_at != NEVER && last_contact_at >= self.now - i64::from(days) * DAY
            }
        }
    }
}

/// A filter, made ready for one block: its words and groups are codes.
pub(super) struct Sieve<'a> {
    filter: &'a Filter,
    pub(super) instants: Instants,
    /// Where appointments begin, by [`AppointmentDate`].
    date: Option<std::ops::Range<i64>>,
    words: [Option<Vec<bool>>; 4],
    any: Vec<u32>,
    /// `None`: one of them is nobody's in this block.
    all: Option<Vec<u32>>,
    none: Vec<u32>,
    /// Whether it asks anything of appointments.
    pub(super) asks_appointments: bool,
}

impl<'a> Sieve<'a> {
    pub(super) fn new(filter: &'a Filter, calendar: &Calendar, block: &Block) -> Self {
        let code = |group: &GroupId| {
            block.group_ids.iter().position(|known| known == group).map(|code| code as u32)
        };
        let codes = |groups: &[GroupId]| groups.iter().filter_map(code).collect::<Vec<_>>();
        let Filter {
            statuses,
            date,
            attendance,
            priorities,
            kinds,
            owners,
            locations,
            sources,
            ..
        } = filter;
        let appointments = &block.appointments;
        Self {
            instants: Instants::new(calendar),
            date: date.map(|date| calendar.bounds(date)),
            words: [
                wanted(&appointments.kind, kinds),
                wanted(&appointments.owner, owners),
                wanted(&appointments.location, locations),
                wanted(&appointments.source, sources),
            ],
            any: codes(&filter.groups.any),
            all: filter.groups.all.iter().map(code).collect(),
            none: codes(&filter.groups.none),
            asks_appointments: date.is_some()
                || !(statuses.is_empty() && attendance.is_empty() && priorities.is_empty())
                || ![kinds, owners, locations, sources].iter().all(|words| words.is_empty()),
            filter,
        }
    }

    /// What of the filter the appointment fails: bits of [`appointment_part`].
    pub(super) fn fails_appointment(&self, block: &Block, at: usize) -> u8 {
        use appointment_part::{ATTENDANCE, DATE, KIND, LOCATION, OWNER, PRIORITY, SOURCE, STATUS};
        fn asks<T: PartialEq>(wanted: &[T], value: &T) -> bool {
            wanted.is_empty() || wanted.contains(value)
        }
        let (filter, appointments) = (self.filter, &block.appointments);
        let [kinds, owners, locations, sources] = &self.words;
        let word = |wanted: &Option<Vec<bool>>, column: &WordColumn| {
            let code = column.codes[at] as usize;
            wanted.as_ref().is_none_or(|wanted| wanted.get(code) == Some(&true))
        };
        let begins = appointments.at[at];
        [
            (STATUS, asks(&filter.statuses, &appointments.status[at])),
            (DATE, self.date.as_ref().is_none_or(|date| date.contains(&begins))),
            (ATTENDANCE, asks(&filter.attendance, &appointments.attendance[at])),
            (PRIORITY, asks(&filter.priorities, &appointments.priority[at])),
            (KIND, word(kinds, &appointments.kind)),
            (OWNER, word(owners, &appointments.owner)),
            (LOCATION, word(locations, &appointments.location)),
            (SOURCE, word(sources, &appointments.source)),
        ]
        .iter()
        .filter(|(_, holds)| !holds)
        .fold(0, |failed, (part, _)| failed | part)
    }

    /// What of the filter the contact itself fails: bits of [`contact_part`].
    pub(super) fn fails_contact(&self, block: &Block, row: usize) -> u8 {
        use contact_part::{ARCHIVED, CALLING, GROUPS, LAST_CONTACT};
        let (filter, groups) = (self.filter, block.groups.get(row));
        let has = |group: &u32| groups.contains(group);
        let in_groups = (filter.groups.any.is_empty() || self.any.iter().any(has))
            && self.all.as_ref().is_some_and(|all| all.iter().all(has))
            && !self.none.iter().any(has)
            && (!filter.groups.ungrouped || groups.is_empty());
        let (state, next) = (block.calling[row], block.next_call_at[row]);
        let calls = filter.calling.is_empty()
            || filter.calling.iter().any(|one| self.instants.is(*one, state, next));
        let reached = filter
            .last_contact
            .is_none_or(|last| self.instants.was(last, block.last_contact_at[row]));
        let kept = match filter.archived {
            Archived::No => !block.archived[row],
            Archived::Only => block.archived[row],
            Archived::Included => true,
        };
        [(GROUPS, in_groups), (CALLING, calls), (LAST_CONTACT, reached), (ARCHIVED, kept)]
            .iter()
            .filter(|(_, holds)| !holds)
            .fold(0, |failed, (part, _)| failed | part)
    }
}

/// By code, whether the value is one of `words`; `None` if any will do.
fn wanted(column: &WordColumn, words: &[String]) -> Option<Vec<bool>> {
    let value = |code: usize| code != 0 && words.iter().any(|word| word == column.shown.get(code));
    (!words.is_empty()).then(|| (0..column.shown.rows()).map(value).collect())
}
