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
        let (hand_in, handed) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            gather(handed, |batch| keep(&db, &signals, batch), tokio::time::sleep).await;
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

/// Keeps what is handed in, in batches, until nobody can hand in any more and all of it is kept. While one transaction
/// commits, and until `GATHER` is over, the next batch gathers: no waiting when idle.
async fn gather<T, K: Future, P: Future>(
    mut handed: mpsc::Receiver<T>,
    mut keep: impl FnMut(Vec<T>) -> K,
    mut pause: impl FnMut(Duration) -> P,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while handed.recv_many(&mut batch, BATCH).await > 0 {
        let began = Instant::now();
        keep(std::mem::take(&mut batch)).await;
        pause(GATHER.saturating_sub(began.elapsed())).await;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;
    use tokio::task::JoinHandle;

    use super::*;

    /// An inbox whose moments end when a test says so.
    struct Gathering {
        hand_in: mpsc::Sender<u32>,
        kept: mpsc::UnboundedReceiver<Vec<u32>>,
        moments: Arc<Semaphore>,
        task: JoinHandle<()>,
    }

    fn gathering() -> Gathering {
        let (hand_in, handed) = mpsc::channel(WAITING);
        let (keep, kept) = mpsc::unbounded_channel();
        let moments = Arc::new(Semaphore::new(0));
        let ends = Arc::clone(&moments);
        let task = tokio::spawn(async move {
            let keep = |batch| {
                keep.send(batch).expect("the test listens");
                std::future::ready(())
            };
            let pause = |moment| {
                assert!(moment <= GATHER, "what the transaction took is part of it");
                let ends = Arc::clone(&ends);
                async move { ends.acquire().await.expect("open").forget() }
            };
            gather(handed, keep, pause).await;
        });
        Gathering { hand_in, kept, moments, task }
    }

    impl Gathering {
        /// The transactions that were begun once everything stands still.
        async fn transactions(&mut self) -> Vec<Vec<u32>> {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            std::iter::from_fn(|| self.kept.try_recv().ok()).collect()
        }

        async fn hand_in(&self, webhooks: impl IntoIterator<Item = u32>) {
            for webhook in webhooks {
                self.hand_in.send(webhook).await.expect("somebody takes it");
            }
        }
    }

    #[tokio::test]
    async fn the_first_of_a_flood_waits_for_nobody_and_the_others_share_a_transaction() {
        let mut inbox = gathering();
        inbox.hand_in([1]).await;
        assert_eq!(inbox.transactions().await, [[1]], "at once: no moment has ended");
        for webhook in 2..=9 {
            inbox.hand_in([webhook]).await;
            assert!(inbox.transactions().await.is_empty(), "the moment lasts");
        }
        inbox.moments.add_permits(1);
        assert_eq!(inbox.transactions().await, [[2, 3, 4, 5, 6, 7, 8, 9]]);
        inbox.moments.add_permits(1);
        assert!(inbox.transactions().await.is_empty(), "none for nothing");
        inbox.hand_in([10]).await;
        assert_eq!(inbox.transactions().await, [[10]], "the flood was over: the first again");
    }

    #[tokio::test]
    async fn a_transaction_holds_no_more_than_it_may() {
        let mut inbox = gathering();
        inbox.hand_in(0..1 + 2 * BATCH as u32).await;
        inbox.moments.add_permits(3);
        let sizes: Vec<_> = inbox.transactions().await.iter().map(Vec::len).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 1 + 2 * BATCH, "{sizes:?}");
        assert!(sizes.iter().all(|size| *size <= BATCH), "{sizes:?}");
    }

    #[tokio::test]
    async fn what_was_handed_in_is_kept_though_the_process_stops_meanwhile() {
        let mut inbox = gathering();
        inbox.hand_in([1]).await;
        assert_eq!(inbox.transactions().await, [[1]]);
        inbox.hand_in([2, 3]).await;
        drop(std::mem::replace(&mut inbox.hand_in, mpsc::channel(1).0));
        assert!(inbox.transactions().await.is_empty(), "the moment lasts");
        inbox.moments.add_permits(2);
        assert_eq!(inbox.transactions().await, [[2, 3]], "nobody can hand in, and these were");
        inbox.task.await.expect("it ends when all is kept");
    }
}
