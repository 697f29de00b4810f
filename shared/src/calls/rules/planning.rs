//! When a call is wanted: earliest, due and deadline.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;

use super::hours::{Calendar, WallClock, local_date, shift};
use super::policy::Policy;

/// A *call now* that isn't dialled so soon is put back, unless it was asked to wait.
pub const CALL_NOW_PATIENCE: Duration = Duration::minutes(10);

/// An appointment that moves by so much is planned anew.
const MOVED: Duration = Duration::hours(2);

/// A call that still waits with so much calling time left flags its contact.
const LAST_CHANCE: Duration = Duration::hours(2);

/// No reminder is asked for longer before its appointment: a year.
const LONGEST_CALL_BEFORE_HOURS: u32 = 366 * 24;

/// The wall clocks that a call goes by, and what is open on them.
#[derive(Debug, Clone, Copy)]
pub struct Clocks<'a> {
    /// The tenant's policy.
    pub policy: &'a Policy,
    /// The tenant's zone.
    pub tenant_zone: Tz,
    /// The contact's zone.
    pub contact_zone: Tz,
    /// The tenant's closed dates, by its own wall clock.
    pub closed_dates: &'a BTreeSet<NaiveDate>,
}

impl<'a> Clocks<'a> {
    /// The instants at which a call may start.
    pub fn calendar(&self) -> Calendar<'a> {
        let contact = WallClock::new(self.contact_zone, self.policy.calling_hours);
        Calendar::for_calls([self.tenant_clock(), contact])
    }

    fn tenant_clock(&self) -> WallClock<'a> {
        WallClock::new(self.tenant_zone, self.policy.calling_hours).except(self.closed_dates)
    }
}

/// What a reminder's plan depends on.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The instant of planning.
    pub now: DateTime<Utc>,
    /// When the appointment was booked, or last moved.
    pub booked_at: DateTime<Utc>,
    /// The appointment.
    pub appointment_at: DateTime<Utc>,
    /// How long before it the call is wanted; usually [`Policy::call_before_hours`]. 0 counts as 1.
    pub call_before_hours: u32,
    /// Whose hours.
    pub clocks: Clocks<'a>,
    /// A number that is the same for a call whenever it is planned, and different for most calls: it picks the place
    /// where calls are spread over a stretch of time.
    pub spread: u64,
}

/// When a call is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Not dialled before.
    pub earliest: DateTime<Utc>,
    /// Wanted at this open instant, at or after `earliest` and before `deadline`.
    pub due: DateTime<Utc>,
    /// Not dialled at or after.
    pub deadline: DateTime<Utc>,
    /// When dispatch looks at it first: as it is planned, its due time.
    pub eligible_at: DateTime<Utc>,
}

/// Nothing can be planned; the contact is flagged and staff are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unplannable {
    /// No open instant is left before the deadline.
    #[error("no calling time is left before the deadline")]
    TooLate,
    /// Nothing is open for the next 35 days.
    #[error("no calling time within the next 35 days")]
    NeverOpen,
}

/// Plans a reminder.
///
/// # Errors
/// [`Unplannable`] if there is no open instant between `earliest` (and now) and the deadline.
pub fn plan_reminder(input: &PlanInput<'_>) -> Result<Planned, Unplannable> {
    let calendar = input.clocks.calendar();
    let before = call_before(input.call_before_hours);
    let wished = shift(input.appointment_at, -before);
    let deadline =
        reminder_deadline(input.appointment_at, input.call_before_hours, input.clocks.policy);

    let preceding = calendar.open_period_before(wished);
    let settled = shift(input.booked_at, input.clocks.policy.booking_delay());
    let earliest = preceding.as_ref().map_or(settled, |open| open.start.max(settled));
    let from = earliest.max(input.now);

    let planned = |due| Planned { earliest, due, deadline, eligible_at: due };
    if wished >= from && calendar.is_open(wished) {
        return Ok(planned(wished));
    }
    // Close enough to the wish, with time left for a second attempt or for staff.
    let comfortable = shift(deadline, -(before / 4).min(Duration::hours(4)));
    if let Some(open) = calendar.next_open(wished.max(from)).filter(|open| *open <= comfortable) {
        return Ok(planned(open));
    }
    // Everybody with an early appointment on Monday would be called in Saturday's last minute.
    if let Some(open) = preceding.map(|open| open.start.max(from)..open.end)
        && !open.is_empty()
    {
        let seconds = u64::try_from((open.end - open.start).num_seconds()).unwrap_or(0).max(1);
        let offset = i64::try_from(input.spread % seconds).unwrap_or(0);
        return Ok(planned(open.start + Duration::seconds(offset)));
    }
    match calendar.next_open(from) {
        Some(open) if open < deadline => Ok(planned(open)),
        Some(_) => Err(Unplannable::TooLate),
        // Time that ran out is the nearer reason, if it did.
        None if from >= deadline => Err(Unplannable::TooLate),
        None => Err(Unplannable::NeverOpen),
    }
}

