//! What chaos and bench stand on: private servers, processes of ours, proxies between them, and people to be called.

pub(crate) mod clock;
pub(crate) mod people;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod servers;
pub(crate) mod witness;

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the script that started us has put things.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Place {
    /// `.dev/<name>`: records of processes, logs, the report.
    #[arg(long)]
    pub(crate) state: PathBuf,
    /// The directory of the servers' files.
    #[arg(long)]
    pub(crate) servers: PathBuf,
    /// Where `api` and `worker` were built.
    #[arg(long)]
    pub(crate) bin: PathBuf,
    /// PostgreSQL's programs.
    #[arg(long)]
    pub(crate) pg_bin: PathBuf,
    /// Words that turn a command into one of the servers' user.
    #[arg(long = "prefix", allow_hyphen_values = true)]
    pub(crate) prefix: Vec<String>,
    /// PostgreSQL as superuser.
    #[arg(long, env = "PROOF_URL_SUPER", hide_env_values = true)]
    pub(crate) url_super: String,
    /// PostgreSQL as the schema's owner.
    #[arg(long, env = "PROOF_URL_OWNER", hide_env_values = true)]
    pub(crate) url_owner: String,
    /// PostgreSQL as the role that serves tenants.
    #[arg(long, env = "PROOF_URL_APP", hide_env_values = true)]
    pub(crate) url_app: String,
    /// PostgreSQL as the engine's role.
    #[arg(long, env = "PROOF_URL_ENGINE", hide_env_values = true)]
    pub(crate) url_engine: String,
    /// Redis.
    #[arg(long, env = "PROOF_URL_REDIS", hide_env_values = true)]
    pub(crate) url_redis: String,
}

/// Writes a file that its owner alone may read, as the processes want their secrets.
pub(crate) fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // One from an earlier run keeps its mode otherwise.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())
}

/// The machine's own clock, in Unix milliseconds: the one by which the provider's record is kept.
pub(crate) fn real_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
