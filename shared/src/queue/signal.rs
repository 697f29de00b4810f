//! "There is something to do": hints over Redis, sent after a commit. A lost hint costs half a second, never a call.

use std::sync::Arc;

use tokio::sync::Notify;

use super::Queues;
use super::pubsub::{self, Heard, Speaker};

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
    /// A job was put into the line.
    Jobs,
    /// The queue of jobs was filled.
    Work,
}

const ALL: [Signal; 6] =
    [Signal::Dispatch, Signal::Dial, Signal::Inbox, Signal::Settle, Signal::Jobs, Signal::Work];

/// Sends signals: of each kind the first at once, all that fall within 5 ms after it as one more.
#[derive(Debug, Clone)]
pub struct Signals {
    /// That it was said is all there is to say.
    speakers: [Speaker<0>; ALL.len()],
}

fn channel(prefix: &str, signal: Signal) -> String {
    let name = match signal {
        Signal::Dispatch => "dispatch",
        Signal::Dial => "dial",
        Signal::Inbox => "inbox",
        Signal::Settle => "settle",
        Signal::Jobs => "jobs",
        Signal::Work => "work",
    };
    format!("{prefix}.wake.{name}")
}

impl Signals {
    /// Signals to the processes on the same queues.
    pub fn new(queues: &Queues) -> Self {
        let speaker = |signal| Speaker::new(queues, &channel(queues.prefix(), signal));
        Self { speakers: ALL.map(speaker) }
    }

    /// Sends, now or within 5 ms. Never waits and never fails: the sweep makes up for what is lost.
    pub fn send(&self, signal: Signal) {
        self.speakers[signal as usize].say([]);
    }
}

/// Where a process waits for signals.
#[derive(Debug, Clone, Default)]
pub struct Wakes {
    slots: Arc<[Arc<Notify>; ALL.len()]>,
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

    /// Listens to signals with this prefix until the future is dropped, and connects again whenever Redis comes back.
    pub async fn listen(&self, redis: &redis::Client, prefix: &str) {
        let channels = ALL.map(|signal| channel(prefix, signal));
        pubsub::listen(redis, &channels, |heard| {
            ALL.into_iter()
                .zip(&channels)
                .filter(|(_, its_own)| match heard {
                    // What was sent while nobody listened is looked for at once.
                    Heard::Listening => true,
                    Heard::Word { channel, .. } => channel == its_own.as_str(),
                })
                .for_each(|(signal, _)| self.notify(signal));
        })
        .await;
    }
}
