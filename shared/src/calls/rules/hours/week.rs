//! The hours of a week, by the wall clock.

use std::fmt;
use std::str::FromStr;

use chrono::Weekday;
use serde::{Deserialize, Serialize};

/// A time of day by the wall clock, to the minute: `00:00` to `24:00`, where `24:00` is the end of the day.
///
/// Written as text, `"08:00"`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(into = "String", try_from = "String")]
#[schemars(inline, extend("pattern" = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", "examples" = ["08:00"]))]
pub struct TimeOfDay(u16);

/// The text isn't a time of day between `00:00` and `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time of day is written HH:MM, from 00:00 to 24:00")]
pub struct BadTimeOfDay;

impl TimeOfDay {
    /// The end of a day, in minutes after midnight.
    const END: u16 = 24 * 60;

    /// The time so many minutes after midnight, 0 to 1440; more is cut to 1440.
    pub const fn of_minute(minute: u16) -> Self {
        Self(if minute > Self::END { Self::END } else { minute })
    }

    /// Minutes after midnight, 0 to 1440.
    pub const fn minute(self) -> u16 {
        self.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for TimeOfDay {
    type Err = BadTimeOfDay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let [h1, h0, b':', m1, m0] = text.as_bytes() else { return Err(BadTimeOfDay) };
        let digit =
            |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0')).ok_or(BadTimeOfDay);
        let (hour, minute) = (digit(h1)? * 10 + digit(h0)?, digit(m1)? * 10 + digit(m0)?);
        let total = hour * 60 + minute;
        if minute < 60 && total <= Self::END { Ok(Self(total)) } else { Err(BadTimeOfDay) }
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = BadTimeOfDay;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// When a day opens and closes: open at `opens`, closed at `closes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The first minute at which calls may start.
    pub opens: TimeOfDay,
    /// The first minute at which they may not.
    pub closes: TimeOfDay,
}

impl Opening {
    /// 08:00 to 20:00.
    pub const USUAL: Self =
        Self { opens: TimeOfDay::of_minute(8 * 60), closes: TimeOfDay::of_minute(20 * 60) };

    /// The whole day.
    pub const ALL_DAY: Self = Self { opens: TimeOfDay(0), closes: TimeOfDay(TimeOfDay::END) };
}

/// The hours of each weekday; `None` (in JSON `null`) is a closed day, a missing one is 08:00 to 20:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "seven weekdays")]
pub struct Week {
    pub monday: Option<Opening>,
    pub tuesday: Option<Opening>,
    pub wednesday: Option<Opening>,
    pub thursday: Option<Opening>,
    pub friday: Option<Opening>,
    pub saturday: Option<Opening>,
    pub sunday: Option<Opening>,
}

impl Default for Week {
    fn default() -> Self {
        Self::daily(Opening::USUAL)
    }
}

impl Week {
    /// The same hours on all seven days.
    pub const fn daily(opening: Opening) -> Self {
        Self::from_days([Some(opening); 7])
    }

    /// Seven days from Monday on.
    pub const fn from_days(days: [Option<Opening>; 7]) -> Self {
        let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] = days;
        Self { monday, tuesday, wednesday, thursday, friday, saturday, sunday }
    }

    /// The hours of one weekday.
    pub const fn on(&self, day: Weekday) -> Option<Opening> {
        match day {
            Weekday::Mon => self.monday,
            Weekday::Tue => self.tuesday,
            Weekday::Wed => self.wednesday,
            Weekday::Thu => self.thursday,
            Weekday::Fri => self.friday,
            Weekday::Sat => self.saturday,
            Weekday::Sun => self.sunday,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_read_and_written_as_hours_and_minutes() {
        for (text, minute, why) in [
            ("00:00", Some(0), "midnight"),
            ("08:05", Some(485), "a morning"),
            ("24:00", Some(1440), "the end of the day is a time"),
            ("24:01", None, "nothing lies behind it"),
            ("08:60", None, "an hour has 60 minutes"),
            ("8:00", None, "two digits each"),
            ("08-00", None, "a colon between them"),
            ("+8:00", None, "digits only"),
            ("", None, "nothing isn't midnight"),
        ] {
            let read = text.parse::<TimeOfDay>().ok();
            assert_eq!(read.map(TimeOfDay::minute), minute, "{why}");
            if let Some(time) = read {
                assert_eq!(time.to_string(), text, "{why}");
            }
        }
    }

    #[test]
    fn a_week_reads_null_as_closed_and_a_missing_day_as_usual() {
        let week: Week = serde_json::from_str(
            r#"{"sunday": null, "saturday": {"opens": "09:00", "closes": "13:00"}}"#,
        )
        .unwrap();
        assert_eq!(week.on(Weekday::Sun), None);
        assert_eq!(week.on(Weekday::Sat).map(|o| o.closes.minute()), Some(13 * 60));
        assert_eq!(week.on(Weekday::Wed), Some(Opening::USUAL));
        assert!(serde_json::from_str::<Week>(r#"{"funday": null}"#).is_err());
    }
}
