//! In which order the found contacts stand, and windows into it.

mod prefix;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use self::prefix::{Prefix, Prefixes};
use super::block::{MOST_ROWS, NEVER};
use super::selection::{Selected, Selection};
use crate::ids::{AppointmentId, ContactId};

/// By what contacts are ordered. Those about an appointment ask the one that the row shows.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// How well the search fits.
    Relevance,
    /// The name, folded.
    Name,
    /// When the appointment begins.
    Appointment,
    /// How it stands: pending, confirmed, cancelled, rescheduled.
    Status,
    /// How important it is.
    Priority,
    /// With whom it is, folded.
    Owner,
    /// For which company, folded.
    Company,
    /// When the next call is due.
    NextCall,
    /// When the person was last reached.
    LastContact,
    /// How often the contact was dialled.
    Attempts,
    /// When the contact was made.
    Created,
}

impl SortKey {
    /// Whether the appointment that the row shows has the value.
    fn asks_appointment(self) -> bool {
        match self {
            Self::Appointment | Self::Status | Self::Priority | Self::Owner | Self::Company => true,
            Self::Relevance
            | Self::Name
            | Self::NextCall
            | Self::LastContact
            | Self::Attempts
            | Self::Created => false,
        }
    }
}

/// One key of an order of contacts. Contacts without a value come last either way; between contacts that are equal in all keys the lower
/// id comes first, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// The highest first.
    pub descending: bool,
}

impl Sort {
    /// The best first.
    pub const RELEVANCE: Self = Self { key: SortKey::Relevance, descending: true };
}

/// A contact of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Whose row.
    pub contact: ContactId,
    /// The appointment that it shows.
    pub appointment: Option<AppointmentId>,
    /// How well the search fits: the sum of the weights of the fields in which each term was found.
    pub score: u32,
}

/// A part of an ordered selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// How many contacts were found in all.
    pub total: usize,
    /// Those from the offset on, in order.
    pub rows: Vec<Shown>,
    /// Where the last of `rows` stands; none if nobody comes after it.
    pub last: Option<Position>,
}

/// Where a contact stands in an order: what it was ordered by when it was shown.
///
/// Personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    values: Vec<Held>,
    id: ContactId,
}

/// A value, kept. `None` is no value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Held {
    Number(Option<i64>),
    Text(Option<String>),
}

impl std::fmt::Debug for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Position(of {}, ..)", self.id)
    }
}

impl Position {
    /// Whether it is one of this order.
    pub fn is_of(&self, sorts: &[Sort]) -> bool {
        self.values.len() == sorts.len()
            && self.values.iter().zip(sorts).all(|(value, sort)| {
                let is_text = matches!(sort.key, SortKey::Name | SortKey::Owner | SortKey::Company);
                matches!(value, Held::Text(_)) == is_text
            })
    }
}

/// From where on a window is wanted.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// The contact at this place, counted from 0.
    Offset(usize),
    /// The contact that comes after this position, whether or not one stands there.
    After(&'a Position),
}

/// A found contact, and the beginning of what orders it: there may be a million, and each is moved about.
#[derive(Clone, Copy)]
struct Entry {
    prefix: Prefix,
    /// Its part, and its row in there.
    at: u32,
}

/// Parts times this, plus the row.
const ROWS: u32 = MOST_ROWS as u32;

impl Entry {
    fn part(self) -> usize {
        (self.at / ROWS) as usize
    }

    fn row(self) -> usize {
        (self.at % ROWS) as usize
    }
}

/// `None` is no value. Of one key all are of one variant.
#[derive(Clone, Copy)]
enum Value<'a> {
    Number(Option<i64>),
    Text(Option<&'a str>),
}

impl Selection<'_> {
    /// `limit` contacts, of all in this order.
    pub fn window(&self, sorts: &[Sort], from: Start<'_>, limit: usize) -> Window {
        if limit == 0 {
            // Who only counts needs no order.
            return Window { total: self.total(), rows: Vec::new(), last: None };
        }
        let order = Order { parts: &self.parts, sorts };
        let mut entries = order.entries();
        let total = entries.len();
        let offset = match from {
            Start::Offset(offset) => offset.min(total),
            Start::After(position) => {
                entries.retain(|entry| order.is_after(*entry, position));
                0
            }
        };
        let wanted = offset..offset.saturating_add(limit).min(entries.len());
        let more = wanted.end < entries.len();
        let window = order_window(&mut entries, wanted, |a, b| order.compare(*a, *b));
        let last = window.last().filter(|_| more).map(|entry| order.position(*entry));
        let rows = window.iter().map(|entry| order.show(*entry)).collect();
        Window { total, rows, last }
    }
}

/// Puts `wanted` of `entries` in their order, and no more of them than needed.
fn order_window<T>(
    entries: &mut [T],
    wanted: Range<usize>,
    order: impl Fn(&T, &T) -> Ordering + Copy,
) -> &[T] {
    if wanted.is_empty() {
        return &[];
    }
    let (len, total) = (wanted.len(), entries.len());
    let from_start = match wanted.start {
        0 => entries,
        start => {
            entries.select_nth_unstable_by(start, order);
            &mut entries[start..]
        }
    };
    if wanted.end < total {
        from_start.select_nth_unstable_by(len - 1, order);
    }
    let window = &mut from_start[..len];
    window.sort_unstable_by(order);
    window
}

