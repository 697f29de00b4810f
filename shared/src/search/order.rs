//! In which order the found contacts stand, and windows into it.

use std::cmp::Ordering;
use std::ops::Range;

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
    /// When the contact was made.
    Created,
}

/// An order. Contacts without a value come last either way; between equals the lower id comes first, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

/// A found contact with what orders it.
struct Entry<'a> {
    part: usize,
    row: usize,
    value: Value<'a>,
    id: ContactId,
}

/// `None` is no value. Of one selection all are of one variant.
enum Value<'a> {
    Number(Option<i64>),
    Text(Option<&'a str>),
}

impl Selection<'_> {
    /// `limit` contacts from the `offset`th on, of all in this order.
    pub fn window(&self, sort: Sort, offset: usize, limit: usize) -> Window {
        let mut entries: Vec<Entry<'_>> = Vec::with_capacity(self.total());
        for (part, selected) in self.parts.iter().enumerate() {
            entries.extend(selected.contacts.iter().map(|row| selected.entry(part, row, sort.key)));
        }
        let total = entries.len();
        let wanted = offset.min(total)..offset.saturating_add(limit).min(total);
        let order = |a: &Entry<'_>, b: &Entry<'_>| compare(a, b, sort.descending);
        let rows = order_window(&mut entries, wanted, order).iter().map(|entry| {
            let selected = &self.parts[entry.part];
            Shown {
                contact: entry.id,
                appointment: selected
                    .shown(entry.row)
                    .map(|at| selected.block.appointments.ids[at]),
                score: selected.found.scores[entry.row],
            }
        });
        Window { total, rows: rows.collect() }
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

fn compare(a: &Entry<'_>, b: &Entry<'_>, descending: bool) -> Ordering {
    fn values<T: Ord>(a: &Option<T>, b: &Option<T>, descending: bool) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if descending => b.cmp(a),
            (Some(a), Some(b)) => a.cmp(b),
            // What has no value comes last.
            _ => b.is_some().cmp(&a.is_some()),
        }
    }
    let order = match (&a.value, &b.value) {
        (Value::Text(a), Value::Text(b)) => values(a, b, descending),
        (Value::Number(a), Value::Number(b)) => values(a, b, descending),
        (Value::Text(_), Value::Number(_)) => Ordering::Less,
        (Value::Number(_), Value::Text(_)) => Ordering::Greater,
    };
    order.then_with(|| a.id.cmp(&b.id))
}

impl Selected<'_> {
    fn entry(&self, part: usize, row: usize, key: SortKey) -> Entry<'_> {
        let block = self.block;
        let shown = || self.shown(row);
        let appointments = &block.appointments;
        let time = |at: i64| Value::Number((at != NEVER).then_some(at));
        let value = match key {
            SortKey::Relevance => Value::Number(Some(self.found.scores[row].into())),
            SortKey::Name => Value::Text(Some(block.name.get(row)).filter(|name| !name.is_empty())),
            SortKey::Appointment => Value::Number(shown().map(|at| appointments.at[at])),
            SortKey::Status => Value::Number(shown().map(|at| appointments.status[at] as i64)),
            SortKey::Priority => {
                Value::Number(shown().map(|at| appointments.priority[at].rank().into()))
            }
            SortKey::Owner => Value::Text(shown().and_then(|at| appointments.owner.folded_at(at))),
            SortKey::Company => {
                Value::Text(shown().and_then(|at| appointments.company.folded_at(at)))
            }
            SortKey::NextCall => time(block.next_call_at[row]),
            SortKey::LastContact => time(block.last_contact_at[row]),
            SortKey::Created => time(block.created_at[row]),
        };
        Entry { part, row, value, id: block.ids[row] }
    }
}
