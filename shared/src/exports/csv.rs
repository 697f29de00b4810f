//! CSV: UTF-8 with its mark, so that Excel doesn't take it for Windows-1252; commas, CR LF; no cell that a spreadsheet would run.

use super::Encoder;
use crate::intake::errors_file::Writer;
use crate::intake::read::Delimiter;

/// Makes CSV.
pub(super) struct Csv(Writer);

impl Csv {
    /// With a header.
    pub(super) fn new(header: &[String]) -> Self {
        let mut writer = Writer::new(Delimiter::Comma);
        writer.row(header.iter().map(String::as_str));
        Self(writer)
    }
}

impl std::fmt::Debug for Csv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Csv(..)")
    }
}

impl Encoder for Csv {
    fn row(&mut self, cells: &[String]) {
        self.0.row(cells.iter().map(String::as_str));
    }

    fn take(&mut self) -> Vec<u8> {
        self.0.take()
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0.finish()
    }
}
