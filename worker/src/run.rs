//! The worker's life: start, serve, drain.

use std::sync::Arc;
use std::time::Duration;

use shared::book::{BookLimits, Books};
use shared::calls::store::sweep as store;
use shared::config::{QueueName, Worker};
use shared::db::Db;
use shared::files::FileStore;
use shared::ids::SenderId;
use shared::journal::Journal;
use shared::queue::announce::Announcer;
use shared::queue::{self, Queue, Queues, Sentinel, Signals, Wakes};
use shared::tenants::KeyRing;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::accounts::Accounts;
use crate::app::{App, Parts};
use crate::high_water::HighWater;
use crate::sender::Locks;
use crate::{carrier, dispatch, jobs, ops, relay, sweep};

/// Reservations on their way to the relay.
const RELAY_ROOM: usize = 1_024;

/// Runs a worker until `stop` says `true`, then drains it: what is being dialled is finished, the rest stays in the
/// queue for others.
///
/// # Errors
/// The state directory can't be used, or the metrics' port is taken. PostgreSQL and Redis may come later.
pub async fn run(config: Worker, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    std::fs::create_dir_all(&config.state_dir)?;
    let db = Db::connect(
        config.postgres.app_url.expose(),
        config.postgres.engine_url.expose(),
        config.postgres.max_connections,
    )?;
    let conn = patient(&stop, "Redis", || queue::connect_to(&config.redis)).await?;
    let queues = Queues::new(conn, &config.redis.prefix);
    let announcer = Announcer::new(&queues);
    db.announce_events(move |tenant| announcer.announce(tenant));
    let sender = SenderId::new();
    let locks = Locks::take(&config.state_dir, sender)?;
    let (reserved, to_send) = mpsc::channel(RELAY_ROOM);
    let keys = Arc::new(KeyRing::new(config.keys.master.clone()));
    let nothing = BookLimits { bytes: 0, ..BookLimits::default() };
    let files = FileStore::new(&config.files)?;
    let app = App::new(Parts {
        files,
        books: Books::new(db.clone(), Arc::clone(&keys), nothing),
        sentinel: Sentinel::new(&queues),
        signals: Signals::new(&queues),
        wakes: Wakes::default(),
        keys,
        accounts: Accounts::default(),
        high_water: HighWater::open(&queues, &config.state_dir)?,
        journal: Journal::open(&config.state_dir)?,
        recovery_hold: config.recovery_hold,
        db,
        queues,
        sender,
        locks,
        reserved,
        stop: stop.clone(),
    });
    patient(&stop, "PostgreSQL", || store::register_sender(&app.db, sender, app.locks.host()))
        .await?;

    let listener = TcpListener::bind(config.metrics_listen).await?;
    let endless = spawn_endless(&app, &config, listener)?;
    let mut tasks = JoinSet::new();
    let concurrency = usize::try_from(config.concurrency).unwrap_or(usize::MAX);
    if config.runs(QueueName::Dispatch) {
        tasks.spawn(dispatch::run(app.clone()));
    }
    for (name, queue) in [(QueueName::Dial, Queue::Dial), (QueueName::Settle, Queue::Settle)] {
        if config.runs(name) {
            tasks.spawn(carrier::serve(app.clone(), queue, concurrency));
        }
    }
    if config.runs(QueueName::Sweep) {
        tasks.spawn(sweep::run_quick(app.clone()));
        tasks.spawn(sweep::inbox::run_inbox(app.clone()));
        tasks.spawn(sweep::run_checks(app.clone()));
        tasks.spawn(sweep::keeping::run_retention(app.clone()));
        tasks.spawn(sweep::keeping::run_rotations(app.clone()));
    }
    // Each in a loop of its own: a provider that answers slowly must not keep the others from their turns.
    tasks.spawn(sweep::run_senders(app.clone()));
    tasks.spawn(sweep::run_recovery(app.clone()));
    tasks.spawn(sweep::run_accounts(app.clone()));
    tasks.spawn(sweep::run_slow(app.clone()));
    if config.runs(QueueName::Jobs) {
        let at_a_time = usize::try_from(config.jobs).unwrap_or(1);
        tasks.spawn(carrier::serve(app.clone(), Queue::Work, at_a_time));
        tasks.spawn(jobs::line::run(app.clone()));
        tasks.spawn(jobs::keeping::run(app.clone()));
    }
    let relay = tokio::spawn(relay::run(app.clone(), to_send));
    tracing::info!(sender.id = %sender, queues = ?config.queues, "the worker is up");

    app.stopped().await;
    tracing::info!("stopping: what is being dialled is finished first");
    if tokio::time::timeout(config.drain, async { while tasks.join_next().await.is_some() {} })
        .await
        .is_err()
    {
        tracing::error!("the worker did not drain in time");
    } else {
        store::sender_ended(&app.db, sender).await?;
    }
    endless.abort_all();
    relay.abort();
    app.db.close().await;
    Ok(())
}

/// What is cut off at the end rather than drained.
fn spawn_endless(
    app: &App,
    config: &Worker,
    listener: TcpListener,
) -> anyhow::Result<EndlessTasks> {
    let mut tasks = JoinSet::new();
    let redis = queue::listener(&config.redis)?;
    let (listening, prefix) = (app.clone(), config.redis.prefix.clone());
    tasks.spawn(async move { listening.wakes.listen(&redis, &prefix).await });
    let router = ops::router(app.clone());
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(error = %error, "the metrics' port is closed");
        }
    });
    Ok(EndlessTasks(tasks))
}

struct EndlessTasks(JoinSet<()>);

impl EndlessTasks {
    fn abort_all(mut self) {
        self.0.abort_all();
    }
}

/// Waits for something that may come later, saying so.
async fn patient<T, E, F>(
    stop: &watch::Receiver<bool>,
    what: &str,
    attempt: impl Fn() -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = Result<T, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    loop {
        match attempt().await {
            Ok(there) => return Ok(there),
            Err(error) => tracing::warn!(error = %error, "{what} is away; trying again"),
        }
        anyhow::ensure!(!*stop.borrow(), "stopped while waiting for {what}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// `true` once SIGTERM or Ctrl-C came.
///
/// # Errors
/// The handlers can't be installed.
pub fn stop_on_signal() -> anyhow::Result<watch::Receiver<bool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (tell, told) = watch::channel(false);
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let tell = Arc::new(tell);
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        let _ = tell.send(true);
        // Kept, so that the receivers go on reading `true`.
        std::future::pending::<()>().await;
    });
    Ok(told)
}
