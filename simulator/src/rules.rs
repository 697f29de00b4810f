//! Which scenario and which faults a call gets.
//!
//! Rules are read from the top. The first that applies and says something of the conversation
//! decides the conversation; the first that applies and says something of faults decides the
//! faults. So "every tenth reply is lost" and "this number is engaged" are two rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dice::{Dice, Question};
use crate::faults::{BadFault, Faults};
use crate::named;
use crate::number::Number;
use crate::scenario::{Scenario, UnknownScenario};

/// One rule. Conditions that are absent hold for every call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Condition: the number called is this one.
    pub to: Option<String>,
    /// Condition: it begins so.
    pub prefix: Option<String>,
    /// Condition: it ends so.
    pub suffix: Option<String>,
    /// Condition: the label of the account that calls.
    pub account: Option<String>,
    /// Condition: it is one of these calls to that number, counted from 1.
    pub nth: Vec<u32>,
    /// Condition: applies to this share of the calls (0 to 1) for which all the others hold.
    pub chance: Option<f64>,
    /// The conversation.
    #[serde(deserialize_with = "named::optional")]
    pub scenario: Option<Scenario>,
    /// One conversation for each call to a number in turn; the last serves for all later ones.
    #[serde(deserialize_with = "named::list")]
    pub sequence: Vec<Scenario>,
    /// A conversation by chance: names of scenarios, each with its weight.
    pub weights: BTreeMap<String, f64>,
    /// What goes wrong.
    #[serde(deserialize_with = "named::optional")]
    pub faults: Option<Faults>,
    /// What goes wrong by chance: names of faults (`none` among them), each with its weight.
    pub fault_weights: BTreeMap<String, f64>,
}

impl Rule {
    /// For calls to this number.
    pub fn to(number: impl Into<String>) -> Self {
        Self { to: Some(number.into()), ..Self::default() }
    }

    /// For calls to numbers that end so.
    pub fn suffix(end: impl Into<String>) -> Self {
        Self { suffix: Some(end.into()), ..Self::default() }
    }

    /// With this conversation.
    #[must_use]
    pub fn scenario(self, scenario: Scenario) -> Self {
        Self { scenario: Some(scenario), ..self }
    }

    /// With these faults.
    #[must_use]
    pub fn faults(self, faults: Faults) -> Self {
        Self { faults: Some(faults), ..self }
    }
}

/// A rule that can't be followed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadRule {
    /// It names no scenario.
    #[error(transparent)]
    Scenario(#[from] UnknownScenario),
    /// It names no fault.
    #[error(transparent)]
    Fault(#[from] BadFault),
    /// A weight below 0, or none above.
    #[error("weights must not be negative, and one must be more than 0")]
    Weights,
    /// A chance that is none.
    #[error("a chance is at least 0 and at most 1")]
    Chance,
    /// It says nothing.
    #[error("a rule needs a scenario, a sequence, weights, faults or fault_weights")]
    Empty,
}

type Weighted<T> = Vec<(f64, Arc<T>)>;

/// A rule that has been checked, with its presets looked up.
pub(crate) struct Ready {
    to: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
    account: Option<String>,
    nth: Vec<u32>,
    chance: Option<f64>,
    sequence: Vec<Arc<Scenario>>,
    scenarios: Weighted<Scenario>,
    faults: Weighted<Faults>,
}

impl TryFrom<&Rule> for Ready {
    type Error = BadRule;

    fn try_from(rule: &Rule) -> Result<Self, BadRule> {
        if rule.chance.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
            return Err(BadRule::Chance);
        }
        let mut scenarios = weighted(&rule.weights, Scenario::named)?;
        scenarios.extend(rule.scenario.iter().map(|it| (1.0, Arc::new(it.clone()))));
        let mut faults = weighted_faults(&rule.fault_weights)?;
        faults.extend(rule.faults.iter().map(|it| (1.0, Arc::new(it.clone()))));
        if scenarios.is_empty() && rule.sequence.is_empty() && faults.is_empty() {
            return Err(BadRule::Empty);
        }
        Ok(Self {
            to: rule.to.clone(),
            prefix: rule.prefix.clone(),
            suffix: rule.suffix.clone(),
            account: rule.account.clone(),
            nth: rule.nth.clone(),
            chance: rule.chance,
            sequence: rule.sequence.iter().cloned().map(Arc::new).collect(),
            scenarios,
            faults,
        })
    }
}

/// # Errors
/// The first rule that can't be followed.
pub(crate) fn ready(rules: &[Rule]) -> Result<Vec<Ready>, BadRule> {
    rules.iter().map(Ready::try_from).collect()
}

/// # Errors
/// An unknown name, or weights that choose nothing.
pub(crate) fn weighted_faults(
    weights: &BTreeMap<String, f64>,
) -> Result<Weighted<Faults>, BadRule> {
    weighted(weights, Faults::named)
}

fn weighted<T, E>(
    weights: &BTreeMap<String, f64>,
    named: impl Fn(&str) -> Result<T, E>,
) -> Result<Weighted<T>, BadRule>
where
    BadRule: From<E>,
{
    let sound = weights.values().all(|weight| *weight >= 0.0 && weight.is_finite());
    if !sound || (!weights.is_empty() && weights.values().all(|weight| *weight == 0.0)) {
        return Err(BadRule::Weights);
    }
    weights.iter().map(|(name, weight)| Ok((*weight, Arc::new(named(name)?)))).collect()
}

/// The call that a decision is about.
pub(crate) struct Called<'a> {
    pub(crate) number: Number,
    pub(crate) account: &'a str,
    /// Counted from 1.
    pub(crate) nth: u32,
    pub(crate) dice: Dice,
}

