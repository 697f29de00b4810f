//! What the guide promises.

use super::*;
use crate::intake::mapping::MappingCode;

const GUIDE: &str = include_str!("../../../../docs/import.md");

#[test]
fn every_code_and_field_is_in_the_guide() {
    let words = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .chain(NoteCode::ALL.iter().map(|code| code.as_str()))
        .chain(Field::ALL.iter().map(|field| field.as_str()))
        .map(str::to_owned)
        .chain(
            MappingCode::ALL
                .iter()
                .map(|code| serde_json::to_value(code).unwrap().as_str().unwrap().to_owned()),
        );
    for word in words {
        assert!(GUIDE.contains(&format!("`{word}`")), "{word} is missing in docs/import.md");
    }
}

#[test]
fn the_example_is_understood_but_for_its_three_errors() {
    let text = std::str::from_utf8(EXAMPLE).unwrap();
    let found = checked(text, None, |_| {});
    let wrong: Vec<_> = found
        .iter()
        .filter(|checked| checked.result.is_err())
        .map(|c| (c.number, codes(c)))
        .collect();
    assert_eq!(found.len(), 40);
    assert_eq!(
        wrong,
        [
            (12, vec![Code::SpreadsheetNumber]),
            (21, vec![Code::BadDate]),
            (30, vec![Code::NoAtSign]),
        ]
    );
    let mended: Vec<_> = found
        .iter()
        .filter(|c| notes(c).contains(&NoteCode::LeadingZeroRestored))
        .map(|c| c.number)
        .collect();
    assert_eq!(mended, [8]);
    let mut finder = crate::intake::duplicates::Finder::default();
    found.iter().filter_map(|c| c.result.as_ref().ok()).for_each(|row| finder.add(row));
    let rows: Vec<_> = finder.finish().into_iter().map(|duplicate| duplicate.rows).collect();
    assert_eq!(rows, [vec![3, 23]], "one person with two appointments");
    assert!(
        found.iter().filter_map(|c| c.result.as_ref().ok()).all(|row| row.phone.is_test_number())
    );
}

#[test]
fn words_of_mapping_faults_are_those_of_answers() {
    for code in crate::intake::mapping::MappingCode::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
}
