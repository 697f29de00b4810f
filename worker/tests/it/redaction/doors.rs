//! The ways out of a process, and looking for words in what went through them.

use std::io::Write;
use std::path::{Path, PathBuf};

use futures::StreamExt;
use shared::telemetry::metrics;

use super::disguises::{Marks, Wanted};
use crate::product::{Kept, Product, Watched};

/// Every row of every table, as JSON: bytes stand there as hexadecimal digits.
const EVERY_ROW: &str = "select tablename || ' ' || query_to_xml(
         format('select row_to_json(t)::text as row from %I.%I t', schemaname, tablename), true, false, '')::text
     from pg_tables where schemaname = 'public' order by 1";

/// Doors that have to be watched while things go through them: Redis, whose keys come and go, and PostgreSQL's log of what
/// it writes, which has every row that ever was.
pub(super) struct Doors {
    commands: Kept,
    first_segment: String,
}

impl Doors {
    /// Begins to hear every command that Redis gets.
    pub(super) async fn open(product: &Product) -> Self {
        let commands = Kept::default();
        let client = redis::Client::open(product.world.redis_url.as_str()).unwrap();
        let monitor = client.get_async_monitor().await.unwrap();
        let mut to = commands.clone();
        tokio::spawn(async move {
            let mut heard = monitor.into_on_message::<String>();
            while let Some(line) = heard.next().await {
                to.write_all(line.as_bytes()).unwrap();
                to.write_all(b"\n").unwrap();
            }
        });
        let first_segment = segment(product).await;
        Self { commands, first_segment }
    }

    /// Looks for `marks` behind every door, and for `elsewhere` behind all but PostgreSQL's.
    /// One line a find: the door, what it is, and what stands around it.
    pub(super) async fn search(
        &self,
        watched: &Watched,
        product: &Product,
        marks: Marks<'_>,
        elsewhere: &[(&str, &str)],
    ) -> Vec<String> {
        watched.spans().await;
        let traces = watched.exports.lock().unwrap().concat();
        let mut redis = self.commands.bytes();
        redis.extend(dump(product).await);
        let rows = product.world.texts(EVERY_ROW).await.join("\n").into_bytes();
        let (data, log) = self.disk(product).await;
        assert!(
            rows.len() > 10_000 && redis.len() > 10_000 && traces.len() > 1_000,
            "there is something to search"
        );
        let (redis_file, told) = (redis_file(product).await, servers_logs(product).await);
        assert!(data.len() > 1_000_000 && log.len() > 1_000_000, "there are files to search");
        assert!(redis_file.starts_with(b"REDIS") && !told.is_empty(), "there are files to search");
        let words: Vec<_> = marks.words.iter().chain(elsewhere).copied().collect();
        let everywhere = Wanted::new(Marks { words: &words, ..marks });
        let sealed = Wanted::new(marks);
        [
            ("logs", watched.lines.bytes(), &everywhere),
            ("traces", traces, &everywhere),
            ("metrics", metrics::render().into_bytes(), &everywhere),
            ("redis", redis, &everywhere),
            ("redis's file", redis_file, &everywhere),
            ("files", files(&product.state_dir), &everywhere),
            ("postgresql", rows, &sealed),
            ("data files", data, &sealed),
            ("write-ahead log", log, &sealed),
            ("servers' logs", told, &everywhere),
        ]
        .into_iter()
        .flat_map(|(door, went_through, wanted)| {
            let line = |(what, around)| format!("{door}: {what} in …{around}…");
            wanted.find(&went_through).into_iter().map(line).collect::<Vec<_>>()
        })
        .collect()
    }

