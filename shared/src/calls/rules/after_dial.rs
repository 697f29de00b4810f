//! What comes after an attempt whose outcome is decided: for the call, its appointment and the staff.
//!
//! The calendar is an argument: the calling hours of tenant and contact are decided elsewhere.

use chrono::{DateTime, Duration, Utc};

use super::outcome::{Decision, Outcome};
use super::retry;
use super::snapshot::AppointmentStatus;

/// What is known of a call when one of its attempts is decided.
#[derive(Debug, Clone, Copy)]
pub struct Dialled {
    /// The call is about an appointment.
    pub about_appointment: bool,
    /// Counted dials for its purpose, this one included if it counts.
    pub attempts_used: u32,
    /// As many may be made.
    pub max_attempts: u32,
    /// When the call ended; of an unknown attempt, when its token and slot came back.
    pub ended_at: DateTime<Utc>,
    /// No dial at or after this instant.
    pub deadline: DateTime<Utc>,
    /// A follow-up comes no earlier than this after the end (default 8 h).
    pub follow_up_after: Duration,
    /// The instant of the decision.
    pub now: DateTime<Utc>,
    /// Dials of this call in a row that were definitely not placed, this one included.
    pub not_placed_in_a_row: u32,
    /// A random number in [0, 1).
    pub jitter: f64,
}

/// When the contact may be called.
#[derive(Clone, Copy)]
pub struct Calendar<'a> {
    /// The first instant at or after the given one in everybody's calling hours; `None` if there is none in sight.
    pub first_open: &'a dyn Fn(DateTime<Utc>) -> Option<DateTime<Utc>>,
    /// The first instant of the contact's local day after that of the given instant.
    pub next_day: &'a dyn Fn(DateTime<Utc>) -> DateTime<Utc>,
}

impl std::fmt::Debug for Calendar<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calendar").finish_non_exhaustive()
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The conversation took place: the call is settled.
    Done(Done),
    /// The call is planned again, due at this instant.
    FollowUp {
        /// In calling hours, before the deadline.
        at: DateTime<Utc>,
    },
    /// The call is over without a conversation: flag it, tell staff, offer a text message or electronic mail, or send
    /// one where that is switched on.
    GiveUp(WhyGivenUp),
    /// The same dial is tried again.
    Retry {
        /// Not before this instant.
        at: DateTime<Utc>,
    },
    /// Put the number on the do-not-call list, withdraw all that is planned for it, flag other contacts with it.
    OptOut,
    /// The number belongs to somebody else: flag it for review, call it no more about this contact.
    NumberWrong,
    /// The number doesn't exist: mark it bad, refuse its calls, tell staff.
    NumberBad,
    /// The provider account is to be held and operators paged; the call stays planned and isn't refused.
    HoldAccount,
    /// A person should look at the call.
    NeedsReview,
}

/// What a conversation changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// The new status of the call's appointment.
    pub status: Option<AppointmentStatus>,
    /// The new time of the appointment, if it moves.
    pub new_time: Option<DateTime<Utc>>,
    /// Flag it as *needs a new time*, and withdraw what is planned for the appointment.
    pub needs_new_time: bool,
    /// Flag the contact: staff should get in touch.
    pub follow_up: bool,
}

/// Why no further dial comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyGivenUp {
    /// All attempts are used.
    NoAttemptLeft,
    /// No instant in calling hours is left before the deadline.
    NoTimeLeft,
}

/// Says what comes after a decided attempt.
pub fn next(decision: Decision, dialled: Dialled, calendar: Calendar<'_>) -> Next {
    match decision.outcome {
        Outcome::AnsweredConfirmed
        | Outcome::AnsweredCancelled
        | Outcome::AnsweredRescheduled { .. }
        | Outcome::AnsweredNoAction => Next::Done(settle(decision, dialled.about_appointment)),
        Outcome::NoAnswer | Outcome::Busy | Outcome::DialFailed => {
            follow_up(dialled, |from| open_before_deadline(from, dialled, calendar))
        }
        Outcome::Voicemail => follow_up(dialled, |from| {
            // The message may still be heard today; only without another day is it followed up today.
            let another_day = from.max((calendar.next_day)(dialled.ended_at));
            open_before_deadline(another_day, dialled, calendar)
                .or_else(|| open_before_deadline(from, dialled, calendar))
        }),
        Outcome::OptedOut => Next::OptOut,
        Outcome::WrongNumber => Next::NumberWrong,
        Outcome::InvalidDestination => Next::NumberBad,
        Outcome::NotPlaced => after_not_placed(dialled),
        Outcome::AccountHeld => Next::HoldAccount,
        Outcome::Failed => Next::NeedsReview,
    }
}

