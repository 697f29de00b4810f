//! Facts about one attempt only accumulate, in any order, however often they are told.
//!
//! Webhooks come twice, late and out of order, and the sweeper asks on its own; the same facts must always end in the
//! same state. So what is kept is never "the first that arrived" but **the smallest under a fixed order**: of two
//! reports of one fact the one with the earlier timestamp of the provider, and at the same instant the one that sorts
//! first. One exception for an end: a report that names a reason wins over one that doesn't, whenever it was. And an
//! opt-out is kept by itself, once said in any analysis, since it must not lose to an earlier report. Where two reasons were
//! named for one end, what either says is kept too: the heavier decides ([`super::contradiction`]).

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::analysis::Analysis;
use super::contradiction::heavier;
use super::disconnection::{self, Reading};
use super::outcome::{Decision, Evidence, decide, decide_by};

/// An attempt without an end is asked about this long after it was started.
pub const FIRST_ASK_AFTER: Duration = Duration::minutes(15);

/// And then this often.
pub const ASK_EVERY: Duration = Duration::minutes(5);

/// An ended attempt without an analysis is asked about, and then decided without one, this long after its end.
pub const ANALYSIS_AWAITED: Duration = Duration::minutes(10);

/// Something the provider says about an attempt, with the provider's time where it gives one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// It will place, or has placed, the call.
    Placed {
        /// When it said so.
        at: DateTime<Utc>,
    },
    /// The call was connected.
    Connected {
        /// When.
        at: DateTime<Utc>,
    },
    /// The call is over.
    Ended {
        /// When.
        at: DateTime<Utc>,
        /// Its `disconnection_reason`, if the provider named one.
        reason: Option<String>,
    },
    /// The conversation was analysed.
    Analysed {
        /// When.
        at: DateTime<Utc>,
        /// What it says.
        analysis: Analysis,
    },
    /// The contact opted out, as some analysis said.
    OptedOut,
}

/// What telling a fact did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Changed {
    /// Nothing of its kind was known: announce it.
    First,
    /// It replaced a later or poorer report of the same fact: store it, announce nothing.
    Corrected,
    /// All of it was known.
    Nothing,
}

/// How an attempt ended. The order of the fields is the order by which one report is preferred to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct End {
    // `false`, a named reason, sorts before `true`.
    unexplained: bool,
    at: DateTime<Utc>,
    reason: String,
}

/// All that is known about one attempt. May be stored as it is; or facts that were stored one by one are applied again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    placed: Option<DateTime<Utc>>,
    connected: Option<DateTime<Utc>>,
    ended: Option<End>,
    analysed: Option<(DateTime<Utc>, Analysis)>,
    opted_out: bool,
    /// What the reasons say that were named for the end, if they don't all say the same.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    readings: BTreeSet<Reading>,
}

/// On what an outcome is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// On the end and its analysis.
    Analysed,
    /// On the end alone: the analysis didn't come, and the provider, asked, had none.
    EndAlone,
}

impl Facts {
    /// Adds one fact.
    pub fn apply(&mut self, fact: Fact) -> Changed {
        match fact {
            Fact::Placed { at } => keep_smaller(&mut self.placed, at),
            Fact::Connected { at } => keep_smaller(&mut self.connected, at),
            Fact::Ended { at, reason } => {
                let unexplained = reason.is_none();
                let contradicts = reason.as_deref().is_some_and(|reason| self.contradict(reason));
                let end = End { unexplained, at, reason: reason.unwrap_or_default() };
                match keep_smaller(&mut self.ended, end) {
                    Changed::Nothing if contradicts => Changed::Corrected,
                    changed => changed,
                }
            }
            Fact::Analysed { at, analysis } => {
                let heard = analysis.opt_out && self.apply(Fact::OptedOut) != Changed::Nothing;
                match keep_smaller(&mut self.analysed, (at, analysis)) {
                    Changed::Nothing if heard => Changed::Corrected,
                    changed => changed,
                }
            }
            Fact::OptedOut if self.opted_out => Changed::Nothing,
            Fact::OptedOut => {
                self.opted_out = true;
                Changed::First
            }
        }
    }

    /// Keeps what a reason says, if another was named before that says otherwise. Whether that is new.
    fn contradict(&mut self, reason: &str) -> bool {
        let Some(known) = self.ended.as_ref().filter(|end| !end.unexplained) else { return false };
        let (known, told) = (disconnection::read(&known.reason), disconnection::read(reason));
        if self.readings.is_empty() && known == told {
            return false;
        }
        self.readings.insert(known) | self.readings.insert(told)
    }

    /// When the provider said that it places the call. Anything that happened to the call says so as well.
    pub fn placed_at(&self) -> Option<DateTime<Utc>> {
        let analysed = self.analysed.map(|(at, _)| at);
        [self.placed, self.connected, self.ended_at(), analysed].into_iter().flatten().min()
    }

    /// When the call was connected, if it was said to be.
    pub fn connected_at(&self) -> Option<DateTime<Utc>> {
        self.connected
    }

