//! Signing heads of all tenants' chains as they fall due. It may run in any number of processes: the first head of a number
//! stays.

use std::time::Duration;

use shared::audit::heads::seal::Sealer;
use shared::crypto::CryptoError;
use shared::db::{Db, Error};
use shared::telemetry::metrics;
use shared::tenants::KeyRing;
use uuid::Uuid;

/// How often is looked whether heads are due: they are an hour after the one before, or sooner.
const EVERY: Duration = Duration::from_secs(60);

/// Signs heads for ever.
///
/// # Errors
/// [`CryptoError`] if the master keys give no keys that sign; that is seen at the start.
pub fn seal_heads(
    db: Db,
    keys: &KeyRing,
) -> Result<impl Future<Output = ()> + Send + use<>, CryptoError> {
    let sealer = Sealer::new(db, keys.master().head_keys()?);
    Ok(async move {
        // Processes that start together don't do the same work at the same moment.
        let apart = Uuid::new_v4().as_u128() % EVERY.as_millis();
        tokio::time::sleep(Duration::from_millis(u64::try_from(apart).unwrap_or_default())).await;
        let mut timer = tokio::time::interval(EVERY);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            if let Err(error) = pass(&sealer).await {
                tracing::warn!(error = error.cause(), "heads of audit chains wait to be signed");
            }
        }
    })
}

/// Signs what is due by now. What can't be signed is counted, and tried again by the next pass.
pub(crate) async fn pass(sealer: &Sealer) -> Result<(), Error> {
    let due = sealer.due().await?;
    let (mut broken, mut late, mut failed) = (0, 0.0_f64, None);
    for it in due {
        match sealer.seal(it.tenant, it.chain).await {
            Ok(Ok(_)) => {}
            Ok(Err(found)) => {
                broken += 1;
                late = late.max(it.late_seconds);
                tracing::error!(
                    tenant.id = %it.tenant,
                    chain = it.chain.word(),
                    found = %found,
                    "an audit chain is not whole: no head is signed"
                );
            }
            Err(error) => {
                late = late.max(it.late_seconds);
                failed = Some(error);
            }
        }
    }
    metrics::audit_heads(broken, Duration::from_secs_f64(late.max(0.0)));
    failed.map_or(Ok(()), Err)
}
