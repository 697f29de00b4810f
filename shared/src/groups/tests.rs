use super::*;

#[test]
fn a_name_is_a_short_line_that_somebody_can_see() {
    let name = |raw: &str| raw.parse().map(|name: GroupName| name.as_str().to_owned());
    let too_long = TextError::TooLong { most: 50 };
    for (raw, expected, why) in [
        (" VIP patients ", Ok("VIP patients".to_owned()), "trimmed"),
        ("e\u{301}te\u{301}", Ok("été".to_owned()), "composed"),
        (&"é".repeat(50), Ok("é".repeat(50)), "characters count, not bytes"),
        (&"a".repeat(51), Err(too_long), "one too many"),
        ("", Err(TextError::Empty), "nothing"),
        (" \u{a0} ", Err(TextError::Empty), "white space"),
        ("\u{200b}\u{200d}", Err(TextError::Empty), "nothing that is seen"),
        ("a\nb", Err(TextError::ControlCharacter), "two lines"),
        ("a\u{0}b", Err(TextError::ControlCharacter), "a control character"),
        ("\u{202e}PIV", Err(TextError::ControlCharacter), "reversed"),
    ] {
        assert_eq!(name(raw), expected, "{why}");
    }
}

#[test]
fn names_collide_without_regard_to_case_accents_and_white_space() {
    let key = |raw: &str| raw.parse::<GroupName>().unwrap().key();
    for (one, other, same, why) in [
        ("VIP patients", "vip Pätients", true, "case and accents"),
        ("VIP patients", "VIP  patients", true, "white space"),
        ("Straße", "STRASSE", true, "a letter that folds to two"),
        ("VIP patients", "VIP patient", false, "another word"),
        ("Ω", "ω", true, "Greek"),
        ("Team A", "Team-A", false, "a hyphen is no space"),
    ] {
        assert_eq!(key(one) == key(other), same, "{why}");
    }
}

#[test]
fn a_description_may_have_lines() {
    let read = |raw: &str| raw.parse().map(|text: Description| text.as_str().to_owned());
    assert_eq!(read(" one\r\ntwo ").as_deref(), Ok("one\ntwo"));
    assert!(read(&"a".repeat(255)).is_ok());
    assert_eq!(read(&"a".repeat(256)), Err(TextError::TooLong { most: 255 }));
    assert_eq!(read("bell\u{7}"), Err(TextError::ControlCharacter));
}

#[test]
fn each_colour_of_the_palette_has_a_word_and_a_paint_of_its_own() {
    let mut seen = std::collections::BTreeSet::new();
    for colour in Colour::PALETTE {
        assert_eq!(Colour::from_word(colour.as_str()), Some(colour));
        let hex = colour.hex();
        let digits = hex.strip_prefix('#').unwrap();
        assert!(digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()), "{hex}");
        assert!(seen.insert(colour.as_str()) && seen.insert(hex), "{hex} is there twice");
        let written = serde_json::to_value(colour).unwrap();
        assert_eq!(written, colour.as_str(), "the contract's word is the database's");
    }
    assert_eq!(Colour::from_word("pink"), None);
}

#[test]
fn figures_about_fewer_than_five_people_are_withheld_and_what_gives_them_away_too() {
    let cell = |count, people| Cell { count, people };
    for (given, shown, why) in [
        (cell(0, 0), Some(0), "nobody"),
        (cell(1, 1), None, "one person"),
        (cell(40, 4), None, "four people, however often"),
        (cell(5, 5), Some(5), "five people"),
        (cell(9, 6), Some(9), "what happened, not to how many"),
    ] {
        assert_eq!(given.shown(), shown, "{why}");
    }
    let mut figures =
        Figures { confirmed: cell(10, 10), pending: cell(20, 15), ..Figures::default() };
    assert_eq!(figures.shown().confirmation_rate, Some(0.33));
    figures.cancelled = cell(2, 2);
    let shown = figures.shown();
    assert_eq!((shown.confirmed, shown.cancelled), (Some(10), None));
    assert_eq!(shown.confirmation_rate, None, "10 of 32 would say that two were cancelled");
    assert_eq!(Figures::default().shown().confirmation_rate, None, "of nothing");
}