/// An order over a selection.
#[derive(Clone, Copy)]
struct Order<'a> {
    parts: &'a [Selected<'a>],
    sorts: &'a [Sort],
}

impl<'a> Order<'a> {
    fn entries(self) -> Vec<Entry> {
        let prefixes = Prefixes::new(self);
        let total = self.parts.iter().map(|part| part.contacts.len()).sum();
        let mut entries = Vec::with_capacity(total);
        for (part, selected) in self.parts.iter().enumerate() {
            entries.extend(selected.contacts.iter().map(|row| {
                let prefix = prefixes.of(selected, part, row, self.shown(selected, row));
                Entry { prefix, at: part as u32 * ROWS + row as u32 }
            }));
        }
        entries
    }

    /// The appointment that a contact shows, if the order asks.
    fn shown(self, selected: &Selected<'_>, row: usize) -> Option<usize> {
        let asks = self.sorts.iter().any(|sort| sort.key.asks_appointment());
        if asks { selected.shown(row) } else { None }
    }

    fn id(self, entry: Entry) -> ContactId {
        self.parts[entry.part()].block.ids[entry.row()]
    }

    /// The values of an entry, in the order of the keys.
    fn values(self, entry: Entry) -> impl Iterator<Item = Value<'a>> {
        let selected = &self.parts[entry.part()];
        let shown = self.shown(selected, entry.row());
        self.sorts.iter().map(move |sort| selected.value(entry.row(), shown, sort.key))
    }

    fn compare(self, a: Entry, b: Entry) -> Ordering {
        a.prefix.cmp(&b.prefix).then_with(|| {
            self.sorts
                .iter()
                .zip(self.values(a).zip(self.values(b)))
                .map(|(sort, (a, b))| compare(a, b, sort.descending))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| self.id(a).cmp(&self.id(b)))
        })
    }

    fn is_after(self, entry: Entry, position: &Position) -> bool {
        let mut order = Ordering::Equal;
        let there = self.sorts.iter().zip(&position.values);
        for ((sort, there), here) in there.zip(self.values(entry)) {
            let there = match there {
                Held::Number(number) => Value::Number(*number),
                Held::Text(text) => Value::Text(text.as_deref()),
            };
            order = order.then_with(|| compare(here, there, sort.descending));
        }
        order.then_with(|| self.id(entry).cmp(&position.id)) == Ordering::Greater
    }

    fn position(self, entry: Entry) -> Position {
        let values = self.values(entry).map(|value| match value {
            Value::Number(number) => Held::Number(number),
            Value::Text(text) => Held::Text(text.map(str::to_owned)),
        });
        Position { values: values.collect(), id: self.id(entry) }
    }

    fn show(self, entry: Entry) -> Shown {
        let selected = &self.parts[entry.part()];
        Shown {
            contact: self.id(entry),
            appointment: selected.shown(entry.row()).map(|at| selected.block.appointments.ids[at]),
            score: selected.found.scores[entry.row()],
        }
    }
}

fn compare(a: Value<'_>, b: Value<'_>, descending: bool) -> Ordering {
    fn values<T: Ord>(a: Option<T>, b: Option<T>, descending: bool) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if descending => b.cmp(&a),
            (Some(a), Some(b)) => a.cmp(&b),
            // What has no value comes last.
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => values(a, b, descending),
        (Value::Number(a), Value::Number(b)) => values(a, b, descending),
        (Value::Text(_), Value::Number(_)) => Ordering::Less,
        (Value::Number(_), Value::Text(_)) => Ordering::Greater,
    }
}

impl Selected<'_> {
    fn value(&self, row: usize, shown: Option<usize>, key: SortKey) -> Value<'_> {
        let block = self.block;
        let appointments = &block.appointments;
        let time = |at: i64| Value::Number((at != NEVER).then_some(at));
        match key {
            SortKey::Relevance => Value::Number(Some(self.found.scores[row].into())),
            SortKey::Name => Value::Text(Some(block.name.get(row)).filter(|name| !name.is_empty())),
            SortKey::Appointment => Value::Number(shown.map(|at| appointments.at[at])),
            SortKey::Status => Value::Number(shown.map(|at| appointments.status[at] as i64)),
            SortKey::Priority => {
                Value::Number(shown.map(|at| appointments.priority[at].rank().into()))
            }
            SortKey::Owner => Value::Text(shown.and_then(|at| appointments.owner.folded_at(at))),
            SortKey::Company => {
                Value::Text(shown.and_then(|at| appointments.company.folded_at(at)))
            }
            SortKey::NextCall => time(block.next_call_at[row]),
            SortKey::LastContact => time(block.last_contact_at[row]),
            SortKey::Attempts => Value::Number(Some(block.attempts[row].into())),
            SortKey::Created => time(block.created_at[row]),
        }
    }
}
