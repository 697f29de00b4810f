//! Reads the cells of one row.

use chrono_tz::Tz;

use super::memo::Memo;
use super::{Checked, Checker, Code, Fault, Note, NoteCode, Row, Rules, Screened, words};
use crate::acknowledgements::{How, MOST_VERSION};
use crate::appointments::{
    DURATION_MINUTES, LEAD_HOURS, Label, MOST_LOCATION, MOST_PERSON, MOST_TYPE,
};
use crate::contacts::email::EmailAddress;
use crate::contacts::name::PersonName;
use crate::contacts::phone::PhoneNumber;
use crate::intake::mapping::Plan;
use crate::intake::read::{Record, Shape};
use crate::intake::repair::{self, BadPhone, Mended};
use crate::intake::{Field, mask};

/// One row that is being read.
pub(super) struct Reading<'p, 'r> {
    pub(super) plan: &'p Plan<'p>,
    pub(super) rules: &'p Rules<'p>,
    pub(super) memo: &'p Memo,
    record: &'r Record<'r>,
    faults: Vec<Fault>,
    notes: Vec<Note>,
    pub(super) screened: Vec<Screened>,
}

impl<'p, 'r> Reading<'p, 'r> {
    pub(super) fn new(checker: &'p Checker<'p>, record: &'r Record<'r>) -> Self {
        let Checker { plan, rules, memo } = checker;
        Self {
            plan,
            rules,
            memo,
            record,
            faults: Vec::new(),
            notes: Vec::new(),
            screened: Vec::new(),
        }
    }

    pub(super) fn finish(mut self) -> Checked {
        let number = self.record.number;
        let row = match self.record.shape {
            Shape::Fits => self.row(),
            Shape::TooFew(found) => self.misshapen(Code::TooFewCells, found),
            Shape::TooMany(found) => self.misshapen(Code::TooManyCells, found),
        };
        let result = match row {
            Some(row) if self.faults.is_empty() => Ok(row),
            _ => Err(self.faults),
        };
        Checked { number, result, notes: self.notes, screened: self.screened }
    }

    /// Cells may stand in the wrong columns, so that nothing else is said of them.
    fn misshapen(&mut self, code: Code, found: usize) -> Option<Row> {
        let shown = format!("{found} cells, {} columns", self.plan.sheet().columns().len());
        let message = code.says().to_owned();
        self.faults.push(Fault {
            row: self.record.number,
            column: None,
            field: None,
            code,
            shown,
            message,
        });
        None
    }

    /// Reads every field, so that all faults of a row are told at once.
    fn row(&mut self) -> Option<Row> {
        let name = self.name();
        let phone = self.phone();
        let email = self.email();
        let zone = self.word(Field::Zone, Code::UnknownZone, |raw| raw.parse::<Tz>().ok());
        let of_times = zone.map(|zone| zone.unwrap_or(self.rules.zone));
        let at = self.when(of_times);
        let channel = self.word(Field::Channel, Code::UnknownChannel, words::channel);
        let priority = self.word(Field::Priority, Code::UnknownPriority, words::priority);
        let consent = self.word(Field::Consent, Code::UnknownConsent, repair::yes);
        let (consent_how, consent_text_version) = self.about_consent(consent.flatten());
        let lead = self.number(Field::CallBeforeHours, LEAD_HOURS, whole);
        let duration = self.number(Field::DurationMinutes, DURATION_MINUTES, repair::minutes);
        let kind = self.label(Field::AppointmentType, MOST_TYPE);
        let owner_name = self.label(Field::OwnerName, MOST_PERSON);
        let company_name = self.label(Field::CompanyName, MOST_PERSON);
        let location = self.label(Field::Location, MOST_LOCATION);
        let voice_text = self.voice_text();
        let notes = self.staff_notes();
        let groups = self.groups();
        let usual = self.check_type(kind.as_ref().and_then(Option::as_ref));
        let duration_minutes = duration?.or(usual);
        let at = at?;
        self.check_location(location.as_ref().and_then(Option::as_ref), at, duration_minutes);
        let phi_in_notes = self.notes.iter().any(|note| note.code == NoteCode::PhiInNotes);
        Some(Row {
            number: self.record.number,
            name: name?,
            phone: phone?,
            email: email?,
            notes: notes?,
            phi_in_notes,
            zone: zone?,
            channel: channel?,
            consent: consent?,
            consent_how: consent_how?,
            consent_text_version: consent_text_version?,
            groups: groups?,
            at,
            call_before_hours: lead?,
            duration_minutes,
            kind: kind?,
            owner_name: owner_name?,
            company_name: company_name?,
            location: location?,
            voice_text: voice_text?,
            priority: priority?,
        })
    }

