//! What each process is told: the API, the worker, and the commands of an operator.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::environment::{Environment, Faults, Secret};
use super::files::Files;
use super::reader::Reader;
use super::stores::{Keys, Postgres, Redis, postgres_url};
use crate::book::BookLimits;

/// How long a request of a client may take.
pub const LONGEST_REQUEST: Duration = Duration::from_secs(10);
/// How long a worker's task may take: longer than the longest dial (20 s), with its answer stored after several tries (63 s)
/// and what goes before.
pub const LONGEST_TASK: Duration = Duration::from_secs(120);

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

/// Where traces go, and which.
#[derive(Debug, Clone)]
pub struct Traces {
    /// `TRACES_ENDPOINT`: a collector that takes OTLP over HTTP, such as `http://collector:4318`; without it there are no traces.
    pub endpoint: Option<String>,
    /// `TRACES_AUTHORIZATION`: what the collector wants to see in the header `Authorization`.
    pub authorization: Option<Secret>,
    /// `TRACES_SAMPLE_RATIO`: the share of traces that are kept, of those that begin here; 0.1 unless given.
    pub ratio: f64,
    /// `TRACES_TRUST_PARENT`: callers' `traceparent` is gone on with, and their word whether to keep it is honoured.
    pub trust_parent: bool,
}

