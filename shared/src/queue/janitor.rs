//! Finished tasks stay in Redis for ever, and apalis' own `vacuum` deletes tasks that wait. So: our own.

use super::{Queue, QueueError, Queues};

/// KEYS: done set, dead set, data hash, meta prefix. ARGV: how many. Removes finished tasks and what they left.
const SWEEP: &str = "local n = 0 for s = 1, 2 do local ids = redis.call('spop', KEYS[s], ARGV[1]) \
                     for _, id in ipairs(ids) do redis.call('hdel', KEYS[3], id) redis.call('del', KEYS[4] .. ':' .. id) \
                     n = n + 1 end end return n";

/// Removes at most 1,000 finished tasks of `queue`. Returns how many.
///
/// # Errors
/// Redis is away.
pub async fn sweep_finished(queues: &Queues, queue: Queue) -> Result<usize, QueueError> {
    let key = queues.key(queue);
    let removed = redis::cmd("EVAL")
        .arg(SWEEP)
        .arg(4)
        .arg(format!("{key}:done"))
        .arg(format!("{key}:dead"))
        .arg(format!("{key}:data"))
        .arg(format!("{key}:meta"))
        .arg(500)
        .query_async(&mut queues.conn())
        .await?;
    Ok(removed)
}
