//! "There is something to do": hints over Redis, sent after a commit. A lost hint costs half a second, never a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::Notify;

use super::Queues;
use crate::config;

/// At most one signal of a kind per process in this time.
const COALESCE: Duration = Duration::from_millis(5);

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A tenant was woken.
    Dispatch,
    /// The queue of dials was filled.
    Dial,
    /// A webhook was stored.
    Inbox,
    /// The queue of settlements was filled.
    Settle,
}

const ALL: [Signal; 4] = [Signal::Dispatch, Signal::Dial, Signal::Inbox, Signal::Settle];

/// No signal of this kind was sent lately.
const IDLE: u8 = 0;
/// One was sent within [`COALESCE`].
const SENT: u8 = 1;
/// Another was asked for since.
const AGAIN: u8 = 2;

/// Sends signals: the first at once, all that fall within 5 ms after it as one more.
#[derive(Debug, Clone)]
pub struct Signals {
    queues: Queues,
    gates: Arc<[AtomicU8; 4]>,
}

fn channel(prefix: &str, signal: Signal) -> String {
    let name = match signal {
        Signal::Dispatch => "dispatch",
        Signal::Dial => "dial",
        Signal::Inbox => "inbox",
        Signal::Settle => "settle",
    };
    format!("{prefix}.wake.{name}")
}

impl Signals {
    /// Signals to the processes on the same queues.
    pub fn new(queues: Queues) -> Self {
        Self { queues, gates: Arc::default() }
    }

    /// Sends, now or within 5 ms. Never waits and never fails: the sweep makes up for what is lost.
    pub fn send(&self, signal: Signal) {
        let next = |gate| Some(if gate == IDLE { SENT } else { AGAIN });
        let before =
            self.gates[signal as usize].fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        if before != Ok(IDLE) {
            return;
        }
        let (queues, gates) = (self.queues.clone(), Arc::clone(&self.gates));
        tokio::spawn(async move {
            let gate = &gates[signal as usize];
            loop {
                let _lost = redis::cmd("PUBLISH")
                    .arg(channel(queues.prefix(), signal))
                    .arg("")
                    .exec_async(&mut queues.conn())
                    .await;
                tokio::time::sleep(COALESCE).await;
                if gate.compare_exchange(SENT, IDLE, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                    return;
                }
                gate.store(SENT, Ordering::Release);
            }
        });
    }
}

/// Where a process waits for signals.
#[derive(Debug, Clone, Default)]
pub struct Wakes {
    slots: Arc<[Arc<Notify>; 4]>,
}

impl Wakes {
    /// What is notified when `signal` arrives.
    pub fn of(&self, signal: Signal) -> Arc<Notify> {
        Arc::clone(&self.slots[signal as usize])
    }

    /// Wakes waiters in this process without asking Redis.
    pub fn notify(&self, signal: Signal) {
        self.slots[signal as usize].notify_one();
    }

    /// Listens until the future is dropped, and connects again whenever Redis comes back.
    pub async fn listen(&self, redis: &config::Redis) {
        let prefix = &redis.prefix;
        loop {
            if let Ok(client) = super::client_of(redis)
                && let Ok(mut pubsub) = client.get_async_pubsub().await
            {
                let mut heard = true;
                for signal in ALL {
                    heard &= pubsub.subscribe(channel(prefix, signal)).await.is_ok();
                }
                // What was sent while nobody listened is looked for at once.
                ALL.iter().for_each(|signal| self.notify(*signal));
                if heard {
                    let mut messages = pubsub.on_message();
                    while let Some(message) = messages.next().await {
                        if let Some(signal) = ALL
                            .into_iter()
                            .find(|s| channel(prefix, *s) == message.get_channel_name())
                        {
                            self.notify(signal);
                        }
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}
