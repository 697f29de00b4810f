//! From text to terms, in one pass over the query.

use std::ops::Range;

use super::super::fold::{Span, fold, utf16_offsets};
use super::numbers::{self, FEWEST_ALONE, MOST_DIGITS};
use super::{
    Edges, FEWEST_CHARACTERS, Field, MOST_QUERY, MOST_TERMS, Needle, QueryError, QueryFault, Term,
    Text,
};

/// A term as it is written: byte ranges into the query.
struct Written {
    whole: Range<usize>,
    excluded: bool,
    field: Option<Field>,
    /// Without quotes and star.
    text: Range<usize>,
    edges: Edges,
}

pub(super) fn parse(query: &str) -> Result<Vec<Term>, QueryError> {
    let length: usize = query.chars().map(char::len_utf16).sum();
    if length > MOST_QUERY as usize {
        let length = u32::try_from(length).unwrap_or(u32::MAX) - MOST_QUERY;
        return Err(QueryError {
            fault: QueryFault::TooLong,
            place: Span { offset: MOST_QUERY, length },
        });
    }
    read_terms(query).map_err(|(fault, bytes)| {
        let offsets = utf16_offsets(query);
        let unit = |byte: usize| {
            let at = offsets.partition_point(|(offset, _)| *offset < byte);
            offsets.get(at).map_or(0, |(_, unit)| *unit)
        };
        let offset = unit(bytes.start);
        QueryError { fault, place: Span { offset, length: unit(bytes.end) - offset } }
    })
}

type Fault = (QueryFault, Range<usize>);

fn read_terms(query: &str) -> Result<Vec<Term>, Fault> {
    let mut written = Vec::new();
    let mut at = 0;
    while let Some(found) = query[at..].find(|c: char| !c.is_whitespace()) {
        at += found;
        let term = read_written(query, at)?;
        at = term.whole.end;
        written.push(term);
    }
    let mut terms = Vec::with_capacity(written.len());
    let mut rest = written.as_slice();
    while let [first, ..] = rest {
        let (run, after) = rest.split_at(run_length(query, rest));
        if terms.len() == MOST_TERMS {
            return Err((QueryFault::TooManyTerms, first.whole.start..query.trim_end().len()));
        }
        terms.push(if run.len() > 1 { read_run(query, run)? } else { read_term(query, first)? });
        rest = after;
    }
    Ok(terms)
}

fn is_quote(c: char) -> bool {
    // Keyboards of phones curl them.
    matches!(c, '"' | '\u{201c}'..='\u{201f}')
}

fn read_written(query: &str, start: usize) -> Result<Written, Fault> {
    let excluded = query[start..].starts_with('-');
    let mut at = start + usize::from(excluded);
    let field = match field_end(&query[at..]) {
        Some(colon) => {
            let word = at..at + colon;
            let field = Field::from_word(&query[word.clone()]);
            at = word.end + 1;
            Some(field.ok_or((QueryFault::UnknownField, word))?)
        }
        None => None,
    };
    if let Some(quote) = query[at..].chars().next().filter(|c| is_quote(*c)) {
        let from = at + quote.len_utf8();
        let Some(close) = query[from..].char_indices().find(|(_, c)| is_quote(*c)) else {
            return Err((QueryFault::UnclosedQuote, at..query.len()));
        };
        let text = from..from + close.0;
        let end = text.end + close.1.len_utf8();
        return Ok(Written { whole: start..end, excluded, field, text, edges: Edges::Both });
    }
    let end = query[at..].find(char::is_whitespace).map_or(query.len(), |space| at + space);
    let starred = query[at..end].ends_with('*');
    let text = at..end - usize::from(starred);
    let edges = if starred { Edges::Start } else { Edges::Any };
    Ok(Written { whole: start..end, excluded, field, text, edges })
}

/// Where the colon of `field:` stands: ASCII letters and low lines before it. `10:30` and `:)` are text.
fn field_end(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_alphabetic() && c != '_')?;
    (end > 0 && text[end..].starts_with(':')).then_some(end)
}

/// How many of the next written terms are one number: plain words of digits that follow each other.
fn run_length(query: &str, rest: &[Written]) -> usize {
    let mut digits = 0;
    let mut length = 0;
    for (at, term) in rest.iter().enumerate() {
        let may_join = !term.excluded
            && term.edges == Edges::Any
            && (term.field.is_none() || (at == 0 && term.field == Some(Field::Phone)));
        let found = may_join.then(|| numbers::count_digits(&fold(&query[term.text.clone()])));
        match found.flatten() {
            Some(more) if digits + more <= MOST_DIGITS => digits += more,
            _ => break,
        }
        length += 1;
    }
    length.max(1)
}

fn read_term(query: &str, written: &Written) -> Result<Term, Fault> {
    let text = fold(&query[written.text.clone()]);
    if text.chars().all(|c| matches!(c, '-' | '*' | '"' | ' ')) {
        return Err((QueryFault::OnlyOperators, written.whole.clone()));
    }
    let number = in_phone(written.field)
        .then(|| numbers::number(&text, written.edges == Edges::Start))
        .flatten();
    let is_short = text.chars().count() < FEWEST_CHARACTERS;
    if is_short || (written.field == Some(Field::Phone) && number.is_none() && digits_only(&text)) {
        return Err((QueryFault::TooShort, written.whole.clone()));
    }
    let needle = Needle { text, edges: written.edges };
    let texts = vec![Text { needle, number: None }];
    Ok(Term { field: written.field, excluded: written.excluded, number, texts })
}

/// Looks like a number, but has too few digits or too many.
fn digits_only(text: &str) -> bool {
    numbers::count_digits(text).is_some_and(|digits| digits < FEWEST_CHARACTERS)
}

fn in_phone(field: Option<Field>) -> bool {
    field.is_none_or(|field| field == Field::Phone)
}

/// `07912 345`: one number for phones; for the other fields words like any other.
fn read_run(query: &str, run: &[Written]) -> Result<Term, Fault> {
    let words: Vec<_> = run.iter().map(|word| fold(&query[word.text.clone()])).collect();
    let field = run.first().and_then(|word| word.field);
    let joined = zeroize::Zeroizing::new(
        words.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" "),
    );
    let number = numbers::number(&joined, false);
    let text = |text: zeroize::Zeroizing<String>| {
        let digits = numbers::count_digits(&text).unwrap_or(0);
        let number = (digits >= FEWEST_ALONE).then(|| numbers::number(&text, false)).flatten();
        Text { needle: Needle { text, edges: Edges::Any }, number }
    };
    // While somebody types, the last word is short: it can't be looked for by itself.
    let texts = if words.iter().any(|word| word.chars().count() < FEWEST_CHARACTERS) {
        vec![Text { needle: Needle { text: joined, edges: Edges::Any }, number: None }]
    } else {
        words.into_iter().map(text).collect()
    };
    Ok(Term { field, excluded: false, number, texts })
}
