//! Dates on which a tenant calls nobody, and the bank holidays of England and Wales by rule.
//!
//! Source: Banking and Financial Dealings Act 1971, schedule 1, and the proclamations under its section 1(3) that have
//! added New Year's Day and the early May bank holiday every year. Single days by proclamation (jubilees, funerals) are
//! not foreseeable; a tenant adds those by hand.

use chrono::{Datelike, Days, NaiveDate, Weekday};

pub use super::store::closed_dates::{list, put, remove};

/// A date on which nobody is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedDate {
    /// The local date.
    pub date: NaiveDate,
    /// What it is called; at most 120 characters.
    pub name: String,
}

/// Years for which the rules below hold and dates are accepted.
pub const YEARS: std::ops::RangeInclusive<i32> = 2000..=2199;

/// The bank holidays of England and Wales in a year of [`YEARS`]; none in other years.
pub fn bank_holidays(year: i32) -> Vec<ClosedDate> {
    if !YEARS.contains(&year) {
        return Vec::new();
    }
    holidays(year)
        .into_iter()
        .flatten()
        .map(|(date, name)| ClosedDate { date, name: name.to_owned() })
        .collect()
}

fn holidays(year: i32) -> [Option<(NaiveDate, &'static str)>; 8] {
    let day = |month, day| NaiveDate::from_ymd_opt(year, month, day);
    let easter = easter_sunday(year);
    let christmas = day(12, 25);
    // When Christmas falls on a weekend, its substitute must not be the day that Boxing Day takes.
    let (christmas, boxing) = match christmas.map(|date| date.weekday()) {
        Some(Weekday::Fri) => (christmas, day(12, 28)),
        Some(Weekday::Sat) => (day(12, 27), day(12, 28)),
        Some(Weekday::Sun) => (day(12, 27), day(12, 26)),
        _ => (christmas, day(12, 26)),
    };
    [
        day(1, 1).map(monday_if_weekend).map(|d| (d, "New Year's Day")),
        easter.and_then(|d| d.checked_sub_days(Days::new(2))).map(|d| (d, "Good Friday")),
        easter.and_then(|d| d.checked_add_days(Days::new(1))).map(|d| (d, "Easter Monday")),
        nth_monday(year, 5, 1).map(|d| (moved_may_day(d), "Early May bank holiday")),
        last_monday_of_may(year).map(|d| (d, "Spring bank holiday")),
        last_monday(year, 8).map(|d| (d, "Summer bank holiday")),
        christmas.map(|d| (d, "Christmas Day")),
        boxing.map(|d| (d, "Boxing Day")),
    ]
}

fn monday_if_weekend(date: NaiveDate) -> NaiveDate {
    let later = match date.weekday() {
        Weekday::Sat => 2,
        Weekday::Sun => 1,
        _ => 0,
    };
    date + Days::new(later)
}

fn nth_monday(year: i32, month: u32, n: u8) -> Option<NaiveDate> {
    NaiveDate::from_weekday_of_month_opt(year, month, Weekday::Mon, n)
}

fn last_monday(year: i32, month: u32) -> Option<NaiveDate> {
    nth_monday(year, month, 5).or_else(|| nth_monday(year, month, 4))
}

/// Moved to the Friday of VE Day's anniversary in 2020.
fn moved_may_day(usual: NaiveDate) -> NaiveDate {
    if usual.year() == 2020 { usual + Days::new(4) } else { usual }
}

/// Moved into June by the jubilees of 2002, 2012 and 2022.
fn last_monday_of_may(year: i32) -> Option<NaiveDate> {
    match year {
        2002 | 2012 => NaiveDate::from_ymd_opt(year, 6, 4),
        2022 => NaiveDate::from_ymd_opt(year, 6, 2),
        _ => last_monday(year, 5),
    }
}

/// Gregorian Easter.
///
/// Source: the "anonymous" algorithm in Nature, 20 April 1876, as in Meeus, Astronomical Algorithms, chapter 8.
fn easter_sunday(year: i32) -> Option<NaiveDate> {
    let golden = year % 19;
    let (century, rest) = (year / 100, year % 100);
    let corrected = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - corrected + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let shift = (golden + 11 * epact + 22 * weekday) / 451;
    let sum = epact + weekday - 7 * shift + 114;
    NaiveDate::from_ymd_opt(year, (sum / 31).try_into().ok()?, (sum % 31 + 1).try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(year: i32) -> Vec<String> {
        bank_holidays(year).iter().map(|h| h.date.format("%m-%d").to_string()).collect()
    }

    /// Compared with the lists that the government publishes.
    #[test]
    fn the_years_are_as_published() {
        for (year, expected, why) in [
            (
                2020,
                "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28",
                "VE Day; Boxing Day a Saturday",
            ),
            (2021, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28", "Christmas a Saturday"),
            (
                2022,
                "01-03 04-15 04-18 05-02 06-02 08-29 12-27 12-26",
                "Christmas a Sunday, a jubilee",
            ),
            (2023, "01-02 04-07 04-10 05-01 05-29 08-28 12-25 12-26", "New Year a Sunday"),
            (
                2024,
                "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26",
                "Easter in March, a leap year",
            ),
            (2025, "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26", "nothing moved"),
            (2026, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28", "Boxing Day a Saturday"),
            (2027, "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28", "Christmas a Saturday"),
            (2028, "01-03 04-14 04-17 05-01 05-29 08-28 12-25 12-26", "New Year a Saturday"),
        ] {
            assert_eq!(dates(year).join(" "), expected, "{year}: {why}");
        }
    }

    #[test]
    fn no_holiday_of_any_year_falls_on_a_weekend_or_twice_on_a_day() {
        for year in YEARS {
            let holidays = bank_holidays(year);
            let mut days: Vec<_> = holidays.iter().map(|holiday| holiday.date).collect();
            assert!(days.iter().all(|d| !matches!(d.weekday(), Weekday::Sat | Weekday::Sun)));
            days.sort_unstable();
            days.dedup();
            assert_eq!(days.len(), 8, "{year}");
        }
        assert_eq!(bank_holidays(1066), [], "outside the years");
    }
}
