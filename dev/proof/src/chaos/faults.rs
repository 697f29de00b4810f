//! What is broken, and how.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;
use simulator::{Faults, Order, Outage, Rule, Silence, VendorFaults};

use super::scene::{MOST_LAG, Scene, WORKERS};
use crate::stage::proxy::{Mode, Proxy};
use crate::stage::witness::Dial;

/// A kind of fault. The names are those of the report and of `--only`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[clap(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A worker is killed.
    KillWorker,
    /// A worker is killed between its claim and the provider's answer.
    KillDialling,
    /// A worker is frozen for longer than every margin, then goes on.
    FreezeWorker,
    /// The same, between its claim and the provider's answer.
    FreezeDialling,
    /// The API is killed.
    KillApi,
    /// The API is frozen.
    FreezeApi,
    /// Redis forgets everything.
    FlushRedis,
    /// Redis is restarted.
    RestartRedis,
    /// Redis is killed.
    KillRedis,
    /// PostgreSQL is restarted in order.
    RestartPostgres,
    /// PostgreSQL crashes.
    CrashPostgres,
    /// PostgreSQL goes back to a base backup, and forgets the dials since.
    RestorePostgres,
    /// Connections of a process to PostgreSQL break.
    CutPostgres,
    /// They are slow.
    SlowPostgres,
    /// Connections of a process to Redis break.
    CutRedis,
    /// They are slow.
    SlowRedis,
    /// Connections to the provider break.
    CutProvider,
    /// Requests to the provider arrive after their sender has gone.
    LateRequests,
    /// Webhooks don't arrive.
    CutWebhooks,
    /// Webhooks are slow.
    SlowWebhooks,
    /// A worker's clock is ten minutes wrong.
    ShiftClock,
    /// The provider answers late.
    ProviderSlow,
    /// The provider answers 503.
    ProviderDown,
    /// The provider takes connections and says nothing.
    ProviderSilent,
    /// The provider places calls and loses its answers; or loses requests.
    ProviderLossy,
    /// The provider queues starts, and hides them from its list.
    ProviderQueues,
    /// Both: its answers are lost, and what it accepted starts much later and is hidden until then.
    LostAndQueued,
    /// The provider's list lags.
    ListLags,
    /// The provider refuses with 429.
    RateLimited,
    /// Webhooks come twice, and late.
    WebhooksTwice,
    /// Webhooks come in reverse, before the answer.
    WebhooksReversed,
    /// Webhooks are lost.
    WebhooksLost,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 32] = {
        use Kind::*;
        [
            KillWorker,
            KillDialling,
            FreezeWorker,
            FreezeDialling,
            KillApi,
            FreezeApi,
            FlushRedis,
            RestartRedis,
            KillRedis,
            RestartPostgres,
            CrashPostgres,
            RestorePostgres,
            CutPostgres,
            SlowPostgres,
            CutRedis,
            SlowRedis,
            CutProvider,
            LateRequests,
            CutWebhooks,
            SlowWebhooks,
            ShiftClock,
            ProviderSlow,
            ProviderDown,
            ProviderSilent,
            ProviderLossy,
            ProviderQueues,
            LostAndQueued,
            ListLags,
            RateLimited,
            WebhooksTwice,
            WebhooksReversed,
            WebhooksLost,
        ]
    };
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = serde_json::to_value(self).ok();
        f.write_str(name.as_ref().and_then(|name| name.as_str()).unwrap_or("?"))
    }
}

/// Longer than every margin of the engine's that is counted in real seconds: 5 s from claim to request, 6 s of heartbeats.
const FROZEN: std::ops::Range<u64> = 9_500..13_000;
/// Long enough for a first retry, whose pause is at most 30 s, to come before the call that nobody saw yet rings.
const QUEUED_FOR: u64 = 9_000;

