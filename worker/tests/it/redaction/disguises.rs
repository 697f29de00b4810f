//! What an encoder makes of a word, and finding any of it in bytes.

use aho_corasick::{AhoCorasick, MatchKind};
use md5::{Digest, Md5};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};

/// A word in every disguise that we could think of. Case of ASCII letters is no matter: whoever looks for these looks in any case.
fn of(word: &str) -> Vec<Vec<u8>> {
    let mut all = vec![word.as_bytes().to_vec()];
    all.extend(encoded(word.as_bytes()));
    // Digits of one case of letters are not those of the other.
    all.push(hex::encode(word.to_lowercase()).into_bytes());
    all.push(hex::encode(word.to_uppercase()).into_bytes());
    let utf16: Vec<u16> = word.encode_utf16().collect();
    all.push(utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect());
    all.push(utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect());
    all.push(word.chars().flat_map(|char| u32::from(char).to_le_bytes()).collect());
    all.push(word.bytes().rev().collect());
    let each =
        |write: &dyn Fn(char) -> String| word.chars().map(write).collect::<String>().into_bytes();
    let but = |kept: &str, write: &dyn Fn(char) -> String| {
        each(&|char| match char.is_ascii_alphanumeric() || kept.contains(char) {
            true => char.to_string(),
            false => write(char),
        })
    };
    let code = u32::from;
    all.push(each(&|char| format!("%{:02x}", code(char))));
    all.push(but("", &|char| format!("%{:02x}", code(char))));
    // What addresses leave as it is: RFC 3986, 2.3.
    all.push(but("-._~", &|char| format!("%{:02x}", code(char))));
    all.push(but("-._~", &|char| format!("={:02x}", code(char))));
    all.push(each(&|char| format!("\\u{:04x}", code(char))));
    all.push(but("", &|char| format!("\\u{:04x}", code(char))));
    all.push(each(&|char| format!("\\x{:02x}", code(char))));
    all.push(each(&|char| format!("&#{};", code(char))));
    all.push(each(&|char| format!("&#x{:x};", code(char))));
    if let Ok(number) = word.parse::<i64>() {
        all.extend(digits(word, number));
    }
    all
}

/// Bytes as digits of base 16 and 64, wherever they begin.
fn encoded(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![hex::encode(bytes).into_bytes()];
    for lead in 0..3 {
        // What the neighbours share a character with is left out.
        let text = data_encoding::BASE64_NOPAD.encode(&[&vec![b' '; lead], bytes].concat());
        let (from, whole) = ([0, 2, 3][lead], (lead + bytes.len()) * 8 / 6);
        let text = &text[from..whole];
        all.push(text.as_bytes().to_vec());
        all.push(text.replace('+', "-").replace('/', "_").into_bytes());
    }
    all
}

/// A number of ten digits or so, as a number: a machine's, a database's, or as people write it.
fn digits(word: &str, number: i64) -> Vec<Vec<u8>> {
    let mut all = vec![number.to_le_bytes().to_vec(), number.to_be_bytes().to_vec()];
    let packed = if word.len().is_multiple_of(2) { word.to_owned() } else { format!("0{word}") };
    all.extend(hex::decode(&packed));
    // PostgreSQL's numeric: digits of base 10,000, from the end.
    let mut parts = Vec::new();
    let mut left = number;
    while left > 0 {
        parts.push(u16::try_from(left % 10_000).unwrap_or(0));
        left /= 10_000;
    }
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        all.push(parts.iter().rev().flat_map(|part| order(*part)).collect());
    }
    for cuts in [&[4][..], &[4, 7], &[3, 6], &[2, 6]] {
        for with in [" ", "-", "."] {
            let mut text = word.to_owned();
            cuts.iter()
                .rev()
                .filter(|at| **at < word.len())
                .for_each(|at| text.insert_str(*at, with));
            all.push(text.into_bytes());
        }
    }
    all
}

/// A value's hashes without a key: who guesses the value knows that it is there.
fn hashes(value: &str) -> Vec<Vec<u8>> {
    let ours = [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256, &SHA512];
    ours.into_iter()
        .map(|algorithm| digest(algorithm, value.as_bytes()).as_ref().to_vec())
        // What SQL has at hand.
        .chain([Md5::digest(value.as_bytes()).to_vec()])
        .flat_map(|hash| encoded(&hash).into_iter().chain([hash]).collect::<Vec<_>>())
        .collect()
}

/// What must not be found, each with what it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks<'a> {
    /// Words, in every disguise.
    pub(super) words: &'a [(&'a str, &'a str)],
    /// Whole values, of which a hash would tell too much.
    pub(super) values: &'a [(&'a str, &'a str)],
}

