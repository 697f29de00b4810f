//! Counting sign-ins, in Redis over all processes; while Redis is away, each process counts for itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::Script;
use shared::people::throttle::{Count, Counted, wait};
use shared::queue::Queues;
use shared::telemetry::metrics::{self, Dependency, Failure};

/// How long Redis is waited for.
const PATIENCE: Duration = Duration::from_millis(300);
/// Counts that are kept in memory at most.
const MOST_KEPT: usize = 10_000;

/// KEYS: the counts. ARGV: for each its window in milliseconds, and how many it lets pass.
/// Gives, for each up to the first that lets no more pass, the count with this attempt and the milliseconds until it begins anew.
const TAKE: &str = "
local out = {}
for i, key in ipairs(KEYS) do
    local n = redis.call('INCR', key)
    if n == 1 then redis.call('PEXPIRE', key, ARGV[2 * i - 1]) end
    out[#out + 1] = n
    out[#out + 1] = redis.call('PTTL', key)
    if n > tonumber(ARGV[2 * i]) then break end
end
return out";

/// KEYS: the counts. ARGV: 1 if the first begins anew. Takes this attempt off each.
const GIVE_BACK: &str = "
for i, key in ipairs(KEYS) do
    if i == 1 and ARGV[1] == '1' then redis.call('DEL', key)
    elseif tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
end
return 0";

/// Whose attempt is counted: keyed hashes, in hexadecimal digits, or ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) account: String,
    pub(crate) address: String,
}

impl Attempt {
    fn key(&self, counted: Counted) -> String {
        match counted {
            Counted::Pair => format!("pair.{}.{}", self.account, self.address),
            Counted::Account => format!("account.{}", self.account),
            Counted::Address => format!("address.{}", self.address),
        }
    }
}

/// Counts.
#[derive(Debug)]
pub(crate) struct Throttle {
    queues: Queues,
    take: Script,
    give_back: Script,
    kept: Mutex<HashMap<String, (u32, Instant)>>,
}

impl Throttle {
    pub(crate) fn new(queues: Queues) -> Self {
        Self {
            queues,
            take: Script::new(TAKE),
            give_back: Script::new(GIVE_BACK),
            kept: Mutex::default(),
        }
    }

    /// Counts an attempt. How long to wait, if it is one too many.
    pub(crate) async fn take(&self, attempt: &Attempt) -> Option<Duration> {
        let counts = match tokio::time::timeout(PATIENCE, self.take_in_redis(attempt)).await {
            Ok(Ok(counts)) => counts,
            Ok(Err(_)) | Err(_) => {
                metrics::failed(Dependency::Redis, Failure::Busy);
                self.take_in_memory(attempt, Instant::now())
            }
        };
        wait(&counts)
    }

    /// The attempt succeeded: it doesn't count, and this account may be tried anew from this address.
    pub(crate) async fn give_back(&self, attempt: &Attempt) {
        self.take_off(attempt, true).await;
    }

    /// The attempt proved something, though not enough: it doesn't count, and those before it do. Who knows the password and
    /// guesses at codes must not begin anew by sending the password alone.
    pub(crate) async fn overlook(&self, attempt: &Attempt) {
        self.take_off(attempt, false).await;
    }

    async fn take_off(&self, attempt: &Attempt, anew: bool) {
        let mut conn = self.queues.conn();
        let mut script = self.give_back.prepare_invoke();
        for counted in Counted::ALL {
            script.key(self.in_redis(attempt, counted));
        }
        script.arg(u8::from(anew));
        // What Redis doesn't hear runs out by itself.
        let _lost = tokio::time::timeout(PATIENCE, script.invoke_async::<i64>(&mut conn)).await;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if anew {
            kept.remove(&attempt.key(Counted::Pair));
        }
        for counted in Counted::ALL {
            if let Some((count, _)) = kept.get_mut(&attempt.key(counted)) {
                *count = count.saturating_sub(1);
            }
        }
    }

    fn in_redis(&self, attempt: &Attempt, counted: Counted) -> String {
        format!("{}.sign-in.{}", self.queues.prefix(), attempt.key(counted))
    }

    async fn take_in_redis(&self, attempt: &Attempt) -> Result<Vec<Count>, redis::RedisError> {
        let mut conn = self.queues.conn();
        let mut script = self.take.prepare_invoke();
        for counted in Counted::ALL {
            script.key(self.in_redis(attempt, counted));
        }
        for counted in Counted::ALL {
            script.arg(u64::try_from(counted.window().as_millis()).unwrap_or(u64::MAX));
            script.arg(counted.most());
        }
        let told: Vec<i64> = script.invoke_async(&mut conn).await?;
        let count = |(of, pair): (Counted, &[i64])| {
            let attempts = pair.first().and_then(|n| u32::try_from(*n).ok());
            let left = pair.get(1).and_then(|ms| u64::try_from(*ms).ok());
            Count {
                of,
                attempts: attempts.unwrap_or(u32::MAX),
                ends_in: left.map_or_else(|| of.window(), Duration::from_millis),
            }
        };
        Ok(Counted::ALL.into_iter().zip(told.chunks(2)).map(count).collect())
    }

    fn take_in_memory(&self, attempt: &Attempt, now: Instant) -> Vec<Count> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() + Counted::ALL.len() > MOST_KEPT {
            make_room(&mut kept, now);
        }
        let count = |of: Counted| {
            let (attempts, ends) =
                kept.entry(attempt.key(of)).or_insert_with(|| (0, now + of.window()));
            if *ends <= now {
                (*attempts, *ends) = (0, now + of.window());
            }
            *attempts = attempts.saturating_add(1);
            Count { of, attempts: *attempts, ends_in: ends.saturating_duration_since(now) }
        };
        let mut counts: Vec<Count> = Vec::new();
        for counted in Counted::ALL.into_iter().map(count) {
            counts.push(counted);
            if counted.is_over() {
                break;
            }
        }
        counts
    }
}

/// Drops what has run out; if that is not enough, what counts least and then ends first: who fills the memory with addresses
/// does not make it forget an account that is being guessed at.
fn make_room(kept: &mut HashMap<String, (u32, Instant)>, now: Instant) {
    kept.retain(|_, (_, ends)| *ends > now);
    if kept.len() + Counted::ALL.len() <= MOST_KEPT {
        return;
    }
    let mut by_worth: Vec<(u32, Instant, String)> =
        kept.iter().map(|(key, (count, ends))| (*count, *ends, key.clone())).collect();
    by_worth.sort_unstable();
    for (_, _, key) in by_worth.into_iter().take(MOST_KEPT / 10) {
        kept.remove(&key);
    }
}