/// Injects a fault and ends it. False: it could not be done now (its process is broken otherwise already).
///
/// # Errors
/// A server did not come back.
pub(crate) async fn inject(scene: &Scene, kind: Kind, mut rng: StdRng) -> anyhow::Result<bool> {
    let some = Duration::from_millis(rng.random_range(1_500..4_000));
    let n = rng.random_range(0..WORKERS);
    let line = &scene.lines[rng.random_range(0..=WORKERS)];
    let delay = Duration::from_millis(rng.random_range(20..250));
    match kind {
        Kind::KillWorker => kill_worker(scene, n, &mut rng, None).await,
        Kind::ShiftClock => {
            if scene.faketime.is_none() {
                return Ok(false);
            }
            let by = if rng.random_bool(0.5) { "+10m" } else { "-10m" };
            kill_worker(scene, n, &mut rng, Some(by)).await
        }
        Kind::KillDialling => strike_dialling(scene, &mut rng, false).await,
        Kind::FreezeDialling => strike_dialling(scene, &mut rng, true).await,
        Kind::FreezeWorker => {
            let Ok(worker) = scene.workers[n].try_lock() else { return Ok(false) };
            worker.signal("STOP").await;
            tokio::time::sleep(Duration::from_millis(rng.random_range(FROZEN))).await;
            scene.note_given_up(n).await;
            worker.signal("CONT").await;
            Ok(true)
        }
        Kind::KillApi => {
            let Ok(mut api) = scene.api.try_lock() else { return Ok(false) };
            api.stop("KILL", Duration::from_secs(5)).await;
            tokio::time::sleep(some / 2).await;
            *api = scene.start_api().await?;
            Ok(true)
        }
        Kind::FreezeApi => {
            let Ok(api) = scene.api.try_lock() else { return Ok(false) };
            api.signal("STOP").await;
            tokio::time::sleep(some).await;
            api.signal("CONT").await;
            Ok(true)
        }
        Kind::FlushRedis => scene.servers.lock().await.flush_redis().await.map(|()| true),
        Kind::RestartRedis => scene.servers.lock().await.restart_redis("TERM").await.map(|()| true),
        Kind::KillRedis => scene.servers.lock().await.restart_redis("KILL").await.map(|()| true),
        Kind::RestartPostgres => {
            let _nobody_jumps = scene.measuring.lock().await;
            scene.servers.lock().await.restart_postgres("INT").await.map(|()| true)
        }
        Kind::CrashPostgres => {
            let _nobody_jumps = scene.measuring.lock().await;
            scene.servers.lock().await.restart_postgres("QUIT").await.map(|()| true)
        }
        Kind::RestorePostgres => restore(scene).await,
        Kind::CutPostgres => during(&line.postgres, Mode::Cut, some).await,
        Kind::SlowPostgres => during(&line.postgres, Mode::Slow(delay), some).await,
        Kind::CutRedis => during(&line.redis, Mode::Cut, some).await,
        Kind::SlowRedis => during(&line.redis, Mode::Slow(delay), some).await,
        Kind::CutProvider => during(&scene.provider, Mode::Cut, some).await,
        Kind::LateRequests => {
            let late = Duration::from_millis(rng.random_range(200..3_000));
            scene.hold_back(some + late + Duration::from_secs(1));
            during(&scene.provider, Mode::Late(late), some).await
        }
        Kind::CutWebhooks => during(&scene.webhooks, Mode::Cut, some).await,
        Kind::SlowWebhooks => during(&scene.webhooks, Mode::Slow(delay), some).await,
        Kind::ProviderDown => vendor(scene, Some(Outage::Status(503)), some).await,
        Kind::ProviderSilent => vendor(scene, Some(Outage::Silence(Silence::Hang)), some).await,
        Kind::ListLags => vendor(scene, None, some).await,
        Kind::ProviderSlow => {
            by_call(scene, 0.6, Faults { reply_delay_ms: 1_500, ..Faults::none() }, some).await
        }
        Kind::ProviderLossy => {
            let name = if rng.random_bool(0.6) { "cut_after" } else { "cut_before" };
            by_call(scene, 0.5, Faults::named(name)?, some).await
        }
        Kind::ProviderQueues => {
            let queued = Faults { start_delay_ms: 2_500, hide_registered: true, ..Faults::none() };
            by_call(scene, 0.5, queued, some).await
        }
        Kind::LostAndQueued => {
            let queued = Faults {
                start_delay_ms: QUEUED_FOR,
                hide_registered: true,
                ..Faults::named("cut_after")?
            };
            by_call(scene, 0.5, queued, some).await
        }
        Kind::RateLimited => by_call(scene, 0.5, Faults::named("rate_limited")?, some).await,
        Kind::WebhooksTwice => {
            let twice = Faults { extra_copies: 1, webhook_delay_ms: 700, ..Faults::none() };
            by_call(scene, 0.8, twice, some).await
        }
        Kind::WebhooksReversed => {
            let early = rng.random_bool(0.5);
            let reversed =
                Faults { order: Order::Reversed, webhooks_before_reply: early, ..Faults::none() };
            by_call(scene, 0.8, reversed, some).await
        }
        Kind::WebhooksLost => by_call(scene, 0.6, Faults::named("lost")?, some).await,
    }
}

async fn kill_worker(
    scene: &Scene,
    n: usize,
    rng: &mut StdRng,
    shift: Option<&str>,
) -> anyhow::Result<bool> {
    let Ok(mut worker) = scene.workers[n].try_lock() else { return Ok(false) };
    worker.stop("KILL", Duration::from_secs(5)).await;
    tokio::time::sleep(Duration::from_millis(rng.random_range(0..3_000))).await;
    *worker = scene.start_worker(n, shift).await?;
    if shift.is_some() {
        tokio::time::sleep(Duration::from_secs(8)).await;
        worker.stop("KILL", Duration::from_secs(5)).await;
        *worker = scene.start_worker(n, None).await?;
    }
    Ok(true)
}

/// Where between its claim and the provider's answer a worker is struck.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Point {
    /// Before the request: between the two, dials tell Redis their number, and the lines to Redis are slow meanwhile.
    Claimed,
    /// After it: the provider has the request, and answers late.
    Asked,
}

