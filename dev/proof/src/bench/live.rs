//! Live updates: what 2,000 sockets cost, how many frames a second, and how soon after its commit an event is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::{SinkExt, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use shared::audit::{Actor, Changes};
use shared::ids::TenantId;
use shared::queue::announce::Announcer;
use shared::queue::{Queues, connect};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use uuid::Uuid;

use super::set::{BRIEF, Set};
use super::{Options, counters, quantile, round};
use crate::stage::people::Tenant;
use crate::stage::servers::Servers;

const SOCKETS: usize = 2_000;
const TENANTS: usize = 10;
/// Events a second of each tenant while it is measured how soon they are told: 8,000 frames a second.
const EVENTS_PER_SECOND: u64 = 4;
/// Events of one transaction while it is measured how many frames there can be.
const FLOOD: usize = 100;

/// What the sockets have heard so far.
#[derive(Debug, Default)]
struct Heard {
    frames: AtomicUsize,
    others: AtomicUsize,
    ended: AtomicUsize,
    /// When an event was about to be committed, by its id.
    made: Mutex<HashMap<Uuid, Instant>>,
    /// Milliseconds from then until each socket had it.
    times: Mutex<Vec<f64>>,
}

pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let mut set = Set::build(options, servers, "live", BRIEF).await?;
    let tenants = set.people(12, TENANTS, 0, 48).await?;
    let announcer = Announcer::new(&Queues::new(connect(&options.place.url_redis).await?, "vio"));
    set.office.db.announce_events(move |tenant| announcer.announce(tenant));
    set.start_api().await?;
    let heard = Arc::new(Heard::default());
    let mut values = json!({ "sockets": SOCKETS, "tenants": TENANTS });
    values["api_megabytes_before"] = megabytes(&set);

    let http = reqwest::Client::builder().no_proxy().build()?;
    let began = Instant::now();
    futures::stream::iter(0..SOCKETS)
        .map(|n| open(&set, &http, &tenants[n % TENANTS], Arc::clone(&heard)))
        .buffer_unordered(16)
        .try_collect::<Vec<()>>()
        .await?;
    values["opened_per_second"] = json!(round(SOCKETS as f64 / began.elapsed().as_secs_f64()));
    tokio::time::sleep(Duration::from_secs(2)).await;
    values["api_megabytes_idle"] = megabytes(&set);

    let before = counters::read(&set, servers).await?;
    let time = options.seconds.clamp(5, 60);
    let mut timer = tokio::time::interval(Duration::from_micros(
        1_000_000 / (EVENTS_PER_SECOND * TENANTS as u64),
    ));
    let events = EVENTS_PER_SECOND as usize * TENANTS * usize::try_from(time)?;
    for n in 0..events {
        timer.tick().await;
        make(&set, tenants[n % TENANTS].id, 1, Some(&heard)).await?;
    }
    until(&heard, events * SOCKETS / TENANTS).await?;
    let spent = before.to(&counters::read(&set, servers).await?);
    let mut times =
        std::mem::take(&mut *heard.times.lock().map_err(|_| anyhow::anyhow!("a panic"))?);
    times.sort_by(f64::total_cmp);
    values["told"] = json!({
        "events_per_second": EVENTS_PER_SECOND as usize * TENANTS,
        "frames_per_second": round(times.len() as f64 / spent.seconds),
        "p50_ms": round(quantile(&times, 0.5)), "p99_ms": round(quantile(&times, 0.99)),
        "most_ms": times.last().map(|it| round(*it)),
        "cpu_percent_of_a_core": spent.cpu_percent(),
        "statements_per_second": round(spent.statements / spent.seconds),
    });

    let (began, rounds, from) = (Instant::now(), 20, heard.frames.load(Ordering::Acquire));
    for round in 1..=rounds {
        for tenant in &tenants {
            make(&set, tenant.id, FLOOD, None).await?;
        }
        until(&heard, from + round * FLOOD * SOCKETS).await?;
    }
    let frames = (rounds * FLOOD * SOCKETS) as f64;
    values["frames_per_second_at_most"] = json!(round(frames / began.elapsed().as_secs_f64()));
    values["api_megabytes_after"] = megabytes(&set);
    values["resyncs_and_others"] = json!(heard.others.load(Ordering::Acquire));
    values["sockets_lost"] = json!(heard.ended.load(Ordering::Acquire));
    set.end().await;
    Ok(values)
}

