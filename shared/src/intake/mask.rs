//! Values as they may be shown beside a fault: enough to find them in the file, never the whole.

/// So many digits make a number of which the last two may be shown.
const NUMBER: usize = 6;

/// `value`, masked: its length, with its last two digits if it is a long number, or else its first character if there are more
/// than two. Whoever has the file finds it by row and column; whoever has only this learns nothing.
pub fn mask(value: &str) -> String {
    let value = value.trim();
    let length = value.chars().count();
    if length == 0 {
        return String::from("(empty)");
    }
    let digits: Vec<char> = value.chars().filter(char::is_ascii_digit).collect();
    let is_number = digits.len() >= NUMBER && !value.chars().any(char::is_alphabetic);
    let count = if length == 1 { "1 character".to_owned() } else { format!("{length} characters") };
    match value.chars().next() {
        _ if is_number => {
            let last: String = digits[digits.len() - 2..].iter().collect();
            format!("…{last} ({count})")
        }
        // A first digit or sign says less than it looks odd; a letter helps to find the row.
        Some(first) if length > 2 && first.is_alphabetic() => format!("{first}… ({count})"),
        _ => format!("({count})"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_masked_value_is_found_again_and_not_read() {
        for (value, shown, why) in [
            ("07700 900123", "…23 (12 characters)", "a number"),
            ("+44 7700 900123", "…23 (15 characters)", "with its country"),
            ("4.47912E+11", "(11 characters)", "no number any more"),
            (" Ada Example ", "A… (11 characters)", "a name, trimmed"),
            ("王芳", "(2 characters)", "two characters: half would be too much"),
            ("x", "(1 character)", "one"),
            ("12:61", "(5 characters)", "a time"),
            ("31/02/2027", "…27 (10 characters)", "a date"),
            ("  ", "(empty)", "nothing"),
        ] {
            assert_eq!(mask(value), shown, "{why}");
        }
    }

    proptest! {
        #[test]
        fn no_more_than_two_characters_are_shown(value in "\\PC{3,40}") {
            let shown = mask(&value);
            let before = shown.split('(').next().unwrap();
            prop_assert!(before.chars().filter(|c| !matches!(c, '…' | ' ')).count() <= 2, "{shown}");
        }
    }
}
