//! SQL of training: completions are added and read, nothing else.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Completion, Last, Module, REMINDED_WITHIN_DAYS};
use crate::db::{Error, TenantTx};
use crate::ids::UserId;

/// Adds a completion.
///
/// # Errors
/// Any [`Error`].
pub async fn insert(tx: &mut TenantTx, done: &Completion) -> Result<(), Error> {
    sqlx::query(
        "insert into training_completions (tenant_id, id, user_id, module, version, at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(tx.tenant())
    .bind(done.id)
    .bind(done.user)
    .bind(done.module.as_str())
    .bind(done.module.version())
    .bind(done.at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How somebody stands: what they completed last of each module, and how many of their texts remind them of [`Module::Hipaa`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// By module.
    pub last: HashMap<Module, Last>,
    /// Texts in which something was found, lately and since the module was completed.
    pub flagged: u64,
}

impl Standing {
    /// Whether a module is due, and why.
    pub fn due(&self, module: Module) -> Option<super::Due> {
        super::due(module, self.last.get(&module).copied(), self.flagged)
    }
}

/// How these people stand. Who has neither completed nor written anything is not among them.
///
/// # Errors
/// Any [`Error`].
pub async fn standings(
    tx: &mut TenantTx,
    people: &[UserId],
    now: DateTime<Utc>,
) -> Result<HashMap<UserId, Standing>, Error> {
    let ids: Vec<Uuid> = people.iter().map(|user| user.0).collect();
    let mut standings: HashMap<UserId, Standing> = HashMap::new();
    let completed: Vec<(UserId, String, i32, DateTime<Utc>)> = sqlx::query_as(
        "select distinct on (user_id, module) user_id, module, version, at from training_completions
         where user_id = any($1) order by user_id, module, at desc, id desc",
    )
    .bind(&ids)
    .fetch_all(tx.conn())
    .await?;
    for (user, module, version, at) in completed {
        if let Some(module) = Module::from_word(&module) {
            standings.entry(user).or_default().last.insert(module, Last { version, at });
        }
    }
    let flagged: Vec<(UserId, i64)> = sqlx::query_as(
        "select u.id, count(*) from unnest($1::uuid[]) u (id)
         join phi_detections d on d.actor = 'user:' || u.id and d.outcome <> 'clean' and d.at > $2
         left join (select user_id, max(at) as at from training_completions where module = $3 group by 1) t
             on t.user_id = u.id
         where coalesce(d.at > t.at, true) group by 1",
    )
    .bind(&ids)
    .bind(now - TimeDelta::days(REMINDED_WITHIN_DAYS))
    .bind(Module::Hipaa.as_str())
    .fetch_all(tx.conn())
    .await?;
    for (user, texts) in flagged {
        standings.entry(user).or_default().flagged = texts.unsigned_abs();
    }
    Ok(standings)
}
