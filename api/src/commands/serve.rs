//! Serving clients and operators until told to stop.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use api::{App, Inbox};
use shared::config::{Api, Environment};
use shared::db::Db;
use shared::queue::{self, Queues, Signals};
use shared::tenants::KeyRing;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long requests that are under way are waited for. A request takes 10 s at most.
const DRAIN: Duration = Duration::from_secs(12);

/// Serves until SIGTERM or SIGINT, then finishes what is under way.
pub(crate) async fn run(environment: &Environment) -> anyhow::Result<()> {
    let config = Api::read(environment)?;
    let postgres = &config.postgres;
    let db = Db::connect(
        postgres.app_url.expose(),
        postgres.engine_url.expose(),
        postgres.max_connections,
    )?;
    let (stop, stopped) = watch::channel(false);
    let clients = TcpListener::bind(config.listen).await?;
    let operators = TcpListener::bind(config.metrics_listen).await?;
    let queues = connect(&config).await;
    let signals = Signals::new(queues.clone());
    let app = App {
        db: db.clone(),
        keys: Arc::new(KeyRing::new(config.keys.master.clone())),
        inbox: Inbox::start(db.clone(), signals.clone()),
        signals,
        queues,
    };
    tracing::info!(listen = %config.listen, metrics_listen = %config.metrics_listen, "serving");

    let told = |mut stopped: watch::Receiver<bool>| async move {
        // An error means that the sender is gone, which is the same.
        let _gone = stopped.wait_for(|stop| *stop).await;
    };
    let for_clients = axum::serve(clients, api::router(app.clone()))
        .with_graceful_shutdown(told(stopped.clone()))
        .into_future();
    // Operators are served until the very end, so that the last seconds are seen.
    tokio::spawn(axum::serve(operators, api::operators(app)).into_future());

    let serving = tokio::spawn(for_clients);
    wait_for_signal().await?;
    tracing::info!("stopping: no new requests, those under way are finished");
    stop.send_replace(true);
    match tokio::time::timeout(DRAIN, serving).await {
        Ok(ended) => ended??,
        Err(_) => tracing::warn!("some requests did not end in time"),
    }
    db.close().await;
    Ok(())
}

/// Connects to Redis, however long that takes.
async fn connect(config: &Api) -> Queues {
    loop {
        match queue::connect(config.redis.url.expose()).await {
            Ok(conn) => return Queues::new(conn, &config.redis.prefix),
            Err(error) => {
                tracing::warn!(error = %error, "waiting for Redis");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
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
