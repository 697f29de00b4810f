use proptest::prelude::*;

use super::*;

fn with_tests() -> PhoneRules {
    PhoneRules::new(&DEFAULT_REGIONS, true).unwrap()
}

fn e164(raw: &str, rules: &PhoneRules) -> Result<String, PhoneNumberError> {
    PhoneNumber::parse(raw, rules).map(|number| number.as_str().to_owned())
}

#[test]
fn numbers_are_read_as_people_write_them() {
    for (raw, why) in [
        ("+442079460018", "as stored"),
        ("020 7946 0018", "with the trunk zero"),
        ("(020) 7946-0018", "brackets and a dash"),
        (" 020.7946/0018 ", "dots, slashes, white space around"),
        ("+44 (0)20 7946 0018", "both ways in one"),
        ("0044 20 7946 0018", "dialled from abroad"),
        ("0044 (0)20 7946 0018", "dialled from abroad, both ways"),
        ("44 20 7946 0018", "a plus that a spreadsheet dropped"),
        ("44 (0) 20 7946 0018", "the same, both ways"),
        ("2079460018", "a zero that a spreadsheet dropped"),
        ("(+44) 20 7946 0018", "the plus in brackets"),
        ("+44 020 7946 0018", "a zero too many"),
        ("\u{202a}+44\u{a0}20\u{2011}7946\u{2011}0018\u{202c}", "copied out of an address book"),
    ] {
        assert_eq!(e164(raw, &with_tests()).as_deref(), Ok("+442079460018"), "{why}");
    }
}

#[test]
fn only_geographic_uk_wide_and_mobile_numbers_are_called() {
    use PhoneNumberError::*;
    for (raw, expected, why) in [
        ("0121 234 5678", Ok("+441212345678"), "geographic"),
        ("016977 2345", Ok("+44169772345"), "an old area with nine digits"),
        ("07400 123456", Ok("+447400123456"), "mobile"),
        ("0345 600 0000", Ok("+443456000000"), "UK-wide"),
        ("07781 123456", Ok("+447781123456"), "mobile of Guernsey"),
        ("01534 456789", Ok("+441534456789"), "Jersey"),
        ("07624 123456", Ok("+447624123456"), "Isle of Man: looks like a pager, and is a mobile"),
        ("0909 879 0000", Err(PremiumRate), "premium"),
        ("0844 405 1234", Err(RevenueShare), "revenue share"),
        ("0871 200 1234", Err(RevenueShare), "revenue share"),
        ("070 1234 5678", Err(PersonalNumber), "personal"),
        ("07640 123456", Err(Pager), "pager"),
        ("0800 123 4567", Err(Freephone), "freephone"),
        ("0808 157 0123", Err(Freephone), "freephone"),
        ("056 1234 5678", Err(Voip), "internet telephony"),
        ("055 1234 5678", Err(Voip), "corporate"),
        ("0999 999 9999", Err(Unassigned), "no such range"),
        ("118500", Err(TooShort), "directory enquiries"),
        ("999", Err(TooShort), "emergency"),
        ("020 7946", Err(Unassigned), "half a number"),
        ("+33 1 42 68 53 00", Err(CountryNotAccepted), "France"),
        ("+1 212 234 5678", Err(CountryNotAccepted), "New York"),
        ("+999 123 456 789", Err(Unassigned), "no such country"),
        ("", Err(Empty), "nothing"),
        (" - ", Err(Empty), "only separators"),
        ("020 7946 0018 x12", Err(BadCharacter), "an extension"),
        ("ask reception", Err(BadCharacter), "words"),
        ("+44 20+7946", Err(BadCharacter), "a plus in the middle"),
        ("7.91112E+11", Err(BadCharacter), "what a spreadsheet made of it"),
        ("+44 7400 123456 7890", Err(TooLong), "more than any number has"),
        ("٠٢٠٧٩٤٦٠٠١٨", Err(BadCharacter), "digits that no provider takes"),
    ] {
        assert_eq!(e164(raw, &with_tests()), expected.map(str::to_owned), "{raw}: {why}");
    }
}

