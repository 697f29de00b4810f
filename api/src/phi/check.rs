//! Asking about a text while it is typed.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::contacts::text::MOST_NOTES;
use shared::phi::{Field, Verdict, detect, verdict};

use super::FindingView;
use crate::app::App;
use crate::auth::{Allowed, ReadContacts};
use crate::http::contract::Operation;
use crate::http::{Fields, NotKept, Problem, Reply, Shown};

/// A text, and where it is to stand.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PhiQuestion")]
pub(super) struct Question {
    /// As it was typed. It is looked at and forgotten.
    #[schemars(length(max = MOST_NOTES), example = "Please bring photo ID")]
    text: String,
    /// Where it is to stand.
    field: Field,
}

/// What is in a text.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PhiAnswer")]
pub(super) struct AnswerView {
    /// What saving the text there would come to.
    verdict: Verdict,
    /// In the order of the text, without overlaps.
    findings: Vec<FindingView>,
}

pub(super) const CHECK: Operation =
    Operation::new("checkForPhi", "Look for health information in a text").says(
        "For warnings while somebody types; nothing is stored, and no record is made of the text. Saving asks the same question \
         again: what is found is refused in a text that the voice says, and needs `acknowledge_phi_in_notes` in notes, \
         `acknowledge_phi` in the other texts that staff read: ask as `notes` for them, as `voice_text` for a spoken name. Not \
         everything can be found: a text in which nothing was found may still tell of somebody's health.",
    );

/// Looks for health information in a text.
pub(super) async fn check(
    State(_): State<App>,
    _: Allowed<ReadContacts>,
    NotKept(question): NotKept<Question>,
) -> Result<Reply<Shown<AnswerView>>, Problem> {
    if question.text.chars().count() > MOST_NOTES {
        let mut fields = Fields::default();
        fields.fault("text", "too_long", format!("must be at most {MOST_NOTES} characters"));
        return fields.finish(None);
    }
    // Milliseconds at most, and linear in the text: not worth another thread.
    let found = detect(&question.text);
    let verdict = verdict(question.field, &found);
    Reply::ok(&AnswerView { verdict, findings: found.iter().map(FindingView::of).collect() })
}
