//! Reading many numbers: a JSON array or CSV.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::http::Problem;

/// Most numbers of one import.
pub(super) const MOST_ROWS: usize = 10_000;

/// A number as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NumberWithReason")]
pub(super) struct Row {
    /// As people write it.
    #[schemars(example = "07700 900199")]
    pub(super) number: String,
    /// For people, at most 500 characters.
    #[schemars(example = "asked by telephone")]
    pub(super) reason: Option<String>,
}

/// An element of the JSON array: a number, or one with a reason.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "NumberRow")]
enum Element {
    Number(String),
    Row(Row),
}

/// The JSON body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NumbersToImport")]
pub(super) struct Rows {
    /// Numbers, with reasons or without.
    #[schemars(length(min = 1, max = MOST_ROWS), example = ["07700 900199"])]
    numbers: Vec<Element>,
    /// What was found in the reasons stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
}

/// By hand: serde would take a list for the fields of a row, in their order.
impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Element;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number as text, or an object with number and reason")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Element, E> {
                Ok(Element::Number(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element, A::Error> {
                Row::deserialize(MapAccessDeserializer::new(map)).map(Element::Row)
            }
        }
        from.deserialize_any(Reader)
    }
}

impl Rows {
    /// The rows, and whether what is found in their reasons is acknowledged.
    pub(super) fn into_rows(self) -> Result<(Vec<Row>, bool), Problem> {
        check_count(self.numbers.len())?;
        let row = |element| match element {
            Element::Number(number) => Row { number, reason: None },
            Element::Row(row) => row,
        };
        Ok((self.numbers.into_iter().map(row).collect(), self.acknowledge_phi))
    }
}

/// Rows of CSV (RFC 4180; a byte order mark is tolerated): the number first, then perhaps the reason. A first row
/// without any digit is a header.
pub(super) fn of_csv(bytes: &[u8]) -> Result<Vec<Row>, Problem> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record =
            record.map_err(|_| Problem::Malformed(format!("row {} of the CSV", index + 1)))?;
        let number = record.get(0).unwrap_or_default();
        if index == 0 && !number.chars().any(|c| c.is_ascii_digit()) {
            continue;
        }
        let reason = record.get(1).filter(|reason| !reason.is_empty()).map(str::to_owned);
        rows.push(Row { number: number.to_owned(), reason });
        check_count(rows.len())?;
    }
    check_count(rows.len())?;
    Ok(rows)
}

fn check_count(count: usize) -> Result<(), Problem> {
    if (1..=MOST_ROWS).contains(&count) {
        return Ok(());
    }
    let detail = format!("from 1 to {MOST_ROWS} numbers at a time");
    Err(Problem::field("/numbers", "out_of_range", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<String> {
        of_csv(text.as_bytes()).unwrap().into_iter().map(|row| row.number).collect()
    }

    #[test]
    fn numbers_are_read_from_the_first_column() {
        for (text, expected, why) in [
            ("Phone,Reason\n07700900123,asked\n", vec!["07700900123"], "a header"),
            ("07700900123\r\n07700900124", vec!["07700900123", "07700900124"], "no header"),
            ("\u{feff}\"07700 900123\",\"a, b\"", vec!["07700 900123"], "quotes and a mark"),
            ("07700900123\nnonsense\n", vec!["07700900123", "nonsense"], "told in its row"),
        ] {
            assert_eq!(numbers(text), expected, "{why}");
        }
        assert_eq!(of_csv(b"1,\"a, b\"").unwrap()[0].reason.as_deref(), Some("a, b"));
        assert!(of_csv(b"phone\n").is_err(), "nothing but a header");
        assert!(of_csv("1\n".repeat(MOST_ROWS + 1).as_bytes()).is_err(), "one too many");
        assert!(of_csv(b"\xff\xfe1").is_err(), "not UTF-8");
    }
}