    /// The files of this world's database, deleted rows and unlogged tables and indexes among them, and the write-ahead log
    /// since the doors were opened: what a thief of the disk has. Other tests' rows are in the log too, without these marks.
    async fn disk(&self, product: &Product) -> (Vec<u8>, Vec<u8>) {
        product.world.run("checkpoint").await;
        let of_database =
            "select current_setting('data_directory') || '/' || pg_relation_filepath('pg_class')";
        let file = PathBuf::from(product.world.texts(of_database).await.remove(0));
        let log = PathBuf::from(
            product
                .world
                .texts("select current_setting('data_directory') || '/pg_wal'")
                .await
                .remove(0),
        );
        let data = files(file.parent().unwrap());
        let last = segment(product).await;
        let mut written = Vec::new();
        for entry in std::fs::read_dir(log).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            // Those after the last are old ones that wait to be written over.
            if name.len() == 24
                && (self.first_segment.as_str()..=last.as_str()).contains(&name.as_str())
            {
                written.extend(std::fs::read(entry.path()).unwrap());
            }
        }
        (data, written)
    }
}

/// The file of the log that is written now.
async fn segment(product: &Product) -> String {
    product.world.texts("select pg_walfile_name(pg_current_wal_insert_lsn())").await.remove(0)
}

/// What Redis writes to its disk, unpacked.
async fn redis_file(product: &Product) -> Vec<u8> {
    let mut conn = product.world.queues.conn();
    let packs = ["SET", "rdbcompression", "no"];
    redis::cmd("CONFIG").arg(&packs).exec_async(&mut conn).await.unwrap();
    // Refused while it rewrites its log of commands, which another test's load may cause.
    while redis::cmd("SAVE").exec_async(&mut conn).await.is_err() {
        tokio::task::yield_now().await;
    }
    let ask = |what: &'static str| {
        let mut conn = product.world.queues.conn();
        async move {
            let told: Vec<String> =
                redis::cmd("CONFIG").arg("GET").arg(what).query_async(&mut conn).await.unwrap();
            told[1].clone()
        }
    };
    std::fs::read(Path::new(&ask("dir").await).join(ask("dbfilename").await)).unwrap()
}

/// What PostgreSQL and Redis log, and what PostgreSQL keeps of statements.
async fn servers_logs(product: &Product) -> Vec<u8> {
    let data = "select current_setting('data_directory')";
    let data = PathBuf::from(product.world.texts(data).await.remove(0));
    let pid = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
    let mut conn = product.world.queues.conn();
    let told: String = redis::cmd("INFO").arg("server").query_async(&mut conn).await.unwrap();
    let redis = told.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap();
    let mut all = files(&data.join("pg_stat_tmp"));
    for (pid, descriptor) in [(pid.lines().next().unwrap(), 2), (redis.trim(), 1)] {
        let log = std::fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).unwrap();
        all.extend(std::fs::read(log).unwrap());
    }
    all
}

/// What Redis holds under this world's keys.
async fn dump(product: &Product) -> Vec<u8> {
    let mut conn = product.world.queues.conn();
    let pattern = format!("{}*", product.world.queues.prefix());
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut conn).await.unwrap();
    let mut all = Vec::new();
    for key in keys {
        let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut conn).await.unwrap();
        let read: &[&str] = match kind.as_str() {
            "string" => &["GET"],
            "hash" => &["HGETALL"],
            "list" => &["LRANGE", "0", "-1"],
            "set" => &["SMEMBERS"],
            "zset" => &["ZRANGE", "0", "-1"],
            // It went between KEYS and here.
            "none" => continue,
            other => panic!("a kind of value that nobody reads here: {other}"),
        };
        let mut command = redis::cmd(read[0]);
        command.arg(&key);
        read[1..].iter().for_each(|word| {
            command.arg(word);
        });
        let value: redis::Value = command.query_async(&mut conn).await.unwrap();
        all.extend(format!("{key} ").into_bytes());
        flatten(&value, &mut all);
    }
    all
}

fn flatten(value: &redis::Value, to: &mut Vec<u8>) {
    match value {
        redis::Value::BulkString(bytes) => to.extend(bytes),
        redis::Value::Array(items) | redis::Value::Set(items) => {
            items.iter().for_each(|item| flatten(item, to));
        }
        redis::Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            flatten(key, to);
            flatten(value, to);
        }),
        other => to.extend(format!("{other:?}").into_bytes()),
    }
    to.push(b'\n');
}

fn files(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        all.extend(path.to_str().unwrap().as_bytes());
        all.extend(if path.is_dir() { files(&path) } else { std::fs::read(&path).unwrap() });
    }
    all
}
