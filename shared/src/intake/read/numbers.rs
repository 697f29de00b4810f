//! Numbers of a workbook as the texts that a spreadsheet shows for them, dates as ISO 8601.

use chrono::{Days, NaiveDate, NaiveTime};

/// How a cell's number is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Format {
    date: bool,
    time: bool,
    /// At least so many digits: `00000000000` keeps the zero of a telephone number.
    digits: usize,
}

impl Format {
    /// The format of a number (ECMA-376 part 1, 18.8.30); `code` is given by the workbook for its own.
    pub(super) fn of(id: u32, code: Option<&str>) -> Self {
        match (code, id) {
            (Some(code), _) => Self::of_code(code),
            (None, 14..=17 | 27..=31 | 34..=36 | 50..=58) => Self { date: true, ..Self::default() },
            (None, 18..=21 | 32..=33 | 45..=47) => Self { time: true, ..Self::default() },
            (None, 22) => Self { date: true, time: true, digits: 0 },
            _ => Self::default(),
        }
    }

    fn of_code(code: &str) -> Self {
        let mut format = Self::default();
        // Formats for negative numbers, zero and text follow after semicolons.
        let first = code.split(';').next().unwrap_or_default();
        if first.len() >= 2 && first.bytes().all(|byte| byte == b'0') {
            format.digits = first.len();
        }
        let (mut quoted, mut bracket, mut skip, mut months) = (false, String::new(), false, false);
        let mut in_bracket = false;
        for c in first.chars() {
            match c {
                _ if skip => skip = false,
                '"' => quoted = !quoted,
                _ if quoted => {}
                '\\' | '_' | '*' => skip = true,
                '[' => {
                    in_bracket = true;
                    bracket.clear();
                }
                ']' => {
                    in_bracket = false;
                    // Elapsed hours, minutes or seconds; anything else is a colour, a language or a condition.
                    let elapsed = !bracket.is_empty()
                        && ["h", "m", "s"].iter().any(|unit| bracket.replace(unit, "").is_empty());
                    format.time |= elapsed;
                }
                _ if in_bracket => bracket.extend(c.to_lowercase()),
                'y' | 'Y' | 'd' | 'D' => format.date = true,
                'h' | 'H' | 's' | 'S' => format.time = true,
                'm' | 'M' => months = true,
                _ => {}
            }
        }
        // `m` alone is a month.
        format.date |= months && !format.time;
        format
    }

    /// The number as text.
    pub(super) fn show(self, number: f64, date1904: bool) -> String {
        if self.date || self.time {
            let moment = moment(number, date1904);
            if let Some((day, time)) = moment {
                match (self.date, self.time) {
                    (true, false) => return day.format("%Y-%m-%d").to_string(),
                    (false, _) => return time.format("%H:%M:%S").to_string(),
                    (true, true) => {
                        return day.and_time(time).format("%Y-%m-%dT%H:%M:%S").to_string();
                    }
                }
            }
        }
        let text = plain(number);
        format!("{text:0>width$}", width = self.digits)
    }
}

/// The date and time of a serial number, to the second (ECMA-376 part 1, 18.17.4).
pub(crate) fn moment(number: f64, date1904: bool) -> Option<(NaiveDate, NaiveTime)> {
    if !(0.0..2_958_466.0).contains(&number) {
        return None;
    }
    let seconds = (number * 86_400.0).round() as u64;
    let (days, second) = (seconds / 86_400, u32::try_from(seconds % 86_400).ok()?);
    let time = NaiveTime::from_num_seconds_from_midnight_opt(second, 0)?;
    // Excel believes that 1900 was a leap year, so that days before 1 March of it are one off.
    let epoch = match () {
        () if date1904 => NaiveDate::from_ymd_opt(1904, 1, 1)?,
        () if days < 60 => NaiveDate::from_ymd_opt(1899, 12, 31)?,
        () => NaiveDate::from_ymd_opt(1899, 12, 30)?,
    };
    Some((epoch.checked_add_days(Days::new(days))?, time))
}

/// All digits of it, never with an exponent, and no decimals where there are none.
fn plain(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        // 0 has no sign here.
        format!("{:.0}", number + 0.0)
    } else {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_a_spreadsheet_shows_them() {
        for (id, code, number, text, why) in [
            (0, None, 447_700_900_123.0, "447700900123", "no exponent"),
            (0, None, 30.0, "30", "no decimals"),
            (0, None, 0.5, "0.5", "decimals"),
            (0, None, -0.0, "0", "no sign"),
            (
                164,
                Some("00000000000"),
                7_700_900_123.0,
                "07700900123",
                "a zero that the format adds",
            ),
            (14, None, 46_447.0, "2027-03-01", "a date"),
            (14, None, 46_447.9, "2027-03-01", "what is not shown is not read"),
            (20, None, 46_447.395_833_333_336, "09:30:00", "only the time is shown"),
            (22, None, 46_447.395_833_333_336, "2027-03-01T09:30:00", "both"),
            (
                22,
                None,
                46_447.999_999_9,
                "2027-03-02T00:00:00",
                "rounded to the second, into the next day",
            ),
            (165, Some("dd/mm/yyyy"), 46_447.0, "2027-03-01", "a format of the workbook's own"),
            (165, Some("[$-809]d mmmm yyyy;@"), 46_447.0, "2027-03-01", "with a language"),
            (165, Some("[h]:mm"), 0.395_833_333, "09:30:00", "elapsed hours"),
            (165, Some("0.00\" days\""), 3.0, "3", "letters in quotes"),
            (165, Some("#,##0.00\\d"), 3.0, "3", "a letter with a backslash"),
            (165, Some("[Red]0"), 3.0, "3", "a colour, with a d in it"),
            (165, Some("mmm yy"), 46_447.0, "2027-03-01", "a month"),
            (165, Some("mm:ss"), 0.5, "12:00:00", "minutes"),
            (14, None, 1.0, "1900-01-01", "the first day"),
            (14, None, 61.0, "1900-03-01", "after the day that there never was"),
            (14, None, -3.0, "-3", "no date at all"),
        ] {
            assert_eq!(Format::of(id, code).show(number, false), text, "{why}");
        }
        assert_eq!(Format::of(14, None).show(44_985.0, true), "2027-03-01", "counted from 1904");
    }
}
