//! What each column may be: by what it is called, and by what is in it.

use serde::Serialize;

use super::{looks, prohibited_columns, survey, synonyms};
use crate::intake::dates::Decision;
use crate::intake::prohibited::{self, Prohibited};
use crate::intake::read::{Column, Record};
use crate::intake::{Field, Sheet};

/// Rows that are looked at.
const SAMPLE: usize = 50;
/// Values shown of each column, and most characters of each.
const SHOWN: usize = 3;
const MOST_SHOWN: usize = 80;
/// Nothing less sure is proposed.
const LEAST: f64 = 0.4;

/// What a column may be. Its values are personal: `Debug` shows none.
#[derive(Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ImportProposal")]
pub struct Proposal {
    /// The column.
    pub column: Column,
    /// What it seems to be; none: leave it out.
    pub field: Option<Field>,
    /// How sure that is, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub confidence: f64,
    /// Why, in words.
    pub because: String,
    /// It must not come in, and can't be mapped.
    pub prohibited: Option<Prohibited>,
    /// Its first values that aren't empty; none of a prohibited column.
    #[schemars(length(max = SHOWN))]
    pub first_values: Vec<String>,
}

impl std::fmt::Debug for Proposal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proposal({:?}: {:?}, {:.2})", self.column.label, self.field, self.confidence)
    }
}

/// What all columns may be.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ImportProposals")]
pub struct Proposals {
    /// One for each column, from the left.
    pub columns: Vec<Proposal>,
    /// Fields that every row needs and no column seems to have.
    pub missing: Vec<Field>,
    /// What the dates say about day and month; `ambiguous`: ask, and send `date_order`.
    pub dates: Option<Decision>,
}

/// Proposes what each column may be, each field at most once.
pub fn propose(sheet: &Sheet<'_>) -> Proposals {
    let records: Vec<Record<'_>> = sheet.records().take(SAMPLE).collect();
    let prohibited = prohibited_columns(sheet);
    let mut columns = Vec::new();
    let mut guesses: Vec<(f64, usize, Field, String)> = Vec::new();
    for (at, column) in sheet.columns().iter().enumerate() {
        let values: Vec<&str> = records.iter().map(|record| record.cells[at].as_ref()).collect();
        let why = prohibited.iter().find(|(column, _)| *column == at).map(|(_, why)| *why);
        let mut proposal = Proposal {
            column: column.clone(),
            field: None,
            confidence: 0.0,
            because: String::from("nothing tells what it is: left out"),
            prohibited: why,
            first_values: Vec::new(),
        };
        match why {
            Some(why) => proposal.because = format!("{} must not be imported", why.name()),
            None => {
                proposal.first_values = first(&values);
                for field in Field::ALL {
                    guesses.extend(
                        guess(&column.header, &values, field).map(|(c, w)| (c, at, field, w)),
                    );
                }
            }
        }
        columns.push(proposal);
    }
    guesses.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    for (confidence, at, field, because) in guesses {
        let taken = columns.iter().any(|proposal| proposal.field == Some(field));
        if !taken && columns[at].field.is_none() {
            let proposal = &mut columns[at];
            (proposal.field, proposal.confidence, proposal.because) =
                (Some(field), confidence, because);
        }
    }
    settle(&mut columns);
    let place = |fields: &[Field]| {
        columns.iter().position(|p| p.field.is_some_and(|f| fields.contains(&f)))
    };
    let dates = place(&[Field::AppointmentAt, Field::AppointmentDate]);
    let dates = dates.map(|at| survey(sheet, at).decide());
    let missing = [
        (Field::Name, &[Field::Name, Field::FirstName, Field::LastName][..]),
        (Field::Phone, &[Field::Phone]),
        (Field::AppointmentDate, &[Field::AppointmentAt, Field::AppointmentDate]),
        (Field::AppointmentTime, &[Field::AppointmentAt, Field::AppointmentTime]),
    ];
    let missing = missing
        .into_iter()
        .filter(|(_, any)| place(any).is_none())
        .map(|(field, _)| field)
        .collect();
    Proposals { columns, missing, dates }
}

