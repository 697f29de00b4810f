//! Finds a query's terms in a block: one pass of vector instructions over each column, jumping to the next row at a hit.

use memchr::memmem::Finder;

use super::bits::Bits;
use super::block::Block;
use super::column::{TextColumn, WordColumn};
use super::query::{Edges, Field, Needle, NumberNeedle, Query, Term, Text};

/// What a query finds in a block.
pub(super) struct Found {
    /// The contacts for which all of it holds.
    pub(super) contacts: Bits,
    /// By contact: the sum of the weights of the fields that have each term.
    pub(super) scores: Vec<u32>,
    /// The appointments whose own texts have a term that isn't excluded.
    pub(super) appointments: Bits,
}

/// Searches `block` for `query`, in all fields that are not `hidden`.
pub(super) fn scan(block: &Block, query: &Query, hidden: &[Field]) -> Found {
    let mut found = Found {
        contacts: Bits::all(block.rows()),
        scores: vec![0; block.rows()],
        appointments: Bits::none(block.appointments.ids.len()),
    };
    for term in &query.terms {
        let hits = scan_term(block, term, hidden);
        if term.excluded {
            found.contacts.remove(&hits.contacts);
            continue;
        }
        found.contacts.keep(&hits.contacts);
        found.appointments.add(&hits.appointments);
        for (field, rows) in &hits.by_field {
            rows.iter().for_each(|row| found.scores[row] += field.weight());
        }
    }
    found
}

struct Hits {
    contacts: Bits,
    appointments: Bits,
    /// A field counts once for a term, however many of its texts it has.
    by_field: Vec<(Field, Bits)>,
}

fn scan_term(block: &Block, term: &Term, hidden: &[Field]) -> Hits {
    let mut by_field: Vec<(Field, Bits)> = Vec::new();
    let mut appointments = Bits::none(block.appointments.ids.len());
    let mut contacts = Bits::none(block.rows());
    if let Some(number) = &term.number {
        let rows = scan_number(&block.phone, number);
        contacts.add(&rows);
        by_field.push((Field::Phone, rows));
    }
    let mut all_texts = Bits::all(block.rows());
    for text in &term.texts {
        let mut has_text = Bits::none(block.rows());
        for (field, rows) in scan_text(block, term.field, hidden, text, &mut appointments) {
            has_text.add(&rows);
            match by_field.iter_mut().find(|(known, _)| *known == field) {
                Some((_, known)) => known.add(&rows),
                None => by_field.push((field, rows)),
            }
        }
        all_texts.keep(&has_text);
    }
    contacts.add(&all_texts);
    Hits { contacts, appointments, by_field }
}

/// The contacts that have `text`, by field.
fn scan_text(
    block: &Block,
    only: Option<Field>,
    hidden: &[Field],
    text: &Text,
    appointments: &mut Bits,
) -> Vec<(Field, Bits)> {
    let mut found = Vec::new();
    let wanted = |field: &Field| only.is_none_or(|only| only == *field) && !hidden.contains(field);
    for field in Field::ALL.into_iter().filter(wanted) {
        let rows = match field {
            Field::Phone => match &text.number {
                Some(number) => scan_number(&block.phone, number),
                None => continue,
            },
            Field::Name => scan_column(&block.name, &text.needle),
            Field::Email => scan_column(&block.email, &text.needle),
            Field::Notes => scan_column(&block.notes, &text.needle),
            Field::Type | Field::Owner | Field::Company | Field::Instructions => {
                let hits = scan_appointments(block, field, &text.needle);
                appointments.add(&hits);
                contacts_of(block, &hits)
            }
        };
        found.push((field, rows));
    }
    found
}

/// The appointments that have `needle` in `field`.
fn scan_appointments(block: &Block, field: Field, needle: &Needle) -> Bits {
    let appointments = &block.appointments;
    match field {
        Field::Type => scan_words(&appointments.kind, needle),
        Field::Owner => scan_words(&appointments.owner, needle),
        Field::Company => scan_words(&appointments.company, needle),
        _ => scan_column(&appointments.instructions, needle),
    }
}

fn contacts_of(block: &Block, appointments: &Bits) -> Bits {
    let starts = &block.appointments.starts;
    let mut contacts = Bits::none(block.rows());
    let mut row = 0;
    for appointment in appointments.iter() {
        while starts[row + 1] as usize <= appointment {
            row += 1;
        }
        contacts.insert(row);
    }
    contacts
}

/// Searches each value once, and not each row.
fn scan_words(column: &WordColumn, needle: &Needle) -> Bits {
    let values = scan_column(&column.folded, needle);
    let mut rows = Bits::none(column.codes.len());
    if values.len() > 0 {
        let hits =
            column.codes.iter().enumerate().filter(|(_, code)| values.contains(**code as usize));
        hits.for_each(|(row, _)| rows.insert(row));
    }
    rows
}

fn scan_column(column: &TextColumn, needle: &Needle) -> Bits {
    let mut rows = Bits::none(column.rows());
    scan_rows(column, &needle.text, |text, at| has_edges(text, at, needle), &mut rows);
    rows
}

fn scan_number(column: &TextColumn, number: &NumberNeedle) -> Bits {
    let mut rows = Bits::none(column.rows());
    for form in &number.forms {
        scan_rows(
            column,
            form,
            |text, at| !number.from_start || begins_number(text, at),
            &mut rows,
        );
    }
    rows
}

fn scan_rows(
    column: &TextColumn,
    needle: &str,
    is_hit: impl Fn(&str, usize) -> bool,
    rows: &mut Bits,
) {
    let (text, finder) = (column.joined(), Finder::new(needle.as_bytes()));
    let (mut at, mut row) = (0, 0);
    while let Some(found) = finder.find(&text.as_bytes()[at..]) {
        let place = at + found;
        row = column.row_at(row, place);
        if is_hit(text, place) {
            rows.insert(row);
            row += 1;
            at = column.start(row);
            if row == column.rows() {
                break;
            }
        } else {
            at = place + 1;
        }
    }
}

/// Whether `needle`, found at `at`, stands in `text` with the edges that it asks for.
pub(super) fn has_edges(text: &str, at: usize, needle: &Needle) -> bool {
    let starts = || {
        let first = needle.text.chars().next();
        is_edge(text[..at].chars().next_back(), first)
    };
    let ends = || {
        let last = needle.text.chars().next_back();
        is_edge(last, text[at + needle.text.len()..].chars().next())
    };
    match needle.edges {
        Edges::Any => true,
        Edges::Start => starts(),
        Edges::Both => starts() && ends(),
    }
}

/// Whether a number begins at `at`: with its plus, its country or its national prefix.
pub(super) fn begins_number(text: &str, at: usize) -> bool {
    text[..at].chars().next_back().is_none_or(|before| !before.is_ascii_digit())
}

fn is_edge(before: Option<char>, after: Option<char>) -> bool {
    let is_inside = |c: char| c.is_alphanumeric() && !is_unspaced(c);
    !(before.is_some_and(is_inside) && after.is_some_and(is_inside))
}

/// Letters of scripts that put no spaces between words: an edge is anywhere.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
