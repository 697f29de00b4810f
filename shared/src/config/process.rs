//! What each process is told: the API, the worker, and the commands of an operator.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::environment::{Environment, Faults, Reader, Secret};
use super::stores::{Keys, Postgres, Redis, postgres_url};

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// What is logged.
#[derive(Debug, Clone)]
pub struct Logs {
    /// `LOG`: a filter such as `info,sqlx=warn`; `info` unless given.
    pub filter: String,
}

impl Logs {
    /// Reads the setting.
    pub fn read(env: &Reader<'_>) -> Self {
        Self { filter: env.text("LOG").unwrap_or("info").to_owned() }
    }
}

/// What is allowed in a demo only.
#[derive(Debug, Clone)]
pub struct Demo {
    /// `DEMO`: the clock may be moved, and a demo tenant made.
    pub on: bool,
    /// `SIMULATOR_URL`: where the simulated provider listens.
    pub simulator_url: String,
    /// `SIMULATOR_API_KEY`: the key that it knows.
    pub simulator_key: Option<Secret>,
}

impl Demo {
    /// Reads the settings; `None` if any is wrong.
    pub fn read(env: &mut Reader<'_>) -> Option<Self> {
        let on = env.flag("DEMO");
        let url = env.text("SIMULATOR_URL").unwrap_or("http://127.0.0.1:8091").to_owned();
        let simulator_url = web_address(env, "SIMULATOR_URL", &url);
        let simulator_key = env.secret_if_given("SIMULATOR_API_KEY");
        Some(Self { on: on?, simulator_url: simulator_url?, simulator_key })
    }
}

/// The owner of the schema: migrations, and the demo's clock.
#[derive(Debug, Clone)]
pub struct Owner {
    /// `DATABASE_URL_OWNER`.
    pub url: Secret,
}

impl Owner {
    /// Reads the setting; `None` if it is missing or wrong.
    pub fn read(env: &mut Reader<'_>) -> Option<Self> {
        Some(Self { url: postgres_url(env, "DATABASE_URL_OWNER")? })
    }
}

/// The API process.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each concern's own type says what it is")]
pub struct Api {
    pub postgres: Postgres,
    pub redis: Redis,
    pub keys: Keys,
    pub logs: Logs,
    pub demo: Demo,
    /// `API_LISTEN`: where clients are served, 127.0.0.1:8080 unless given.
    pub listen: SocketAddr,
    /// `API_METRICS_LISTEN`: where operators are served, 127.0.0.1:9100 unless given.
    pub metrics_listen: SocketAddr,
    /// `PUBLIC_URL`: how the API is reached from outside, without a slash at the end.
    pub public_url: Option<String>,
    /// `LIVE_ORIGINS`: web pages that may open live updates, as `https://host`, separated by commas; `PUBLIC_URL`'s unless given.
    pub live_origins: Vec<String>,
    /// `LIVE_SOCKETS`: most sockets of this process, 1 to 50,000, 4,000 unless given.
    pub live_sockets: u32,
    /// `LIVE_SOCKETS_PER_TENANT`: most of one tenant in this process, 500 unless given.
    pub live_sockets_per_tenant: u32,
    /// `STATE_DIR`: a directory of this host that outlives the process, best the worker's: who asked not to be called is
    /// noted there too, outside the database. Without it a restored database forgets what was listed over HTTP since.
    pub state_dir: Option<PathBuf>,
}

impl Api {
    /// Reads all settings of the API.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn read(environment: &Environment) -> Result<Self, Faults> {
        environment.read(|env| {
            let postgres = Postgres::read(env);
            let redis = Redis::read(env);
            let keys = Keys::read(env);
            let logs = Logs::read(env);
            let demo = Demo::read(env);
            let listen = env.listen("API_LISTEN", local(8080));
            let metrics_listen = env.listen("API_METRICS_LISTEN", local(9100));
            if listen.is_some() && listen == metrics_listen {
                env.fault("API_LISTEN, API_METRICS_LISTEN", "must not be the same address");
            }
            let public_url = env.text("PUBLIC_URL").map(str::to_owned);
            let public_url = public_url.map(|url| web_address(env, "PUBLIC_URL", &url));
            let live_origins = origins(env, public_url.as_ref().and_then(Option::as_deref));
            let live_sockets = env.number("LIVE_SOCKETS", 4_000, 1..=50_000);
            let of_tenant = env.number("LIVE_SOCKETS_PER_TENANT", 500, 1..=50_000);
            Some(Self {
                postgres: postgres?,
                redis: redis?,
                keys: keys?,
                logs,
                demo: demo?,
                listen: listen?,
                metrics_listen: metrics_listen?,
                public_url: match public_url {
                    Some(checked) => Some(checked?),
                    None => None,
                },
                live_origins: live_origins?,
                live_sockets: live_sockets?,
                live_sockets_per_tenant: of_tenant?,
                state_dir: env.text("STATE_DIR").map(PathBuf::from),
            })
        })
    }
}

