//! What may be stored: a text that the voice says has no health information, one that staff read has it knowingly.

use shared::contacts::text::{Notes, VoiceText};
use shared::phi::{Finding, Verdict, detect, verdict};
use shared::screening::{Detection, Outcome, Place};

use super::place;
use crate::http::Fields;

/// At most so many findings of one text are told: whoever mends those asks again.
const MOST_TOLD: usize = 20;

/// Notes that were read, and whether saving them is acknowledging what is in them.
#[derive(Debug)]
pub(crate) struct Screened {
    pub(crate) notes: Notes,
    /// Something was found, and whoever sent it said so.
    pub(crate) acknowledged: bool,
}

/// A text that is about to be saved: where it is to stand, in which field of the body it came, and as it was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) place: Place,
    pub(crate) field: &'a str,
    pub(crate) raw: &'a str,
}

impl Asked<'_> {
    /// Whether the text may be saved; if not, its faults are noted. What is `kept` already is not asked about again: a newer
    /// dictionary is no reason to refuse another field's change.
    pub(crate) fn may_stand(self, fields: &mut Fields, kept: bool, acknowledged: bool) -> bool {
        kept || self.screen(fields, acknowledged).is_some()
    }

    /// Of an act that stops calls: whatever stands in its reason, it is not held up. The text goes on record as others do.
    pub(crate) fn stands(self, fields: &mut Fields, kept: bool, acknowledged: bool) {
        if !kept {
            let outcome = if acknowledged { Outcome::Acknowledged } else { Outcome::Unasked };
            fields.screened(Detection::of(self.place, outcome, &detect(self.raw)));
        }
    }

    /// What was found, if the text may be saved all the same; or its faults noted. It goes on record either way.
    fn screen(self, fields: &mut Fields, acknowledged: bool) -> Option<Vec<Finding>> {
        let Self { place, field, raw } = self;
        let found = detect(raw);
        let saved = match verdict(place.field(), &found) {
            Verdict::Accept => true,
            Verdict::AcknowledgementNeeded => acknowledged,
            Verdict::Block => false,
        };
        let outcome = if saved { Outcome::Acknowledged } else { Outcome::Refused };
        fields.screened(Detection::of(place, outcome, &found));
        if saved {
            return Some(found);
        }
        let (code, what) = match (place.field(), place) {
            (shared::phi::Field::VoiceText, _) => {
                ("health_information", "may be health information, which the voice must not say")
            }
            (shared::phi::Field::Notes, Place::Notes) => (
                "acknowledgement_needed",
                "may be health information: leave it out, or send acknowledge_phi_in_notes",
            ),
            (shared::phi::Field::Notes, _) => (
                "acknowledgement_needed",
                "may be health information: leave it out, or send acknowledge_phi",
            ),
        };
        tell(fields, field, code, what, &found);
        None
    }
}

/// A text for the voice in which nothing was found, or its faults noted.
pub(crate) fn voice_text(
    fields: &mut Fields,
    raw: &str,
    kept: Option<&VoiceText>,
) -> Option<VoiceText> {
    let asked = Asked { place: Place::VoiceText, field: "voice_text", raw };
    let text: VoiceText = fields.take(asked.field, raw.parse())?;
    asked.may_stand(fields, kept == Some(&text), false).then_some(text)
}

/// Notes in which nothing was found or whose findings are `acknowledged`, or their faults noted.
pub(crate) fn notes(
    fields: &mut Fields,
    raw: &str,
    acknowledged: bool,
    kept: Option<&Notes>,
) -> Option<Screened> {
    let asked = Asked { place: Place::Notes, field: "notes", raw };
    let notes: Notes = fields.take(asked.field, raw.parse())?;
    if kept == Some(&notes) {
        return Some(Screened { notes, acknowledged: false });
    }
    let found = asked.screen(fields, acknowledged)?;
    Some(Screened { notes, acknowledged: !found.is_empty() })
}

/// One fault for each finding, with its place. The alternative is the dictionary's, never a part of the text.
fn tell(fields: &mut Fields, field: &str, code: &'static str, what: &str, found: &[Finding]) {
    for finding in found.iter().take(MOST_TOLD) {
        let detail = format!("{what}; instead: {}", finding.alternative);
        fields.fault_at(field, code, detail, place(finding));
    }
}