/// Waits until a worker has claimed a dial and has no answer yet, and kills or freezes it there.
async fn strike_dialling(scene: &Scene, rng: &mut StdRng, freeze: bool) -> anyhow::Result<bool> {
    let point = if rng.random_bool(0.5) { Point::Claimed } else { Point::Asked };
    let senders: BTreeMap<_, _> =
        (0..WORKERS).filter_map(|n| Some((scene.sender_of(n)?, n))).collect();
    match point {
        Point::Claimed => {
            for line in &scene.lines[..WORKERS] {
                line.redis.set(Mode::Slow(Duration::from_millis(60)));
            }
        }
        Point::Asked => {
            let slow = Faults { reply_delay_ms: 1_000, ..Faults::none() };
            scene.provider_behaves(&[Rule { faults: Some(slow), ..Rule::default() }])?;
        }
    }
    let start = Instant::now();
    let mut struck = None;
    while struck.is_none() && start.elapsed() < Duration::from_secs(6) {
        let dialling: Vec<(uuid::Uuid, uuid::Uuid)> = sqlx::query_as(
            "select id, claimed_by from attempts where state = 'dialling' and sender_done_at is null",
        )
        .fetch_all(&scene.admin)
        .await
        .unwrap_or_default();
        let asked: Vec<_> = match point {
            Point::Claimed => Vec::new(),
            Point::Asked => {
                scene.simulator.dials().iter().rev().take(50).filter_map(Dial::of).collect()
            }
        };
        struck = dialling.iter().find_map(|(attempt, sender)| {
            let there =
                point == Point::Claimed || asked.iter().any(|dial| dial.attempt == *attempt);
            let n = *senders.get(sender).filter(|_| there)?;
            let worker = scene.workers[n].try_lock().ok()?;
            // Killed meanwhile, it may have a successor, who has claimed nothing yet.
            (scene.sender_of(n) == Some(*sender)).then_some((n, worker))
        });
        if struck.is_none() {
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    }
    if let Some((_, worker)) = &struck {
        worker.signal(if freeze { "STOP" } else { "KILL" }).await;
    }
    match point {
        Point::Claimed => {
            for line in &scene.lines[..WORKERS] {
                line.redis.set(Mode::Open);
            }
        }
        Point::Asked => scene.provider_behaves(&[])?,
    }
    let Some((n, mut worker)) = struck else { return Ok(false) };
    if freeze {
        tokio::time::sleep(Duration::from_millis(rng.random_range(FROZEN))).await;
        scene.note_given_up(n).await;
        worker.signal("CONT").await;
    } else {
        worker.gone_within(Duration::from_secs(5)).await;
        *worker = scene.start_worker(n, None).await?;
    }
    Ok(true)
}

/// Goes back to the base backup. Nobody gets at the restored database before its clock is right again.
async fn restore(scene: &Scene) -> anyhow::Result<bool> {
    let _nobody_jumps = scene.measuring.lock().await;
    let mut servers = scene.servers.lock().await;
    // A list that leaves out what the database has forgotten would be a provider that can't be trusted.
    scene.simulator.set_faults(VendorFaults::default())?;
    for line in &scene.lines {
        line.postgres.set(Mode::Cut);
    }
    let restored = async {
        servers.restore_postgres().await?;
        scene.clock.set(&scene.admin, scene.clock.ahead_ms()).await
    };
    let restored = restored.await;
    for line in &scene.lines {
        line.postgres.set(Mode::Open);
    }
    restored?;
    scene.count(Kind::RestorePostgres);
    scene.forget_recovery();
    // What comes next may go back to here.
    tokio::time::sleep(Duration::from_secs(4)).await;
    servers.back_up().await?;
    // Counted already: what is made from then on may not be lost.
    Ok(false)
}

async fn during(proxy: &Proxy, mode: Mode, time: Duration) -> anyhow::Result<bool> {
    proxy.set(mode);
    tokio::time::sleep(time).await;
    proxy.set(Mode::Open);
    Ok(true)
}

/// The whole provider: an outage, or a list that lags.
async fn vendor(scene: &Scene, outage: Option<Outage>, time: Duration) -> anyhow::Result<bool> {
    let lag = if outage.is_none() { MOST_LAG } else { Duration::ZERO };
    let faults = VendorFaults {
        outage,
        list_lag_ms: u64::try_from(lag.as_millis()).unwrap_or(0),
        hide_registered: outage.is_none(),
        ..VendorFaults::default()
    };
    scene.simulator.set_faults(faults)?;
    tokio::time::sleep(time).await;
    scene.simulator.set_faults(VendorFaults::default())?;
    Ok(true)
}

/// A share of the calls.
async fn by_call(
    scene: &Scene,
    chance: f64,
    faults: Faults,
    time: Duration,
) -> anyhow::Result<bool> {
    let rule = Rule { chance: Some(chance), faults: Some(faults), ..Rule::default() };
    scene.provider_behaves(&[rule])?;
    tokio::time::sleep(time).await;
    scene.provider_behaves(&[])?;
    Ok(true)
}
