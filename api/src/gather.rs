//! Taking what many requests hand in together: one transaction for a flood of them, and no waiting for the one that comes
//! alone.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;

/// How batches are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gathering {
    /// So many in one batch at most.
    pub(crate) batch: usize,
    /// Two batches begin at least so long after each other.
    pub(crate) every: Duration,
    /// So many batches under way at a time; at least 1. Only with one are they kept in the order in which they came.
    pub(crate) at_a_time: usize,
}

/// Keeps what is handed in, in batches, until nobody can hand in any more and all of it is kept. While batches are under way
/// and until `every` is over, the next one gathers: what comes after a pause waits for nothing.
pub(crate) async fn gather<T, K: Future, P: Future>(
    how: Gathering,
    mut handed: mpsc::Receiver<T>,
    mut keep: impl FnMut(Vec<T>) -> K,
    mut pause: impl FnMut(Duration) -> P,
) {
    let mut under_way = FuturesUnordered::new();
    let mut batch = Vec::with_capacity(how.batch);
    loop {
        let some = loop {
            tokio::select! {
                some = handed.recv_many(&mut batch, how.batch) => break some,
                Some(_) = under_way.next() => {}
            }
        };
        if some == 0 {
            break;
        }
        let began = Instant::now();
        under_way.push(keep(std::mem::take(&mut batch)));
        while under_way.len() >= how.at_a_time.max(1) {
            under_way.next().await;
        }
        // What is under way goes on meanwhile.
        let moment = pause(how.every.saturating_sub(began.elapsed()));
        tokio::pin!(moment);
        loop {
            tokio::select! {
                _ = &mut moment => break,
                Some(_) = under_way.next() => {}
            }
        }
    }
    while under_way.next().await.is_some() {}
}

#[cfg(test)]
mod tests;
