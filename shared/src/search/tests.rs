use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Days, TimeDelta};
use chrono_tz::Tz;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::block::{ATTENDANCE, PRIORITY, STATUS};
use super::filter::{Archived, Calling, Groups, LastContact};
use super::testing::{contact, contacts, group, noon, rich_text, typed, typed_term};
use super::*;
use crate::appointments::Priority;
use crate::ids::{AppointmentId, ContactId};

const KEYS: [SortKey; 11] = [
    SortKey::Relevance,
    SortKey::Name,
    SortKey::Appointment,
    SortKey::Status,
    SortKey::Priority,
    SortKey::Owner,
    SortKey::Company,
    SortKey::NextCall,
    SortKey::LastContact,
    SortKey::Attempts,
    SortKey::Created,
];

fn calendar() -> impl Strategy<Value = Calendar> {
    let zone = select(vec![Tz::Europe__London, Tz::America__New_York, Tz::Pacific__Auckland]);
    (zone, -30i64..30)
        .prop_map(|(zone, hours)| Calendar { now: noon() + TimeDelta::hours(hours), zone })
}

/// Mostly empty parts: a filter that asks everything finds nobody.
fn few<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![3 => Just(Vec::new()), 1 => vec(select(values), 1..3)]
}

fn words() -> impl Strategy<Value = Vec<String>> {
    few(["Dr Ann", "Müller", "Leeds", "nobody"].map(str::to_owned).to_vec())
}

fn sorts() -> impl Strategy<Value = Vec<Sort>> {
    vec((select(&KEYS[..]), any::<bool>()), 0..4).prop_map(|sorts| {
        sorts.into_iter().map(|(key, descending)| Sort { key, descending }).collect()
    })
}

fn groups() -> impl Strategy<Value = Groups> {
    let some = || prop_oneof![3 => Just(Vec::new()), 1 => vec(group(), 1..3)];
    (some(), some(), some(), prop::bool::weighted(0.1))
        .prop_map(|(any, all, none, ungrouped)| Groups { any, all, none, ungrouped })
}

fn filter() -> impl Strategy<Value = Filter> {
    let today = noon().date_naive();
    let days = (0u64..20, 0u64..20).prop_map(move |(back, on)| {
        AppointmentDate::Days(today - Days::new(back), today + Days::new(on))
    });
    let date = prop_oneof![
        4 => Just(None),
        1 => select(&AppointmentDate::NAMED[..]).prop_map(Some),
        1 => days.prop_map(Some),
    ];
    let last = prop_oneof![
        3 => Just(None),
        1 => select(vec![LastContact::Never, LastContact::Today, LastContact::Days(3)]).prop_map(Some),
    ];
    let archived = select(vec![Archived::No, Archived::Only, Archived::Included]);
    let enums = (few(STATUS.to_vec()), few(ATTENDANCE.to_vec()), few(PRIORITY.to_vec()));
    let sources = few(vec!["manual".to_owned(), "web".to_owned()]);
    let calling = few(Calling::ALL.to_vec());
    (date, last, archived, enums, (words(), words(), words(), sources), groups(), calling).prop_map(
        |(date, last_contact, archived, enums, words, groups, calling)| Filter {
            statuses: enums.0,
            date,
            attendance: enums.1,
            priorities: enums.2,
            kinds: words.0,
            owners: words.1,
            locations: words.2,
            sources: words.3,
            groups,
            calling,
            last_contact,
            archived,
        },
    )
}

/// A filter that asks little, so that the search has somebody to find.
fn open_filter() -> impl Strategy<Value = Filter> {
    prop_oneof![Just(Filter { archived: Archived::Included, ..Filter::default() }), filter()]
}

fn table(rows: &[ContactRow], most: usize) -> Table {
    let blocks = rows.chunks(most).flat_map(|rows| build(rows.iter().cloned()).unwrap());
    Table::new(blocks.map(Arc::new))
}

