//! One database per test, copied from a migrated template.

use std::time::Duration;

use ring::digest::{Context, SHA256};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use uuid::Uuid;

use super::Urls;
use crate::db::{self, MIGRATOR};

/// Whoever makes a template holds this advisory lock.
const TEMPLATE_LOCK: i64 = 0x7669_6f5f_7465_7374;

#[derive(Debug)]
pub(super) struct Database {
    name: String,
    superuser: PgPool,
    urls: Urls,
}

impl Database {
    pub(super) async fn create(urls: &Urls) -> Self {
        let mut conn = connect(urls).await;
        let template = template(&mut conn, urls).await;
        Self::copy_of(&mut conn, &template, urls).await
    }

    /// Without a schema.
    pub(super) async fn empty(urls: &Urls) -> Self {
        Self::copy_of(&mut connect(urls).await, "template1", urls).await
    }

    async fn copy_of(conn: &mut PgConnection, template: &str, urls: &Urls) -> Self {
        let name = format!("vio_test_{}", Uuid::now_v7().simple());
        run(conn, &format!("create database {name} template {template} owner {}", owner(urls)))
            .await;
        let options: PgConnectOptions = urls.superuser.parse().expect("connected with it just now");
        let superuser = PgPoolOptions::new()
            .max_connections(2)
            .acquire_timeout(Duration::from_secs(10))
            .connect_lazy_with(options.database(&name));
        Self { name, superuser, urls: urls.clone() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn superuser(&self) -> &PgPool {
        &self.superuser
    }

    /// `url`, with this database in place of the one it names.
    pub(super) fn url(&self, url: &str) -> String {
        in_database(url, &self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (name, urls) = (self.name.clone(), self.urls.clone());
        // A drop can't wait for futures of its own runtime, which may be ending.
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(remove(&name, &urls));
        })
        .join();
        if removed.is_err() {
            eprintln!("the database {} was left behind", self.name);
        }
    }
}

async fn connect(urls: &Urls) -> PgConnection {
    PgConnection::connect(&urls.superuser)
        .await
        .expect("TEST_DATABASE_URL_SUPER must name a PostgreSQL that answers")
}

async fn remove(name: &str, urls: &Urls) {
    if let Ok(mut conn) = PgConnection::connect(&urls.superuser).await {
        run(&mut conn, &format!("drop database if exists {name} with (force)")).await;
    }
    let Ok(client) = redis::Client::open(urls.redis.as_str()) else { return };
    if let Ok(mut conn) = client.get_multiplexed_async_connection().await {
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("{name}*"))
            .query_async(&mut conn)
            .await
            .unwrap_or_default();
        if !keys.is_empty() {
            let _best_effort = redis::cmd("DEL").arg(keys).exec_async(&mut conn).await;
        }
    }
}

/// The template of this version of the schema, made if it isn't there.
async fn template(conn: &mut PgConnection, urls: &Urls) -> String {
    let mut digest = Context::new(&SHA256);
    MIGRATOR.iter().for_each(|migration| digest.update(&migration.checksum));
    let name = format!("vio_template_{}", hex::encode(&digest.finish().as_ref()[..8]));
    run(conn, &format!("select pg_advisory_lock({TEMPLATE_LOCK})")).await;
    let found: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(&name)
            .fetch_one(&mut *conn)
            .await
            .expect("the catalogue answers");
    if !found {
        // Renamed when it is whole: a run that is killed half-way leaves nothing that looks like a template.
        let draft = format!("{name}_draft");
        run(conn, &format!("drop database if exists {draft} with (force)")).await;
        run(conn, &format!("create database {draft} owner {}", owner(urls))).await;
        db::migrate(&in_database(&urls.owner, &draft)).await.expect("the migrations run");
        run(conn, &format!("alter database {draft} rename to {name}")).await;
    }
    run(conn, &format!("select pg_advisory_unlock({TEMPLATE_LOCK})")).await;
    name
}

async fn run(conn: &mut PgConnection, statement: &str) {
    #[expect(clippy::disallowed_methods, reason = "names of databases can't be bound")]
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(conn)
        .await
        .expect("TEST_DATABASE_URL_SUPER must be allowed to make databases");
}

fn owner(urls: &Urls) -> String {
    let options: PgConnectOptions =
        urls.owner.parse().expect("TEST_DATABASE_URL_OWNER must be an address");
    options.get_username().to_owned()
}

fn in_database(url: &str, name: &str) -> String {
    let (address, options) = url.split_once('?').map_or((url, ""), |(a, o)| (a, o));
    let slash = address.rfind('/').filter(|at| !address[..*at].ends_with('/'));
    let server = slash.map_or(address, |at| &address[..at]);
    if options.is_empty() {
        format!("{server}/{name}")
    } else {
        format!("{server}/{name}?{options}")
    }
}
