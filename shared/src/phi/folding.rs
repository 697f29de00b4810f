//! Text as it was meant: marks, widths, cases and invisible characters folded away, each folded character knowing where it came from.

use super::dictionary::{DICTIONARY, Lists};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// One character after folding and the UTF-16 code units of the text that it stands for.
#[derive(Clone, Copy)]
pub(super) struct Folded {
    pub(super) char: char,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it was written as a capital letter.
    capital: bool,
}

/// A run of letters and digits: its folded characters `from..to`, its word as written and its stem.
pub(super) struct Token {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) word: String,
    pub(super) stem: String,
    pub(super) sentence: usize,
    /// The part of a sentence between commas, colons, brackets and dashes; counted through the text.
    pub(super) clause: usize,
    /// Whether it is written in capitals in a text that is not.
    pub(super) capitals: bool,
    /// The lists of the dictionary that hold its stem.
    pub(super) lists: Lists,
}

impl Token {
    /// A word that stands in the text in two pieces.
    pub(super) fn joined(stem: String) -> Self {
        Self {
            from: 0,
            to: 0,
            word: String::new(),
            stem,
            sentence: 0,
            clause: 0,
            capitals: false,
            lists: 0,
        }
    }
}

impl Token {
    /// Whether a full stop after it ends no sentence: an initial or a title.
    fn is_shortened(&self) -> bool {
        self.word.len() == 1 && self.word.chars().all(char::is_alphabetic)
            || matches!(self.word.as_str(), "dr" | "mr" | "mrs" | "ms" | "st")
    }
}

/// Folds a text. Invisible characters and marks vanish; every other character keeps its place.
pub(super) fn fold(text: &str) -> Vec<Folded> {
    let mut folded = Vec::with_capacity(text.len());
    let mut start = 0;
    for source in text.chars() {
        let end = start + source.len_utf16();
        for part in std::iter::once(source).nfkd().flat_map(char::to_lowercase) {
            let invisible = matches!(part, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{34f}');
            if invisible || is_combining_mark(part) {
                continue;
            }
            let char = match part {
                '\u{e6}' | '\u{153}' => 'e',
                '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
                '\u{2018}' | '\u{2019}' => '\'',
                other => other,
            };
            folded.push(Folded { char, start, end, capital: source.is_uppercase() });
        }
        start = end;
    }
    folded
}

/// The words of a folded text, each with the number of its sentence. "H.I.V." and "it's" are one word.
pub(super) fn tokens(text: &[Folded]) -> Vec<Token> {
    let mut found = Vec::new();
    let (mut at, mut sentence, mut clause) = (0, 0, 0);
    while let Some(here) = text.get(at) {
        if !here.char.is_alphanumeric() {
            if matches!(here.char, '!' | '?' | '\n' | ';')
                || (here.char == '.'
                    && text.get(at + 1).is_some_and(|next| next.char.is_whitespace())
                    && !found
                        .last()
                        .is_some_and(|last: &Token| last.to == at && last.is_shortened()))
            {
                sentence += 1;
                clause += 1;
            }
            clause += usize::from(parts(text, at));
            at += 1;
            continue;
        }
        let from = at;
        let mut word = String::new();
        let mut owner = 0;
        let mut to = at;
        while let Some(next) = text.get(at) {
            let initials = word.len() <= 6
                && next.char == '.'
                && at == from + 2 * word.len() - 1
                && text.get(at + 1).is_some_and(|after| after.char.is_alphabetic());
            if next.char == '\'' {
                owner = word.len();
            }
            if next.char.is_alphanumeric() {
                word.push(next.char);
                to = at + 1;
            } else if !(next.char == '\'' || (initials && word.chars().all(char::is_alphabetic))) {
                break;
            }
            at += 1;
        }
        if owner > 0 && word[owner..] == *"s" {
            word.truncate(owner);
        }
        let capitals = word.len() > 1 && text[from..to].iter().all(is_capital);
        let stem = stem(&word);
        let lists = DICTIONARY.lists(&stem);
        found.push(Token { from, to, stem, word, sentence, clause, capitals, lists });
    }
    // In a text all in capitals they mean nothing.
    if 2 * found.iter().filter(|token| token.capitals).count() > found.len().max(3) {
        found.iter_mut().for_each(|token| token.capitals = false);
    }
    found
}

/// Whether a clause ends at a sign: a comma, a colon, a bracket, or a dash between blanks.
fn parts(text: &[Folded], at: usize) -> bool {
    match text[at].char {
        ',' | ':' | '(' | ')' | '/' => true,
        '-' => text.get(at + 1).is_some_and(|next| next.char.is_whitespace()),
        _ => false,
    }
}

fn is_capital(folded: &Folded) -> bool {
    folded.capital || !folded.char.is_alphabetic()
}

/// One form for the forms of a word, and for its British and its American spelling. Not a linguist's stem: the dictionary
/// goes through the same function.
pub(super) fn stem(word: &str) -> String {
    let mut stem = word.to_owned();
    if !stem.is_ascii() || stem.len() < 4 {
        return stem;
    }
    stem = stem
        .replace("ae", "e")
        .replace("oe", "e")
        .replace("our", "or")
        .replace("ys", "yz")
        .replace("is", "iz");
    for (ending, instead) in [("ies", "y"), ("sses", "ss"), ("ses", "s"), ("s", "")] {
        if let Some(rest) = stem.strip_suffix(ending) {
            if !(ending == "s" && rest.ends_with(['s', 'u'])) {
                stem = format!("{rest}{instead}");
            }
            break;
        }
    }
    for ending in ["ing", "ed"] {
        if let Some(rest) = stem.strip_suffix(ending).filter(|rest| rest.len() >= 4) {
            let bytes = rest.as_bytes();
            let doubled = bytes.len() > 4
                && bytes[bytes.len() - 1] == bytes[bytes.len() - 2]
                && !rest.ends_with('s');
            stem = rest[..rest.len() - usize::from(doubled)].to_owned();
            break;
        }
    }
    for ending in ["iz", "l", "e"] {
        if let Some(rest) = stem.strip_suffix(ending).filter(|rest| {
            rest.len() >= 4
                && (ending != "l" || rest.ends_with('l'))
                && (ending != "iz" || word.ends_with("is"))
        }) {
            stem = rest.to_owned();
        }
    }
    stem
}
