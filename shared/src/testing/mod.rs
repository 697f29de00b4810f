//! A world of its own for each test: a database, a part of Redis, tenants with keys. Compiled with feature `testing`.
//!
//! The database is copied from a template that is migrated once per version of the schema, and dropped when the world
//! ends. Tests connect as the two roles that serve, so row-level security binds them as it binds the product.

mod booking;
mod database;
mod release;

use std::sync::Arc;

use chrono::Duration;

use crate::accounts::{self, NewAccount};
use crate::api_keys::{self, ApiKey, Role};
use crate::audit::{Actor, Changes};
use crate::config::Environment;
use crate::crypto::MasterKeys;
use crate::db::Db;
use crate::ids::{AccountId, ApiKeyId, JobId, TenantId};
use crate::jobs;
use crate::queue::announce::Announcer;
use crate::queue::{self, Queues, Signals};
use crate::tenants::KeyRing;
use crate::tenants::create::{self, NewTenant};
use database::Database;

pub use booking::Booking;
pub use release::{BEFORE, Meta, Release};

/// Connections of a test: few, since many tests run at a time.
const CONNECTIONS: u32 = 4;

/// Everything a test needs. When it is dropped, its database and its keys in Redis are removed.
#[derive(Debug)]
pub struct World {
    /// Both roles' pools.
    pub db: Db,
    /// The two queues, under keys of this world only.
    pub queues: Queues,
    /// Signals to processes of this world.
    pub signals: Signals,
    /// The master keys, and tenants' keys.
    pub keys: Arc<KeyRing>,
    /// Where Redis is.
    pub redis_url: String,
    database: Database,
}

/// A tenant of a test.
#[derive(Debug, Clone)]
pub struct Inhabitant {
    /// The tenant.
    pub id: TenantId,
    /// Its provider account, a simulator's.
    pub account: AccountId,
    /// A key that may do everything in the tenant.
    pub admin: ApiKey,
    /// The id of that key.
    pub admin_id: ApiKeyId,
    /// A key that may only read.
    pub user: ApiKey,
}

impl Inhabitant {
    /// The tenant's administrator, as an actor.
    pub fn actor(&self) -> Actor {
        Actor::Key(self.admin_id)
    }
}

impl World {
    /// A new world without tenants.
    ///
    /// # Panics
    /// If `TEST_DATABASE_URL_SUPER`, `_OWNER`, `_APP`, `_ENGINE` and `TEST_REDIS_URL` don't name servers that answer.
    pub async fn new() -> Self {
        let urls = Urls::read();
        let database = Database::create(&urls).await;
        Self::on(database, urls).await
    }

    async fn on(database: Database, urls: Urls) -> Self {
        let master = MasterKeys::parse(&format!("1:{}", "5a".repeat(32))).expect("a valid key");
        let conn = queue::connect(&urls.redis)
            .await
            .expect("TEST_REDIS_URL must name a Redis that answers");
        let queues = Queues::new(conn, database.name());
        let connect =
            Db::connect(&database.url(&urls.app), &database.url(&urls.engine), CONNECTIONS);
        let db = connect.expect("the addresses parse");
        let announcer = Announcer::new(&queues);
        db.announce_events(move |tenant| announcer.announce(tenant));
        Self {
            db,
            signals: Signals::new(&queues),
            queues,
            keys: Arc::new(KeyRing::new(master)),
            redis_url: urls.redis,
            database,
        }
    }

    /// Addresses of this world's database for the roles `vio_app` and `vio_engine`, for processes.
    pub fn database_urls(&self) -> (String, String) {
        let urls = Urls::read();
        (self.database.url(&urls.app), self.database.url(&urls.engine))
    }

    /// The address of this world's database for a superuser: for a dump.
    pub fn superuser_url(&self) -> String {
        self.database.url(&Urls::read().superuser)
    }

    /// A tenant that may call drama numbers through a simulator.
    pub async fn tenant(&self) -> Inhabitant {
        self.tenant_with(|_| {}).await
    }

