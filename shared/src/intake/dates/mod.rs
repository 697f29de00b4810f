//! Dates and times as people and spreadsheets write them.
//!
//! | written | read as |
//! |---|---|
//! | `2027-03-01`, `2027/3/1`, `20270301` | year, month, day |
//! | `01.03.2027`, `1.3.27` | day first: nobody writes the month first with full stops |
//! | `01/03/2027`, `1-3-27` | by the order of the column ([`order`]) |
//! | `1 Mar 2027`, `1st March 2027`, `Mar 1, 2027`, `1-Mar-27`, with or without the day of the week | as it says |
//! | `46447` | a number of days, as a spreadsheet counts them |
//! | `2027-03-01T09:30`, `01/03/2027 9.30 am`, `…Z`, `…+01:00` | date and time |
//! | `09:30`, `9.30`, `0930`, `9:30 am`, `9pm`, `21:30:00`, `0.395833` | time |
//!
//! A year of two digits is 2000 to 2069 or 1970 to 1999 (as POSIX has it). Years from 1900 to 2100 are read.

pub mod order;
mod time;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};

pub use order::{Decision, Order, Survey};
pub use time::{BadTime, time};

/// Longest text that is looked at for a date or a time.
const MOST: usize = 64;
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2100;
/// Days of spreadsheets, 1954 to 2119: nothing else that stands for a date has five digits.
const SERIALS: std::ops::RangeInclusive<f64> = 20_000.0..=80_000.0;

/// Why a text is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadDate {
    /// None of the forms, or a day that no month has.
    #[error("no date that we can read: write it as 2027-03-31")]
    Unreadable,
    /// It can be read two ways, and nothing decides.
    #[error(
        "day and month can be read either way, and the column has both orders: write it as 2027-03-31"
    )]
    EitherWay,
    /// It can be read, but not in the order of the column.
    #[error("not in the order of the other dates of the column")]
    OtherOrder,
    /// The day of the week is another one.
    #[error("the day of the week does not fit the date")]
    WrongWeekday,
}

/// A date, and what was done to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// The day.
    pub day: NaiveDate,
    /// It was a number of days.
    pub serial: bool,
}

/// A moment as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// On the wall of some zone.
    Local(NaiveDateTime),
    /// With an offset.
    Instant(DateTime<Utc>),
}

/// A date that may be read in more than one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// In one way only.
    One(NaiveDate),
    /// A number of days.
    Serial(NaiveDate),
    /// Two numbers and a year: with the day first, and with the month first.
    Two { day_first: Option<NaiveDate>, month_first: Option<NaiveDate> },
}

/// A date without a time; midnight is none.
///
/// # Errors
/// [`BadDate`].
pub fn date(raw: &str, order: Option<Order>, date1904: bool) -> Result<Dated, BadDate> {
    let text = squashed(raw).ok_or(BadDate::Unreadable)?;
    let bare = match split(&text) {
        Some((day, rest)) if time(rest) == Ok(NaiveTime::MIN) => day,
        _ => text.as_str(),
    };
    chosen(read(bare, date1904)?, order)
}

/// A date with a time.
///
/// # Errors
/// [`BadDate`], or [`BadTime`] if the date is one and the time is none.
pub fn moment(
    raw: &str,
    order: Option<Order>,
    date1904: bool,
) -> Result<(Moment, bool), BadMoment> {
    let text = squashed(raw).ok_or(BadDate::Unreadable)?;
    if let Some(instant) = with_offset(&text) {
        return Ok((Moment::Instant(instant), false));
    }
    if let Some(serial) = serial(&text, date1904) {
        return Ok((Moment::Local(serial), true));
    }
    let (day, rest) = split(&text).ok_or_else(|| match read(&text, date1904) {
        Ok(_) => BadMoment::Time(BadTime::Missing),
        Err(error) => BadMoment::Date(error),
    })?;
    let dated = chosen(read(day, date1904)?, order)?;
    Ok((Moment::Local(dated.day.and_time(time(rest)?)), dated.serial))
}

