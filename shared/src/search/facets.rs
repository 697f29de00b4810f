//! How many contacts each choice of a filter would show.
//!
//! The count of a value is the total of the same request with this part of the filter replaced by the value alone. So
//! the parts that are set narrow the counts of all others, but not their own. Counts are of contacts.

use std::collections::BTreeMap;

use super::block::{ATTENDANCE, Block, PRIORITY, STATUS};
use super::calendar::{AppointmentDate, Calendar};
use super::column::WordColumn;
use super::filter::{Archived, Calling, LastContact, appointment_part, contact_part};
use super::row::Attendance;
use super::selection::{Selected, Selection};
use crate::appointments::Priority;
use crate::calls::rules::snapshot::AppointmentStatus;
use crate::ids::GroupId;

/// Counts for every choice. Named ones are all there, in a fixed order; words and groups as they occur, with those of
/// other parts' filters at zero left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facets {
    /// How the appointment stands.
    pub statuses: Vec<(AppointmentStatus, u64)>,
    /// When it begins: the choices that need no dates.
    pub dates: Vec<(AppointmentDate, u64)>,
    /// Whether the person came.
    pub attendance: Vec<(Option<Attendance>, u64)>,
    /// How important it is.
    pub priorities: Vec<(Priority, u64)>,
    /// What it is for.
    pub kinds: BTreeMap<String, u64>,
    /// With whom.
    pub owners: BTreeMap<String, u64>,
    /// Where.
    pub locations: BTreeMap<String, u64>,
    /// Who brought the booking.
    pub sources: BTreeMap<String, u64>,
    /// In this group.
    pub groups: BTreeMap<GroupId, u64>,
    /// In no group.
    pub ungrouped: u64,
    /// How the contact stands with calls.
    pub calling: Vec<(Calling, u64)>,
    /// When the person was last reached: [`LAST_CONTACT`].
    pub last_contact: Vec<(LastContact, u64)>,
    /// Archived or not.
    pub archived: Vec<(Archived, u64)>,
}

/// The choices of last contact that are counted: never, today, within a week, within a month.
pub const LAST_CONTACT: [LastContact; 4] =
    [LastContact::Never, LastContact::Today, LastContact::Days(7), LastContact::Days(30)];

fn zeros<T: Copy>(values: &[T]) -> Vec<(T, u64)> {
    values.iter().map(|value| (*value, 0)).collect()
}

impl Selection<'_> {
    /// Counts every choice. `calendar` is that of the request.
    pub fn facets(&self, calendar: &Calendar) -> Facets {
        let mut facets = Facets {
            statuses: zeros(&STATUS),
            dates: zeros(&AppointmentDate::NAMED),
            attendance: zeros(&ATTENDANCE),
            priorities: zeros(&PRIORITY),
            kinds: BTreeMap::new(),
            owners: BTreeMap::new(),
            locations: BTreeMap::new(),
            sources: BTreeMap::new(),
            groups: BTreeMap::new(),
            ungrouped: 0,
            calling: zeros(&Calling::ALL),
            last_contact: zeros(&LAST_CONTACT),
            archived: zeros(&[Archived::No, Archived::Only]),
        };
        let dates = AppointmentDate::NAMED.map(|date| calendar.bounds(date));
        for part in &self.parts {
            let mut words = part.words();
            let mut groups = vec![0; part.block.group_ids.len()];
            for row in part.found.contacts.iter() {
                let failed = part.sieve.fails_contact(part.block, row);
                let passing =
                    part.count_appointments(row, failed == 0, &dates, &mut facets, &mut words);
                if passing {
                    part.count_contact(row, failed, &mut facets, &mut groups);
                }
            }
            let [kinds, owners, locations, sources] = words;
            kinds.add_to(&mut facets.kinds);
            owners.add_to(&mut facets.owners);
            locations.add_to(&mut facets.locations);
            sources.add_to(&mut facets.sources);
            for (group, count) in part.block.group_ids.iter().zip(groups).filter(|(_, n)| *n > 0) {
                *facets.groups.entry(*group).or_default() += count;
            }
        }
        facets
    }
}

impl<'a> Selected<'a> {
    fn words(&self) -> [WordCounts<'a>; 4] {
        let block: &'a Block = self.block;
        let appointments = &block.appointments;
        [
            WordCounts::new(&appointments.kind, appointment_part::KIND),
            WordCounts::new(&appointments.owner, appointment_part::OWNER),
            WordCounts::new(&appointments.location, appointment_part::LOCATION),
            WordCounts::new(&appointments.source, appointment_part::SOURCE),
        ]
    }

