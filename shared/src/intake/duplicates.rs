//! Rows of one file that may be the same: with each other, and by which keys to ask the book.
//!
//! Families share telephones and addresses, so that nothing is refused here: whoever imports is shown the rows and decides.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::check::Row;
use crate::contacts::phone::PhoneNumber;
use crate::search::fold;

/// In what way rows may be the same.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportDuplicateKind")]
pub enum Kind {
    /// The same number and the same time: one appointment written twice, or two people who share a telephone.
    SameAppointment,
    /// The same number and name, at another time: one person with several appointments.
    SamePerson,
    /// The same e-mail address, of rows that aren't of one person by number and name.
    SameEmail,
}

/// Rows that may be the same.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[schemars(rename = "ImportDuplicate")]
pub struct Duplicate {
    /// In what way.
    pub kind: Kind,
    /// Their numbers, ascending; two at least.
    pub rows: Vec<u32>,
}

/// By what the book is asked for a row.
///
/// Personal data: `Debug` shows nothing of it, since its parts don't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys<'r> {
    /// With `at`: a possible duplicate. Alone: a person who may be known, if the names agree.
    pub phone: &'r PhoneNumber,
    /// When the appointment is.
    pub at: DateTime<Utc>,
    /// In lower case: another contact with it is a conflict.
    pub email: Option<String>,
    /// Of the name; see [`name_key`].
    pub name: String,
}

/// By what the book is asked for this row.
pub fn keys(row: &Row) -> Keys<'_> {
    let email = row.email.as_ref().map(|email| email.normalised().to_owned());
    Keys { phone: &row.phone, at: row.at, email, name: name_key(row.name.as_str()) }
}

/// What makes two names agree: the same words in any order, without case, accents, hyphens and full stops.
pub fn name_key(name: &str) -> String {
    let folded = fold(name);
    let mut words: Vec<&str> =
        folded.split([' ', '-', '.']).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}

/// What is kept of each row to compare it with those that follow.
struct Seen {
    row: u32,
    name: String,
    phone: PhoneNumber,
    at: DateTime<Utc>,
    email: Option<String>,
}

/// Finds rows that may be the same. Rows go in as they are checked; a few hundred bytes of each are kept.
#[derive(Default)]
pub struct Finder {
    seen: Vec<Seen>,
}

impl Finder {
    /// One more row.
    pub fn add(&mut self, row: &Row) {
        let Keys { phone, at, email, name } = keys(row);
        self.seen.push(Seen { row: row.number, name, phone: phone.clone(), at, email });
    }

    /// What was found, in the order of the kinds, then of the rows.
    pub fn finish(&self) -> Vec<Duplicate> {
        let mut appointments: HashMap<(&str, DateTime<Utc>), Vec<&Seen>> = HashMap::new();
        let mut people: HashMap<(&str, &str), Vec<&Seen>> = HashMap::new();
        let mut emails: HashMap<&str, Vec<&Seen>> = HashMap::new();
        for seen in &self.seen {
            appointments.entry((seen.phone.as_str(), seen.at)).or_default().push(seen);
            people.entry((seen.phone.as_str(), &seen.name)).or_default().push(seen);
            if let Some(email) = &seen.email {
                emails.entry(email).or_default().push(seen);
            }
        }
        let differ = |group: &[&Seen], differs: fn(&Seen, &Seen) -> bool| {
            group.iter().any(|one| differs(one, group[0]))
        };
        let several = |group: &Vec<&Seen>| group.len() > 1;
        let appointments =
            appointments.into_values().filter(several).map(|group| (Kind::SameAppointment, group));
        let people = people
            .into_values()
            .filter(|group| differ(group, |one, other| one.at != other.at))
            .map(|group| (Kind::SamePerson, group));
        let emails = emails
            .into_values()
            .filter(|group| {
                differ(group, |one, other| (&one.phone, &one.name) != (&other.phone, &other.name))
            })
            .map(|group| (Kind::SameEmail, group));
        let mut found: Vec<Duplicate> = appointments
            .chain(people)
            .chain(emails)
            .map(|(kind, group)| duplicate(kind, &group))
            .collect();
        found.sort_unstable();
        found
    }
}

fn duplicate(kind: Kind, group: &[&Seen]) -> Duplicate {
    let mut rows: Vec<u32> = group.iter().map(|seen| seen.row).collect();
    rows.sort_unstable();
    Duplicate { kind, rows }
}
