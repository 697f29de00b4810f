use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::*;

const EVERY: Duration = Duration::from_millis(15);
const BATCH: usize = 64;

/// A batch that was begun, and the word that ends it.
struct Batch {
    held: Vec<u32>,
    end: oneshot::Sender<()>,
}

/// Gathering whose moments and batches end when a test says so.
struct Desk {
    hand_in: mpsc::Sender<u32>,
    begun: mpsc::UnboundedReceiver<Batch>,
    moments: Arc<Semaphore>,
    task: JoinHandle<()>,
}

fn desk(at_a_time: usize) -> Desk {
    let (hand_in, handed) = mpsc::channel(1_024);
    let (begin, begun) = mpsc::unbounded_channel();
    let moments = Arc::new(Semaphore::new(0));
    let ends = Arc::clone(&moments);
    let task = tokio::spawn(async move {
        let keep = |held| {
            let (end, ended) = oneshot::channel();
            assert!(begin.send(Batch { held, end }).is_ok(), "the test listens");
            async move { ended.await.expect("the test ends it") }
        };
        let pause = |moment| {
            assert!(moment <= EVERY, "what the batch took is part of it");
            let ends = Arc::clone(&ends);
            async move { ends.acquire().await.expect("open").forget() }
        };
        gather(Gathering { batch: BATCH, every: EVERY, at_a_time }, handed, keep, pause).await;
    });
    Desk { hand_in, begun, moments, task }
}

impl Desk {
    /// The batches that were begun once everything stands still.
    async fn begun(&mut self) -> Vec<Batch> {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        std::iter::from_fn(|| self.begun.try_recv().ok()).collect()
    }

    /// What they hold; they end at once.
    async fn kept(&mut self) -> Vec<Vec<u32>> {
        let mut kept = Vec::new();
        loop {
            let begun = self.begun().await;
            if begun.is_empty() {
                return kept;
            }
            for batch in begun {
                kept.push(batch.held);
                batch.end.send(()).expect("it waits for its end");
            }
        }
    }

    async fn hand_in(&self, each: impl IntoIterator<Item = u32>) {
        for one in each {
            self.hand_in.send(one).await.expect("somebody takes it");
        }
    }

    /// Nobody can hand in any more.
    fn close(&mut self) {
        drop(std::mem::replace(&mut self.hand_in, mpsc::channel(1).0));
    }
}

#[tokio::test]
async fn the_first_of_a_flood_waits_for_nobody_and_the_others_share_a_batch() {
    for at_a_time in [1, 2] {
        let mut desk = desk(at_a_time);
        desk.hand_in([1]).await;
        assert_eq!(desk.kept().await, [[1]], "at once: no moment has ended");
        for one in 2..=9 {
            desk.hand_in([one]).await;
            assert!(desk.kept().await.is_empty(), "the moment lasts");
        }
        desk.moments.add_permits(1);
        assert_eq!(desk.kept().await, [[2, 3, 4, 5, 6, 7, 8, 9]]);
        desk.moments.add_permits(1);
        assert!(desk.kept().await.is_empty(), "none for nothing");
        desk.hand_in([10]).await;
        assert_eq!(desk.kept().await, [[10]], "the flood was over: the first again");
    }
}

#[tokio::test]
async fn a_batch_holds_no_more_than_it_may() {
    let mut desk = desk(1);
    desk.hand_in(0..1 + 2 * BATCH as u32).await;
    desk.moments.add_permits(3);
    let sizes: Vec<_> = desk.kept().await.iter().map(Vec::len).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 1 + 2 * BATCH, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= BATCH), "{sizes:?}");
}

#[tokio::test]
async fn as_many_batches_are_under_way_as_may_be_and_no_more() {
    for at_a_time in [1, 2, 3] {
        let mut desk = desk(at_a_time);
        desk.moments.add_permits(10);
        let mut under_way = Vec::new();
        for one in 0..6 {
            desk.hand_in([one]).await;
            under_way.extend(desk.begun().await);
        }
        assert_eq!(under_way.len(), at_a_time);
        let first = under_way.remove(0);
        first.end.send(()).expect("it waits for its end");
        let next = desk.begun().await;
        assert_eq!(next.len(), 1, "where one ended the next begins");
        assert_eq!(next[0].held.len(), 6 - at_a_time, "all that came meanwhile, together");
    }
}

#[tokio::test]
async fn a_batch_that_stays_does_not_keep_the_one_after_it_from_ending() {
    let mut desk = desk(3);
    desk.hand_in([1]).await;
    let stays = desk.begun().await;
    desk.moments.add_permits(1);
    desk.hand_in([2]).await;
    let (tell, told) = oneshot::channel();
    for batch in desk.begun().await {
        assert_eq!(batch.held, [2]);
        batch.end.send(()).expect("it waits for its end");
    }
    // No moment ends, and nothing is handed in: what is under way goes on all the same.
    tokio::spawn(async move {
        for batch in stays {
            batch.end.send(()).expect("it waits for its end");
        }
        tell.send(()).expect("the test waits");
    });
    told.await.expect("it was not lost");
}

#[tokio::test]
async fn what_was_handed_in_is_kept_though_the_process_stops_meanwhile() {
    for at_a_time in [1, 2] {
        let mut desk = desk(at_a_time);
        desk.hand_in([1]).await;
        assert_eq!(desk.kept().await, [[1]]);
        desk.hand_in([2, 3]).await;
        desk.close();
        assert!(desk.kept().await.is_empty(), "the moment lasts");
        desk.moments.add_permits(2);
        assert_eq!(desk.kept().await, [[2, 3]], "nobody can hand in, and these were");
        desk.task.await.expect("it ends when all is kept");
    }
}

#[tokio::test]
async fn it_ends_only_when_all_that_is_under_way_has() {
    let mut desk = desk(2);
    desk.moments.add_permits(10);
    desk.hand_in([1]).await;
    let first = desk.begun().await;
    desk.close();
    assert!(desk.begun().await.is_empty());
    assert!(!desk.task.is_finished(), "one is under way");
    for batch in first {
        batch.end.send(()).expect("it waits for its end");
    }
    desk.task.await.expect("it ends when all is kept");
}
