//! Numbers that name one person: by their shape and check digit, or by the label before them.

use super::folding::{Folded, Token};
use super::{Kind, Severity};

/// A number found: its kind and the folded characters it spans.
pub(super) struct Number {
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) from: usize,
    pub(super) to: usize,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const RECORD: [&str; 9] = [
    "mrn",
    "medicalrecord",
    "hospitalnumber",
    "hospitalno",
    "patientid",
    "patientnumber",
    "patientno",
    "chartno",
    "chartnumber",
];
const INSURER: [&str; 12] = [
    "medicare",
    "medicaid",
    "bupa",
    "aetna",
    "cigna",
    "bluecross",
    "healthinsurance",
    "insuranceid",
    "unitedhealth",
    "humana",
    "kaiser",
    "healthplan",
];
const BIRTH: [&str; 5] = ["dob", "dateofbirth", "birthdate", "bornon", "born"];

/// All numbers of a text, in order.
pub(super) fn find(
    text: &[Folded],
    tokens: &[Token],
    animal: &dyn Fn(usize) -> bool,
) -> Vec<Number> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let before = label(tokens, at);
        let has = |words: &[&str]| words.iter().any(|word| before.contains(word));
        let groups = digit_groups(text, tokens, at);
        let digits: String =
            tokens[at..at + groups].iter().map(|token| token.word.as_str()).collect();
        let lengths: Vec<usize> =
            tokens[at..at + groups].iter().map(|token| token.word.len()).collect();
        let after = |count: usize| tokens[at + count - 1].to;
        let mut push = |kind, severity, count: usize| {
            found.push(Number { kind, severity, from: tokens[at].from, to: after(count) })
        };
        let born = has(&BIRTH) && !animal(tokens[at].sentence);
        let date = if born { date_length(&tokens[at..]) } else { 0 };
        if date > 0 && BIRTH.iter().any(|word| tail(&before, 18).contains(word)) {
            push(Kind::DateOfBirth, Severity::High, date);
            at += date;
        } else if groups > 0
            && is_ssn(&digits)
            && (has(&["ssn", "socialsecurity", "socsec", "ss"])
                || (lengths == [3, 2, 4]
                    && !has(&[
                        "order", "invoice", "ref", "part", "serial", "case", "quote", "tracking",
                    ])))
        {
            push(Kind::Ssn, Severity::Critical, groups);
            at += groups;
        } else if groups > 0
            && is_nhs(&digits)
            && (has(&["nhs"])
                || (lengths == [3, 3, 4] && has(&["patient", "hospital", "health"]))
                || (before.is_empty()
                    && lengths == [3, 3, 4]
                    && no_dialling_sign(text, tokens[at].from)))
        {
            push(Kind::NhsNumber, Severity::Critical, groups);
            at += groups;
        } else if looks_like_id(&tokens[at].word) && (has(&RECORD) || insured(&before)) {
            let kind = if has(&RECORD) { Kind::RecordNumber } else { Kind::InsuranceNumber };
            let count = id_length(text, tokens, at);
            push(kind, Severity::High, count);
            at += count;
        } else {
            at += 1;
        }
    }
    found
}

fn no_dialling_sign(text: &[Folded], from: usize) -> bool {
    from == 0 || !matches!(text[from - 1].char, '+' | '(')
}

fn insured(before: &str) -> bool {
    INSURER.iter().any(|insurer| before.contains(insurer))
        || (["memberid", "subscriberid", "policyno", "policynumber"]
            .iter()
            .any(|label| before.contains(label))
            && ["health", "medical", "dental"].iter().any(|word| before.contains(word)))
}

/// The words of the sentence before a token, up to six, written together.
fn label(tokens: &[Token], at: usize) -> String {
    tokens[at.saturating_sub(6)..at]
        .iter()
        .filter(|token| token.sentence + 1 >= tokens[at].sentence)
        .map(|token| token.word.as_str())
        .collect()
}

fn tail(text: &str, chars: usize) -> String {
    let skip = text.chars().count().saturating_sub(chars);
    text.chars().skip(skip).collect()
}

/// How many tokens from here on are digits with at most two separating characters between them; at most five.
fn digit_groups(text: &[Folded], tokens: &[Token], at: usize) -> usize {
    let numeric = |token: &Token| token.word.bytes().all(|byte| byte.is_ascii_digit());
    let mut count = 0;
    while count < 5 && tokens.get(at + count).is_some_and(numeric) {
        let joined = count == 0 || {
            let gap = &text[tokens[at + count - 1].to..tokens[at + count].from];
            gap.len() <= 3
                && gap.iter().all(|between| matches!(between.char, ' ' | '-' | '.' | '_'))
        };
        if !joined {
            break;
        }
        count += 1;
    }
    count
}

/// Nine digits in the ranges that the Social Security Administration gives out.
fn is_ssn(digits: &str) -> bool {
    digits.len() == 9
        && !digits.starts_with("000")
        && !digits.starts_with("666")
        && !digits.starts_with('9')
        && &digits[3..5] != "00"
        && &digits[5..] != "0000"
}

/// Ten digits whose last is the check digit modulo 11.
fn is_nhs(digits: &str) -> bool {
    if digits.len() != 10 || digits.bytes().all(|digit| digit == digits.as_bytes()[0]) {
        return false;
    }
    let sum: u32 = digits
        .bytes()
        .take(9)
        .zip((2..=10).rev())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    (11 - sum % 11) % 11 == u32::from(digits.as_bytes()[9] - b'0')
}

fn looks_like_id(word: &str) -> bool {
    word.bytes().filter(u8::is_ascii_digit).count() >= 1 && word.len() >= 2
        || word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic()) && word != "a"
        || word.len() == 2 && matches!(word, "pt" | "hp" | "mr")
}

fn id_length(text: &[Folded], tokens: &[Token], at: usize) -> usize {
    let mut count = 1;
    while count < 4
        && tokens.get(at + count).is_some_and(|token| {
            token.word.bytes().any(|byte| byte.is_ascii_digit())
                && text[tokens[at + count - 1].to..token.from].len() == 1
        })
    {
        count += 1;
    }
    count
}

/// How many tokens at the start are one date with its year: 12/04/1961, 4th of July 1972, Feb 2, 1990, 04031962.
fn date_length(tokens: &[Token]) -> usize {
    let number = |at: usize| {
        tokens.get(at).and_then(|token| {
            token.word.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h']).parse::<u32>().ok()
        })
    };
    let month = |at: usize| {
        tokens.get(at).is_some_and(|token| MONTHS.iter().any(|month| token.word.starts_with(month)))
    };
    let year =
        |at: usize| number(at).is_some_and(|year| year <= 99 || (1880..=2100).contains(&year));
    let day = |at: usize| number(at).is_some_and(|day| (1..=31).contains(&day));
    if tokens.first().is_some_and(|token| token.word.len() == 8) && number(0).is_some() {
        return 1;
    }
    if number(0).is_some_and(|first| (1880..=2100).contains(&first)) {
        return if day(1) && day(2) { 3 } else { 0 };
    }
    if day(0) && day(1) && year(2) {
        return 3;
    }
    let of = usize::from(tokens.get(1).is_some_and(|token| token.word == "of"));
    if day(0) && month(1 + of) {
        return if year(2 + of) { 3 + of } else { 2 + of };
    }
    if month(0) && day(1) { 2 + usize::from(year(2)) } else { 0 }
}
