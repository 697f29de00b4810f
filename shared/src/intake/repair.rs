//! What spreadsheets do to telephone numbers, and what can be mended.

use crate::contacts::phone::{PhoneNumber, PhoneNumberError, PhoneRules};

/// What was mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mended {
    /// The spreadsheet took the number for a quantity and dropped its zero.
    LeadingZero,
    /// A program wrote it with decimals: `7700900123.0`.
    Decimals,
}

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPhone {
    /// `4.47701E+11`: most of its digits are gone, and nothing brings them back.
    Destroyed,
    /// What people write wrongly.
    Refused(PhoneNumberError),
}

/// A telephone number, with what was mended to read it.
///
/// # Errors
/// [`BadPhone`].
pub fn phone(raw: &str, rules: &PhoneRules) -> Result<(PhoneNumber, Option<Mended>), BadPhone> {
    let text = raw.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    if is_scientific(text) {
        return Err(BadPhone::Destroyed);
    }
    let whole = without_decimals(text);
    let number = PhoneNumber::parse(whole.unwrap_or(text), rules).map_err(BadPhone::Refused)?;
    let first = text.chars().find(|c| c.is_ascii_digit() || *c == '+');
    let mended = match first {
        _ if whole.is_some() => Some(Mended::Decimals),
        // Read as a number of this country though nothing says so: not `+44 …`, `0044 …`, `44 …`, `07…`.
        Some('1'..='9') if !code_is_written(text, &number) => Some(Mended::LeadingZero),
        _ => None,
    };
    Ok((number, mended))
}

/// Whether the digits are those of the whole number, its country code with them.
fn code_is_written(text: &str, number: &PhoneNumber) -> bool {
    let digits: String = text.replacen("(0)", "", 1).chars().filter(char::is_ascii_digit).collect();
    number.as_str().strip_prefix('+') == Some(digits.as_str())
}

/// `4.47701E+11`, also with a decimal comma, with or without a sign.
pub(crate) fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.trim().split_once(['e', 'E']) else { return false };
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, decimals) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    digits(whole) && whole.len() <= 2 && digits(decimals) && digits(exponent) && exponent.len() <= 3
}

/// Digits without the `.0` after them.
fn without_decimals(text: &str) -> Option<&str> {
    let whole = text.strip_suffix(".0").or_else(|| text.strip_suffix(",0"))?;
    let bare = whole.strip_prefix('+').unwrap_or(whole);
    (bare.len() >= 7 && bare.bytes().all(|byte| byte.is_ascii_digit())).then_some(whole)
}

/// How long something takes: `30`, `45 min`, `1.5 h`, `1h 30m`, `1:30`.
pub(crate) fn minutes(raw: &str) -> Option<u32> {
    let text = crate::intake::dates::squashed(raw)?.replace(' ', "");
    if let Some((hours, minutes)) = text.split_once(':') {
        let minutes = minutes.strip_suffix(":00").unwrap_or(minutes);
        if minutes.len() != 2 || hours.len() > 2 {
            return None;
        }
        let minutes: u32 = minutes.parse().ok().filter(|minutes| *minutes < 60)?;
        return Some(hours.parse::<u32>().ok()? * 60 + minutes);
    }
    let unit_at = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    if number.len() > 6 {
        return None;
    }
    match unit {
        "" | "m" | "min" | "mins" | "minute" | "minutes" => {
            let number = number.strip_suffix(".0").unwrap_or(number);
            number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())?
        }
        "h" | "hr" | "hrs" | "hour" | "hours" => {
            let tidy = number.replace(',', ".");
            let plain = tidy.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let hours: f64 = if plain { tidy.parse().ok()? } else { return None };
            let minutes = hours * 60.0;
            (minutes.fract().abs() < 1e-6 && minutes < 10_000.0).then_some(minutes.round() as u32)
        }
        _ => {
            let (hours, rest) =
                ["hours", "hour", "hrs", "hr", "h"].iter().find_map(|h| text.split_once(h))?;
            let hours: u32 = hours.parse().ok().filter(|hours| *hours <= 99)?;
            let rest = ["minutes", "minute", "mins", "min", "m"]
                .iter()
                .find_map(|m| rest.strip_suffix(m))
                .unwrap_or(rest);
            let minutes: u32 = rest.parse().ok().filter(|minutes| *minutes < 60)?;
            Some(hours * 60 + minutes)
        }
    }
}

/// Yes or no.
pub(crate) fn yes(raw: &str) -> Option<bool> {
    match crate::search::fold(raw).as_str() {
        "yes" | "y" | "true" | "1" | "x" | "given" | "consented" | "agreed" | "opted in"
        | "opt in" | "✓" => Some(true),
        "no" | "n" | "false" | "0" | "not given" | "none" | "withdrawn" | "refused"
        | "opted out" | "opt out" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contacts::phone::DEFAULT_REGIONS;

    #[test]
    fn telephone_numbers_survive_a_spreadsheet_or_are_told_to_be_gone() {
        let rules = PhoneRules::new(&DEFAULT_REGIONS, true).unwrap();
        let read = |raw: &str| {
            phone(raw, &rules).map(|(number, mended)| (number.as_str().to_owned(), mended))
        };
        let number = |mended| Ok((String::from("+447700900123"), mended));
        for (raw, expected, why) in [
            ("07700 900123", number(None), "as people write it"),
            ("+44 (0)7700 900.123", number(None), "with everything"),
            ("tel:+447700900123", number(None), "a link"),
            ("447700900123", number(None), "only its plus is gone"),
            ("0044 7700 900123", number(None), "dialled from abroad"),
            ("7700900123", number(Some(Mended::LeadingZero)), "its zero is gone"),
            (
                "(7700) 900-123",
                number(Some(Mended::LeadingZero)),
                "its zero is gone, and it was tidied",
            ),
            ("447700900123.0", number(Some(Mended::Decimals)), "a quantity"),
            ("7700900123.0", number(Some(Mended::Decimals)), "a quantity without a zero"),
            ("4.47701E+11", Err(BadPhone::Destroyed), "gone"),
            ("4,47701E+11", Err(BadPhone::Destroyed), "gone, with a decimal comma"),
            ("4.477009e11", Err(BadPhone::Destroyed), "gone, without a sign"),
            ("7.7E+09", Err(BadPhone::Destroyed), "gone"),
            ("", Err(BadPhone::Refused(PhoneNumberError::Empty)), "nothing"),
            ("07700 900123 eve", Err(BadPhone::Refused(PhoneNumberError::BadCharacter)), "words"),
        ] {
            assert_eq!(read(raw), expected, "{raw}: {why}");
        }
    }

    #[test]
    fn durations_are_minutes() {
        for (raw, expected) in [
            ("30", Some(30)),
            ("30.0", Some(30)),
            ("45 min", Some(45)),
            ("90 Minutes", Some(90)),
            ("1 hour", Some(60)),
            ("1.5 h", Some(90)),
            ("1,5h", Some(90)),
            ("1h 30m", Some(90)),
            ("1 hr 15", Some(75)),
            ("1:30", Some(90)),
            ("00:45:00", Some(45)),
            ("1:3", None),
            ("half an hour", None),
            ("-30", None),
            ("30 days", None),
            ("9999999", None),
            ("", None),
        ] {
            assert_eq!(minutes(raw), expected, "{raw}");
        }
    }
}
