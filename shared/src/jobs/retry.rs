//! When a failed job is tried again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// After so many failures in a row a job is dead.
pub const MOST_FAILURES: u32 = 8;
/// After so many runners that vanished in a row a job is dead.
pub const MOST_DEATHS: i32 = 3;
/// Before the second try; it doubles from one to the next.
const FIRST: Duration = Duration::from_secs(1);
/// And is never longer.
const LONGEST: Duration = Duration::from_secs(300);

/// How long to wait after the `failures`th failure in a row: exponential, with full jitter (from nothing to the whole time, so
/// that those that failed together don't come back together). `None`: that was the last one.
pub fn wait(failures: u32, jitter: f64) -> Option<Duration> {
    if failures >= MOST_FAILURES {
        return None;
    }
    let mut steps = ExponentialBuilder::default()
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST)
        .with_max_times(usize::try_from(MOST_FAILURES).unwrap_or(usize::MAX))
        .build();
    let longest = steps.nth(usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX))?;
    Some(longest.mul_f64(jitter.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_and_ends() {
        let whole: Vec<_> =
            (1..=MOST_FAILURES).map(|n| wait(n, 1.0).map(|w| w.as_secs())).collect();
        assert_eq!(whole, [Some(1), Some(2), Some(4), Some(8), Some(16), Some(32), Some(64), None]);
        assert_eq!(wait(3, 0.0), Some(Duration::ZERO), "full jitter begins at nothing");
        assert_eq!(wait(3, 0.5), Some(Duration::from_secs(2)));
    }
}
