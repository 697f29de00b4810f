//! From the press of a button to the provider: HTTP request sent, request to place a call received.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::set::{BRIEF, Set};
use super::{Options, quantile, round};
use crate::stage::real_ms;
use crate::stage::servers::Servers;

const PRESSES: usize = 300;

/// One at a time, on a system that has nothing else to do. A tenant each, so that no window is reached.
pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let mut set = Set::build(options, servers, "call_now", BRIEF).await?;
    // Two days ahead: their reminders are not due.
    let tenants = set.people(12, PRESSES, 1, 48).await?;
    set.start_api().await?;
    set.start_worker(None).await?;
    set.start_worker(None).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;

    let http = reqwest::Client::builder().no_proxy().build()?;
    let (mut times, mut seen) = (Vec::new(), 0);
    for tenant in &tenants {
        let contact: uuid::Uuid =
            sqlx::query_scalar("select id from contacts where tenant_id = $1")
                .bind(tenant.id)
                .fetch_one(&set.admin)
                .await?;
        let url = format!("http://{}/v1/contacts/{contact}/call-now", set.api_address);
        let pressed = real_ms();
        let reply = http.post(url).bearer_auth(&tenant.api_key).json(&json!({})).send().await?;
        anyhow::ensure!(reply.status().is_success(), "call now was answered {}", reply.status());
        let start = Instant::now();
        let asked = loop {
            if let Some(dial) = set.simulator.dials_since(seen).first() {
                seen = dial.seq;
                break dial.received_at;
            }
            anyhow::ensure!(start.elapsed() < Duration::from_secs(10), "nobody was called");
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        times.push((asked - pressed) as f64);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    set.end().await;
    times.sort_by(f64::total_cmp);
    Ok(json!({
        "presses": times.len(),
        "p50_ms": quantile(&times, 0.5),
        "p90_ms": quantile(&times, 0.9),
        "p99_ms": quantile(&times, 0.99),
        "most_ms": times.last(),
        "mean_ms": round(times.iter().sum::<f64>() / times.len() as f64),
    }))
}