    /// When the call ended.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.ended.as_ref().map(|end| end.at)
    }

    /// The provider's reason for the end; empty when it gave none.
    pub fn reason(&self) -> Option<&str> {
        self.ended.as_ref().map(|end| end.reason.as_str())
    }

    /// The analysis that counts.
    pub fn analysis(&self) -> Option<Analysis> {
        self.analysed.map(|(_, analysis)| analysis)
    }

    /// Some analysis said that the contact opted out. True before the outcome is decided, and to be acted on at once.
    pub fn opted_out(&self) -> bool {
        self.opted_out
    }

    /// What [`super::outcome::decide`] is to weigh, once the attempt has ended. Ask [`Self::basis`] whether it's time.
    pub fn evidence(&self) -> Option<Evidence<'_>> {
        let end = self.ended.as_ref()?;
        Some(Evidence {
            reason: &end.reason,
            connected: self.connected.is_some(),
            analysis: self.analysis(),
            opted_out: self.opted_out,
            ended_at: end.at,
        })
    }

    /// What is decided of the attempt with all that is known, once it has ended: where its reports contradict each other,
    /// the heaviest.
    pub fn decision(&self) -> Option<Decision> {
        let evidence = self.evidence()?;
        let readings = self.readings.iter().map(|reading| decide_by(*reading, evidence));
        Some(readings.fold(decide(evidence), heavier))
    }

    /// On what the outcome is to be decided now, if it can be.
    ///
    /// `answered_at` is the last time that the provider was asked about this attempt *and answered*, its facts
    /// applied; a provider that doesn't answer postpones the decision.
    pub fn basis(&self, answered_at: Option<DateTime<Utc>>) -> Option<Basis> {
        let ended_at = self.ended_at()?;
        if self.analysed.is_some() {
            return Some(Basis::Analysed);
        }
        let waited = answered_at.is_some_and(|at| at >= ended_at + ANALYSIS_AWAITED);
        waited.then_some(Basis::EndAlone)
    }

    /// When to ask the provider about this attempt next; `None` once nothing is missing.
    ///
    /// `started_at` is when its request was started, `asked_at` the last time that the provider was asked, answered or
    /// not. May lie in the past: then ask now.
    pub fn ask_at(
        &self,
        started_at: DateTime<Utc>,
        asked_at: Option<DateTime<Utc>>,
    ) -> Option<DateTime<Utc>> {
        let first = match self.ended_at() {
            Some(_) if self.analysed.is_some() => return None,
            Some(ended_at) => ended_at + ANALYSIS_AWAITED,
            None => started_at + FIRST_ASK_AFTER,
        };
        Some(asked_at.map_or(first, |asked| first.max(asked + ASK_EVERY)))
    }
}

