//! What one process allows by itself, while Redis is away.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use shared::ids::TenantId;

use super::{Asker, Count, Left, Rules};

type Buckets = RateLimiter<
    TenantId,
    DefaultKeyedStateStore<TenantId>,
    DefaultClock,
    StateInformationMiddleware,
>;

/// A bucket for each tenant, and one for its keys.
#[derive(Debug)]
pub(super) struct Shares {
    tenants: Buckets,
    keys: Buckets,
    rules: Rules,
}

impl Shares {
    pub(super) fn new(rules: Rules) -> Self {
        let share = |limit: u32| {
            let clock = DefaultClock::default();
            let share = (limit / rules.processes.max(1)).max(1);
            Buckets::new(quota(share), DefaultKeyedStateStore::default(), clock)
        };
        Self { tenants: share(rules.tenant), keys: share(rules.keys), rules }
    }

    pub(super) fn count(&self, tenant: TenantId, asker: Asker) -> Count {
        let keys = (asker == Asker::Key).then(|| take(&self.keys, tenant, self.rules.keys));
        let refused = Left { quota: self.rules.tenant, requests: 0, seconds: 1 };
        let (allowed, tenant) = match keys {
            // The tenant's bucket is not asked, so that it keeps what it has for people.
            Some((false, _)) => (false, refused),
            _ => take(&self.tenants, tenant, self.rules.tenant),
        };
        Count { allowed, tenant, keys: keys.map(|(_, left)| left) }
    }

    /// Drops the buckets of tenants that have not asked for long.
    pub(super) fn forget_the_idle(&self) {
        self.tenants.retain_recent();
        self.keys.retain_recent();
    }
}

/// A bucket that lets at most `share` into any minute: a fifth of it at once, the rest as it refills.
fn quota(share: u32) -> Quota {
    let burst = (share / 5).max(1);
    let refill = share.saturating_sub(burst).max(1);
    let one = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(Duration::from_secs(60) / refill);
    quota.unwrap_or(Quota::per_minute(one(refill))).allow_burst(one(burst))
}

fn take(buckets: &Buckets, tenant: TenantId, quota: u32) -> (bool, Left) {
    match buckets.check_key(&tenant) {
        Ok(state) => (true, Left { quota, requests: state.remaining_burst_capacity(), seconds: 1 }),
        Err(until) => {
            let wait = until.wait_time_from(DefaultClock::default().now());
            (false, Left { quota, requests: 0, seconds: wait.as_secs() + 1 })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_allows_its_share_at_most() {
        for (limit, processes, at_once) in [(1000, 2, 100), (1000, 1, 200), (10, 20, 1)] {
            let shares = Shares::new(Rules { tenant: limit, keys: limit, processes });
            let (tenant, other) = (TenantId::new(), TenantId::new());
            let burst =
                (0..limit + 1).take_while(|_| shares.count(tenant, Asker::Key).allowed).count();
            // What refills while the loop runs may come on top.
            assert!((at_once..=at_once + 3).contains(&burst), "{limit}/{processes}: {burst}");
            let refused = shares.count(tenant, Asker::Key);
            assert!(!refused.allowed && refused.retry_after() >= 1);
            assert!(shares.count(other, Asker::Key).allowed, "another tenant has its own");
        }
    }

    #[test]
    fn keys_that_are_used_up_leave_people_theirs() {
        let shares = Shares::new(Rules { tenant: 100, keys: 10, processes: 1 });
        let tenant = TenantId::new();
        while shares.count(tenant, Asker::Key).allowed {}
        assert!(shares.count(tenant, Asker::Person).allowed);
    }
}
