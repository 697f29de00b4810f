//! The faulty rows in the shape of the input, with what is wrong in a last column, to be corrected and uploaded again.
//!
//! A cell that a spreadsheet would run (`=HYPERLINK(…)`, also `+44 …`) gets an apostrophe in front of it, and reading takes it
//! off again: what goes out and comes back in is the same, whatever stood there. So a cell that begins with apostrophes before
//! such a sign gets one more, and none is ever lost.
//!
//! UTF-8 with its mark, so that Excel doesn't take it for Windows-1252; CR LF; the delimiter of the input, a comma for a
//! workbook. Columns that must not come in are empty: their values don't come back to us by this way.

use std::borrow::Cow;
use std::collections::HashMap;

use super::check::Fault;
use super::mapping::Plan;
use super::mapping::synonyms::REASON;
use super::read::Delimiter;

/// Most characters of a reason: a row may have many faults.
const MOST_REASON: usize = 1_000;

/// Whether a spreadsheet would run a cell with this text, or treat it as something other than text.
pub(crate) fn would_run(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// `cell`, so that no spreadsheet runs it.
pub fn neutralised(cell: &str) -> Cow<'_, str> {
    if would_run(cell.trim_start_matches('\'')) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// The rows with these faults, as a file.
pub fn errors_file(plan: &Plan<'_>, faults: &[Fault]) -> Vec<u8> {
    let mut reasons: HashMap<u32, Vec<&Fault>> = HashMap::new();
    for fault in faults {
        reasons.entry(fault.row).or_default().push(fault);
    }
    let sheet = plan.sheet();
    let delimiter = sheet.delimiter().unwrap_or(Delimiter::Comma);
    let mut file = Writer::new(delimiter);
    // The file may be one of these, come back for the second time: its reasons are out of date.
    let is_reason = |at: usize| sheet.columns()[at].header == REASON;
    let kept: Vec<usize> = (0..sheet.columns().len()).filter(|at| !is_reason(*at)).collect();
    let header = kept.iter().map(|at| sheet.columns()[*at].header.as_str());
    file.row(header.chain([REASON]));
    for record in sheet.records() {
        let Some(faults) = reasons.get(&record.number) else { continue };
        let reason = reason(faults);
        let cells = kept
            .iter()
            .map(|at| if plan.prohibited().contains(at) { "" } else { record.cells[*at].as_ref() });
        file.row(cells.chain([reason.as_str()]));
    }
    file.finish()
}

/// `Phone: too short; Date: no date that we can read …`
fn reason(faults: &[&Fault]) -> String {
    let one = |fault: &&Fault| match &fault.column {
        Some(column) => format!("{column}: {}", fault.message),
        None => fault.message.clone(),
    };
    let all = faults.iter().map(one).collect::<Vec<_>>().join("; ");
    if all.chars().count() <= MOST_REASON {
        return all;
    }
    all.chars().take(MOST_REASON - 1).chain(['…']).collect()
}

/// Writes cells so that reading them gives the same.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    delimiter: u8,
}

impl Writer {
    pub(crate) fn new(delimiter: Delimiter) -> Self {
        Self { bytes: "\u{feff}".as_bytes().to_vec(), delimiter: delimiter.byte() }
    }

    /// A cell stands in quotes where it could be read otherwise, under this delimiter or under another that is tried first.
    pub(crate) fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) {
        for (at, cell) in cells.into_iter().enumerate() {
            if at > 0 {
                self.bytes.push(self.delimiter);
            }
            let cell = neutralised(cell);
            let special = |byte: u8| {
                byte == self.delimiter || matches!(byte, b'"' | b'\r' | b'\n' | b',' | b';' | b'\t')
            };
            if cell.bytes().any(special) || cell.starts_with(' ') || cell.ends_with(' ') {
                self.bytes.push(b'"');
                self.bytes.extend(cell.replace('"', "\"\"").bytes());
                self.bytes.push(b'"');
            } else {
                self.bytes.extend(cell.bytes());
            }
        }
        self.bytes.extend(b"\r\n");
    }

    /// What was written since this was last asked.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
