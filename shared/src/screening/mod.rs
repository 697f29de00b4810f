//! What screening of free texts for health information came to (docs/phi.md): one row for each text that somebody saved or tried
//! to. Where it was to stand, by whom, and kinds of findings; never the text, no place in it, and no contact.

pub mod store;

use serde::Serialize;

use crate::ids::DetectionId;
use crate::phi::{Field, Finding, Severity};

/// Rows are kept so long; the policy of the table keeps them from going earlier.
pub const KEPT_DAYS: u16 = 365;

/// Where a text that is screened is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// What the voice says besides, about an appointment.
    VoiceText,
    /// What the voice says of an appointment type.
    SpokenName,
    /// Notes about a contact.
    Notes,
    /// Why an appointment's status was set by hand, or why it was cancelled.
    StatusReason,
    /// Why a number is not to be called.
    DoNotCallReason,
    /// What a group is called.
    GroupName,
    /// What a group is for.
    GroupDescription,
    /// What a kept search is called.
    ViewName,
    /// What a kept way of reading files is called.
    TemplateName,
    /// Why something may not be erased.
    LegalHoldReason,
    /// Why dialling stops.
    PauseReason,
    /// What a closed date is called.
    ClosedDateName,
}

impl Place {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::VoiceText,
        Self::SpokenName,
        Self::Notes,
        Self::StatusReason,
        Self::DoNotCallReason,
        Self::GroupName,
        Self::GroupDescription,
        Self::ViewName,
        Self::TemplateName,
        Self::LegalHoldReason,
        Self::PauseReason,
        Self::ClosedDateName,
    ];

    /// The word in the database, and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VoiceText => "voice_text",
            Self::SpokenName => "spoken_name",
            Self::Notes => "notes",
            Self::StatusReason => "status_reason",
            Self::DoNotCallReason => "do_not_call_reason",
            Self::GroupName => "group_name",
            Self::GroupDescription => "group_description",
            Self::ViewName => "view_name",
            Self::TemplateName => "template_name",
            Self::LegalHoldReason => "legal_hold_reason",
            Self::PauseReason => "pause_reason",
            Self::ClosedDateName => "closed_date_name",
        }
    }

    /// Whether the voice says it, or staff alone read it.
    pub fn field(self) -> Field {
        match self {
            Self::VoiceText | Self::SpokenName => Field::VoiceText,
            _ => Field::Notes,
        }
    }
}

/// What became of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing was found, and it was saved.
    Clean,
    /// Something was found, and it was not saved.
    Refused,
    /// Something was found, and whoever saved it said that they know.
    Acknowledged,
    /// Something was found, nobody was asked, and it was saved: what stops calls is not held up by a word.
    Unasked,
}

impl Outcome {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Refused => "refused",
            Self::Acknowledged => "acknowledged",
            Self::Unasked => "unasked",
        }
    }
}

/// One text that was screened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    /// Its row's id.
    pub id: DetectionId,
    /// Where the text was to stand.
    pub place: Place,
    /// What became of it.
    pub outcome: Outcome,
    /// What was found, each kind once.
    pub kinds: Vec<String>,
    /// Of the worst finding.
    pub severity: Option<Severity>,
}

impl Detection {
    /// What is kept of these findings. `outcome`: what they came to; without any it is clean.
    pub fn of(place: Place, outcome: Outcome, findings: &[Finding]) -> Self {
        let outcome = if findings.is_empty() { Outcome::Clean } else { outcome };
        let mut kinds: Vec<String> = findings.iter().map(|finding| word(finding.kind)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let severity = findings.iter().map(|finding| finding.severity).max();
        Self { id: DetectionId::new(), place, outcome, kinds, severity }
    }
}

/// The word by which answers call it.
fn word(of: impl Serialize) -> String {
    match serde_json::to_value(of) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "other".to_owned(),
    }
}

/// How many texts came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Nothing was found in so many.
    pub clean: u64,
    /// So many were not saved.
    pub refused: u64,
    /// So many were saved knowingly.
    pub acknowledged: u64,
    /// So many were saved without a question, since the act stops calls.
    pub unasked: u64,
}

impl Counts {
    /// All texts that were screened.
    pub fn screened(self) -> u64 {
        self.clean + self.refused + self.acknowledged + self.unasked
    }

    /// 100 × clean / screened with two decimals, half a hundredth up; none where nothing was screened.
    pub fn score(self) -> Option<f64> {
        let screened = u128::from(self.screened());
        let hundredths = (u128::from(self.clean) * 20_000 + screened).checked_div(screened * 2)?;
        // 10,000 at most.
        u32::try_from(hundredths).ok().map(|hundredths| f64::from(hundredths) / 100.0)
    }

    /// Counts `n` more.
    pub(crate) fn add(&mut self, outcome: &str, n: i64) {
        let n = n.unsigned_abs();
        match outcome {
            "clean" => self.clean += n,
            "refused" => self.refused += n,
            "unasked" => self.unasked += n,
            _ => self.acknowledged += n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phi::detect;

    #[test]
    fn what_is_kept_has_each_kind_once_and_the_worst_severity() {
        let found = detect("Her asthma, his diabetes, and NHS number 943 476 5919");
        assert!(found.len() >= 3, "{found:?}");
        let kept = Detection::of(Place::Notes, Outcome::Acknowledged, &found);
        assert_eq!(kept.kinds, ["diagnosis", "nhs_number"]);
        assert_eq!(kept.severity, Some(Severity::Critical));
        assert_eq!(kept.outcome, Outcome::Acknowledged);
        let clean = Detection::of(Place::Notes, Outcome::Refused, &[]);
        assert_eq!((clean.outcome, clean.severity), (Outcome::Clean, None));
        assert!(clean.kinds.is_empty());
    }

    #[test]
    fn a_score_has_two_decimals() {
        for (clean, refused, acknowledged, score, why) in [
            (0, 0, 0, None, "nothing was screened"),
            (1, 0, 0, Some(100.0), "all clean"),
            (0, 1, 1, Some(0.0), "none clean"),
            (2, 1, 0, Some(66.67), "rounded up"),
            (1, 1, 1, Some(33.33), "rounded down"),
            (1999, 0, 1, Some(99.95), "a hundredth counts"),
            (79_999, 1, 0, Some(100.0), "half a hundredth is rounded up"),
        ] {
            let counts = Counts { clean, refused, acknowledged, unasked: 0 };
            assert_eq!(counts.score(), score, "{why}");
        }
    }

    #[test]
    fn words_of_the_database_are_those_of_answers() {
        for place in Place::ALL {
            assert_eq!(word(place), place.as_str());
        }
        for outcome in [Outcome::Clean, Outcome::Refused, Outcome::Acknowledged, Outcome::Unasked] {
            assert_eq!(word(outcome), outcome.as_str());
        }
    }
}
