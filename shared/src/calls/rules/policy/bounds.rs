//! What an allowance itself may be: a slip of the hand must not let a tenant ring all night, or never.

use super::{Allowance, Fault, PolicyFault};

/// Most of anything that is counted.
const MOST: u32 = 100_000;

/// Most hours before an appointment that its reminder may be due: a week, as of an appointment's own lead.
const MOST_LEAD_HOURS: u32 = 168;

impl Allowance {
    /// Whether this makes sense for any tenant.
    ///
    /// # Errors
    /// Every setting that doesn't, by its name.
    pub fn check(&self) -> Result<(), Vec<PolicyFault>> {
        let mut faults = Vec::new();
        let mut add = |field, reason| faults.push(PolicyFault { field, reason });
        if self.closes_not_after <= self.opens_not_before {
            add("closes_not_after", Fault::TooShort);
        }
        if self.number_regions.is_empty() {
            add("number_regions", Fault::Empty);
        }
        for (field, value, most) in [
            ("window_limit_at_most", self.window_limit_at_most, MOST),
            ("daily_limit_at_most", self.daily_limit_at_most, MOST),
            ("max_attempts_at_most", self.max_attempts_at_most, 100),
            ("number_week_limit_at_most", self.number_week_limit_at_most, 100),
            ("call_before_hours_at_most", self.call_before_hours_at_most, MOST_LEAD_HOURS),
            ("retention_months_at_most", self.retention_months_at_most, 1_200),
        ] {
            match value {
                0 => add(field, Fault::AtLeast(1)),
                value if value > most => add(field, Fault::AtMost(most)),
                _ => {}
            }
        }
        if self.campaign_share_percent_at_least > 100 {
            add("campaign_share_percent_at_least", Fault::AtMost(100));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}
