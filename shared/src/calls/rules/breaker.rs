//! The breaker of one provider account: stops dialling while the provider fails, and starts it again gently.
//!
//! One row of the database holds this state, so that it outlives every process; who changes it has the row locked. An
//! answer to a request that was sent before the breaker last changed says nothing about now, and is ignored.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// So many of the last requests are looked at.
pub const LOOKED_AT: usize = 10;

/// So many failures among them, half, open the breaker. Fewer requests than ten may hold them: a quiet account whose
/// every request fails must not wait for ten.
pub const FAILURES_THAT_OPEN: usize = 5;

/// Older requests are not looked at.
pub const LOOKED_BACK: Duration = Duration::minutes(15);

/// Least time between two probes.
pub const PROBE_EVERY: Duration = Duration::minutes(1);

/// So many probes placed in a row close the breaker.
pub const PROBES_THAT_CLOSE: u8 = 3;

/// After this long without the provider, calls go to a backup channel.
pub const LONG_OUTAGE: Duration = Duration::minutes(30);

/// Starts per second when the breaker has just closed; doubles each minute.
const FIRST_RATE: f64 = 1.0;

/// After so many doublings (1,024 a second) no account's own limit is lower.
const RAMP_MINUTES: i64 = 10;

/// What a request to dial said about the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It placed the call.
    Placed,
    /// It failed: no answer, a time-out, 5xx, 429.
    ProviderFailed,
    /// It works, and refused: our key, our configuration, our data.
    Refused,
}

/// One request of those looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Request {
    at: DateTime<Utc>,
    failed: bool,
}

/// A probe that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Probe {
    at: DateTime<Utc>,
    answered: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
enum Mode {
    /// All may dial.
    #[default]
    Closed,
    /// Nobody dials but probes, of which `placed` in a row were placed: half open when there are any.
    Open { since: DateTime<Utc>, probe: Option<Probe>, placed: u8 },
    /// All may dial, at a rate that grows.
    Ramping { since: DateTime<Utc> },
}

/// The state of one account's breaker; closed by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    #[serde(flatten)]
    mode: Mode,
    #[serde(default)]
    recent: Vec<Request>,
}

impl Breaker {
    /// Calls wait; only probes are dialled.
    pub fn is_open(&self) -> bool {
        matches!(self.mode, Mode::Open { .. })
    }

    /// All may dial, at the account's own rate.
    pub fn is_closed(&self) -> bool {
        matches!(self.mode, Mode::Closed)
    }

    /// Since when the provider is away, if it is; probes that were placed don't end an outage before the third.
    pub fn open_since(&self) -> Option<DateTime<Utc>> {
        match self.mode {
            Mode::Open { since, .. } => Some(since),
            Mode::Closed | Mode::Ramping { .. } => None,
        }
    }

    /// The outage is so long that calls go to a backup channel.
    pub fn outage_is_long(&self, now: DateTime<Utc>) -> bool {
        self.open_since().is_some_and(|since| now - since >= LONG_OUTAGE)
    }

    /// A probe may be taken: the breaker is open, and the last one, or the opening, is a minute ago.
    pub fn may_probe(&self, now: DateTime<Utc>) -> bool {
        match self.mode {
            Mode::Open { since, probe, .. } => {
                now - probe.map_or(since, |probe| probe.at) >= PROBE_EVERY
            }
            Mode::Closed | Mode::Ramping { .. } => false,
        }
    }

    /// The state after a worker took the probe, or `None` if there is none to take.
    ///
    /// Stored first, so that one worker has it; then the vendor's `get-concurrency` is asked, and only if that answers
    /// a call is dialled. If it doesn't, tell [`Self::on_answer`] that the provider failed.
    pub fn take_probe(&self, now: DateTime<Utc>) -> Option<Self> {
        let Mode::Open { since, placed, .. } = self.mode else { return None };
        let probe = Some(Probe { at: now, answered: false });
        self.may_probe(now)
            .then(|| Self { mode: Mode::Open { since, probe, placed }, ..self.clone() })
    }

    /// Starts per second that the account may use now; `limit` is its own. Probes are outside of it.
    pub fn allowed_rate(&self, now: DateTime<Utc>, limit: f64) -> f64 {
        match self.mode {
            Mode::Closed => limit,
            Mode::Open { .. } => 0.0,
            Mode::Ramping { since } => match (now - since).num_minutes().max(0) {
                minutes if minutes >= RAMP_MINUTES => limit,
                // Fewer than ten doublings: the cast is exact.
                minutes => (FIRST_RATE * 2f64.powi(minutes as i32)).min(limit),
            },
        }
    }

