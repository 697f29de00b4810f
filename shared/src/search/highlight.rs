//! Where a query stands in the texts of a row that is shown.

use super::fold::{Folded, Span};
use super::query::{Edges, Field, Needle, NumberNeedle, Query};
use super::row::{phone_forms, phone_span};
use super::scan::{begins_number, has_edges};

/// Where the terms of `query` stand in `original`, the text of `field` as it is shown; for a phone the E.164 form.
/// In order, none touching another. Exclusions stand nowhere.
pub fn highlight(query: &Query, field: Field, original: &str) -> Vec<Span> {
    let terms = query
        .terms
        .iter()
        .filter(|term| !term.excluded && term.field.is_none_or(|only| only == field));
    let mut spans = Vec::new();
    if field == Field::Phone {
        let forms = phone_forms(original);
        let numbers = terms.flat_map(|term| {
            term.number.iter().chain(term.texts.iter().filter_map(|text| text.number.as_ref()))
        });
        numbers.for_each(|number| find_number(original, &forms, number, &mut spans));
    } else {
        let folded = Folded::new(original);
        let texts = terms.flat_map(|term| &term.texts);
        texts.for_each(|text| find_text(&folded, &text.needle, &mut spans));
    }
    merge(spans)
}

fn find_text(folded: &Folded, needle: &Needle, spans: &mut Vec<Span>) {
    let text = folded.text();
    let mut at = 0;
    while let Some(found) = text[at..].find(needle.text.as_str()) {
        let place = at + found;
        let end = place + needle.text.len();
        if needle.edges == Edges::Any || has_edges(text, place, needle) {
            spans.push(folded.source(place..end));
            at = end;
        } else {
            at = place + text[place..].chars().next().map_or(1, char::len_utf8);
        }
    }
}

fn find_number(original: &str, forms: &str, number: &NumberNeedle, spans: &mut Vec<Span>) {
    for form in &number.forms {
        for (at, found) in forms.match_indices(form.as_str()) {
            if !number.from_start || begins_number(forms, at) {
                spans.push(phone_span(original, forms, at..at + found.len()));
            }
        }
    }
}

fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| span.length > 0);
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.offset <= last.offset + last.length => {
                last.length = last.length.max(span.offset + span.length - last.offset);
            }
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_pointed_at() {
        use Field::{Name, Notes, Phone};
        for (query, field, original, spans, why) in [
            ("an", Name, "Joanna Ánne", &[(2, 2), (7, 2)][..], "each place, whatever its accent"),
            ("jo oan", Name, "Joanna", &[(0, 4)], "overlapping terms are one"),
            ("ann*", Name, "Joanna Anne", &[(7, 3)], "beginnings only"),
            ("\"jo ann\"", Notes, "Jo  Ann, Jo Anna", &[(0, 7)], "whole words, as spaced"),
            ("-an name:jo", Name, "Joanna", &[(0, 2)], "no exclusion"),
            ("name:jo", Notes, "Jo", &[], "another field"),
            ("07912 345", Phone, "+447912345678", &[(3, 7)], "without the prefix that isn't there"),
            ("+44 (0)7912", Phone, "+447912345678", &[(0, 7)], "with the country"),
            ("912345", Phone, "+447912345678", &[(4, 6)], "in the middle"),
            ("0791*", Phone, "+447912345678", &[(3, 3)], "a beginning"),
            ("447912", Phone, "+447912345678", &[(1, 6)], "without its plus"),
            ("212555", Phone, "+12125550123", &[(2, 6)], "another country"),
            ("😀😀", Notes, "a😀😀", &[(1, 4)], "units of JavaScript"),
        ] {
            let query = Query::parse(query).unwrap();
            let found: Vec<_> = highlight(&query, field, original)
                .iter()
                .map(|span| (span.offset, span.length))
                .collect();
            assert_eq!(found, spans, "{why}");
        }
    }
}
