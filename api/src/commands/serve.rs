//! Serving clients and operators until told to stop.

use std::future::IntoFuture;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use api::{
    Accesses, App, Inbox, Limits, Live, LiveLimits, People, PeopleSettings, Rules, WebhookKeys,
};
use shared::book::Books;
use shared::calls::store::recovery;
use shared::config::{Api, Environment};
use shared::db::Db;
use shared::files::FileStore;
use shared::journal::Journal;
use shared::queue::announce::Announcer;
use shared::queue::{self, Queues, Signals};
use shared::telemetry::logs;
use shared::tenants::KeyRing;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long sockets may take to close.
const LEAVE: Duration = Duration::from_secs(3);

/// How often is asked whether the database went back. Dialling is then held for longer by far.
const RECOVERY_LOOK: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT, then finishes what is under way.
pub(crate) async fn run(environment: &Environment) -> anyhow::Result<()> {
    let config = Api::read(environment)?;
    let traces = logs::start_serving(&config.logs, &config.traces, "vio-api")?;
    let postgres = &config.postgres;
    let db = Db::connect(
        postgres.app_url.expose(),
        postgres.engine_url.expose(),
        postgres.max_connections,
    )?;
    let journal = open_journal(config.state_dir.as_deref())?;
    let (stop, stopped) = watch::channel(false);
    let clients = TcpListener::bind(config.listen).await?;
    let operators = TcpListener::bind(config.metrics_listen).await?;
    // Redis carries hints only: an API that starts while it is away serves all the same.
    let redis = queue::connect_lazily(&config.redis)?;
    let queues = Queues::new(redis, &config.redis.prefix);
    let signals = Signals::new(&queues);
    let people = People::new(
        &queues,
        &PeopleSettings {
            public_url: config.public_url.clone(),
            proxies: config.proxies,
            ..PeopleSettings::default()
        },
    )?;
    let announcer = Announcer::new(&queues);
    db.announce_events(move |tenant| announcer.announce(tenant));
    let listener = queue::listener(&config.redis)?;
    let live = Live::new(db.clone(), queues.clone(), listener.clone(), limits(&config));
    let accesses = Accesses::start(db.clone());
    let keys = Arc::new(KeyRing::new(config.keys.master.clone()));
    let books = Books::new(db.clone(), Arc::clone(&keys), config.books);
    let files = config.files.as_ref().map(FileStore::new).transpose()?;
    let app = App {
        files,
        db: db.clone(),
        keys,
        books: books.clone(),
        accesses: accesses.clone(),
        live: live.clone(),
        inbox: Inbox::start(db.clone(), signals.clone()),
        limits: Limits::new(Rules::of(config.requests_per_minute, config.processes), &queues),
        signals,
        queues,
        webhook_keys: WebhookKeys::default(),
        journal: journal.clone(),
        people: people.clone(),
    };
    tokio::spawn(look_after_people(app.clone(), listener));
    tokio::spawn(async move { books.look_after().await });
    tokio::spawn(api::seal_heads(db.clone(), &app.keys)?);
    if let Some(journal) = journal {
        tokio::spawn(replay_while_recovering(db.clone(), app.keys.clone(), journal));
    }
    tracing::info!(listen = %config.listen, metrics_listen = %config.metrics_listen, "serving");

    let told = |mut stopped: watch::Receiver<bool>| async move {
        // An error means that the sender is gone, which is the same.
        let _gone = stopped.wait_for(|stop| *stop).await;
    };
    let router =
        api::router(app.clone()).into_make_service_with_connect_info::<std::net::SocketAddr>();
    let for_clients =
        axum::serve(clients, router).with_graceful_shutdown(told(stopped.clone())).into_future();
    // Operators are served until the very end, so that the last seconds are seen.
    tokio::spawn(axum::serve(operators, api::operators(app)).into_future());

    let serving = tokio::spawn(for_clients);
    wait_for_signal().await?;
    tracing::info!("stopping: no new requests, those under way are finished");
    stop.send_replace(true);
    live.leave(LEAVE).await;
    match tokio::time::timeout(config.drain, serving).await {
        Ok(ended) => ended??,
        Err(_) => tracing::warn!("some requests did not end in time"),
    }
    if let Err(error) = accesses.seal().await {
        tracing::warn!(error = error.cause(), "the next process chains what was noted");
    }
    db.close().await;
    if let Some(traces) = traces {
        traces.flush().await;
    }
    Ok(())
}

/// Hears what ended elsewhere, rotates signing keys, and removes old sessions.
async fn look_after_people(app: App, redis: redis::Client) {
    tokio::join!(app.people.endings().listen(&redis), app.people.look_after(&app.db, &app.keys),);
}

fn limits(config: &Api) -> LiveLimits {
    LiveLimits {
        origins: config.live_origins.clone(),
        sockets: usize::try_from(config.live_sockets).unwrap_or(usize::MAX),
        sockets_of_a_tenant: usize::try_from(config.live_sockets_per_tenant).unwrap_or(usize::MAX),
        ..LiveLimits::default()
    }
}

fn open_journal(state_dir: Option<&Path>) -> anyhow::Result<Option<Arc<Journal>>> {
    let Some(dir) = state_dir else {
        tracing::warn!(
            "STATE_DIR is not set: a database that is restored forgets numbers that were listed over HTTP since its backup"
        );
        return Ok(None);
    };
    std::fs::create_dir_all(dir)?;
    Ok(Some(Arc::new(Journal::open(dir)?)))
}

/// The worker replays its host's journal after a restore; this one may lie on another host.
async fn replay_while_recovering(db: Db, keys: Arc<KeyRing>, journal: Arc<Journal>) {
    loop {
        tokio::time::sleep(RECOVERY_LOOK).await;
        match recovery::current(&db).await {
            Ok(None) => {}
            Ok(Some(_)) => {
                if let Err(error) = journal.replay(&db, &keys).await {
                    tracing::error!(error = %error, "the journal could not be replayed yet");
                }
            }
            Err(error) => tracing::warn!(error = error.cause(), "PostgreSQL is busy or away"),
        }
    }
}

async fn wait_for_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}
