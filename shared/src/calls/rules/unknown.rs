//! An attempt whose request got no clear answer: when it may be said that no call was placed.
//!
//! It counts as if it had rung. The provider's own list settles it: a call found there with our attempt id is adopted
//! (that isn't decided here: it simply becomes facts). That the list is *silent* proves something only if
//! (a) nobody can still send the request, and (b) enough time has passed for the vendor to show a call that it queued.

use chrono::{DateTime, Duration, Utc};

/// The second silent look is at least this long after nobody could send any more: vendors queue starts, and hide
/// calls that haven't started.
pub const SILENCE_PROVES_AFTER: Duration = Duration::minutes(15);

/// Least time between two looks at the list.
pub const LOOK_EVERY: Duration = Duration::minutes(5);

/// The token and the provider slot of an unknown attempt are held no longer than this after its request was started.
pub const HELD_AT_MOST: Duration = Duration::hours(2);

/// What is known about an unknown attempt.
#[derive(Debug, Clone, Copy)]
pub struct UnknownAttempt<'a> {
    /// Its sender recorded, after closing the connection, that it will send nothing more.
    pub sender_done_at: Option<DateTime<Utc>>,
    /// A successor proved its sender dead, by taking its lock. A frozen or vanished sender proves nothing.
    pub sender_dead_at: Option<DateTime<Utc>>,
    /// When the provider's list answered and held no call with our attempt id.
    pub silent_looks: &'a [DateTime<Utc>],
    /// It was checked with the real account that its list shows calls by our attempt id; until then silence is
    /// never believed.
    pub list_trusted: bool,
}

/// What may be said about an unknown attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Still unknown, and no look at the list can change it yet.
    Stay,
    /// Still unknown: look at the list at this instant (now, if it is past).
    LookAt(DateTime<Utc>),
    /// No call was placed. It may be retried; the worker looks once more just before dialling.
    NotPlaced,
}

/// Judges an unknown attempt at `now`.
pub fn judge(attempt: &UnknownAttempt<'_>, now: DateTime<Utc>) -> Verdict {
    let proofs = [attempt.sender_done_at, attempt.sender_dead_at];
    let Some(nobody_sends_since) = proofs.into_iter().flatten().filter(|at| *at <= now).min()
    else {
        return Verdict::Stay;
    };
    if !attempt.list_trusted {
        return Verdict::Stay;
    }
    // A look before that instant proves nothing: the request could still be written after it.
    let looks = attempt.silent_looks.iter().filter(|at| (nobody_sends_since..=now).contains(at));
    let (Some(first), Some(last)) = (looks.clone().min(), looks.max()) else {
        return Verdict::LookAt(nobody_sends_since);
    };
    let proves_from = nobody_sends_since + SILENCE_PROVES_AFTER;
    if first < last && *last >= proves_from {
        return Verdict::NotPlaced;
    }
    Verdict::LookAt(proves_from.max(*last + LOOK_EVERY))
}

/// When the token and the provider slot of an unknown attempt come back at the latest.
pub fn released_at(request_started_at: DateTime<Utc>) -> DateTime<Utc> {
    request_started_at + HELD_AT_MOST
}

#[cfg(test)]
mod tests {
    use super::Verdict::*;
    use super::*;
    use proptest::prelude::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::minutes(minute)
    }

    #[test]
    fn believes_the_lists_silence_only_when_it_proves_something() {
        // Columns: done, dead, looks, trusted, now, want, why. Minutes.
        type Row<'a> = (Option<i64>, Option<i64>, &'a [i64], bool, i64, Verdict, &'a str);
        let table: [Row<'_>; 16] = [
            (None, None, &[], true, 900, Stay, "a vanished sender proves nothing"),
            (None, None, &[1, 300, 900], true, 900, Stay, "however often one looks"),
            (Some(10), None, &[10, 25], false, 900, Stay, "the list was never checked"),
            (Some(10), None, &[], true, 10, LookAt(at(10)), "first look: now"),
            (Some(10), None, &[10], true, 11, LookAt(at(25)), "second: 15 minutes after"),
            (Some(10), None, &[10, 24], true, 24, LookAt(at(29)), "too early: look again"),
            (Some(10), None, &[10, 25], true, 25, NotPlaced, "twice, late enough"),
            (None, Some(10), &[10, 25], true, 25, NotPlaced, "proved dead is as good"),
            (Some(10), Some(60), &[10, 25], true, 90, NotPlaced, "the earlier proof is enough"),
            (Some(60), Some(10), &[10, 25], true, 90, NotPlaced, "in either order"),
            (Some(10), None, &[25, 25], true, 25, LookAt(at(30)), "one look told twice is one"),
            (Some(10), None, &[40], true, 41, LookAt(at(45)), "late, but only once"),
            (Some(10), None, &[40, 45], true, 45, NotPlaced, "and now twice"),
            (Some(10), None, &[2, 40], true, 41, LookAt(at(45)), "it could still send after 2"),
            (Some(10), None, &[10, 99], true, 30, LookAt(at(25)), "a look in the future is none"),
            (Some(99), None, &[10, 25], true, 30, Stay, "nor is a proof in the future"),
        ];
        for (done, dead, looks, list_trusted, now, want, why) in table {
            let silent_looks: Vec<_> = looks.iter().copied().map(at).collect();
            let attempt = UnknownAttempt {
                sender_done_at: done.map(at),
                sender_dead_at: dead.map(at),
                silent_looks: &silent_looks,
                list_trusted,
            };
            assert_eq!(judge(&attempt, at(now)), want, "{why}");
        }
    }

    #[test]
    fn holds_token_and_slot_for_two_hours() {
        assert_eq!(released_at(at(0)), at(120));
    }

    proptest! {
        #[test]
        fn following_the_advice_ends_a_quarter_of_an_hour_after_the_proof(done in 0..50i64, late in 0..50i64) {
            let (mut looks, mut now) = (Vec::new(), at(done + late));
            for _ in 0..3 {
                let attempt = UnknownAttempt {
                    sender_done_at: Some(at(done)),
                    sender_dead_at: None,
                    silent_looks: &looks,
                    list_trusted: true,
                };
                match judge(&attempt, now) {
                    LookAt(next) => now = now.max(next),
                    verdict => {
                        prop_assert_eq!(verdict, NotPlaced);
                        prop_assert!(now >= at(done) + SILENCE_PROVES_AFTER && looks.len() == 2);
                        return Ok(());
                    }
                }
                looks.push(now);
            }
            prop_assert!(false, "still not settled");
        }
    }
}