    /// A tenant as [`World::tenant`], changed by `change`.
    pub async fn tenant_with(&self, change: impl FnOnce(&mut NewTenant)) -> Inhabitant {
        let account = NewAccount {
            id: AccountId::new(),
            tenant: None,
            name: "A simulator".to_owned(),
            base_url: "http://127.0.0.1:1".to_owned(),
            simulator: true,
            max_concurrent: 20,
            starts_per_second: 100.0,
            list_trusted: true,
        };
        let mut tenant = NewTenant {
            account: Some(account.id),
            agent_id: Some("agent_1".to_owned()),
            caller_number: Some("+441632960000".to_owned()),
            ..NewTenant::new("A clinic", chrono_tz::Europe::London).with_test_numbers()
        };
        change(&mut tenant);
        let (admin, user) = (ApiKey::generate(), ApiKey::generate());
        let (admin, user) = (admin.expect("randomness"), user.expect("randomness"));

        let mut tx = self.db.engine().await.expect("PostgreSQL answers");
        let master = self.keys.master();
        accounts::store::create(&mut tx, master, &account, "key_1", "key_1")
            .await
            .expect("an account");
        create::create(&mut tx, master, &tenant).await.expect("a tenant");
        let key = |name, role| (name, role);
        let (name, role) = key("Admin", Role::ClientAdmin);
        let admin_id =
            api_keys::store::create(&mut tx, tenant.id, name, role, &admin).await.expect("a key");
        let (name, role) = key("User", Role::ClientUser);
        api_keys::store::create(&mut tx, tenant.id, name, role, &user).await.expect("a key");
        tx.commit().await.expect("a commit");
        Inhabitant { id: tenant.id, account: account.id, admin, admin_id, user }
    }

    /// Moves the world's clock ahead.
    pub async fn advance(&self, by: Duration) {
        let by = sqlx::postgres::types::PgInterval::try_from(by).expect("whole microseconds");
        sqlx::query("update demo_clock set ahead = ahead + $1")
            .bind(by)
            .execute(self.database.superuser())
            .await
            .expect("the clock moves");
    }

    /// Gives an account the address of a simulator that listens.
    pub async fn point_account_at(&self, account: AccountId, base_url: &str) {
        sqlx::query("update accounts set base_url = $2 where id = $1")
            .bind(account)
            .bind(base_url)
            .execute(self.database.superuser())
            .await
            .expect("the account is there");
    }

    /// Puts a job that does nothing into a tenant's line, as its administrator would.
    ///
    /// # Panics
    /// If the database is away.
    pub async fn probe_job(&self, tenant: &Inhabitant, batches: u32) -> JobId {
        let id = JobId::new();
        let mut tx = self.db.tenant(tenant.id).await.expect("a transaction");
        let keys = self.keys.of(&mut tx).await.expect("keys");
        let params = serde_json::to_value(jobs::probe::Params { batches }).expect("a number");
        let job = jobs::NewJob {
            kind: jobs::Kind::Probe,
            by: tenant.actor(),
            params: &params,
            facts: serde_json::json!({ "batches": batches }),
            total: None,
            undoes: None,
        };
        jobs::store::insert(&mut tx, &keys, id, &job).await.expect("a job");
        let mut changes = Changes::by(tenant.actor());
        changes.event("job.queued", id.0, None);
        changes.append(&mut tx).await.expect("a head");
        tx.commit().await.expect("a commit");
        id
    }

    /// Runs statements as a superuser, past row-level security: to arrange what the product can't.
    pub async fn run(&self, statements: &'static str) {
        sqlx::raw_sql(statements)
            .execute(self.database.superuser())
            .await
            .expect("the statement runs");
    }

    /// Runs a statement as a superuser in a transaction that stays open, with what it locks.
    pub async fn hold(
        &self,
        statement: &'static str,
    ) -> sqlx::Transaction<'static, sqlx::Postgres> {
        let mut tx = self.database.superuser().begin().await.expect("a transaction");
        sqlx::raw_sql(statement).execute(&mut *tx).await.expect("the statement runs");
        tx
    }

    /// The number that a query gives, read past row-level security.
    pub async fn number(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(self.database.superuser()).await.expect("a number")
    }

    /// The texts that a query gives, one a row, read past row-level security.
    pub async fn texts(&self, query: &'static str) -> Vec<String> {
        sqlx::query_scalar(query).fetch_all(self.database.superuser()).await.expect("texts")
    }
}

/// Where the servers for tests are.
#[derive(Debug, Clone)]
struct Urls {
    superuser: String,
    owner: String,
    app: String,
    engine: String,
    redis: String,
}

impl Urls {
    fn read() -> Self {
        let read = Environment::of_process(None).read(|env| {
            let mut url = |name: &str| env.secret(name).map(|secret| secret.expose().to_owned());
            let superuser = url("TEST_DATABASE_URL_SUPER");
            let (owner, app) = (url("TEST_DATABASE_URL_OWNER"), url("TEST_DATABASE_URL_APP"));
            let (engine, redis) = (url("TEST_DATABASE_URL_ENGINE"), url("TEST_REDIS_URL"));
            Some(Self {
                superuser: superuser?,
                owner: owner?,
                app: app?,
                engine: engine?,
                redis: redis?,
            })
        });
        read.unwrap_or_else(|faults| panic!("these tests need PostgreSQL and Redis; {faults}"))
    }
}
