//! A database, an empty Redis, a provider and processes, for one measurement.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use shared::accounts::NewAccount;
use shared::ids::AccountId;
use simulator::{Account, Rule, Scenario, Simulator};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

use super::Options;
use crate::stage::people::{Office, Tenant, number, zone_where_it_is};
use crate::stage::process::Process;
use crate::stage::servers::{Servers, through};
use crate::stage::witness::{self, Pace};
use crate::stage::{Place, write_secret};

const MASTER_KEY: &str = "1:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
/// Calls that are over at once: what is measured is the engine, not the conversation.
pub(crate) const BRIEF: Pace = Pace { ring: [5, 20], talk: [5, 30], analysis: [2, 10] };

/// See the module.
pub(crate) struct Set {
    place: Place,
    pub(crate) admin: PgPool,
    pub(crate) office: Office,
    pub(crate) simulator: Simulator,
    pub(crate) account: AccountId,
    pub(crate) api_address: SocketAddr,
    /// Name and process, in the order of their start.
    pub(crate) processes: Vec<(String, Process)>,
    /// Of one tenant; `None` for the product's own limit.
    requests_per_minute: Option<u32>,
    /// Further settings of processes that are started from now on.
    further: Vec<(&'static str, &'static str)>,
}

/// `url` with another database.
fn in_database(url: &str, name: &str) -> String {
    url.rsplit_once('/').map_or(url.to_owned(), |(server, _)| format!("{server}/{name}"))
}

