//! Telephone numbers in a query: what looks like one, and which digits it stands for.

use zeroize::Zeroizing;

use super::NumberNeedle;

/// Fewest digits with which one of several numbers is looked for in phones by itself: the house number in
/// `12 07912 345678` is not a part of a phone.
pub(super) const FEWEST_ALONE: usize = 6;
/// Most digits of a number (E.164), with the national prefix or two zeros before it.
pub(super) const MOST_DIGITS: usize = 17;

/// How many digits `text`, folded, has, if it looks like a number or a part of one.
pub(super) fn count_digits(text: &str) -> Option<usize> {
    let is_phone = text.chars().enumerate().all(|(at, c)| {
        c.is_ascii_digit()
            || matches!(c, '(' | ')' | '-' | '.' | '/' | ' ')
            || (c == '+' && at <= 1)
    });
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (is_phone && digits > 0).then_some(digits)
}

/// The number that `text`, folded, stands for; `None` if it isn't one, or has fewer than two digits.
pub(super) fn number(text: &str, from_start: bool) -> Option<NumberNeedle> {
    let digits = count_digits(text)?;
    if !(2..=MOST_DIGITS).contains(&digits) {
        return None;
    }
    let is_international = text.contains('+');
    // +44 (0)7912: the zero is dialled from inside the country only.
    let text = if is_international { text.replacen("(0)", "", 1) } else { text.to_owned() };
    let text = Zeroizing::new(text);
    let mut form = Zeroizing::new(String::with_capacity(text.len()));
    if is_international {
        form.push('+');
    }
    form.extend(text.chars().filter(char::is_ascii_digit));
    // The same zero, without its brackets.
    if form.starts_with("+440") {
        form.remove(3);
    }
    if form.len() < 2 {
        return None;
    }
    let mut forms = Vec::with_capacity(2);
    if let Some(rest) = form.strip_prefix("00").filter(|rest| !rest.is_empty()) {
        forms.push(Zeroizing::new(format!("+{}", rest.trim_start_matches('0'))));
    }
    forms.push(form);
    forms.retain(|form| form.as_str() != "+");
    Some(NumberNeedle { forms, from_start })
}
