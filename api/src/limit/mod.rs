//! How often a tenant may ask: so many requests a minute over all API processes, its keys together fewer of them, so that
//! a program that runs away leaves room for people.
//!
//! Counted in Redis by one command a request (`window`). While Redis is away each process allows its share (`share`): then
//! nothing is counted together, and nobody waits.

mod header;
mod share;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::http::request::Parts;
use shared::ids::TenantId;
use shared::queue::Queues;
use shared::telemetry::metrics::{self, Dependency, Failure};

use crate::http::Problem;

pub(crate) use header::Note;
use share::Shares;
use window::Window;

/// How long Redis may take. A request never waits longer for being counted.
const PATIENCE: Duration = Duration::from_millis(50);
/// Redis that was away is asked again after so long, by all requests that come then.
const AWAY: Duration = Duration::from_secs(1);

/// How often is often enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Requests of one tenant within any minute, over all processes.
    pub tenant: u32,
    /// How many of them its API keys may make together.
    pub keys: u32,
    /// How many API processes there are: while Redis is away each allows its share.
    pub processes: u32,
}

impl Rules {
    /// So many requests a minute, of which keys may make seven in ten.
    pub fn of(requests_per_minute: u32, processes: u32) -> Self {
        let keys = u64::from(requests_per_minute) * 7 / 10;
        let keys = u32::try_from(keys).unwrap_or(u32::MAX);
        Self { tenant: requests_per_minute, keys, processes }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A program, with an API key.
    Key,
    /// A person, with a session.
    Person,
}

/// What is left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    /// Requests within any minute.
    pub(crate) quota: u32,
    /// How many may be made now.
    pub(crate) requests: u32,
    /// In how many seconds more are given back; at least 1.
    pub(crate) seconds: u64,
}

/// What was decided about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    /// It may be served.
    pub(crate) allowed: bool,
    /// Of the tenant's limit.
    pub(crate) tenant: Left,
    /// Of its keys', if a key asks.
    pub(crate) keys: Option<Left>,
}

impl Count {
    /// Seconds after which a request that was refused may be made.
    pub(crate) fn retry_after(&self) -> u64 {
        let used_up = [Some(self.tenant), self.keys].into_iter().flatten();
        used_up.filter(|left| left.requests == 0).map(|left| left.seconds).max().unwrap_or(1)
    }
}

/// Counts requests. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Limits {
    window: Window,
    shares: Arc<Shares>,
    began: Instant,
    /// Until when Redis is taken for away, in milliseconds after `began`.
    away_until: Arc<AtomicU64>,
}

impl Limits {
    /// Limits that are counted in the Redis of `queues`.
    pub fn new(rules: Rules, queues: &Queues) -> Self {
        Self {
            window: Window::new(rules, queues),
            shares: Arc::new(Shares::new(rules)),
            began: Instant::now(),
            away_until: Arc::default(),
        }
    }

    /// Counts a request, notes for its answer what is left, and refuses it if that is nothing.
    pub(crate) async fn admit(
        &self,
        parts: &Parts,
        tenant: TenantId,
        asker: Asker,
    ) -> Result<(), Problem> {
        self.admit_by_note(parts.extensions.get::<Note>(), tenant, asker).await
    }

    /// As [`Limits::admit`], where it is known only later whose request it is.
    pub(crate) async fn admit_by_note(
        &self,
        note: Option<&Note>,
        tenant: TenantId,
        asker: Asker,
    ) -> Result<(), Problem> {
        let count = self.count(tenant, asker).await;
        if let Some(note) = note {
            note.set(count);
        }
        match count.allowed {
            true => Ok(()),
            false => Err(Problem::RateLimited { seconds: count.retry_after() }),
        }
    }

    /// Counts one request of a tenant, and says whether it may be served. One that may not isn't counted.
    async fn count(&self, tenant: TenantId, asker: Asker) -> Count {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if now >= self.away_until.load(Ordering::Relaxed) {
            match tokio::time::timeout(PATIENCE, self.window.count(tenant, asker)).await {
                Ok(Ok(count)) => return count,
                Ok(Err(_)) | Err(_) => {
                    metrics::failed(Dependency::Redis, Failure::Busy);
                    let until = now + u64::try_from(AWAY.as_millis()).unwrap_or(u64::MAX);
                    self.away_until.store(until, Ordering::Relaxed);
                    self.shares.forget_the_idle();
                }
            }
        }
        self.shares.count(tenant, asker)
    }
}
