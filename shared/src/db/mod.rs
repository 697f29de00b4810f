//! PostgreSQL: two roles, and a transaction type for each.
//!
//! [`TenantTx`] sees one tenant's rows (role `vio_app`, row-level security). [`EngineTx`] sees what must be read
//! before a tenant is known (role `vio_engine`): ids, times, states and hashes. There is no third way to a table:
//! the pools are private and the connections `pub(crate)`, so `api` and `worker` can't write SQL at all.

mod begin;
pub mod demo_clock;
mod error;
pub mod migrate;
mod notices;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool, Postgres, SqlSafeStr, Transaction};

pub use error::Error;
pub use migrate::migrate;
pub use notices::Notices;

use crate::ids::TenantId;
use crate::telemetry::traces;

/// The schema, as embedded migrations.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// How long a statement may take before PostgreSQL ends it.
const STATEMENT_TIMEOUT: &str = "10s";
/// A frozen process must not keep its locks: its sessions lose an open transaction after this.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "3s";
/// How long a statement waits for a lock. Shorter than [`IDLE_IN_TRANSACTION_TIMEOUT`]: of a frozen process' sessions that
/// queue for one lock, all have given up when the first loses it. Else each would get it in turn, and keep it as long.
const LOCK_TIMEOUT: &str = "2s";
/// How long a request waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The two pools.
#[derive(Debug, Clone)]
pub struct Db {
    app: PgPool,
    engine: PgPool,
    announcement: Announcement,
}

/// What is done after a commit that numbered events, if anything.
#[derive(Clone, Default)]
struct Announcement(Arc<OnceLock<Announce>>);

impl Announcement {
    fn announce(&self, tenant: TenantId) {
        if let Some(announce) = self.0.get() {
            announce(tenant);
        }
    }
}

type Announce = Box<dyn Fn(TenantId) + Send + Sync>;

impl std::fmt::Debug for Announcement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Announcement(..)")
    }
}

/// Connections in use and idle, for the metrics.
#[derive(Debug, Clone, Copy)]
pub struct PoolUse {
    /// Role of the pool.
    pub role: &'static str,
    /// Connections that are open.
    pub open: u32,
    /// Of those, idle ones.
    pub idle: usize,
    /// How many it may open.
    pub limit: u32,
}

impl Db {
    /// Makes both pools. Connects lazily, so a process may start before PostgreSQL does.
    ///
    /// # Errors
    /// An address that doesn't parse.
    pub fn connect(app_url: &str, engine_url: &str, max_connections: u32) -> Result<Self, Error> {
        let pool = |url: &str, max: u32, name: &str| -> Result<PgPool, Error> {
            let options: PgConnectOptions = url.parse().map_err(Error::Broken)?;
            let options = options.application_name(name).options([
                ("statement_timeout", STATEMENT_TIMEOUT),
                ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
                ("lock_timeout", LOCK_TIMEOUT),
                ("timezone", "UTC"),
                // Compiling a statement takes longer than any of ours runs; young statistics talk the planner into it.
                ("jit", "off"),
                // Plans for one tenant's ids are as good for another's; planning anew each time is what costs.
                ("plan_cache_mode", "force_generic_plan"),
            ]);
            Ok(PgPoolOptions::new()
                .max_connections(max)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .idle_timeout(Duration::from_secs(300))
                .test_before_acquire(false)
                .connect_lazy_with(options))
        };
        Ok(Self {
            app: pool(app_url, max_connections, "vio-app")?,
            engine: pool(engine_url, (max_connections / 2).max(2), "vio-engine")?,
            announcement: Announcement::default(),
        })
    }

    /// From now on `announce` is called after each commit that numbered events of a tenant, whoever made them. It must
    /// not wait. The first announcement stays.
    pub fn announce_events(&self, announce: impl Fn(TenantId) + Send + Sync + 'static) {
        let _stays = self.announcement.0.set(Box::new(announce));
    }

    /// Events were numbered and committed by a statement outside a [`TenantTx`].
    pub(crate) fn events_went_on(&self, tenant: TenantId) {
        self.announcement.announce(tenant);
    }

    fn transaction(&self, tx: Transaction<'static, Postgres>, tenant: TenantId) -> TenantTx {
        TenantTx { tx, tenant, announcement: self.announcement.clone(), numbered: false }
    }