/// Says what comes after a dial that was definitely not placed: also after such an answer of the provider, and after
/// an unknown attempt that became *not placed*.
pub fn after_not_placed(dialled: Dialled) -> Next {
    retry::retry_at(dialled.now, dialled.not_placed_in_a_row, dialled.jitter, dialled.deadline)
        .map_or(Next::GiveUp(WhyGivenUp::NoTimeLeft), |at| Next::Retry { at })
}

/// Says what comes after an attempt that stays unknown once its token and slot came back: it stays counted, and the
/// ordinary follow-up may come if an attempt is left.
pub fn after_unknown(dialled: Dialled, calendar: Calendar<'_>) -> Next {
    follow_up(dialled, |from| open_before_deadline(from, dialled, calendar))
}

fn settle(decision: Decision, about_appointment: bool) -> Done {
    let (status, new_time) = match decision.outcome {
        Outcome::AnsweredConfirmed => (Some(AppointmentStatus::Confirmed), None),
        Outcome::AnsweredCancelled => (Some(AppointmentStatus::Cancelled), None),
        Outcome::AnsweredRescheduled { new_time } => {
            (Some(AppointmentStatus::Rescheduled), new_time)
        }
        _ => (None, None),
    };
    let moves = status == Some(AppointmentStatus::Rescheduled);
    if about_appointment {
        return Done {
            status,
            new_time,
            needs_new_time: moves && new_time.is_none(),
            follow_up: decision.follow_up_required,
        };
    }
    // A call about no appointment changes none; a wish to cancel or move one still deserves an ear.
    let unheard = moves || status == Some(AppointmentStatus::Cancelled);
    Done { follow_up: decision.follow_up_required || unheard, ..Done::default() }
}

fn follow_up(
    dialled: Dialled,
    first_open: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>>,
) -> Next {
    if dialled.attempts_used >= dialled.max_attempts {
        return Next::GiveUp(WhyGivenUp::NoAttemptLeft);
    }
    // An outcome may be decided long after the end, and nothing is due in the past.
    let from = dialled.now.max(dialled.ended_at + dialled.follow_up_after);
    first_open(from).map_or(Next::GiveUp(WhyGivenUp::NoTimeLeft), |at| Next::FollowUp { at })
}

fn open_before_deadline(
    from: DateTime<Utc>,
    dialled: Dialled,
    calendar: Calendar<'_>,
) -> Option<DateTime<Utc>> {
    (calendar.first_open)(from).filter(|at| *at < dialled.deadline)
}

#[cfg(test)]
mod tests {
    use super::super::disconnection::Fault;
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 24 * 60;

