//! One tenant's events in this process: a ring, and the only reader that fills it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use shared::db::{Db, Error};
use shared::events::store;
use shared::ids::TenantId;
use shared::telemetry::metrics;
use tokio::sync::{Notify, watch};

use super::limits::Limits;
use super::ring::{Next, Place, Ring};

/// See the module.
#[derive(Debug)]
pub(super) struct Feed {
    db: Db,
    tenant: TenantId,
    limits: Arc<Limits>,
    /// None until the first reading.
    ring: Mutex<Option<Ring>>,
    /// The ring's end, for whoever waits for more. None until the first reading.
    end: watch::Sender<Option<Place>>,
    /// When the table was last known to hold no more than the ring.
    sure: Mutex<Instant>,
    wake: Notify,
    /// One reads at a time, be it forwards or backwards.
    reading: tokio::sync::Mutex<()>,
}

/// Where a resuming client goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resumed {
    /// Right after what it knows.
    At(Place),
    /// What it missed is not to be had, so everything is to be read anew; then it goes on from here.
    Anew(Place, &'static str),
}

impl Feed {
    /// A feed that nobody reads for yet.
    pub(super) fn new(db: Db, tenant: TenantId, limits: Arc<Limits>) -> Self {
        Self {
            db,
            tenant,
            limits,
            ring: Mutex::default(),
            end: watch::Sender::new(None),
            sure: Mutex::new(Instant::now()),
            wake: Notify::new(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// Reads whenever it is woken, and once at the beginning.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            if let Err(error) = self.read().await {
                // The net wakes us again.
                tracing::warn!(error = error.cause(), "events can't be read at present");
            }
            self.wake.notified().await;
        }
    }

    /// There may be more.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// The table's last number is `head`, as of `asked`. True: the ring hasn't got so far, or is further.
    pub(super) fn compare(&self, head: i64, asked: Instant) -> bool {
        let behind = self.ring().as_ref().is_none_or(|ring| ring.end().n != head);
        if !behind {
            *self.sure.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        }
        behind
    }

    /// How the ring's end changes.
    pub(super) fn ends(&self) -> watch::Receiver<Option<Place>> {
        self.end.subscribe()
    }

    /// When the table was last known to hold no more than the ring.
    pub(super) fn sure(&self) -> Instant {
        *self.sure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At most `most` frames after a place; nothing before the first reading.
    pub(super) fn after(&self, place: Place, most: usize) -> Next {
        self.ring().as_ref().map_or(Next::Jumped, |ring| ring.after(place, most))
    }

    /// Forgets frames that have been there for long.
    pub(super) fn trim(&self, now: Instant) {
        if let Some(ring) = self.ring().as_mut() {
            ring.trim(now, self.limits.keep);
        }
    }

    fn ring(&self) -> MutexGuard<'_, Option<Ring>> {
        // A poisoned lock means that a thread died between two steps that each leave the ring whole.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn most(&self) -> i64 {
        i64::try_from(self.limits.most_missed).unwrap_or(i64::MAX)
    }

    /// Brings the ring up to the table.
    pub(super) async fn read(&self) -> Result<(), Error> {
        let _alone = self.reading.lock().await;
        let asked = Instant::now();
        let known = self.ring().as_ref().map(|ring| ring.end().n);
        let mut tx = self.db.tenant(self.tenant).await?;
        let Some(known) = known else {
            let head = store::head(&mut tx).await?;
            *self.ring() = Some(Ring::new(self.limits.ring, head));
            self.told(asked);
            return Ok(());
        };
        let events = store::from(&mut tx, known + 1, self.most() + 1).await?;
        let too_many = events.len() > self.limits.most_missed;
        // Without more events, the table's end must be ours; it isn't if the database was restored to an earlier time.
        let head = match events.is_empty() || too_many {
            true => Some(store::head(&mut tx).await?),
            false => None,
        };
        {
            let mut ring = self.ring();
            let Some(ring) = ring.as_mut() else { return Ok(()) };
            match head {
                // Between the two statements another may have been committed: it is read in the next round.
                Some(head) if !too_many && head > known => self.wake(),
                Some(head) if head != known => {
                    metrics::live_jumped();
                    ring.jump(head);
                }
                Some(_) => {}
                None => {
                    let last = events.last().map_or(known, |event| event.n);
                    if !ring.push(events, asked) {
                        metrics::live_jumped();
                        ring.jump(last);
                    }
                }
            }
        }
        self.told(asked);
        Ok(())
    }

    fn told(&self, asked: Instant) {
        let end = self.ring().as_ref().map(Ring::end);
        *self.sure.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        self.end.send_if_modified(|told| std::mem::replace(told, end) != end);
    }

    /// Where a client goes on that knows everything up to event `n`, which happened at `at` if it says so.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(super) async fn resume(&self, n: i64, at: Option<DateTime<Utc>>) -> Result<Resumed, Error> {
        if self.end_now().n < n {
            // It was told so by another process, which was faster; or by a database that has since gone back.
            self.read().await?;
        }
        if let Some(resumed) = self.find(n, at) {
            return Ok(resumed);
        }
        let _alone = self.reading.lock().await;
        // Of many that come back together, the first has read for all.
        if let Some(resumed) = self.find(n, at) {
            return Ok(resumed);
        }
        let mut tx = self.db.tenant(self.tenant).await?;
        let asked = Instant::now();
        let events = store::from(&mut tx, n.max(1), self.most() + 1).await?;
        let whole = {
            let mut ring = self.ring();
            ring.as_mut().is_some_and(|ring| ring.prepend(events, asked))
        };
        let found = if whole { self.find(n, at) } else { None };
        Ok(found.unwrap_or_else(|| Resumed::Anew(self.end_now(), "gone")))
    }

    fn end_now(&self) -> Place {
        self.ring().as_ref().map_or(Place { generation: 0, n: 0 }, Ring::end)
    }

    /// The answer, if the ring knows it.
    fn find(&self, n: i64, at: Option<DateTime<Utc>>) -> Option<Resumed> {
        let ring = self.ring();
        let ring = ring.as_ref()?;
        let end = ring.end();
        if n > end.n {
            return Some(Resumed::Anew(end, "unknown"));
        }
        if end.n - n > self.most() {
            return Some(Resumed::Anew(end, "too_old"));
        }
        let same = match at {
            Some(at) if n > 0 => match ring.frame(n) {
                Some(frame) => frame.at == at,
                None => return None,
            },
            _ => true,
        };
        if !same {
            return Some(Resumed::Anew(end, "other_history"));
        }
        let place = Place { n, ..end };
        matches!(ring.after(place, 0), Next::Frames(_)).then_some(Resumed::At(place))
    }
}