/// What the rules say of a call; what no rule speaks of is `None`.
#[derive(Default)]
pub(crate) struct Decision {
    pub(crate) scenario: Option<Arc<Scenario>>,
    pub(crate) faults: Option<Arc<Faults>>,
}

/// The first conversation and the first faults that the rules give this call.
pub(crate) fn decide<'r>(rules: impl Iterator<Item = &'r Ready>, call: &Called<'_>) -> Decision {
    let digits = call.number.to_string();
    let mut decision = Decision::default();
    for (place, rule) in rules.enumerate() {
        if !rule.applies(place, &digits, call) {
            continue;
        }
        if decision.scenario.is_none() {
            decision.scenario = rule.conversation(call);
        }
        if decision.faults.is_none() {
            decision.faults = call.dice.pick(Question::Fault, &rule.faults).cloned();
        }
    }
    decision
}

impl Ready {
    fn applies(&self, place: usize, digits: &str, call: &Called<'_>) -> bool {
        self.to.as_ref().is_none_or(|it| it == digits)
            && self.prefix.as_ref().is_none_or(|it| digits.starts_with(it))
            && self.suffix.as_ref().is_none_or(|it| digits.ends_with(it))
            && self.account.as_ref().is_none_or(|it| it == call.account)
            && (self.nth.is_empty() || self.nth.contains(&call.nth))
            && self.chance.is_none_or(|it| call.dice.fraction(Question::RuleApplies(place)) < it)
    }

    fn conversation(&self, call: &Called<'_>) -> Option<Arc<Scenario>> {
        let turn = call.nth as usize - 1;
        self.sequence
            .get(turn)
            .or(self.sequence.last())
            .or_else(|| call.dice.pick(Question::Scenario, &self.scenarios))
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(rules: &str, number: &str, nth: u32) -> (Option<String>, Option<String>) {
        let rules: Vec<Rule> = serde_json::from_str(rules).unwrap();
        let number: Number = number.parse().unwrap();
        let call = Called { number, account: "demo", nth, dice: Dice::new(1, number, nth) };
        let decision = decide(ready(&rules).unwrap().iter(), &call);
        let name = |it: Arc<Faults>| it.name.clone();
        (decision.scenario.map(|it| it.name.clone()), decision.faults.map(name))
    }

    #[test]
    fn rules_choose_by_number_by_turn_and_by_account() {
        let table = [
            (r#"[{"to":"+447700900123","scenario":"busy"}]"#, 1, Some("busy"), None, "exact"),
            (r#"[{"to":"+447700900124","scenario":"busy"}]"#, 1, None, None, "another number"),
            (r#"[{"prefix":"+4477","scenario":"busy"}]"#, 1, Some("busy"), None, "prefix"),
            (r#"[{"suffix":"123","scenario":"busy"}]"#, 1, Some("busy"), None, "suffix"),
            (r#"[{"suffix":"12","scenario":"busy"}]"#, 1, None, None, "not its end"),
            (r#"[{"account":"else","scenario":"busy"}]"#, 1, None, None, "another account"),
            (r#"[{"nth":[2],"scenario":"busy"}]"#, 1, None, None, "only the second call"),
            (r#"[{"nth":[2],"scenario":"busy"}]"#, 2, Some("busy"), None, "the second call"),
            (r#"[{"sequence":["busy","confirmed"]}]"#, 1, Some("busy"), None, "first in turn"),
            (r#"[{"sequence":["busy","confirmed"]}]"#, 9, Some("confirmed"), None, "last stays"),
            (r#"[{"chance":0,"scenario":"busy"}]"#, 1, None, None, "no chance"),
            (
                r#"[{"faults":"cut_after"},{"scenario":"busy"}]"#,
                1,
                Some("busy"),
                Some("cut_after"),
                "one rule for the fault, the next for the conversation",
            ),
            (
                r#"[{"scenario":"busy"},{"scenario":"voicemail"}]"#,
                1,
                Some("busy"),
                None,
                "the first of two wins",
            ),
            (r#"[{"weights":{"busy":1,"voicemail":0}}]"#, 1, Some("busy"), None, "by weight"),
            (
                r#"[{"scenario":{"outcome":"confirmed","name":"mine"}}]"#,
                1,
                Some("mine"),
                None,
                "written out",
            ),
        ];
        for (rules, nth, scenario, fault, why) in table {
            let expected = (scenario.map(str::to_owned), fault.map(str::to_owned));
            assert_eq!(decided(rules, "+447700900123", nth), expected, "{why}");
        }
    }

    #[test]
    fn a_rule_that_cant_be_followed_is_refused() {
        let table = [
            (r#"{"scenario":"confirmd"}"#, "a misspelt scenario"),
            (r#"{"weights":{"confirmd":1}}"#, "a misspelt weight"),
            (r#"{"weights":{"confirmed":-1}}"#, "a negative weight"),
            (r#"{"weights":{"confirmed":0}}"#, "no weight at all"),
            (r#"{"scenario":"busy","chance":1.5}"#, "more than certain"),
            (r#"{"sufix":"1","scenario":"busy"}"#, "a misspelt condition"),
            (r#"{"suffix":"1"}"#, "nothing said"),
            (r#"{"faults":"refuse_200"}"#, "a refusal that isn't"),
        ];
        for (rule, why) in table {
            let followed =
                serde_json::from_str::<Rule>(rule).is_ok_and(|rule| Ready::try_from(&rule).is_ok());
            assert!(!followed, "{why}");
        }
    }
}