    /// Minute 0 is midnight of the first day, in a zone where clocks never change.
    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::minutes(minute)
    }

    fn minute_of(instant: DateTime<Utc>) -> i64 {
        (instant - DateTime::UNIX_EPOCH).num_minutes()
    }

    /// Open from 08:00 to 20:00 every day.
    fn first_open(from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (day, minute) = (minute_of(from) / DAY, minute_of(from) % DAY);
        Some(match minute {
            0..480 => at(day * DAY + 480),
            480..1200 => from,
            _ => at((day + 1) * DAY + 480),
        })
    }

    fn next_day(from: DateTime<Utc>) -> DateTime<Utc> {
        at((minute_of(from) / DAY + 1) * DAY)
    }

    const ALWAYS_DAYTIME: Calendar<'_> = Calendar { first_open: &first_open, next_day: &next_day };

    fn decided(outcome: Outcome) -> Decision {
        Decision {
            outcome,
            rang: true,
            fault: Fault::Nobody,
            counts: true,
            follow_up_required: false,
        }
    }

    fn dialled(ended: i64, deadline: i64) -> Dialled {
        Dialled {
            about_appointment: true,
            attempts_used: 1,
            max_attempts: 2,
            ended_at: at(ended),
            deadline: at(deadline),
            follow_up_after: Duration::hours(8),
            now: at(ended),
            not_placed_in_a_row: 1,
            jitter: 0.5,
        }
    }

    fn hour(day: i64, hour: i64) -> i64 {
        day * DAY + hour * 60
    }

    #[test]
    fn follows_up_eight_hours_later_in_calling_hours() {
        use Outcome::{Busy, DialFailed, NoAnswer, Voicemail};
        let due = |minute| Next::FollowUp { at: at(minute) };
        let too_late = Next::GiveUp(WhyGivenUp::NoTimeLeft);
        let far = hour(9, 0);
        for (outcome, ended, deadline, want, why) in [
            (NoAnswer, hour(0, 9), far, due(hour(0, 17)), "the same afternoon"),
            (Busy, hour(0, 9), far, due(hour(0, 17)), "likewise"),
            (DialFailed, hour(0, 9), far, due(hour(0, 17)), "likewise"),
            (NoAnswer, hour(0, 13), far, due(hour(1, 8)), "21:00 is closed: next morning"),
            (NoAnswer, hour(0, 12), far, due(hour(1, 8)), "20:00 is closed already"),
            (NoAnswer, hour(0, 9), hour(0, 17), too_late, "the deadline itself is too late"),
            (NoAnswer, hour(0, 9), hour(0, 17) + 1, due(hour(0, 17)), "just before it"),
            (NoAnswer, hour(0, 13), hour(1, 8), too_late, "the deadline comes before the morning"),
            (Voicemail, hour(0, 9), far, due(hour(1, 8)), "a later day"),
            (Voicemail, hour(0, 19), far, due(hour(1, 8)), "a later day, 13 h on"),
            (Voicemail, hour(0, 9), hour(1, 8), due(hour(0, 17)), "only today is left"),
            (Voicemail, hour(0, 13), hour(1, 8), too_late, "not even today"),
        ] {
            let got = next(decided(outcome), dialled(ended, deadline), ALWAYS_DAYTIME);
            assert_eq!(got, want, "{outcome:?}: {why}");
        }
    }

    #[test]
    fn the_last_attempt_is_not_followed_up() {
        let last = Dialled { attempts_used: 2, ..dialled(hour(0, 9), hour(9, 0)) };
        let over = Next::GiveUp(WhyGivenUp::NoAttemptLeft);
        for outcome in [Outcome::NoAnswer, Outcome::Busy, Outcome::Voicemail, Outcome::DialFailed] {
            assert_eq!(next(decided(outcome), last, ALWAYS_DAYTIME), over, "{outcome:?}");
        }
        assert_eq!(after_unknown(last, ALWAYS_DAYTIME), over);
    }

    #[test]
    fn a_late_decision_plans_nothing_in_the_past() {
        let late = Dialled { now: at(hour(2, 11)), ..dialled(hour(0, 9), hour(9, 0)) };
        for outcome in [Outcome::NoAnswer, Outcome::Voicemail] {
            let got = next(decided(outcome), late, ALWAYS_DAYTIME);
            assert_eq!(got, Next::FollowUp { at: at(hour(2, 11)) }, "{outcome:?}");
        }
    }

    #[test]
    fn a_calendar_without_openings_gives_up_at_once() {
        let closed = Calendar { first_open: &|_| None, next_day: &next_day };
        let call = dialled(hour(0, 9), hour(9, 0));
        for outcome in [Outcome::NoAnswer, Outcome::Voicemail] {
            let got = next(decided(outcome), call, closed);
            assert_eq!(got, Next::GiveUp(WhyGivenUp::NoTimeLeft), "{outcome:?}");
        }
    }

    #[test]
    fn an_unknown_attempt_is_followed_up_like_an_unanswered_one() {
        let call = dialled(hour(0, 11), hour(9, 0));
        assert_eq!(after_unknown(call, ALWAYS_DAYTIME), Next::FollowUp { at: at(hour(0, 19)) });
    }

    #[test]
    fn a_conversation_changes_its_own_appointment_or_none() {
        use AppointmentStatus::{Cancelled, Confirmed, Rescheduled};
        use Outcome::{
            AnsweredCancelled, AnsweredConfirmed, AnsweredNoAction, AnsweredRescheduled,
        };
        let nothing = Done::default();
        let (moved, unmoved) = (
            AnsweredRescheduled { new_time: Some(at(9000)) },
            AnsweredRescheduled { new_time: None },
        );
        let flagged = Done { follow_up: true, ..nothing };
        for (outcome, about, asked, want, why) in [
            (AnsweredConfirmed, true, false, Done { status: Some(Confirmed), ..nothing }, "yes"),
            (AnsweredCancelled, true, false, Done { status: Some(Cancelled), ..nothing }, "no"),
            (
                AnsweredConfirmed,
                true,
                true,
                Done { status: Some(Confirmed), ..flagged },
                "yes, and please call back",
            ),
            (
                moved,
                true,
                false,
                Done { status: Some(Rescheduled), new_time: Some(at(9000)), ..nothing },
                "another time",
            ),
            (
                unmoved,
                true,
                false,
                Done { status: Some(Rescheduled), needs_new_time: true, ..nothing },
                "another time, which one is for staff to find",
            ),
            (AnsweredNoAction, true, false, nothing, "heard, nothing decided"),
            (AnsweredNoAction, true, true, flagged, "wants to be called back"),
            (AnsweredConfirmed, false, false, nothing, "there is nothing to confirm"),
            (
                AnsweredCancelled,
                false,
                false,
                flagged,
                "there is nothing to cancel, yet somebody wants to",
            ),
            (moved, false, false, flagged, "there is nothing to move, yet somebody wants to"),
        ] {
            let call = Dialled { about_appointment: about, ..dialled(0, 99) };
            let decision = Decision { follow_up_required: asked, ..decided(outcome) };
            assert_eq!(
                next(decision, call, ALWAYS_DAYTIME),
                Next::Done(want),
                "{outcome:?}: {why}"
            );
        }
    }

    #[test]
    fn the_others_leave_the_calendar_alone() {
        for (outcome, want, why) in [
            (Outcome::OptedOut, Next::OptOut, "never again"),
            (Outcome::WrongNumber, Next::NumberWrong, "a stranger isn't called twice"),
            (Outcome::InvalidDestination, Next::NumberBad, "nobody is there"),
            (Outcome::AccountHeld, Next::HoldAccount, "no call's fault"),
            (Outcome::Failed, Next::NeedsReview, "a person should look"),
            (
                Outcome::NotPlaced,
                Next::Retry { at: at(0) + Duration::seconds(15) },
                "half of 30 s, whatever the hour",
            ),
        ] {
            let got = next(decided(outcome), dialled(0, 99), ALWAYS_DAYTIME);
            assert_eq!(got, want, "{outcome:?}: {why}");
        }
        let past = Dialled { now: at(99), ..dialled(0, 99) };
        assert_eq!(after_not_placed(past), Next::GiveUp(WhyGivenUp::NoTimeLeft));
    }

    #[test]
    fn a_dial_that_was_not_placed_is_retried_after_the_last_attempt_too() {
        let call = Dialled { attempts_used: 2, ..dialled(0, 99) };
        let got = next(decided(Outcome::NotPlaced), call, ALWAYS_DAYTIME);
        assert!(
            matches!(got, Next::Retry { .. }),
            "{got:?}: attempts count dials that were placed"
        );
    }

    proptest! {
        #[test]
        fn a_follow_up_keeps_every_promise(
            ended in 0..3 * DAY, left in -60..3 * DAY, decided_after in 0..2 * DAY,
            used in 0..3u32, voicemail in any::<bool>(),
        ) {
            let call = Dialled {
                attempts_used: used,
                now: at(ended + decided_after),
                ..dialled(ended, ended + left)
            };
            let outcome = if voicemail { Outcome::Voicemail } else { Outcome::NoAnswer };
            match next(decided(outcome), call, ALWAYS_DAYTIME) {
                Next::FollowUp { at: due } => {
                    prop_assert!(used < 2);
                    prop_assert!(due >= call.now && due >= call.ended_at + Duration::hours(8));
                    prop_assert!(due < call.deadline);
                    prop_assert_eq!(first_open(due), Some(due));
                    let tomorrow = first_open(next_day(call.ended_at)).expect("open daily").max(first_open(call.now).expect("open daily"));
                    let same_day = due < next_day(call.ended_at);
                    prop_assert!(!(voicemail && same_day && tomorrow < call.deadline));
                }
                Next::GiveUp(WhyGivenUp::NoAttemptLeft) => prop_assert!(used >= 2),
                Next::GiveUp(WhyGivenUp::NoTimeLeft) => {
                    let from = call.now.max(call.ended_at + Duration::hours(8));
                    prop_assert!(first_open(from).expect("open daily") >= call.deadline);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
