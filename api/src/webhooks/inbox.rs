//! Storing webhooks, several in one transaction when they come in floods. Each is acknowledged after the commit.

use std::time::{Duration, Instant};

use shared::db::{Db, Error};
use shared::queue::{Signal, Signals};
use shared::telemetry::metrics::{self, WebhookResult};
use shared::webhooks::store::{Received, store};
use tokio::sync::{mpsc, oneshot};

/// Webhooks that wait for the transaction under way.
const WAITING: usize = 1_024;
/// Two transactions begin at least so long after each other: of a flood, each sender waits a little, for few commits.
const GATHER: Duration = Duration::from_millis(15);
/// Webhooks of one transaction.
const BATCH: usize = 64;

/// Where received webhooks are handed in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Inbox(mpsc::Sender<(Received, oneshot::Sender<bool>)>);

/// A webhook could not be stored: its sender should try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook could not be stored")]
pub(crate) struct NotStored;

impl Inbox {
    /// Starts the task that stores. It ends when the last [`Inbox`] is dropped.
    pub fn start(db: Db, signals: Signals) -> Self {
        let (hand_in, mut handed) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            // While one transaction commits, and until GATHER is over, the next batch gathers: no waiting when idle.
            while handed.recv_many(&mut batch, BATCH).await > 0 {
                let began = Instant::now();
                keep(&db, &signals, &mut batch).await;
                tokio::time::sleep(GATHER.saturating_sub(began.elapsed())).await;
            }
        });
        Self(hand_in)
    }

    /// Stores a webhook. Returns once it is committed.
    pub(crate) async fn store(&self, received: Received) -> Result<(), NotStored> {
        let (tell, told) = oneshot::channel();
        self.0.send((received, tell)).await.map_err(|_| NotStored)?;
        match told.await {
            Ok(true) => Ok(()),
            _ => Err(NotStored),
        }
    }
}

async fn keep(db: &Db, signals: &Signals, batch: &mut Vec<(Received, oneshot::Sender<bool>)>) {
    let (received, waiting): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
    let stored = store(db, &received).await;
    match &stored {
        Ok(new) => {
            for webhook in &received {
                let first = new.contains(&webhook.id);
                metrics::webhook(if first {
                    WebhookResult::Stored
                } else {
                    WebhookResult::Repeated
                });
            }
            signals.send(Signal::Inbox);
        }
        Err(error) => tracing::warn!(error = Error::cause(error), "webhooks could not be stored"),
    }
    for tell in waiting {
        // Whoever sent it may have hung up; it is stored all the same.
        let _gone = tell.send(stored.is_ok());
    }
}
