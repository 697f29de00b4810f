//! A whole engine for one test: PostgreSQL, Redis, a simulated provider, an inbox for its webhooks, and workers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use shared::api_keys::ApiKey;
use shared::config::{Environment, Worker};
use shared::ids::{AccountId, ApiKeyId};
use shared::queue::{self, Queues, Signal, Signals};
use shared::testing::{Inhabitant, Release, World};
use shared::webhooks::{Source, seal, store};
use simulator::{Account, Config, Simulator, Timings};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::own_redis::OwnRedis;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Factory {
    pub(crate) world: Arc<World>,
    pub(crate) simulator: Simulator,
    pub(crate) tenant: Inhabitant,
    state_dir: PathBuf,
    inbox: JoinHandle<()>,
}

/// A worker that runs in the test's process.
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    done: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Stops it as SIGTERM does.
    pub(crate) async fn drain(self) {
        self.stop.send(true).unwrap();
        self.done.await.unwrap().unwrap();
    }
}

#[derive(Clone)]
struct Inbox {
    world: Arc<World>,
    account: AccountId,
}

impl Factory {
    /// A world in the morning, with one tenant and a provider that answers in milliseconds.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, with another provider.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::build(World::new().await, change).await
    }

    /// A world with a Redis that may be flushed, stopped and cut off.
    pub(crate) async fn on(redis: &OwnRedis) -> Self {
        let mut world = World::new().await;
        world.redis_url.clone_from(&redis.url);
        world.queues =
            Queues::new(queue::connect(&redis.url).await.unwrap(), world.queues.prefix());
        world.signals = Signals::new(&world.queues);
        Self::build(world, |config| config.drama_numbers = false).await
    }

    async fn build(world: World, change: impl FnOnce(&mut Config)) -> Self {
        world.wait_for_morning().await;
        let tenant = world.tenant().await;
        Self::around(world, tenant, change).await
    }

    /// The stores as an earlier release left them, brought up to date.
    pub(crate) async fn left_by(release: Release) -> Self {
        let world = release.world().await;
        world.migrate().await;
        release.fill_redis(&world).await;
        let meta = release.meta();
        let account: Vec<String> = world.texts("select id::text from accounts").await;
        let tenant = Inhabitant {
            id: meta.tenant,
            account: account[0].parse().unwrap(),
            admin: ApiKey::parse(&meta.api_key).unwrap(),
            admin_id: ApiKeyId::new(),
            user: ApiKey::generate().unwrap(),
        };
        Self::around(world, tenant, |_| {}).await
    }

    async fn around(world: World, tenant: Inhabitant, change: impl FnOnce(&mut Config)) -> Self {
        world.run(crate::states::guard()).await;
        let world = Arc::new(world);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inbox_url = format!("http://{}/hook", listener.local_addr().unwrap());
        let mut config = Config {
            accounts: vec![Account {
                api_key: "key_1".to_owned(),
                webhook_url: Some(inbox_url),
                ..Account::default()
            }],
            timings: Timings {
                ring: [5, 20],
                no_answer: [20, 40],
                failure: [5, 20],
                talk: [20, 60],
                short_talk: [10, 30],
                voicemail: [20, 40],
                analysis: [5, 30],
            },
            ..Config::default()
        };
        change(&mut config);
        let simulator = Simulator::start(config).await.unwrap();
        world.point_account_at(tenant.account, &simulator.base_url()).await;
        let inbox = Inbox { world: Arc::clone(&world), account: tenant.account };
        let router = Router::new().route("/hook", post(receive)).with_state(inbox);
        let inbox = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let state_dir = std::env::temp_dir().join(format!("vio-test-{}", uuid::Uuid::now_v7()));
        Self { world, simulator, tenant, state_dir, inbox }
    }

    /// The state directory of this host, where its lock files are.
    pub(crate) fn state_dir(&self) -> PathBuf {
        std::fs::create_dir_all(&self.state_dir).unwrap();
        self.state_dir.clone()
    }

    /// Starts a worker that does everything.
    pub(crate) fn worker(&self) -> Running {
        start_worker(&self.world, &self.state_dir)
    }

    /// Waits until a query counts `want`.
    pub(crate) async fn until(&self, want: i64, query: &'static str) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.world.number(query).await != want {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        if waited.is_err() {
            let attempts = self
                .world
                .texts("select concat_ws(' ', state, answer, outcome, ended_reason, settled_at) from attempts")
                .await;
            let calls = self
                .world
                .texts("select concat_ws(' ', state, outcome, blocked, ended_reason, due, eligible_at) from calls")
                .await;
            panic!("waited in vain for {want} of: {query}\nattempts {attempts:?}\ncalls {calls:?}");
        }
    }
}

/// Starts a worker that does everything in a world.
pub(crate) fn start_worker(world: &World, state_dir: &Path) -> Running {
    start_worker_with(world, state_dir, &[])
}

/// The same, with further settings.
pub(crate) fn start_worker_with(world: &World, state_dir: &Path, more: &[(&str, &str)]) -> Running {
    let (app, engine) = world.database_urls();
    std::fs::create_dir_all(state_dir).unwrap();
    let key_file = state_dir.join("master-keys");
    write_secret(&key_file, &format!("1:{}", "5a".repeat(32)));
    let usual = [
        ("DATABASE_URL_APP", app.as_str()),
        ("DATABASE_URL_ENGINE", engine.as_str()),
        ("DATABASE_MAX_CONNECTIONS", "8"),
        ("REDIS_URL", world.redis_url.as_str()),
        ("QUEUE_PREFIX", world.queues.prefix()),
        ("MASTER_KEY_FILE", key_file.to_str().unwrap()),
        ("STATE_DIR", state_dir.to_str().unwrap()),
        ("WORKER_METRICS_LISTEN", "127.0.0.1:0"),
    ];
    let environment = Environment::of(usual.into_iter().chain(more.iter().copied()));
    let mut config = Worker::read(&environment).unwrap();
    // Shorter than anybody may configure: nothing of these worlds is older than the test.
    config.recovery_hold = Duration::from_secs(1);
    let (stop, told) = watch::channel(false);
    Running { stop, done: tokio::spawn(worker::run::run(config, told)) }
}

/// Writes a file that its owner alone may read.
fn write_secret(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}

impl Drop for Factory {
    fn drop(&mut self) {
        self.inbox.abort();
        let _ = std::fs::remove_dir_all(&self.state_dir);
    }
}

async fn receive(State(inbox): State<Inbox>, body: Bytes) -> StatusCode {
    let received = seal(inbox.world.keys.master(), Source::Account(inbox.account), &body).unwrap();
    match store::store(&inbox.world.db, &[received]).await {
        Ok(_) => {
            inbox.world.signals.send(Signal::Inbox);
            StatusCode::NO_CONTENT
        }
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
