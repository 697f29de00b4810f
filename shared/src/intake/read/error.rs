//! Why a file is not taken as a whole. Carries no part of it.

use crate::intake::{MOST_BYTES, MOST_CELL, MOST_COLUMNS, MOST_HEADER, MOST_ROWS};

/// Why a file is not taken as a whole, in words for whoever uploaded it. Carries no part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// More bytes than are taken.
    #[error("the file is larger than {} MB", MOST_BYTES / 1024 / 1024)]
    TooLarge,
    /// No bytes, or no cell with anything in it.
    #[error("the file is empty")]
    Empty,
    /// `.xls`, or a workbook with a password: both are of the same container.
    #[error(
        "this is an old Excel file, or one with a password: save it as .xlsx or CSV, without a password"
    )]
    OldWorkbook,
    /// HTML, PDF, a picture, another archive.
    #[error("this is neither CSV nor an .xlsx workbook")]
    NotATable,
    /// The archive or a part of it is broken.
    #[error(
        "the workbook can't be read: open it in a spreadsheet program and save it again as .xlsx or CSV"
    )]
    BadWorkbook,
    /// Unpacked, it is far more than a file of this size should be.
    #[error("the workbook holds too much: save the sheet alone, as CSV")]
    WorkbookTooLarge,
    /// A byte that is not UTF-8.
    #[error(
        "line {line} has a character that is not UTF-8 (byte {byte} of the file){}: in Excel, save as \"CSV UTF-8 (Comma delimited)\"; in \
         LibreOffice, choose the character set Unicode (UTF-8)",
        if *.windows { ", the file seems to be in Windows-1252" } else { "" }
    )]
    NotUtf8 {
        /// Its line, from 1.
        line: usize,
        /// Its place, from 1.
        byte: usize,
        /// Whether it is a letter in the character set of Western Windows.
        windows: bool,
    },
    /// Half a character of UTF-16.
    #[error("the file is UTF-16 with a broken character in line {line}: save it as UTF-8")]
    BadUtf16 {
        /// Its line, from 1.
        line: usize,
    },
    /// A byte that no text has.
    #[error(
        "line {line} has a NUL byte: this is no text file, or UTF-16 without its mark; save it as CSV in UTF-8"
    )]
    NulByte {
        /// Its line, from 1.
        line: usize,
    },
    /// `sep=` names something else.
    #[error("the first line names a delimiter other than comma, semicolon and tab")]
    Delimiter,
    /// A quote that opens and never closes.
    #[error(
        "row {row} opens a quotation mark that is never closed: the file is cut off, or a quotation mark is missing there"
    )]
    CutOff {
        /// Where it opens.
        row: u32,
    },
    /// A cell with more characters than a spreadsheet's can have.
    #[error(
        "column {column} of row {row} is longer than {MOST_CELL} characters: perhaps a quotation mark is not closed"
    )]
    LongCell {
        /// Its row.
        row: u32,
        /// Its column's letter.
        column: String,
    },
    /// More columns than are taken.
    #[error("the file has more than {MOST_COLUMNS} columns")]
    TooManyColumns,
    /// More rows than are taken.
    #[error("the file has more than {MOST_ROWS} rows: split it")]
    TooManyRows,
    /// A column with a name that is a text.
    #[error(
        "the name of column {column} is longer than {MOST_HEADER} characters: the first row must name the columns"
    )]
    LongHeader {
        /// Its letter.
        column: String,
    },
    /// The first row has data in it.
    #[error("the first row must name the columns, and this one has data in it")]
    NoHeader,
}

impl ReadError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Empty => "empty",
            Self::OldWorkbook => "old_workbook",
            Self::NotATable => "not_a_table",
            Self::BadWorkbook => "bad_workbook",
            Self::WorkbookTooLarge => "workbook_too_large",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::BadUtf16 { .. } => "bad_utf16",
            Self::NulByte { .. } => "nul_byte",
            Self::Delimiter => "bad_delimiter",
            Self::CutOff { .. } => "cut_off",
            Self::LongCell { .. } => "long_cell",
            Self::TooManyColumns => "too_many_columns",
            Self::TooManyRows => "too_many_rows",
            Self::LongHeader { .. } => "long_header",
            Self::NoHeader => "no_header",
        }
    }
}
