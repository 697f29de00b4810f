//! Numbers that name one person: by their shape and check digit, or by the label before them.

use super::folding::{Folded, Token};
use super::labels::{
    self, BIRTHS, GENERAL, INSURERS, LABELS, MONTHS, ORDINALS, OTHERWISE, RECORD_LABELS, RECORDS,
    YEARS,
};
use super::{Kind, Severity};

/// A number found: its kind and the folded characters it spans.
pub(super) struct Number {
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// All numbers of a text, in order.
pub(super) fn find(
    text: &[Folded],
    tokens: &[Token],
    nobodys: &dyn Fn(&Token) -> bool,
) -> Vec<Number> {
    let mut found = Vec::new();
    let labels: Vec<bool> = tokens.iter().map(|token| labels::is_one(&token.word)).collect();
    let mut at = 0;
    while at < tokens.len() {
        let labelled = || labels[at.saturating_sub(9)..(at + 14).min(labels.len())].contains(&true);
        let groups = digit_groups(text, tokens, at);
        let length: usize = tokens[at..at + groups].iter().map(|token| token.word.len()).sum();
        if !may_start(&tokens[at]) || !(matches!(length, 9 | 10) || labelled()) {
            at += 1;
            continue;
        }
        let before = Near::before(tokens, at);
        let digits: String =
            tokens[at..at + groups].iter().map(|token| token.word.as_str()).collect();
        let lengths: Vec<usize> =
            tokens[at..at + groups].iter().map(|token| token.word.len()).collect();
        let date = date_length(&tokens[at..]);
        let id = id_length(text, tokens, at);
        let found_here = if date > 0
            && !nobodys(&tokens[at])
            && is_birth(&before, &Near::after(tokens, at + date), date)
        {
            Some((Kind::DateOfBirth, Severity::High, date))
        } else if groups > 0 && is_ssn(&digits) && is_labelled_ssn(&before, &lengths) {
            Some((Kind::Ssn, Severity::Critical, groups))
        } else if groups > 0
            && is_nhs(&digits)
            && (before.has(&["nhs"])
                || Near::after(tokens, at + groups).has(&["nhs"])
                || (lengths == [3, 3, 4]
                    && (before.has(&["patient", "hospital", "health", "trace", "spine", "birth"])
                        || (before.is_empty() && no_dialling_sign(text, tokens[at].from)))))
        {
            Some((Kind::NhsNumber, Severity::Critical, groups))
        } else if id > 0 && before.says_record(&tokens[at]) {
            Some((Kind::RecordNumber, Severity::High, id))
        } else if id > 0 && before.says_insurance(&Near::after(tokens, at + id)) {
            Some((Kind::InsuranceNumber, Severity::High, id))
        } else {
            None
        };
        if let Some((kind, severity, count)) = found_here {
            found.push(Number {
                kind,
                severity,
                from: tokens[at].from,
                to: tokens[at + count - 1].to,
            });
            at += count;
        } else {
            at += 1;
        }
    }
    found
}

/// Whether a number can begin here: with a digit, a short run of letters, a month or a spoken day.
fn may_start(token: &Token) -> bool {
    let word = token.word.as_str();
    word.len() <= 3
        || word.bytes().any(|byte| byte.is_ascii_digit())
        || MONTHS.iter().any(|month| word.starts_with(month))
        || ORDINALS.contains(&word)
}

fn no_dialling_sign(text: &[Folded], from: usize) -> bool {
    from == 0 || !matches!(text[from - 1].char, '+' | '(')
}

/// A social security number is told by its label, or by its groups where no other number is spoken of.
fn is_labelled_ssn(before: &Near, lengths: &[usize]) -> bool {
    before.has(&["ssn", "ss", "socsec"])
        || before.pair("social", "security")
        || before.pair("soc", "sec")
        || (lengths == [3, 2, 4]
            && !before
                .has(&["order", "invoice", "ref", "part", "serial", "case", "quote", "tracking"]))
}

/// A date is one of birth by its label before or just after it; a mere day of the year is none beside "birthday".
fn is_birth(before: &Near, after: &Near, length: usize) -> bool {
    let births = |near: &Near| near.has(&BIRTHS);
    let parties = |near: &Near| {
        near.has(&[
            "party",
            "screening",
            "premiere",
            "cake",
            "parcel",
            "due",
            "booked",
            "voucher",
            "celebration",
        ])
    };
    let labelled = births(before) || before.last_is("b") || births(&after.first(4));
    let year = length >= 3 || length == 1 || !before.has(&["birthday", "birthdays"]);
    labelled && year && !parties(before) && !parties(after)
}

/// The words of the sentence around a number, the nearest first.
struct Near<'a>(Vec<&'a str>);

impl<'a> Near<'a> {
    fn before(tokens: &'a [Token], at: usize) -> Self {
        let sentence = tokens[at].sentence;
        let near = tokens[at.saturating_sub(9)..at].iter().rev();
        Self(
            near.take_while(|token| token.sentence + 1 >= sentence)
                .map(|token| token.word.as_str())
                .collect(),
        )
    }

