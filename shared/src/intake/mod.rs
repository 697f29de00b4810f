//! From the bytes of an uploaded file to rows that can be stored (docs/import.md).
//!
//! Pure: bytes, the tenant's lists and `now` come in, values go out; no SQL, no clock, no network. In order:
//!
//! 1. [`read()`] finds the table in a CSV file or a workbook: a header, and rows by the numbers that a spreadsheet shows.
//! 2. [`propose`](mapping::propose) says which column may be which of our fields, and which must not come in at all.
//! 3. [`Plan::new`](mapping::Plan::new) takes the mapping that somebody chose, and refuses what can't be read one way only.
//! 4. [`Checker`](check::Checker) makes a [`Row`](check::Row) of each row, or says what is wrong with it.
//! 5. [`duplicates`] compares the rows with each other; [`errors_file`] gives the faulty ones back to be corrected.
//!
//! What a file holds is personal: faults carry masked values only ([`mask()`]), and nothing here prints a cell.

pub mod check;
pub mod dates;
pub mod duplicates;
pub mod errors_file;
pub mod field;
pub mod mapping;
mod mask;
pub mod prohibited;
pub mod read;
pub mod repair;
#[cfg(test)]
mod tests;

pub use field::Field;
pub use mask::mask;
pub use read::{ReadError, Record, Sheet, read};

/// Most bytes of a file.
pub const MOST_BYTES: usize = 10 * 1024 * 1024;
/// Most rows below the header; empty ones don't count.
pub const MOST_ROWS: usize = 10_000;
/// Most columns.
pub const MOST_COLUMNS: usize = 200;
/// Most characters of a cell: as in a spreadsheet.
pub const MOST_CELL: usize = 32_767;
/// Most characters of a column's name.
pub const MOST_HEADER: usize = 200;
