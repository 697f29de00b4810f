//! Folding: what makes two texts the same to whoever searches.
//!
//! Compatibility forms are one with what they stand for (NFKD: `ﬁ` = `fi`, full width = half width), case is gone
//! (`ß` = `SS`, both sigmas, `ı` = `İ` = `i`), accents and vowel points are gone (`é` = `e`, `й` = `и`), and so are
//! strokes that Unicode takes for letters of their own (`Ł` = `l`, `Ø` = `o`, `Æ` = `ae`). Curly apostrophes and long
//! dashes are plain ones. White space and control characters are one space, none at the ends. What nobody sees
//! (zero-width characters, soft hyphens, marks of direction) is dropped.
//!
//! Marks that make another letter stay: the vowel signs of Indic scripts and of Thai, the voicing marks of kana.
//! Folding a folded text changes nothing, and a folded text never has a line break: blocks join rows with them.

use std::ops::Range;

use unicode_normalization::char::{canonical_combining_class, compose, decompose_compatible};
use zeroize::Zeroizing;

/// A part of a text, in UTF-16 code units: what `String.prototype.slice` of a JavaScript client counts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema,
)]
pub struct Span {
    /// Where it begins.
    pub offset: u32,
    /// How long it is. An error's place may be empty: the end of the query.
    pub length: u32,
}

/// One character of a folded text, and the bytes of the original that it stands for.
struct Piece {
    folded: char,
    class: u8,
    source: Range<usize>,
}

/// `text`, folded.
pub fn fold(text: &str) -> Zeroizing<String> {
    // Most text is ASCII, and this is the inner loop of building blocks.
    if text.is_ascii() {
        return fold_ascii(text);
    }
    let pieces = fold_pieces(text);
    let mut folded = Zeroizing::new(String::with_capacity(pieces.len() * 4));
    folded.extend(pieces.iter().map(|piece| piece.folded));
    folded
}

fn fold_ascii(text: &str) -> Zeroizing<String> {
    let mut folded = Zeroizing::new(String::with_capacity(text.len()));
    let mut gap = false;
    for c in text.chars() {
        if is_space(c) {
            gap = !folded.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            folded.push(' ');
        }
        folded.push(replaced(c).unwrap_or(c).to_ascii_lowercase());
    }
    folded
}

/// A folded text that knows where each of its characters stood.
///
/// Personal data: `Debug` shows nothing of it.
pub struct Folded {
    text: Zeroizing<String>,
    /// For each character, by its first byte in `text`.
    places: Vec<(usize, Range<usize>)>,
    /// The UTF-16 offset of every byte offset that begins a character, and of the end.
    units: Vec<(usize, u32)>,
}

impl std::fmt::Debug for Folded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Folded(..)")
    }
}

impl Folded {
    /// Folds `original`, keeping the way back.
    pub fn new(original: &str) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(original.len() * 2));
        let mut places = Vec::with_capacity(original.len());
        for piece in fold_pieces(original) {
            places.push((text.len(), piece.source));
            text.push(piece.folded);
        }
        Self { text, places, units: utf16_offsets(original) }
    }

    /// The folded text: the same as [`fold`] gives.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the bytes `range` of the folded text stood in the original. A character that was folded from several, or
    /// that several were folded from, is never cut.
    pub fn source(&self, range: Range<usize>) -> Span {
        let first = self.places.partition_point(|(at, _)| *at < range.start);
        let last = self.places.partition_point(|(at, _)| *at < range.end);
        let covered = self.places.get(first..last).unwrap_or_default();
        let start = covered.iter().map(|(_, source)| source.start).min().unwrap_or(0);
        let end = covered.iter().map(|(_, source)| source.end).max().unwrap_or(start);
        let (start, end) = (self.unit(start), self.unit(end));
        Span { offset: start, length: end - start }
    }

    fn unit(&self, byte: usize) -> u32 {
        let at = self.units.partition_point(|(offset, _)| *offset < byte);
        self.units.get(at).or(self.units.last()).map_or(0, |(_, unit)| *unit)
    }
}

/// The UTF-16 offset of each character of `text`, by its byte offset, and of the end.
pub(super) fn utf16_offsets(text: &str) -> Vec<(usize, u32)> {
    let mut units = 0;
    let mut offsets = Vec::with_capacity(text.len() + 1);
    for (at, c) in text.char_indices() {
        offsets.push((at, units));
        units += c.len_utf16() as u32;
    }
    offsets.push((text.len(), units));
    offsets
}

