//! Workbooks, as a library writes them and as they break.

use std::io::{Cursor, Read, Write};

use proptest::prelude::*;
use rust_xlsxwriter::{Format, Workbook};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::*;

/// A book as staff keep it: real dates, numbers stored as quantities, a second sheet, a hidden first one.
fn book() -> Vec<u8> {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Lists").unwrap().set_hidden(true).write(0, 0, "hidden").unwrap();
    let (date, time) =
        (Format::new().set_num_format("dd/mm/yyyy"), Format::new().set_num_format("hh:mm"));
    let zeros = Format::new().set_num_format("00000000000");
    let sheet = book.add_worksheet();
    // A library won't hide the sheet that is shown first.
    sheet.set_active(true);
    for (at, name) in
        ["Name", "Phone", "Appointment date", "Appointment time", "Notes"].iter().enumerate()
    {
        sheet.write(0, at as u16, *name).unwrap();
    }
    sheet.write(1, 0, "Ada Example").unwrap();
    sheet.write(1, 1, 447_700_900_123.0).unwrap();
    sheet.write_with_format(1, 2, 46_447.0, &date).unwrap();
    sheet.write_with_format(1, 3, 0.395_833_333_333_333, &time).unwrap();
    sheet.write(1, 4, "two\nlines & <signs>").unwrap();
    sheet.write(3, 0, "Zoë O'Brien").unwrap();
    sheet.write_with_format(3, 1, 7_700_900_124.0, &zeros).unwrap();
    sheet.write(3, 2, "2 Mar 2027").unwrap();
    sheet.write(3, 3, "2:30 pm").unwrap();
    sheet.write(3, 4, true).unwrap();
    book.add_worksheet().write(0, 0, "another").unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn a_workbook_is_read_as_it_is_shown() {
    let rows = cells(&book()).unwrap();
    let expected: [(u32, [&str; 5]); 3] = [
        (0, ["Name", "Phone", "Appointment date", "Appointment time", "Notes"]),
        (2, ["Ada Example", "447700900123", "2027-03-01", "09:30:00", "two\nlines & <signs>"]),
        (4, ["Zoë O'Brien", "07700900124", "2 Mar 2027", "2:30 pm", "TRUE"]),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(n, row)| (*n, row.map(str::to_owned).to_vec())).collect();
    assert_eq!(rows, expected);
}

#[test]
fn a_workbook_is_imported_like_a_file() {
    let bytes = book();
    let sheet = read(&bytes).unwrap();
    let mapping = proposed(&sheet);
    let plan = Plan::new(&sheet, &mapping).unwrap();
    let (phones, lists) = (phones(), Lists::default());
    let rows: Vec<_> = Checker::new(&plan, rules(&phones, &lists)).all().collect();
    let seen: Vec<_> = rows
        .iter()
        .map(|checked| (row(checked).phone.as_str().to_owned(), row(checked).at.to_string()))
        .collect();
    let expected = [
        ("+447700900123", "2027-03-01 09:30:00 UTC"),
        ("+447700900124", "2027-03-02 14:30:00 UTC"),
    ];
    assert_eq!(seen, expected.map(|(phone, at)| (phone.to_owned(), at.to_owned())));
}

/// The parts of a workbook that change nothing, and those given.
fn with_parts(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(book())).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).unwrap();
        let name = part.name().unwrap().into_owned();
        if parts.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        writer.start_file(name, options).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    for (name, bytes) in parts {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const SHEET: &str = "xl/worksheets/sheet2.xml";
const STRINGS: &str = "xl/sharedStrings.xml";

fn code(bytes: &[u8]) -> Option<&'static str> {
    read(bytes).err().map(|error| error.code())
}

fn sheet_xml(rows: &str) -> Vec<u8> {
    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>").into_bytes()
}

#[test]
fn a_bomb_is_not_unpacked() {
    let zeros = vec![b' '; 70 * 1024 * 1024];
    let bomb = with_parts(&[(SHEET, &zeros)]);
    assert!(bomb.len() < MOST_BYTES, "it is a small file");
    assert_eq!(code(&bomb), Some("workbook_too_large"));
    assert_eq!(
        code(&with_parts(&[(STRINGS, &zeros[..30 * 1024 * 1024])])),
        Some("workbook_too_large"),
        "texts"
    );
    let styles = [("xl/styles.xml", &zeros[..5 * 1024 * 1024])];
    assert_eq!(code(&with_parts(&styles)), Some("workbook_too_large"), "another part");

    // A directory that lies about the size: what comes out is what counts.
    let mut lying = with_parts(&[(SHEET, &zeros)]);
    let size = (70_u32 * 1024 * 1024).to_le_bytes();
    let places: Vec<usize> =
        (0..lying.len() - 4).filter(|at| lying[*at..*at + 4] == size).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| lying[*at..*at + 4].copy_from_slice(&100_u32.to_le_bytes()));
    assert!(matches!(code(&lying), Some("workbook_too_large" | "bad_workbook")));
}