fn keep_smaller<T: Ord>(kept: &mut Option<T>, told: T) -> Changed {
    match kept {
        None => {
            *kept = Some(told);
            Changed::First
        }
        Some(known) if told < *known => {
            *known = told;
            Changed::Corrected
        }
        Some(_) => Changed::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::super::analysis::{Action, Sentiment};
    use super::*;
    use proptest::prelude::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::minutes(minute)
    }

    fn ended(minute: i64, reason: &str) -> Fact {
        Fact::Ended { at: at(minute), reason: Some(reason.into()) }
    }

    fn analysed(minute: i64, opt_out: bool, confirmed: bool) -> Fact {
        let action = if confirmed { Action::Confirmed } else { Action::NoAction };
        let analysis = Analysis {
            in_voicemail: false,
            action,
            opt_out,
            wrong_number: false,
            follow_up_required: false,
            sentiment: Sentiment::Unknown,
        };
        Fact::Analysed { at: at(minute), analysis }
    }

    fn told<'a>(facts: impl IntoIterator<Item = &'a Fact>) -> Facts {
        let mut all = Facts::default();
        for fact in facts {
            let _ = all.apply(fact.clone());
        }
        all
    }

    fn any_fact() -> impl Strategy<Value = Fact> {
        let minute = || 0..6i64;
        prop_oneof![
            minute().prop_map(|m| Fact::Placed { at: at(m) }),
            minute().prop_map(|m| Fact::Connected { at: at(m) }),
            (minute(), prop::option::of("[ab]"))
                .prop_map(|(m, reason)| Fact::Ended { at: at(m), reason }),
            (minute(), any::<bool>(), any::<bool>())
                .prop_map(|(m, out, yes)| analysed(m, out, yes)),
            Just(Fact::OptedOut),
        ]
    }

    proptest! {
        #[test]
        fn any_order_and_any_repetition_end_in_the_same_state(
            (facts, shuffled) in prop::collection::vec(any_fact(), 0..10)
                .prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle())),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        ) {
            let want = told(&facts);
            let mut repeated = shuffled.clone();
            for (place, pick) in again.iter().enumerate().filter(|_| !facts.is_empty()) {
                repeated.insert(place % repeated.len(), pick.get(&shuffled).clone());
            }
            prop_assert_eq!(told(&repeated), want);
        }

        #[test]
        fn what_is_known_stays_known(facts in prop::collection::vec(any_fact(), 1..10)) {
            let mut all = Facts::default();
            for fact in &facts {
                let before = all.clone();
                let changed = all.apply(fact.clone());
                prop_assert_eq!(changed == Changed::Nothing, before == all);
                prop_assert!(before.placed_at().is_none() || all.placed_at().is_some());
                prop_assert!(before.connected_at().is_none() || all.connected_at().is_some());
                prop_assert!(before.ended_at().is_none() || all.ended_at().is_some());
                prop_assert!(before.analysis().is_none() || all.analysis().is_some());
                prop_assert!(!before.opted_out() || all.opted_out());
                prop_assert_eq!(all.apply(fact.clone()), Changed::Nothing);
            }
            let row = serde_json::to_value(&all).expect("plain data");
            prop_assert_eq!(serde_json::from_value::<Facts>(row).expect("its own row"), all);
        }
    }

    #[test]
    fn the_earlier_report_of_an_end_wins_unless_it_is_poorer() {
        let silent = Fact::Ended { at: at(1), reason: None };
        for (facts, want, why) in [
            (vec![ended(3, "late"), ended(2, "early")], "early", "the earlier"),
            (vec![ended(2, "early"), ended(3, "late")], "early", "the earlier, in any order"),
            (vec![ended(2, "b"), ended(2, "a")], "a", "a tie has one winner"),
            (vec![silent.clone(), ended(3, "late")], "late", "a reason beats none"),
            (vec![silent], "", "none is all there is"),
        ] {
            assert_eq!(told(&facts).reason(), Some(want), "{why}");
        }
    }

    #[test]
    fn an_opt_out_outlives_the_analysis_that_it_came_with() {
        let mut all = Facts::default();
        assert_eq!(all.apply(analysed(1, false, true)), Changed::First);
        assert_eq!(all.apply(analysed(2, true, false)), Changed::Corrected);
        assert_eq!(all.analysis().map(|said| said.action), Some(Action::Confirmed));
        assert!(all.opted_out());
    }

    #[test]
    fn what_was_told_is_what_is_weighed() {
        use super::super::outcome::{Outcome, decide};
        let yes = analysed(3, false, true);
        for (facts, want, why) in [
            (vec![ended(2, "user_hangup"), yes.clone()], Outcome::AnsweredConfirmed, "plain"),
            (
                vec![yes, Fact::OptedOut, ended(2, "user_hangup")],
                Outcome::OptedOut,
                "said elsewhere",
            ),
            (vec![ended(2, "registered_call_timeout")], Outcome::NotPlaced, "never placed"),
            (
                vec![ended(2, "registered_call_timeout"), Fact::Connected { at: at(1) }],
                Outcome::Failed,
                "it was connected",
            ),
        ] {
            let facts = told(&facts);
            let evidence = facts.evidence().expect("it ended");
            assert_eq!((decide(evidence).outcome, evidence.ended_at), (want, at(2)), "{why}");
        }
        assert_eq!(told(&[Fact::OptedOut]).evidence().map(decide), None, "not over yet");
    }

    #[test]
    fn an_end_says_that_the_call_was_placed() {
        assert_eq!(told(&[ended(2, "dial_busy")]).placed_at(), Some(at(2)));
        assert_eq!(told(&[]).placed_at(), None);
    }

    #[test]
    fn decides_when_analysed_or_when_asked_ten_minutes_after_the_end() {
        let end = ended(20, "user_hangup");
        let analysis = analysed(21, false, true);
        for (facts, answered, want, why) in [
            (vec![], Some(90), None, "nothing has happened"),
            (vec![analysis.clone()], Some(90), None, "without an end there is no reason"),
            (vec![end.clone(), analysis], None, Some(Basis::Analysed), "all is known"),
            (vec![end.clone()], None, None, "the analysis may come"),
            (vec![end.clone()], Some(29), None, "asked too early"),
            (vec![end], Some(30), Some(Basis::EndAlone), "asked, and there was none"),
        ] {
            assert_eq!(told(&facts).basis(answered.map(at)), want, "{why}");
        }
    }

    #[test]
    fn asks_after_fifteen_minutes_and_then_every_five() {
        let end = ended(20, "user_hangup");
        for (facts, asked, want, why) in [
            (vec![], None, Some(15), "no end, never asked"),
            (vec![Fact::Connected { at: at(1) }], None, Some(15), "connected, no end"),
            (vec![], Some(15), Some(20), "five minutes on"),
            (vec![], Some(2), Some(15), "asked early by hand: not before its time"),
            (vec![end.clone()], None, Some(30), "ended: ten minutes for the analysis"),
            (vec![end.clone()], Some(20), Some(30), "the end came by asking"),
            (vec![end.clone()], Some(30), Some(35), "the provider didn't answer"),
            (vec![end, analysed(21, false, true)], None, None, "nothing is missing"),
            (vec![analysed(21, false, true)], None, Some(15), "an analysis alone names no reason"),
        ] {
            assert_eq!(told(&facts).ask_at(at(0), asked.map(at)), want.map(at), "{why}");
        }
    }
}
