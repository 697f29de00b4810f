//! What is to become of each row, by who is there already. The book comes in as it was read, and rows add to it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{Duplicates, Options, code};
use crate::ids::{AppointmentId, ContactId};
use crate::intake::check::{Code, Row};
use crate::intake::duplicates::{Keys, keys};

/// Somebody whom the tenant has, or an earlier row named.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// Who.
    pub(super) contact: ContactId,
    /// An earlier row of the same file was about them.
    pub(super) named: bool,
}

/// Who is there, as far as the rows ask.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// By number and name key.
    pub(super) people: HashMap<(String, String), Person>,
    /// Appointments at times that rows name. None: an earlier row was about it.
    pub(super) appointments: HashMap<(ContactId, DateTime<Utc>), Option<AppointmentId>>,
    /// Whose an address is, in lower case.
    pub(super) emails: HashMap<String, ContactId>,
    /// Whom these rows make.
    pub(super) made: HashSet<ContactId>,
}

/// What is to become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Becomes {
    /// This contact is made, with its appointment.
    New(ContactId),
    /// An appointment of somebody whom an earlier row named.
    Added(ContactId),
    /// It is written into somebody who is there, and into the appointment; or they have an appointment more.
    Updated(ContactId, Option<AppointmentId>),
    /// It is written into an appointment of somebody whom an earlier row named: that row said who they are.
    Rebooked(ContactId, AppointmentId),
    /// Nothing: a word of [`code`].
    Skipped(&'static str, ContactId),
    /// A fault. Who has what it asks for.
    Failed(Code, ContactId),
}

impl Becomes {
    /// Whom it is about.
    pub(super) fn contact(self) -> ContactId {
        match self {
            Self::New(id)
            | Self::Added(id)
            | Self::Updated(id, _)
            | Self::Rebooked(id, _)
            | Self::Skipped(_, id)
            | Self::Failed(_, id) => id,
        }
    }
}

/// Decides what is to become of rows, in their order.
pub(super) fn decide<'r>(
    rows: impl IntoIterator<Item = &'r Row>,
    book: &mut Book,
    options: &Options,
) -> Vec<Becomes> {
    rows.into_iter().map(|row| one(row, book, options)).collect()
}

fn one(row: &Row, book: &mut Book, options: &Options) -> Becomes {
    let Keys { phone, at, email, name } = keys(row);
    let key = (phone.as_str().to_owned(), name);
    let known = match options.duplicates {
        Duplicates::Create => None,
        Duplicates::Skip | Duplicates::Update => book.people.get(&key).cloned(),
    };
    let owner = email.as_ref().and_then(|email| book.emails.get(email).copied());
    let taken =
        |by: Option<ContactId>| owner.filter(|_| !options.allow_duplicate_email && owner != by);
    let becomes = match known {
        None => match taken(None) {
            Some(owner) => return Becomes::Failed(Code::EmailTaken, owner),
            None => Becomes::New(ContactId::new()),
        },
        Some(Person { contact, named: true }) => match book.appointments.get(&(contact, at)) {
            None => Becomes::Added(contact),
            Some(None) => return Becomes::Skipped(code::SAME_ROW, contact),
            Some(Some(there)) if options.duplicates == Duplicates::Update => {
                Becomes::Rebooked(contact, *there)
            }
            Some(Some(_)) => return Becomes::Skipped(code::UNCHANGED, contact),
        },
        Some(Person { contact, .. }) => {
            if options.duplicates == Duplicates::Skip {
                return Becomes::Skipped(code::KNOWN_PERSON, contact);
            }
            if let Some(owner) = taken(Some(contact)) {
                return Becomes::Failed(Code::EmailTaken, owner);
            }
            let there = book.appointments.get(&(contact, at)).copied().flatten();
            Becomes::Updated(contact, there)
        }
    };
    let contact = becomes.contact();
    if matches!(becomes, Becomes::New(_)) {
        book.made.insert(contact);
    }
    book.appointments.insert((contact, at), None);
    // A row about an appointment alone says nothing new about the person.
    let of_appointment = matches!(becomes, Becomes::Added(_) | Becomes::Rebooked(..));
    if let (Some(email), false) = (email, of_appointment) {
        book.emails.entry(email).or_insert(contact);
    }
    book.people.insert(key, Person { contact, named: true });
    becomes
}