proptest! {
    #[test]
    fn a_search_finds_what_reading_every_row_finds(
        rows in contacts(14),
        typed in typed(),
        filter in open_filter(),
        calendar in calendar(),
        most in 1usize..8,
        sorts in sorts(),
        hidden in few(vec![Field::Notes, Field::Instructions, Field::Type]),
        offset in 0usize..6,
        limit in 0usize..8,
    ) {
        let Ok(query) = Query::parse(&typed) else { return Ok(()) };
        let request = Request { query: &query, filter: &filter, calendar, hidden: &hidden };
        let table = table(&rows, most);
        let selection = Selection::new(&table, &request);
        let whole = naive::ordered(&rows, &request, &sorts);
        prop_assert_eq!(selection.total(), whole.len());
        let window = |start, limit| selection.window(&sorts, start, limit);
        let all = window(Start::Offset(0), usize::MAX);
        prop_assert_eq!((all.total, &all.rows, all.last), (whole.len(), &whole, None));
        let some = window(Start::Offset(offset), limit);
        let wanted: Vec<_> = whole.iter().copied().skip(offset).take(limit).collect();
        prop_assert_eq!(&some.rows, &wanted);
        prop_assert_eq!(some.last.is_some(), limit > 0 && offset + limit < whole.len());
        // Page by page it is the same.
        if let Some(last) = some.last {
            let kept = serde_json::to_string(&last).unwrap();
            let last: Position = serde_json::from_str(&kept).unwrap();
            prop_assert!(last.is_of(&sorts));
            let next = window(Start::After(&last), 2);
            prop_assert_eq!(next.total, whole.len());
            let wanted: Vec<_> = whole.into_iter().skip(offset + limit).take(2).collect();
            prop_assert_eq!(next.rows, wanted);
        }
    }

    #[test]
    fn counts_are_the_totals_that_a_click_would_show(
        rows in contacts(12),
        typed in prop_oneof![Just(String::new()), typed()],
        filter in filter(),
        calendar in calendar(),
        most in 1usize..8,
    ) {
        let Ok(query) = Query::parse(&typed) else { return Ok(()) };
        let request = Request { query: &query, filter: &filter, calendar, hidden: &[] };
        let table = table(&rows, most);
        let facets = Selection::new(&table, &request).facets(&calendar);
        prop_assert_eq!(facets, naive::facets(&rows, &request));
    }

    #[test]
    fn a_changed_table_shows_what_a_fresh_one_would(
        rows in contacts(12),
        changes in vec((1u128..30, any::<bool>()), 0..24)
            .prop_flat_map(|ids| ids.into_iter().map(|(id, kept)| contact(id).prop_map(move |row| {
                (row.id, kept.then_some(row))
            })).collect::<Vec<_>>()),
        typed in prop_oneof![Just(String::new()), typed()],
        filter in open_filter(),
        calendar in calendar(),
        most in 1usize..8,
        at_once in 1usize..4,
        key in select(&KEYS[..]),
    ) {
        let Ok(query) = Query::parse(&typed) else { return Ok(()) };
        let request = Request { query: &query, filter: &filter, calendar, hidden: &[] };
        let mut after: BTreeMap<ContactId, ContactRow> =
            rows.iter().map(|row| (row.id, row.clone())).collect();
        for (id, row) in &changes {
            match row {
                Some(row) => after.insert(*id, row.clone()),
                None => after.remove(id),
            };
        }
        let after: Vec<ContactRow> = after.into_values().collect();
        let mut old = table(&rows, most);
        for some in changes.chunks(at_once) {
            old = old.with(some.iter().cloned()).unwrap();
        }
        prop_assert_eq!(old.contacts(), after.len());
        let compacted = Table::new(old.compact().unwrap().into_iter().map(Arc::new));
        let fresh = table(&after, 99);
        let sorts = [Sort { key, descending: false }];
        let fresh = Selection::new(&fresh, &request);
        for changed in [&old, &compacted] {
            let changed = Selection::new(changed, &request);
            prop_assert_eq!(changed.window(&sorts, Start::Offset(0), 99), fresh.window(&sorts, Start::Offset(0), 99));
            prop_assert_eq!(changed.facets(&calendar), fresh.facets(&calendar));
        }
        prop_assert!(compacted.parts().len() <= 1, "as few blocks as can be");
        let mut sizes = BTreeMap::new();
        for row in after.iter().filter(|row| !row.archived) {
            // A row of a test may name a group twice.
            for group in row.groups.iter().collect::<BTreeSet<_>>() {
                *sizes.entry(*group).or_default() += 1;
            }
        }
        prop_assert_eq!(old.group_sizes(), sizes);
    }

    /// Whoever is found in a text of their own by a term alone is highlighted there, and nobody else.
    #[test]
    fn what_was_found_is_highlighted(name in rich_text(), typed in typed_term()) {
        let Ok(query) = Query::parse(&typed) else { return Ok(()) };
        let [term] = query.terms.as_slice() else { return Ok(()) };
        if term.excluded || term.texts.len() > 1 {
            return Ok(());
        }
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let row = contact(1).new_tree(&mut runner).unwrap();
        let row = proptest::strategy::ValueTree::current(&row);
        let row = ContactRow {
            name: name.clone(),
            phone: "+4930123456".into(),
            email: None,
            notes: None,
            archived: false,
            appointments: Vec::new(),
            ..row
        };
        let phone = highlight(&query, Field::Phone, &row.phone);
        let table = table(&[row], 1);
        let filter = Filter::default();
        let calendar = Calendar { now: noon(), zone: Tz::Europe__London };
        let request = Request { query: &query, filter: &filter, calendar, hidden: &[] };
        let found = Selection::new(&table, &request).total();
        let spans = highlight(&query, Field::Name, &name);
        // A national prefix alone stands nowhere in the international form.
        let only_prefix = term.number.is_some() && phone.is_empty();
        prop_assert!(only_prefix || (found == 1) == (!spans.is_empty() || !phone.is_empty()));
        let units = name.encode_utf16().count() as u32;
        prop_assert!(spans.iter().all(|span| span.length > 0 && span.offset + span.length <= units));
        prop_assert!(spans.is_sorted_by(|a, b| a.offset + a.length < b.offset));
    }
}

