//! Texts of a row: screened, and held against the tenant's lists.

use super::reading::Reading;
use super::{Code, MOST_GROUPS, NoteCode, Screened};
use crate::appointments::Label;
use crate::contacts::text::{Notes, VoiceText};
use crate::groups::GroupName;
use crate::intake::Field;
use crate::screening::Place;

impl Reading<'_, '_> {
    pub(super) fn label(&mut self, field: Field, most: usize) -> Option<Option<Label>> {
        let Some(raw) = self.given(field) else { return Some(None) };
        let label = match Label::parse(raw, most) {
            Ok(label) => label,
            Err(error) => return self.fault(field, error.into()),
        };
        self.without_numbers(field, raw)?;
        Some(Some(label))
    }

    /// None, and a fault, if a number stands there that must not be stored.
    fn without_numbers(&mut self, field: Field, raw: &str) -> Option<()> {
        let header = self.plan.column(field).unwrap_or_default();
        match self.memo.number_in(header, raw) {
            None => Some(()),
            Some(_) => self.fault(field, Code::ProhibitedNumber),
        }
    }

    pub(super) fn voice_text(&mut self) -> Option<Option<VoiceText>> {
        let field = Field::VoiceText;
        let Some(raw) = self.cell(field) else { return Some(None) };
        // A line break in a cell is a space to whoever hears it.
        let one_line = raw.split_whitespace().collect::<Vec<_>>().join(" ");
        let text: VoiceText = match one_line.parse() {
            Ok(text) => text,
            Err(error) => return self.fault(field, Code::from(error)),
        };
        if self.screen(Place::VoiceText, text.as_str()) {
            return self.fault(field, Code::HealthInformation);
        }
        Some(Some(text))
    }

    pub(super) fn staff_notes(&mut self) -> Option<Option<Notes>> {
        let field = Field::Notes;
        let Some(raw) = self.cell(field) else { return Some(None) };
        let lines = raw.replace("\r\n", "\n").replace('\r', "\n");
        let notes: Notes = match lines.parse() {
            Ok(notes) => notes,
            Err(error) => return self.fault(field, Code::from(error)),
        };
        if self.screen(Place::Notes, notes.as_str()) {
            if !self.rules.acknowledge_phi {
                return self.fault(field, Code::AcknowledgementNeeded);
            }
            self.note(field, NoteCode::PhiInNotes);
        }
        Some(Some(notes))
    }

    /// Whether a text says something of somebody's health.
    fn screen(&mut self, place: Place, text: &str) -> bool {
        let findings = self.memo.findings(text);
        let found = !findings.is_empty();
        self.screened.push(Screened { place, findings });
        found
    }

    pub(super) fn groups(&mut self) -> Option<Vec<GroupName>> {
        let field = Field::Groups;
        let Some(raw) = self.given(field) else { return Some(Vec::new()) };
        let mut groups: Vec<GroupName> = Vec::new();
        for name in raw.split([';', '|']).map(str::trim).filter(|name| !name.is_empty()) {
            let group: GroupName = match name.parse() {
                Ok(group) => group,
                Err(error) => return self.fault(field, Code::from(error)),
            };
            if groups.iter().any(|known| known.key() == group.key()) {
                continue;
            }
            if !self.rules.lists.has_group(&group) {
                self.new_group(name)?;
            }
            groups.push(group);
        }
        if groups.len() > MOST_GROUPS {
            return self.fault(field, Code::OutOfRange);
        }
        Some(groups)
    }

    /// A group that isn't there yet: its name is a text like others.
    fn new_group(&mut self, name: &str) -> Option<()> {
        let field = Field::Groups;
        if !self.rules.make_groups {
            return self.fault(field, Code::UnknownGroup);
        }
        self.without_numbers(field, name)?;
        if self.screen(Place::GroupName, name) && !self.rules.acknowledge_phi {
            return self.fault(field, Code::AcknowledgementNeeded);
        }
        self.note(field, NoteCode::NewGroup);
        Some(())
    }

    /// What the list of types says; the length that is usual for the type.
    pub(super) fn check_type(&mut self, kind: Option<&Label>) -> Option<u16> {
        let (field, lists) = (Field::AppointmentType, self.rules.lists);
        let found = lists.kind(kind?.as_str());
        match found {
            Some(listed) if listed.active => {}
            Some(_) if self.rules.listed_types_only => return self.fault(field, Code::NotActive),
            None if self.rules.listed_types_only => return self.fault(field, Code::NotListed),
            Some(_) => self.note(field, NoteCode::InactiveType),
            None if lists.has_types() => self.note(field, NoteCode::UnlistedType),
            None => {}
        }
        found?.duration_minutes
    }

    pub(super) fn check_location(
        &mut self,
        location: Option<&Label>,
        at: chrono::DateTime<chrono::Utc>,
        minutes: Option<u16>,
    ) {
        let (field, lists) = (Field::Location, self.rules.lists);
        let Some(location) = location.filter(|_| lists.has_locations()) else { return };
        match lists.location(location.as_str()) {
            None => self.note(field, NoteCode::UnlistedLocation),
            Some(place) => {
                if !place.active {
                    self.note(field, NoteCode::InactiveLocation);
                }
                if !place.is_open(at, minutes) {
                    self.note(field, NoteCode::OutsideOpeningHours);
                }
            }
        }
    }
}
