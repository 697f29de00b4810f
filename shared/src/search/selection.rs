//! Who is wanted: the contacts for whom the whole query and the whole filter hold.

use super::bits::Bits;
use super::block::Block;
use super::calendar::Calendar;
use super::filter::{Filter, Sieve};
use super::query::{Field, Query};
use super::scan::{Found, scan};
use super::table::{Part, Table};
use crate::calls::rules::snapshot::AppointmentStatus;

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The search.
    pub query: &'a Query,
    /// The filter.
    pub filter: &'a Filter,
    /// When, and where days begin.
    pub calendar: Calendar,
    /// Fields that whoever asks may not see: nothing is found in them, so that nobody learns from what is found what stands
    /// there. Not the phone.
    pub hidden: &'a [Field],
}

/// Who was found, of one table.
pub struct Selection<'a> {
    pub(super) parts: Vec<Selected<'a>>,
}

/// Who was found, of one block.
pub(super) struct Selected<'a> {
    pub(super) block: &'a Block,
    pub(super) sieve: Sieve<'a>,
    /// The query alone holds, and the overlay doesn't hide them.
    pub(super) found: Found,
    /// The filter holds too.
    pub(super) contacts: Bits,
}

impl<'a> Selection<'a> {
    /// Searches `table`.
    pub fn new(table: &'a Table, request: &Request<'a>) -> Self {
        Self { parts: table.parts().iter().map(|part| select(part, request)).collect() }
    }

    /// How many contacts were found, exactly.
    pub fn total(&self) -> usize {
        self.parts.iter().map(|part| part.contacts.len()).sum()
    }
}

impl std::fmt::Debug for Selection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Selection({} contacts)", self.total())
    }
}

fn select<'a>(part: &'a Part, request: &Request<'a>) -> Selected<'a> {
    let block = &*part.block;
    let sieve = Sieve::new(request.filter, &request.calendar, block);
    let mut found = scan(block, request.query, request.hidden);
    found.contacts.keep(&part.visible);
    let mut contacts = Bits::none(block.rows());
    for row in found.contacts.iter() {
        let passes = sieve.fails_contact(block, row) == 0
            && (!sieve.asks_appointments
                || block.appointments_of(row).any(|at| sieve.fails_appointment(block, at) == 0));
        if passes {
            contacts.insert(row);
        }
    }
    Selected { block, sieve, found, contacts }
}

impl Selected<'_> {
    /// The appointment that the contact's row shows: of those for which the filter holds, and of these the ones that
    /// the search hit, if it hit any: the next open one, or else the latest.
    pub(super) fn shown(&self, row: usize) -> Option<usize> {
        let all = self.block.appointments_of(row);
        let passes = |at: &usize| {
            !self.sieve.asks_appointments || self.sieve.fails_appointment(self.block, *at) == 0
        };
        let is_hit = |at: &usize| self.found.appointments.contains(*at);
        let any_hit = all.clone().any(|at| is_hit(&at) && passes(&at));
        let candidates = || all.clone().filter(passes).filter(|at| !any_hit || is_hit(at));
        let appointments = &self.block.appointments;
        let time = |at: &usize| (appointments.at[*at], appointments.ids[*at]);
        let is_open = |at: &usize| {
            appointments.status[*at] != AppointmentStatus::Cancelled
                && appointments.at[*at] > self.sieve.instants.now
        };
        candidates().filter(is_open).min_by_key(time).or_else(|| candidates().max_by_key(time))
    }
}
