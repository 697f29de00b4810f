//! Redis, as a carrier: what lies in it may vanish at any moment, and nobody loses a call.
//!
//! Tasks hold ids only. Their task ids are `<row>:<send_no>`, so a second sending of the same `send_no` is dropped
//! by apalis, and one with the next is kept. Why each setting is as it is: docs/decisions/redis-carries.md.

pub mod announce;
mod janitor;
mod poll;
pub(crate) mod pubsub;
mod sentinel;
mod signal;

use std::time::Duration;

use apalis::prelude::*;
use apalis_redis::{Config, RedisStorage};
use redis::TlsCertificates;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use janitor::sweep_finished;
pub use poll::WakePoll;
pub use sentinel::Sentinel;
pub use signal::{Signal, Signals, Wakes};

use crate::config;
use crate::ids::{AttemptId, JobId, TenantId, WebhookId};
use crate::telemetry::traces::{self, Trace};

/// apalis-redis 1.0.0 moves all due tasks in one Lua call and wedges for good at about 8,000 of them.
pub const MAX_WAITING: usize = 400;
/// A worker process writes a sign of life this often.
pub const HEARTBEAT: Duration = Duration::from_secs(2);
/// After this many missed signs of life another worker runs its tasks.
pub const MISSED_HEARTBEATS: usize = 3;
/// redis-rs gives up after 500 ms by default, and any error ends an apalis worker.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Which queue. The name is part of Redis keys, hence no colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Reserved calls, to be dialled within seconds.
    Dial,
    /// Stored webhooks, to be applied.
    Settle,
    /// Long work, a turn at a time.
    Work,
}

impl Queue {
    /// All queues.
    pub const ALL: [Self; 3] = [Self::Dial, Self::Settle, Self::Work];

    /// The name as told to operators (`WORKER_QUEUES`, metrics).
    pub fn name(self) -> &'static str {
        match self {
            Self::Dial => "dial",
            Self::Settle => "settle",
            Self::Work => "work",
        }
    }
}

/// What a queue carries: ids, with a version for rolling changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Dial a reserved attempt.
    Dial {
        /// Whose attempt.
        tenant: TenantId,
        /// Which attempt.
        attempt: AttemptId,
    },
    /// Apply stored webhooks.
    Settle {
        /// In the order of their arrival.
        webhooks: Vec<WebhookId>,
    },
    /// Take a turn of a job.
    Run {
        /// Whose job.
        tenant: TenantId,
        /// Which job.
        job: JobId,
        /// How often it was sent, this time included.
        send_no: i32,
    },
}

/// What lies in Redis: a task, and the trace it belongs to. A release that knows no traces reads past it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The task.
    #[serde(flatten)]
    pub task: Task,
    /// Where it was sent from.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "traces::lenient"
    )]
    pub trace: Option<Trace>,
}

/// A task with the id under which apalis drops a second copy.
#[derive(Debug, Clone)]
pub struct Sending {
    /// The row that the task is about; of several, the first.
    pub row: Uuid,
    /// How often the row was sent, this time included.
    pub send_no: i32,
    /// The task.
    pub task: Task,
}

/// The queues in one Redis.
#[derive(Debug, Clone)]
pub struct Queues {
    conn: ConnectionManager,
    prefix: String,
}

/// Redis is away or answered with an error. Carries no payload.
#[derive(Debug, thiserror::Error)]
#[error("Redis is away: {0}")]
pub struct QueueError(String);

impl From<redis::RedisError> for QueueError {
    fn from(error: redis::RedisError) -> Self {
        Self(error.category().to_owned())
    }
}

/// A connection that mends itself, and waits longer for an answer than the library would.
///
/// # Errors
/// The address doesn't parse, or Redis is away.
pub async fn connect(url: &str) -> Result<ConnectionManager, QueueError> {
    Ok(ConnectionManager::new_with_config(client(url, None)?, mending()).await?)
}

/// The same, with the settings of a process: over TLS if they say so.
///
/// # Errors
/// The address doesn't parse, the server's certificate isn't the CA's, or Redis is away.
pub async fn connect_to(settings: &config::Redis) -> Result<ConnectionManager, QueueError> {
    Ok(ConnectionManager::new_with_config(client_of(settings)?, mending()).await?)
}

/// The same, for a process that serves without Redis too: it connects when it is first asked for something.
///
/// # Errors
/// The address doesn't parse.
pub fn connect_lazily(settings: &config::Redis) -> Result<ConnectionManager, QueueError> {
    Ok(ConnectionManager::new_lazy_with_config(client_of(settings)?, mending())?)
}

fn client_of(settings: &config::Redis) -> Result<redis::Client, redis::RedisError> {
    client(settings.url.expose(), settings.ca.as_deref())
}

/// What whoever listens to Redis connects with, again and again. Over TLS if the settings say so.
///
/// # Errors
/// The address doesn't parse.
pub fn listener(settings: &config::Redis) -> Result<redis::Client, QueueError> {
    Ok(client_of(settings)?)
}

/// A client; with the certificates of a CA, and a `rediss://` address, one that trusts no other.
fn client(url: &str, ca: Option<&[u8]>) -> Result<redis::Client, redis::RedisError> {
    match ca {
        Some(ca) => redis::Client::build_with_tls(
            url,
            TlsCertificates { client_tls: None, root_cert: Some(ca.to_vec()) },
        ),
        None => redis::Client::open(url),
    }
}

fn mending() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(Duration::from_secs(2)))
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_millis(500))
}

impl Queues {
    /// Queues whose keys begin with `prefix` (tests share one Redis).
    pub fn new(conn: ConnectionManager, prefix: &str) -> Self {
        Self { conn, prefix: prefix.to_owned() }
    }

