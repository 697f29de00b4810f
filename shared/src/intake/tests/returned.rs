//! The file with errors: what goes out is what comes back in.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::intake::errors_file::{errors_file, neutralised, would_run};

fn faulty(text: &str) -> (Vec<u8>, HashSet<u32>) {
    let sheet = read(text.as_bytes()).unwrap();
    let mapping = proposed(&sheet);
    let plan = Plan::new(&sheet, &mapping).unwrap();
    let (phones, lists) = (phones(), Lists::default());
    let checker = Checker::new(&plan, rules(&phones, &lists));
    let faults: Vec<_> =
        checker.all().filter_map(|checked| checked.result.err()).flatten().collect();
    let rows = faults.iter().map(|fault| fault.row).collect();
    (errors_file(&plan, &faults), rows)
}

#[test]
fn faulty_rows_go_back_in_the_shape_of_the_input() {
    let text = "\u{feff}Name;Phone;Date;Time;Notes;NHS number\r\n\
        Ada Example;+44 7700 900123;2027-03-01;9:30;;943 476 5919\r\n\
        Bob Example;+44 7700 900124;2027-02-31;9:30;=HYPERLINK(\"x\");943 476 5919\r\n\
        Cy Example;nobody;2027-03-01;9:30;\"two\nlines; one\";\r\n";
    let (file, _) = faulty(text);
    let written = String::from_utf8(file.clone()).unwrap();
    assert!(
        written.starts_with("\u{feff}Name;Phone;Date;Time;Notes;NHS number;Import error\r\n"),
        "{written}"
    );
    assert!(written.contains(";'+44 7700 900124;"), "a number that a spreadsheet would run");
    assert!(written.contains("\"'=HYPERLINK(\"\"x\"\")\""), "a formula");
    assert!(!written.contains("943"), "what must not come in does not go round");
    let rows = cells(&file).unwrap();
    assert_eq!(rows.len(), 3, "a header and two rows");
    assert_eq!(
        rows[1].1[..5],
        ["Bob Example", "+44 7700 900124", "2027-02-31", "9:30", "=HYPERLINK(\"x\")"]
    );
    assert!(rows[1].1[6].starts_with("Date: no date"), "{:?}", rows[1].1[6]);
    assert_eq!(rows[2].1[4], "two\nlines; one");
}

#[test]
fn a_corrected_file_is_taken() {
    let text = "Name,Phone,Date,Time\nAda Example,+44 7700 900123,2027-02-31,9:30\nBob Example,x,2027-03-01,9:30\n";
    let (file, _) = faulty(text);
    let corrected = String::from_utf8(file).unwrap().replace("2027-02-31", "2027-02-28");
    let (again, rows) = faulty(&corrected);
    assert_eq!(rows, HashSet::from([3]), "Bob alone is left");
    let again = String::from_utf8(again).unwrap();
    assert_eq!(again.matches("Import error").count(), 1, "one column of reasons, not two");
    let found = checked(&corrected, None, |_| {});
    assert_eq!(row(&found[0]).phone.as_str(), "+447700900123");
}

#[test]
fn a_workbook_comes_back_as_csv() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in
        [["Name", "Phone", "Date", "Time"], ["Ada Example", "x", "2027-03-01", "9:30"]]
            .iter()
            .enumerate()
    {
        cells.iter().enumerate().for_each(|(at, cell)| {
            sheet.write(row as u32, at as u16, *cell).unwrap();
        });
    }
    let bytes = book.save_to_buffer().unwrap();
    let sheet = read(&bytes).unwrap();
    let mapping = proposed(&sheet);
    let plan = Plan::new(&sheet, &mapping).unwrap();
    let (phones, lists) = (phones(), Lists::default());
    let faults: Vec<_> = Checker::new(&plan, rules(&phones, &lists))
        .all()
        .filter_map(|c| c.result.err())
        .flatten()
        .collect();
    let rows = cells(&errors_file(&plan, &faults)).unwrap();
    assert_eq!(rows[1].1[..4], ["Ada Example", "x", "2027-03-01", "9:30"]);
}

proptest! {
    /// Any cells of faulty rows come back as they were, and none of the file would run in a spreadsheet.
    #[test]
    fn every_cell_comes_back_as_it_was(
        delimiter in prop::sample::select(crate::intake::read::Delimiter::ALL.to_vec()),
        cells_in in prop::collection::vec(prop::collection::vec("'{0,3}[=+@-][a-z0-9]{0,5}|[\"',;\t\r\n=+@ a-]{0,8}|\\PC{0,10}", 2), 1..10),
    ) {
        let mut writer = crate::intake::errors_file::Writer::new(delimiter);
        writer.row(["Name", "Phone", "Date", "Time", "One", "Two"]);
        for cells in &cells_in {
            writer.row(["Ada Example", "nobody", "2027-03-01", "9:30", &cells[0], &cells[1]]);
        }
        let first = String::from_utf8(writer.finish()).unwrap();
        let before = cells(first.as_bytes()).unwrap();
        let (file, _) = faulty(&first);
        let after = cells(&file).unwrap();
        prop_assert_eq!(before.len(), after.len());
        for (row, again) in before.iter().skip(1).zip(after.iter().skip(1)) {
            prop_assert_eq!(&row.1[..], &again.1[..6]);
        }
        let mut plain = csv::ReaderBuilder::new().delimiter(delimiter.byte()).has_headers(false).from_reader(&file[3..]);
        for record in plain.records() {
            prop_assert!(record.unwrap().iter().all(|cell| !would_run(cell)));
        }
    }

    #[test]
    fn neutralising_loses_nothing(cell in "'{0,4}[=+@\t-]?\\PC{0,6}") {
        let out = neutralised(&cell);
        prop_assert!(!would_run(&out));
        prop_assert!(out.len() == cell.len() || out.strip_prefix('\'') == Some(cell.as_str()));
    }
}
