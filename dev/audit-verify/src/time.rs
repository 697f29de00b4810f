//! Times as exports have them, `2026-11-23T09:00:00.123456Z`, and nothing else.

/// Microseconds since 1970; `None` for anything that isn't written in exactly this way.
pub(crate) fn micros(text: &str) -> Option<i64> {
    let shape = b"dddd-dd-ddTdd:dd:dd.ddddddZ";
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        other => byte == *other,
    };
    if text.len() != shape.len() || !text.bytes().zip(shape).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of = |month: i64| match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        _ => 31,
    };
    let possible = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !possible {
        return None;
    }
    let years: i64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let days = years + (1..month).map(days_of).sum::<i64>() + day - 1;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + number(20, 26)?)
}

#[cfg(test)]
mod tests {
    use super::micros;

    #[test]
    fn times_are_read_in_one_way_only() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000001Z", Some(1)),
            ("2000-02-29T12:00:00.000000Z", Some(951_825_600_000_000)),
            ("2026-11-23T09:00:00.123456Z", Some(1_795_424_400_123_456)),
            ("2026-02-29T00:00:00.000000Z", None),
            ("2026-11-23T09:00:00.123456+00:00", None),
            ("2026-11-23T09:00:00Z", None),
            ("2026-11-23T24:00:00.000000Z", None),
            ("2026-11-23 09:00:00.123456Z", None),
            ("é026-11-23T09:00:00.12345Z", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
    }
}