    fn after(tokens: &'a [Token], at: usize) -> Self {
        let sentence = tokens[at - 1].sentence;
        let near = tokens[at..(at + 8).min(tokens.len())].iter();
        Self(
            near.take_while(|token| token.sentence == sentence)
                .map(|token| token.word.as_str())
                .collect(),
        )
    }

    fn first(&self, count: usize) -> Self {
        Self(self.0.iter().take(count).copied().collect())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, words: &[&str]) -> bool {
        self.0.iter().any(|word| words.contains(word))
    }

    fn last_is(&self, word: &str) -> bool {
        self.0.first() == Some(&word)
    }

    /// Whether two words follow each other.
    fn pair(&self, first: &str, second: &str) -> bool {
        self.0.windows(2).any(|two| two == [second, first])
    }

    fn is_something_else(&self) -> bool {
        self.first(2).has(&OTHERWISE)
    }

    fn says_record(&self, id: &Token) -> bool {
        let labelled = self.first(3).has(&RECORD_LABELS)
            || self.pair("case", "notes")
            || (self.first(7).has(&LABELS) && self.first(9).has(&RECORDS));
        labelled
            && !self.is_something_else()
            && (self.first(4).has(&LABELS)
                || self.first(2).has(&RECORD_LABELS)
                || self.pair("case", "notes")
                || long_enough(id))
    }

    fn says_insurance(&self, after: &Self) -> bool {
        let insurer = self.has(&INSURERS)
            || after.first(5).has(&["simplyhealth", "bupa", "aetna", "cigna", "wpa"])
            || self.pair("blue", "cross")
            || self.pair("health", "plan")
            || self.pair("health", "insurance")
            || self.pair("medical", "insurance")
            || self.pair("medical", "insurer")
            || self.pair("health", "insurer");
        let only_general =
            self.has(&GENERAL) && !self.has(&["health", "medical", "plan", "dental"]);
        let policy =
            (self.pair("member", "id") || self.pair("subscriber", "id") || self.has(&["policy"]))
                && self.has(&["health", "medical", "dental"]);
        (insurer && !only_general || policy) && !self.first(1).has(&OTHERWISE)
    }
}

fn long_enough(id: &Token) -> bool {
    id.word.bytes().filter(u8::is_ascii_digit).count() >= 4
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

/// How many tokens from here on are one written number of letters and digits, of five digits at least; or none.
fn id_length(text: &[Folded], tokens: &[Token], at: usize) -> usize {
    let digits = |token: &Token| token.word.bytes().filter(u8::is_ascii_digit).count();
    let letters = |token: &Token| {
        token.word.len() <= 3 && token.word.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let touches = |count: usize| {
        tokens.get(at + count).is_some_and(|token| {
            let between = &text[tokens[at + count - 1].to..token.from];
            between.len() == 1 && matches!(between[0].char, '-' | '/' | ' ' | '.' | ':')
        })
    };
    let glued =
        |count: usize| touches(count) && !text[tokens[at + count].from - 1].char.is_whitespace();
    let mut count = 1;
    let mut sum = digits(&tokens[at]);
    if sum == 0 && !(letters(&tokens[at]) && glued(1)) {
        return 0;
    }
    while count < 6 && touches(count) && digits(&tokens[at + count]) > 0 {
        sum += digits(&tokens[at + count]);
        count += 1;
    }
    if sum >= 5 { count } else { 0 }
}

/// How many tokens at the start are one date with its year: 12/04/1961, 4th of July 1972, Feb 2, 1990, 04031962.
fn date_length(tokens: &[Token]) -> usize {
    let number = |at: usize| {
        tokens.get(at).and_then(|token| {
            let spoken = ORDINALS.iter().position(|word| *word == token.word).map(|day| day + 1);
            spoken.and_then(|day| u32::try_from(day).ok()).or_else(|| {
                token.word.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h']).parse::<u32>().ok()
            })
        })
    };
    let spoken_year =
        |at: usize| tokens.get(at).is_some_and(|token| YEARS.contains(&token.word.as_str()));
    let month = |at: usize| {
        tokens.get(at).is_some_and(|token| MONTHS.iter().any(|month| token.word.starts_with(month)))
    };
    let year = |at: usize| {
        number(at).is_some_and(|year| year <= 99 || (1880..=2100).contains(&year))
            || spoken_year(at)
    };
    let day = |at: usize| number(at).is_some_and(|day| (1..=31).contains(&day));
    let one = tokens.first().map_or("", |token| token.word.as_str());
    if matches!(one.len(), 6 | 8) && one.bytes().all(|byte| byte.is_ascii_digit()) {
        return 1;
    }
    if number(0).is_some_and(|first| (1880..=2100).contains(&first)) {
        return if day(1) && day(2) { 3 } else { 0 };
    }
    if day(0) && day(1) && year(2) {
        return 3;
    }
    let joined = tokens.get(1).is_some_and(|token| token.word == "of");
    let the = tokens.get(2).is_some_and(|token| token.word == "the");
    if day(0) && joined && the && day(3) && year(4) {
        return 5;
    }
    let of = usize::from(tokens.get(1).is_some_and(|token| token.word == "of"));
    if day(0) && month(1 + of) {
        return if year(2 + of) { 3 + of } else { 2 + of };
    }
    if month(0) && day(1) { 2 + usize::from(year(2)) } else { 0 }
}