fn person(id: u128, name: &str, phone: &str) -> ContactRow {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let row = proptest::strategy::ValueTree::current(&contact(id).new_tree(&mut runner).unwrap());
    ContactRow {
        name: name.into(),
        phone: phone.into(),
        email: Some("x@example.com".into()),
        notes: None,
        archived: false,
        appointments: Vec::new(),
        ..row
    }
}

fn names(rows: &[ContactRow], typed: &str) -> Vec<String> {
    let table = table(rows, 100);
    let query = Query::parse(typed).unwrap();
    let filter = Filter { archived: Archived::Included, ..Filter::default() };
    let calendar = Calendar { now: noon(), zone: Tz::Europe__London };
    let request = Request { query: &query, filter: &filter, calendar, hidden: &[] };
    let window = Selection::new(&table, &request).window(&[Sort::RELEVANCE], Start::Offset(0), 9);
    let name = |id: ContactId| rows.iter().find(|row| row.id == id).unwrap().name.clone();
    window.rows.iter().map(|row| name(row.contact)).collect()
}

#[test]
fn people_are_found_as_people_look_for_them() {
    let mut rows = vec![
        person(1, "José Núñez", "+447912345678"),
        person(2, "Łukasz O\u{2019}Brien", "+441134960000"),
        person(3, "Joanna Strauß", "+12125550123"),
    ];
    rows[2].notes = Some("Ask for jose; flat 12".into());
    for (typed, found, why) in [
        ("jose", &["José Núñez", "Joanna Strauß"][..], "a name weighs more than a note"),
        ("lukasz o'brien", &["Łukasz O\u{2019}Brien"], "strokes and apostrophes"),
        ("STRAUSS", &["Joanna Strauß"], "sharp s"),
        ("oan", &["Joanna Strauß"], "inside a word"),
        ("ann*", &[], "no word begins so"),
        ("\"jos\"", &[], "no such whole word"),
        ("jose -name:nunez", &["Joanna Strauß"], "an exclusion in a field"),
        ("-jose", &["Łukasz O\u{2019}Brien"], "an exclusion alone"),
        ("07912 345", &["José Núñez"], "a number as it is dialled"),
        ("+44 7912", &["José Núñez"], "from abroad"),
        ("0044 (7912) 34", &["José Núñez"], "with two zeros"),
        ("912345", &["José Núñez"], "its middle"),
        ("(0113) 496-0000", &["Łukasz O\u{2019}Brien"], "brackets and dashes"),
        ("212 555", &["Joanna Strauß"], "another country"),
        ("flat 12 212555", &["Joanna Strauß"], "a house number beside a phone"),
        ("0791*", &["José Núñez"], "a beginning"),
        ("912*", &[], "a number doesn't begin so"),
        ("zz", &[], "nobody"),
    ] {
        assert_eq!(names(&rows, typed), found, "{why}: {typed}");
    }
}

