//! The dictionary as it is matched: phrases by the stem they start with.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::folding::{Token, stem};
use super::{Kind, Severity};

const SOURCES: [&str; 6] = [
    include_str!("dictionary.tsv"),
    include_str!("words/everyday.tsv"),
    include_str!("words/idioms.tsv"),
    include_str!("words/conditions.tsv"),
    include_str!("words/procedures.tsv"),
    include_str!("words/treatment.tsv"),
];

/// The shortest word whose slips of the pen are known: shorter ones are too often another word.
const LONG: usize = 8;

/// One place of a phrase.
pub(super) enum Part {
    /// This stem.
    Word(String),
    /// This word in this form only, for `bloods` isn't `blood`: `=bloods`. The first is its stem.
    Exact(String, &'static str),
    /// Any stem of a list: `@body`.
    Of(&'static str),
    /// A number in digits or words: `#`.
    Number,
}

impl Part {
    fn of(written: &'static str) -> Self {
        match written.strip_prefix('@') {
            Some(list) => Self::Of(list),
            None if written == "#" => Self::Number,
            None if written.starts_with('=') => Self::Exact(stem(&written[1..]), &written[1..]),
            None => Self::Word(stem(&written.replace("'s", "").replace('\'', ""))),
        }
    }
}

/// When a phrase tells of somebody's health.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// Wherever it stands.
    Always,
    /// Where no word of a trade stands in the sentence.
    Unless,
    /// Where a person is spoken of, and no word of a trade.
    Context,
}

/// A term or phrase of the dictionary.
pub(super) struct Phrase {
    pub(super) parts: Vec<Part>,
    /// None: a phrase that only sounds medical ("first aid").
    pub(super) kind: Option<Kind>,
    pub(super) severity: Severity,
    pub(super) usage: Usage,
    pub(super) alternative: &'static str,
}

/// Everything that dictionary.tsv says.
#[derive(Default)]
pub(super) struct Dictionary {
    all: Vec<Phrase>,
    starts: HashMap<String, Vec<usize>>,
    numbers: Vec<usize>,
    slips: HashMap<String, Vec<usize>>,
    lists: HashMap<&'static str, HashSet<String>>,
}

impl Dictionary {
    /// The phrases that may start with a word, the longest first; those that start with a number come last.
    pub(super) fn starting(&self, token: &Token) -> impl Iterator<Item = &Phrase> {
        let numbers: &[usize] = if is_number(token) { &self.numbers } else { &[] };
        let places = self.starts.get(&token.stem).into_iter().flatten().chain(numbers);
        places.map(|place| &self.all[*place])
    }

    /// Whether a word can stand at a place of a phrase.
    pub(super) fn fits(&self, part: &Part, token: &Token) -> bool {
        match part {
            Part::Word(word) => *word == token.stem,
            Part::Exact(_, word) => *word == token.word,
            Part::Of(list) => self.lists(list, &token.stem),
            Part::Number => is_number(token),
        }
    }

    /// The term that a long word was meant to be: a letter dropped, added or doubled, two swapped, or a vowel for another.
    pub(super) fn meant(&self, stem: &str) -> Option<&Phrase> {
        if stem.len() < LONG || self.lists("spelt", stem) || !stem.is_ascii() {
            return None;
        }
        slips(stem).iter().filter_map(|form| self.slips.get(form)).flatten().find_map(|place| {
            let phrase = &self.all[*place];
            matches!(&phrase.parts[..], [Part::Word(word)] if is_slip(stem, word)).then_some(phrase)
        })
    }

    /// Whether a list such as `animal` holds the stem.
    pub(super) fn lists(&self, list: &str, stem: &str) -> bool {
        self.lists.get(list).is_some_and(|words| words.contains(stem))
    }
}

/// Read once; a row that is not understood is left out, and a test holds every row against that.
pub(super) static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    let mut dictionary = Dictionary::default();
    let mut waiting = Vec::new();
    for line in
        SOURCES.iter().flat_map(|source| source.lines()).filter(|line| !line.starts_with('#'))
    {
        let columns: Vec<&'static str> = line.split('\t').collect();
        let [kind, severity, usage, alternative, terms] = columns[..] else { continue };
        let kind = match kind {
            "diagnosis" => Some(Kind::Diagnosis),
            "procedure" => Some(Kind::Procedure),
            "medication" => Some(Kind::Medication),
            "specialist" => Some(Kind::Specialist),
            "symptom" => Some(Kind::Symptom),
            "idiom" => None,
            list => {
                dictionary.lists.entry(list).or_default().extend(terms.split('|').map(stem));
                continue;
            }
        };
        let severity = if severity == "high" { Severity::High } else { Severity::Medium };
        let usage = match usage {
            "always" => Usage::Always,
            "unless" => Usage::Unless,
            _ => Usage::Context,
        };
        for term in terms.split('|') {
            let parts: Vec<Part> = term.split(' ').map(Part::of).collect();
            let phrase = Phrase { kind, severity, usage, alternative, parts };
            waiting.push(phrase);
        }
    }
    for phrase in waiting {
        let place = dictionary.all.len();
        match &phrase.parts[0] {
            Part::Word(word) | Part::Exact(word, _) => {
                dictionary.starts.entry(word.clone()).or_default().push(place)
            }
            Part::Of(list) => {
                for word in dictionary.lists.get(list).into_iter().flatten() {
                    dictionary.starts.entry(word.clone()).or_default().push(place);
                }
            }
            Part::Number => dictionary.numbers.push(place),
        }
        if let ([Part::Word(word)], Usage::Always) = (&phrase.parts[..], phrase.usage) {
            for form in slips(word) {
                dictionary.slips.entry(form).or_default().push(place);
            }
        }
        dictionary.all.push(phrase);
    }
    let all = &dictionary.all;
    for places in dictionary.starts.values_mut() {
        places.sort_by_key(|place| std::cmp::Reverse(all[*place].parts.len()));
    }
    dictionary
});

const COUNTS: [&str; 21] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "twenty", "thirty", "forty", "fifty",
    "hundred",
];

fn is_number(token: &Token) -> bool {
    token.word.bytes().all(|byte| byte.is_ascii_digit()) || COUNTS.contains(&token.word.as_str())
}

/// The word itself and all that it becomes when one letter is left out.
fn slips(word: &str) -> Vec<String> {
    if word.len() < LONG || !word.is_ascii() {
        return Vec::new();
    }
    let mut forms = vec![word.to_owned()];
    for at in 1..word.len() {
        forms.push(format!("{}{}", &word[..at], &word[at + 1..]));
    }
    forms
}

fn is_slip(written: &str, meant: &str) -> bool {
    if written.len() != meant.len() {
        return true;
    }
    let wrong: Vec<(u8, u8)> =
        written.bytes().zip(meant.bytes()).filter(|(left, right)| left != right).collect();
    let vowel = |letter: u8| b"aeiouy".contains(&letter);
    match wrong[..] {
        [(left, right)] => vowel(left) && vowel(right),
        [(left, right), (next, after)] => left == after && right == next,
        _ => false,
    }
}
