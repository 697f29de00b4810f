//! The dictionary as it is matched: phrases by the stem they start with.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::folding::{Token, stem};
use super::{Kind, Severity};

pub(super) const SOURCES: [&str; 14] = [
    include_str!("dictionary.tsv"),
    include_str!("words/lists.tsv"),
    include_str!("words/everyday.tsv"),
    include_str!("words/idioms.tsv"),
    include_str!("words/conditions.tsv"),
    include_str!("words/procedures.tsv"),
    include_str!("words/treatment.tsv"),
    include_str!("words/clinical.tsv"),
    include_str!("words/spoken.tsv"),
    include_str!("words/usage.tsv"),
    include_str!("words/patterns.tsv"),
    include_str!("words/women.tsv"),
    include_str!("words/senses.tsv"),
    include_str!("words/plain.tsv"),
];

/// The shortest word whose slips of the pen are known: shorter ones are too often another word.
const LONG: usize = 8;

/// No word of the dictionary is longer, and the work for a longer one would grow with its square.
const LONGEST: usize = 24;

/// A set of lists, a bit for each.
pub(super) type Lists = u64;

/// The lists that the code asks for by name; `patterns.tsv` and others have more.
pub(super) mod list {
    use super::Lists;

    pub(super) const NAMES: [&str; 17] = [
        "personal",
        "someone",
        "veto",
        "thing",
        "topic",
        "animal",
        "place",
        "body",
        "spelt",
        "title",
        "by",
        "bite",
        "allergy",
        "article",
        "attribute",
        "follows",
        "odd",
    ];
    pub(in super::super) const PERSONAL: Lists = 1;
    pub(in super::super) const SOMEONE: Lists = 1 << 1;
    pub(in super::super) const VETO: Lists = 1 << 2;
    pub(in super::super) const THING: Lists = 1 << 3;
    pub(in super::super) const TOPIC: Lists = 1 << 4;
    pub(in super::super) const ANIMAL: Lists = 1 << 5;
    pub(in super::super) const PLACE: Lists = 1 << 6;
    pub(in super::super) const BODY: Lists = 1 << 7;
    pub(in super::super) const SPELT: Lists = 1 << 8;
    pub(in super::super) const TITLE: Lists = 1 << 9;
    pub(in super::super) const BY: Lists = 1 << 10;
    pub(in super::super) const BITE: Lists = 1 << 11;
    pub(in super::super) const ALLERGY: Lists = 1 << 12;
    pub(in super::super) const ARTICLE: Lists = 1 << 13;
    pub(in super::super) const ATTRIBUTE: Lists = 1 << 14;
    pub(in super::super) const FOLLOWS: Lists = 1 << 15;
    pub(in super::super) const ODD: Lists = 1 << 16;
}

/// One place of a phrase.
#[derive(Clone)]
pub(super) enum Part {
    /// This stem.
    Word(String),
    /// This word in this form only, for `bloods` isn't `blood`: `=bloods`. The first is its stem.
    Exact(String, &'static str),
    /// This word in capitals, in a text that is not all in capitals: `^ms`. The first is its stem.
    Capitals(String, &'static str),
    /// Any stem of a list: `@body`.
    Of(Lists),
    /// A number in digits or words: `#`.
    Number,
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
    /// Those that start with a number, by the stem after it.
    numbers: HashMap<String, Vec<usize>>,
    slips: HashMap<String, Vec<usize>>,
    signs: HashSet<String>,
    /// The bit of each list.
    names: HashMap<&'static str, Lists>,
    /// The lists that hold a stem.
    lists: HashMap<String, Lists>,
}

impl Dictionary {
    /// The phrases that may start with a token, the longest first; those that start with a number come last.
    pub(super) fn starting<'a>(
        &'a self,
        token: &Token,
        next: Option<&Token>,
    ) -> impl Iterator<Item = &'a Phrase> {
        let counted = next
            .filter(|_| is_number(token))
            .and_then(|next| self.numbers.get(&next.stem))
            .into_iter()
            .flatten();
        let places = self.starts.get(&token.stem).into_iter().flatten().chain(counted);
        places.map(|place| &self.all[*place])
    }

    /// Whether a word can stand at a place of a phrase.
    pub(super) fn fits(&self, part: &Part, token: &Token) -> bool {
        match part {
            Part::Word(word) => *word == token.stem,
            Part::Exact(_, word) => *word == token.word,
            Part::Capitals(_, word) => token.capitals && *word == token.word,
            Part::Of(list) => token.lists & list != 0,
            Part::Number => is_number(token),
        }
    }

