//! What every part of the worker needs.

use std::sync::Arc;

use shared::book::Books;
use shared::db::Db;
use shared::files::FileStore;
use shared::ids::SenderId;
use shared::journal::Journal;
use shared::queue::{Queues, Sentinel, Signals, Wakes};
use shared::tenants::KeyRing;
use tokio::sync::{mpsc, watch};

use crate::accounts::Accounts;
use crate::high_water::HighWater;
use crate::relay::Reserved;
use crate::sender::Locks;

/// A worker process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
#[derive(Debug)]
pub struct Parts {
    /// PostgreSQL.
    pub db: Db,
    /// Redis' queues.
    pub queues: Queues,
    /// Hints to other processes.
    pub signals: Signals,
    /// Hints to this one.
    pub wakes: Wakes,
    /// Tells when Redis was wiped.
    pub sentinel: Sentinel,
    /// Master and tenant keys.
    pub keys: Arc<KeyRing>,
    /// Tenants' contacts, to find those that a job is about. Nothing is kept of them.
    pub books: Books,
    /// Where what is made for tenants to download is kept.
    pub files: FileStore,
    /// Provider accounts.
    pub accounts: Accounts,
    /// This process, as it claims attempts.
    pub sender: SenderId,
    /// The last dial that anybody is known to have made.
    pub high_water: HighWater,
    /// What a restore must not forget.
    pub journal: Journal,
    /// The lock that shows that this process lives.
    pub locks: Locks,
    /// How long dialling is held after the database went back.
    pub recovery_hold: std::time::Duration,
    /// To the relay.
    pub reserved: mpsc::Sender<Reserved>,
    /// Says `true` when the process is to stop.
    pub stop: watch::Receiver<bool>,
}

impl App {
    /// An app of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Waits until the process is to stop.
    pub async fn stopped(&self) {
        // An error means that the sender is gone, and so is the process.
        let _ = self.0.stop.clone().wait_for(|stop| *stop).await;
    }

    /// Whether the process is to stop.
    pub fn is_stopping(&self) -> bool {
        *self.0.stop.borrow()
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
