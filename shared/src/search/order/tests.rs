//! Contacts that begin alike, more often than chance would make them.

use std::sync::Arc;

use chrono_tz::Tz;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::search::filter::Archived;
use crate::search::testing::{contact, noon};
use crate::search::{
    Calendar, ContactRow, Filter, Query, Request, Selection, Sort, SortKey, Start, Table, build,
    naive,
};

/// Longer and shorter than what of a text fits, one of them the beginning of another, and some of which nothing is left.
const NAMES: [&str; 10] = [
    "",
    "\u{200b}",
    "a",
    "a b",
    "a\u{1}",
    "ab",
    "sixteen bytes of",
    "sixteen bytes of it",
    "sixteen bytes of them",
    "éé",
];
const WORDS: [Option<&str>; 7] = [
    None,
    Some("\u{200b}"),
    Some("Dr"),
    Some("Dr A"),
    Some("dr a"),
    Some("Dr Anna Longer Than Eight"),
    Some("Dr Anna Longer Than Nine"),
];

fn alike(rows: usize) -> impl Strategy<Value = Vec<ContactRow>> {
    let one = |id| {
        let words = (select(&WORDS[..]), select(&WORDS[..]));
        (contact(id), select(&NAMES[..]), words).prop_map(|(mut row, name, (owner, company))| {
            row.name = name.to_owned();
            row.appointments.truncate(1);
            for appointment in &mut row.appointments {
                appointment.owner = owner.map(str::to_owned);
                appointment.company = company.map(str::to_owned);
            }
            row
        })
    };
    (1..=rows as u128).map(one).collect::<Vec<_>>()
}

proptest! {
    #[test]
    fn contacts_that_begin_alike_are_ordered_by_all_that_they_are(
        rows in alike(12),
        sorts in vec(
            (select(vec![SortKey::Name, SortKey::Owner, SortKey::Company, SortKey::Attempts, SortKey::NextCall]), any::<bool>()),
            1..4,
        ),
        most in 1usize..8,
    ) {
        let sorts: Vec<Sort> =
            sorts.into_iter().map(|(key, descending)| Sort { key, descending }).collect();
        let blocks = rows.chunks(most).flat_map(|rows| build(rows.iter().cloned()).unwrap());
        let table = Table::new(blocks.map(Arc::new));
        let filter = Filter { archived: Archived::Included, ..Filter::default() };
        let query = Query::parse("").unwrap();
        let calendar = Calendar { now: noon(), zone: Tz::Europe__London };
        let request = Request { query: &query, filter: &filter, calendar, hidden: &[] };
        let window = Selection::new(&table, &request).window(&sorts, Start::Offset(0), usize::MAX);
        prop_assert_eq!(window.rows, naive::ordered(&rows, &request, &sorts));
    }
}
