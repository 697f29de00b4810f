//! Screening free text for health information before it is stored (rules.md, HIPAA; docs/phi.md says what can't be found).

mod check;
mod compliance;
mod screen;

use serde::Serialize;
use shared::phi::{Finding, Kind, Severity};
use shared::search::Span;

use crate::http::contract::{Routes, get, post};

pub(crate) use screen::{Asked, Screened, notes, voice_text};

/// Routes below `/v1/phi`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Screening")
        .at("/check", post(check::CHECK, check::check))
        .at("/compliance", get(compliance::SHOW, compliance::show))
}

/// A finding as clients see it. Nothing of the text is in it.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "PhiFinding")]
struct FindingView {
    /// What was found; more kinds may come.
    #[schemars(with = "String", example = &"diagnosis")]
    kind: Kind,
    /// How much it gives away.
    severity: Severity,
    /// Where in the text.
    place: Span,
    /// What to write instead.
    #[schemars(example = "say \"your appointment\"")]
    alternative: &'static str,
}

impl FindingView {
    fn of(finding: &Finding) -> Self {
        Self {
            kind: finding.kind,
            severity: finding.severity,
            place: place(finding),
            alternative: finding.alternative,
        }
    }
}

/// Where a finding is. Texts are far shorter than what a `u32` counts.
fn place(finding: &Finding) -> Span {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span { offset: count(finding.start), length: count(finding.end - finding.start) }
}
