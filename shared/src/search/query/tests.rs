use proptest::prelude::*;

use super::super::testing::typed;
use super::*;

fn shape(query: &str) -> String {
    let one = |term: &Term| {
        let minus = if term.excluded { "-" } else { "" };
        let field =
            term.field.map(|field| format!("{field:?}:").to_lowercase()).unwrap_or_default();
        let texts: Vec<_> = term
            .texts
            .iter()
            .map(|text| {
                let needle = &*text.needle.text;
                match text.needle.edges {
                    Edges::Any => needle.to_owned(),
                    Edges::Start => format!("{needle}*"),
                    Edges::Both => format!("\"{needle}\""),
                }
            })
            .collect();
        let number = term.number.as_ref().map(|number| {
            let forms: Vec<_> = number.forms.iter().map(|form| form.to_string()).collect();
            format!("#{}", forms.join("|"))
        });
        format!("{minus}{field}{}{}", texts.join("+"), number.unwrap_or_default())
    };
    Query::parse(query).unwrap().terms.iter().map(one).collect::<Vec<_>>().join(" & ")
}

#[test]
fn a_query_is_read_as_it_is_meant() {
    for (query, terms, why) in [
        ("", "", "nothing finds everybody"),
        (" \t\u{a0}", "", "white space"),
        ("Smith  Boiler", "smith & boiler", "two words"),
        ("\"John  SMITH\"", "\"john smith\"", "a phrase, folded"),
        ("\u{201c}john smith\u{201d}", "\"john smith\"", "quotes of a phone's keyboard"),
        ("john*", "john*", "a beginning"),
        ("-smith -\"a b\" -john*", "-smith & -\"a b\" & -john*", "exclusions"),
        ("email:@gmail.com -notes:gate", "email:@gmail.com & -notes:gate", "fields"),
        ("NAME:Ann owner_name:pat", "name:ann & owner:pat", "fields in any case, long names"),
        ("notes:\"gate code\"", "notes:\"gate code\"", "a phrase in a field"),
        ("smith-jones", "smith-jones", "a hyphen inside"),
        ("o\"brien", "o\"brien", "a quote inside"),
        ("a*b", "a*b", "a star inside"),
        ("12:30", "12:30", "digits are no field"),
        (":cd", ":cd", "no word before the colon"),
        ("(.*) [^ (a|b)+$", "(.*) & [^ & (a|b)+$", "nothing is a pattern"),
        ("'; drop", "'; & drop", "nothing is a statement"),
        ("07912", "07912#07912", "a number may be text too"),
        ("07912 345", "07912+345#07912345", "one number, spaced"),
        ("07912 3", "07912 3#079123", "while somebody types"),
        ("+44 7912", "+44+7912#+447912", "from abroad"),
        ("+44 (0)7912", "+44+(0)7912#+447912", "the zero that is not dialled"),
        ("+4407912", "+4407912#+447912", "the same without brackets"),
        ("00447912", "00447912#+447912|00447912", "two zeros are a plus, or two zeros"),
        ("(0113) 496-0000", "(0113)+496-0000#01134960000", "brackets and dashes"),
        ("phone:07912 345", "phone:07912+345#07912345", "a field for one number"),
        ("smith 07912 345 boiler", "smith & 07912+345#07912345 & boiler", "a number among words"),
        ("0791*", "0791*#0791", "the beginning of a number"),
        ("-07912", "-07912#07912", "not this number"),
        ("07912 -345", "07912#07912 & -345#345", "a dash between excludes"),
        ("notes:12 34", "notes:12 & 34#34", "another field is not one number"),
        ("123456789012345678", "123456789012345678", "too long for a number"),
    ] {
        assert_eq!(shape(query), terms, "{why}: {query}");
    }
}

#[test]
fn an_error_points_at_its_place() {
    use QueryFault::{OnlyOperators, TooLong, TooManyTerms, TooShort, UnclosedQuote, UnknownField};
    let long = "é".repeat(1_001);
    let many = "ab ".repeat(33);
    for (query, fault, offset, length, why) in [
        ("😀😀 \"abc", UnclosedQuote, 5, 4, "counted as JavaScript does"),
        ("ab notes:\"x y", UnclosedQuote, 9, 4, "in a field"),
        ("ab -colour:red", UnknownField, 4, 6, "the field's name"),
        ("https://x.example", UnknownField, 0, 5, "an address needs quotation marks"),
        ("smith a", TooShort, 6, 1, "one character"),
        ("-a", TooShort, 0, 2, "one excluded"),
        ("e\u{301}", TooShort, 0, 2, "two code points that fold to one"),
        ("name:x", TooShort, 0, 6, "in a field"),
        ("phone:(1)", TooShort, 0, 9, "one digit"),
        ("ab -", OnlyOperators, 3, 1, "a lone minus"),
        ("*", OnlyOperators, 0, 1, "a lone star"),
        ("\"\" ab", OnlyOperators, 0, 2, "an empty phrase"),
        ("name:", OnlyOperators, 0, 5, "an empty field"),
        ("\u{200b}\u{200b}", OnlyOperators, 0, 2, "nothing to be seen"),
        (long.as_str(), TooLong, 1_000, 1, "one unit too many"),
        (many.as_str(), TooManyTerms, 96, 2, "the first that is too many"),
    ] {
        let place = Span { offset, length };
        assert_eq!(Query::parse(query), Err(QueryError { fault, place }), "{why}: {query}");
    }
}

#[test]
fn nothing_of_a_query_is_printed() {
    let query = Query::parse("smith name:ann 07912").unwrap();
    assert_eq!(format!("{query:?}"), "Query(3 terms)");
    assert_eq!(
        format!("{:?} {:?}", query.terms[0], query.terms[0].texts[0].needle),
        "Term(..) Needle(..)"
    );
}

proptest! {
    #[test]
    fn whatever_is_typed_is_a_query_or_an_error_with_a_place_in_it(query in prop_oneof![typed(), any::<String>(), ".{0,1200}"]) {
        let length = query.encode_utf16().count() as u32;
        match Query::parse(&query) {
            Ok(parsed) => {
                prop_assert!(parsed.terms.len() <= MOST_TERMS);
                let texts = parsed.terms.iter().flat_map(|term| &term.texts);
                for text in texts {
                    prop_assert!(text.needle.text.chars().count() >= FEWEST_CHARACTERS);
                    prop_assert!(!text.needle.text.contains('\n'));
                }
            }
            Err(error) => {
                prop_assert!(error.place.offset + error.place.length <= length, "{:?}", error);
            }
        }
    }
}
