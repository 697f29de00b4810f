//! Which of a tenant's calls goes first.
//!
//! Calls now; then calls whose deadline is near, the earliest first; then the rest by priority, campaigns in turn.
//! Campaigns take what the reminders due that day leave, and never less than their share.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::hours::{Calendar, shift};
use super::snapshot::CallKind;
use crate::ids::{CallId, CampaignId};

/// How much a call matters to the tenant.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// As most.
    #[default]
    Normal,
    /// Before those.
    High,
    /// Before all others. No campaign is.
    Urgent,
}

/// A call that could be dialled, as far as its place in the queue goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The call.
    pub id: CallId,
    /// What it is for.
    pub kind: CallKind,
    /// The higher of its contact's and its campaign's.
    pub priority: Priority,
    /// When it is wanted; of a call now, when the button was pressed.
    pub due: DateTime<Utc>,
    /// Not dialled at or after.
    pub deadline: DateTime<Utc>,
    /// Its campaign, with the number of that campaign's dials today: the one with fewer has its turn.
    pub campaign: Option<(CampaignId, u32)>,
}

/// What the tenant's local day has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// All dials that the day may have.
    pub daily_limit: u32,
    /// All dials that it has had.
    pub dials: u32,
    /// How many of those were campaigns'.
    pub campaign_dials: u32,
    /// Calls that are no campaign's, are due before the day ends and haven't been dialled.
    pub others_due: u32,
    /// Share of the day's dials that campaigns get at least, in percent.
    pub campaign_share_percent: u32,
}

impl Day {
    /// How many dials campaigns may still have: what the others leave, or what is missing from their share.
    pub fn left_for_campaigns(&self) -> u32 {
        let left = self.daily_limit.saturating_sub(self.dials);
        let unclaimed = left.saturating_sub(self.others_due);
        let share = percent_of(self.campaign_share_percent, self.daily_limit);
        unclaimed.max(share.saturating_sub(self.campaign_dials)).min(left)
    }

    /// Whether the next dial is a campaign's, since campaigns have had less than their share of those made so far.
    fn owes_campaigns(&self) -> bool {
        let share = percent_of(self.campaign_share_percent, self.dials.saturating_add(1));
        self.campaign_dials < share
    }

    fn count(&mut self, campaign: bool) {
        self.dials = self.dials.saturating_add(1);
        if campaign {
            self.campaign_dials = self.campaign_dials.saturating_add(1);
        } else {
            self.others_due = self.others_due.saturating_sub(1);
        }
    }
}

fn percent_of(percent: u32, whole: u32) -> u32 {
    let part = u64::from(percent.min(100)) * u64::from(whole) / 100;
    u32::try_from(part).unwrap_or(u32::MAX)
}

/// A call's place: smaller goes first. Total, so that the order of equal calls doesn't depend on how they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    class: Class,
    priority: Reverse<Priority>,
    turn: u32,
    time: DateTime<Utc>,
    id: CallId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    CallNow,
    /// With the hour of the deadline, counted from 1970.
    Near(i64),
    Rest,
}

/// A call's place in the queue.
///
/// `near` is the end of the next two calling days ([`two_calling_days`]); `turn` counts the calls of its campaign that
/// have gone or go before it, 0 for calls of no campaign.
pub fn place(call: &Candidate, near: DateTime<Utc>, turn: u32) -> Place {
    let priority = Reverse(call.priority);
    let (id, time) = (call.id, call.deadline);
    if call.kind == CallKind::CallNow {
        // Who pressed first goes first, whatever the contact's priority.
        let priority = Reverse(Priority::Normal);
        Place { class: Class::CallNow, priority, turn: 0, time: call.due, id }
    } else if call.deadline <= near {
        let hour = call.deadline.timestamp().div_euclid(3600);
        Place { class: Class::Near(hour), priority, turn: 0, time, id }
    } else {
        Place { class: Class::Rest, priority, turn, time, id }
    }
}