    /// The cell of a field; none if it is empty.
    pub(super) fn cell(&self, field: Field) -> Option<&'r str> {
        self.plan.cell(self.record, field)
    }

    /// The cell of a field that every row needs; a fault if it is empty.
    pub(super) fn needed(&mut self, field: Field) -> Option<&'r str> {
        let cell = self.cell(field).filter(|cell| !words::is_nothing(cell));
        if cell.is_none() {
            return self.fault(field, Code::Missing);
        }
        cell
    }

    /// Notes a fault of the field. Nothing comes of it.
    pub(super) fn fault<T>(&mut self, field: Field, code: Code) -> Option<T> {
        let shown = mask(self.cell(field).unwrap_or_default());
        let column = self.plan.column(field).map(str::to_owned);
        let message = code.says().to_owned();
        self.faults.push(Fault {
            row: self.record.number,
            column,
            field: Some(field),
            code,
            shown,
            message,
        });
        None
    }

    pub(super) fn note(&mut self, field: Field, code: NoteCode) {
        let column = self.plan.column(field).map(str::to_owned);
        self.notes.push(Note { row: self.record.number, column, field, code });
    }

    fn name(&mut self) -> Option<PersonName> {
        if self.plan.column(Field::Name).is_some() {
            let raw = self.needed(Field::Name)?;
            let turned = words::turned(raw);
            let name = turned.as_deref().unwrap_or(raw).parse::<PersonName>();
            if turned.is_some() && name.is_ok() {
                self.note(Field::Name, NoteCode::NameTurned);
            }
            return name.or_else(|error| self.fault(Field::Name, error.into()).ok_or(())).ok();
        }
        let parts = [Field::FirstName, Field::LastName];
        let first = parts.into_iter().find(|field| self.plan.column(*field).is_some())?;
        let given: Vec<&str> = parts.into_iter().filter_map(|field| self.cell(field)).collect();
        if given.is_empty() {
            return self.fault(first, Code::Missing);
        }
        match given.join(" ").parse::<PersonName>() {
            Ok(name) => Some(name),
            Err(error) => {
                // The part that can't be a name by itself is the one to correct.
                let wrong = |field: &Field| {
                    self.cell(*field)
                        .is_some_and(|part| format!("{part}a").parse::<PersonName>().is_err())
                };
                let field = parts.into_iter().find(wrong).unwrap_or(first);
                self.fault(field, error.into())
            }
        }
    }

    fn phone(&mut self) -> Option<PhoneNumber> {
        let raw = self.needed(Field::Phone)?;
        match repair::phone(raw, self.rules.phones) {
            Ok((number, mended)) => {
                match mended {
                    Some(Mended::LeadingZero) => {
                        self.note(Field::Phone, NoteCode::LeadingZeroRestored)
                    }
                    Some(Mended::Decimals) => self.note(Field::Phone, NoteCode::DecimalsDropped),
                    None => {}
                }
                Some(number)
            }
            Err(BadPhone::Destroyed) => self.fault(Field::Phone, Code::SpreadsheetNumber),
            Err(BadPhone::Refused(error)) => self.fault(Field::Phone, error.into()),
        }
    }

    fn email(&mut self) -> Option<Option<EmailAddress>> {
        let Some(raw) = self.given(Field::Email) else { return Some(None) };
        match raw.strip_prefix("mailto:").unwrap_or(raw).parse() {
            Ok(email) => Some(Some(email)),
            Err(error) => self.fault(Field::Email, Code::from(error)),
        }
    }

    /// The cell of a field that isn't free text: what programs write for nothing is nothing.
    pub(super) fn given(&self, field: Field) -> Option<&'r str> {
        self.cell(field).filter(|cell| !words::is_nothing(cell))
    }

    /// A word of a small vocabulary. The outer none: it isn't one.
    fn word<T>(
        &mut self,
        field: Field,
        unknown: Code,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.given(field) {
            None => Some(None),
            Some(raw) => match read(raw) {
                Some(word) => Some(Some(word)),
                None => self.fault(field, unknown),
            },
        }
    }

    fn number(
        &mut self,
        field: Field,
        bounds: std::ops::RangeInclusive<u16>,
        read: impl Fn(&str) -> Option<u32>,
    ) -> Option<Option<u16>> {
        let number = self.word(field, Code::BadNumber, read)?;
        match number.map(u16::try_from) {
            None => Some(None),
            Some(Ok(number)) if bounds.contains(&number) => Some(Some(number)),
            Some(_) => self.fault(field, Code::OutOfRange),
        }
    }

    fn about_consent(
        &mut self,
        consent: Option<bool>,
    ) -> (Option<Option<How>>, Option<Option<String>>) {
        let how = self.word(Field::ConsentHow, Code::UnknownConsentHow, words::consent_how);
        let version = match self
            .given(Field::ConsentTextVersion)
            .map(|raw| Label::parse(raw, MOST_VERSION))
        {
            None => Some(None),
            Some(Ok(version)) => Some(Some(version.as_str().to_owned())),
            Some(Err(error)) => self.fault(Field::ConsentTextVersion, error.into()),
        };
        if consent != Some(true) {
            for (field, given) in [
                (Field::ConsentHow, how.is_some_and(|how| how.is_some())),
                (Field::ConsentTextVersion, version.as_ref().is_some_and(Option::is_some)),
            ] {
                if given {
                    self.fault::<()>(field, Code::NotWanted);
                }
            }
        }
        (how, version)
    }
}

/// A whole number, as a spreadsheet may write it.
fn whole(raw: &str) -> Option<u32> {
    let digits = raw.trim().strip_suffix(".0").unwrap_or(raw.trim());
    (digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}