/// A part of the work that a worker process takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueueName {
    /// Choosing which calls are dialled next.
    Dispatch,
    /// Dialling.
    Dial,
    /// Applying what the provider tells.
    Settle,
    /// Looking after what was left lying.
    Sweep,
}

impl QueueName {
    /// All of them, in the order of a call's journey.
    pub const ALL: [Self; 4] = [Self::Dispatch, Self::Dial, Self::Settle, Self::Sweep];

    /// The word used in `WORKER_QUEUES`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dispatch => "dispatch",
            Self::Dial => "dial",
            Self::Settle => "settle",
            Self::Sweep => "sweep",
        }
    }
}

/// The word names no queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a queue is dispatch, dial, settle or sweep")]
pub struct UnknownQueue;

impl FromStr for QueueName {
    type Err = UnknownQueue;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == word).ok_or(UnknownQueue)
    }
}

/// The worker process.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each concern's own type says what it is")]
pub struct Worker {
    pub postgres: Postgres,
    pub redis: Redis,
    pub keys: Keys,
    pub logs: Logs,
    pub demo: Demo,
    /// `WORKER_METRICS_LISTEN`: where operators are served, 127.0.0.1:9101 unless given.
    pub metrics_listen: SocketAddr,
    /// `WORKER_QUEUES`: what this process does, separated by commas; `all` unless given. Sorted, each once.
    pub queues: Vec<QueueName>,
    /// `WORKER_CONCURRENCY`: dials and settlements at a time, 1 to 1000, 32 unless given.
    pub concurrency: u32,
    /// How long dialling is held after the database went back in time, while the provider's record is read: longer
    /// than the vendor's list lags, and than a reservation lives. `RECOVERY_HOLD_SECONDS`, 61 to 86400, default 900.
    pub recovery_hold: Duration,
    /// `STATE_DIR`: a directory of this host that outlives the process: the locks that prove a sender dead lie there.
    pub state_dir: PathBuf,
}

impl Worker {
    /// Reads all settings of a worker.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn read(environment: &Environment) -> Result<Self, Faults> {
        environment.read(|env| {
            let postgres = Postgres::read(env);
            let redis = Redis::read(env);
            let keys = Keys::read(env);
            let logs = Logs::read(env);
            let demo = Demo::read(env);
            let metrics_listen = env.listen("WORKER_METRICS_LISTEN", local(9101));
            let queues = queues(env);
            let hold = env.number("RECOVERY_HOLD_SECONDS", 15 * 60, 61..=86_400);
            let concurrency = env.number("WORKER_CONCURRENCY", 32, 1..=1000);
            let state_dir = env.text("STATE_DIR").map(PathBuf::from);
            if state_dir.is_none() {
                env.fault("STATE_DIR", "is missing");
            }
            Some(Self {
                postgres: postgres?,
                redis: redis?,
                keys: keys?,
                logs,
                demo: demo?,
                metrics_listen: metrics_listen?,
                queues: queues?,
                concurrency: concurrency?,
                recovery_hold: Duration::from_secs(hold?.into()),
                state_dir: state_dir?,
            })
        })
    }

    /// Whether this process takes on `queue`.
    pub fn runs(&self, queue: QueueName) -> bool {
        self.queues.contains(&queue)
    }
}

fn queues(env: &mut Reader<'_>) -> Option<Vec<QueueName>> {
    let text = env.text("WORKER_QUEUES").unwrap_or("all");
    if text == "all" {
        return Some(QueueName::ALL.to_vec());
    }
    let words = text.split(',').map(|word| word.trim().parse::<QueueName>());
    match words.collect::<Result<Vec<_>, _>>() {
        Ok(mut queues) => {
            queues.sort_unstable();
            queues.dedup();
            Some(queues)
        }
        Err(unknown) => {
            env.fault("WORKER_QUEUES", unknown.to_string());
            None
        }
    }
}

/// The origins that `LIVE_ORIGINS` names, or that of the public address.
fn origins(env: &mut Reader<'_>, public_url: Option<&str>) -> Option<Vec<String>> {
    let given = env.text("LIVE_ORIGINS").or(public_url).unwrap_or_default().to_owned();
    let given = given.split(',').map(str::trim).filter(|it| !it.is_empty());
    given
        .map(|it| {
            let checked = web_address(env, "LIVE_ORIGINS", it)?;
            // An origin is scheme, host and port: the address up to the third slash.
            Some(checked.splitn(4, '/').take(3).collect::<Vec<_>>().join("/"))
        })
        .collect()
}

/// An address of the web without the slash at its end.
fn web_address(env: &mut Reader<'_>, name: &str, url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if rest.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace)) {
        return Some(url.trim_end_matches('/').to_owned());
    }
    env.fault(name, "expected http://host or https://host");
    None
}
