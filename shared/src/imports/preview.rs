//! What an import would do, as things stand. Changes and locks nothing.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::decide::{Becomes, Book, Person, decide};
use super::store::people;
use super::{Duplicates, Options, code};
use crate::crypto::TenantKeys;
use crate::db::TenantTx;
use crate::ids::ContactId;
use crate::intake::check::{Checked, Fault, Note, Row};
use crate::intake::duplicates::{Duplicate, Finder};
use crate::jobs::Failure;

/// Most faults, notes, possible duplicates and rows that are shown of each.
const MOST_SHOWN: usize = 200;

/// What an import would do.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "ImportPreview")]
pub struct Preview {
    /// Rows below the header; empty ones don't count.
    pub rows: u64,
    /// Rows that can't be taken.
    pub faulty: u64,
    /// Contacts that would be made, each with an appointment.
    pub creates: u64,
    /// Appointments that would be made of people whom an earlier row names.
    pub adds: u64,
    /// Rows that would be written into people who are there.
    pub updates: u64,
    /// Rows of which nothing would be taken.
    pub skips: u64,
    /// How many faults of each kind there are.
    pub faults_by_code: BTreeMap<String, u64>,
    /// How many notes of each kind there are.
    pub notes_by_code: BTreeMap<String, u64>,
    /// The first 200 faults.
    pub faults: Vec<Fault>,
    /// The first 200 repairs, and what may be mistakes.
    pub notes: Vec<Note>,
    /// The first 200 sets of rows that may be the same.
    pub duplicates: Vec<Duplicate>,
    /// What would become of the first 200 rows that are about somebody who is there, or whom an earlier row names.
    pub known: Vec<Previewed>,
    /// The first rows that would be taken, as they were understood.
    pub sample: Vec<Sample>,
}

/// What would become of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ImportPreviewedRow")]
pub struct Previewed {
    /// The row, as a spreadsheet numbers it.
    pub row: u32,
    /// `added`, `updated`, `known_person`, `same_row`, `email_taken`; more may come.
    pub becomes: String,
    /// Who is there. Null: whom an earlier row makes.
    pub contact_id: Option<ContactId>,
}

/// A row as it was understood.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportSample")]
pub struct Sample {
    /// The row, as a spreadsheet numbers it.
    pub row: u32,
    /// What the person is called.
    #[schemars(example = &"Ada Example")]
    pub name: String,
    /// E.164.
    #[schemars(example = &"+447700900123")]
    pub phone: String,
    /// Where the person is written to.
    #[schemars(example = &"ada@example.com")]
    pub email: Option<String>,
    /// When the appointment is.
    pub at: chrono::DateTime<chrono::Utc>,
    /// On the wall of the row's zone, else the tenant's.
    pub local_time: String,
    /// What kind of appointment.
    pub r#type: Option<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// What would become of it: `created`, or a word as in `known`.
    pub becomes: String,
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sample(row {})", self.row)
    }
}

/// Most rows that are shown as they were understood.
const SAMPLES: usize = 10;

/// Says what an import of checked rows would do.
///
/// # Errors
/// Any [`Failure`].
pub async fn preview(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    zone: chrono_tz::Tz,
    options: &Options,
    rows: &[Checked],
) -> Result<Preview, Failure> {
    let good: Vec<&Row> = rows.iter().filter_map(|row| row.result.as_ref().ok()).collect();
    let mut book = book(tx, keys, options, &good).await?;
    let becomes = decide(good.iter().copied(), &mut book, options);
    let mut preview = Preview { rows: rows.len() as u64, ..Preview::default() };
    let mut finder = Finder::default();
    for (row, becomes) in good.iter().zip(becomes) {
        finder.add(row);
        let word = match becomes {
            Becomes::New(_) => {
                preview.creates += 1;
                code::CREATED
            }
            Becomes::Added(_) => {
                preview.adds += 1;
                code::ADDED
            }
            Becomes::Updated(..) | Becomes::Rebooked(..) => {
                preview.updates += 1;
                code::UPDATED
            }
            Becomes::Skipped(code, _) => {
                preview.skips += 1;
                code
            }
            Becomes::Failed(code, _) => {
                preview.faulty += 1;
                count(&mut preview.faults_by_code, code.as_str());
                code.as_str()
            }
        };
        let contact_id = Some(becomes.contact()).filter(|id| !book.made.contains(id));
        if !matches!(becomes, Becomes::New(_)) && preview.known.len() < MOST_SHOWN {
            let becomes = word.to_owned();
            preview.known.push(Previewed { row: row.number, becomes, contact_id });
        }
        if preview.sample.len() < SAMPLES {
            preview.sample.push(sample(row, zone, word));
        }
    }
    for row in rows {
        if let Err(faults) = &row.result {
            preview.faulty += 1;
            for fault in faults {
                count(&mut preview.faults_by_code, fault.code.as_str());
            }
            let room = MOST_SHOWN.saturating_sub(preview.faults.len());
            preview.faults.extend(faults.iter().take(room).cloned());
        }
        for note in &row.notes {
            count(&mut preview.notes_by_code, note.code.as_str());
        }
        let room = MOST_SHOWN.saturating_sub(preview.notes.len());
        preview.notes.extend(row.notes.iter().take(room).cloned());
    }
    preview.duplicates = finder.finish();
    preview.duplicates.truncate(MOST_SHOWN);
    Ok(preview)
}

fn count(counts: &mut BTreeMap<String, u64>, word: &str) {
    *counts.entry(word.to_owned()).or_default() += 1;
}

fn sample(row: &Row, zone: chrono_tz::Tz, becomes: &str) -> Sample {
    let zone = row.zone.unwrap_or(zone);
    Sample {
        row: row.number,
        name: row.name.as_str().to_owned(),
        phone: row.phone.as_str().to_owned(),
        email: row.email.as_ref().map(|it| it.as_str().to_owned()),
        at: row.at,
        local_time: row.at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string(),
        r#type: row.kind.as_ref().map(|it| it.as_str().to_owned()),
        groups: row.groups.iter().map(|it| it.as_str().to_owned()).collect(),
        becomes: becomes.to_owned(),
    }
}

/// Who is there, as far as the rows ask.
async fn book(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    options: &Options,
    rows: &[&Row],
) -> Result<Book, Failure> {
    let known = match options.duplicates {
        Duplicates::Create => HashMap::new(),
        Duplicates::Skip | Duplicates::Update => people::known(tx, keys, rows).await?,
    };
    let mut book = Book::default();
    if options.duplicates == Duplicates::Update {
        let ids: Vec<ContactId> = known.values().copied().collect();
        let times: Vec<_> = rows.iter().map(|row| row.at).collect();
        for (contact, at, id) in people::appointments(tx, &ids, &times).await? {
            book.appointments.insert((contact, at), Some(id));
        }
    }
    let person = |contact| Person { contact, named: false };
    book.people = known.into_iter().map(|(key, contact)| (key, person(contact))).collect();
    if !options.allow_duplicate_email {
        book.emails = people::emails(tx, keys, rows).await?;
    }
    Ok(book)
}
