//! Times of the day.

use chrono::NaiveTime;

/// Why a text is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTime {
    /// There is none.
    #[error("the time is missing")]
    Missing,
    /// None of the forms.
    #[error("no time that we can read: write it as 09:30 or 2:30 pm")]
    Unreadable,
}

/// A time of the day. Seconds are read and kept; fractions of them are not.
///
/// # Errors
/// [`BadTime`].
pub fn time(raw: &str) -> Result<NaiveTime, BadTime> {
    let text = super::squashed(raw).ok_or(BadTime::Missing)?;
    read(&text).ok_or(BadTime::Unreadable)
}

fn read(text: &str) -> Option<NaiveTime> {
    if let Some(time) = fraction(text) {
        return Some(time);
    }
    let (bare, half) = half_of_day(text);
    let bare = ["hours", "hrs", "hr", "uhr", "h"]
        .iter()
        .find_map(|end| bare.strip_suffix(end))
        .unwrap_or(bare);
    let bare = bare.trim_end();
    let parts: Vec<&str> = bare.split([':', '.', 'h']).collect();
    let one_sign = bare
        .chars()
        .filter(|c| !c.is_ascii_digit())
        .collect::<std::collections::HashSet<_>>()
        .len()
        <= 1;
    let all_digits = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    if !one_sign || !all_digits {
        return None;
    }
    let (hour, minute, second) = match parts.as_slice() {
        [hour] if half.is_some() && matches!(hour.len(), 1 | 2) => (*hour, "00", "00"),
        [digits] if digits.len() == 4 => (&digits[..2], &digits[2..], "00"),
        [digits] if digits.len() == 3 && half.is_some() => (&digits[..1], &digits[1..], "00"),
        [hour, minute] => (*hour, *minute, "00"),
        [hour, minute, second] => (*hour, *minute, *second),
        _ => return None,
    };
    if !matches!(hour.len(), 1 | 2) || minute.len() != 2 || second.len() != 2 {
        return None;
    }
    let hour: u32 = hour.parse().ok()?;
    let hour = match half {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(Half::Morning) => hour % 12,
        Some(Half::Afternoon) => hour % 12 + 12,
    };
    NaiveTime::from_hms_opt(hour, minute.parse().ok()?, second.parse().ok()?)
}

enum Half {
    Morning,
    Afternoon,
}

fn half_of_day(text: &str) -> (&str, Option<Half>) {
    for (end, half) in [
        ("a.m.", Half::Morning),
        ("am", Half::Morning),
        ("a.m", Half::Morning),
        ("p.m.", Half::Afternoon),
        ("pm", Half::Afternoon),
        ("p.m", Half::Afternoon),
    ] {
        if let Some(bare) = text.strip_suffix(end) {
            return (bare.trim_end(), Some(half));
        }
    }
    (text, None)
}

/// A part of a day, as a spreadsheet keeps times. With three decimals at least, or where no minutes can be meant: `0.30` is half
/// past midnight to one program and twelve past seven to another.
fn fraction(text: &str) -> Option<NaiveTime> {
    let decimals = text.strip_prefix("0.")?;
    let digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (decimals.len() < 3 && !matches!(decimals, "5" | "75")) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    super::super::read::moment_of_serial(number, false).map(|(_, time)| time)
}