/// Marks, made ready to be looked for.
pub(super) struct Wanted<'a> {
    names: Vec<&'a str>,
    finder: AhoCorasick,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(marks: Marks<'a>) -> Self {
        let (mut names, mut patterns) = (Vec::new(), Vec::new());
        let disguised =
            marks.words.iter().flat_map(|(name, word)| of(word).into_iter().map(|it| (*name, it)));
        let hashed = marks
            .values
            .iter()
            .flat_map(|(name, value)| hashes(value).into_iter().map(|it| (*name, it)));
        for (name, pattern) in disguised.chain(hashed) {
            assert!(pattern.len() >= 5, "{name}: too short to mean anything");
            names.push(name);
            patterns.push(pattern);
        }
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(patterns)
            .unwrap();
        Self { names, finder }
    }

    /// What is found, each name once, with what stands around it.
    pub(super) fn find(&self, bytes: &[u8]) -> Vec<(&'a str, String)> {
        let mut found: Vec<(&str, String)> = Vec::new();
        for hit in self.finder.find_overlapping_iter(bytes) {
            let name = self.names[hit.pattern().as_usize()];
            if found.iter().all(|(other, _)| *other != name) {
                let around =
                    &bytes[hit.start().saturating_sub(100)..(hit.end() + 100).min(bytes.len())];
                found.push((name, String::from_utf8_lossy(around).into_owned()));
            }
        }
        found
    }
}

#[test]
fn a_word_is_found_in_every_disguise_and_its_neighbour_in_none() {
    let word = "mark.of@Quill";
    let (words, values) = ([("word", word)], [("value", word)]);
    let wanted = Wanted::new(Marks { words: &words, values: &values });
    let html: String = word.chars().map(|char| format!("&#{};", char as u32)).collect();
    let escaped: String = word.chars().map(|char| format!("\\u{:04X}", char as u32)).collect();
    let utf16 =
        |order: fn(u16) -> [u8; 2]| word.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    for (written, how) in [
        (word.as_bytes().to_vec(), "as it is"),
        (word.to_uppercase().into_bytes(), "in capitals"),
        (hex::encode(word).into_bytes(), "hexadecimal"),
        (hex::encode_upper(word).into_bytes(), "hexadecimal, in capitals"),
        (utf16(u16::to_le_bytes), "UTF-16"),
        (utf16(u16::to_be_bytes), "UTF-16, the other way round"),
        (word.chars().rev().collect::<String>().into_bytes(), "from behind"),
        (b"mark.of%40Quill".to_vec(), "in an address"),
        (b"mark.of=40Quill".to_vec(), "in a mail"),
        (b"mark\\u002eof\\u0040Quill".to_vec(), "in careful JSON"),
        (escaped.into_bytes(), "in anxious JSON"),
        (html.into_bytes(), "in HTML"),
        (data_encoding::BASE64.encode(format!("a{word}").as_bytes()).into_bytes(), "base 64"),
        (data_encoding::BASE64.encode(format!("ab{word}z").as_bytes()).into_bytes(), "base 64"),
        (data_encoding::BASE64URL.encode(format!("abc{word}").as_bytes()).into_bytes(), "base 64"),
    ] {
        let among = [b"before ", &written[..], b" after"].concat();
        assert_eq!(wanted.find(&among).first().map(|it| it.0), Some("word"), "{how}");
    }
    let hash = digest(&SHA256, word.as_bytes());
    assert_eq!(wanted.find(hex::encode(hash).as_bytes())[0].0, "value");
    assert_eq!(wanted.find(hash.as_ref())[0].0, "value");
    assert_eq!(wanted.find(hex::encode(Md5::digest(word)).as_bytes())[0].0, "value");
    for other in ["mark.of@Quyll", "nark.of@Quill", "mark-of@Quill"] {
        let all: Vec<u8> = of(other).into_iter().chain(hashes(other)).flatten().collect();
        assert_eq!(wanted.find(&all), [], "{other}");
    }

    let number = Wanted::new(Marks { words: &[("number", "7700900001")], values: &[] });
    for (written, how) in [
        (b"+44 7700 900001".to_vec(), "with a space"),
        (b"07700-900-001".to_vec(), "with hyphens"),
        (7_700_900_001i64.to_le_bytes().to_vec(), "as a machine has it"),
        (7_700_900_001i64.to_be_bytes().to_vec(), "as a database sends it"),
        (vec![0x77, 0x00, 0x90, 0x00, 0x01], "packed"),
        ([77u16, 90, 1].iter().flat_map(|it| it.to_le_bytes()).collect(), "a column of numbers"),
    ] {
        assert_eq!(number.find(&written).len(), 1, "{how}");
    }
}
