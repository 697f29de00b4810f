mod checking;
mod documented;
mod files;
mod mapped;
mod returned;
mod workbooks;

use chrono::{DateTime, Utc};

use super::check::{Checked, Checker, Code, Lists, NoteCode, Row, Rules};
use super::dates::Order;
use super::mapping::{Assigned, Mapping, Plan};
use super::read::{Sheet, read};
use super::*;
use crate::contacts::phone::{DEFAULT_REGIONS, PhoneRules};

const EXAMPLE: &[u8] = include_bytes!("../../../../docs/example-import.csv");

fn now() -> DateTime<Utc> {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn phones() -> PhoneRules {
    PhoneRules::new(&DEFAULT_REGIONS, true).unwrap()
}

fn rules<'r>(phones: &'r PhoneRules, lists: &'r Lists<'r>) -> Rules<'r> {
    Rules {
        now: now(),
        zone: chrono_tz::Europe::London,
        phones,
        listed_types_only: false,
        acknowledge_phi: false,
        make_groups: true,
        lists,
    }
}

/// So many cases, or as many as `PROPTEST_CASES` says: `dev/fuzz --files`.
fn so_many(usual: u32) -> proptest::test_runner::Config {
    // proptest reads the environment; 256 is what it does unless told.
    let said = proptest::test_runner::Config::default().cases;
    proptest::test_runner::Config::with_cases(if said == 256 { usual } else { said })
}

/// All cells, by row number; a failure shows the error.
fn cells(bytes: &[u8]) -> Result<Vec<(u32, Vec<String>)>, ReadError> {
    let sheet = read(bytes)?;
    let header = sheet.columns().iter().map(|column| column.label.clone()).collect();
    let rows = sheet
        .records()
        .map(|record| (record.number, record.cells.iter().map(ToString::to_string).collect()));
    Ok(std::iter::once((0, header)).chain(rows).collect())
}

/// What is proposed for a file, as a mapping.
fn proposed(sheet: &Sheet<'_>) -> Mapping {
    let columns = mapping::propose(sheet).columns;
    let columns = columns.into_iter().filter_map(|proposal| {
        Some(Assigned { column: proposal.column.label, field: proposal.field? })
    });
    Mapping { columns: columns.collect(), date_order: None }
}

/// Checks a file under the mapping that is proposed for it.
fn checked(text: &str, order: Option<Order>, change: impl Fn(&mut Rules<'_>)) -> Vec<Checked> {
    let sheet = read(text.as_bytes()).unwrap();
    let mapping = Mapping { date_order: order, ..proposed(&sheet) };
    let plan = Plan::new(&sheet, &mapping).unwrap();
    let (phones, lists) = (phones(), Lists::default());
    let mut rules = rules(&phones, &lists);
    change(&mut rules);
    let checker = Checker::new(&plan, rules);
    checker.all().collect()
}

fn codes(checked: &Checked) -> Vec<Code> {
    checked
        .result
        .as_ref()
        .err()
        .map(|faults| faults.iter().map(|fault| fault.code).collect())
        .unwrap_or_default()
}

fn notes(checked: &Checked) -> Vec<NoteCode> {
    checked.notes.iter().map(|note| note.code).collect()
}

fn row(checked: &Checked) -> &Row {
    checked.result.as_ref().unwrap()
}