    /// The term that a long word was meant to be: a letter dropped, added or doubled, two swapped, or a vowel for another.
    pub(super) fn meant(&self, stem: &str) -> Option<&Phrase> {
        if self.lists(stem) & list::SPELT != 0 {
            return None;
        }
        slips(stem).iter().filter_map(|form| self.slips.get(form)).flatten().find_map(|place| {
            let phrase = &self.all[*place];
            matches!(&phrase.parts[..], [Part::Word(word)] if is_slip(stem, word)).then_some(phrase)
        })
    }

    /// Whether a word alone is a sign of health, be it a weak one.
    pub(super) fn is_sign(&self, stem: &str) -> bool {
        self.signs.contains(stem)
    }

    /// Whether a phrase starts with the token, or it is a part of the body.
    pub(super) fn is_known(&self, token: &Token) -> bool {
        token.lists & list::BODY != 0 || self.starts.contains_key(&token.stem)
    }

    /// The lists that hold a stem.
    pub(super) fn lists(&self, stem: &str) -> Lists {
        self.lists.get(stem).copied().unwrap_or_default()
    }

    /// The bit of a list: those that the code asks for have their own, the others the next that is free.
    fn list(&mut self, name: &'static str) -> Lists {
        if self.names.is_empty() {
            self.names.extend(list::NAMES.iter().enumerate().map(|(bit, name)| (*name, 1 << bit)));
        }
        let next = 1_u64.checked_shl(u32::try_from(self.names.len()).unwrap_or(64)).unwrap_or(0);
        *self.names.entry(name).or_insert(next)
    }

    fn part(&mut self, written: &'static str) -> Part {
        match written.split_at_checked(1).unwrap_or_default() {
            ("@", list) => Part::Of(self.list(list)),
            ("=", word) => Part::Exact(stem(word), word),
            ("^", word) => Part::Capitals(stem(word), word),
            _ if written == "#" => Part::Number,
            _ => Part::Word(stem(&written.replace("'s", "").replace('\'', ""))),
        }
    }

    /// A term with and without each of its parts that may be left out: `broke ?@own @body`.
    fn forms(&mut self, term: &'static str) -> Vec<Vec<Part>> {
        let mut forms = vec![Vec::new()];
        for written in term.split(' ') {
            let shorter = if written.starts_with('?') { forms.clone() } else { Vec::new() };
            let part = self.part(written.trim_start_matches('?'));
            forms.iter_mut().for_each(|form| form.push(part.clone()));
            forms.extend(shorter);
        }
        forms
    }

    /// Makes a phrase one that `starting` finds.
    fn index(&mut self, phrase: Phrase) {
        let place = self.all.len();
        match &phrase.parts[0] {
            Part::Word(word) | Part::Exact(word, _) | Part::Capitals(word, _) => {
                self.starts.entry(word.clone()).or_default().push(place);
            }
            Part::Of(list) => {
                for (word, _) in self.lists.iter().filter(|(_, lists)| *lists & list != 0) {
                    self.starts.entry(word.clone()).or_default().push(place);
                }
            }
            Part::Number => {
                if let Some(Part::Word(word) | Part::Exact(word, _)) = phrase.parts.get(1) {
                    self.numbers.entry(word.clone()).or_default().push(place);
                }
            }
        }
        if let ([Part::Word(word)], Some(_)) = (&phrase.parts[..], phrase.kind) {
            if phrase.usage == Usage::Always {
                for form in slips(word) {
                    self.slips.entry(form).or_default().push(place);
                }
            }
            self.signs.insert(word.clone());
        }
        self.all.push(phrase);
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
                let bit = dictionary.list(list);
                for word in terms.split('|') {
                    *dictionary.lists.entry(stem(word)).or_default() |= bit;
                }
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
            for parts in dictionary.forms(term) {
                waiting.push(Phrase { kind, severity, usage, alternative, parts });
            }
        }
    }
    waiting.into_iter().for_each(|phrase| dictionary.index(phrase));
    let all = &dictionary.all;
    for places in dictionary.starts.values_mut() {
        places.sort_by_key(|place| {
            (std::cmp::Reverse(all[*place].parts.len()), all[*place].kind.is_some())
        });
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
    if !(LONG..=LONGEST).contains(&word.len()) || !word.is_ascii() {
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
