//! Chance that can be repeated.
//!
//! What happens to a call follows from the seed, the number called, and how many calls that number
//! has had. It doesn't follow from the order in which requests arrive, or two runs of a concurrent
//! client would never be alike. Each question has a stream of its own, so that asking one more
//! question changes no other answer.

use crate::number::Number;

/// What is being decided.
#[derive(Clone, Copy)]
pub(crate) enum Question {
    /// Does the rule at this place in the list apply?
    RuleApplies(usize),
    /// Which conversation, among weighted ones.
    Scenario,
    /// Which fault, among weighted ones.
    Fault,
    /// Which fault, among those that the whole vendor has.
    VendorFault,
    /// How long it rings, in the time between dialling and its end or an answer.
    Ring,
    /// How long they talk.
    Talk,
    /// How long the analysis takes.
    Analysis,
    /// The hour of a new appointment.
    NewTime,
}

impl Question {
    fn stream(self) -> u64 {
        match self {
            Self::RuleApplies(place) => 1_000 + place as u64,
            Self::Scenario => 1,
            Self::Fault => 2,
            Self::VendorFault => 3,
            Self::Ring => 4,
            Self::Talk => 5,
            Self::Analysis => 6,
            Self::NewTime => 7,
        }
    }
}

/// The dice of one call.
#[derive(Clone, Copy)]
pub(crate) struct Dice(u64);

impl Dice {
    /// For the `nth` call (from 1) to `number`.
    pub(crate) fn new(seed: u64, number: Number, nth: u32) -> Self {
        Self(mix(mix(mix(seed) ^ number.digits()) ^ u64::from(nth)))
    }

    /// At least 0, below 1.
    pub(crate) fn fraction(self, question: Question) -> f64 {
        // 53 bits are what an f64 holds exactly.
        (self.draw(question) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Between the two, both included. A range that is the wrong way round is its first end.
    pub(crate) fn between(self, question: Question, [low, high]: [u64; 2]) -> u64 {
        match high.checked_sub(low) {
            None | Some(0) => low,
            Some(width) => low + self.draw(question) % (width.saturating_add(1)),
        }
    }

    /// One of the weighted choices; `None` if no weight is above 0.
    pub(crate) fn pick<T>(self, question: Question, choices: &[(f64, T)]) -> Option<&T> {
        let total: f64 = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.fraction(question) * total;
        for (weight, choice) in choices.iter().filter(|(weight, _)| *weight > 0.0) {
            left -= weight;
            if left < 0.0 {
                return Some(choice);
            }
        }
        // Rounding may leave a hair over; it belongs to the last.
        choices.iter().rev().find(|(weight, _)| *weight > 0.0).map(|(_, choice)| choice)
    }

    fn draw(self, question: Question) -> u64 {
        mix(self.0 ^ mix(question.stream()))
    }
}

/// The finalizer of `SplitMix64` (Steele, Lea and Flood, 2014). Written out because a library's
/// default generator may change between versions, and a printed seed must not lose its meaning.
pub(crate) fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice(seed: u64, nth: u32) -> Dice {
        Dice::new(seed, "+447700900123".parse().unwrap(), nth)
    }

    #[test]
    fn the_same_call_gets_the_same_answers_and_another_call_gets_others() {
        assert_eq!(dice(7, 1).draw(Question::Ring), dice(7, 1).draw(Question::Ring));
        assert_ne!(dice(7, 1).draw(Question::Ring), dice(8, 1).draw(Question::Ring));
        assert_ne!(dice(7, 1).draw(Question::Ring), dice(7, 2).draw(Question::Ring));
        assert_ne!(dice(7, 1).draw(Question::Ring), dice(7, 1).draw(Question::Talk));
    }

    #[test]
    fn weights_are_kept_to_over_many_calls() {
        let choices = [(3.0, "often"), (1.0, "seldom"), (0.0, "never")];
        let often = (0..10_000)
            .filter(|n| dice(1, *n).pick(Question::Scenario, &choices) == Some(&"often"))
            .count();
        assert!(
            (7_300..7_700).contains(&often),
            "{often} of 10,000 with a weight of three in four"
        );
        let never =
            (0..10_000).any(|n| dice(1, n).pick(Question::Scenario, &choices) == Some(&"never"));
        assert!(!never);
    }

    #[test]
    fn a_range_includes_both_ends() {
        let seen: std::collections::BTreeSet<u64> =
            (0..200).map(|n| dice(1, n).between(Question::Ring, [5, 7])).collect();
        assert_eq!(seen, [5, 6, 7].into());
        assert_eq!(dice(1, 1).between(Question::Ring, [9, 9]), 9);
    }
}
