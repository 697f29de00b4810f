//! When a tenant, or one of its campaigns, stops itself: too many failed dials, or too many people who opt out.
//!
//! Only what happened since the last resume is looked at, or else nobody could resume. A campaign is paused in place of
//! its tenant where its dials alone reach the number: the reminders of other contacts go on.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::disconnection::Fault;
use crate::ids::CampaignId;

/// Calls now for one contact on one local day; a further one is refused.
pub const CALLS_NOW_A_DAY: u32 = 5;

/// The numbers at which dialling stops. A tenant may tighten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// So many of the last dials are looked at.
    pub dials: usize,
    /// So many of them failed: pause.
    pub failed: usize,
    /// So many of the last answered calls are looked at.
    pub answered: usize,
    /// So many of them opted out: pause.
    pub opted_out: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { dials: 20, failed: 15, answered: 20, opted_out: 3 }
    }
}

/// One dial whose outcome is decided, or that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentDial {
    /// When it was started.
    pub at: DateTime<Utc>,
    /// The campaign that it was part of.
    pub campaign: Option<CampaignId>,
    /// Who is to blame, by its outcome or by the provider's answer. No answer, busy and voicemail blame nobody.
    pub fault: Fault,
    /// A person was spoken to.
    pub answered: bool,
    /// That person opted out.
    pub opted_out: bool,
}

/// When dialling was last resumed. What is older is forgiven.
#[derive(Debug, Clone, Default)]
pub struct Resumes {
    /// The tenant's, if it was ever paused.
    pub tenant: Option<DateTime<Utc>>,
    /// Those of its campaigns.
    pub campaigns: BTreeMap<CampaignId, DateTime<Utc>>,
}

/// Why dialling stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Too many of the last dials failed by the tenant's or the numbers' fault.
    FailedDials,
    /// Too many of the last people who answered don't want to be called.
    OptOuts,
}

/// What is to be paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// All of the tenant's dialling.
    Tenant(Why),
    /// One campaign.
    Campaign(CampaignId, Why),
}

/// Says what is to be paused now, given a tenant's recent dials in any order.
///
/// `dials` must reach back far enough to hold the last `thresholds.answered` answered ones, or to the last resume.
pub fn judge(dials: &[RecentDial], resumes: &Resumes, thresholds: Thresholds) -> Option<Stop> {
    let mut newest: Vec<_> = dials.iter().filter(|dial| is_after_resume(dial, resumes)).collect();
    newest.sort_by_key(|dial| std::cmp::Reverse(dial.at));

    let failed: Vec<_> = newest
        .iter()
        .take(thresholds.dials)
        .filter(|dial| matches!(dial.fault, Fault::Tenant | Fault::Number))
        .map(|dial| dial.campaign)
        .collect();
    let opted_out: Vec<_> = newest
        .iter()
        .filter(|dial| dial.answered)
        .take(thresholds.answered)
        .filter(|dial| dial.opted_out)
        .map(|dial| dial.campaign)
        .collect();
    blame(&failed, thresholds.failed, Why::FailedDials)
        .or_else(|| blame(&opted_out, thresholds.opted_out, Why::OptOuts))
}

/// One more call now for a contact is refused; `calls_now_today` of them were made on its local day.
pub fn refuses_call_now(calls_now_today: u32) -> bool {
    calls_now_today >= CALLS_NOW_A_DAY
}

fn is_after_resume(dial: &RecentDial, resumes: &Resumes) -> bool {
    let of_campaign = dial.campaign.and_then(|campaign| resumes.campaigns.get(&campaign).copied());
    [resumes.tenant, of_campaign].into_iter().flatten().all(|resumed| dial.at >= resumed)
}

