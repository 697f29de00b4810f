//! Tenants, calls and a dispatcher as simple as can be, over a virtual clock.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use shared::calls::rules::admission::{admit, admit_tenant};
use shared::calls::rules::order::{Candidate, Day, Priority, Queue};
use shared::calls::rules::policy::Policy;
use shared::calls::rules::reason::Reason;
use shared::calls::rules::snapshot::{
    AccountFacts, AppointmentStatus, CallFacts, CallKind, NumberDial, Snapshot, TenantFacts,
};
use shared::calls::rules::verdict::Decision;
use shared::ids::{CallId, CampaignId};
use uuid::Uuid;

use crate::rules::facts::{ZONES, campaign, reminder, tenant};
use crate::rules::oracle::date;

/// Conversations at the same time.
const LINES: usize = 10;

/// Nothing planned here has a deadline behind this.
const LAST_DEADLINE_HOURS: i64 = 240;

#[derive(Debug, Clone)]
pub(super) struct Dial {
    pub(super) call: usize,
    pub(super) start: DateTime<Utc>,
    /// When the provider says that it began.
    pub(super) recorded: DateTime<Utc>,
    pub(super) answered: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) counts: bool,
    pub(super) reached: bool,
    settled: bool,
}

#[derive(Debug, Clone)]
pub(super) enum End {
    Answered,
    Refused { reasons: Vec<Reason>, at: DateTime<Utc> },
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) contact: usize,
    pub(super) number: usize,
    pub(super) facts: CallFacts,
    pub(super) eligible_at: DateTime<Utc>,
    pub(super) end: Option<End>,
}

#[derive(Clone)]
pub(super) struct Tenant {
    pub(super) zone: Tz,
    pub(super) policy: Policy,
    pub(super) closed_dates: BTreeSet<NaiveDate>,
    pub(super) calls: Vec<Call>,
    pub(super) dials: Vec<Dial>,
    start: DateTime<Utc>,
    look_at: DateTime<Utc>,
    chance: StdRng,
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} from {}, {} calls, {:?}",
            self.zone,
            self.start,
            self.calls.len(),
            self.policy
        )
    }
}

