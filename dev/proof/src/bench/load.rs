//! Requests at a fixed rate, whatever becomes of them: an open loop. A time is measured from when the request was *due*, so
//! a server that stalls pays for all that should have come meanwhile (no coordinated omission).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{quantile, round};

/// Connections that are kept open. When all wait for an answer, what is due waits too, and its time runs.
const CONNECTIONS: usize = 64;

/// What is asked for, in turn.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
}

impl Target {
    /// GET requests for these paths, each with its key, if any.
    pub(crate) fn new<'a>(
        address: SocketAddr,
        requests: impl IntoIterator<Item = (String, Option<&'a str>)>,
    ) -> Self {
        let raw = |(path, key): (String, Option<&str>)| {
            let key =
                key.map_or_else(String::new, |key| format!("authorization: Bearer {key}\r\n"));
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{key}\r\n").into_bytes()
        };
        Self { address, requests: Arc::new(requests.into_iter().map(raw).collect()) }
    }
}

impl Target {
    /// POST requests of these bodies to these paths, each with its key.
    pub(crate) fn posts<'a>(
        address: SocketAddr,
        requests: impl IntoIterator<Item = (String, &'a str, String)>,
    ) -> Self {
        Self::with_bodies(address, "POST", "", requests)
    }

    /// PATCH requests of these bodies, each of something that was never changed.
    pub(crate) fn patches<'a>(
        address: SocketAddr,
        requests: impl IntoIterator<Item = (String, &'a str, String)>,
    ) -> Self {
        Self::with_bodies(address, "PATCH", "if-match: \"1\"\r\n", requests)
    }

    fn with_bodies<'a>(
        address: SocketAddr,
        method: &str,
        headers: &str,
        requests: impl IntoIterator<Item = (String, &'a str, String)>,
    ) -> Self {
        let raw = |(path, key, body): (String, &str, String)| {
            let length = body.len();
            format!(
                "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n{headers}\
                 content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .into_bytes()
        };
        Self { address, requests: Arc::new(requests.into_iter().map(raw).collect()) }
    }
}

/// So many people each ask again once they are answered, at least once and for so long: a closed loop.
pub(crate) async fn together(
    target: &Target,
    people: usize,
    time: Duration,
) -> anyhow::Result<Times> {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for person in 0..people {
        let target = target.clone();
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(target.address).await?;
            stream.set_nodelay(true)?;
            let (mut times, mut buffer) = (Vec::new(), Vec::with_capacity(1 << 20));
            for i in person.. {
                let sent = Instant::now();
                stream.write_all(&target.requests[i % target.requests.len()]).await?;
                let status = answer(&mut stream, &mut buffer).await?;
                let ms = sent.elapsed().as_secs_f64() * 1e3;
                times.push((ms, ms, status));
                if start.elapsed() >= time {
                    break;
                }
            }
            anyhow::Ok(times)
        });
    }
    let mut each = Vec::new();
    while let Some(times) = tasks.join_next().await {
        each.extend(times??);
    }
    Ok(Times::of(each, start.elapsed().as_secs_f64()))
}

/// What came of a load.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// Milliseconds from when each was due until its answer was read. Sorted.
    pub(crate) due: Vec<f64>,
    /// Milliseconds from when each was sent. Sorted.
    pub(crate) sent: Vec<f64>,
    pub(crate) statuses: BTreeMap<u16, usize>,
    seconds: f64,
}

impl Times {
    /// Of each request: milliseconds from when it was due and from when it was sent, and its status.
    pub(super) fn of(each: Vec<(f64, f64, u16)>, seconds: f64) -> Self {
        let mut times = Self { seconds, ..Self::default() };
        for (due, sent, status) in each {
            times.due.push(due);
            times.sent.push(sent);
            *times.statuses.entry(status).or_default() += 1;
        }
        times.due.sort_by(f64::total_cmp);
        times.sent.sort_by(f64::total_cmp);
        times
    }

    /// The figures.
    pub(crate) fn report(&self) -> Value {
        let figures = |times: &[f64]| {
            json!({
                "p50_ms": round(quantile(times, 0.5)), "p90_ms": round(quantile(times, 0.9)),
                "p99_ms": round(quantile(times, 0.99)), "p999_ms": round(quantile(times, 0.999)),
                "most_ms": times.last().map(|it| round(*it)),
            })
        };
        let words = |(status, count): (&u16, &usize)| (status.to_string(), json!(count));
        json!({
            "requests": self.due.len(),
            "answered_per_second": round(self.due.len() as f64 / self.seconds),
            "from_due": figures(&self.due),
            "from_sent": figures(&self.sent),
            "statuses": self.statuses.iter().map(words).collect::<serde_json::Map<_, _>>(),
        })
    }
}

/// Sends `rate` requests a second for so long.
pub(crate) async fn run(target: &Target, rate: f64, time: Duration) -> anyhow::Result<Times> {
    let total = (rate * time.as_secs_f64()) as usize;
    let next = Arc::new(AtomicUsize::new(0));
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        connections.push(stream);
    }
    let start = Instant::now() + Duration::from_millis(20);
    let mut tasks = tokio::task::JoinSet::new();
    for mut stream in connections {
        let (target, next) = (target.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            let mut times = Vec::with_capacity(total / CONNECTIONS * 2);
            let mut buffer = Vec::with_capacity(16 * 1024);
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= total {
                    return anyhow::Ok(times);
                }
                let due = start + Duration::from_secs_f64(i as f64 / rate);
                tokio::time::sleep_until(due.into()).await;
                let sent = Instant::now();
                stream.write_all(&target.requests[i % target.requests.len()]).await?;
                let status = answer(&mut stream, &mut buffer).await?;
                let ms = |since: Instant| since.elapsed().as_secs_f64() * 1e3;
                times.push((ms(due), ms(sent), status));
            }
        });
    }
    let mut each = Vec::with_capacity(total);
    while let Some(times) = tasks.join_next().await {
        each.extend(times??);
    }
    Ok(Times::of(each, start.elapsed().as_secs_f64()))
}

/// Reads one answer whose length is told, and gives its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<u16> {
    buffer.clear();
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the connection ended in an answer");
    };
    let text = std::str::from_utf8(&buffer[..head])?;
    let status = text.get(9..12).context("no status")?.parse()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = head + length.context("an answer without length")?;
    while buffer.len() < whole {
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the connection ended in a body");
    }
    Ok(status)
}
