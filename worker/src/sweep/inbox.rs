//! Stored webhooks, on their way to the queue.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use shared::calls::store::sweep as store;
use shared::queue::{MAX_WAITING, Queue, Sending, Signal, Task};
use shared::telemetry::metrics;

use super::QUICK;
use crate::app::App;

/// Webhooks of one task: many when they come in floods, one when they don't.
const WEBHOOKS_PER_TASK: usize = 16;
/// Rounds of the inbox begin at least so long after each other.
const GATHER: Duration = Duration::from_millis(40);

/// Sends stored webhooks to the queue, when one is stored and every half second, until the process stops.
pub async fn run_inbox(app: App) {
    let wake = app.wakes.of(Signal::Inbox);
    let stopping = || app.is_stopping();
    let woken = || async {
        tokio::select! {
            () = wake.notified() => ControlFlow::Continue(()),
            () = tokio::time::sleep(QUICK) => ControlFlow::Continue(()),
            () = app.stopped() => ControlFlow::Break(()),
        }
    };
    let round = || async {
        match inbox(&app).await {
            Ok(more) => {
                metrics::round_ended("inbox");
                more
            }
            Err(error) => {
                tracing::warn!(error = %error, "stored webhooks could not be sent");
                tokio::time::sleep(QUICK).await;
                false
            }
        }
    };
    gather(stopping, woken, round, tokio::time::sleep).await;
}

/// The first of a flood at once; then what came within `GATHER`, together: what a round costs hardly grows with what it
/// finds. A round says whether it left some; then the next one doesn't wait.
async fn gather<W, R, P>(
    stopping: impl Fn() -> bool,
    mut woken: impl FnMut() -> W,
    mut round: impl FnMut() -> R,
    mut pause: impl FnMut(Duration) -> P,
) where
    W: Future<Output = ControlFlow<()>>,
    R: Future<Output = bool>,
    P: Future,
{
    let mut more = false;
    while !stopping() {
        if !more && woken().await.is_break() {
            break;
        }
        let began = Instant::now();
        more = round().await;
        if !more {
            pause(GATHER.saturating_sub(began.elapsed())).await;
        }
    }
}

async fn inbox(app: &App) -> anyhow::Result<bool> {
    let room = MAX_WAITING.saturating_sub(app.queues.waiting(Queue::Settle).await?);
    let most = room.min(256);
    let taken = store::take_webhooks(&app.db, i64::try_from(most).unwrap_or(0)).await?;
    let sendings: Vec<_> = taken
        .chunks(WEBHOOKS_PER_TASK)
        .filter_map(|chunk| {
            let first = chunk.first()?;
            let webhooks = chunk.iter().map(|webhook| webhook.id).collect();
            Some(Sending {
                row: first.id.0,
                send_no: first.send_no,
                task: Task::Settle { webhooks },
            })
        })
        .collect();
    app.queues.push(Queue::Settle, &sendings).await?;
    if !sendings.is_empty() {
        app.wakes.notify(Signal::Settle);
        app.signals.send(Signal::Settle);
    }
    Ok(most > 0 && taken.len() == most)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

    use tokio::sync::{Notify, Semaphore};

    use super::*;

    /// Stored webhooks, and an inbox whose moments end when a test says so.
    struct Gathering {
        stored: AtomicU32,
        wake: Notify,
        moments: Semaphore,
        stopping: AtomicBool,
        rounds: std::sync::Mutex<Vec<u32>>,
    }

    /// Of one round.
    const MOST: u32 = 5;

    impl Gathering {
        fn new() -> std::sync::Arc<Self> {
            let it = std::sync::Arc::new(Self {
                stored: AtomicU32::new(0),
                wake: Notify::new(),
                moments: Semaphore::new(0),
                stopping: AtomicBool::new(false),
                rounds: std::sync::Mutex::default(),
            });
            let its = std::sync::Arc::clone(&it);
            tokio::spawn(async move {
                let it = &*its;
                let woken = || async {
                    it.wake.notified().await;
                    ControlFlow::Continue(())
                };
                let round = || async {
                    let taken = it.stored.load(SeqCst).min(MOST);
                    it.stored.fetch_sub(taken, SeqCst);
                    it.rounds.lock().unwrap().push(taken);
                    taken == MOST
                };
                let pause = |moment| async move {
                    assert!(moment <= GATHER);
                    it.moments.acquire().await.unwrap().forget();
                };
                gather(|| it.stopping.load(SeqCst), woken, round, pause).await;
            });
            it
        }

        async fn store(&self, webhooks: u32) {
            for _ in 0..webhooks {
                self.stored.fetch_add(1, SeqCst);
                self.wake.notify_one();
                tokio::task::yield_now().await;
            }
        }

        /// What each round found, once everything stands still.
        async fn rounds(&self) -> Vec<u32> {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            std::mem::take(&mut *self.rounds.lock().unwrap())
        }
    }

    #[tokio::test]
    async fn the_first_of_a_flood_waits_for_nobody_and_the_others_share_a_round() {
        let inbox = Gathering::new();
        inbox.store(1).await;
        assert_eq!(inbox.rounds().await, [1], "at once: no moment has ended");
        inbox.store(4).await;
        assert!(inbox.rounds().await.is_empty(), "the moment lasts");
        inbox.moments.add_permits(1);
        assert_eq!(inbox.rounds().await, [4]);
        inbox.moments.add_permits(1);
        assert!(inbox.rounds().await.is_empty(), "none for nothing");
    }

    #[tokio::test]
    async fn a_round_that_left_some_is_followed_by_the_next_at_once() {
        let inbox = Gathering::new();
        inbox.stored.store(2 * MOST + 1, SeqCst);
        inbox.wake.notify_one();
        assert_eq!(inbox.rounds().await, [MOST, MOST, 1], "no moment has ended");
    }

    #[tokio::test]
    async fn what_comes_while_the_process_stops_is_left_where_another_finds_it() {
        let inbox = Gathering::new();
        inbox.store(1).await;
        assert_eq!(inbox.rounds().await, [1]);
        inbox.store(3).await;
        inbox.stopping.store(true, SeqCst);
        inbox.moments.add_permits(9);
        assert!(inbox.rounds().await.is_empty(), "it takes nothing that it would not send");
        assert_eq!(inbox.stored.load(SeqCst), 3);
    }
}
