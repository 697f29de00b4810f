//! Random contacts and queries for property tests: few enough words that they meet, strange enough that folding matters.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::block::{ATTENDANCE, CALLING, PRIORITY, STATUS};
use super::row::{AppointmentRow, ContactRow};
use crate::ids::{AppointmentId, ContactId, GroupId};

/// What texts are made of: words that differ only in how they are written, traps, and what looks like a language.
const PIECES: [&str; 44] = [
    "smith",
    "SMITH",
    "Smi",
    "th",
    "José",
    "Jose\u{301}",
    "jose",
    "Straße",
    "STRASSE",
    "ﬁne",
    "fi",
    "İlker",
    "ılker",
    "Łódź",
    "O\u{2019}Brien",
    "o'brien",
    "שָׁלוֹם",
    "שלום",
    "مُحَمَّد",
    "हिन्दी",
    "한글",
    "\u{1112}\u{1161}\u{11ab}",
    "가",
    "😀",
    "\u{1d400}\u{1d4d0}",
    "zero\u{200b}width",
    "zerowidth",
    "\u{202e}",
    "a\u{323}\u{301}",
    "a\u{301}\u{323}",
    "か\u{3099}",
    ".*",
    "(a|b)+$",
    "[^",
    "'; drop table --",
    "% _",
    "\\",
    "\n",
    "  ",
    "\t",
    "12:30",
    "07912",
    "345",
    "ΣΑΣ",
];

/// What is typed and not stored.
const TYPED: [&str; 8] =
    ["+44 7912", "0791 23", "(0791)", "+44 (0)791", "0044791", "an", "mi", "se"];

/// Any of the pieces run together, and now and then anything at all.
pub(super) fn rich_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => select(&PIECES[..]).prop_map(str::to_owned),
        3 => Just(" ".to_owned()),
        1 => any::<char>().prop_map(|c| c.to_string()),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// The instant around which everything happens: a Monday at noon, in winter.
pub(super) fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_435_200, 0).unwrap()
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    prop_oneof![
        (-40i64..40).prop_map(|hours| noon() + TimeDelta::hours(hours)),
        (-40i64..40).prop_map(|days| noon() + TimeDelta::days(days)),
    ]
}

fn word() -> impl Strategy<Value = Option<String>> {
    option::of(
        select(vec!["Dr Ann", "DR ANN", "Müller", "Leeds", "smith & co", ""])
            .prop_map(str::to_owned),
    )
}

/// One of few groups.
pub(super) fn group() -> impl Strategy<Value = GroupId> {
    (1u128..5).prop_map(|id| GroupId(Uuid::from_u128(id)))
}

fn appointment() -> impl Strategy<Value = AppointmentRow> {
    let states = (select(&STATUS[..]), select(&ATTENDANCE[..]), select(&PRIORITY[..]));
    let words = (word(), word(), word(), word(), option::of(rich_text()));
    let source = select(vec!["manual", "import"]);
    (any::<u128>(), instant(), states, words, source).prop_map(|(id, at, states, words, source)| {
        let (status, attendance, priority) = states;
        let (kind, owner, company, location, instructions) = words;
        AppointmentRow {
            id: AppointmentId(Uuid::from_u128(id)),
            at,
            status,
            attendance,
            priority,
            kind,
            owner,
            company,
            location,
            instructions,
            source: source.to_owned(),
        }
    })
}

fn phone() -> impl Strategy<Value = String> {
    prop_oneof!["\\+4479123[0-9]{5}", "\\+44791[0-9]{7}", "\\+1212[0-9]{7}", "\\+4930[0-9]{6}",]
}

/// A contact with the given id.
pub(super) fn contact(id: u128) -> impl Strategy<Value = ContactRow> {
    let texts = (rich_text(), phone(), option::of(rich_text()), option::of(rich_text()));
    let times = (instant(), option::of(instant()), option::of(instant()), 0u32..4);
    let state = (prop::bool::weighted(0.2), select(&CALLING[..]));
    (texts, times, state, vec(group(), 0..3), vec(appointment(), 0..4)).prop_map(
        move |((name, phone, email, notes), times, (archived, calling), groups, appointments)| {
            ContactRow {
                id: ContactId(Uuid::from_u128(id)),
                name,
                phone,
                email,
                notes,
                created_at: times.0,
                archived,
                calling,
                next_call_at: times.1,
                last_contact_at: times.2,
                attempts: times.3,
                groups,
                appointments,
            }
        },
    )
}

/// A contact with this id, always the same.
pub(crate) fn row(id: u128) -> ContactRow {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    proptest::strategy::ValueTree::current(&contact(id).new_tree(&mut runner).expect("a contact"))
}

/// Contacts of ascending ids, with gaps of one.
pub(super) fn contacts(most: usize) -> impl Strategy<Value = Vec<ContactRow>> {
    (0..=most)
        .prop_flat_map(|count| (0..count as u128).map(|at| contact(2 * at + 2)).collect::<Vec<_>>())
}

/// One term that somebody might type: with operators, right and wrong.
pub(super) fn typed_term() -> impl Strategy<Value = String> {
    let text = || {
        prop_oneof![
            4 => select(&PIECES[..]).prop_map(str::to_owned),
            1 => rich_text(),
            2 => "[0-9]{2,5}",
            1 => select(&TYPED[..]).prop_map(str::to_owned),
        ]
    };
    let field = select(vec![
        "",
        "",
        "",
        "",
        "name:",
        "phone:",
        "email:",
        "notes:",
        "type:",
        "owner:",
        "company:",
        "instructions:",
        "foo:",
    ]);
    (select(vec!["", "", "", "-"]), field, text(), 0..6).prop_map(|(minus, field, text, form)| {
        match form {
            0 => format!("{minus}{field}\"{text}\""),
            1 => format!("{minus}{field}{text}*"),
            _ => format!("{minus}{field}{text}"),
        }
    })
}

/// What somebody might type.
pub(super) fn typed() -> impl Strategy<Value = String> {
    vec(typed_term(), 0..4).prop_map(|terms| terms.join(" "))
}
