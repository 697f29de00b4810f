//! Finds the table in a file: CSV of any dialect that spreadsheets write, or the first visible sheet of a workbook.
//!
//! The whole file is looked through once, so that what is wrong with the file itself is told at once, and going through the
//! rows can't fail later. Cells of a CSV file are borrowed from its text.

mod delimited;
mod delimiter;
mod error;
mod numbers;
mod text;
mod workbook;
mod xml;

use std::borrow::Cow;

pub use delimiter::Delimiter;
pub use error::ReadError;
pub(crate) use numbers::moment as moment_of_serial;

use super::{MOST_BYTES, MOST_COLUMNS, MOST_HEADER, MOST_ROWS};
use delimited::Records;

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "ImportColumn")]
pub struct Column {
    /// As a spreadsheet names it: `A`, `B`, `AA`.
    #[schemars(example = &"B")]
    pub letter: String,
    /// What the header says; may be empty.
    pub header: String,
    /// What a mapping calls it: the header, with the letter where the header is empty or stands there twice.
    #[schemars(example = &"Phone (column B)")]
    pub label: String,
}

/// Whether a row has as many cells as the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As many.
    Fits,
    /// Only so many: the row may be cut off.
    TooFew(usize),
    /// So many, and the last of them is not empty: a delimiter in a text that should stand in quotes.
    TooMany(usize),
}

/// A row below the header that is not empty. Personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// As a spreadsheet shows it: the header is 1 unless empty rows stand above it.
    pub number: u32,
    /// One for each column of the header.
    pub cells: Vec<Cow<'a, str>>,
    /// Whether it had as many.
    pub shape: Shape,
}

impl std::fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({}, {:?})", self.number, self.shape)
    }
}

/// The table of a file. Personal data: `Debug` shows nothing of it.
pub struct Sheet<'a> {
    source: Source<'a>,
    columns: Vec<Column>,
    rows: usize,
}

enum Source<'a> {
    Text { text: Cow<'a, str>, delimiter: Delimiter, body: usize, before: u32 },
    Workbook { rows: Vec<(u32, Vec<String>)>, date1904: bool },
}

impl std::fmt::Debug for Sheet<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sheet({} columns, {} rows)", self.columns.len(), self.rows)
    }
}

impl Sheet<'_> {
    /// The columns, from the left.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows stand below the header; empty ones don't count.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is only a header.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// What stands between cells; none in a workbook.
    pub fn delimiter(&self) -> Option<Delimiter> {
        match &self.source {
            Source::Text { delimiter, .. } => Some(*delimiter),
            Source::Workbook { .. } => None,
        }
    }

    /// Whether bare numbers of days count from 1904.
    pub(crate) fn date1904(&self) -> bool {
        matches!(self.source, Source::Workbook { date1904: true, .. })
    }

    /// The rows below the header, read one by one.
    pub fn records(&self) -> Box<dyn Iterator<Item = Record<'_>> + Send + '_> {
        let width = self.columns.len();
        match &self.source {
            // Read through once already, so there is nothing left to go wrong.
            Source::Text { text, delimiter, body, before } => Box::new(
                Records::new(&text[*body..], *delimiter, *before)
                    .filter_map(Result::ok)
                    .filter(|raw| !raw.is_blank())
                    .map(move |raw| fitted(raw.number, raw.cells, width, true)),
            ),
            Source::Workbook { rows, .. } => {
                Box::new(rows.iter().skip(1).map(move |(number, cells)| {
                    let cells = cells.iter().map(|cell| delimited::plain(Cow::from(cell.as_str())));
                    fitted(*number, cells.collect(), width, false)
                }))
            }
        }
    }
}

