//! Whose access has ended: their sockets are closed at once, in every process.
//!
//! PostgreSQL tells (`NOTIFY vio_access_ended`, by triggers, so that nobody who ends an access can forget it), a timer makes
//! up for what was not heard, and both ask the same question about all holders of sockets at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::api_keys::Role;
use shared::db::{Db, Error};
use shared::ids::TenantId;
use shared::people::Caller;
use shared::people::store::sessions;
use tokio::sync::watch;

/// The channel on which PostgreSQL tells.
const CHANNEL: &str = "vio_access_ended";

/// Who holds a socket, in which tenant, and as what: who gets another role opens another socket.
pub(super) type Holder = (Caller, TenantId, Role);

/// Who has sockets in this process.
#[derive(Debug)]
pub(super) struct Access {
    db: Db,
    holders: Arc<Mutex<Holders>>,
}

type Holders = HashMap<Holder, (usize, watch::Sender<bool>)>;

/// One socket's access.
#[derive(Debug)]
pub(super) struct Held {
    holders: Arc<Mutex<Holders>>,
    holder: Holder,
    ended: watch::Receiver<bool>,
}

fn lock(holders: &Mutex<Holders>) -> MutexGuard<'_, Holders> {
    // A poisoned lock means that a thread died between two map operations.
    holders.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Access {
    pub(super) fn new(db: Db) -> Self {
        Self { db, holders: Arc::default() }
    }

    /// From now on the end of this access is noticed. None: it has ended already.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(super) async fn hold(&self, holder: Holder) -> Result<Option<Held>, Error> {
        let ended = {
            let mut holders = lock(&self.holders);
            let (count, ended) = holders.entry(holder).or_default();
            *count += 1;
            ended.subscribe()
        };
        let held = Held { holders: Arc::clone(&self.holders), holder, ended };
        // Asked after it was put down: an end between the two is noticed by one of them.
        let holding = sessions::standing_of(&self.db, &[holder]).await?;
        Ok((!holding.is_empty()).then_some(held))
    }

    /// Notices ends, for ever.
    pub(super) async fn watch(&self, every: Duration) {
        let mut notices = self.db.notices(CHANNEL);
        loop {
            // Either way; and a time-out doesn't lose a notice, it only asks sooner than told.
            let _told = tokio::time::timeout(every, notices.next()).await;
            let holders: Vec<Holder> = lock(&self.holders).keys().copied().collect();
            if holders.is_empty() {
                continue;
            }
            match sessions::standing_of(&self.db, &holders).await {
                Ok(holding) => {
                    let now = lock(&self.holders);
                    let over = holders.iter().filter(|holder| !holding.contains(*holder));
                    over.filter_map(|holder| now.get(holder)).for_each(|(_, ended)| {
                        ended.send_replace(true);
                    });
                }
                Err(error) => {
                    // Events are read from the same database, so nothing is told meanwhile.
                    tracing::warn!(error = error.cause(), "whose access has ended is not known");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }
}

impl Held {
    /// Returns when the access has ended.
    pub(super) async fn ended(&mut self) {
        if self.ended.wait_for(|ended| *ended).await.is_err() {
            // The sender lives in the map as long as we are counted there.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut holders = lock(&self.holders);
        let Some((count, _)) = holders.get_mut(&self.holder) else { return };
        *count -= 1;
        if *count == 0 {
            holders.remove(&self.holder);
        }
    }
}