    /// Opens a transaction that sees and writes the rows of one tenant only.
    ///
    /// # Errors
    /// [`Error::Busy`] if PostgreSQL is away or no connection is free in time.
    pub async fn tenant(&self, tenant: TenantId) -> Result<TenantTx, Error> {
        // One round trip in place of two. A uuid prints as hex and hyphens, so nothing can be injected.
        #[expect(
            clippy::disallowed_methods,
            reason = "the only interpolated values are a uuid and a trace: hex and hyphens"
        )]
        let begin = sqlx::AssertSqlSafe(match traces::current() {
            // What is planned here remembers for whom: see `calls.trace`.
            Some(trace) => format!(
                "begin; select set_config('app.tenant_id', '{}', true), set_config('app.trace', '{trace}', true)",
                tenant.0
            ),
            None => format!("begin; select set_config('app.tenant_id', '{}', true)", tenant.0),
        });
        let tx = begin::begin(&self.app, Some(begin.into_sql_str())).await?;
        Ok(self.transaction(tx, tenant))
    }

    /// Opens a transaction of one tenant that sees one snapshot from beginning to end, and changes nothing.
    ///
    /// # Errors
    /// [`Error::Busy`] if PostgreSQL is away or no connection is free in time.
    pub async fn tenant_snapshot(&self, tenant: TenantId) -> Result<TenantTx, Error> {
        #[expect(clippy::disallowed_methods, reason = "the only interpolated value is a uuid")]
        let begin = sqlx::AssertSqlSafe(format!(
            "begin isolation level repeatable read read only; select set_config('app.tenant_id', '{}', true)",
            tenant.0
        ));
        let tx = begin::begin(&self.app, Some(begin.into_sql_str())).await?;
        Ok(self.transaction(tx, tenant))
    }

    /// Opens a transaction of one tenant that sees one snapshot from beginning to end, and may write. It fails with
    /// [`Error::Busy`] where somebody else changed since what it writes.
    ///
    /// # Errors
    /// [`Error::Busy`] if PostgreSQL is away or no connection is free in time.
    pub async fn tenant_snapshot_to_write(&self, tenant: TenantId) -> Result<TenantTx, Error> {
        #[expect(clippy::disallowed_methods, reason = "the only interpolated value is a uuid")]
        let begin = sqlx::AssertSqlSafe(format!(
            "begin isolation level repeatable read; select set_config('app.tenant_id', '{}', true)",
            tenant.0
        ));
        let tx = begin::begin(&self.app, Some(begin.into_sql_str())).await?;
        Ok(self.transaction(tx, tenant))
    }

    /// Opens a transaction that sees what is not any one tenant's.
    ///
    /// # Errors
    /// [`Error::Busy`] if PostgreSQL is away or no connection is free in time.
    pub async fn engine(&self) -> Result<EngineTx, Error> {
        Ok(EngineTx { tx: begin::begin(&self.engine, None).await? })
    }

    /// One statement as the engine's role, outside a transaction.
    pub(crate) fn engine_pool(&self) -> &PgPool {
        &self.engine
    }

    /// One statement as the serving role, outside a transaction: for functions that set their tenant themselves. Without
    /// one, row-level security shows nothing.
    pub(crate) fn app_pool(&self) -> &PgPool {
        &self.app
    }

    /// The instant that rules go by: PostgreSQL's clock plus the demo's offset.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn now(&self) -> Result<DateTime<Utc>, Error> {
        Ok(sqlx::query_scalar("select app_clock()").fetch_one(&self.engine).await?)
    }

    /// What PostgreSQL tells on `channel` (`NOTIFY`), over a connection of its own.
    pub fn notices(&self, channel: &'static str) -> Notices {
        Notices::new(&self.engine, channel)
    }

    /// Whether both roles can reach PostgreSQL.
    ///
    /// # Errors
    /// What stands in the way.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("select 1").execute(&self.app).await?;
        sqlx::query("select 1").execute(&self.engine).await?;
        Ok(())
    }

    /// Connections per pool.
    pub fn pool_use(&self) -> [PoolUse; 2] {
        let of = |role, pool: &PgPool| PoolUse {
            role,
            open: pool.size(),
            idle: pool.num_idle(),
            limit: pool.options().get_max_connections(),
        };
        [of("app", &self.app), of("engine", &self.engine)]
    }

    /// Closes both pools and waits for their connections.
    pub async fn close(&self) {
        self.app.close().await;
        self.engine.close().await;
    }
}

/// A transaction bound to one tenant. The only way to a tenant's tables, so a query without a tenant does not
/// compile. Rolls back unless committed.
#[derive(Debug)]
pub struct TenantTx {
    tx: Transaction<'static, Postgres>,
    tenant: TenantId,
    announcement: Announcement,
    numbered: bool,
}

impl TenantTx {
    /// Whose rows are seen.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The connection, for the stores.
    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Has statements planned for the values that they are given, until [`TenantTx::plan_as_usual`]: a plan made for any list compares
    /// each row with each of its thousands; one made for this list looks them up. Not for statements that write rows with references:
    /// each is checked by a statement of its own, which would be planned for each row, by statistics that may not know the tenant yet.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn plan_for_values(&mut self) -> Result<(), Error> {
        sqlx::query("set local plan_cache_mode = force_custom_plan").execute(self.conn()).await?;
        Ok(())
    }

    /// Plans are for any values again.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn plan_as_usual(&mut self) -> Result<(), Error> {
        sqlx::query("set local plan_cache_mode to default").execute(self.conn()).await?;
        Ok(())
    }

    /// Events were numbered in this transaction: they are announced once it is committed.
    pub(crate) fn events_were_numbered(&mut self) {
        self.numbered = true;
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// Any [`Error`]; nothing was changed then, unless the connection broke while the answer was under way.
    pub async fn commit(self) -> Result<(), Error> {
        self.tx.commit().await?;
        if self.numbered {
            self.announcement.announce(self.tenant);
        }
        Ok(())
    }

    /// Takes the changes back at once, rather than when the connection is next used.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn rollback(self) -> Result<(), Error> {
        Ok(self.tx.rollback().await?)
    }
}

/// A transaction of the engine's role.
#[derive(Debug)]
pub struct EngineTx {
    tx: Transaction<'static, Postgres>,
}

impl EngineTx {
    /// The connection, for the stores.
    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// The instant that rules go by. Asked here, a transaction needs no second connection, for which it might wait for ever.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn now(&mut self) -> Result<DateTime<Utc>, Error> {
        Ok(sqlx::query_scalar("select app_clock()").fetch_one(self.conn()).await?)
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_session_compiles_statements() {
        let nowhere = "postgres://somebody@127.0.0.1:1/nothing";
        let db = Db::connect(nowhere, nowhere, 2).unwrap();
        for pool in [&db.app, &db.engine] {
            let told = pool.connect_options().get_options().unwrap_or_default().to_owned();
            assert!(told.contains("-c jit=off"), "{told}");
        }
    }
}
