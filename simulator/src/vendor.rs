//! What the parts of a running simulator share: the world, the clock, and the word that it stops.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, watch};

use crate::world::World;

/// Shared by the HTTP side, the timers and the webhooks.
pub(crate) struct Vendor {
    world: Mutex<World>,
    /// How many webhooks may be under way.
    pub(crate) concurrency: usize,
    /// May the control API be used from other machines?
    pub(crate) control_from_anywhere: bool,
    changes: watch::Sender<()>,
    timers: Notify,
    stop: watch::Sender<bool>,
}

impl Vendor {
    pub(crate) fn new(world: World) -> Self {
        Self {
            concurrency: world.config.webhooks.concurrency,
            control_from_anywhere: world.config.control_from_anywhere,
            world: Mutex::new(world),
            changes: watch::Sender::new(()),
            timers: Notify::new(),
            stop: watch::Sender::new(false),
        }
    }

    /// To read. Never held across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        // A panic elsewhere must not take the record with it: it is what people want to see then.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To change something; wakes the timers and whoever waits for a change.
    pub(crate) fn change<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world();
        let before = world.timers.next();
        let result = act(&mut world);
        let sooner = world.timers.next() != before;
        drop(world);
        if sooner {
            self.timers.notify_one();
        }
        self.changes.send_replace(());
        result
    }

    /// Unix time in milliseconds.
    pub(crate) fn now(&self) -> i64 {
        unix_ms()
    }

    /// Ticks when anything changes.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Returns once the simulator stops, at once if it has: a task may be polled for the first
    /// time after that.
    pub(crate) async fn stopped(&self) {
        // An error would mean that the sender is gone, and `self` holds it.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }

    /// Tells everybody to stop.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }
}

/// The wall clock and no other: its readings go into signatures and records, and a machine that
/// slept should find its calls ended.
pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The longest sleep: a clock that is set forward is noticed within it.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Lets things happen when they are due, until the simulator stops.
pub(crate) async fn keep_time(vendor: Arc<Vendor>) {
    loop {
        let now = vendor.now();
        let (next, happened) = {
            let mut world = vendor.world();
            let happened = world.timers.next().is_some_and(|at| at <= now);
            (world.advance(now), happened)
        };
        if happened {
            vendor.changes.send_replace(());
        }
        let sleep = next.map_or(LONGEST_SLEEP, |at| {
            let ms = u64::try_from(at.saturating_sub(vendor.now())).unwrap_or(0);
            Duration::from_millis(ms).min(LONGEST_SLEEP)
        });
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            () = vendor.timers.notified() => {}
            () = vendor.stopped() => return,
        }
    }
}
