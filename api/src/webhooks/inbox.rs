//! Storing webhooks, several in one transaction when they come in floods. Each is acknowledged after the commit.

use std::time::Duration;

use shared::db::{Db, Error};
use shared::queue::{Signal, Signals};
use shared::telemetry::metrics::{self, WebhookResult};
use shared::webhooks::store::{Received, store};
use tokio::sync::{mpsc, oneshot};

use crate::gather::{Gathering, gather};

/// Webhooks that wait for the transaction under way.
const WAITING: usize = 1_024;
/// Of a flood, each sender waits a little, for few commits; one transaction after the other, in the order of arrival.
const GATHERING: Gathering =
    Gathering { batch: 64, every: Duration::from_millis(15), at_a_time: 1 };

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
        let (hand_in, handed) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let keep = |batch| keep(&db, &signals, batch);
            gather(GATHERING, handed, keep, tokio::time::sleep).await;
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

async fn keep(db: &Db, signals: &Signals, batch: Vec<(Received, oneshot::Sender<bool>)>) {
    let (received, waiting): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
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