    /// A connection to the same Redis.
    pub fn conn(&self) -> ConnectionManager {
        self.conn.clone()
    }

    /// The first part of all keys.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    fn key(&self, queue: Queue) -> String {
        format!("{}.{}", self.prefix, queue.name())
    }

    /// apalis' storage of one queue. Payloads are `Value`, since one that does not decode would end the worker.
    pub fn storage(&self, queue: Queue) -> RedisStorage<Value> {
        RedisStorage::new(self.conn.clone()).with_config(
            Config::default()
                .queue(self.key(queue))
                // More than one, and tasks wait in the worker without heartbeat: healthy workers run them twice.
                .batch_size(1)
                .heartbeat_interval(HEARTBEAT)
                .missed_heartbeats(MISSED_HEARTBEATS)
                // Costs O(queue length) per task, and locks nothing.
                .lock_tasks(false)
                .emit_events(false)
                // False would mean that tasks are never acknowledged.
                .persist_results(true),
        )
    }

    /// Puts tasks on a queue. Those whose id Redis has seen are dropped.
    ///
    /// # Errors
    /// Redis is away; some of the tasks may be there all the same.
    pub async fn push(&self, queue: Queue, sendings: &[Sending]) -> Result<(), QueueError> {
        self.push_traced(queue, sendings, |_| None).await
    }

    /// As [`Queues::push`], each task with the trace that `trace` says it belongs to.
    ///
    /// # Errors
    /// Redis is away; some of the tasks may be there all the same.
    pub async fn push_traced(
        &self,
        queue: Queue,
        sendings: &[Sending],
        trace: impl Fn(&Sending) -> Option<Trace>,
    ) -> Result<(), QueueError> {
        if sendings.is_empty() {
            return Ok(());
        }
        let id = |sending: &Sending| format!("{}:{}", sending.row, sending.send_no);
        let tasks: Vec<_> = sendings
            .iter()
            .map(|sending| {
                let payload = Payload { task: sending.task.clone(), trace: trace(sending) };
                let payload = serde_json::to_value(&payload).unwrap_or_default();
                TaskBuilder::new(payload).task_id(TaskId::from_string(id(sending))).build()
            })
            .collect();
        let mut storage = self.storage(queue);
        storage
            .push_all(futures::stream::iter(tasks))
            .await
            .map_err(|error| QueueError(error.to_string()))?;

        // apalis puts everything on the scheduled set, due at the *pusher's* clock. A pusher whose clock is ahead
        // would delay its tasks by as much, so what was pushed is made active at once.
        let key = self.key(queue);
        let mut script = redis::cmd("EVAL");
        script.arg(PROMOTE).arg(2).arg(format!("{key}:scheduled")).arg(format!("{key}:active"));
        for sending in sendings {
            script.arg(id(sending));
        }
        script.exec_async(&mut self.conn.clone()).await?;
        Ok(())
    }

    /// How many tasks wait to be taken.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn waiting(&self, queue: Queue) -> Result<usize, QueueError> {
        let key = self.key(queue);
        let (scheduled, active): (usize, usize) = redis::pipe()
            .zcard(format!("{key}:scheduled"))
            .llen(format!("{key}:active"))
            .query_async(&mut self.conn.clone())
            .await?;
        Ok(scheduled + active)
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// It doesn't.
    pub async fn ping(&self) -> Result<(), QueueError> {
        Ok(redis::cmd("PING").exec_async(&mut self.conn.clone()).await?)
    }
}

/// KEYS: scheduled set, active list. ARGV: task ids. Moves those that are still scheduled.
const PROMOTE: &str = "local n = 0 for _, id in ipairs(ARGV) do if redis.call('zrem', KEYS[1], id) == 1 then \
                       redis.call('rpush', KEYS[2], id) n = n + 1 end end return n";

#[cfg(test)]
mod tests {
    use super::*;

    /// What the release before this one wrote must be read by this one, and the other way round.
    #[test]
    fn payloads_of_the_first_release_are_read() {
        let dial = r#"{"task":"dial","tenant":"0192f0c1-0000-7000-8000-000000000001","attempt":"0192f0c1-0000-7000-8000-000000000002"}"#;
        let settle = r#"{"task":"settle","webhooks":["0192f0c1-0000-7000-8000-000000000003"]}"#;
        for text in [dial, settle] {
            let task: Task = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&task).unwrap(), text);
            let payload: Payload = serde_json::from_str(text).unwrap();
            assert_eq!(payload, Payload { task, trace: None });
            assert_eq!(serde_json::to_value(&payload).unwrap().to_string().len(), text.len());
        }
    }

    /// The first release reads a `Task`, whatever stands beside it.
    #[test]
    fn the_first_release_reads_a_task_that_has_a_trace() {
        let place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let task = Task::Dial { tenant: TenantId::new(), attempt: AttemptId::new() };
        let payload = Payload { task: task.clone(), trace: Trace::parse(place) };
        let text = serde_json::to_string(&payload).unwrap();
        assert!(text.contains(place), "{text}");
        assert_eq!(serde_json::from_str::<Task>(&text).unwrap(), task);
        assert_eq!(serde_json::from_str::<Payload>(&text).unwrap(), payload);
    }

    /// A trace that can't be read, perhaps a later release's, costs the trace and not the call.
    #[test]
    fn a_task_with_an_unreadable_trace_is_still_a_task() {
        for trace in ["null", "7", "\"\"", "{\"v\":2}"] {
            let text = format!(r#"{{"task":"settle","webhooks":[],"trace":{trace}}}"#);
            let payload: Payload = serde_json::from_str(&text).unwrap();
            assert_eq!(payload, Payload { task: Task::Settle { webhooks: vec![] }, trace: None });
        }
    }
}
