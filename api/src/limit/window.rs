//! Counting in Redis: a log of the last minute.
//!
//! A list holds when each request of the last 60 s was made, to the millisecond by Redis' clock, which is one for all
//! processes. A request is allowed while the list is shorter than the limit: so no minute, wherever it begins, holds more,
//! and who asks evenly, just as often as allowed, is not refused. (Counters for slots of time let in either more or
//! fewer.) Each request leaves the list once, so a request costs a handful of steps, however many came before.

use std::sync::Arc;

use redis::Script;
use redis::aio::ConnectionManager;
use shared::ids::TenantId;
use shared::queue::{QueueError, Queues};

use super::{Asker, Count, Left, Rules};

/// KEYS: the lists of all of a tenant's requests, and of those with keys; newest first. ARGV: the tenant's limit, its
/// keys' limit, 1 if a key asks. Answers: allowed, all, seconds until the oldest leaves, with keys, seconds until
/// theirs leaves.
const SCRIPT: &str = "\
local time = redis.call('TIME') \
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) \
local function used(key) \
  local oldest = redis.call('LINDEX', key, -1) \
  while oldest and tonumber(oldest) <= now - 60000 do \
    redis.call('RPOP', key) \
    oldest = redis.call('LINDEX', key, -1) \
  end \
  return redis.call('LLEN', key) \
end \
local function note(key) \
  redis.call('LPUSH', key, now) \
  redis.call('PEXPIRE', key, 60000) \
end \
local function leaves(key) \
  local oldest = tonumber(redis.call('LINDEX', key, -1) or now) \
  return math.max(1, math.ceil((oldest + 60000 - now) / 1000)) \
end \
local all, by_keys = used(KEYS[1]), used(KEYS[2]) \
local by_key = ARGV[3] == '1' \
local allowed = all < tonumber(ARGV[1]) and (not by_key or by_keys < tonumber(ARGV[2])) \
if allowed then \
  note(KEYS[1]) \
  all = all + 1 \
  if by_key then \
    note(KEYS[2]) \
    by_keys = by_keys + 1 \
  end \
end \
return { allowed and 1 or 0, all, leaves(KEYS[1]), by_keys, leaves(KEYS[2]) }";

#[derive(Debug, Clone)]
pub(super) struct Window {
    conn: ConnectionManager,
    prefix: String,
    script: Arc<Script>,
    rules: Rules,
}

impl Window {
    pub(super) fn new(rules: Rules, queues: &Queues) -> Self {
        let (conn, prefix) = (queues.conn(), queues.prefix().to_owned());
        Self { conn, prefix, script: Arc::new(Script::new(SCRIPT)), rules }
    }

    pub(super) async fn count(&self, tenant: TenantId, asker: Asker) -> Result<Count, QueueError> {
        let (allowed, all, all_seconds, by_key, key_seconds): (u8, u32, u64, u32, u64) = self
            .script
            .key(format!("{}.asked.{tenant}", self.prefix))
            .key(format!("{}.asked.{tenant}.by_key", self.prefix))
            .arg(self.rules.tenant)
            .arg(self.rules.keys)
            .arg(u8::from(asker == Asker::Key))
            .invoke_async(&mut self.conn.clone())
            .await?;
        let left = |quota: u32, used: u32, seconds: u64| Left {
            quota,
            requests: quota.saturating_sub(used),
            seconds,
        };
        Ok(Count {
            allowed: allowed == 1,
            tenant: left(self.rules.tenant, all, all_seconds),
            keys: (asker == Asker::Key).then(|| left(self.rules.keys, by_key, key_seconds)),
        })
    }
}