#[test]
fn what_a_workbook_says_of_its_size_is_not_believed() {
    let strings = b"<sst count=\"99999999999999\" uniqueCount=\"99999999999999\"><si><t>Name</t></si><si><t>Phone</t></si></sst>";
    let rows = "<dimension ref=\"A1:XFD1048576\"/><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c></row>";
    let bytes = with_parts(&[(STRINGS, strings), (SHEET, &sheet_xml(rows))]);
    assert_eq!(cells(&bytes), Ok(vec![(0, vec!["Name".into(), "Phone".into()])]));
}

#[test]
fn many_cells_that_share_a_long_text_are_too_much() {
    let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(30_000));
    let row = |at: usize| format!("<row r=\"{at}\"><c t=\"s\"><v>0</v></c></row>");
    let header = "<row r=\"1\"><c t=\"inlineStr\"><is><t>Name</t></is></c></row>";
    let rows: String = (2..2_000).map(row).collect();
    let bytes = with_parts(&[
        (STRINGS, strings.as_bytes()),
        (SHEET, &sheet_xml(&format!("{header}{rows}"))),
    ]);
    assert_eq!(code(&bytes), Some("workbook_too_large"));
}

#[test]
fn a_broken_workbook_is_told_to_be_one() {
    let cell = |inner: &str| sheet_xml(&format!("<row r=\"1\"><c r=\"A1\">{inner}</c></row>"));
    let doctype = [b"<!DOCTYPE x [<!ENTITY a \"b\">]>".to_vec(), cell("<v>1</v>")].concat();
    for (sheet, expected, why) in [
        (
            sheet_xml("<row r=\"1\"><c t=\"s\"><v>99</v></c></row>"),
            "bad_workbook",
            "a text that isn't there",
        ),
        (sheet_xml("<row r=\"x\"/>"), "bad_workbook", "a row without a number"),
        (sheet_xml("<row r=\"2\"/><row r=\"2\"/>"), "bad_workbook", "a row twice"),
        (cell("<v>one</v>"), "bad_workbook", "a number that is none"),
        (doctype, "bad_workbook", "entities of its own"),
        (b"<worksheet><sheetData><row r=\"1\">".to_vec(), "bad_workbook", "cut off"),
        (
            sheet_xml("<row r=\"1\"><c r=\"ZZZZ1\"><v>1</v></c></row>"),
            "bad_workbook",
            "no such column",
        ),
        (
            sheet_xml("<row r=\"1\"><c r=\"XFD1\"><v>1</v></c></row>"),
            "too_many_columns",
            "the last column",
        ),
        (sheet_xml(""), "empty", "no cell"),
    ] {
        assert_eq!(code(&with_parts(&[(SHEET, &sheet)])), Some(expected), "{why}");
    }
    let many: String =
        (1..=MOST_ROWS + 2).map(|at| format!("<row r=\"{at}\"><c><v>1</v></c></row>")).collect();
    assert_eq!(code(&with_parts(&[(SHEET, &sheet_xml(&many))])), Some("too_many_rows"));
    assert_eq!(
        code(&with_parts(&[("xl/workbook.xml", b"<workbook/>")])),
        Some("bad_workbook"),
        "no sheet"
    );
}

proptest! {
    #![proptest_config(super::so_many(128))]

    #[test]
    fn no_change_of_a_workbook_makes_the_reader_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = book();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = cells(&bytes);
    }

    /// The same within the parts, where a changed byte of the archive would only fail its checksum.
    #[test]
    fn no_sheet_makes_the_reader_panic(rows in "(<row r=\"[0-9]{1,3}\">|<row>|</row>|<c( r=\"[A-Z]{0,3}[0-9]\")?( s=\"[0-9]\")?( t=\"(s|n|b|d|str|inlineStr)\")?>|</c>|<v>[0-9.eE+-]{0,8}</v>|<is><t>|</t></is>|&(amp|#0|#65|x|#xFFFFFF);|x){0,25}") {
        let _ = cells(&with_parts(&[(SHEET, &sheet_xml(&rows))]));
    }
}