    /// Counts the choices about appointments, if the contact itself passes. Whether one of its appointments passes all.
    fn count_appointments(
        &self,
        row: usize,
        count: bool,
        dates: &[std::ops::Range<i64>; 4],
        facets: &mut Facets,
        words: &mut [WordCounts<'_>; 4],
    ) -> bool {
        use appointment_part::{ATTENDANCE, DATE, PRIORITY, STATUS};
        let (block, appointments) = (self.block, &self.block.appointments);
        let mut passing = !self.sieve.asks_appointments;
        // A contact with two appointments of one kind is one contact: a bit for each value that was seen.
        let (mut statuses, mut seen_dates, mut attendance, mut priorities) = (0u8, 0u8, 0u8, 0u8);
        for at in block.appointments_of(row) {
            let failed = self.sieve.fails_appointment(block, at);
            passing |= failed == 0;
            if !count {
                continue;
            }
            let only = |part: u8| failed & !part == 0;
            if only(STATUS) {
                statuses |= bit(&facets.statuses, |value| value == appointments.status[at]);
            }
            if only(ATTENDANCE) {
                attendance |= bit(&facets.attendance, |value| value == appointments.attendance[at]);
            }
            if only(PRIORITY) {
                priorities |= bit(&facets.priorities, |value| value == appointments.priority[at]);
            }
            if only(DATE) {
                for (value, date) in dates.iter().enumerate() {
                    seen_dates |= u8::from(date.contains(&appointments.at[at])) << value;
                }
            }
            words
                .iter_mut()
                .filter(|words| only(words.part))
                .for_each(|words| words.count(row, at));
        }
        tally(&mut facets.statuses, statuses);
        tally(&mut facets.dates, seen_dates);
        tally(&mut facets.attendance, attendance);
        tally(&mut facets.priorities, priorities);
        passing
    }

    /// Counts the choices about the contact itself; one of its appointments passes.
    fn count_contact(&self, row: usize, failed: u8, facets: &mut Facets, groups: &mut [u64]) {
        use contact_part::{ARCHIVED, CALLING, GROUPS, LAST_CONTACT};
        let (block, instants) = (self.block, self.sieve.instants);
        let only = |part: u8| failed & !part == 0;
        if only(GROUPS) {
            let codes = block.groups.get(row);
            codes.iter().for_each(|code| groups[*code as usize] += 1);
            facets.ungrouped += u64::from(codes.is_empty());
        }
        if only(CALLING) {
            let (state, next) = (block.calling[row], block.next_call_at[row]);
            for (value, count) in &mut facets.calling {
                *count += u64::from(instants.is(*value, state, next));
            }
        }
        if only(LAST_CONTACT) {
            for (value, count) in &mut facets.last_contact {
                *count += u64::from(instants.was(*value, block.last_contact_at[row]));
            }
        }
        if only(ARCHIVED) {
            for (value, count) in &mut facets.archived {
                *count += u64::from((*value == Archived::Only) == block.archived[row]);
            }
        }
    }
}

fn bit<T: Copy>(counts: &[(T, u64)], is: impl Fn(T) -> bool) -> u8 {
    counts.iter().position(|(value, _)| is(*value)).map_or(0, |at| 1 << at)
}

fn tally<T>(counts: &mut [(T, u64)], seen: u8) {
    for (at, (_, count)) in counts.iter_mut().enumerate() {
        *count += u64::from(seen >> at & 1);
    }
}

/// Counts of the values of one column in one block.
struct WordCounts<'a> {
    column: &'a WordColumn,
    part: u8,
    counts: Vec<u64>,
    /// By code, one more than the contact that had it last.
    last: Vec<usize>,
}

impl<'a> WordCounts<'a> {
    fn new(column: &'a WordColumn, part: u8) -> Self {
        let values = column.shown.rows();
        Self { column, part, counts: vec![0; values], last: vec![0; values] }
    }

    fn count(&mut self, row: usize, at: usize) {
        let code = self.column.codes[at] as usize;
        if code != 0 && self.last[code] != row + 1 {
            self.last[code] = row + 1;
            self.counts[code] += 1;
        }
    }

    fn add_to(self, counts: &mut BTreeMap<String, u64>) {
        for (code, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            *counts.entry(self.column.shown.get(code).to_owned()).or_default() += count;
        }
    }
}