#[test]
fn drama_numbers_are_recognised_and_accepted_only_where_allowed() {
    let real = PhoneRules::default();
    for (raw, area) in [
        ("07700 900123", "mobile"),
        ("01632 960999", "no area"),
        ("0115 496 0000", "Nottingham"),
        ("0113 496 0999", "Leeds"),
        ("020 7946 0500", "London"),
        ("0191 498 0001", "Tyneside"),
        ("028 9649 6123", "Northern Ireland"),
        ("029 2018 0123", "Cardiff"),
        ("03069 990123", "UK-wide"),
    ] {
        let number = PhoneNumber::parse(raw, &with_tests()).unwrap();
        assert!(number.is_test_number(), "{area}");
        assert_eq!(e164(raw, &real), Err(PhoneNumberError::TestNumber), "{area}");
    }
    let real_one = PhoneNumber::parse("020 7123 4567", &real).unwrap();
    assert!(!real_one.is_test_number());
    let elsewhere = PhoneRules::new(&["US"], true).unwrap();
    let drama = e164("+447700900123", &elsewhere);
    assert_eq!(drama, Err(PhoneNumberError::CountryNotAccepted), "drama is no passport");
    for reserved in ["+448081570123", "+449098790123"] {
        assert!(PhoneNumber::from_e164(reserved).unwrap().is_test_number());
    }
}

#[test]
fn north_american_numbers_need_their_region() {
    let rules = PhoneRules::new(&["GB", "US"], true).unwrap();
    let number = PhoneNumber::parse("+1 (212) 555-0142", &rules).unwrap();
    assert!(number.is_north_american() && number.is_test_number());
    for (raw, expected, why) in [
        ("001 212 234 5678", Ok("+12122345678".to_owned()), "allowed"),
        ("212 234 5678", Err(PhoneNumberError::Unassigned), "at home it is no number"),
        ("+1 613 782 7274", Err(PhoneNumberError::CountryNotAccepted), "Canada shares the code"),
        ("+1 800 723 3456", Err(PhoneNumberError::Freephone), "freephone"),
        ("+1 900 234 5678", Err(PhoneNumberError::PremiumRate), "premium"),
    ] {
        assert_eq!(e164(raw, &rules), expected, "{why}");
    }
    let american = PhoneRules::new(&["US"], false).unwrap();
    assert_eq!(e164("(212) 234-5678", &american).as_deref(), Ok("+12122345678"));
    assert_eq!(e164("1 212 234 5678", &american).as_deref(), Ok("+12122345678"));
}

#[test]
fn regions_are_checked_when_configured() {
    assert_eq!(PhoneRules::new(&DEFAULT_REGIONS, false), Ok(PhoneRules::default()));
    assert_eq!(PhoneRules::new(&["UK"], false), Err(UnknownRegion), "the code is GB");
    assert_eq!(PhoneRules::new::<&str>(&[], false), Err(UnknownRegion), "nobody could be called");
}

#[test]
fn a_stored_number_is_readable_whatever_the_rules_say_today() {
    assert_eq!(PhoneNumber::from_e164("+447700900123").unwrap().as_str(), "+447700900123");
    for (stored, error) in [
        ("447700900123", PhoneNumberError::BadCharacter),
        ("+44 7700", PhoneNumberError::BadCharacter),
        ("+447", PhoneNumberError::TooShort),
        ("+4477009001234567", PhoneNumberError::TooLong),
    ] {
        assert_eq!(PhoneNumber::from_e164(stored), Err(error));
    }
}

#[test]
fn nothing_of_a_number_is_printed() {
    let number = PhoneNumber::parse("07700 900123", &with_tests()).unwrap();
    assert_eq!(format!("{number:?}"), "PhoneNumber(..)");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(raw in "[+0-9() .\\-]{0,24}|.{0,30}") {
        for rules in [with_tests(), PhoneRules::new(&["US", "FR", "IT"], true).unwrap()] {
            if let Ok(number) = PhoneNumber::parse(&raw, &rules) {
                prop_assert_eq!(PhoneNumber::from_e164(number.as_str()), Ok(number.clone()));
                prop_assert_eq!(PhoneNumber::parse(number.as_str(), &rules), Ok(number));
            }
        }
    }
}
