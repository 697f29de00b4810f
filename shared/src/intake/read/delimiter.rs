//! What stands between cells.

use super::ReadError;
use super::delimited::Records;

/// Rows that are looked at to find the delimiter.
const SAMPLE: usize = 50;

/// What stands between cells.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportDelimiter")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
}

impl Delimiter {
    /// All of them. Where two fit equally well, the first is meant.
    pub const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    /// The character.
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

/// What a first line `sep=;` says, and where the table begins.
pub(super) fn declared(text: &str) -> Result<(Option<Delimiter>, usize), ReadError> {
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    let bare = line.trim_matches('"');
    let Some(named) =
        bare.get(..4).filter(|word| word.eq_ignore_ascii_case("sep=")).map(|_| &bare[4..])
    else {
        return Ok((None, 0));
    };
    let delimiter = match named {
        // A program that sees the line as a row of two cells may have added more delimiters.
        "," | ",," => Delimiter::Comma,
        ";" | ";;" => Delimiter::Semicolon,
        "\t" | "\t\t" => Delimiter::Tab,
        _ => return Err(ReadError::Delimiter),
    };
    let rest = &text.as_bytes()[line.len()..];
    let end = match rest {
        [b'\r', b'\n', ..] => 2,
        [] => 0,
        _ => 1,
    };
    Ok((Some(delimiter), line.len() + end))
}

/// The delimiter under which the first rows look most like a table: most of them as wide as the header, and wide.
pub(super) fn sniff(text: &str) -> Delimiter {
    let mut best = (0, 0, Delimiter::Comma);
    for delimiter in Delimiter::ALL {
        let (alike, width) = score(text, delimiter);
        if (alike, width) > (best.0, best.1) {
            best = (alike, width, delimiter);
        }
    }
    best.2
}

/// How many in a hundred rows are as wide as the header, and how wide that is; nothing if it is one cell.
fn score(text: &str, delimiter: Delimiter) -> (usize, usize) {
    let mut widths = Vec::new();
    for raw in Records::new(text, delimiter, 0).take(SAMPLE) {
        match raw {
            Ok(raw) if raw.is_blank() => {}
            Ok(raw) => widths.push(raw.cells.len()),
            Err(_) => break,
        }
    }
    let Some(header) = widths.first().copied().filter(|width| *width > 1) else { return (0, 0) };
    let alike = widths.iter().filter(|width| **width == header).count();
    (alike * 100 / widths.len(), header)
}
