//! Rows of a CSV file (RFC 4180), one by one, each cell borrowed from the text where it can be.
//!
//! Not with the `csv` crate: it drops empty rows, so that rows could not be numbered as a spreadsheet does, and takes a quote
//! that is never closed for one that is, so that half a file would pass for a whole one. Tests compare the two.

use std::borrow::Cow;

use super::{Delimiter, ReadError, letter};
use crate::intake::MOST_CELL;

/// As many columns as a spreadsheet has: more cells are no row, and are not collected. Empty ones at its end are dropped later.
const MOST_IN_A_ROW: usize = 16_384;

/// A row as it stands in the file.
pub(super) struct Raw<'a> {
    pub(super) number: u32,
    pub(super) cells: Vec<Cow<'a, str>>,
}

impl Raw<'_> {
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

/// Goes through the rows, empty ones included.
pub(super) struct Records<'a> {
    text: &'a str,
    delimiter: u8,
    at: usize,
    number: u32,
    width: usize,
}

enum End {
    Cell,
    Row,
}

impl<'a> Records<'a> {
    /// `before`: rows that stand above.
    pub(super) fn new(text: &'a str, delimiter: Delimiter, before: u32) -> Self {
        Self { text, delimiter: delimiter.byte(), at: 0, number: before, width: 0 }
    }

    /// Where the next row begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn cell(&mut self) -> Result<(Cow<'a, str>, End), ReadError> {
        if self.bytes().get(self.at) == Some(&b'"') {
            return self.quoted();
        }
        let cell = self.bare();
        Ok((Cow::Borrowed(cell), self.end()))
    }

    /// Up to the next delimiter or line break.
    fn bare(&mut self) -> &'a str {
        let start = self.at;
        let length = memchr::memchr3(self.delimiter, b'\n', b'\r', &self.bytes()[start..]);
        self.at = length.map_or(self.text.len(), |length| start + length);
        &self.text[start..self.at]
    }

    fn quoted(&mut self) -> Result<(Cow<'a, str>, End), ReadError> {
        self.at += 1;
        let mut cell = Cow::Borrowed("");
        loop {
            let start = self.at;
            let length = memchr::memchr(b'"', &self.bytes()[start..])
                .ok_or(ReadError::CutOff { row: self.number })?;
            join(&mut cell, &self.text[start..start + length]);
            self.at = start + length + 1;
            if self.bytes().get(self.at) != Some(&b'"') {
                break;
            }
            join(&mut cell, "\"");
            self.at += 1;
            if cell.len() > MOST_CELL * 4 {
                // Too long whatever comes: no need to collect it all.
                break;
            }
        }
        // What stands between the closing quote and the delimiter belongs to the cell, as spreadsheets have it.
        let rest = self.bare();
        join(&mut cell, rest);
        Ok((cell, self.end()))
    }

    /// Steps over what ends a cell.
    fn end(&mut self) -> End {
        match &self.bytes()[self.at..] {
            [b'\r', b'\n', ..] => self.at += 2,
            [b'\r' | b'\n', ..] => self.at += 1,
            [_, ..] => {
                self.at += 1;
                return End::Cell;
            }
            [] => {}
        }
        End::Row
    }
}

fn join<'a>(cell: &mut Cow<'a, str>, part: &'a str) {
    if cell.is_empty() {
        *cell = Cow::Borrowed(part);
    } else if !part.is_empty() {
        cell.to_mut().push_str(part);
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Raw<'a>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.text.len() {
            return None;
        }
        self.number = self.number.saturating_add(1);
        let mut cells = Vec::with_capacity(self.width);
        loop {
            let (cell, end) = match self.cell() {
                Ok(found) => found,
                Err(error) => {
                    self.at = self.text.len();
                    return Some(Err(error));
                }
            };
            if cell.len() > MOST_CELL && cell.chars().count() > MOST_CELL {
                self.at = self.text.len();
                let (row, column) = (self.number, letter(cells.len()));
                return Some(Err(ReadError::LongCell { row, column }));
            }
            if cells.len() == MOST_IN_A_ROW {
                self.at = self.text.len();
                return Some(Err(ReadError::TooManyColumns));
            }
            cells.push(plain(cell));
            if matches!(end, End::Row) {
                break;
            }
        }
        self.width = cells.len();
        Some(Ok(Raw { number: self.number, cells }))
    }
}

/// A cell without the apostrophe that keeps a spreadsheet from running it ([`crate::intake::errors_file`]).
pub(super) fn plain(cell: Cow<'_, str>) -> Cow<'_, str> {
    if !cell.starts_with('\'')
        || !crate::intake::errors_file::would_run(cell.trim_start_matches('\''))
    {
        return cell;
    }
    match cell {
        Cow::Borrowed(text) => Cow::Borrowed(&text[1..]),
        Cow::Owned(text) => Cow::Owned(text[1..].to_owned()),
    }
}