/// The end of the second day from `now` on that has calling time left; `now` if there is none.
pub fn two_calling_days(
    now: DateTime<Utc>,
    tenant_zone: chrono_tz::Tz,
    calendar: &Calendar<'_>,
) -> DateTime<Utc> {
    let open = calendar.open_periods(now..shift(now, super::hours::HORIZON));
    let date = |t| super::hours::local_date(tenant_zone, t);
    let mut days: Vec<_> = open.iter().map(|period| date(period.start)).collect();
    days.dedup();
    let Some(second) = days.get(1).or(days.first()) else { return now };
    let mut of_day = open.iter().filter(|period| date(period.start) == *second);
    of_day.next_back().map_or(now, |period| period.end)
}

/// A tenant's calls in order, while the day fills up.
///
/// Take the [`next`](Self::next) call, ask admission about it, and tell the queue if it was [`dialled`](Self::dialled).
#[derive(Debug)]
pub struct Queue {
    calls_now: VecDeque<Candidate>,
    campaigns: VecDeque<(Place, Candidate)>,
    others: VecDeque<(Place, Candidate)>,
    day: Day,
}

impl Queue {
    /// Puts the calls in order.
    pub fn new(calls: impl IntoIterator<Item = Candidate>, near: DateTime<Utc>, day: Day) -> Self {
        let mut calls: Vec<_> = calls.into_iter().collect();
        calls.sort_by_key(|call| place(call, near, 0));
        let mut turns: HashMap<CampaignId, u32> = HashMap::new();
        let mut placed: Vec<_> = calls
            .into_iter()
            .map(|call| {
                let turn = call.campaign.map_or(0, |(campaign, dials)| {
                    let turn = turns.entry(campaign).or_insert(dials);
                    *turn = turn.saturating_add(1);
                    *turn
                });
                (place(&call, near, turn), call)
            })
            .collect();
        placed.sort_by_key(|(place, _)| *place);
        let (now, later): (Vec<_>, Vec<_>) =
            placed.into_iter().partition(|(_, call)| call.kind == CallKind::CallNow);
        let (campaigns, others) = later.into_iter().partition(|(_, call)| call.campaign.is_some());
        Self { calls_now: now.into_iter().map(|(_, call)| call).collect(), campaigns, others, day }
    }

    /// The call whose turn it is, taken out of the queue; `None` when nothing more may go today.
    #[expect(
        clippy::should_implement_trait,
        reason = "what comes next depends on what was dialled"
    )]
    pub fn next(&mut self) -> Option<Candidate> {
        if self.day.dials >= self.day.daily_limit {
            return None;
        }
        if let Some(call) = self.calls_now.pop_front() {
            return Some(call);
        }
        let of_campaign = self.campaigns.front().is_some_and(|(campaign, _)| {
            let first = self.others.front().is_none_or(|(other, _)| campaign < other);
            self.day.left_for_campaigns() > 0 && (first || self.day.owes_campaigns())
        });
        let from = if of_campaign { &mut self.campaigns } else { &mut self.others };
        from.pop_front().map(|(_, call)| call)
    }

    /// Whether no call is left in it, be it that it may still go today or not.
    pub fn is_empty(&self) -> bool {
        self.calls_now.is_empty() && self.campaigns.is_empty() && self.others.is_empty()
    }

    /// Counts a call that was dialled.
    pub fn dialled(&mut self, call: &Candidate) {
        self.day.count(call.campaign.is_some());
    }
}

/// The calls that go if `room` of them may, first to last, provided that admission lets each of them.
pub fn pick(
    calls: impl IntoIterator<Item = Candidate>,
    room: usize,
    near: DateTime<Utc>,
    day: Day,
) -> Vec<CallId> {
    let mut queue = Queue::new(calls, near, day);
    let mut picked = Vec::new();
    while picked.len() < room
        && let Some(call) = queue.next()
    {
        queue.dialled(&call);
        picked.push(call.id);
    }
    picked
}
