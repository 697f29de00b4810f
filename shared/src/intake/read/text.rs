//! From bytes to text: what kind of file it is, and which characters it has.

use std::borrow::Cow;

use super::ReadError;

/// What a file is.
pub(super) enum Kind<'a> {
    Workbook,
    Text(Cow<'a, str>),
}

/// What a file is by its first bytes, and its text if it is one.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind<'_>, ReadError> {
    match bytes {
        [] => Err(ReadError::Empty),
        [b'P', b'K', 3, 4, ..] => Ok(Kind::Workbook),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Err(ReadError::OldWorkbook),
        [b'P', b'K', 5, 6, ..] => Err(ReadError::NotATable),
        [b'%', b'P', b'D', b'F', ..] | [0x89, b'P', b'N', b'G', ..] | [0x1f, 0x8b, ..] => {
            Err(ReadError::NotATable)
        }
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<Kind<'_>, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let line = line_at(bytes, at);
        match bytes[..at].contains(&0) {
            true => ReadError::NulByte { line: line_at(bytes, first_nul(bytes)) },
            false => ReadError::NotUtf8 { line, byte: at + 1, windows: is_windows(bytes, at) },
        }
    })?;
    checked(Cow::Borrowed(text.trim_start_matches('\u{feff}')))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Kind<'_>, ReadError> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::with_capacity(bytes.len());
    for c in char::decode_utf16(units) {
        let line = |text: &str| line_at(text.as_bytes(), text.len());
        text.push(c.map_err(|_| ReadError::BadUtf16 { line: line(&text) })?);
    }
    if bytes.len() % 2 == 1 {
        return Err(ReadError::BadUtf16 { line: line_at(text.as_bytes(), text.len()) });
    }
    checked(Cow::Owned(text))
}

fn checked(text: Cow<'_, str>) -> Result<Kind<'_>, ReadError> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        let line = line_at(text.as_bytes(), first_nul(text.as_bytes()));
        return Err(ReadError::NulByte { line });
    }
    let start = text.trim_start();
    if start.is_empty() {
        return Err(ReadError::Empty);
    }
    let begins = |word: &str| start.get(..word.len()).is_some_and(|s| s.eq_ignore_ascii_case(word));
    if ["<!doctype", "<html", "<?xml", "<table"].into_iter().any(begins) {
        return Err(ReadError::NotATable);
    }
    Ok(Kind::Text(text))
}

fn first_nul(bytes: &[u8]) -> usize {
    memchr::memchr(0, bytes).unwrap_or(bytes.len())
}

/// The line of the byte at this place, from 1: ends are CR LF, LF or CR.
fn line_at(bytes: &[u8], at: usize) -> usize {
    let before = &bytes[..at.min(bytes.len())];
    let lf = memchr::memchr_iter(b'\n', before).count();
    let cr = memchr::memchr_iter(b'\r', before).filter(|cr| bytes.get(cr + 1) != Some(&b'\n'));
    1 + lf + cr.count()
}

/// Whether the byte at this place is a letter, a sign of money or a quotation mark in Windows-1252, beside text.
fn is_windows(bytes: &[u8], at: usize) -> bool {
    let byte = bytes.get(at).copied().unwrap_or_default();
    let next = bytes.get(at + 1).copied().unwrap_or(b' ');
    let sign = matches!(byte, 0x80 | 0x91..=0x97 | 0xa0 | 0xa3 | 0xb0 | 0xc0..);
    sign && (next.is_ascii() || next >= 0xc0)
}