    /// The state after a request that was sent at `sent_at` was answered, or given up, at `now`.
    #[must_use]
    pub fn on_answer(&self, heard: Heard, sent_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        match self.mode {
            Mode::Closed => self.count(heard, now),
            Mode::Ramping { since } if sent_at < since => self.clone(),
            Mode::Ramping { since } if now - since >= Duration::minutes(RAMP_MINUTES) => {
                Self { mode: Mode::Closed, ..self.clone() }.count(heard, now)
            }
            Mode::Ramping { .. } => self.count(heard, now),
            Mode::Open { since, probe: Some(probe), placed }
                if !probe.answered && sent_at >= probe.at =>
            {
                let probe = Some(Probe { answered: true, ..probe });
                let placed = match heard {
                    Heard::Placed => placed + 1,
                    Heard::ProviderFailed => 0,
                    Heard::Refused => placed,
                };
                let mode = if placed >= PROBES_THAT_CLOSE {
                    Mode::Ramping { since: now }
                } else {
                    Mode::Open { since, probe, placed }
                };
                Self { mode, recent: Vec::new() }
            }
            Mode::Open { .. } => self.clone(),
        }
    }

    fn count(&self, heard: Heard, now: DateTime<Utc>) -> Self {
        let mut recent = self.recent.clone();
        recent.retain(|request| now - request.at < LOOKED_BACK);
        recent.push(Request { at: now, failed: heard == Heard::ProviderFailed });
        recent.drain(..recent.len().saturating_sub(LOOKED_AT));
        let failures = recent.iter().filter(|request| request.failed).count();
        if failures < FAILURES_THAT_OPEN {
            return Self { mode: self.mode.clone(), recent };
        }
        Self { mode: Mode::Open { since: now, probe: None, placed: 0 }, recent: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::Heard::*;
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::seconds(second)
    }

    /// A breaker that has heard these answers, `every` seconds apart, from second 0 on.
    fn heard(answers: &[Heard], every: i64) -> Breaker {
        answers.iter().zip(0..).fold(Breaker::default(), |breaker, (heard, n)| {
            breaker.on_answer(*heard, at(n * every), at(n * every))
        })
    }

    fn opened_at_zero() -> Breaker {
        let opened = heard(&[ProviderFailed; 5], 0);
        assert_eq!(opened.open_since(), Some(at(0)));
        opened
    }

    /// Takes a probe at `second` and hears its answer a second later.
    fn probed(breaker: &Breaker, second: i64, heard: Heard) -> Breaker {
        let taken = breaker.take_probe(at(second)).expect("a probe is due");
        taken.on_answer(heard, at(second), at(second + 1))
    }

    #[test]
    fn opens_when_half_of_the_last_ten_requests_failed_within_a_quarter_of_an_hour() {
        let (p, f, r) = (Placed, ProviderFailed, Refused);
        let table: [(&[Heard], i64, bool, &str); 9] = [
            (&[], 1, false, "nothing has happened"),
            (&[f, f, f, f], 1, false, "four are less than half of ten"),
            (&[f, f, f, f, f], 1, true, "five are half of ten, whatever the others will be"),
            (&[p, f, p, f, p, f, p, f, p, f], 1, true, "every other one"),
            (&[f, f, p, p, p, f, p, p, p, f], 1, false, "four of ten"),
            (&[f, f, f, f, p, p, p, p, p, p, f], 1, false, "the first is the eleventh last"),
            (&[r, r, r, r, r, r, r, r, r, r], 1, false, "our mistakes, a provider that works"),
            (&[f, f, f, f, f], 225, false, "the first is 15 minutes old"),
            (&[f, f, f, f, f], 224, true, "the first isn't quite"),
        ];
        for (answers, every, want, why) in table {
            assert_eq!(heard(answers, every).is_open(), want, "{why}");
        }
    }

    #[test]
    fn gives_out_one_probe_a_minute() {
        let open = opened_at_zero();
        assert!(!Breaker::default().may_probe(at(900)), "a closed breaker needs none");
        assert_eq!(open.take_probe(at(59)), None, "a minute after opening");
        let taken = open.take_probe(at(60)).expect("a probe is due");
        assert_eq!(taken.take_probe(at(60)), None, "one worker has it");
        assert_eq!(taken.take_probe(at(119)), None, "not yet a minute");
        assert!(taken.may_probe(at(120)), "it may have died with its worker");
        assert_eq!(taken.allowed_rate(at(120), 5.0), 0.0, "probes only");
    }

    #[test]
    fn three_probes_placed_in_a_row_close_it() {
        let (p, f, r) = (Placed, ProviderFailed, Refused);
        let table: [(&[Heard], bool, &str); 6] = [
            (&[p, p], true, "two"),
            (&[p, p, p], false, "three"),
            (&[p, p, f, p], true, "not in a row"),
            (&[p, p, f, p, p, p], false, "three after a failure"),
            (&[p, r, p, p], false, "a refusal is neither a failure nor a call placed"),
            (&[r, r, r], true, "refusals place nothing"),
        ];
        for (answers, still_open, why) in table {
            let breaker = answers
                .iter()
                .zip(1..)
                .fold(opened_at_zero(), |breaker, (heard, n)| probed(&breaker, n * 60, *heard));
            assert_eq!(breaker.is_open(), still_open, "{why}");
        }
    }

    #[test]
    fn only_the_answer_to_the_probe_counts_and_counts_once() {
        let open = opened_at_zero();
        assert_eq!(open.on_answer(Placed, at(0), at(5)), open, "no probe is out");
        let taken = open.take_probe(at(60)).expect("a probe is due");
        assert_eq!(taken.on_answer(Placed, at(0), at(61)), taken, "sent before the probe");
        let once = taken.on_answer(Placed, at(60), at(61));
        assert_ne!(once, taken);
        assert_eq!(once.on_answer(Placed, at(60), at(61)), once, "told twice");
    }

    #[test]
    fn the_rate_doubles_each_minute_up_to_the_limit() {
        let closed = [60, 120, 180].iter().fold(opened_at_zero(), |b, s| probed(&b, *s, Placed));
        for (after, limit, want) in [
            (0, 5.0, 1.0),
            (59, 5.0, 1.0),
            (60, 5.0, 2.0),
            (120, 5.0, 4.0),
            (180, 5.0, 5.0),
            (0, 0.5, 0.5),
            (86_400, 5000.0, 5000.0),
        ] {
            assert_eq!(closed.allowed_rate(at(181 + after), limit), want, "{after} s, {limit}");
        }
        assert_eq!(Breaker::default().allowed_rate(at(0), 5.0), 5.0, "closed is the whole limit");
    }

    #[test]
    fn a_ramp_hears_its_own_requests_only_and_ends() {
        let ramping = [60, 120, 180].iter().fold(opened_at_zero(), |b, s| probed(&b, *s, Placed));
        let late = (0..9).fold(ramping.clone(), |b, _| b.on_answer(ProviderFailed, at(0), at(190)));
        assert_eq!(late, ramping, "sent before the outage ended");
        let again =
            (0..5).fold(ramping.clone(), |b, _| b.on_answer(ProviderFailed, at(185), at(190)));
        assert_eq!(again.open_since(), Some(at(190)), "it failed again");
        let after = ramping.on_answer(Placed, at(900), at(900));
        assert_eq!(after.allowed_rate(at(900), 9e9), 9e9, "closed for good");
    }

    #[test]
    fn a_long_outage_is_said_from_the_opening_on() {
        let open = opened_at_zero();
        assert!(!open.outage_is_long(at(1799)));
        assert!(open.outage_is_long(at(1800)));
        let half_open = probed(&open, 1740, Placed);
        assert!(half_open.outage_is_long(at(1800)), "one probe doesn't end an outage");
        assert!(!Breaker::default().outage_is_long(at(9999)));
    }

    #[test]
    fn outlives_its_process() {
        let open = opened_at_zero();
        for state in [
            Breaker::default(),
            heard(&[ProviderFailed, Placed], 1),
            probed(&open, 60, Placed),
            open,
        ] {
            let row = serde_json::to_value(&state).expect("plain data");
            assert_eq!(serde_json::from_value::<Breaker>(row).expect("its own row"), state);
        }
        let fresh: Breaker = serde_json::from_str(r#"{"mode": "closed"}"#).expect("a new row");
        assert_eq!(fresh, Breaker::default());
    }

    proptest! {
        #[test]
        fn stays_within_bounds_whatever_it_hears(
            steps in prop::collection::vec((0..90i64, 0..3u8, any::<bool>()), 0..60),
        ) {
            let (mut breaker, mut second) = (Breaker::default(), 0);
            for (pause, heard, probe) in steps {
                second += pause;
                let now = at(second);
                if probe {
                    breaker = breaker.take_probe(now).unwrap_or(breaker);
                }
                let was_open = breaker.is_open();
                let heard = [Placed, ProviderFailed, Refused][usize::from(heard)];
                breaker = breaker.on_answer(heard, now, now);
                prop_assert!(breaker.recent.len() <= LOOKED_AT);
                prop_assert!((0.0..=7.0).contains(&breaker.allowed_rate(now, 7.0)));
                prop_assert_eq!(breaker.is_open(), breaker.allowed_rate(now, 7.0) == 0.0);
                prop_assert!(was_open || !breaker.is_open() || heard == ProviderFailed);
                prop_assert!(!was_open || breaker.is_open() || heard == Placed);
            }
        }
    }
}
