//! All sockets of this process: their feeds, their number, and who looks after them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use shared::db::Db;
use shared::events::store;
use shared::ids::TenantId;
use shared::queue::Queues;
use shared::queue::announce::{self, Heard};
use shared::telemetry::metrics;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::access::Access;
use super::feed::Feed;
use super::limits::Limits;

/// The sockets of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Live(Arc<Hub>);

#[derive(Debug)]
pub(super) struct Hub {
    pub(super) db: Db,
    pub(super) queues: Queues,
    pub(super) limits: Arc<Limits>,
    pub(super) access: Access,
    redis: redis::Client,
    seats: Mutex<Seats>,
    /// How many sockets there are.
    taken: watch::Sender<usize>,
    /// The process ends.
    leaving: watch::Sender<bool>,
    started: Once,
}

#[derive(Debug, Default)]
struct Seats {
    total: usize,
    of_tenants: HashMap<TenantId, OfTenant>,
}

#[derive(Debug)]
struct OfTenant {
    feed: Arc<Feed>,
    reader: AbortHandle,
    sockets: usize,
}

/// A socket's place among the others, given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    hub: Arc<Hub>,
    tenant: TenantId,
    pub(super) feed: Arc<Feed>,
}

/// There is no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// In the process.
    Process,
    /// For the tenant.
    Tenant,
}

impl Live {
    /// No sockets yet. Nothing is started before the first one comes.
    pub fn new(db: Db, queues: Queues, redis: redis::Client, limits: Limits) -> Self {
        Self(Arc::new(Hub {
            access: Access::new(db.clone()),
            db,
            queues,
            limits: Arc::new(limits),
            redis,
            seats: Mutex::default(),
            taken: watch::Sender::new(0),
            leaving: watch::Sender::new(false),
            started: Once::new(),
        }))
    }

    /// Closes every socket, telling each where to resume, and waits until they are gone, at most so long. New ones are told
    /// the same.
    pub async fn leave(&self, limit: Duration) {
        self.0.leaving.send_replace(true);
        let mut taken = self.0.taken.subscribe();
        let gone = tokio::time::timeout(limit, taken.wait_for(|taken| *taken == 0)).await;
        if gone.is_err() {
            tracing::warn!("some sockets did not close in time");
        }
    }

    /// How many sockets there are now.
    pub fn sockets(&self) -> usize {
        *self.0.taken.borrow()
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.0
    }
}

impl Hub {
    fn seats(&self) -> MutexGuard<'_, Seats> {
        // A poisoned lock means that a thread died between two map operations.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for a socket of the tenant.
    pub(super) fn seat(self: &Arc<Self>, tenant: TenantId) -> Result<Seat, Full> {
        self.started.call_once(|| self.start());
        let mut seats = self.seats();
        if seats.total >= self.limits.sockets {
            return Err(Full::Process);
        }
        let of_tenant = seats.of_tenants.entry(tenant).or_insert_with(|| {
            let feed = Arc::new(Feed::new(self.db.clone(), tenant, Arc::clone(&self.limits)));
            let reader = tokio::spawn(Arc::clone(&feed).run()).abort_handle();
            OfTenant { feed, reader, sockets: 0 }
        });
        if of_tenant.sockets >= self.limits.sockets_of_a_tenant {
            return Err(Full::Tenant);
        }
        of_tenant.sockets += 1;
        let feed = Arc::clone(&of_tenant.feed);
        seats.total += 1;
        self.counted(seats.total);
        Ok(Seat { hub: Arc::clone(self), tenant, feed })
    }

    fn counted(&self, sockets: usize) {
        metrics::live_sockets(sockets);
        self.taken.send_replace(sockets);
    }

    /// Whether, and then when, the process ends.
    pub(super) fn leaving(&self) -> watch::Receiver<bool> {
        self.leaving.subscribe()
    }

    /// What looks after all sockets, as long as the process lives.
    fn start(self: &Arc<Self>) {
        let hub = Arc::clone(self);
        tokio::spawn(async move {
            let prefix = hub.queues.prefix().to_owned();
            announce::listen(&hub.redis, &prefix, |heard| hub.hear(heard)).await;
        });
        let hub = Arc::clone(self);
        tokio::spawn(async move { hub.cast_net().await });
        let hub = Arc::clone(self);
        tokio::spawn(async move { hub.access.watch(hub.limits.access).await });
    }

    fn hear(&self, heard: Heard) {
        let seats = self.seats();
        match heard {
            Heard::Events(tenant) => {
                seats.of_tenants.get(&tenant).iter().for_each(|it| it.feed.wake())
            }
            Heard::Listening => seats.of_tenants.values().for_each(|it| it.feed.wake()),
        }
    }

    /// Finds events whose signal was lost, by one statement for all tenants.
    async fn cast_net(&self) {
        let mut timer = tokio::time::interval(self.limits.net);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            let asked = Instant::now();
            let feeds: Vec<_> = {
                let seats = self.seats();
                seats.of_tenants.iter().map(|(id, it)| (*id, Arc::clone(&it.feed))).collect()
            };
            if feeds.is_empty() {
                continue;
            }
            let tenants: Vec<TenantId> = feeds.iter().map(|(id, _)| *id).collect();
            let heads: HashMap<_, _> = match store::heads(&self.db, &tenants).await {
                Ok(heads) => heads.into_iter().collect(),
                Err(error) => {
                    tracing::warn!(error = error.cause(), "whether there are events is not known");
                    continue;
                }
            };
            for (tenant, feed) in &feeds {
                feed.trim(asked);
                if heads.get(tenant).is_some_and(|head| feed.compare(*head, asked)) {
                    metrics::live_caught_by_net();
                    feed.wake();
                }
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.hub.seats();
        seats.total -= 1;
        self.hub.counted(seats.total);
        let Some(of_tenant) = seats.of_tenants.get_mut(&self.tenant) else { return };
        of_tenant.sockets -= 1;
        if of_tenant.sockets == 0 {
            of_tenant.reader.abort();
            seats.of_tenants.remove(&self.tenant);
        }
    }
}
