//! "A tenant's events went on": told over Redis after the commit, to every process that has sockets. A lost word costs a
//! second, never an event: those are rows, and a timer asks for them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use uuid::Uuid;

use super::Queues;
use crate::ids::TenantId;

/// Tenants are told of together that come within this time.
const COALESCE: Duration = Duration::from_millis(5);
/// How long until Redis is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Announces tenants whose events went on: the first at once, those of the next 5 ms together.
#[derive(Debug, Clone)]
pub struct Announcer {
    queues: Queues,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    tenants: HashSet<TenantId>,
    sending: bool,
}

/// What a listener hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// This tenant's events went on.
    Events(TenantId),
    /// Listening begins, or begins again: anything may have been missed.
    Listening,
}

fn channel(prefix: &str) -> String {
    format!("{prefix}.events")
}

impl Announcer {
    /// Announces to the processes on the same queues.
    pub fn new(queues: Queues) -> Self {
        Self { queues, waiting: Arc::default() }
    }

    /// Announces, now or within 5 ms. Never waits and never fails.
    pub fn announce(&self, tenant: TenantId) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.tenants.insert(tenant);
        if !std::mem::replace(&mut waiting.sending, true) {
            tokio::spawn(self.clone().send());
        }
    }

    async fn send(self) {
        while let Some(payload) = self.take() {
            let _lost = redis::cmd("PUBLISH")
                .arg(channel(self.queues.prefix()))
                .arg(payload)
                .exec_async(&mut self.queues.conn())
                .await;
            tokio::time::sleep(COALESCE).await;
        }
    }

    fn take(&self) -> Option<Vec<u8>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.sending = !waiting.tenants.is_empty();
        let ids = waiting.tenants.drain().flat_map(|tenant| *tenant.0.as_bytes());
        let payload: Vec<u8> = ids.collect();
        (!payload.is_empty()).then_some(payload)
    }
}

/// Listens until the future is dropped, and connects again whenever Redis comes back.
pub async fn listen(redis: &redis::Client, prefix: &str, heard: impl Fn(Heard)) {
    loop {
        if let Ok(mut pubsub) = redis.get_async_pubsub().await
            && pubsub.subscribe(channel(prefix)).await.is_ok()
        {
            heard(Heard::Listening);
            let mut messages = pubsub.on_message();
            while let Some(message) = messages.next().await {
                for id in message.get_payload_bytes().chunks_exact(16) {
                    // Chunks of sixteen have sixteen bytes.
                    let id = Uuid::from_slice(id).unwrap_or_default();
                    heard(Heard::Events(TenantId(id)));
                }
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}
