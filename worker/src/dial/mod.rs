//! Dial: one reservation, one request.
//!
//! The intent is committed before the provider is asked; the request leaves within 5 s of asking for the claim or not
//! at all; and what became of it is stored, whatever it was. Nothing here is tried twice.

mod answer;
mod request;

use std::time::{Duration, Instant, SystemTime};

use shared::calls::rules::admission::recheck_before_dial;
use shared::calls::rules::snapshot::Pause;
use shared::calls::rules::verdict::Decision;
use shared::calls::store::dial as store;
use shared::calls::store::recovery;
use shared::ids::{AttemptId, TenantId};
use shared::queue::Signal;
use shared::telemetry::metrics;

use crate::app::App;
use crate::provider::{DialAnswer, NotSent};
use crate::settle;

/// From asking for the claim to the request. Later, and a successor may have reason to think that none was sent.
const SEND_WITHIN: Duration = Duration::from_secs(5);

/// Two clocks: one stands still while a machine is suspended, the other may be set. Whichever says more is believed.
struct Stopwatch {
    steady: Instant,
    wall: SystemTime,
}

impl Stopwatch {
    fn start() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    fn elapsed(&self) -> Duration {
        self.steady.elapsed().max(self.wall.elapsed().unwrap_or_default())
    }
}

/// Dials a reserved attempt, if it still is one and still may be.
///
/// # Errors
/// PostgreSQL or Redis is away, before anything was claimed: the task is sent again.
pub async fn dial(app: &App, tenant: TenantId, attempt: AttemptId) -> anyhow::Result<()> {
    let stopwatch = Stopwatch::start();
    // Read before the sequence is: what others take meanwhile is greater.
    let used_before = app.high_water.read().await?;

    let mut tx = app.db.tenant(tenant).await?;
    let Some(opened) = store::open(&mut tx, attempt).await? else { return Ok(()) };
    let account = app.accounts.of(&app.db, &app.keys, opened.account).await?;
    if !opened.doubtful.is_empty() {
        tx.rollback().await?;
        if !settle::doubts::are_settled(app, tenant, &account, &opened.doubtful).await? {
            let mut tx = app.db.tenant(tenant).await?;
            store::release(&mut tx, attempt, opened.now).await?;
            tx.commit().await?;
            return Ok(());
        }
        tx = app.db.tenant(tenant).await?;
        if store::open(&mut tx, attempt).await?.is_none() {
            return Ok(());
        }
    }

    let keys = app.keys.of(&mut tx).await?;
    let request = request::build(&opened, &keys, tenant, attempt);
    let allowed = recheck_before_dial(&opened.snapshot).decision == Decision::Dial
        // The demo clock may be hours ahead of the people whom a real vendor would ring.
        && (!opened.demo_ahead || opened.simulator);
    let (true, Ok(request)) = (allowed, request) else {
        if !opened.snapshot.tenant.pauses.contains(&Pause::Recovering) {
            tracing::info!(tenant.id = %tenant, call.id = %opened.call, "a reservation may not be dialled any more");
        }
        store::release(&mut tx, attempt, opened.now).await?;
        tx.commit().await?;
        app.signals.send(Signal::Dispatch);
        return Ok(());
    };

    let Some(claim) = store::claim(&mut tx, attempt, app.sender, opened.now).await? else {
        return Ok(());
    };
    if claim.last < used_before {
        tx.rollback().await?;
        tracing::error!(
            last = claim.last,
            used = used_before,
            "the database went back: dialling is held until the provider's record is read"
        );
        recovery::begin(&app.db, used_before).await?;
        return Ok(());
    }
    tx.commit().await?;

    let answer = match app.high_water.raise(claim.serial).await {
        Ok(()) if stopwatch.elapsed() <= SEND_WITHIN => {
            metrics::picked_up(metrics::Since::Reserved, stopwatch.elapsed());
            account.dialler.dial(&request).await
        }
        // Frozen, or Redis is away: nothing was written, and nothing will be.
        _ => DialAnswer::NotSent { why: NotSent::ConnectTimedOut },
    };
    answer::store(app, tenant, attempt, &opened, answer, stopwatch.elapsed()).await;
    Ok(())
}