/// Why a text is no date with a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadMoment {
    /// The date.
    #[error(transparent)]
    Date(#[from] BadDate),
    /// The time.
    #[error(transparent)]
    Time(#[from] BadTime),
}

fn chosen(reading: Reading, order: Option<Order>) -> Result<Dated, BadDate> {
    let day = match (reading, order) {
        (Reading::One(day), _) => day,
        (Reading::Serial(day), _) => return Ok(Dated { day, serial: true }),
        (Reading::Two { day_first, month_first }, None) => match (day_first, month_first) {
            (Some(one), Some(other)) if one != other => return Err(BadDate::EitherWay),
            (one, other) => one.or(other).ok_or(BadDate::Unreadable)?,
        },
        (Reading::Two { day_first, month_first }, Some(order)) => {
            let (wanted, other) = match order {
                Order::DayFirst => (day_first, month_first),
                Order::MonthFirst => (month_first, day_first),
            };
            match (wanted, other) {
                (Some(day), _) => day,
                (None, Some(_)) => return Err(BadDate::OtherOrder),
                (None, None) => return Err(BadDate::Unreadable),
            }
        }
    };
    Ok(Dated { day, serial: false })
}

/// How a date, with or without a time, can be read.
pub(crate) fn reading(raw: &str) -> Option<Reading> {
    let text = squashed(raw)?;
    read(&text, false).ok().or_else(|| read(split(&text)?.0, false).ok())
}

/// One line in ASCII spaces, lower case; none if it is too long for a date.
pub(crate) fn squashed(raw: &str) -> Option<String> {
    let raw = raw.trim();
    if raw.len() > MOST || raw.is_empty() {
        return None;
    }
    let mut text = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            c if c.is_whitespace() => {
                if !text.ends_with(' ') {
                    text.push(' ');
                }
            }
            '\u{200e}' | '\u{200f}' | '\u{feff}' => {}
            '\u{2010}'..='\u{2015}' => text.push('-'),
            c => text.extend(c.to_lowercase()),
        }
    }
    Some(text)
}

/// Date and time of one text: at the `t` of ISO 8601, or at the last space before something that begins with a digit and is a time.
fn split(text: &str) -> Option<(&str, &str)> {
    if let Some((day, rest)) = text.split_once('t')
        && day.len() == 10
        && day.starts_with(|c: char| c.is_ascii_digit())
    {
        return Some((day, rest));
    }
    let spaces: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
    // A time has two spaces at most: `9:30 am`, `9 30 am`.
    spaces.iter().rev().take(3).rev().find_map(|at| {
        let (day, rest) = (text[..*at].trim_end_matches([',', ' ']), text[*at..].trim());
        let day = day.strip_suffix(" at").unwrap_or(day).trim_end_matches(',');
        let begins = rest.starts_with(|c: char| c.is_ascii_digit()) || rest.starts_with("at ");
        let rest = rest.strip_prefix("at ").unwrap_or(rest);
        // The time needs its mark or its am, so that the year of `1 march 2027` is none.
        let marked = rest.contains([':', '.', 'm', 'h']);
        (begins && marked && (time(rest).is_ok() || day.len() >= 6) && read(day, false).is_ok())
            .then_some((day, rest))
    })
}

fn with_offset(text: &str) -> Option<DateTime<Utc>> {
    let text = text.to_uppercase();
    let tight = text.replacen(' ', "T", 1);
    let formats = [
        "%Y-%m-%dT%H:%M:%S%.f%#z",
        "%Y-%m-%dT%H:%M%#z",
        "%Y-%m-%dT%H:%M:%S%.f %z",
        "%Y-%m-%dT%H:%M %z",
    ];
    let zulu = tight.strip_suffix('Z').map(|bare| format!("{bare}+00:00"));
    let tight = zulu.unwrap_or(tight);
    let parsed = formats.iter().find_map(|format| DateTime::parse_from_str(&tight, format).ok())?;
    YEARS.contains(&parsed.year()).then(|| parsed.to_utc())
}

fn serial(text: &str, date1904: bool) -> Option<NaiveDateTime> {
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') || text.len() < 5 {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    if !SERIALS.contains(&number) {
        return None;
    }
    let (day, time) = super::read::moment_of_serial(number, date1904)?;
    Some(day.and_time(time))
}

