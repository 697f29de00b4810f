//! Every setting there is: its names, meaning, range and default. `docs/configuration.md` is written from this list, and a test
//! holds it against what the processes read.

use std::fmt;

/// What a setting's text must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text, or what the meaning says.
    Text,
    /// Never printed. May lie in a file: `NAME_FILE`, or `SECRETS_DIR`.
    Secret,
    /// A whole number, both ends included.
    Number(u32, u32),
    /// `1` or `0`.
    Flag,
    /// An address with a port, to listen on.
    Address,
    /// `http://host` or `https://host`.
    Url,
    /// Words separated by commas; in the file a list will do.
    Words,
}

/// Who reads a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// `api serve`.
    Api,
    /// `worker run` and `worker provider check`.
    Worker,
    /// `api migrate`, `api admin …` and the other commands.
    Commands,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Commands => "commands",
        })
    }
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Its name in the environment.
    pub name: &'static str,
    /// Its place in the file: tables and key, separated by dots.
    pub path: &'static str,
    /// What it must be.
    pub kind: Kind,
    /// What holds unless it is given; empty if nothing does.
    pub default: &'static str,
    /// Whether a process that reads it refuses to start without it.
    pub required: bool,
    /// In what it is counted; empty if in nothing.
    pub unit: &'static str,
    /// Who reads it.
    pub read_by: &'static [Process],
    /// What it means, for operators.
    pub meaning: &'static str,
}

use Kind::{Address, Flag, Number, Secret, Text, Url, Words};
use Process::{Api, Commands, Worker};

const ALL: &[Process] = &[Api, Worker, Commands];
const SERVING: &[Process] = &[Api, Worker];

/// Shorter than anybody's, for the list below.
#[rustfmt::skip]
const fn set(
    name: &'static str, path: &'static str, kind: Kind, default: &'static str, read_by: &'static [Process], meaning: &'static str,
) -> Definition {
    Definition { name, path, kind, default, required: false, unit: "", read_by, meaning }
}

impl Definition {
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn in_unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }
}

