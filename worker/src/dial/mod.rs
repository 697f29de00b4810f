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
use shared::db::Error;
use shared::ids::{AttemptId, TenantId};
use shared::queue::Signal;
use shared::telemetry::metrics;
use shared::tenants::KeyError;
use tracing::Span;
use tracing::field::display;

use crate::accounts::AccountError;
use crate::app::App;
use crate::settle;

/// From asking for the claim to the request. Later, and a successor may have reason to think that none was sent.
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// A call that can't be asked for as it stands is tried again this often, until its last chance tells staff.
const ASK_AGAIN: chrono::Duration = chrono::Duration::minutes(15);

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
    let mut stopwatch = Stopwatch::start();
    // Asked for once it is certain which server answers: a standby that took over since would be taken for the one that
    // has heard of all dials. And before the sequence is: what others take meanwhile is greater.
    let mut tx = app.db.tenant(tenant).await?;
    let mut used_before = app.high_water.read().await?;
    let Some(mut opened) = store::open(&mut tx, attempt).await? else { return Ok(()) };
    Span::current().record("call.id", display(opened.call));
    let account = match app.accounts.of(&app.db, &app.keys, opened.account).await {
        Ok(account) => account,
        Err(AccountError::Db(error @ Error::Busy(_))) => return Err(error.into()),
        Err(error) => {
            tx.rollback().await?;
            tracing::error!(account.id = %opened.account, error = %error, "a provider account can't be used");
            return put_back(app, tenant, attempt, &opened, "account_unusable").await;
        }
    };
    if !opened.doubtful.is_empty() {
        tx.rollback().await?;
        if !settle::doubts::are_settled(app, tenant, &account, &opened.doubtful).await? {
            let mut tx = app.db.tenant(tenant).await?;
            store::release(&mut tx, attempt, opened.now).await?;
            tx.commit().await?;
            return Ok(());
        }
        // The request leaves within 5 s of here: asking is no part of it.
        stopwatch = Stopwatch::start();
        tx = app.db.tenant(tenant).await?;
        used_before = app.high_water.read().await?;
        // Read anew: asking took time, and somebody may have opted out meanwhile.
        let Some(again) = store::open(&mut tx, attempt).await? else { return Ok(()) };
        opened = again;
    }

    let keys = match app.keys.of(&mut tx).await {
        Ok(keys) => keys,
        Err(KeyError::Db(error @ Error::Busy(_))) => return Err(error.into()),
        Err(error) => {
            tx.rollback().await?;
            tracing::error!(tenant.id = %tenant, error = %error, "a tenant's keys can't be used");
            return put_back(app, tenant, attempt, &opened, "account_unusable").await;
        }
    };
    let request = request::build(&opened, &keys, tenant, attempt);
    let allowed =
        !opened.number_changed && recheck_before_dial(&opened.snapshot).decision == Decision::Dial;
    // The demo clock may be hours ahead of the people whom a real vendor would ring.
    let real_people = opened.demo_ahead && !opened.simulator;
    let (true, false, Ok(request)) = (allowed, real_people, request) else {
        if !opened.snapshot.tenant.pauses.contains(&Pause::Recovering) {
            tracing::info!(tenant.id = %tenant, call.id = %opened.call, "a reservation may not be dialled any more");
        }
        store::release(&mut tx, attempt, opened.now).await?;
        if allowed {
            // The rule would allow it again at once, and for ever.
            let reason = if real_people { "demo_clock_ahead" } else { "contact_unreadable" };
            let until = opened.now + ASK_AGAIN;
            store::put_off(&mut tx, opened.call, opened.now, until, reason).await?;
        }
        tx.commit().await?;
        app.signals.send(Signal::Dispatch);
        return Ok(());
    };

    let claim = store::claim(&mut tx, attempt, app.sender, opened.now, used_before).await?;
    let Some(claim) = claim else {
        // What can't be taken any more was given back.
        tx.commit().await?;
        return Ok(());
    };
    if claim.went_back {
        tx.rollback().await?;
        if recovery::begin(&app.db, used_before).await? {
            tracing::error!(
                serial = claim.serial,
                used = used_before,
                "the database went back: dialling is held until the provider's record is read"
            );
        }
        return Ok(());
    }
    tx.commit().await?;

    let answer = match app.high_water.raise(claim.serial).await {
        Ok(()) if stopwatch.elapsed() <= SEND_WITHIN => {
            observe_pickup(&opened, stopwatch.elapsed());
            account.dialler.dial(&request).await
        }
        // Frozen, or Redis is away: nothing was written, and nothing will be. The provider has no part in it.
        _ => {
            answer::release_unsent(app, tenant, attempt, &opened).await;
            return Ok(());
        }
    };
    answer::store(app, tenant, attempt, &opened, answer, stopwatch.elapsed()).await;
    Ok(())
}

/// Gives a reservation back whose call can't be asked for as things stand; it is looked at again later.
async fn put_back(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
    opened: &store::Opened,
    reason: &str,
) -> anyhow::Result<()> {
    let mut tx = app.db.tenant(tenant).await?;
    store::release(&mut tx, attempt, opened.now).await?;
    store::put_off(&mut tx, opened.call, opened.now, opened.now + ASK_AGAIN, reason).await?;
    tx.commit().await?;
    app.signals.send(Signal::Dispatch);
    Ok(())
}

/// How long the call waited for this moment, by the database's clock until the claim and by ours since.
fn observe_pickup(opened: &store::Opened, since_claim: Duration) {
    for (since, at) in
        [(metrics::Since::Reserved, opened.reserved_at), (metrics::Since::Due, opened.wanted_at)]
    {
        let before = (opened.now - at).to_std().unwrap_or_default();
        metrics::picked_up(since, before + since_claim);
    }
}
