//! What an earlier release left in its stores: recorded by `dev/compat/record`, laid into a world of a test.

use serde::Deserialize;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{Urls, World, database::Database};
use crate::db;

/// A recorded release.
#[derive(Debug, Clone, Copy)]
pub struct Release {
    /// Its commit.
    pub name: &'static str,
    /// Its schema, as statements.
    pub schema: &'static str,
    /// Its rows, as statements; its triggers don't fire for them.
    pub data: &'static str,
    /// The statements that it sends, one a line: the role, a tab, the statement.
    pub statements: &'static str,
    /// The simulated provider's record, as JSON lines.
    pub provider: &'static str,
    redis: &'static str,
    meta: &'static str,
}

/// What to know about a recording.
#[derive(Debug, Deserialize)]
pub struct Meta {
    /// When it ended, by its demo clock.
    pub now: chrono::DateTime<chrono::Utc>,
    /// Its first tenant.
    pub tenant: crate::ids::TenantId,
    /// The key of that tenant's administrator.
    pub api_key: String,
    /// The key of a request that was done.
    pub idempotency_key: String,
    /// The body of that request, `POST /v1/contacts`, as it was sent.
    pub request: String,
    /// What it was answered.
    pub answer: Value,
}

/// The release before this one. When one has landed and is recorded, it takes this place.
pub const BEFORE: Release = Release {
    name: "08d05fa",
    schema: include_str!("../../../dev/compat/08d05fa/schema.sql"),
    data: include_str!("../../../dev/compat/08d05fa/data.sql"),
    statements: include_str!("../../../dev/compat/08d05fa/statements.tsv"),
    provider: include_str!("../../../dev/compat/08d05fa/provider.jsonl"),
    redis: include_str!("../../../dev/compat/08d05fa/redis.jsonl"),
    meta: include_str!("../../../dev/compat/08d05fa/meta.json"),
};

#[derive(Deserialize)]
struct Key {
    key: String,
    r#type: String,
    value: Value,
}

impl Release {
    /// What to know about the recording.
    ///
    /// # Panics
    /// If the recording is damaged.
    pub fn meta(&self) -> Meta {
        serde_json::from_str(self.meta).expect("meta.json")
    }

    /// A world as this release left it, its clock at the moment when it stopped. Not migrated.
    ///
    /// # Panics
    /// If the servers of tests don't answer, or the recording is damaged.
    pub async fn world(&self) -> World {
        let urls = Urls::read();
        let database = Database::empty(&urls).await;
        let url = database.url(&urls.superuser);
        for statements in [self.schema, self.data] {
            // A connection for each: a dump sets its session up for itself.
            let mut conn = PgConnection::connect(&url).await.expect("PostgreSQL answers");
            run(&mut conn, statements).await;
            conn.close().await.expect("a connection closes");
        }
        let mut conn = PgConnection::connect(&url).await.expect("PostgreSQL answers");
        sqlx::query("update public.demo_clock set ahead = $1 - clock_timestamp()")
            .bind(self.meta().now)
            .execute(&mut conn)
            .await
            .expect("the recorded time lies ahead");
        World::on(database, urls).await
    }

    /// Lays the keys that this release left in Redis under the world's prefix.
    ///
    /// # Panics
    /// If Redis does not answer, or the recording is damaged.
    pub async fn fill_redis(&self, world: &World) {
        let mut conn = world.queues.conn();
        for line in self.redis.lines() {
            let Key { key, r#type, value } = serde_json::from_str(line).expect("redis.jsonl");
            let command = match r#type.as_str() {
                "string" => "SET",
                "list" => "RPUSH",
                "set" => "SADD",
                "zset" => "ZADD",
                "hash" => "HSET",
                other => panic!("nobody knows how to write a {other}"),
            };
            let mut command = redis::cmd(command);
            command.arg(format!("{}.{key}", world.queues.prefix()));
            for word in words(&r#type, &value) {
                command.arg(word);
            }
            command.exec_async(&mut conn).await.expect("Redis answers");
        }
    }
}

impl World {
    /// Brings the schema up to date, as `api migrate` does.
    ///
    /// # Panics
    /// If it can't be.
    pub async fn migrate(&self) {
        let urls = Urls::read();
        db::migrate(&self.database.url(&urls.owner)).await.expect("the migrations run");
    }

    /// The address of this world's database for the owner of its schema.
    pub fn owner_url(&self) -> String {
        self.database.url(&Urls::read().owner)
    }

    /// Runs a statement that is no literal, as a superuser; what PostgreSQL says against it.
    pub async fn try_run(&self, statement: String) -> Result<(), String> {
        #[expect(
            clippy::disallowed_methods,
            reason = "statements of a recording can't be literals"
        )]
        let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(self.database.superuser()).await;
        done.map(|_| ()).map_err(|error| error.to_string())
    }
}

async fn run(conn: &mut PgConnection, statements: &'static str) {
    sqlx::raw_sql(statements).execute(conn).await.expect("the recording can be restored");
}

/// The arguments with which a value is written.
fn words(kind: &str, value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        // A sorted set is told member first, and written score first.
        Value::Array(pairs) if kind == "zset" => {
            pairs.iter().flat_map(|pair| [text(&pair[1]), text(&pair[0])]).collect()
        }
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| [name.clone(), text(value)]).collect()
        }
        single => vec![text(single)],
    }
}
