use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::super::testing::rich_text;
use super::*;

#[test]
fn what_looks_alike_folds_alike() {
    for (text, folded, why) in [
        ("SMITH", "smith", "case"),
        ("José", "jose", "an accent"),
        ("Jose\u{301}", "jose", "the same accent, written apart"),
        ("Straße STRASSE ẞ", "strasse strasse ss", "sharp s"),
        ("ΟΔΥΣΣΕΥΣ Ὀδυσσεύς", "οδυσσευσ οδυσσευσ", "final sigma and breathings"),
        ("İSTANBUL ıstanbul", "istanbul istanbul", "the Turkish i, with and without its dot"),
        ("Łukasz Ørsted Đuro", "lukasz orsted duro", "strokes"),
        ("Æsir Œuvre Þór Ðað", "aesir oeuvre thor dad", "letters that are two elsewhere"),
        (
            "O\u{2019}Brien O´Brien O`Brien",
            "o'brien o'brien o'brien",
            "apostrophes of a phone's keyboard",
        ),
        ("Smith\u{2013}Jones", "smith-jones", "a long dash"),
        ("ﬁne Ｆｕｌｌ ①", "fine full 1", "compatibility forms"),
        ("  a\t\u{a0}\r\n b\u{3000}", "a b", "white space"),
        ("a\u{0}b", "a b", "control characters part words"),
        ("zero\u{200b}width\u{ad}\u{feff}", "zerowidth", "what nobody sees"),
        ("\u{202e}txet", "txet", "marks of direction"),
        ("שָׁלוֹם", "שלום", "Hebrew points"),
        ("مُحَمَّد", "محمد", "Arabic vowels"),
        ("हिन्दी", "हिन्दी", "Indic vowel signs make the word"),
        ("ガ カ\u{3099}", "ガ ガ", "a voiced kana is another letter"),
        ("한글 \u{1112}\u{1161}\u{11ab}", "한글 한", "a syllable is one character"),
        ("ЁЛКА", "елка", "Cyrillic"),
        ("\u{1d400}\u{1d4d0}", "aa", "letters of four bytes"),
        ("😀 x", "😀 x", "a picture is itself"),
        ("", "", "nothing"),
        ("\u{301}", "", "an accent on nothing"),
    ] {
        assert_eq!(*fold(text), folded, "{why}");
    }
}

#[test]
fn every_character_folds_once_and_for_all_and_regardless_of_case() {
    for c in '\0'..=char::MAX {
        let once = fold(&c.to_string());
        assert_eq!(*fold(&once), *once, "{c:?} folds further");
        assert!(!once.contains('\n'), "{c:?} breaks rows");
        let upper: String = c.to_uppercase().collect();
        assert_eq!(*fold(&upper), *once, "{c:?} in upper case");
    }
}

#[test]
fn spans_count_as_javascript_does() {
    for (original, needle, span, why) in [
        ("José Núñez", "nunez", (5, 5), "accents are one unit each"),
        ("Jose\u{301} x", "jose", (0, 5), "a mark goes with its letter"),
        ("Straße 1", "ss", (4, 1), "one letter folded to two"),
        ("Straße 1", "s", (0, 1), "the first hit"),
        ("😀😀 Ann", "ann", (5, 3), "pictures are two units"),
        ("zero\u{200b}width", "zerowidth", (0, 10), "what lies between is covered"),
        ("a  \t b", "a b", (0, 6), "white space as written"),
        ("\u{1112}\u{1161}\u{11ab}x", "한", (0, 3), "a syllable written apart"),
        ("ﬁne", "i", (0, 1), "half of a ligature is the ligature"),
    ] {
        let folded = Folded::new(original);
        let at = folded.text().find(needle).unwrap();
        let (offset, length) = span;
        assert_eq!(folded.source(at..at + needle.len()), Span { offset, length }, "{why}");
    }
}

proptest! {
    #[test]
    fn folding_is_the_same_however_a_text_is_written(text in rich_text()) {
        let folded = fold(&text);
        prop_assert_eq!(fold(&folded), folded.clone());
        prop_assert_eq!(fold(&text.nfc().collect::<String>()), folded.clone());
        prop_assert_eq!(fold(&text.nfd().collect::<String>()), folded.clone());
        prop_assert!(Folded::new(&text).text() == folded.as_str());
        prop_assert!(!folded.contains(['\n', '\r', '\t']) && !folded.contains("  "));
    }

    /// A highlight, cut out of the original as a client would, says what was searched.
    #[test]
    fn a_span_holds_what_was_found(text in rich_text(), from in 0usize..50, len in 1usize..10) {
        let folded = Folded::new(&text);
        let bounds: Vec<usize> = folded.text().char_indices().map(|(at, _)| at)
            .chain([folded.text().len()]).collect();
        if bounds.len() == 1 {
            return Ok(());
        }
        let from = from % (bounds.len() - 1);
        let range = bounds[from]..bounds[(from + len).min(bounds.len() - 1)];
        let span = folded.source(range.clone());
        let units: Vec<u16> = text.encode_utf16().collect();
        let cut = &units[span.offset as usize..(span.offset + span.length) as usize];
        let cut: String = String::from_utf16(cut).expect("no surrogate pair is cut");
        let needle = folded.text()[range].to_owned();
        prop_assert!(fold(&cut).contains(needle.trim()), "{cut:?} lacks {needle:?}");
    }
}
