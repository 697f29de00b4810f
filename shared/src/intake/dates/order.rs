//! Which of two numbers is the day: decided over the whole column.

use serde::{Deserialize, Serialize};

use super::{Reading, reading};

/// Which of the two first numbers of a date is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportDateOrder")]
pub enum Order {
    /// 31/03/2027, as in Britain.
    DayFirst,
    /// 03/31/2027, as in the United States.
    MonthFirst,
}

/// What the dates of a column say about their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ImportDateSurvey")]
pub struct Survey {
    /// Dates that can only be read with the day first.
    pub day_first: usize,
    /// Dates that can only be read with the month first.
    pub month_first: usize,
    /// Dates that can be read either way, and mean two days.
    pub either: usize,
    /// Dates for which it makes no difference: 2027-03-31, 31 Mar 2027, 03/03/2027.
    pub plain: usize,
    /// Texts that are no dates.
    pub unreadable: usize,
}

/// What follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportDateDecision")]
pub enum Decision {
    /// No date depends on it.
    NotNeeded,
    /// Some dates can be read one way only, all of them the same.
    DayFirst,
    /// The same.
    MonthFirst,
    /// Each date that depends on it can be read either way: somebody must choose.
    Ambiguous,
    /// Some can be read one way only, some only the other way. Dates that can be read either way are faults unless somebody
    /// chooses; then those of the other order are.
    Mixed,
}

impl Survey {
    /// Looks at one more value. Empty ones say nothing.
    pub fn add(&mut self, value: &str) {
        if value.trim().is_empty() {
            return;
        }
        let count = match reading(value) {
            None => &mut self.unreadable,
            Some(Reading::One(_) | Reading::Serial(_)) => &mut self.plain,
            Some(Reading::Two { day_first, month_first }) => match (day_first, month_first) {
                (Some(one), Some(other)) if one == other => &mut self.plain,
                (Some(_), Some(_)) => &mut self.either,
                (Some(_), None) => &mut self.day_first,
                (None, _) => &mut self.month_first,
            },
        };
        *count += 1;
    }

    /// What follows.
    pub fn decide(&self) -> Decision {
        match (self.day_first > 0, self.month_first > 0, self.either > 0) {
            (true, true, _) => Decision::Mixed,
            (true, false, _) => Decision::DayFirst,
            (false, true, _) => Decision::MonthFirst,
            (false, false, true) => Decision::Ambiguous,
            (false, false, false) => Decision::NotNeeded,
        }
    }
}