fn fold_pieces(text: &str) -> Vec<Piece> {
    let mut decomposed: Vec<Piece> = Vec::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let source = at..at + c.len_utf8();
        decompose(c, |part| decomposed.push(Piece::new(part, source.clone())));
    }
    order_marks(&mut decomposed);

    let mut pieces: Vec<Piece> = Vec::with_capacity(decomposed.len());
    for part in decomposed {
        let before = pieces.len();
        fold_decomposed(part.folded, &mut |folded| {
            pieces.push(Piece::new(folded, part.source.clone()));
        });
        // A mark that is dropped belongs to the letter it stands on: no highlight may end between the two.
        if pieces.len() == before
            && let Some(last) = pieces.last_mut()
        {
            last.source.end = last.source.end.max(part.source.end);
        }
    }
    order_marks(&mut pieces);
    collapse_spaces(compose_pieces(pieces))
}

impl Piece {
    fn new(folded: char, source: Range<usize>) -> Self {
        Self { folded, class: canonical_combining_class(folded), source }
    }
}

/// As NFKD, but for characters that it would turn into a space and an accent.
fn decompose(c: char, push: impl FnMut(char)) {
    let mut push = push;
    match replaced(c) {
        Some(plain) => push(plain),
        None => decompose_compatible(c, push),
    }
}

/// Gives `push` what a decomposed character folds to: nothing, one character or several.
fn fold_decomposed(c: char, push: &mut impl FnMut(char)) {
    if is_unseen(c) {
        return;
    }
    for upper in c.to_uppercase() {
        for lower in upper.to_lowercase() {
            // Changing case may bring a composed letter back.
            decompose(lower, |c| fold_lower(c, push));
        }
    }
}

fn fold_lower(c: char, push: &mut impl FnMut(char)) {
    if is_space(c) {
        push(' ');
    } else if let Some(letters) = spelled(c) {
        letters.chars().for_each(push);
    } else if let Some(plain) = replaced(c) {
        push(plain);
    } else if !is_accent(c) && !is_unseen(c) {
        push(c);
    }
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Letters that Unicode doesn't take apart, but people do.
fn spelled(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' | 'ẞ' => "ss",
        'ł' | 'ƚ' => "l",
        'ø' => "o",
        'đ' | 'ð' | 'ɖ' => "d",
        'ħ' => "h",
        'ŧ' => "t",
        'ŋ' => "n",
        'ƶ' => "z",
        'ƀ' => "b",
        'ǥ' => "g",
        'ɨ' => "i",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ς' => "σ",
        'ı' => "i",
        _ => return None,
    })
}

/// Marks that keyboards and word processors put for others.
fn replaced(c: char) -> Option<char> {
    Some(match c {
        '\u{2018}'..='\u{201b}'
        | '\u{2b9}'
        | '\u{2bb}'
        | '\u{2bc}'
        | '\u{2032}'
        | '`'
        | '´'
        | '\u{1ffd}' => '\'',
        '\u{201c}'..='\u{201f}' | '«' | '»' | '\u{2033}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
        _ => return None,
    })
}

/// Default ignorable: takes no room on paper.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Accents, vowel points and tone marks, by combining class. What makes another letter has class 0 (vowel signs), 7
/// (nukta), 8 (kana voicing), 9 (virama) or a class of Thai, Lao and Tibetan vowels.
fn is_accent(c: char) -> bool {
    matches!(canonical_combining_class(c), 1 | 10..=36 | 200..=240)
}

/// Canonical order, so that the same marks in another order are the same text.
fn order_marks(pieces: &mut [Piece]) {
    let marked = |piece: &Piece| piece.class != 0;
    for run in pieces.chunk_by_mut(|a, b| marked(a) && marked(b)) {
        run.sort_by_key(|piece| piece.class);
    }
}

/// Puts Hangul syllables and voiced kana together again: a syllable is one character to whoever types it.
fn compose_pieces(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut composed: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        if let Some(last) = composed.last_mut()
            && let Some(whole) = compose(last.folded, piece.folded)
        {
            last.folded = whole;
            last.source =
                last.source.start.min(piece.source.start)..last.source.end.max(piece.source.end);
        } else {
            composed.push(piece);
        }
    }
    composed
}

fn collapse_spaces(mut pieces: Vec<Piece>) -> Vec<Piece> {
    let mut before = ' ';
    pieces
        .retain(|piece| std::mem::replace(&mut before, piece.folded) != ' ' || piece.folded != ' ');
    if pieces.last().is_some_and(|piece| piece.folded == ' ') {
        pieces.pop();
    }
    pieces
}

#[cfg(test)]
mod tests;