impl Traces {
    /// Reads the settings; `None` if any is wrong.
    pub fn read(env: &mut Reader<'_>) -> Option<Self> {
        let endpoint = env.text("TRACES_ENDPOINT").map(str::to_owned);
        let endpoint = endpoint.map(|url| web_address(env, "TRACES_ENDPOINT", &url));
        let ratio = env.or("TRACES_SAMPLE_RATIO", 0.1_f64, "a number from 0 to 1");
        if ratio.is_some_and(|ratio| !(0.0..=1.0).contains(&ratio)) {
            env.fault("TRACES_SAMPLE_RATIO", "expected a number from 0 to 1");
        }
        let authorization = env.secret_if_given("TRACES_AUTHORIZATION");
        let trust_parent = env.flag("TRACES_TRUST_PARENT");
        if endpoint.is_none() && (authorization.is_some() || trust_parent == Some(true)) {
            env.fault("TRACES_ENDPOINT", "is missing, but other settings of traces are given");
        }
        Some(Self {
            endpoint: match endpoint {
                Some(checked) => Some(checked?),
                None => None,
            },
            authorization,
            ratio: ratio?,
            trust_parent: trust_parent?,
        })
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
    pub traces: Traces,
    pub demo: Demo,
    /// `API_LISTEN`: where clients are served, 127.0.0.1:8080 unless given.
    pub listen: SocketAddr,
    /// `API_METRICS_LISTEN`: where operators are served, 127.0.0.1:9100 unless given.
    pub metrics_listen: SocketAddr,
    /// `API_DRAIN_SECONDS`: how long requests under way are waited for at the end, 12 s unless given.
    pub drain: Duration,
    /// `PUBLIC_URL`: how the API is reached from outside, without a slash at the end.
    pub public_url: Option<String>,
    /// `API_PROCESSES`: how many API processes there are, 1 to 100, 2 unless given. While Redis is away each allows its
    /// share of a tenant's requests.
    pub processes: u32,
    /// `API_REQUESTS_PER_MINUTE`: of one tenant, over all processes, 10 to 10,000,000; 1,000 unless given. Its API keys
    /// together get seven in ten of them.
    pub requests_per_minute: u32,
    /// `API_PROXIES`: how many proxies of ours stand before the API, each of which adds to `X-Forwarded-For`; 0 to 5, none unless
    /// given. Too many would have clients choose the address by which their sign-ins are counted.
    pub proxies: usize,
    /// `SEARCH_CACHE_MB` (512 unless given; 0 keeps nothing) and `SEARCH_CACHE_IDLE_MINUTES` (15 unless given): how much of
    /// tenants' contacts is kept opened, and for how long.
    pub books: BookLimits,
    /// `LIVE_ORIGINS`: web pages that may open live updates, as `https://host`, separated by commas; `PUBLIC_URL`'s unless given.
    pub live_origins: Vec<String>,
    /// `LIVE_SOCKETS`: most sockets of this process, 1 to 50,000, 4,000 unless given.
    pub live_sockets: u32,
    /// `LIVE_SOCKETS_PER_TENANT`: most of one tenant in this process, 500 unless given.
    pub live_sockets_per_tenant: u32,
    /// `STATE_DIR`: a directory of this host that outlives the process, best the worker's: who asked not to be called is
    /// noted there too, outside the database. Without it a restored database forgets what was listed over HTTP since.
    pub state_dir: Option<PathBuf>,
    /// Where files are kept; `None` with neither `FILES_STORE` nor `STATE_DIR`.
    pub files: Option<Files>,
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
            let traces = Traces::read(env);
            let demo = Demo::read(env);
            let listen = env.listen("API_LISTEN", local(8080));
            let metrics_listen = env.listen("API_METRICS_LISTEN", local(9100));
            if listen.is_some() && listen == metrics_listen {
                env.fault("API_LISTEN, API_METRICS_LISTEN", "must not be the same address");
            }
            let processes = env.number("API_PROCESSES", 2, 1..=100);
            let requests = env.number("API_REQUESTS_PER_MINUTE", 1000, 10..=10_000_000);
            let proxies = env.number("API_PROXIES", 0, 0..=5);
            let public_url = env.text("PUBLIC_URL").map(str::to_owned);
            let public_url = public_url.map(|url| web_address(env, "PUBLIC_URL", &url));
            if let Some(Some(url)) = &public_url
                && url.starts_with("http://")
                && !is_this_machine(url)
            {
                env.fault("PUBLIC_URL", "is public, but without TLS: keys and names would pass in the clear; expected https://");
            }
            let drain = env.number("API_DRAIN_SECONDS", 12, 11..=600);
            let cache = env.number("SEARCH_CACHE_MB", 512, 0..=1_000_000);
            let idle = env.number("SEARCH_CACHE_IDLE_MINUTES", 15, 1..=1_440);
            let live_origins = origins(env, public_url.as_ref().and_then(Option::as_deref));
            let live_sockets = env.number("LIVE_SOCKETS", 4_000, 1..=50_000);
            let of_tenant = env.number("LIVE_SOCKETS_PER_TENANT", 500, 1..=50_000);
            let state_dir = env.text("STATE_DIR").map(PathBuf::from);
            let files = Files::read(env, state_dir.as_deref());
            Some(Self {
                postgres: postgres?,
                redis: redis?,
                keys: keys?,
                logs,
                traces: traces?,
                demo: demo?,
                listen: listen?,
                metrics_listen: metrics_listen?,
                proxies: usize::try_from(proxies?).unwrap_or_default(),
                drain: Duration::from_secs(drain?.into()),
                public_url: match public_url {
                    Some(checked) => Some(checked?),
                    None => None,
                },
                processes: processes?,
                requests_per_minute: requests?,
                books: BookLimits {
                    bytes: usize::try_from(cache?).unwrap_or_default().saturating_mul(1 << 20),
                    idle: Duration::from_secs(u64::from(idle?) * 60),
                },
                live_origins: live_origins?,
                live_sockets: live_sockets?,
                live_sockets_per_tenant: of_tenant?,
                state_dir,
                files: files?,
            })
        })
    }
}

/// A task holds a connection for some milliseconds of the time that its provider takes, so several share one.
const TASKS_PER_CONNECTION: u32 = 4;

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
    /// Long work: imports, exports, bulk changes.
    Jobs,
}

