//! The ways out of a process, and looking for words in what went through them.

use std::io::Write;
use std::path::Path;

use futures::StreamExt;
use shared::telemetry::metrics;

use crate::product::{Kept, Product, Watched};

/// Every row of every table, as JSON: bytes stand there as hexadecimal digits.
const EVERY_ROW: &str = "select tablename || ' ' || query_to_xml(
         format('select row_to_json(t)::text as row from %I.%I t', schemaname, tablename), true, false, '')::text
     from pg_tables where schemaname = 'public' order by 1";

/// A door that has to be watched while things go through it: Redis, whose keys come and go.
pub(super) struct Doors {
    commands: Kept,
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
        Self { commands }
    }

    /// Looks for `marks` behind every door, and for `elsewhere` behind all but PostgreSQL. One line a find: the door, what it
    /// is, and what stands around it.
    pub(super) async fn search(
        &self,
        watched: &Watched,
        product: &Product,
        marks: &[(&str, &str)],
        elsewhere: &[(&str, &str)],
    ) -> Vec<String> {
        watched.spans().await;
        let traces = watched.exports.lock().unwrap().concat();
        let mut redis = self.commands.bytes();
        redis.extend(dump(product).await);
        let rows = product.world.texts(EVERY_ROW).await.join("\n").into_bytes();
        assert!(
            rows.len() > 10_000 && redis.len() > 10_000 && traces.len() > 1_000,
            "there is something to search"
        );
        let everywhere: Vec<_> = marks.iter().chain(elsewhere).copied().collect();
        [
            ("logs", watched.lines.bytes(), &everywhere[..]),
            ("traces", traces, &everywhere),
            ("metrics", metrics::render().into_bytes(), &everywhere),
            ("redis", redis, &everywhere),
            ("files", files(&product.state_dir), &everywhere),
            ("postgresql", rows, marks),
        ]
        .into_iter()
        .flat_map(|(door, went_through, marks)| find(door, &went_through, marks))
        .collect()
    }
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

/// A mark in any disguise that an encoder would give it: as it is, in hexadecimal digits, in base64 wherever it begins.
fn disguises(mark: &str) -> Vec<String> {
    let bytes = mark.as_bytes();
    let mut all = vec![mark.to_lowercase(), hex::encode(bytes), hex::encode(mark.to_uppercase())];
    for lead in 0..3 {
        // What the neighbours share a character with is left out.
        let encoded = base64(&[&vec![b' '; lead], bytes].concat());
        let from = [0, 2, 3][lead];
        let whole = (lead + bytes.len()) * 8 / 6;
        all.push(encoded[from..whole].to_lowercase());
    }
    all
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |n: usize| bytes.get(n / 8).map_or(0, |byte| usize::from(byte >> (7 - n % 8) & 1));
    (0..(bytes.len() * 8).div_ceil(6))
        .map(|digit| (0..6).fold(0, |value, n| value << 1 | bit(digit * 6 + n)))
        .map(|value| char::from(DIGITS[value]))
        .collect()
}

fn find(door: &str, went_through: &[u8], marks: &[(&str, &str)]) -> Vec<String> {
    let text = String::from_utf8_lossy(went_through).to_lowercase();
    let found = |(what, mark): &(&str, &str)| {
        disguises(mark).iter().find_map(|disguise| {
            let at = text.find(disguise.as_str())?;
            let from = text[..at].char_indices().rev().nth(200).map_or(0, |(n, _)| n);
            let around: String = text[from..].chars().take(400).collect();
            Some(format!("{door}: {what} in …{around}…"))
        })
    };
    marks.iter().filter_map(found).collect()
}
