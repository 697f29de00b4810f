//! Words for every process, over Redis: heard by whoever listens at that moment, and kept nowhere.
//!
//! Any of them may be lost. Listeners are told when that may have happened, and ask PostgreSQL.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;

use super::Queues;

/// Words that fall within this time after one are said together.
const COALESCE: Duration = Duration::from_millis(5);
/// How long until Redis is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// What a listener hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard<'a> {
    /// Listening begins, or begins again: anything may have been missed.
    Listening,
    /// A word.
    Word {
        /// Where it was said.
        channel: &'a str,
        /// The word.
        payload: &'a [u8],
    },
}

/// Listens until the future is dropped, and connects again whenever Redis comes back.
pub(crate) async fn listen(redis: &redis::Client, channels: &[String], heard: impl Fn(Heard<'_>)) {
    loop {
        if let Ok(mut pubsub) = redis.get_async_pubsub().await
            && pubsub.subscribe(channels).await.is_ok()
        {
            heard(Heard::Listening);
            let mut messages = pubsub.on_message();
            while let Some(message) = messages.next().await {
                let (channel, payload) = (message.get_channel_name(), message.get_payload_bytes());
                heard(Heard::Word { channel, payload });
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Says one word. Without Redis it is lost.
pub(crate) async fn say(queues: &Queues, channel: &str, word: &[u8]) {
    let _lost = redis::cmd("PUBLISH").arg(channel).arg(word).exec_async(&mut queues.conn()).await;
}

/// Says words of `N` bytes on one channel: the first at once, those of the next 5 ms together, each of them once.
#[derive(Debug, Clone)]
pub(super) struct Speaker<const N: usize> {
    queues: Queues,
    channel: Arc<str>,
    waiting: Arc<Mutex<Waiting<N>>>,
}

/// What is said next.
#[derive(Debug, Default)]
struct Waiting<const N: usize> {
    words: HashSet<[u8; N]>,
    sending: bool,
}

impl<const N: usize> Speaker<N> {
    pub(super) fn new(queues: &Queues, channel: &str) -> Self {
        Self { queues: queues.clone(), channel: channel.into(), waiting: Arc::default() }
    }

    /// Says it, now or within 5 ms. Never waits and never fails.
    pub(super) fn say(&self, word: [u8; N]) {
        if self.waiting().add(word) {
            tokio::spawn(self.clone().send());
        }
    }

    async fn send(self) {
        loop {
            let words = self.waiting().take();
            let Some(words) = words else { return };
            say(&self.queues, &self.channel, &words).await;
            tokio::time::sleep(COALESCE).await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<N>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<const N: usize> Waiting<N> {
    /// Whether somebody has to begin sending.
    fn add(&mut self, word: [u8; N]) -> bool {
        self.words.insert(word);
        !std::mem::replace(&mut self.sending, true)
    }

    /// All words, one behind the other. `None`: there is none, and whoever sends ends.
    fn take(&mut self) -> Option<Vec<u8>> {
        self.sending = !self.words.is_empty();
        let words = self.words.drain().flatten().collect();
        self.sending.then_some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wait_for_whoever_sends_and_each_is_said_once() {
        let mut waiting = Waiting::<1>::default();
        assert!(waiting.add([7]), "nobody sends yet");
        assert_eq!(waiting.take(), Some(vec![7]), "the first at once");
        for word in [1, 2, 1] {
            assert!(!waiting.add([word]), "whoever sends comes back for it");
        }
        let mut together = waiting.take().unwrap();
        together.sort_unstable();
        assert_eq!(together, [1, 2]);
        assert_eq!(waiting.take(), None, "nothing more: sending ends");
        assert!(waiting.add([7]), "and begins anew");
    }

    /// A signal has no more to say than that it came.
    #[test]
    fn a_word_without_bytes_is_said_too() {
        let mut waiting = Waiting::<0>::default();
        assert!(waiting.add([]));
        assert_eq!(waiting.take(), Some(vec![]));
        assert_eq!(waiting.take(), None);
    }
}