impl Tenant {
    /// So many calls, each number shared by some, everything else by chance.
    pub(super) fn invent(
        start: DateTime<Utc>,
        zone: Tz,
        policy: Policy,
        closed_dates: BTreeSet<NaiveDate>,
        (calls, sharing, seed): (usize, usize, u64),
    ) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let calls = (0..calls)
            .map(|i| {
                let mut facts = reminder(start);
                facts.zone = if chance.random_bool(0.7) {
                    zone
                } else {
                    ZONES[chance.random_range(0..ZONES.len())]
                };
                facts.earliest = start + Duration::minutes(chance.random_range(0..2000));
                facts.due = facts.earliest + Duration::minutes(chance.random_range(0..600));
                let hours = chance.random_range(12..LAST_DEADLINE_HOURS - 50);
                facts.deadline = facts.due + Duration::hours(hours);
                match chance.random_range(0..10) {
                    0 => facts.kind = CallKind::CallNow,
                    1..4 => {
                        facts.kind = CallKind::Campaign;
                        let mut of = campaign(facts.deadline - Duration::days(30));
                        of.skip_gap = chance.random_bool(0.2);
                        of.interval = Duration::zero();
                        facts.campaign = Some(of);
                    }
                    _ => {}
                }
                facts.do_not_call = chance.random_bool(0.02);
                let eligible_at = facts.earliest;
                let number = chance.random_range(0..=i) / sharing;
                Call { contact: i / 2, number, facts, eligible_at, end: None }
            })
            .collect();
        let dials = Vec::new();
        Self { zone, policy, closed_dates, calls, dials, start, look_at: start, chance }
    }

    fn facts(&self, now: DateTime<Utc>) -> (TenantFacts, AccountFacts) {
        let today = date(self.zone, now);
        let dials = self.dials.iter();
        let token = Duration::seconds(15 * 60 + 1);
        let tenant = TenantFacts {
            zone: self.zone,
            policy: self.policy.clone(),
            closed_dates: self.closed_dates.clone(),
            tokens_back_at: dials.clone().map(|dial| dial.answered + token).collect(),
            dials_today: dials.clone().filter(|d| date(self.zone, d.start) == today).count() as u32,
            ..tenant(now)
        };
        let ringing = dials.clone().filter(|dial| dial.end > now).count();
        let free_slots = LINES.saturating_sub(ringing) as u32;
        let next_start_at = dials.map(|d| d.start + Duration::milliseconds(100)).max();
        let next_start_at = next_start_at.unwrap_or(now);
        (tenant, AccountFacts { held: false, breaker_open: false, free_slots, next_start_at })
    }

    fn snapshot(&self, now: DateTime<Utc>, index: usize) -> Snapshot {
        let call = &self.calls[index];
        let related = |dial: &&Dial| {
            let other = &self.calls[dial.call];
            other.number == call.number || other.contact == call.contact
        };
        let mut facts = call.facts.clone();
        facts.under_way = self.dials.iter().filter(related).any(|dial| dial.end > now);
        let counted = || self.dials.iter().filter(related).filter(|dial| dial.counts);
        facts.last_counted_dial = counted().map(|dial| dial.start).max();
        facts.attempts = counted().filter(|dial| dial.call == index).count() as u32;
        facts.number_dials = counted()
            .filter(|dial| self.calls[dial.call].number == call.number)
            .map(|d| NumberDial {
                at: d.start,
                campaign: self.calls[d.call].facts.campaign.is_some(),
            })
            .collect();
        let (tenant, account) = self.facts(now);
        Snapshot { now, tenant, account, call: facts }
    }

    /// One look of the dispatcher; says when to look again by setting `look_at`.
    fn dispatch(&mut self, now: DateTime<Utc>) {
        self.settle(now);
        let (facts, account) = self.facts(now);
        let decision = admit_tenant(&facts, &account, now).decision;
        let mut again = decision.until();
        if matches!(decision, Decision::Dial | Decision::Refuse { .. }) {
            let mut queue =
                Queue::new(self.candidates(now), now + Duration::days(2), self.day(now));
            while let Some(candidate) = queue.next() {
                let index = candidate.id.0.as_u128() as usize;
                let answer = admit(&self.snapshot(now, index));
                let call = &mut self.calls[index];
                match answer.decision {
                    Decision::Dial => {
                        self.dial(now, index);
                        queue.dialled(&candidate);
                        continue;
                    }
                    Decision::Refuse { reasons } => {
                        call.end = Some(End::Refused { reasons, at: now });
                        continue;
                    }
                    Decision::Defer { .. } | Decision::Hold { .. } => {}
                }
                match answer.call {
                    Decision::Defer { until, .. } => call.eligible_at = until,
                    // Held by another dial: a wake would come; here it is looked at again.
                    Decision::Hold { .. } => call.eligible_at = now + Duration::minutes(5),
                    Decision::Dial | Decision::Refuse { .. } => {}
                }
                if answer.tenant != Decision::Dial {
                    again = Some(answer.tenant.until().unwrap_or(now + Duration::seconds(30)));
                    break;
                }
            }
        }
        let calls =
            self.calls.iter().filter(|call| call.end.is_none()).map(|call| call.eligible_at);
        let ends = self.dials.iter().filter(|dial| !dial.settled).map(|dial| dial.end);
        // A campaign call that the day leaves no room for waits for the next net, as in the engine.
        let net = now + Duration::minutes(15);
        let soonest = calls.filter(|at| *at > now).chain(ends).min().unwrap_or(net);
        let soonest = again.map_or(soonest.min(net), |again| again.max(now));
        self.look_at = soonest.max(now + Duration::milliseconds(1));
    }

    fn candidates(&self, now: DateTime<Utc>) -> Vec<Candidate> {
        let ringing = |i: usize| self.dials.iter().any(|dial| dial.call == i && !dial.settled);
        let open = |(i, call): &(usize, &Call)| {
            call.end.is_none() && call.eligible_at <= now && !ringing(*i)
        };
        let campaigns = |call: &Call| call.facts.campaign.as_ref().map(|c| u128::from(c.skip_gap));
        let candidate = |(i, call): (usize, &Call)| Candidate {
            id: CallId(Uuid::from_u128(i as u128)),
            kind: call.facts.kind,
            priority: if i % 7 == 0 { Priority::High } else { Priority::Normal },
            due: call.facts.due,
            deadline: call.facts.deadline,
            campaign: campaigns(call).map(|id| (CampaignId(Uuid::from_u128(id)), 0)),
        };
        self.calls.iter().enumerate().filter(open).map(candidate).collect()
    }

    fn day(&self, now: DateTime<Utc>) -> Day {
        let today = date(self.zone, now);
        let made: Vec<_> =
            self.dials.iter().filter(|dial| date(self.zone, dial.start) == today).collect();
        let of_campaign = |dial: &&&Dial| self.calls[dial.call].facts.campaign.is_some();
        let due = |call: &&Call| {
            call.end.is_none()
                && call.facts.campaign.is_none()
                && date(self.zone, call.eligible_at) <= today
        };
        Day {
            daily_limit: self.policy.daily_limit,
            dials: made.len() as u32,
            campaign_dials: made.iter().filter(of_campaign).count() as u32,
            others_due: self.calls.iter().filter(due).count() as u32,
            campaign_share_percent: self.policy.campaign_share_percent,
        }
    }

    fn dial(&mut self, now: DateTime<Utc>, call: usize) {
        let answered = now + Duration::milliseconds(self.chance.random_range(50..20_000));
        let placed = self.chance.random_bool(0.95);
        let talk = Duration::seconds(self.chance.random_range(5..240));
        let share = self.chance.random_range(0..=(answered - now).num_milliseconds());
        self.dials.push(Dial {
            call,
            start: now,
            recorded: now + Duration::milliseconds(share),
            answered,
            end: if placed { answered + talk } else { answered },
            counts: placed,
            reached: placed && self.chance.random_bool(0.4),
            settled: false,
        });
    }

    fn settle(&mut self, now: DateTime<Utc>) {
        for dial in self.dials.iter_mut().filter(|dial| !dial.settled && dial.end <= now) {
            dial.settled = true;
            let call = &mut self.calls[dial.call];
            if dial.reached {
                call.end = Some(End::Answered);
                call.facts.appointment = Some(AppointmentStatus::Confirmed);
            } else if !dial.counts {
                call.facts.retry_at = Some(dial.end + Duration::seconds(30));
            }
            call.eligible_at = dial.end;
        }
    }
}

/// Runs until everything has an end, or until every deadline is long past.
pub(super) fn run(tenants: &mut [Tenant]) {
    for tenant in tenants {
        // After its last deadline a tenant is looked at once more when it opens, at most five weeks later.
        let stop = tenant.start + Duration::hours(2 * LAST_DEADLINE_HOURS) + Duration::days(40);
        while tenant.calls.iter().any(|call| call.end.is_none()) && tenant.look_at < stop {
            tenant.dispatch(tenant.look_at);
        }
    }
}