fn megabytes(set: &Set) -> Value {
    let api = set.processes.iter().find(|(name, _)| name == "api");
    json!(api.map(|(_, process)| round(process.memory() as f64 / 1e6)))
}

/// Events of one tenant in one transaction.
async fn make(
    set: &Set,
    tenant: TenantId,
    count: usize,
    heard: Option<&Heard>,
) -> anyhow::Result<()> {
    let mut tx = set.office.db.tenant(tenant).await?;
    let mut changes = Changes::by(Actor::Platform);
    for _ in 0..count {
        let id = Uuid::now_v7();
        changes.event("call.settled", id, None);
        if let Some(heard) = heard {
            let mut made = heard.made.lock().map_err(|_| anyhow::anyhow!("a panic"))?;
            made.insert(id, Instant::now());
        }
    }
    changes.append(&mut tx).await?;
    Ok(tx.commit().await?)
}

async fn until(heard: &Heard, frames: usize) -> anyhow::Result<()> {
    let start = Instant::now();
    while heard.frames.load(Ordering::Acquire) < frames {
        let now = heard.frames.load(Ordering::Acquire);
        anyhow::ensure!(start.elapsed() < Duration::from_secs(60), "{now} of {frames} frames came");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Opens a socket, and counts what it hears from then on.
async fn open(
    set: &Set,
    http: &reqwest::Client,
    tenant: &Tenant,
    heard: Arc<Heard>,
) -> anyhow::Result<()> {
    let mut socket = connected(set, http, tenant).await?;
    socket.send(Message::text("{}")).await?;
    let hello = socket.next().await.context("no hello")??;
    anyhow::ensure!(hello.to_text()?.contains("hello"), "{hello}");
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            if !text.contains("\"event\"") {
                heard.others.fetch_add(usize::from(text.contains("resync")), Ordering::Relaxed);
                continue;
            }
            let id = text.split("\"id\":\"").nth(1).and_then(|rest| rest.get(..36)?.parse().ok());
            let made = id.and_then(|id: Uuid| heard.made.lock().ok()?.get(&id).copied());
            if let (Some(made), Ok(mut times)) = (made, heard.times.lock()) {
                times.push(made.elapsed().as_secs_f64() * 1e3);
            }
            heard.frames.fetch_add(1, Ordering::AcqRel);
        }
        heard.ended.fetch_add(1, Ordering::AcqRel);
    });
    Ok(())
}

async fn connected(
    set: &Set,
    http: &reqwest::Client,
    tenant: &Tenant,
) -> anyhow::Result<WebSocketStream<TcpStream>> {
    let url = format!("http://{}/v1/live/tickets", set.api_address);
    let ticket = http.post(url).bearer_auth(&tenant.api_key).send().await?.error_for_status()?;
    let ticket: Value = ticket.json().await?;
    let ticket = ticket["ticket"].as_str().context("no ticket")?;
    let mut request = format!("ws://{}/v1/live", set.api_address).into_client_request()?;
    let protocols = format!("vio.live.v1, ticket.{ticket}").parse()?;
    request.headers_mut().insert("sec-websocket-protocol", protocols);
    let stream = TcpStream::connect(set.api_address).await?;
    let config = tokio_tungstenite::tungstenite::protocol::WebSocketConfig::default()
        .read_buffer_size(4 * 1024);
    Ok(tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?.0)
}
