//! PostgreSQL and Redis of this run: restarted, crashed, restored, flushed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};
use tokio::process::Command;

use super::Place;
use super::process::Process;

/// How long a server may take to stop, or to answer again.
const PATIENCE: Duration = Duration::from_secs(60);

/// The two servers.
#[derive(Debug)]
pub(crate) struct Servers {
    place: Place,
    postgres: Process,
    postgres_command: Vec<String>,
    redis: Process,
    redis_command: Vec<String>,
    /// As superuser, not through any proxy.
    pub(crate) admin: PgPool,
}

impl Servers {
    /// Takes over the servers that the script has started.
    pub(crate) fn adopt(place: &Place) -> anyhow::Result<Self> {
        let postgres = Process::adopt(&place.state, "postgres")?;
        let redis = Process::adopt(&place.state, "redis")?;
        let cmdline = std::fs::read(format!("/proc/{}/cmdline", postgres.pid()))?;
        let words = cmdline.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        let words = words.map(|word| String::from_utf8_lossy(word).into_owned());
        let mut postgres_command = place.prefix.clone();
        postgres_command.extend(words);
        let mut redis_command = place.prefix.clone();
        redis_command.push("redis-server".to_owned());
        redis_command.push(place.servers.join("redis/redis.conf").display().to_string());
        let options: PgConnectOptions = place.url_super.parse()?;
        let admin = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(20))
            .connect_lazy_with(options.disable_statement_logging());
        Ok(Self { place: place.clone(), postgres, postgres_command, redis, redis_command, admin })
    }

    /// Where PostgreSQL listens.
    pub(crate) fn postgres_address(&self) -> anyhow::Result<SocketAddr> {
        address_of(&self.place.url_super)
    }

    /// Where Redis listens.
    pub(crate) fn redis_address(&self) -> anyhow::Result<SocketAddr> {
        address_of(&self.place.url_redis)
    }

    /// PostgreSQL's process.
    pub(crate) fn postgres(&self) -> &Process {
        &self.postgres
    }

    /// Redis' process.
    pub(crate) fn redis(&self) -> &Process {
        &self.redis
    }

    /// Stops PostgreSQL with `signal` (`INT` is orderly, `QUIT` is a crash that its log makes good) and starts it again.
    pub(crate) async fn restart_postgres(&mut self, signal: &str) -> anyhow::Result<()> {
        self.postgres.stop(signal, PATIENCE).await;
        self.start_postgres().await
    }

    /// Stops PostgreSQL, and goes back to the base backup. Whoever was connected is to be kept out by the caller.
    pub(crate) async fn restore_postgres(&mut self) -> anyhow::Result<()> {
        self.postgres.stop("QUIT", PATIENCE).await;
        let (data, old) = (self.data(), self.place.servers.join("postgres.forgotten"));
        if old.exists() {
            std::fs::remove_dir_all(&old)?;
        }
        std::fs::rename(&data, old)?;
        std::fs::rename(self.backup(), &data)?;
        self.start_postgres().await
    }

    /// Takes a base backup of what is committed now.
    pub(crate) async fn back_up(&self) -> anyhow::Result<()> {
        let backup = self.backup();
        if backup.exists() {
            std::fs::remove_dir_all(&backup)?;
        }
        let mut command = self.place.prefix.clone();
        command.push(self.place.pg_bin.join("pg_basebackup").display().to_string());
        let to = backup.display().to_string();
        command.extend(
            ["-D", &to, "-X", "stream", "-c", "fast", "--no-manifest", "-d", &self.place.url_super]
                .map(str::to_owned),
        );
        let (program, words) = command.split_first().context("no command")?;
        let done = Command::new(program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .await?;
        let why = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        anyhow::ensure!(done.status.success(), "pg_basebackup failed: {why}");
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.place.servers.join("postgres")
    }

    fn backup(&self) -> PathBuf {
        self.place.servers.join("postgres.backup")
    }

    async fn start_postgres(&mut self) -> anyhow::Result<()> {
        let _stale = std::fs::remove_file(self.data().join("postmaster.pid"));
        self.postgres =
            Process::start(&self.place.state, "postgres", &self.postgres_command, &[]).await?;
        tokio::time::timeout(PATIENCE, async {
            while sqlx::query("select 1").execute(&self.admin).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await
        .context("PostgreSQL did not answer within a minute")
    }

    /// Forgets everything in Redis.
    pub(crate) async fn flush_redis(&self) -> anyhow::Result<()> {
        let client = redis::Client::open(self.place.url_redis.as_str())?;
        let mut conn = client.get_multiplexed_async_connection().await?;
        redis::cmd("FLUSHALL").exec_async(&mut conn).await?;
        Ok(())
    }

    /// Stops Redis with `signal` and starts it again, with what its file has.
    pub(crate) async fn restart_redis(&mut self, signal: &str) -> anyhow::Result<()> {
        self.redis.stop(signal, PATIENCE).await;
        self.redis = Process::start(&self.place.state, "redis", &self.redis_command, &[]).await?;
        tokio::time::timeout(PATIENCE, async {
            while !self.redis_answers().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await
        .context("Redis did not answer within a minute")
    }

    /// Commands that Redis has run so far.
    pub(crate) async fn redis_commands(&self) -> anyhow::Result<i64> {
        let client = redis::Client::open(self.place.url_redis.as_str())?;
        let mut conn = client.get_multiplexed_async_connection().await?;
        let info: String = redis::cmd("INFO").arg("stats").query_async(&mut conn).await?;
        let line = info.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
        line.and_then(|count| count.trim().parse().ok()).context("Redis counts no commands")
    }

    async fn redis_answers(&self) -> bool {
        let Ok(client) = redis::Client::open(self.place.url_redis.as_str()) else { return false };
        let Ok(mut conn) = client.get_multiplexed_async_connection().await else { return false };
        redis::cmd("PING").exec_async(&mut conn).await.is_ok()
    }
}

/// Host and port of `scheme://who:secret@host:port/path`.
fn address_of(url: &str) -> anyhow::Result<SocketAddr> {
    let rest = url.split_once('@').context("an address without a user")?.1;
    Ok(rest.split('/').next().unwrap_or_default().parse()?)
}

/// The same address with another host and port.
pub(crate) fn through(url: &str, proxy: SocketAddr) -> String {
    let Some((before, rest)) = url.split_once('@') else { return url.to_owned() };
    let path = rest.find('/').map_or("", |slash| &rest[slash..]);
    format!("{before}@{proxy}{path}")
}
