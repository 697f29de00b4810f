//! Counting in Redis: a sliding window of slots.
//!
//! A minute touches at most 13 slots of 5 s. A request is allowed while the slots that any minute ending now can touch
//! hold fewer than the limit: so no minute, wherever it begins, holds more. (Two fixed minutes would let twice as many
//! into the minute across their border.) The clock is Redis', one for all processes.

use std::sync::Arc;

use redis::Script;
use redis::aio::ConnectionManager;
use shared::ids::TenantId;
use shared::queue::{QueueError, Queues};

use super::{Asker, Count, Left, Rules};

/// KEYS: one hash per tenant. ARGV: the tenant's limit, its keys' limit, 1 if a key asks.
///
/// Fields are `a<slot>` (all requests) and `k<slot>` (those with keys). Answers: allowed, all, seconds until the oldest
/// slot leaves, with keys, seconds until theirs leaves.
const SCRIPT: &str = "\
local now = tonumber(redis.call('TIME')[1]) \
local slot = math.floor(now / 5) \
local used = { a = 0, k = 0 } \
local oldest = { a = slot, k = slot } \
local fields = redis.call('HGETALL', KEYS[1]) \
local gone = {} \
for i = 1, #fields, 2 do \
  local kind, at = string.sub(fields[i], 1, 1), tonumber(string.sub(fields[i], 2)) \
  if at < slot - 12 then \
    gone[#gone + 1] = fields[i] \
  else \
    used[kind] = used[kind] + tonumber(fields[i + 1]) \
    oldest[kind] = math.min(oldest[kind], at) \
  end \
end \
if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end \
local by_key = ARGV[3] == '1' \
local allowed = used.a < tonumber(ARGV[1]) and (not by_key or used.k < tonumber(ARGV[2])) \
if allowed then \
  redis.call('HINCRBY', KEYS[1], 'a' .. slot, 1) \
  used.a = used.a + 1 \
  if by_key then \
    redis.call('HINCRBY', KEYS[1], 'k' .. slot, 1) \
    used.k = used.k + 1 \
  end \
  redis.call('EXPIRE', KEYS[1], 70) \
end \
local function leaves(at) return math.max(1, (at + 13) * 5 - now) end \
return { allowed and 1 or 0, used.a, leaves(oldest.a), used.k, leaves(oldest.k) }";

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
            .key(format!("{}.limit.{tenant}", self.prefix))
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