#[test]
fn a_filter_holds_for_one_appointment_and_the_row_shows_it() {
    use crate::calls::rules::snapshot::AppointmentStatus::{Cancelled, Confirmed, Pending};
    let mut row = person(1, "Ann", "+447912345678");
    let appointment = |id: u128, days: i64, status, owner: &str| AppointmentRow {
        id: AppointmentId(Uuid::from_u128(id)),
        at: noon() + TimeDelta::days(days),
        status,
        attendance: None,
        priority: Priority::Normal,
        kind: None,
        owner: Some(owner.into()),
        company: None,
        location: None,
        instructions: None,
        source: "manual".into(),
    };
    row.appointments = vec![
        appointment(1, -9, Confirmed, "Patel"),
        appointment(2, 1, Cancelled, "Patel"),
        appointment(3, 2, Pending, "Jones"),
        appointment(4, 3, Pending, "Patel"),
    ];
    let table = table(&[row], 1);
    let calendar = Calendar { now: noon(), zone: Tz::Europe__London };
    let shown = |typed: &str, filter: Filter| {
        let query = Query::parse(typed).unwrap();
        let request = Request { query: &query, filter: &filter, calendar, hidden: &[] };
        let selection = Selection::new(&table, &request);
        let window = selection.window(&[Sort::RELEVANCE], Start::Offset(0), 1);
        window.rows.first().map(|row| row.appointment.map_or(0, |id| id.0.as_u128()))
    };
    let status = |statuses: &[_]| Filter { statuses: statuses.to_vec(), ..Filter::default() };
    let tomorrow = Some(AppointmentDate::Tomorrow);
    for (typed, filter, expected, why) in [
        ("", Filter::default(), Some(3), "the next open one"),
        ("", status(&[Confirmed, Cancelled]), Some(2), "none open: the latest of the matching"),
        ("", status(&[Confirmed]), Some(1), "the matching one"),
        ("patel", Filter::default(), Some(4), "the next open one that the search hit"),
        ("patel", status(&[Confirmed]), Some(1), "that both hit"),
        ("jones", status(&[Confirmed]), Some(1), "the search hit one that doesn't match"),
        ("", Filter { date: tomorrow, ..status(&[Pending]) }, None, "two appointments, half each"),
        ("", Filter { date: tomorrow, ..status(&[Cancelled]) }, Some(2), "one, both"),
    ] {
        assert_eq!(shown(typed, filter), expected, "{why}");
    }
}

#[test]
fn a_term_of_ten_thousand_characters_is_found_in_notes_or_refused_in_a_query() {
    let long = "é".repeat(10_000);
    let mut row = person(1, "Ann", "+447912345678");
    row.notes = Some(format!("{long}!"));
    assert_eq!(names(&[row], &format!("{}!", "E".repeat(900))), ["Ann"]);
    assert_eq!(Query::parse(&long).unwrap_err().fault, QueryFault::TooLong);
}
