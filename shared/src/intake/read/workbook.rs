//! The first visible sheet of a workbook (.xlsx; ECMA-376 part 1, `SpreadsheetML`).
//!
//! Parts are unpacked one by one and never beyond a bound, and no size that the file names is believed: that is why no library
//! for whole workbooks is used (docs/import.md).

use std::collections::HashMap;
use std::io::Cursor;

use super::numbers::Format;
use super::xml::{Archive, Part, Step, open};
use super::{ReadError, letter};
use crate::intake::{MOST_BYTES, MOST_CELL, MOST_COLUMNS, MOST_ROWS};

/// Bytes to which the sheet may unpack, and the table of its texts.
const MOST_SHEET: u64 = 64 * 1024 * 1024;
const MOST_STRINGS: u64 = 24 * 1024 * 1024;
/// And any other part.
const MOST_PART: u64 = 4 * 1024 * 1024;
/// All cells together: a text that many cells share stands in the file once.
const MOST_TEXT: usize = 2 * MOST_BYTES;

/// The rows of the sheet that are not empty, with their numbers.
pub(super) struct Workbook {
    pub(super) rows: Vec<(u32, Vec<String>)>,
    pub(super) date1904: bool,
}

pub(super) fn read(bytes: &[u8]) -> Result<Workbook, ReadError> {
    let mut archive = Archive::new(Cursor::new(bytes)).map_err(|_| ReadError::BadWorkbook)?;
    let (relation, date1904) = first_sheet(&mut archive)?;
    let sheet = path_of(&mut archive, &relation)?;
    let formats = formats(&mut archive)?;
    let texts = texts(&mut archive)?;
    let part = open(&mut archive, &sheet, MOST_SHEET)?.ok_or(ReadError::BadWorkbook)?;
    let reading = Reading { formats, texts, date1904, total: 0 };
    Ok(Workbook { rows: reading.rows(part)?, date1904 })
}

/// What the workbook calls its first sheet that isn't hidden, and whether its days count from 1904.
fn first_sheet(archive: &mut Archive<'_>) -> Result<(String, bool), ReadError> {
    let mut part = open(archive, "xl/workbook.xml", MOST_PART)?.ok_or(ReadError::NotATable)?;
    let (mut first, mut date1904) = (None, false);
    loop {
        match part.step()? {
            Step::Open(name) if name == "workbookPr" => {
                date1904 = matches!(part.attribute("date1904"), Some("1" | "true"));
            }
            Step::Open(name) if name == "sheet" && first.is_none() => {
                let hidden = part.attribute("state").is_some_and(|state| state != "visible");
                first = part.attribute("id").filter(|_| !hidden).map(str::to_owned);
            }
            Step::End => break,
            _ => {}
        }
    }
    Ok((first.ok_or(ReadError::BadWorkbook)?, date1904))
}

/// Where in the archive that sheet is.
fn path_of(archive: &mut Archive<'_>, relation: &str) -> Result<String, ReadError> {
    let part = open(archive, "xl/_rels/workbook.xml.rels", MOST_PART)?;
    let mut part = part.ok_or(ReadError::BadWorkbook)?;
    loop {
        match part.step()? {
            Step::Open(name)
                if name == "Relationship" && part.attribute("Id") == Some(relation) =>
            {
                let target = part.attribute("Target").ok_or(ReadError::BadWorkbook)?;
                return Ok(match target.strip_prefix('/') {
                    Some(absolute) => absolute.to_owned(),
                    None => format!("xl/{}", target.trim_start_matches("./")),
                });
            }
            Step::End => return Err(ReadError::BadWorkbook),
            _ => {}
        }
    }
}

/// How numbers are shown, by the style of a cell.
fn formats(archive: &mut Archive<'_>) -> Result<Vec<Format>, ReadError> {
    let Some(mut part) = open(archive, "xl/styles.xml", MOST_PART)? else { return Ok(Vec::new()) };
    let mut codes: HashMap<u32, String> = HashMap::new();
    let (mut formats, mut of_cells) = (Vec::new(), false);
    loop {
        match part.step()? {
            Step::Open(name) if name == "numFmt" => {
                let id = part.attribute("numFmtId").and_then(|id| id.parse().ok());
                if let (Some(id), Some(code)) = (id, part.attribute("formatCode")) {
                    codes.insert(id, code.to_owned());
                }
            }
            Step::Open(name) if name == "cellXfs" => of_cells = true,
            Step::Close(name) if name == "cellXfs" => of_cells = false,
            Step::Open(name) if name == "xf" && of_cells => {
                let id = part.attribute("numFmtId").and_then(|id| id.parse().ok()).unwrap_or(0);
                formats.push(Format::of(id, codes.get(&id).map(String::as_str)));
            }
            Step::End => return Ok(formats),
            _ => {}
        }
    }
}

/// The texts that cells share, one after the other: a million empty ones cost four megabytes.
#[derive(Default)]
struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    fn get(&self, at: usize) -> Option<&str> {
        let start = at.checked_sub(1).map_or(Some(&0), |before| self.ends.get(before))?;
        self.text.get(*start as usize..*self.ends.get(at)? as usize)
    }
}

fn texts(archive: &mut Archive<'_>) -> Result<Texts, ReadError> {
    let mut texts = Texts::default();
    let Some(mut part) = open(archive, "xl/sharedStrings.xml", MOST_STRINGS)? else {
        return Ok(texts);
    };
    loop {
        match part.step()? {
            Step::Open(name) if name == "si" => {
                text_of(&mut part, "si", &mut texts.text)?;
                let end = u32::try_from(texts.text.len());
                texts.ends.push(end.map_err(|_| ReadError::WorkbookTooLarge)?);
            }
            Step::End => return Ok(texts),
            _ => {}
        }
    }
}

