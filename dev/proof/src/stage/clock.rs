//! The rules' clock: PostgreSQL's own plus an offset that only grows. The provider's record is kept by the machine's
//! clock, so a log of the offset's changes says what time it was *by the rules* when a telephone rang.

use std::sync::{Mutex, PoisonError};

use sqlx::PgPool;

use super::real_ms;

/// The offset, moved by us alone.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    jumps: Mutex<Vec<Jump>>,
}

/// A change of the offset. It happened at some moment in between, by the machine's clock.
#[derive(Debug, Clone, Copy)]
struct Jump {
    from: i64,
    until: i64,
    ahead_ms: i64,
}

impl Clock {
    /// The offset now, in milliseconds.
    pub(crate) fn ahead_ms(&self) -> i64 {
        let jumps = self.jumps.lock().unwrap_or_else(PoisonError::into_inner);
        jumps.last().map_or(0, |jump| jump.ahead_ms)
    }

    /// How often it was moved.
    pub(crate) fn jumps(&self) -> usize {
        self.jumps.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Moves it ahead by so many milliseconds.
    pub(crate) async fn advance(&self, admin: &PgPool, by_ms: i64) -> anyhow::Result<()> {
        self.set(admin, self.ahead_ms() + by_ms).await
    }

    /// Sets the offset again after a restore has taken it back.
    pub(crate) async fn set(&self, admin: &PgPool, ahead_ms: i64) -> anyhow::Result<()> {
        let from = real_ms();
        sqlx::query("update demo_clock set ahead = make_interval(secs => $1 / 1000.0)")
            .bind(ahead_ms as f64)
            .execute(admin)
            .await?;
        let jump = Jump { from, until: real_ms(), ahead_ms };
        self.jumps.lock().unwrap_or_else(PoisonError::into_inner).push(jump);
        Ok(())
    }

    /// What the rules' clock may have said at an instant of the machine's: from, and to. The two are the same except
    /// within a jump. `slack_ms` widens what counts as within, before the jump: an act that began before it.
    pub(crate) fn by_the_rules(&self, real: i64, slack_ms: i64) -> (i64, i64) {
        let jumps = self.jumps.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut least, mut most) = (0, 0);
        for jump in jumps.iter() {
            if jump.until + slack_ms <= real {
                least = jump.ahead_ms;
            }
            if jump.from <= real {
                most = jump.ahead_ms;
            }
        }
        (real + least, real + most)
    }

    /// The machine's time at which the rules' clock said this. What it never said, since it was moved past it, is when it
    /// was moved.
    pub(crate) fn real(&self, by_the_rules: i64) -> i64 {
        let jumps = self.jumps.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut ahead, mut no_earlier) = (0, i64::MIN);
        for jump in jumps.iter() {
            if jump.from + ahead > by_the_rules {
                break;
            }
            (ahead, no_earlier) = (jump.ahead_ms, jump.from);
        }
        (by_the_rules - ahead).max(no_earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_within_a_jump_has_two_readings() {
        let clock = Clock::default();
        let jump = Jump { from: 1_000, until: 1_010, ahead_ms: 60_000 };
        clock.jumps.lock().unwrap().push(jump);
        for (real, slack, want, why) in [
            (999, 0, (999, 999), "before"),
            (1_005, 0, (1_005, 61_005), "in between"),
            (1_010, 0, (61_010, 61_010), "after"),
            (1_200, 500, (1_200, 61_200), "after, but what it belongs to began before"),
            (1_510, 500, (61_510, 61_510), "long after"),
        ] {
            assert_eq!(clock.by_the_rules(real, slack), want, "{why}");
        }
    }

    #[test]
    fn every_reading_leads_back_to_its_instant() {
        let clock = Clock::default();
        for jump in [
            Jump { from: 1_000, until: 1_010, ahead_ms: 60_000 },
            Jump { from: 2_000, until: 2_010, ahead_ms: 90_000 },
        ] {
            clock.jumps.lock().unwrap().push(jump);
        }
        for (reading, want, why) in [
            (999, 999, "before"),
            (30_000, 1_000, "never said: the clock was moved past it"),
            (61_500, 1_500, "between the two"),
            (70_000, 2_000, "never said either"),
            (92_500, 2_500, "after both"),
        ] {
            assert_eq!(clock.real(reading), want, "{why}");
        }
    }
}