/// All settings, in the order of the documentation.
#[rustfmt::skip]
pub const DEFINITIONS: &[Definition] = &[
    set("DATABASE_URL_APP", "database.url_app", Secret, "", ALL,
        "PostgreSQL as role `vio_app`: `postgres://vio_app:password@host:5432/vio`. TLS with `?sslmode=verify-full`, and `&sslrootcert=` for a CA of your own").required(),
    set("DATABASE_URL_ENGINE", "database.url_engine", Secret, "", ALL,
        "the same as role `vio_engine`; must not be the same address").required(),
    set("DATABASE_URL_OWNER", "database.url_owner", Secret, "", &[Commands],
        "the same as role `vio_owner`, for `api migrate`, `api seed-demo` and `api demo-clock`; no serving process needs it"),
    set("DATABASE_MAX_CONNECTIONS", "database.max_connections", Number(2, 500), "16", ALL,
        "connections of this process as `vio_app`; half as many more as `vio_engine`. At least a quarter of `WORKER_CONCURRENCY`").in_unit("connections"),
    set("REDIS_URL", "redis.url", Secret, "", SERVING,
        "`redis://user:password@host:6379/0`, `rediss://` for TLS, or `unix://`").required(),
    set("REDIS_CA_FILE", "redis.ca_file", Text, "", SERVING,
        "certificates (PEM) of the CA that signed the certificate of a `rediss://` server; without it the machine's own roots"),
    set("QUEUE_PREFIX", "redis.queue_prefix", Text, "vio", SERVING,
        "first part of all Redis keys: letters, digits, hyphens. The same for all processes of an installation"),
    set("MASTER_KEY_FILE", "keys.master_key_file", Text, "", ALL,
        "the file of master keys: lines of `<key id>:<64 hex digits>`, the highest id is current").required(),
    set("STATE_DIR", "state_dir", Text, "", ALL,
        "a directory of this host alone that outlives the process; required by the worker, and without it the API and `api admin` keep no journal of opt-outs and erasures: see [operations](operations.md#the-state-directory)"),
    set("FILES_STORE", "files.store", Text, "", SERVING,
        "where files that are made for tenants to download are kept, sealed: `file:///folder`, or `s3://bucket/prefix`; unless given, the folder `files` in `STATE_DIR`. Only this installation's: what no export of its own refers to is deleted. All its processes must see the same: with several hosts, S3 or a folder that they share. See [files](operations.md#files)"),
    set("FILES_ENDPOINT", "files.endpoint", Url, "", SERVING,
        "with `s3://`: the address of what speaks S3's language; Amazon's unless given. `http://` passes only what is sealed, but who listens learns when and how much"),
    set("FILES_REGION", "files.region", Text, "us-east-1", SERVING,
        "with `s3://`: the bucket's region"),
    set("FILES_ACCESS_KEY_ID", "files.access_key_id", Secret, "", SERVING,
        "with `s3://`, and required then: the access key, which may put, get, list and delete below the prefix, and abort uploads"),
    set("FILES_SECRET_ACCESS_KEY", "files.secret_access_key", Secret, "", SERVING,
        "the secret of that key"),
    set("SECRETS_DIR", "secrets.dir", Text, "", ALL,
        "a directory with one file for each secret, named as the setting, in capitals or not: looked into for those that are given in no other way"),
    set("SECRETS_READABLE_BY_OTHERS", "secrets.readable_by_others", Flag, "0", ALL,
        "takes secret files that every user of the machine may read: for containers, where there is no other user"),
    set("LOG", "log", Text, "info", ALL,
        "what is logged: a level, or levels by module such as `info,sqlx=warn`"),
    set("TRACES_ENDPOINT", "traces.endpoint", Url, "", SERVING,
        "where traces are sent: a collector that takes OTLP over HTTP, such as `http://collector:4318` (`/v1/traces` is added). Without it there are none"),
    set("TRACES_AUTHORIZATION", "traces.authorization", Secret, "", SERVING,
        "the collector's header `Authorization`, if it wants one"),
    set("TRACES_SAMPLE_RATIO", "traces.sample_ratio", Text, "0.1", SERVING,
        "the share of traces that is kept, from 0 to 1, drawn where a trace begins"),
    set("TRACES_TRUST_PARENT", "traces.trust_parent", Flag, "0", SERVING,
        "goes on with the `traceparent` of whoever sends a request, and keeps what they say is to be kept. Only behind a proxy that sets the header itself: otherwise strangers decide what is exported"),
    set("API_LISTEN", "api.listen", Address, "127.0.0.1:8080", &[Api, Commands],
        "where clients are served"),
    set("API_METRICS_LISTEN", "api.metrics_listen", Address, "127.0.0.1:9100", &[Api, Commands],
        "where operators are served: `/metrics`, `/health/live`, `/health/ready`. Not for the public"),
    set("API_DRAIN_SECONDS", "api.drain_seconds", Number(11, 600), "12", &[Api],
        "how long requests under way are waited for at the end; longer than a request may take (10 s)").in_unit("seconds"),
    set("API_PROCESSES", "api.processes", Number(1, 100), "2", &[Api],
        "how many API processes there are: while Redis is away each allows its share of a tenant's requests").in_unit("processes"),
    set("API_REQUESTS_PER_MINUTE", "api.requests_per_minute", Number(10, 10_000_000), "1000", &[Api],
        "requests of one tenant over all processes; its API keys together get seven in ten of them").in_unit("requests"),
    set("API_PROXIES", "api.proxies", Number(0, 5), "0", &[Api],
        "proxies of ours before the API, each of which adds to `X-Forwarded-For`. Too many would have clients choose the address by which their sign-ins are counted").in_unit("proxies"),
    set("PUBLIC_URL", "api.public_url", Url, "", &[Api],
        "how the API is reached from outside; `https://` unless the host is this machine"),
    set("SEARCH_CACHE_MB", "search.cache_mb", Number(0, 1_000_000), "512", &[Api],
        "how much of tenants' contacts this process keeps opened for searching, about 40 MB for 100,000; 0 keeps nothing, and each search reads and opens the blocks anew").in_unit("MB"),
    set("SEARCH_CACHE_IDLE_MINUTES", "search.cache_idle_minutes", Number(1, 1_440), "15", &[Api],
        "contacts that nobody searched for so long are dropped from memory").in_unit("minutes"),
    set("LIVE_ORIGINS", "live.origins", Words, "", &[Api],
        "web pages that may open live updates, as `https://host`; the page of `PUBLIC_URL` unless given"),
    set("LIVE_SOCKETS", "live.sockets", Number(1, 50_000), "4000", &[Api],
        "most sockets of this process").in_unit("sockets"),
    set("LIVE_SOCKETS_PER_TENANT", "live.sockets_per_tenant", Number(1, 50_000), "500", &[Api],
        "most sockets of one tenant in this process").in_unit("sockets"),
    set("WORKER_METRICS_LISTEN", "worker.metrics_listen", Address, "127.0.0.1:9101", &[Worker],
        "where operators are served; one address for each process"),
    set("WORKER_QUEUES", "worker.queues", Words, "all", &[Worker],
        "what this process does: `all`, or any of `dispatch`, `dial`, `settle`, `sweep`, `jobs`"),
    set("WORKER_CONCURRENCY", "worker.concurrency", Number(1, 1000), "32", &[Worker],
        "dials at a time, and as many settlements").in_unit("tasks"),
    set("WORKER_JOBS", "worker.jobs", Number(1, 100), "4", &[Worker],
        "imports, exports and bulk changes at a time: each takes a connection as `vio_app`, and memory").in_unit("jobs"),
    set("WORKER_DRAIN_SECONDS", "worker.drain_seconds", Number(121, 3600), "130", &[Worker],
        "how long tasks under way are waited for at the end; longer than a task may take (120 s). The supervisor's grace period must be longer still").in_unit("seconds"),
    set("RECOVERY_HOLD_SECONDS", "worker.recovery_hold_seconds", Number(61, 86_400), "900", &[Worker],
        "how long dialling is held after the database went back in time: longer than the vendor's list lags, and than a reservation lives (60 s)").in_unit("seconds"),
    set("PROVIDER_API_KEY", "provider_api_key", Secret, "", &[Commands],
        "the key of the account that `api admin account create` makes"),
    set("OPERATOR", "operator", Text, "", &[Commands],
        "who runs `api admin`, for the operators' record; unless given, the name under which they are logged in (`SUDO_USER`, `USER`)"),
    set("DEMO", "demo.on", Flag, "0", ALL,
        "allows `api seed-demo` and `api demo-clock`. Never in production"),
    set("SIMULATOR_URL", "demo.simulator_url", Url, "http://127.0.0.1:8091", ALL,
        "where the demo's simulated provider listens"),
    set("SIMULATOR_API_KEY", "demo.simulator_api_key", Secret, "", ALL,
        "the key that the simulated provider knows; required by `api seed-demo`"),
];

