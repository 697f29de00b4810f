//! "A tenant's events went on": told over Redis after the commit, to every process that has sockets. A lost word costs a
//! second, never an event: those are rows, and a timer asks for them.

use uuid::Uuid;

use super::Queues;
use super::pubsub::{self, Speaker};
use crate::ids::TenantId;

/// The bytes of a tenant's id.
const ID: usize = 16;

/// Announces tenants whose events went on: the first at once, those of the next 5 ms together.
#[derive(Debug, Clone)]
pub struct Announcer {
    speaker: Speaker<ID>,
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
    pub fn new(queues: &Queues) -> Self {
        Self { speaker: Speaker::new(queues, &channel(queues.prefix())) }
    }

    /// Announces, now or within 5 ms. Never waits and never fails.
    pub fn announce(&self, tenant: TenantId) {
        self.speaker.say(tenant.0.into_bytes());
    }
}

/// Listens until the future is dropped, and connects again whenever Redis comes back.
pub async fn listen(redis: &redis::Client, prefix: &str, heard: impl Fn(Heard)) {
    pubsub::listen(redis, &[channel(prefix)], |word| match word {
        pubsub::Heard::Listening => heard(Heard::Listening),
        pubsub::Heard::Word { payload, .. } => {
            for id in payload.as_chunks::<ID>().0 {
                heard(Heard::Events(TenantId(Uuid::from_bytes(*id))));
            }
        }
    })
    .await;
}
