//! What may be stored: a text that the voice says has no health information, notes have it knowingly.

use shared::contacts::text::{Notes, VoiceText};
use shared::phi::{Field, Finding, Verdict, detect, verdict};

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

/// A text for the voice in which nothing was found, or its faults noted. What is `kept` already is not asked about again: a
/// newer dictionary is no reason to refuse another field's change.
pub(crate) fn voice_text(
    fields: &mut Fields,
    raw: &str,
    kept: Option<&VoiceText>,
) -> Option<VoiceText> {
    let field = "voice_text";
    let text: VoiceText = fields.take(field, raw.parse())?;
    if kept == Some(&text) {
        return Some(text);
    }
    let found = detect(raw);
    match verdict(Field::VoiceText, &found) {
        Verdict::Accept => Some(text),
        Verdict::Block | Verdict::AcknowledgementNeeded => {
            let what = "may be health information, which the voice must not say";
            tell(fields, field, "health_information", what, &found);
            None
        }
    }
}

/// Notes in which nothing was found or whose findings are `acknowledged`, or their faults noted. Those that are `kept` already
/// are not asked about again.
pub(crate) fn notes(
    fields: &mut Fields,
    raw: &str,
    acknowledged: bool,
    kept: Option<&Notes>,
) -> Option<Screened> {
    let field = "notes";
    let notes: Notes = fields.take(field, raw.parse())?;
    if kept == Some(&notes) {
        return Some(Screened { notes, acknowledged: false });
    }
    let found = detect(raw);
    match verdict(Field::Notes, &found) {
        Verdict::Accept => Some(Screened { notes, acknowledged: false }),
        Verdict::AcknowledgementNeeded if acknowledged => {
            Some(Screened { notes, acknowledged: true })
        }
        Verdict::AcknowledgementNeeded | Verdict::Block => {
            let what = "may be health information: leave it out, or send acknowledge_phi_in_notes";
            tell(fields, field, "acknowledgement_needed", what, &found);
            None
        }
    }
}

/// One fault for each finding, with its place. The alternative is the dictionary's, never a part of the text.
fn tell(fields: &mut Fields, field: &str, code: &'static str, what: &str, found: &[Finding]) {
    for finding in found.iter().take(MOST_TOLD) {
        let detail = format!("{what}; instead: {}", finding.alternative);
        fields.fault_at(field, code, detail, place(finding));
    }
}
