//! Files as spreadsheets write them, and as they break.

use proptest::prelude::*;

use super::*;
use crate::intake::errors_file::Writer;
use crate::intake::read::Delimiter;

fn table(rows: &[(u32, &[&str])]) -> Vec<(u32, Vec<String>)> {
    rows.iter()
        .map(|(number, cells)| (*number, cells.iter().map(ToString::to_string).collect()))
        .collect()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn files_of_spreadsheets_are_read() {
    let two: &[(u32, &[&str])] = &[(0, &["Name", "Phone"]), (2, &["Ada", "1"]), (3, &["Zoë", "2"])];
    for (file, why) in [
        ("Name,Phone\r\nAda,1\r\nZoë,2\r\n".as_bytes().to_vec(), "Google Sheets"),
        ("Name,Phone\nAda,1\nZoë,2".into(), "Unix lines, no line break at the end"),
        ("Name,Phone\rAda,1\rZoë,2\r".into(), "an old Mac"),
        ("\u{feff}Name;Phone\r\nAda;1\r\nZoë;2\r\n".into(), "Excel in Germany, CSV UTF-8"),
        ("Name\tPhone\r\nAda\t1\r\nZoë\t2\r\n".into(), "copied out of a sheet"),
        ("\"Name\",\"Phone\"\n\"Ada\",\"1\"\n\"Zoë\",\"2\"\n".into(), "LibreOffice, all quoted"),
        ("sep=;\r\nName;Phone\r\nAda;1\r\nZoë;2\r\n".into(), "a first line for Excel"),
        ("\u{feff}\"SEP=,\"\nName,Phone\nAda,1\nZoë,2\n".into(), "the same, quoted"),
        ("Name,Phone,,,\r\nAda,1,,,\r\nZoë,2,,,\r\n".into(), "columns that once had something"),
        ("Name,Phone\r\nAda,1\r\nZoë,2\r\n,\r\n,,,\r\n\r\n".into(), "empty rows at the end"),
        (
            [vec![0xff, 0xfe], utf16("Name\tPhone\r\nAda\t1\r\nZoë\t2\r\n", u16::to_le_bytes)]
                .concat(),
            "Excel, Unicode text",
        ),
        (
            [vec![0xfe, 0xff], utf16("Name,Phone\nAda,1\nZoë,2\n", u16::to_be_bytes)].concat(),
            "the other way round",
        ),
        (" Name , Phone \nAda,1\nZoë,2\n".into(), "spaces around names of columns"),
    ] {
        assert_eq!(cells(&file), Ok(table(two)), "{why}");
    }
}

#[test]
fn cells_are_read_as_they_are_quoted() {
    for (file, rows, why) in [
        (
            "a,b\n\"1\r\n2\",3\n4,5",
            &[(0, &["a", "b"][..]), (2, &["1\r\n2", "3"]), (3, &["4", "5"])][..],
            "a line break in a cell is no row",
        ),
        (
            "a,b\n\"say \"\"hi\"\"\",1",
            &[(0, &["a", "b"]), (2, &["say \"hi\"", "1"])],
            "doubled quotes",
        ),
        ("a,b\n\"1,2;3\",4", &[(0, &["a", "b"]), (2, &["1,2;3", "4"])], "delimiters in quotes"),
        (
            "a,b\n5\" pipe,1",
            &[(0, &["a", "b"]), (2, &["5\" pipe", "1"])],
            "a quote within a cell is a character",
        ),
        ("a,b\n\"x\" y,1", &[(0, &["a", "b"]), (2, &["x y", "1"])], "text after a closing quote"),
        ("a,b\n\"\",1", &[(0, &["a", "b"]), (2, &["", "1"])], "quotes with nothing between"),
        (
            "\n\na,b\n\n1,2\n\n\n3,4",
            &[(0, &["a", "b"]), (5, &["1", "2"]), (8, &["3", "4"])],
            "empty rows have numbers",
        ),
        (
            "a,b\n'+44 7700,1",
            &[(0, &["a", "b"]), (2, &["+44 7700", "1"])],
            "an apostrophe that protects is taken off",
        ),
        (
            "a,b\n'Hertogenbosch,''=1",
            &[(0, &["a", "b"]), (2, &["'Hertogenbosch", "'=1"])],
            "one alone, and only before a sign",
        ),
        ("a,b\n 1 ,2 ", &[(0, &["a", "b"]), (2, &[" 1 ", "2 "])], "cells keep their spaces"),
        (
            "Name,,Phone,Phone\n1,2,3,4",
            &[
                (0, &["Name", "column B", "Phone (column C)", "Phone (column D)"]),
                (2, &["1", "2", "3", "4"]),
            ],
            "columns without a name, and two of one name",
        ),
        (
            "Tel,tel\n1,2",
            &[(0, &["Tel (column A)", "tel (column B)"]), (2, &["1", "2"])],
            "names that differ by case",
        ),
        ("a\n1\n2", &[(0, &["a"]), (2, &["1"]), (3, &["2"])], "one column"),
    ] {
        assert_eq!(cells(file.as_bytes()), Ok(table(rows)), "{why}");
    }
}

#[test]
fn the_delimiter_is_found_whatever_stands_in_the_cells() {
    for (file, delimiter, why) in [
        ("Name,Groups\nAda,A;B;C\nBob,A;B;C\n", Delimiter::Comma, "semicolons in cells"),
        ("Name;Price\nAda;1,5\nBob;2,5\n", Delimiter::Semicolon, "decimal commas"),
        ("Name;Date, time\nAda;1\nBob;2\n", Delimiter::Semicolon, "a comma in the header"),
        ("Name\tNote\nAda\ta, b; c\n", Delimiter::Tab, "both in a cell"),
        ("\"Name;x\",Note\n\"a;b\",1\n\"c;d\",2\n", Delimiter::Comma, "in quotes"),
        ("Name;Note\nAda;\"x\n,,,,\n,,,,\"\nBob;1\n", Delimiter::Semicolon, "over several lines"),
        ("Name\nAda\n", Delimiter::Comma, "one column: any will do"),
    ] {
        assert_eq!(read(file.as_bytes()).unwrap().delimiter(), Some(delimiter), "{why}");
    }
}

#[test]
fn files_that_cannot_be_taken_are_refused_by_name() {
    let long = format!("a,b\n\"{}\",1", "x".repeat(MOST_CELL + 1));
    let quotes = format!("a,b\n\"{}\",1", "\"\"".repeat(MOST_CELL * 5));
    let rows = |count: usize| format!("a,b\n{}", "1,2\n".repeat(count));
    let columns = vec!["x"; MOST_COLUMNS + 1].join(",");
    for (file, code, why) in [
        (b"".to_vec(), "empty", "no bytes"),
        (b"\xef\xbb\xbf\r\n ,, \r\n".to_vec(), "empty", "nothing but separators"),
        (b" \n\n".to_vec(), "empty", "white space"),
        (vec![b'x'; MOST_BYTES + 1], "too_large", "a byte too many"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "old_workbook", ".xls, or with a password"),
        (b"<html><table><tr><td>".to_vec(), "not_a_table", "a web page called .xls"),
        (b"%PDF-1.7".to_vec(), "not_a_table", "a PDF"),
        (b"PK\x03\x04junk".to_vec(), "bad_workbook", "half an archive"),
        (b"a,b\n1,\x002".to_vec(), "nul_byte", "a NUL"),
        (utf16("a,b\n1,2", u16::to_le_bytes), "nul_byte", "UTF-16 without its mark"),
        (b"\xff\xfea\x00,\x00\x00\xd8".to_vec(), "bad_utf16", "half a character"),
        (b"\xff\xfea\x00,".to_vec(), "bad_utf16", "half a unit"),
        (b"sep=|\na|b\n1|2".to_vec(), "bad_delimiter", "another delimiter"),
        (b"a,b\n1,2\n\"3,4\n5,6\n".to_vec(), "cut_off", "a quote that never closes"),
        (long.clone().into_bytes(), "long_cell", "a character too many"),
        (quotes.into_bytes(), "long_cell", "of quotes"),
        (columns.clone().into_bytes(), "too_many_columns", "a column too many"),
        (
            format!("a,b\n{}", ",".repeat(20_000)).into_bytes(),
            "too_many_columns",
            "a row that is none",
        ),
        (rows(MOST_ROWS + 1).into_bytes(), "too_many_rows", "a row too many"),
        (
            format!("{},b", "x".repeat(MOST_HEADER + 1)).into_bytes(),
            "long_header",
            "a text for a name",
        ),
        (b"Ada,07700 900123\nBob,07700 900124".to_vec(), "no_header", "a number in the first row"),
        (b"Ada,ada@example.com\n".to_vec(), "no_header", "an address in the first row"),
    ] {
        assert_eq!(read(&file).err().map(|error| error.code()), Some(code), "{why}");
    }
    assert_eq!(
        read(rows(MOST_ROWS).as_bytes()).unwrap().len(),
        MOST_ROWS,
        "as many as are allowed"
    );
    assert!(read(&long.as_bytes()[..long.len() - 4]).is_err(), "and the cell cut off");
    let full = format!("a,b\n\"{}\",1", "é".repeat(MOST_CELL));
    assert!(read(full.as_bytes()).is_ok(), "characters count, not bytes");
    let header = read(b"Name,Phone\r\n").unwrap();
    assert!(header.is_empty(), "a header alone is a table of no rows");
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_place() {
    let windows = b"Name,Note\nAda,x\nZo\xeb,y\n";
    assert_eq!(read(windows).err(), Some(ReadError::NotUtf8 { line: 3, byte: 19, windows: true }));
    let told = read(windows).err().unwrap().to_string();
    assert!(told.contains("line 3") && told.contains("CSV UTF-8"), "{told}");
    assert_eq!(
        read(b"Name\r\nAda\r\n\xe2\x82").err(),
        Some(ReadError::NotUtf8 { line: 3, byte: 12, windows: false }),
        "a file cut off within a character"
    );
    assert_eq!(read(b"a,b\n1,2\n\n3,\"4\n5").err(), Some(ReadError::CutOff { row: 4 }));
    let long = format!("a,b\n1,{}", "x".repeat(MOST_CELL + 1));
    assert_eq!(
        read(long.as_bytes()).err(),
        Some(ReadError::LongCell { row: 2, column: "B".into() })
    );
}

#[test]
fn a_row_of_another_width_is_told() {
    use crate::intake::read::Shape;
    let sheet = read(b"a,b,c\n1,2,3\n1,2\n1,2,3,4\n1,2,3,,\n1\n").unwrap();
    let shapes: Vec<_> =
        sheet.records().map(|record| (record.number, record.shape, record.cells.len())).collect();
    let expected = [
        (2, Shape::Fits, 3),
        (3, Shape::TooFew(2), 3),
        (4, Shape::TooMany(4), 3),
        (5, Shape::Fits, 3),
        (6, Shape::TooFew(1), 3),
    ];
    assert_eq!(shapes, expected);
}

#[test]
fn letters_are_those_of_a_spreadsheet() {
    for (at, letter) in
        [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
    {
        assert_eq!(crate::intake::read::letter(at), letter);
    }
}

/// Cells of every kind: quotes, delimiters, line breaks, apostrophes, formulas, spaces, other scripts.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Z0-9 ]{0,12}",
        2 => "[\"',;\t\r\n=+@ a-]{0,8}",
        1 => "'{0,3}[=+@'-]?[0-9a-z]{0,5}",
        1 => "\\PC{0,10}",
    ]
}

fn rows(width: usize) -> impl Strategy<Value = Vec<Vec<String>>> {
    let row = prop::collection::vec(cell(), width)
        .prop_filter("not empty", |row| row.iter().any(|cell| !cell.trim().is_empty()));
    prop::collection::vec(row, 1..12)
}

fn any_delimiter() -> impl Strategy<Value = Delimiter> {
    prop::sample::select(Delimiter::ALL.to_vec())
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(delimiter in any_delimiter(), body in (2_usize..6).prop_flat_map(rows)) {
        let header: Vec<String> = (0..body[0].len()).map(|at| format!("Column {at}")).collect();
        let mut writer = Writer::new(delimiter);
        writer.row(header.iter().map(String::as_str));
        body.iter().for_each(|row| writer.row(row.iter().map(String::as_str)));
        let bytes = writer.finish();
        let found = cells(&bytes).unwrap();
        let expected: Vec<(u32, Vec<String>)> = body.into_iter().enumerate().map(|(at, row)| (at as u32 + 2, row)).collect();
        prop_assert_eq!(&found[1..], &expected[..]);
        prop_assert_eq!(read(&bytes).unwrap().delimiter(), Some(delimiter));
    }

    /// Any quoting that the `csv` crate writes is read as it was meant, and its reader agrees with ours.
    #[test]
    fn the_csv_crate_agrees(
        delimiter in any_delimiter(),
        always: bool,
        crlf: bool,
        body in (2_usize..5).prop_flat_map(rows),
    ) {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter.byte())
            .quote_style(if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .from_writer(Vec::new());
        let header: Vec<String> = (0..body[0].len()).map(|at| format!("Column {at}")).collect();
        writer.write_record(&header).unwrap();
        body.iter().for_each(|row| writer.write_record(row).unwrap());
        let mut bytes = format!("sep={}\n", char::from(delimiter.byte())).into_bytes();
        bytes.extend(writer.into_inner().unwrap());
        let plain = |cell: &str| {
            let protected = cell.starts_with('\'') && crate::intake::errors_file::would_run(cell.trim_start_matches('\''));
            cell[usize::from(protected)..].to_owned()
        };
        let found: Vec<Vec<String>> = cells(&bytes).unwrap().into_iter().skip(1).map(|(_, row)| row).collect();
        // A row that is blank once its protection is off is no row.
        let expected: Vec<Vec<String>> = body
            .iter()
            .map(|row| row.iter().map(|cell| plain(cell)).collect::<Vec<_>>())
            .filter(|row| row.iter().any(|cell| !cell.trim().is_empty()))
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn ours_and_the_csv_crates_reader_agree_on_broken_text(text in "([a-c\"]|,|\n|\r\n){0,60}") {
        let closed = format!("x,y\n{text}");
        let Ok(sheet) = read(closed.as_bytes()) else { return Ok(()) };
        prop_assume!(sheet.delimiter() == Some(Delimiter::Comma));
        let mut theirs = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(closed.as_bytes());
        let expected: Vec<Vec<String>> = theirs
            .records()
            .skip(1)
            .map(|record| record.unwrap().iter().take(2).map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let expected: Vec<Vec<String>> = expected
            .into_iter()
            .map(|mut row: Vec<String>| { row.resize(2, String::new()); row })
            .collect();
        let found: Vec<Vec<String>> = sheet.records().map(|r| r.cells.iter().map(ToString::to_string).collect()).collect();
        // Rows of empty cells are dropped by us alone; of too many cells ours keeps those that have a column.
        let there = |row: &Vec<String>| row.iter().any(|cell| !cell.trim().is_empty());
        let found: Vec<_> = found.into_iter().filter(there).collect();
        let expected: Vec<_> = expected.into_iter().filter(there).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = cells(&bytes);
    }

    #[test]
    fn no_change_of_a_file_makes_the_reader_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..8),
    ) {
        let mut bytes = EXAMPLE.to_vec();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let _ = cells(&bytes);
        if let Ok(sheet) = read(&bytes) {
            let _ = mapping::propose(&sheet);
        }
    }
}
