//! A workbook of one sheet, made row by row: every cell is a text in its place (`inlineStr`), so that nothing is run, no number loses
//! its zeros, and no table of texts has to be kept in memory.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use super::Encoder;

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
const RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Contacts" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const OF_WORKBOOK: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const SHEET: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>"#;
const SHEET_ENDS: &str = "</sheetData></worksheet>";

/// Bytes on their way out.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Makes a workbook.
pub(super) struct Workbook {
    out: Out,
    zip: ZipWriter<StreamWriter<Out>>,
    rows: u32,
    /// A piece of the sheet that isn't compressed yet.
    text: String,
    failed: bool,
}

impl std::fmt::Debug for Workbook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Workbook({} rows)", self.rows)
    }
}

impl Workbook {
    /// With a header.
    pub(super) fn new(header: &[String]) -> Self {
        let out = Out::default();
        let zip = ZipWriter::new_stream(out.clone());
        let mut workbook = Self { out, zip, rows: 0, text: String::new(), failed: false };
        for (name, content) in [
            ("[Content_Types].xml", CONTENT_TYPES),
            ("_rels/.rels", RELATIONS),
            ("xl/workbook.xml", WORKBOOK),
            ("xl/_rels/workbook.xml.rels", OF_WORKBOOK),
            ("xl/worksheets/sheet1.xml", SHEET),
        ] {
            workbook.file(name, content);
        }
        workbook.row(header);
        workbook
    }

    fn file(&mut self, name: &str, content: &str) {
        let begun = self.zip.start_file(name, SimpleFileOptions::default());
        // Writing to memory fails only where a workbook outgrows its format; then it ends too early, and opens nowhere.
        self.failed |= begun.is_err() || self.zip.write_all(content.as_bytes()).is_err();
    }

    fn flush(&mut self) {
        self.failed |= self.zip.write_all(self.text.as_bytes()).is_err();
        self.text.clear();
    }
}

impl Encoder for Workbook {
    fn row(&mut self, cells: &[String]) {
        self.rows += 1;
        self.text.push_str("<row>");
        for cell in cells {
            self.text.push_str("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">");
            escape(cell, &mut self.text);
            self.text.push_str("</t></is></c>");
        }
        self.text.push_str("</row>");
        if self.text.len() > 32 * 1024 {
            self.flush();
        }
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut *self.out.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn finish(mut self: Box<Self>) -> Vec<u8> {
        self.text.push_str(SHEET_ENDS);
        self.flush();
        let Self { out, zip, failed, .. } = *self;
        if !failed {
            drop(zip.finish());
        }
        std::mem::take(&mut *out.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// As XML 1.0 allows it: what it forbids is left out.
fn escape(cell: &str, into: &mut String) {
    for c in cell.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '\r' => into.push_str("&#13;"),
            '\t' | '\n' => into.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => into.push(c),
        }
    }
}
