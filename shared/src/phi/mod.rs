//! Finds protected health information in free text. Pure: no database, no clock, no network; docs/phi.md says what it can't do.

mod context;
mod dictionary;
mod endings;
mod folding;
mod labels;
mod numbers;
#[cfg(test)]
mod tests;

use context::Context;
use dictionary::{DICTIONARY, Phrase, Usage};
use endings::by_ending;
use folding::{Folded, Token};
use serde::{Deserialize, Serialize};

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A condition or disease.
    Diagnosis,
    /// An examination, operation or therapy.
    Procedure,
    /// A drug or a class of drugs.
    Medication,
    /// A branch of medicine that gives the reason away.
    Specialist,
    /// A symptom, or a word that is medical beside a person.
    Symptom,
    /// A US social security number.
    Ssn,
    /// An NHS number with a right check digit.
    NhsNumber,
    /// A number labelled as that of a medical record.
    RecordNumber,
    /// A number labelled as that of a health insurance.
    InsuranceNumber,
    /// A date labelled as one of birth.
    DateOfBirth,
}

/// How much the finding gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PhiSeverity")]
pub enum Severity {
    /// Hints at somebody's health.
    Medium,
    /// Says it.
    High,
    /// Names the person to any office in the country.
    Critical,
}

/// One finding. `start` and `end` count UTF-16 code units of the text, as JavaScript's `slice` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// How much it gives away.
    pub severity: Severity,
    /// The first code unit.
    pub start: usize,
    /// The code unit after the last.
    pub end: usize,
    /// What to write instead.
    pub alternative: &'static str,
}

/// Where a text is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PhiField")]
pub enum Field {
    /// Spoken on a call.
    VoiceText,
    /// Read by staff only.
    Notes,
}

/// What the caller does about a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PhiVerdict")]
pub enum Verdict {
    /// Save it.
    Accept,
    /// Save it only when the writer has acknowledged the findings.
    AcknowledgementNeeded,
    /// Don't save it.
    Block,
}

/// What findings mean in a field: voice text is blocked, notes ask (rules.md, HIPAA).
#[must_use]
pub fn verdict(field: Field, findings: &[Finding]) -> Verdict {
    match field {
        _ if findings.is_empty() => Verdict::Accept,
        Field::VoiceText => Verdict::Block,
        Field::Notes => Verdict::AcknowledgementNeeded,
    }
}

/// What a text tells of somebody's health or identity, in order, without overlaps. Linear in the length of the text.
#[must_use]
pub fn detect(text: &str) -> Vec<Finding> {
    let folded = folding::fold(text);
    let tokens = folding::tokens(&folded);
    let context = Context::of(&tokens);
    let span = |from: usize, to: usize| (folded[from].start, folded[to - 1].end);
    let mut findings: Vec<Finding> = numbers::find(&folded, &tokens, &|token| {
        context.of_an_animal(token) || context.of_a_topic(token)
    })
    .into_iter()
    .map(|number| {
        let (start, end) = span(number.from, number.to);
        Finding {
            kind: number.kind,
            severity: number.severity,
            start,
            end,
            alternative: "leave the number out; say \"bring photo ID\"",
        }
    })
    .collect();
    let mut at = 0;
    while at < tokens.len() {
        let found = term(&folded, &tokens, at, |length, usage| {
            context.supports(&tokens, at, length, usage)
        });
        if let Some((phrase, length)) = found {
            let (start, end) = span(tokens[at].from, tokens[at + length - 1].to);
            findings.extend(phrase.kind.map(|kind| Finding {
                kind,
                severity: phrase.severity,
                start,
                end,
                alternative: phrase.alternative,
            }));
            at += length;
        } else {
            if let Some(kind) =
                by_ending(&tokens[at]).filter(|_| context.supports(&tokens, at, 1, Usage::Always))
            {
                let (start, end) = span(tokens[at].from, tokens[at].to);
                findings.push(Finding {
                    kind,
                    severity: Severity::High,
                    start,
                    end,
                    alternative: "say \"your appointment\" and leave the reason out",
                });
            }
            at += 1;
        }
    }
    findings.sort_by_key(|finding| (finding.start, finding.end));
    findings.dedup_by(|later, earlier| later.start < earlier.end);
    findings
}

/// The longest phrase that starts here, and how many tokens it takes. A word that a hyphen broke is tried in one piece.
fn term(
    text: &[Folded],
    tokens: &[Token],
    at: usize,
    supports: impl Fn(usize, Usage) -> bool,
) -> Option<(&'static Phrase, usize)> {
    let allowed =
        |phrase: &Phrase| phrase.kind.is_none() || supports(phrase.parts.len(), phrase.usage);
    let fits = |phrase: &&Phrase| {
        phrase.parts.iter().enumerate().all(|(offset, part)| {
            tokens.get(at + offset).is_some_and(|token| {
                token.sentence == tokens[at].sentence && DICTIONARY.fits(part, token)
            })
        })
    };
    if let Some(phrase) = DICTIONARY
        .starting(&tokens[at], tokens.get(at + 1))
        .find(|phrase| fits(phrase) && allowed(phrase))
    {
        return Some((phrase, phrase.parts.len()));
    }
    if let Some(phrase) = DICTIONARY.meant(&tokens[at].stem).filter(|phrase| allowed(phrase)) {
        return Some((phrase, 1));
    }
    let hyphen = |next: &&Token| next.from == tokens[at].to + 1 && text[tokens[at].to].char == '-';
    let next = tokens.get(at + 1).filter(hyphen)?;
    let joined = folding::stem(&format!("{}{}", tokens[at].word, next.word));
    let joined = Token::joined(joined);
    let phrase = DICTIONARY.starting(&joined, None).find(|phrase| {
        phrase.parts.len() == 1 && phrase.usage == Usage::Always && allowed(phrase)
    })?;
    Some((phrase, 2))
}
