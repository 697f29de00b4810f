//! What files hold, read back by others than us.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use chrono::{TimeZone, Utc};
use proptest::prelude::*;

use super::*;
use crate::intake::mapping::propose;
use crate::intake::{Field, read};

/// A file with this header and these rows, taken out in pieces of several rows.
fn file(format: Format, header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let mut encoder = format.encoder(&header);
    let mut bytes = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        encoder.row(row);
        if at % 3 == 0 {
            bytes.extend(encoder.take());
        }
    }
    bytes.extend(encoder.finish());
    bytes
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// What another library reads in a workbook.
fn cells_of(bytes: Vec<u8>) -> Vec<Vec<String>> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let range = workbook.worksheet_range("Contacts").unwrap();
    let text = |cell: &Data| match cell {
        Data::String(text) => text.clone(),
        Data::Empty => String::new(),
        other => panic!("no text: {other:?}"),
    };
    range.rows().map(|row| row.iter().map(text).collect()).collect()
}

#[test]
fn a_workbook_is_read_by_others_as_it_was_written() {
    let rows = [
        row(&["Zoë <b>&\"quoted\"", "07700 900123", "=1+1"]),
        row(&["two\r\nlines", " spaces ", "'"]),
        row(&["𝒳 \u{1}bell", "", "x"]),
    ];
    let read = cells_of(file(Format::Xlsx, &["Name", "Phone", "Notes"], &rows));
    assert_eq!(read[0], ["Name", "Phone", "Notes"]);
    assert_eq!(read[1], rows[0], "no cell becomes a number or a formula");
    assert_eq!(read[2][0].replace("\r\n", "\n"), "two\nlines");
    assert_eq!(read[2][1..], rows[1][1..]);
    assert_eq!(read[3], ["𝒳 bell", "", "x"], "what XML forbids is left out");
}

#[test]
fn no_cell_of_a_csv_is_run_and_nothing_is_lost_by_it() {
    let cells = ["=HYPERLINK(\"x\")", "+447700900123", "@x", "'=x", "a\"b;c,d\te\r\nf"];
    let bytes = file(Format::Csv, &["A", "B", "C", "D", "E"], &[row(&cells)]);
    assert!(bytes.starts_with("\u{feff}A,B,C,D,E\r\n".as_bytes()));
    let mut reader = ::csv::Reader::from_reader(&bytes[3..]);
    let record = reader.records().next().unwrap().unwrap();
    for (at, cell) in record.iter().enumerate() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
        let back = if at < 4 { cell.strip_prefix('\'').unwrap() } else { cell };
        assert_eq!(back, cells[at]);
    }
}

#[test]
fn an_import_knows_the_columns_of_an_export() {
    for format in [Format::Csv, Format::Xlsx] {
        let columns = Columns::Extended.of();
        let header: Vec<&str> = columns.iter().map(|column| column.header()).collect();
        let values = |column: &Column| match column {
            Column::Name => "Ada Example",
            Column::Phone => "+447700900123",
            Column::Email => "ada@example.com",
            Column::AppointmentDate => "2027-03-04",
            Column::AppointmentTime => "14:30",
            _ => "",
        };
        let cells: Vec<String> = columns.iter().map(|it| values(it).to_owned()).collect();
        let bytes = file(format, &header, &[cells]);
        let sheet = read(&bytes).unwrap();
        let proposals = propose(&sheet).columns;
        let known = |column: Column| {
            let of = proposals.iter().find(|one| one.column.label == column.header());
            of.and_then(|one| one.field)
        };
        for (column, field) in [
            (Column::Name, Field::Name),
            (Column::Phone, Field::Phone),
            (Column::Email, Field::Email),
            (Column::AppointmentDate, Field::AppointmentDate),
            (Column::AppointmentTime, Field::AppointmentTime),
        ] {
            assert_eq!(known(column), Some(field), "{column:?} in {format:?}");
        }
    }
}

#[test]
fn what_says_why_somebody_comes_is_not_in_a_hipaa_safe_file() {
    use Column as C;
    let says = [C::AppointmentType, C::Notes, C::VoiceText, C::OwnerName, C::CompanyName];
    let says = says.into_iter().chain([C::Location, C::Groups, C::Email]);
    for column in says {
        assert!(!Columns::HipaaSafe.of().contains(&column), "{column:?}");
        assert!(Columns::Extended.of().contains(&column), "{column:?}");
    }
}

#[test]
fn what_lay_for_a_day_begins_anew() {
    let at = |hour| Utc.with_ymd_and_hms(2027, 3, 4, hour, 0, 0).unwrap();
    let made = Made { began: Some(at(9)), rows: 2_000, ..Made::default() };
    assert_eq!(made.clone().unless_old(at(10)), made);
    assert_eq!(made.unless_old(at(9) + KEPT), Made::default());
}

proptest! {
    #[test]
    fn any_cells_come_back_from_a_workbook(
        rows in proptest::collection::vec(proptest::collection::vec("[^\u{0}-\u{1f}\u{fffe}\u{ffff}]{1,40}", 3), 1..40),
    ) {
        let read = cells_of(file(Format::Xlsx, &["A", "B", "C"], &rows));
        prop_assert_eq!(&read[1..], &rows[..]);
    }

    #[test]
    fn any_cells_come_back_from_a_csv_by_an_import(
        rows in proptest::collection::vec(proptest::collection::vec("[^\u{0}-\u{1f}]{1,40}", 3), 1..20),
    ) {
        let filled = |row: &Vec<String>| row.iter().all(|cell| !cell.trim().is_empty() && cell.trim() == cell);
        prop_assume!(rows.iter().all(filled));
        let bytes = file(Format::Csv, &["Name", "Phone", "Email"], &rows);
        let sheet = read(&bytes).unwrap();
        let back: Vec<Vec<String>> =
            sheet.records().map(|record| record.cells.iter().map(|cell| cell.to_string()).collect()).collect();
        prop_assert_eq!(back, rows);
    }
}
