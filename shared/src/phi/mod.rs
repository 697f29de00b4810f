//! Finds protected health information in free text. Pure: no database, no clock, no network; docs/phi.md says what it can't do.

mod dictionary;
mod folding;
mod numbers;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use dictionary::{DICTIONARY, Phrase, Usage};
use folding::Token;
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
    let mut findings: Vec<Finding> = numbers::find(&folded, &tokens, &|sentence| {
        context.animal.contains(&sentence) || context.topic.contains(&sentence)
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
        let found = term(&tokens, at, |length, usage| context.supports(&tokens, at, length, usage));
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
    if let Some(phrase) =
        DICTIONARY.starting(&tokens[at]).find(|phrase| fits(phrase) && allowed(phrase))
    {
        return Some((phrase, phrase.parts.len()));
    }
    if let Some(phrase) = DICTIONARY.meant(&tokens[at].stem).filter(|phrase| allowed(phrase)) {
        return Some((phrase, 1));
    }
    let next = tokens.get(at + 1).filter(|next| next.from == tokens[at].to + 1)?;
    let joined = folding::stem(&format!("{}{}", tokens[at].word, next.word));
    let joined = Token { from: 0, to: 0, word: String::new(), stem: joined, sentence: 0 };
    let phrase = DICTIONARY.starting(&joined).find(|phrase| {
        phrase.parts.len() == 1 && phrase.usage == Usage::Always && allowed(phrase)
    })?;
    Some((phrase, 2))
}

/// Endings that only names of conditions have, but for the words of `SPELT`.
const CONDITIONS: [&str; 13] = [
    "iti", "emia", "aemia", "opathy", "algia", "oma", "osi", "uria", "penia", "plegia", "aemic",
    "trophy", "rrhoea",
];
/// Endings of examinations and operations.
const PROCEDURES: [&str; 8] =
    ["ectomy", "oscopy", "ostomy", "otomy", "plasty", "centesi", "pexy", "scopie"];
/// Stems of the international names of drugs, as the World Health Organization gives them out.
const DRUGS: [&str; 35] = [
    "pril",
    "sartan",
    "statin",
    "cillin",
    "mycin",
    "oxetine",
    "azepam",
    "olol",
    "prazole",
    "triptan",
    "gliptin",
    "floxacin",
    "cycline",
    "azole",
    "mab",
    "tinib",
    "ciclovir",
    "dipine",
    "zosin",
    "gliflozin",
    "glutide",
    "xaban",
    "parin",
    "barbital",
    "codone",
    "terol",
    "isone",
    "solone",
    "lukast",
    "setron",
    "tidine",
    "thiazide",
    "zolam",
    "triptyline",
    "dronate",
];
/// Words that an ending catches and that tell nothing of health.
const SPELT: [&str; 19] = [
    "graffiti",
    "microscopy",
    "nostalgia",
    "academia",
    "bohemia",
    "bohemian",
    "oklahoma",
    "diploma",
    "dichotomy",
    "metamorphosi",
    "hypnosi",
    "photosynthesi",
    "osmosi",
    "horoscopy",
    "trophy",
    "homeopathy",
    "sympathy",
    "telepathy",
    "symbiosi",
];

/// What the ending of a long word tells of its meaning, for the many names that no list holds.
fn by_ending(token: &Token) -> Option<Kind> {
    let word = token.word.trim_end_matches('s');
    if word.len() < 7 || SPELT.contains(&word) {
        return None;
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    [(&CONDITIONS[..], Kind::Diagnosis), (&PROCEDURES, Kind::Procedure), (&DRUGS, Kind::Medication)]
        .into_iter()
        .find_map(|(endings, kind)| ends(endings).then_some(kind))
}

/// Whether a person is named or meant just before a term, and no thing of a trade comes between.
fn somebody_near(tokens: &[Token], at: usize) -> bool {
    let before = tokens[at.saturating_sub(NEAR)..at].iter().rev();
    before
        .take_while(|token| {
            token.sentence == tokens[at].sentence && !DICTIONARY.lists("veto", &token.stem)
        })
        .any(|token| DICTIONARY.lists("someone", &token.stem))
}

/// So many words before a term a person may stand whom it is about.
const NEAR: usize = 6;

/// The sentences of a text in which a word means something else, or a person is spoken of.
#[derive(Default)]
struct Context {
    personal: HashSet<usize>,
    veto: HashSet<usize>,
    animal: HashSet<usize>,
    topic: HashSet<usize>,
}

impl Context {
    fn of(tokens: &[Token]) -> Self {
        let sentences = |list| {
            tokens
                .iter()
                .filter(|token| DICTIONARY.lists(list, &token.stem))
                .map(|token| token.sentence)
                .collect()
        };
        Self {
            personal: sentences("personal"),
            veto: sentences("veto"),
            animal: sentences("animal"),
            topic: sentences("topic"),
        }
    }

    /// Whether a term means somebody's health here: not an animal's, a street's or a cause's; a word of two meanings needs a person.
    fn supports(&self, tokens: &[Token], at: usize, length: usize, usage: Usage) -> bool {
        let sentence = tokens[at].sentence;
        let street = tokens
            .get(at + length)
            .is_some_and(|next| next.sentence == sentence && DICTIONARY.lists("place", &next.stem));
        !street
            && !self.animal.contains(&sentence)
            && !self.topic.contains(&sentence)
            && (usage == Usage::Always
                || !self.veto.contains(&sentence)
                || somebody_near(tokens, at))
            && (usage != Usage::Context || self.personal.contains(&sentence))
    }
}