/// Names that are no setting of these processes and may be asked for: the tests', `dev/up`'s, the simulator's, the login's.
const NEIGHBOURS: [&str; 6] = ["TEST_", "UP_", "SIMULATOR_", "VIO_", "SUDO_USER", "USER"];

/// The definition of the setting `name`.
pub(super) fn definition(name: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|it| it.name == name)
}

/// The setting whose value a file holds, if `name` is one's `_FILE`.
pub(super) fn in_file(name: &str) -> Option<&'static Definition> {
    name.strip_suffix("_FILE").and_then(definition).filter(|it| it.kind == Kind::Secret)
}

/// Whether `name` may be asked for.
pub(super) fn is_known(name: &str) -> bool {
    definition(name).is_some()
        || in_file(name).is_some()
        || NEIGHBOURS.iter().any(|prefix| name.starts_with(prefix))
}

/// All names of the environment, those of secrets' files included.
pub(super) fn names() -> impl Iterator<Item = String> {
    let files = DEFINITIONS.iter().filter(|it| it.kind == Kind::Secret);
    let files = files.map(|it| format!("{}_FILE", it.name));
    DEFINITIONS.iter().map(|it| it.name.to_owned()).chain(files)
}

/// All places of the file, with the name each stands for.
pub(super) fn places() -> impl Iterator<Item = (String, String)> {
    let own = |it: &Definition| (it.path.to_owned(), it.name.to_owned());
    let file = |it: &&Definition| it.kind == Kind::Secret;
    let files = DEFINITIONS.iter().filter(file);
    let files = files.map(|it| (format!("{}_file", it.path), format!("{}_FILE", it.name)));
    DEFINITIONS.iter().map(own).chain(files)
}

/// What somebody probably meant by `word`: the nearest of `words`, if it is near.
pub(super) fn nearest(
    word: &str,
    words: impl Iterator<Item = String>,
    most: usize,
) -> Option<String> {
    words
        .map(|known| (strsim::damerau_levenshtein(word, &known), known))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, known)| known)
}