fn blame(culprits: &[Option<CampaignId>], enough: usize, why: Why) -> Option<Stop> {
    if culprits.len() < enough {
        return None;
    }
    let campaigns: BTreeSet<_> = culprits.iter().flatten().copied().collect();
    let alone = |campaign: &CampaignId| {
        culprits.iter().filter(|culprit| **culprit == Some(*campaign)).count() >= enough
    };
    let tipped = campaigns.into_iter().find(alone);
    Some(tipped.map_or(Stop::Tenant(why), |campaign| Stop::Campaign(campaign, why)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Duration;
    use uuid::Uuid;

    const A: CampaignId = CampaignId(Uuid::from_u128(1));
    const B: CampaignId = CampaignId(Uuid::from_u128(2));

    fn at(minute: usize) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::minutes(i64::try_from(minute).expect("small"))
    }

    /// One letter a dial, oldest first, a minute apart. Capitals belong to campaign A:
    /// f failed (number), t failed (tenant), p provider failed, n no answer, y answered, o opted out.
    fn dials(story: &str) -> Vec<RecentDial> {
        let dial = |(minute, letter): (usize, char)| RecentDial {
            at: at(minute),
            campaign: letter.is_uppercase().then_some(A),
            fault: match letter.to_ascii_lowercase() {
                'f' => Fault::Number,
                't' => Fault::Tenant,
                'p' => Fault::Provider,
                _ => Fault::Nobody,
            },
            answered: matches!(letter.to_ascii_lowercase(), 'y' | 'o'),
            opted_out: letter.eq_ignore_ascii_case(&'o'),
        };
        story.chars().enumerate().map(dial).collect()
    }

    fn judged(dials: &[RecentDial]) -> Option<Stop> {
        judge(dials, &Resumes::default(), Thresholds::default())
    }

    #[test]
    fn pauses_who_tipped_it() {
        let by_failures = Some(Stop::Tenant(Why::FailedDials));
        let by_opt_outs = Some(Stop::Tenant(Why::OptOuts));
        for (story, want, why) in [
            ("", None, "no dials"),
            ("ffffffffffffff", None, "14 failures"),
            ("fffffffffffffff", by_failures, "15 failures; the next 5 can't undo them"),
            ("tfffffftttttttt", by_failures, "its own fault and the numbers'"),
            ("fffffffffffffffyyyyy", by_failures, "15 of 20"),
            ("fffffffffffffffyyyyyy", None, "the oldest is the 21st last"),
            ("ppppppppppppppppppppp", None, "the provider's fault"),
            ("nnnnnnnnnnnnnnnnnnnnn", None, "no answer is nobody's fault"),
            ("oo", None, "two opt-outs"),
            ("ooo", by_opt_outs, "three; seventeen more who stay can't undo them"),
            ("oooyyyyyyyyyyyyyyyyy", by_opt_outs, "three of 20 answered"),
            ("oooyyyyyyyyyyyyyyyyyy", None, "the oldest is the 21st last answered"),
            ("oooyyyyyyyyyyyyyyyyynnnnnnnnnn", by_opt_outs, "unanswered ones aren't looked at"),
            ("FFFFFFFFFFFFFFF", Some(Stop::Campaign(A, Why::FailedDials)), "a campaign alone"),
            ("fFFFFFFFFFFFFFFF", Some(Stop::Campaign(A, Why::FailedDials)), "still alone"),
            ("fFFFFFFFFFFFFFF", by_failures, "not without the reminder's failure"),
            ("OOO", Some(Stop::Campaign(A, Why::OptOuts)), "a campaign alone"),
            ("oOO", by_opt_outs, "not alone"),
            ("yyyyyyyyyyyyyOOO", Some(Stop::Campaign(A, Why::OptOuts)), "the others are content"),
        ] {
            assert_eq!(judged(&dials(story)), want, "{story}: {why}");
        }
    }

    #[test]
    fn two_campaigns_together_pause_the_tenant() {
        let mut all = dials("FFFFFFFFFFFFFFFF");
        for dial in &mut all[..8] {
            dial.campaign = Some(B);
        }
        assert_eq!(judged(&all), Some(Stop::Tenant(Why::FailedDials)));
    }

    #[test]
    fn the_order_of_the_dials_given_does_not_matter() {
        let mut all = dials("fffffffffffffffyyyyyy");
        assert_eq!(judged(&all), None);
        all.reverse();
        assert_eq!(judged(&all), None);
        all.rotate_left(7);
        assert_eq!(judged(&all), None);
    }

    #[test]
    fn a_resume_forgives_what_was_before_it() {
        let all = dials("FFFFFFFFFFFFFFFF");
        for (tenant, campaign, want, why) in [
            (None, None, true, "never resumed"),
            (Some(1), None, true, "15 since"),
            (Some(2), None, false, "14 since"),
            (None, Some((A, 2)), false, "14 since the campaign's own resume"),
            (None, Some((B, 2)), true, "another campaign's resume"),
        ] {
            let resumes = Resumes {
                tenant: tenant.map(at),
                campaigns: campaign.map(|(id, minute)| (id, at(minute))).into_iter().collect(),
            };
            let stop = judge(&all, &resumes, Thresholds::default());
            assert_eq!(stop.is_some(), want, "{why}");
        }
    }

    #[test]
    fn a_tenant_may_be_stricter() {
        let strict = Thresholds { opted_out: 1, ..Thresholds::default() };
        let stop = judge(&dials("yyo"), &Resumes::default(), strict);
        assert_eq!(stop, Some(Stop::Tenant(Why::OptOuts)));
    }

    #[test]
    fn the_sixth_call_now_of_a_day_is_refused() {
        assert!(!refuses_call_now(4), "the fifth");
        assert!(refuses_call_now(5), "the sixth");
    }
}
