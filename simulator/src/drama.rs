//! What happens on Ofcom's drama mobiles, +447700900000 to +447700900999, unless a rule says
//! otherwise. Whoever tries the product can choose by the last two digits.
//!
//! +4477009000NN follow the table; +447700900100 to +447700900999 follow an everyday mix.

use crate::rules::Rule;
use crate::scenario::Scenario;

const TABLE: &str = "+4477009000";
const ALL: &str = "+447700900";

/// Last two digits, conversations in turn (the last stays), fault (only in the first call where
/// there are several conversations).
const NUMBERS: [(&str, &[&str], &str); 55] = [
    ("01", &["confirmed"], "none"),
    ("02", &["cancelled"], "none"),
    ("03", &["rescheduled"], "none"),
    ("04", &["rescheduled_no_time"], "none"),
    ("05", &["no_action"], "none"),
    ("06", &["no_action_follow_up"], "none"),
    ("07", &["confirmed_follow_up"], "none"),
    ("08", &["confirmed_displeased"], "none"),
    ("10", &["no_answer"], "none"),
    ("11", &["busy"], "none"),
    ("12", &["voicemail"], "none"),
    ("13", &["opt_out"], "none"),
    ("14", &["wrong_number"], "none"),
    ("15", &["invalid_destination"], "none"),
    ("16", &["user_declined"], "none"),
    ("17", &["dial_failed"], "none"),
    ("18", &["hung_up"], "none"),
    ("20", &["no_answer", "confirmed"], "none"),
    ("21", &["busy", "confirmed"], "none"),
    ("22", &["voicemail", "confirmed"], "none"),
    ("23", &["no_answer", "voicemail"], "none"),
    ("30", &["confirmed"], "slow"),
    ("31", &["confirmed"], "refuse_400"),
    ("32", &["confirmed"], "refuse_401"),
    ("33", &["confirmed"], "refuse_402"),
    ("34", &["confirmed"], "refuse_422"),
    ("35", &["confirmed"], "rate_limited"),
    ("36", &["confirmed"], "refuse_500"),
    ("37", &["confirmed"], "refuse_503"),
    ("38", &["confirmed", "confirmed"], "rate_limited"),
    ("39", &["confirmed", "confirmed"], "refuse_500"),
    ("40", &["confirmed"], "cut_before"),
    ("41", &["confirmed"], "hang_before"),
    ("42", &["confirmed"], "cut_after"),
    ("43", &["confirmed"], "hang_after"),
    ("44", &["confirmed"], "late_start"),
    ("45", &["confirmed"], "lost_and_late"),
    ("46", &["confirmed"], "concurrency_error"),
    ("47", &["confirmed"], "hidden"),
    ("48", &["confirmed"], "list_lag"),
    ("50", &["confirmed"], "duplicated"),
    ("51", &["confirmed"], "delayed"),
    ("52", &["confirmed"], "lost"),
    ("53", &["confirmed"], "started_lost"),
    ("54", &["confirmed"], "ended_lost"),
    ("55", &["confirmed"], "analyzed_lost"),
    ("56", &["confirmed"], "analyzed_first"),
    ("57", &["confirmed"], "reversed"),
    ("58", &["confirmed"], "before_reply"),
    ("60", &["confirmed"], "never_analyzed"),
    ("61", &["confirmed"], "no_timestamps"),
    ("62", &["confirmed"], "bad_signature"),
    ("63", &["confirmed"], "stale_signature"),
    ("64", &["confirmed"], "unsigned"),
    ("65", &["no_answer"], "no_timestamps"),
];

/// An ordinary day at an ordinary clinic. Our guess, in percent.
const EVERYDAY: [(&str, f64); 10] = [
    ("confirmed", 46.0),
    ("cancelled", 6.0),
    ("rescheduled", 8.0),
    ("no_action", 6.0),
    ("no_answer", 16.0),
    ("voicemail", 10.0),
    ("busy", 3.0),
    ("user_declined", 2.0),
    ("opt_out", 1.0),
    ("wrong_number", 2.0),
];

/// The table as rules. The bool says whether the faults stay (every call) or pass (first call).
pub(crate) fn rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::with_capacity(NUMBERS.len() + 1);
    for (last, turns, fault) in NUMBERS {
        let number = format!("{TABLE}{last}");
        let sequence = turns
            .iter()
            .map(|name| Scenario::named(name).expect("a test looks up every name of the table"))
            .collect();
        rules.push(Rule { sequence, ..Rule::to(&number) });
        if fault != "none" {
            let nth = if turns.len() > 1 { vec![1] } else { Vec::new() };
            let weights = [(fault.to_owned(), 1.0)].into();
            rules.push(Rule { nth, fault_weights: weights, ..Rule::to(&number) });
        }
    }
    rules.push(Rule {
        prefix: Some(ALL.to_owned()),
        weights: EVERYDAY.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect(),
        ..Rule::default()
    });
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ready;

    #[test]
    fn every_name_in_the_table_is_known_and_no_number_is_there_twice() {
        ready(&rules()).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for (last, ..) in NUMBERS {
            assert!(last.len() == 2 && seen.insert(last), "{last}");
        }
    }

    #[test]
    fn the_docs_list_every_number_once() {
        let docs = include_str!("../../docs/simulator.md");
        let docs = docs.split("## Numbers").nth(1).unwrap().split("## Scenarios").next().unwrap();
        for (last, ..) in NUMBERS {
            assert_eq!(docs.matches(&format!("| {last} |")).count(), 1, "{last}");
        }
    }

    #[test]
    fn the_everyday_mix_is_in_percent() {
        let total: f64 = EVERYDAY.iter().map(|(_, weight)| weight).sum();
        assert!((total - 100.0).abs() < 1e-9);
    }
}
