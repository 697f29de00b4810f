//! Numbers that no telephone has: Ofcom's for drama, and North America's 555-01xx.
//!
//! Source: Ofcom, "Telephone numbers for use in TV and radio drama programmes"; ATIS-0300115 for 555-0100 to 555-0199.

/// The first nine digits of each British range of a thousand, with the country code, and the area.
const OFCOM: [(&str, &str); 20] = [
    ("447700900", "mobile"),
    ("441632960", "no area"),
    ("441134960", "Leeds"),
    ("441144960", "Sheffield"),
    ("441154960", "Nottingham"),
    ("441164960", "Leicester"),
    ("441174960", "Bristol"),
    ("441184960", "Reading"),
    ("441214960", "Birmingham"),
    ("441314960", "Edinburgh"),
    ("441414960", "Glasgow"),
    ("441514960", "Liverpool"),
    ("441614960", "Manchester"),
    ("441914980", "Tyneside"),
    ("442079460", "London"),
    ("442896496", "Northern Ireland"),
    ("442920180", "Cardiff"),
    ("443069990", "UK-wide"),
    ("448081570", "freephone"),
    ("449098790", "premium"),
];

/// Whether `digits`, E.164 without the plus, is an Ofcom drama number.
pub(super) fn is_ofcom_drama(digits: &str) -> bool {
    digits.len() == 12 && OFCOM.iter().any(|(range, _)| digits.starts_with(range))
}

/// Whether `digits`, E.164 without the plus, is a North American number for fiction: any area, then 555-01xx.
pub(super) fn is_fictional_555(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with('1') && digits.get(4..9) == Some("55501")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_ends_where_ofcom_ends_it() {
        for (range, area) in OFCOM {
            for (last, inside) in [("000", true), ("999", true), ("0000", false), ("00", false)] {
                assert_eq!(is_ofcom_drama(&format!("{range}{last}")), inside, "{area} {last}");
            }
            let after = (range.parse::<u64>().unwrap() + 1) * 1000;
            assert!(!is_ofcom_drama(&after.to_string()), "{area}: the thousand after");
            let before = range.parse::<u64>().unwrap() * 1000 - 1;
            assert!(!is_ofcom_drama(&before.to_string()), "{area}: the number before");
        }
    }

    #[test]
    fn fiction_in_north_america_is_one_hundred_numbers_an_area() {
        for (digits, inside, why) in [
            ("12125550100", true, "the first"),
            ("12125550199", true, "the last"),
            ("12125550200", false, "the one after"),
            ("12125550099", false, "the one before"),
            ("442125550100", false, "not North America"),
        ] {
            assert_eq!(is_fictional_555(digits), inside, "{why}");
        }
    }
}