/// Reads a file.
///
/// # Errors
/// [`ReadError`]: the file as a whole can't be taken.
pub fn read(bytes: &[u8]) -> Result<Sheet<'_>, ReadError> {
    if bytes.len() > MOST_BYTES {
        return Err(ReadError::TooLarge);
    }
    match text::kind(bytes)? {
        text::Kind::Workbook => {
            let workbook = workbook::read(bytes)?;
            let (_, header) = workbook.rows.first().ok_or(ReadError::Empty)?;
            let header: Vec<_> = header.iter().map(|cell| Cow::from(cell.as_str())).collect();
            let columns = columns(&header)?;
            let rows = workbook.rows.len() - 1;
            check_count(rows)?;
            let source = Source::Workbook { rows: workbook.rows, date1904: workbook.date1904 };
            Ok(Sheet { source, columns, rows })
        }
        text::Kind::Text(text) => delimited_sheet(text),
    }
}

fn delimited_sheet(text: Cow<'_, str>) -> Result<Sheet<'_>, ReadError> {
    let (declared, start) = delimiter::declared(&text)?;
    let delimiter = declared.unwrap_or_else(|| delimiter::sniff(&text[start..]));
    let mut records = Records::new(&text[start..], delimiter, 0);
    let header = loop {
        let raw = records.next().ok_or(ReadError::Empty)??;
        if !raw.is_blank() {
            break raw;
        }
    };
    let columns = columns(&header.cells)?;
    let (body, before) = (start + records.at(), header.number);
    let mut rows = 0;
    for raw in records {
        rows += usize::from(!raw?.is_blank());
        check_count(rows)?;
    }
    Ok(Sheet { source: Source::Text { text, delimiter, body, before }, columns, rows })
}

fn check_count(rows: usize) -> Result<(), ReadError> {
    if rows > MOST_ROWS { Err(ReadError::TooManyRows) } else { Ok(()) }
}

fn fitted<'a>(number: u32, mut cells: Vec<Cow<'a, str>>, width: usize, full: bool) -> Record<'a> {
    let found = cells.len();
    let last = cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |at| at + 1);
    let shape = match () {
        () if last > width => Shape::TooMany(last),
        () if full && found < width => Shape::TooFew(found),
        () => Shape::Fits,
    };
    cells.resize(width, Cow::Borrowed(""));
    Record { number, cells, shape }
}

/// The columns of a header, without empty ones at its end.
fn columns(header: &[Cow<'_, str>]) -> Result<Vec<Column>, ReadError> {
    let mut names: Vec<String> = header.iter().map(|cell| tidy(cell)).collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    if names.len() > MOST_COLUMNS {
        return Err(ReadError::TooManyColumns);
    }
    if let Some(at) = names.iter().position(|name| name.chars().count() > MOST_HEADER) {
        return Err(ReadError::LongHeader { column: letter(at) });
    }
    if names.iter().any(|name| is_data(name)) {
        return Err(ReadError::NoHeader);
    }
    let mut columns: Vec<Column> = Vec::with_capacity(names.len());
    let keys: Vec<_> = names.iter().map(|name| crate::search::fold(name)).collect();
    for (at, name) in names.iter().enumerate() {
        let letter = letter(at);
        let twice = keys.iter().enumerate().any(|(other, key)| other != at && **key == *keys[at]);
        let label = match (name.as_str(), twice) {
            ("", _) => format!("column {letter}"),
            (_, true) => format!("{name} (column {letter})"),
            (_, false) => name.clone(),
        };
        columns.push(Column { letter, header: name.clone(), label });
    }
    // A header may be called what another was given: `Phone (column B)`.
    for at in 1..columns.len() {
        if columns[..at].iter().any(|column| column.label == columns[at].label) {
            columns[at].label = format!("{} (column {})", columns[at].label, columns[at].letter);
        }
    }
    Ok(columns)
}

/// One line, single spaces, no control characters.
fn tidy(cell: &str) -> String {
    let words = cell.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether this is what stands below a header, not in one: an address or a number to call.
fn is_data(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    (digits >= 6 && letters <= 1) || name.parse::<crate::contacts::email::EmailAddress>().is_ok()
}

/// What a spreadsheet calls the column at this place, from 0.
pub(crate) fn letter(mut at: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + u8::try_from(at % 26).unwrap_or_default()));
        match (at / 26).checked_sub(1) {
            Some(next) => at = next,
            None => return letters.iter().rev().collect(),
        }
    }
}
