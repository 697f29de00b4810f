//! Sixteen bytes of each found contact that tell most contacts of an order apart, without looking at what they stand for.

use std::collections::BTreeSet;

use super::{Order, Sort, SortKey, Value};
use crate::search::column::WordColumn;
use crate::search::selection::Selected;

/// Words get a rank each, unless there are more of them than this: ranking them would cost more than comparing.
const MOST_RANKED: usize = if cfg!(test) { 4 } else { 4_096 };

/// The first bytes of what an order compares. Of two contacts the one with the lower prefix comes first; between equal ones only the
/// whole comparison knows.
pub(super) type Prefix = [u64; 2];

/// How the prefixes of one selection are made.
pub(super) struct Prefixes<'a> {
    sorts: &'a [Sort],
    /// By key of the order, then by part, then by code: the place of the word among all. None where there are too many words, or none.
    ranks: Vec<Option<Vec<Vec<u32>>>>,
}

impl<'a> Prefixes<'a> {
    pub(super) fn new(order: Order<'a>) -> Self {
        let ranks = order.sorts.iter().map(|sort| ranks(order.parts, sort.key)).collect();
        Self { sorts: order.sorts, ranks }
    }

    /// The prefix of contact `row` of part `part`, whose row shows `shown`.
    pub(super) fn of(
        &self,
        selected: &Selected<'_>,
        part: usize,
        row: usize,
        shown: Option<usize>,
    ) -> Prefix {
        let mut bytes = Bytes::default();
        for (sort, ranks) in self.sorts.iter().zip(&self.ranks) {
            let whole = match ranks {
                Some(ranks) => {
                    let code = shown.map_or(0, |at| {
                        word_column(selected, sort.key).map_or(0, |it| it.codes[at])
                    });
                    // Code 0 is no value.
                    let rank = (code != 0).then(|| ranks[part][code as usize]);
                    bytes.push(rank.map(u32::to_be_bytes), sort.descending)
                }
                None => match selected.value(row, shown, sort.key) {
                    // The highest number looks like no value: what follows must not decide between them.
                    Value::Number(number) => {
                        bytes.push(number.map(ascending), sort.descending)
                            && number != Some(i64::MAX)
                    }
                    Value::Text(text) => {
                        bytes.push_text(text, sort.descending);
                        false
                    }
                },
            };
            if !whole {
                break;
            }
        }
        bytes.prefix()
    }
}

/// Bytes whose order is that of the numbers.
fn ascending(number: i64) -> [u8; 8] {
    (number as u64 ^ 1 << 63).to_be_bytes()
}

fn word_column<'a>(selected: &Selected<'a>, key: SortKey) -> Option<&'a WordColumn> {
    match key {
        SortKey::Owner => Some(&selected.block.appointments.owner),
        SortKey::Company => Some(&selected.block.appointments.company),
        _ => None,
    }
}

fn ranks(parts: &[Selected<'_>], key: SortKey) -> Option<Vec<Vec<u32>>> {
    let columns: Vec<_> = parts.iter().map(|part| word_column(part, key)).collect::<Option<_>>()?;
    let all: usize = columns.iter().map(|column| column.folded.rows()).sum();
    if all > MOST_RANKED {
        return None;
    }
    let sorted: BTreeSet<&str> = columns
        .iter()
        .flat_map(|column| (0..column.folded.rows()).map(|code| column.folded.get(code)))
        .collect();
    let sorted: Vec<&str> = sorted.into_iter().collect();
    // From one on: turned round, zero looks like no value.
    let rank = |word: &str| 1 + sorted.partition_point(|other| *other < word) as u32;
    let of = |column: &&WordColumn| {
        (0..column.folded.rows()).map(|code| rank(column.folded.get(code))).collect()
    };
    Some(columns.iter().map(of).collect())
}

/// Bytes, as many as fit.
#[derive(Default)]
struct Bytes {
    bytes: [u8; 16],
    len: usize,
}

impl Bytes {
    /// Adds a value of which nothing is left out; no value comes after all values, either way. Whether all of it fitted.
    fn push<const N: usize>(&mut self, value: Option<[u8; N]>, descending: bool) -> bool {
        let value = match value {
            None => [0xff; N],
            Some(value) if descending => value.map(|byte| !byte),
            Some(value) => value,
        };
        let room = &mut self.bytes[self.len..];
        let some = N.min(room.len());
        room[..some].copy_from_slice(&value[..some]);
        self.len += some;
        some == N
    }

    /// Adds as much of the text as there is room for.
    fn push_text(&mut self, text: Option<&str>, descending: bool) {
        let room = &mut self.bytes[self.len..];
        match text {
            None => room.fill(0xff),
            Some(text) => {
                let some = text.len().min(room.len());
                room[..some].copy_from_slice(&text.as_bytes()[..some]);
                if descending {
                    room.iter_mut().for_each(|byte| *byte = !*byte);
                }
            }
        }
        self.len = self.bytes.len();
    }

    fn prefix(&self) -> Prefix {
        let [high, low] = self.bytes.as_chunks::<8>().0 else { return [0; 2] };
        [u64::from_be_bytes(*high), u64::from_be_bytes(*low)]
    }
}