/// Of fields that say the same, one way stays: the whole name, and a date and a time of their own.
fn settle(columns: &mut [Proposal]) {
    let has = |columns: &[Proposal], field: Field| columns.iter().any(|p| p.field == Some(field));
    let drop = |columns: &mut [Proposal], fields: &[Field], because: &str| {
        for proposal in columns.iter_mut().filter(|p| p.field.is_some_and(|f| fields.contains(&f)))
        {
            (proposal.field, proposal.confidence) = (None, 0.0);
            proposal.because = because.to_owned();
        }
    };
    if has(columns, Field::Name) {
        drop(columns, &[Field::FirstName, Field::LastName], "another column has the whole name");
    }
    if has(columns, Field::AppointmentDate) && has(columns, Field::AppointmentTime) {
        drop(columns, &[Field::AppointmentAt], "other columns have date and time");
    } else if has(columns, Field::AppointmentAt) {
        let both = [Field::AppointmentDate, Field::AppointmentTime];
        drop(columns, &both, "another column has date and time");
    }
    if !has(columns, Field::Consent) {
        drop(
            columns,
            &[Field::ConsentHow, Field::ConsentTextVersion],
            "no column says whether there is consent",
        );
    }
}

/// How sure a column is to be a field, and why.
fn guess(header: &str, values: &[&str], field: Field) -> Option<(f64, String)> {
    let words = prohibited::words(header);
    let called = called(&words, field);
    let like = looks::like(field, values);
    let alike = |share: f64| format!("{:.0} in 100 values look like one", share * 100.0);
    let (confidence, because) = match (called, like) {
        (Called::Otherwise, _) => return None,
        (Called::So(sure), None) => (sure * 0.95, format!("called \"{header}\"")),
        (Called::So(sure), Some(share)) if share >= 0.7 => {
            (sure * 0.85 + 0.15 * share, format!("called \"{header}\", and {}", alike(share)))
        }
        (Called::So(sure), Some(share)) => {
            // So that a sure name is proposed still: its values may all be wrong.
            let factor = if share < 0.3 { 0.45 } else { 0.7 };
            (sure * factor, format!("called \"{header}\", but only {}", alike(share)))
        }
        (Called::Nothing, Some(share)) if share >= 0.8 => {
            let most = match field {
                Field::Email => 0.7,
                Field::Phone | Field::AppointmentAt => 0.6,
                Field::AppointmentDate | Field::AppointmentTime => 0.55,
                Field::Name if looks::are_names(values) => 0.5,
                _ => return None,
            };
            (most * share, alike(share))
        }
        (Called::Nothing, _) => return None,
    };
    (confidence >= LEAST).then(|| ((confidence * 100.0).round() / 100.0, because))
}

enum Called {
    /// By a name of the field, so sure.
    So(f64),
    /// By the name of something else.
    Otherwise,
    /// By no name that we know.
    Nothing,
}

fn called(words: &[String], field: Field) -> Called {
    let name = words.join(" ");
    if synonyms::OTHERS.contains(&name.as_str()) || words == prohibited::words(synonyms::REASON) {
        return Called::Otherwise;
    }
    let names = synonyms::of(field);
    if let Some(rank) = names.iter().position(|known| *known == name) {
        // The first names are the surest; no rank is above some dozens.
        return Called::So(0.98 - 0.004 * rank as f64);
    }
    if words.len() > 6 {
        return Called::Nothing;
    }
    // The longer the name that the header contains, the surer.
    let within = |known: &&&str| known.split(' ').all(|word| words.iter().any(|w| w == word));
    let longest = names.iter().filter(within).map(|known| known.split(' ').count()).max();
    match longest {
        Some(1) => Called::So(0.6),
        Some(_) => Called::So(0.8),
        None => Called::Nothing,
    }
}

fn first(values: &[&str]) -> Vec<String> {
    let there = values.iter().map(|value| value.trim()).filter(|value| !value.is_empty());
    there.take(SHOWN).map(|value| value.chars().take(MOST_SHOWN).collect()).collect()
}