impl Set {
    /// A new database called after the part, a flushed Redis, and a provider.
    pub(crate) async fn build(
        options: &Options,
        servers: &Servers,
        part: &str,
        pace: Pace,
    ) -> anyhow::Result<Self> {
        let name = format!("vio_{part}");
        let mut place = options.place.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "names of databases can't be bound; these are literals of ours"
        )]
        for statement in [
            format!("drop database if exists {name} with (force)"),
            format!("create database {name} owner vio_owner"),
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&servers.admin).await?;
        }
        for url in
            [&mut place.url_super, &mut place.url_owner, &mut place.url_app, &mut place.url_engine]
        {
            *url = in_database(url, &name);
        }
        let admin = PgPoolOptions::new().max_connections(4).connect(&place.url_super).await?;
        sqlx::raw_sql("create extension if not exists pg_stat_statements").execute(&admin).await?;
        shared::db::migrate(&place.url_owner).await?;
        servers.flush_redis().await?;

        // The host remembers how far dials had come: a new database would look like one that went back.
        let host = place.state.join("host");
        if host.exists() {
            std::fs::remove_dir_all(&host)?;
        }
        std::fs::create_dir_all(&host)?;
        write_secret(&place.state.join("master.key"), MASTER_KEY)?;
        let office = Office::open(&place.url_app, &place.url_engine, MASTER_KEY)?;
        let (api_address, provider) = (free_address()?, free_address()?);
        let account = AccountId::new();
        let at_provider = Account {
            label: "bench".to_owned(),
            api_key: "key_bench".to_owned(),
            webhook_url: Some(format!("http://{api_address}/v1/webhooks/retell/{account}")),
            concurrency: 10_000,
            ..Account::default()
        };
        let simulator =
            witness::start_at(provider, options.seed, vec![at_provider], pace, None).await?;
        let confirms = Rule { scenario: Some(Scenario::named("confirmed")?), ..Rule::default() };
        simulator.set_rules(&[confirms])?;
        let new = NewAccount {
            id: account,
            tenant: None,
            name: "Bench".to_owned(),
            base_url: simulator.base_url(),
            simulator: true,
            max_concurrent: 10_000,
            starts_per_second: 10_000.0,
            list_trusted: true,
        };
        office.account(&new, "key_bench").await?;
        Ok(Self {
            place,
            admin,
            office,
            simulator,
            account,
            api_address,
            processes: Vec::new(),
            // The load asks as few tenants: not the limit is measured.
            requests_per_minute: Some(10_000_000),
            further: Vec::new(),
        })
    }

    /// Has processes that are started from now on allow a tenant so many requests a minute; `None`: as many as the product
    /// does unless it is told otherwise.
    pub(crate) fn limit_requests(&mut self, per_minute: Option<u32>) {
        self.requests_per_minute = per_minute;
    }

    /// Stores tenants where it is `hour` o'clock, with so many guests each whose appointments are so many hours ahead.
    pub(crate) async fn people(
        &self,
        hour: u32,
        tenants: usize,
        guests: usize,
        hours_ahead: i64,
    ) -> anyhow::Result<Vec<Tenant>> {
        let now: DateTime<Utc> = self.office.db.now().await?;
        let zone = zone_where_it_is(hour, now);
        futures::stream::iter(0..tenants)
            .map(|n| async move {
                let tenant =
                    self.office.tenant(&format!("Bench {n}"), zone, self.account, |_| {}).await?;
                let at = now + chrono::Duration::hours(hours_ahead);
                let bookings: Vec<_> = (0..guests).map(|guest| (number(guest), at)).collect();
                if guests > 0 {
                    self.office.book(&tenant, now, &bookings).await?;
                }
                anyhow::Ok(tenant)
            })
            .buffered(8)
            .try_collect()
            .await
    }

    /// Has processes that are started from now on be given this setting too.
    pub(crate) fn also(&mut self, name: &'static str, value: &'static str) {
        self.further.push((name, value));
    }

    /// Where this set's Redis is.
    pub(super) fn url_redis(&self) -> &str {
        &self.place.url_redis
    }

    fn environment(&self) -> Vec<(String, String)> {
        let file = |name: &str| self.place.state.join(name).display().to_string();
        let limit =
            self.requests_per_minute.map(|most| ("API_REQUESTS_PER_MINUTE", most.to_string()));
        [
            ("DATABASE_URL_APP", self.place.url_app.clone()),
            ("DATABASE_URL_ENGINE", self.place.url_engine.clone()),
            ("REDIS_URL", self.place.url_redis.clone()),
            ("MASTER_KEY_FILE", file("master.key")),
            ("STATE_DIR", file("host")),
            ("DEMO", "1".to_owned()),
            ("LOG", "warn".to_owned()),
            ("API_LISTEN", self.api_address.to_string()),
            ("API_METRICS_LISTEN", "127.0.0.1:0".to_owned()),
            ("WORKER_METRICS_LISTEN", "127.0.0.1:0".to_owned()),
        ]
        .into_iter()
        .chain(limit)
        .chain(self.further.iter().map(|(name, value)| (*name, (*value).to_owned())))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Starts the API, and waits until it listens.
    pub(crate) async fn start_api(&mut self) -> anyhow::Result<()> {
        let command = [self.place.bin.join("api").display().to_string(), "serve".to_owned()];
        let api = Process::start(&self.place.state, "api", &command, &self.environment()).await?;
        self.processes.push(("api".to_owned(), api));
        listening(self.api_address).await
    }

    /// Where the run's files are.
    pub(super) fn state(&self) -> &std::path::Path {
        &self.place.state
    }

    /// This set's database, as the role that serves tenants.
    pub(super) fn url_app(&self) -> &str {
        &self.place.url_app
    }

    /// The same as the engine's role.
    pub(super) fn url_engine(&self) -> &str {
        &self.place.url_engine
    }

    /// Starts a worker, perhaps with its line to PostgreSQL through a proxy. Its place among the processes is returned.
    pub(crate) async fn start_worker(
        &mut self,
        postgres: Option<SocketAddr>,
    ) -> anyhow::Result<usize> {
        let name = format!("worker-{}", self.processes.len());
        let mut env = self.environment();
        if let Some(proxy) = postgres {
            for (name, value) in &mut env {
                if name.starts_with("DATABASE_URL") {
                    *value = through(value, proxy);
                }
            }
        }
        let command = [self.place.bin.join("worker").display().to_string(), "run".to_owned()];
        let worker = Process::start(&self.place.state, &name, &command, &env).await?;
        self.processes.push((name, worker));
        Ok(self.processes.len() - 1)
    }

    /// Waits until a query counts at least `want`; how long that took.
    pub(crate) async fn until(
        &self,
        want: i64,
        query: &'static str,
        limit: Duration,
    ) -> anyhow::Result<Duration> {
        let start = Instant::now();
        loop {
            let count: i64 = sqlx::query_scalar(query).fetch_one(&self.admin).await?;
            if count >= want {
                return Ok(start.elapsed());
            }
            anyhow::ensure!(
                start.elapsed() < limit,
                "waited in vain: {count} of {want} for {query}"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Stops the processes and the provider.
    pub(crate) async fn end(mut self) {
        for (_, process) in &mut self.processes {
            process.signal("CONT").await;
            process.stop("KILL", Duration::from_secs(5)).await;
        }
        self.office.db.close().await;
        self.admin.close().await;
        self.simulator.stop().await;
    }
}

pub(super) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits until somebody listens there.
pub(super) async fn listening(address: SocketAddr) -> anyhow::Result<()> {
    let start = Instant::now();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        anyhow::ensure!(start.elapsed() < Duration::from_secs(20), "nobody listens");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
