//! Bringing the schema up to date while processes of the release before go on serving.
//!
//! PostgreSQL queues everybody behind a statement that waits for a strong lock: a migration that waits for one long
//! transaction would stop the whole product. So a migration waits for two seconds at a time, gives way, and tries again.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::MIGRATOR;

/// How long a statement of a migration waits for a lock; whoever comes behind it waits as long.
const LOCK_TIMEOUT: &str = "2s";

/// How long is tried, and how long is waited in between.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For PostgreSQL to answer: it may be starting, too.
    pub to_connect: Duration,
    /// Tries to get the locks.
    pub tries: u32,
    /// Between two tries: long enough for those who queued behind the last one.
    pub between: Duration,
}

impl Default for Patience {
    /// A minute to connect; three minutes of tries, which outlast any statement of the serving roles (10 s).
    fn default() -> Self {
        Self { to_connect: Duration::from_secs(60), tries: 36, between: Duration::from_secs(3) }
    }
}

/// Why the schema is not up to date. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum MigrationFailed {
    /// The address doesn't parse. It holds a password, and isn't shown.
    #[error("DATABASE_URL_OWNER is no address of a database")]
    Address,
    /// PostgreSQL did not answer in time, or refuses the role.
    #[error("PostgreSQL can't be reached as the owner: {0}. Nothing was changed")]
    Away(#[source] sqlx::Error),
    /// The locks could not be had.
    #[error(
        "migration {version}: a lock could not be had in {tries} tries of {LOCK_TIMEOUT} each. Nothing of it was changed. \
         Somebody holds a table, or another `api migrate` is at work: look for old transactions in pg_stat_activity, then run it again"
    )]
    Locked {
        /// The migration, or `any` before the first.
        version: String,
        /// How often it was tried.
        tries: u32,
    },
    /// The database has a migration that this release doesn't have.
    #[error(
        "the schema is newer than this release: it has migration {0}, which this release doesn't know. Nothing was changed. \
         The release before a migration goes on working on it, so leave `api migrate` out when going back by one release"
    )]
    Newer(i64),
    /// A file was changed after it had run.
    #[error(
        "migration {0} is not the one that ran here: its file was changed since. Nothing was changed. \
         A migration that has landed is never edited; restore the file, and write a new one"
    )]
    Edited(i64),
    /// A migration without a transaction of its own ended half-way.
    #[error(
        "migration {0} ended half-way: mend what it left (an invalid index?) and remove its row from _sqlx_migrations"
    )]
    HalfDone(i64),
    /// A statement failed.
    #[error("migration {version} failed and was taken back: {source}")]
    Failed {
        /// The migration, or `any` before the first.
        version: String,
        /// What PostgreSQL says.
        source: sqlx::Error,
    },
    /// Something else that sqlx says.
    #[error("the migrations can't be run: {0}")]
    Other(#[source] MigrateError),
}

/// Brings the schema of `owner_url` up to date. Doing it again changes nothing; two at a time take turns.
///
/// # Errors
/// [`MigrationFailed`].
pub async fn migrate(owner_url: &str) -> Result<(), MigrationFailed> {
    run(owner_url, &MIGRATOR, Patience::default()).await
}

/// The same with other migrations, or another patience.
///
/// # Errors
/// [`MigrationFailed`].
pub async fn run(
    owner_url: &str,
    migrator: &Migrator,
    patience: Patience,
) -> Result<(), MigrationFailed> {
    let options: PgConnectOptions = owner_url.parse().map_err(|_| MigrationFailed::Address)?;
    let options = options
        .application_name("vio-migrate")
        .options([("lock_timeout", LOCK_TIMEOUT), ("statement_timeout", "0")]);
    for tried in 1.. {
        // A connection of its own for each try: one that failed may hold the migrations' advisory lock.
        let mut conn = connect(&options, patience.to_connect).await?;
        let done = migrator.run(&mut conn).await;
        // Closed by hand, so that the advisory lock is free when this returns.
        let _closed = conn.close().await;
        let Err(error) = done else { return Ok(()) };
        if !is_locked(&error) {
            return Err(MigrationFailed::of(error));
        }
        let version = version_of(&error);
        if tried >= patience.tries {
            return Err(MigrationFailed::Locked { version, tries: tried });
        }
        tracing::warn!(
            version,
            tried,
            "a migration gives way to who holds its lock, and tries again"
        );
        tokio::time::sleep(patience.between).await;
    }
    Ok(())
}

async fn connect(
    options: &PgConnectOptions,
    patience: Duration,
) -> Result<PgConnection, MigrationFailed> {
    let began = tokio::time::Instant::now();
    loop {
        match options.connect().await {
            Ok(conn) => return Ok(conn),
            Err(error) if is_starting(&error) && began.elapsed() < patience => {
                tracing::warn!("PostgreSQL does not answer yet");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => return Err(MigrationFailed::Away(error)),
        }
    }
}

/// Not there yet, as opposed to: there, and refusing us.
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // cannot_connect_now, too_many_connections.
        _ => matches!(code_of(error).as_deref(), Some("57P03" | "53300")),
    }
}

/// `lock_not_available`, `deadlock_detected`: whoever was in the way may be gone the next time.
fn is_locked(error: &MigrateError) -> bool {
    let (MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _)) = error else {
        return false;
    };
    matches!(code_of(source).as_deref(), Some("55P03" | "40P01"))
}

fn code_of(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

fn version_of(error: &MigrateError) -> String {
    match error {
        MigrateError::ExecuteMigration(_, version) => version.to_string(),
        _ => "any".to_owned(),
    }
}

impl MigrationFailed {
    fn of(error: MigrateError) -> Self {
        let version = version_of(&error);
        match error {
            MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
                Self::Failed { version, source }
            }
            MigrateError::VersionMissing(version) => Self::Newer(version),
            MigrateError::VersionMismatch(version) => Self::Edited(version),
            MigrateError::Dirty(version) => Self::HalfDone(version),
            other => Self::Other(other),
        }
    }
}
