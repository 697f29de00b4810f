//! In which order the found contacts stand, and windows into it.

use std::cmp::Ordering;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::block::NEVER;
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

/// A found contact with what orders it.
struct Entry<'a> {
    part: u32,
    row: u32,
    /// The appointment that it shows, if the order asks.
    shown: Option<u32>,
    /// The value of the first key.
    value: Value<'a>,
    id: ContactId,
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
        let order = Order { parts: &self.parts, sorts };
        let mut entries = order.entries();
        let total = entries.len();
        let offset = match from {
            Start::Offset(offset) => offset.min(total),
            Start::After(position) => {
                entries.retain(|entry| order.is_after(entry, position));
                0
            }
        };
        let wanted = offset..offset.saturating_add(limit).min(entries.len());
        let more = wanted.end < entries.len();
        let window = order_window(&mut entries, wanted, |a, b| order.compare(a, b));
        let last = window.last().filter(|_| more).map(|entry| order.position(entry));
        let rows = window.iter().map(|entry| order.show(entry)).collect();
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
    fn entries(self) -> Vec<Entry<'a>> {
        let asks = self.sorts.iter().any(|sort| sort.key.asks_appointment());
        let first = self.sorts.first().map(|sort| sort.key);
        let total = self.parts.iter().map(|part| part.contacts.len()).sum();
        let mut entries = Vec::with_capacity(total);
        for (part, selected) in self.parts.iter().enumerate() {
            entries.extend(selected.contacts.iter().map(|row| {
                let shown = if asks { selected.shown(row) } else { None };
                let value =
                    first.map_or(Value::Number(None), |key| selected.value(row, shown, key));
                let (part, shown) = (part as u32, shown.map(|at| at as u32));
                Entry { part, row: row as u32, shown, value, id: selected.block.ids[row] }
            }));
        }
        entries
    }

    fn value(self, entry: &Entry<'a>, key: SortKey) -> Value<'a> {
        let shown = entry.shown.map(|at| at as usize);
        self.parts[entry.part as usize].value(entry.row as usize, shown, key)
    }

    fn compare(self, a: &Entry<'a>, b: &Entry<'a>) -> Ordering {
        let mut sorts = self.sorts.iter();
        let mut order = match sorts.next() {
            Some(first) => compare(a.value, b.value, first.descending),
            None => Ordering::Equal,
        };
        for sort in sorts {
            order = order.then_with(|| {
                compare(self.value(a, sort.key), self.value(b, sort.key), sort.descending)
            });
        }
        order.then_with(|| a.id.cmp(&b.id))
    }

    fn is_after(self, entry: &Entry<'a>, position: &Position) -> bool {
        let mut order = Ordering::Equal;
        for (sort, value) in self.sorts.iter().zip(&position.values) {
            let there = match value {
                Held::Number(number) => Value::Number(*number),
                Held::Text(text) => Value::Text(text.as_deref()),
            };
            order =
                order.then_with(|| compare(self.value(entry, sort.key), there, sort.descending));
        }
        order.then_with(|| entry.id.cmp(&position.id)) == Ordering::Greater
    }

    fn position(self, entry: &Entry<'a>) -> Position {
        let values = self.sorts.iter().map(|sort| match self.value(entry, sort.key) {
            Value::Number(number) => Held::Number(number),
            Value::Text(text) => Held::Text(text.map(str::to_owned)),
        });
        Position { values: values.collect(), id: entry.id }
    }

    fn show(self, entry: &Entry<'a>) -> Shown {
        let selected = &self.parts[entry.part as usize];
        let shown = match entry.shown {
            Some(at) => Some(at as usize),
            None => selected.shown(entry.row as usize),
        };
        Shown {
            contact: entry.id,
            appointment: shown.map(|at| selected.block.appointments.ids[at]),
            score: selected.found.scores[entry.row as usize],
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