/// A reminder isn't dialled at or after this: the minimum notice before the appointment, or half of
/// `call_before_hours` if that is less.
pub fn reminder_deadline(
    appointment_at: DateTime<Utc>,
    call_before_hours: u32,
    policy: &Policy,
) -> DateTime<Utc> {
    let half = call_before(call_before_hours) / 2;
    shift(appointment_at, -policy.minimum_notice().min(half))
}

fn call_before(hours: u32) -> Duration {
    Duration::hours(hours.clamp(1, LONGEST_CALL_BEFORE_HOURS).into())
}

/// What happens to a *call now* that can't go out within minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// It is put back after [`CALL_NOW_PATIENCE`].
    Minutes,
    /// It stays in front until its deadline.
    UntilDeadline,
}

/// A *call now*, planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedNow {
    /// Earliest, due and eligible at once; the deadline is the appointment, or that local day's close.
    pub times: Planned,
    /// It stays in front until here, and is put back then.
    pub in_front_until: DateTime<Utc>,
}

/// Plans a *call now*, about an appointment that is still ahead or about none.
///
/// # Errors
/// [`Unplannable::TooLate`] if it is about no appointment ahead and the tenant has closed for today.
pub fn plan_call_now(
    now: DateTime<Utc>,
    appointment_at: Option<DateTime<Utc>>,
    patience: Patience,
    clocks: &Clocks<'_>,
) -> Result<PlannedNow, Unplannable> {
    let deadline = appointment_at
        .filter(|at| *at > now)
        .or_else(|| close_of_day(now, clocks))
        .ok_or(Unplannable::TooLate)?;
    let in_front_until = match patience {
        Patience::Minutes => shift(now, CALL_NOW_PATIENCE).min(deadline),
        Patience::UntilDeadline => deadline,
    };
    let times = Planned { earliest: now, due: now, deadline, eligible_at: now };
    Ok(PlannedNow { times, in_front_until })
}

/// When the tenant closes on its local day of `now`; `None` if it has.
fn close_of_day(now: DateTime<Utc>, clocks: &Clocks<'_>) -> Option<DateTime<Utc>> {
    let today = local_date(clocks.tenant_zone, now);
    Calendar::plain([clocks.tenant_clock()])
        .open_periods(now..shift(now, Duration::days(2)))
        .into_iter()
        .take_while(|open| local_date(clocks.tenant_zone, open.start) == today)
        .last()
        .map(|open| open.end)
}

/// Whether an appointment moved so far that it is planned anew: by two hours or more, or to another local day.
pub fn moved_enough(old: DateTime<Utc>, new: DateTime<Utc>, zone: Tz) -> bool {
    (new - old).abs() >= MOVED || local_date(zone, old) != local_date(zone, new)
}

/// The instant with two calling hours left before the deadline: a call that is still held or deferred then flags its
/// contact. If there never were two, it lies 35 days before the deadline.
pub fn last_chance(deadline: DateTime<Utc>, clocks: &Clocks<'_>) -> DateTime<Utc> {
    let mut left = LAST_CHANCE;
    let first = shift(deadline, -super::hours::HORIZON);
    for open in clocks.calendar().open_periods(first..deadline).into_iter().rev() {
        let length = open.end - open.start;
        if length >= left {
            return open.end - left;
        }
        left -= length;
    }
    first
}
