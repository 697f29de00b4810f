//! Exports: contacts as a file, for a spreadsheet or another program (docs/export.md).
//!
//! ```text
//! POST /v1/exports ─► a job ─► pages of contacts ─► parts: rows of cells, sealed, in the store of files
//! GET  …/file      ◄─ CSV or a workbook, made row by row while it is sent ◄─ parts, one after the other
//! ```
//!
//! A part is lines of JSON, each the contact's id and its cells: a job that is killed goes on at its next page, memory doesn't grow
//! with the rows, and who is deleted or erased after the export was made is not in what is downloaded.

mod cells;
mod columns;
mod csv;
mod part;
pub mod store;
#[cfg(test)]
mod tests;
mod workbook;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bulk::Selection;
use crate::ids::FileId;

pub use cells::How;
pub use columns::{Column, Columns};
pub use part::{Row, read_part, rows, write_part};

use csv::Csv;
use workbook::Workbook;

/// Most contacts of an export.
pub const MOST: usize = 100_000;
/// Contacts of one part.
pub const PAGE: usize = 2_000;
/// An export can be downloaded so long after its job's end.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// What no job refers to is swept when it is so old: longer than any batch takes that may yet refer to it.
pub const ORPHANED: TimeDelta = TimeDelta::hours(1);

/// What kind of file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ExportFormat")]
pub enum Format {
    /// UTF-8 with its mark, commas, CR LF.
    #[default]
    Csv,
    /// A workbook with one sheet; every cell is a text.
    Xlsx,
}

/// What a job of this kind is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// Whom.
    pub selection: Selection,
    /// So many, or nothing is done.
    pub expected_count: Option<u64>,
    /// Which columns, in this order.
    pub columns: Vec<Column>,
    /// How cells are written.
    pub how: How,
    /// What kind of file.
    pub format: Format,
}

/// How far an export is: its job's place. Ids and numbers, no personal data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Made {
    /// When the first part was written.
    pub began: Option<DateTime<Utc>>,
    /// Contacts in it.
    pub rows: u64,
    /// Those that were deleted before their turn.
    pub gone: u64,
    /// The parts, in order.
    pub parts: Vec<FileId>,
}

impl Made {
    /// So many of the selection were gone through.
    pub fn at(&self) -> usize {
        usize::try_from(self.rows.saturating_add(self.gone)).unwrap_or(usize::MAX)
    }

    /// This, or nothing if it was begun longer than [`KEPT`] ago: what was paused, or died, and is taken up again after days begins anew, with
    /// contacts as they are then.
    #[must_use]
    pub fn unless_old(self, now: DateTime<Utc>) -> Self {
        let old = self.began.is_some_and(|began| now - began >= KEPT);
        if old { Self::default() } else { self }
    }
}

/// Makes a file of rows, in pieces: bytes that are ready are taken out after each row.
pub trait Encoder: Send + Sync {
    /// Adds a row.
    fn row(&mut self, cells: &[String]);
    /// What is ready to be sent.
    fn take(&mut self) -> Vec<u8>;
    /// The rest.
    fn finish(self: Box<Self>) -> Vec<u8>;
}

impl Format {
    /// An encoder with this header.
    pub fn encoder(self, header: &[String]) -> Box<dyn Encoder> {
        match self {
            Self::Csv => Box::new(Csv::new(header)),
            Self::Xlsx => Box::new(Workbook::new(header)),
        }
    }

    /// What such a file is called.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "contacts.csv",
            Self::Xlsx => "contacts.xlsx",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}
