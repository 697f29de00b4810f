//! What the values of a column look like.

use crate::contacts::email::EmailAddress;
use crate::intake::dates;
use crate::intake::{Field, repair};

/// How many of the values that are there look like values of the field; none where values say nothing about a field.
pub(super) fn like(field: Field, values: &[&str]) -> Option<f64> {
    let test: fn(&str) -> bool = match field {
        Field::Phone => is_phone,
        Field::Email => |value| value.parse::<EmailAddress>().is_ok(),
        Field::AppointmentAt => is_moment,
        Field::AppointmentDate => is_date,
        Field::AppointmentTime => |value| dates::time(value).is_ok(),
        Field::Name | Field::FirstName | Field::LastName => {
            |value| super::super::check::words::name(value).is_some()
        }
        Field::DurationMinutes => {
            |value| repair::minutes(value).is_some_and(|minutes| (1..=1440).contains(&minutes))
        }
        Field::CallBeforeHours => {
            |value| value.trim().parse::<u16>().is_ok_and(|hours| (1..=168).contains(&hours))
        }
        Field::Zone => |value| value.trim().parse::<chrono_tz::Tz>().is_ok(),
        Field::Priority => |value| super::super::check::words::priority(value).is_some(),
        Field::Channel => |value| super::super::check::words::channel(value).is_some(),
        Field::Consent => |value| repair::yes(value).is_some(),
        _ => return None,
    };
    share(values, test)
}

/// The share of values that are there; none if there is none.
fn share(values: &[&str], test: impl Fn(&str) -> bool) -> Option<f64> {
    let there: Vec<&&str> = values.iter().filter(|value| !value.trim().is_empty()).collect();
    if there.is_empty() {
        return None;
    }
    let like = there.iter().filter(|value| test(value)).count();
    // Some dozens at most.
    Some(like as f64 / there.len() as f64)
}

/// Nine digits or more and no letters; also what a spreadsheet has destroyed.
fn is_phone(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let others =
        value.chars().filter(|c| !c.is_ascii_digit() && !"+()-./ \u{a0}".contains(*c)).count();
    let number = (9..=15).contains(&digits) && others == 0 && dates::reading(value).is_none();
    number || (repair::is_scientific(value) && value.contains(['+', '.', ',']))
}

fn is_date(value: &str) -> bool {
    dates::reading(value).is_some() && !is_moment(value)
}

fn is_moment(value: &str) -> bool {
    let at = [dates::Order::DayFirst, dates::Order::MonthFirst]
        .into_iter()
        .find_map(|order| dates::moment(value, Some(order), false).ok());
    at.is_some_and(|(at, _)| match at {
        dates::Moment::Instant(_) => true,
        // A date that a program wrote with midnight is still a date.
        dates::Moment::Local(at) => at.time() != chrono::NaiveTime::MIN,
    })
}

/// Whether most values are two words or three of letters, each with a capital: what is called nothing may then be names.
pub(super) fn are_names(values: &[&str]) -> bool {
    let capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    let name = |value: &str| {
        let words: Vec<&str> = value.split_whitespace().collect();
        matches!(words.len(), 2 | 3) && words.iter().all(|word| capital(word))
    };
    share(values, name).is_some_and(|share| share >= 0.8)
}
