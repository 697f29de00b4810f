//! Chaining what was noted. It has no input and may be repeated, so every process does it for all, and what a killed one
//! noted is chained by the next that looks.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use shared::audit::accesses::{Access, store};
use shared::db::{Db, Error};
use shared::ids::TenantId;

use super::refusals::Refusals;

/// Rules: sealed within 2 s. A pass takes less than the other second.
const EVERY: Duration = Duration::from_secs(1);
/// So many under one lock of a tenant: some milliseconds, for which its changes wait.
const MOST: i32 = 250;
/// So many tenants one after the other; of more, several at a time, at most [`MOST_AT_A_TIME`]. Requests are served meanwhile.
const IN_TURN: usize = 500;
const MOST_AT_A_TIME: usize = 4;

/// Chains for ever.
pub(super) async fn run(db: Db, refusals: Arc<Refusals>) {
    let mut timer = tokio::time::interval(EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        let counted = note_counted(&db, refusals.take(false)).await;
        if let Err(error) = counted.and(pass(&db).await) {
            tracing::warn!(error = error.cause(), "accesses wait to be chained");
        }
    }
}

/// Notes how often callers were refused since the refusal of theirs that is on record.
pub(super) async fn note_counted(db: &Db, counted: Vec<Access>) -> Result<(), Error> {
    if counted.is_empty() { Ok(()) } else { store::note(db, &counted).await }
}

/// Chains what is noted by now.
pub(super) async fn pass(db: &Db) -> Result<(), Error> {
    let tenants = store::unsealed(db).await?;
    let at_a_time = (1 + tenants.len() / IN_TURN).min(MOST_AT_A_TIME);
    let tenants = futures::stream::iter(tenants).map(Ok);
    tenants.try_for_each_concurrent(at_a_time, |tenant| seal(db, tenant)).await
}

async fn seal(db: &Db, tenant: TenantId) -> Result<(), Error> {
    loop {
        let mut tx = db.tenant(tenant).await?;
        let sealed = store::seal(&mut tx, MOST).await?;
        tx.commit().await?;
        if sealed < MOST {
            return Ok(());
        }
    }
}