/// The text of an element, of runs in many fonts perhaps, without how it is pronounced.
fn text_of<R: std::io::BufRead>(
    part: &mut Part<R>,
    element: &str,
    into: &mut String,
) -> Result<(), ReadError> {
    let (mut shown, mut spoken) = (false, false);
    loop {
        match part.step()? {
            Step::Open(name) => match name.as_str() {
                "t" => shown = true,
                "rPh" => spoken = true,
                _ => {}
            },
            Step::Close(name) => match name.as_str() {
                "t" => shown = false,
                "rPh" => spoken = false,
                name if name == element => return Ok(()),
                _ => {}
            },
            Step::Text(text) if shown && !spoken => into.push_str(&text),
            Step::Text(_) => {}
            Step::End => return Err(ReadError::BadWorkbook),
        }
    }
}

struct Reading {
    formats: Vec<Format>,
    texts: Texts,
    date1904: bool,
    total: usize,
}

impl Reading {
    fn rows<R: std::io::BufRead>(
        mut self,
        mut part: Part<R>,
    ) -> Result<Vec<(u32, Vec<String>)>, ReadError> {
        let mut rows: Vec<(u32, Vec<String>)> = Vec::new();
        let (mut number, mut cells) = (0_u32, Vec::new());
        loop {
            match part.step()? {
                Step::Open(name) if name == "row" => {
                    let told = part.attribute("r").map(str::parse);
                    let told = told.transpose().map_err(|_| ReadError::BadWorkbook)?;
                    let next = told.unwrap_or(number.saturating_add(1));
                    // Rows that go back would be two with one number.
                    if next <= number {
                        return Err(ReadError::BadWorkbook);
                    }
                    number = next;
                    cells.clear();
                }
                Step::Open(name) if name == "c" => self.cell(&mut part, number, &mut cells)?,
                Step::Close(name) if name == "row" => {
                    if cells.iter().any(|cell: &String| !cell.trim().is_empty()) {
                        rows.push((number, std::mem::take(&mut cells)));
                    }
                    if rows.len() > MOST_ROWS + 1 {
                        return Err(ReadError::TooManyRows);
                    }
                }
                // What follows are filters, merged cells and the like.
                Step::Close(name) if name == "sheetData" => return Ok(rows),
                Step::End => return Err(ReadError::BadWorkbook),
                _ => {}
            }
        }
    }

    fn cell<R: std::io::BufRead>(
        &mut self,
        part: &mut Part<R>,
        row: u32,
        cells: &mut Vec<String>,
    ) -> Result<(), ReadError> {
        let at =
            part.attribute("r").map_or(Some(cells.len()), column).ok_or(ReadError::BadWorkbook)?;
        let style = part.attribute("s").and_then(|style| style.parse::<usize>().ok());
        let kind = part.attribute("t").unwrap_or("n").to_owned();
        let (mut value, mut inline) = (String::new(), String::new());
        let mut in_value = false;
        loop {
            match part.step()? {
                Step::Open(name) if name == "v" => in_value = true,
                Step::Close(name) if name == "v" => in_value = false,
                Step::Open(name) if name == "is" => text_of(part, "is", &mut inline)?,
                Step::Text(text) if in_value => value.push_str(&text),
                Step::Close(name) if name == "c" => break,
                Step::End => return Err(ReadError::BadWorkbook),
                _ => {}
            }
        }
        let text = match kind.as_str() {
            "s" if value.is_empty() => String::new(),
            "s" => {
                let index = value.trim().parse().map_err(|_| ReadError::BadWorkbook)?;
                self.texts.get(index).ok_or(ReadError::BadWorkbook)?.to_owned()
            }
            "inlineStr" => inline,
            "b" => if value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            "n" if value.trim().is_empty() => String::new(),
            "n" => {
                let number: f64 = value.trim().parse().map_err(|_| ReadError::BadWorkbook)?;
                let format = style.and_then(|style| self.formats.get(style)).copied();
                format.unwrap_or_default().show(number, self.date1904)
            }
            // Texts of formulas, dates in ISO 8601, errors such as #N/A.
            _ => value,
        };
        self.put(text, at, row, cells)
    }

    fn put(
        &mut self,
        text: String,
        at: usize,
        row: u32,
        cells: &mut Vec<String>,
    ) -> Result<(), ReadError> {
        // A carriage return, as Excel writes it in XML.
        let text = if text.contains("_x000D_") { text.replace("_x000D_", "") } else { text };
        if text.is_empty() {
            return Ok(());
        }
        if at >= MOST_COLUMNS {
            return Err(ReadError::TooManyColumns);
        }
        if text.contains('\0') {
            return Err(ReadError::BadWorkbook);
        }
        if text.len() > MOST_CELL && text.chars().count() > MOST_CELL {
            return Err(ReadError::LongCell { row, column: letter(at) });
        }
        self.total += text.len();
        if self.total > MOST_TEXT {
            return Err(ReadError::WorkbookTooLarge);
        }
        if cells.len() <= at {
            cells.resize(at + 1, String::new());
        }
        cells[at] = text;
        Ok(())
    }
}

/// The column of a cell's name, from 0: `B2` is 1.
fn column(name: &str) -> Option<usize> {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic);
    let mut column = 0_usize;
    for (count, byte) in letters.enumerate() {
        if count == 3 {
            return None;
        }
        column = column * 26 + usize::from(byte.to_ascii_uppercase() - b'A') + 1;
    }
    column.checked_sub(1)
}