fn read(text: &str, date1904: bool) -> Result<Reading, BadDate> {
    let (weekday, text) = without_weekday(text);
    let reading = read_bare(text, date1904).ok_or(BadDate::Unreadable)?;
    match (weekday, reading) {
        (Some(weekday), Reading::One(day)) if day.weekday() != weekday => {
            Err(BadDate::WrongWeekday)
        }
        // The day of the week may decide which order is meant.
        (Some(weekday), Reading::Two { day_first, month_first }) => {
            let fits = |day: &NaiveDate| day.weekday() == weekday;
            match (day_first.filter(fits), month_first.filter(fits)) {
                (None, None) => Err(BadDate::WrongWeekday),
                (day_first, month_first) => Ok(Reading::Two { day_first, month_first }),
            }
        }
        _ => Ok(reading),
    }
}

fn read_bare(text: &str, date1904: bool) -> Option<Reading> {
    if let Some(serial) = serial(text, date1904) {
        return Some(Reading::Serial(serial.date()));
    }
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return day(number(&text[..4])?, number(&text[4..6])?, number(&text[6..])?)
            .map(Reading::One);
    }
    let separators: Vec<char> =
        text.chars().filter(|c| matches!(c, '/' | '-' | '.' | ',' | ' ')).collect();
    let parts: Vec<&str> = text
        .split(['/', '-', '.', ',', ' '])
        .filter(|part| !part.is_empty() && *part != "of")
        .collect();
    let [a, b, c] = parts.as_slice() else { return None };
    if let Some(month) = month(b) {
        return day(year(c)?, month, day_number(a)?).map(Reading::One);
    }
    if let Some(month) = month(a) {
        return day(year(c)?, month, day_number(b)?).map(Reading::One);
    }
    // Numbers only, with one sign between them.
    let [one, other] = separators.as_slice() else { return None };
    if one != other || matches!(one, ',') {
        return None;
    }
    if a.len() == 4 {
        return day(number(a)?, number(b)?, number(c)?).map(Reading::One);
    }
    if a.len() > 2 || b.len() > 2 {
        return None;
    }
    let (a, b, year) = (number(a)?, number(b)?, year(c)?);
    let (day_first, month_first) = (day(year, b, a), day(year, a, b));
    match one {
        '.' => day_first.map(Reading::One),
        _ if day_first.is_none() && month_first.is_none() => None,
        _ => Some(Reading::Two { day_first, month_first }),
    }
}

fn day(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    let year = i32::try_from(year).ok().filter(|year| YEARS.contains(year))?;
    NaiveDate::from_ymd_opt(year, month, day)
}

fn number(part: &str) -> Option<u32> {
    part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
}

/// Four digits, or two: 70 to 99 are of the last century.
fn year(part: &str) -> Option<u32> {
    let number = number(part.trim_start_matches('\''))?;
    match part.trim_start_matches('\'').len() {
        2 if number < 70 => Some(2000 + number),
        2 => Some(1900 + number),
        4 => Some(number),
        _ => None,
    }
}

/// `1`, `01`, `1st`, `22nd`.
fn day_number(part: &str) -> Option<u32> {
    let digits =
        ["st", "nd", "rd", "th"].iter().find_map(|end| part.strip_suffix(end)).unwrap_or(part);
    number(digits).filter(|_| digits.len() <= 2)
}

fn month(part: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let fits = |name: &str| {
        (part.len() >= 3 && name.starts_with(part)) || (part == "sept" && name == "september")
    };
    let at = MONTHS.iter().position(|name| fits(name))?;
    u32::try_from(at + 1).ok()
}

/// `mon 1 march`, `monday, 1 march`.
fn without_weekday(text: &str) -> (Option<Weekday>, &str) {
    const DAYS: [(&str, Weekday); 7] = [
        ("monday", Weekday::Mon),
        ("tuesday", Weekday::Tue),
        ("wednesday", Weekday::Wed),
        ("thursday", Weekday::Thu),
        ("friday", Weekday::Fri),
        ("saturday", Weekday::Sat),
        ("sunday", Weekday::Sun),
    ];
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let word = &text[..end];
    let found = DAYS.iter().find(|(name, _)| word.len() >= 3 && name.starts_with(word));
    match found {
        Some((_, weekday)) => (Some(*weekday), text[end..].trim_start_matches(['.', ',', ' '])),
        None => (None, text),
    }
}

#[cfg(test)]
mod tests;