impl QueueName {
    /// All of them, in the order of a call's journey.
    pub const ALL: [Self; 5] = [Self::Dispatch, Self::Dial, Self::Settle, Self::Sweep, Self::Jobs];

    /// The word used in `WORKER_QUEUES`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dispatch => "dispatch",
            Self::Dial => "dial",
            Self::Settle => "settle",
            Self::Sweep => "sweep",
            Self::Jobs => "jobs",
        }
    }
}

/// The word names no queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a queue is dispatch, dial, settle, sweep or jobs")]
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
    pub traces: Traces,
    pub demo: Demo,
    /// `WORKER_METRICS_LISTEN`: where operators are served, 127.0.0.1:9101 unless given.
    pub metrics_listen: SocketAddr,
    /// `WORKER_QUEUES`: what this process does, separated by commas; `all` unless given. Sorted, each once.
    pub queues: Vec<QueueName>,
    /// `WORKER_CONCURRENCY`: dials and settlements at a time, 1 to 1000, 32 unless given.
    pub concurrency: u32,
    /// `WORKER_JOBS`: jobs at a time, 1 to 100, 4 unless given.
    pub jobs: u32,
    /// `WORKER_DRAIN_SECONDS`: how long tasks under way are waited for at the end, 130 s unless given.
    pub drain: Duration,
    /// How long dialling is held after the database went back in time, while the provider's record is read: longer
    /// than the vendor's list lags, and than a reservation lives. `RECOVERY_HOLD_SECONDS`, 61 to 86400, default 900.
    pub recovery_hold: Duration,
    /// `STATE_DIR`: a directory of this host that outlives the process: the locks that prove a sender dead lie there.
    pub state_dir: PathBuf,
    /// Where files are kept.
    pub files: Files,
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
            let traces = Traces::read(env);
            let demo = Demo::read(env);
            let metrics_listen = env.listen("WORKER_METRICS_LISTEN", local(9101));
            let queues = queues(env);
            let hold = env.number("RECOVERY_HOLD_SECONDS", 15 * 60, 61..=86_400);
            let drain = env.number("WORKER_DRAIN_SECONDS", 130, 121..=3600);
            let concurrency = env.number("WORKER_CONCURRENCY", 32, 1..=1000);
            let jobs = env.number("WORKER_JOBS", 4, 1..=100);
            if let (Some(tasks), Some(postgres)) = (concurrency, &postgres)
                && tasks > postgres.max_connections * TASKS_PER_CONNECTION
            {
                env.fault(
                    "WORKER_CONCURRENCY, DATABASE_MAX_CONNECTIONS",
                    "too many tasks for the connections: at most four share one, or they wait for it in vain",
                );
            }
            let state_dir = env.text("STATE_DIR").map(PathBuf::from);
            if state_dir.is_none() {
                env.fault("STATE_DIR", "is missing");
            }
            let files = Files::read(env, state_dir.as_deref());
            Some(Self {
                postgres: postgres?,
                redis: redis?,
                keys: keys?,
                logs,
                traces: traces?,
                demo: demo?,
                metrics_listen: metrics_listen?,
                queues: queues?,
                concurrency: concurrency?,
                jobs: jobs?,
                drain: Duration::from_secs(drain?.into()),
                recovery_hold: Duration::from_secs(hold?.into()),
                state_dir: state_dir?,
                files: files??,
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

/// Whether an address leads back to this machine.
fn is_this_machine(url: &str) -> bool {
    let host = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
    let host = host
        .rsplit_once(':')
        .filter(|(_, port)| !port.contains(']'))
        .map_or(host, |(host, _)| host);
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
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
pub(super) fn web_address(env: &mut Reader<'_>, name: &str, url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    // An address is printed: who must show a password to it gives that elsewhere.
    let bare =
        |host: &str| !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '@');
    if rest.is_some_and(bare) {
        return Some(url.trim_end_matches('/').to_owned());
    }
    env.fault(name, "expected http://host or https://host");
    None
}
