//! Measures the engine at full speed, beside the limits of what it stands on, in one run and on one machine.
//! `docs/benchmarks.md` holds figures, and what they are to be compared with.

mod api;
mod bare;
mod call_now;
mod contacts;
mod counters;
mod failover;
mod floor;
mod flush;
mod jobs;
mod live;
mod load;
mod polling;
mod set;
mod throughput;
mod waiting;

pub(crate) use bare::{Options as Bare, serve as serve_bare};
use serde_json::{Map, Value, json};

use crate::stage::Place;
use crate::stage::servers::Servers;

/// What a run is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) place: Place,
    /// What chance is derived from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long throughput is measured.
    #[arg(long, default_value_t = 60)]
    pub(crate) seconds: u64,
    /// How long each round of polling takes: five minutes by the requirements.
    #[arg(long, default_value_t = 300)]
    pub(crate) polling_seconds: u64,
    /// Of the tenant whose contacts are searched.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) contacts: usize,
    /// Contacts that other tenants have meanwhile.
    #[arg(long, default_value_t = 0)]
    pub(crate) among: usize,
    /// One part only; may be given several times.
    #[arg(long)]
    only: Vec<Part>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[clap(rename_all = "snake_case")]
enum Part {
    /// From the press of a button to the provider.
    CallNow,
    /// Calls a second, and what each costs.
    Throughput,
    /// Redis, PostgreSQL and the disk by themselves.
    Limits,
    /// What 100,000 waiting calls cost.
    Waiting,
    /// What a call behind the window costs.
    Window,
    /// How soon others run what a dead or frozen worker had taken.
    Failover,
    /// How soon a flushed Redis is full again.
    Flush,
    /// Small reads over HTTP.
    Api,
    /// A tenant's people who poll.
    Polling,
    /// Live updates.
    Live,
    /// Searching contacts.
    Contacts,
    /// Long work.
    Jobs,
}

const ALL: [Part; 12] = {
    use Part::*;
    [
        CallNow, Throughput, Limits, Waiting, Window, Failover, Flush, Api, Polling, Live,
        Contacts, Jobs,
    ]
};

/// Measures, prints, and leaves a report.
///
/// # Errors
/// Something could not be measured.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let servers = Servers::adopt(&options.place)?;
    let mut measured = Map::new();
    for part in ALL.into_iter().filter(|it| options.only.is_empty() || options.only.contains(it)) {
        let (name, value) = match part {
            Part::CallNow => ("call_now", call_now::measure(&options, &servers).await?),
            Part::Throughput => ("throughput", throughput::measure(&options, &servers).await?),
            Part::Limits => ("limits", floor::measure(&options, &servers).await?),
            Part::Waiting => ("waiting", waiting::measure(&options, &servers).await?),
            Part::Window => ("window", waiting::measure_window(&options, &servers).await?),
            Part::Failover => ("failover", failover::measure(&options, &servers).await?),
            Part::Api => ("api", api::measure(&options, &servers).await?),
            Part::Polling => ("polling", polling::measure(&options, &servers).await?),
            Part::Live => ("live", live::measure(&options, &servers).await?),
            Part::Contacts => ("contacts", contacts::measure(&options, &servers).await?),
            Part::Jobs => ("jobs", jobs::measure(&options, &servers).await?),
            Part::Flush => ("flush", flush::measure(&options, &servers).await?),
        };
        println!("    {name}: {}", serde_json::to_string_pretty(&value)?.replace('\n', "\n    "));
        measured.insert(name.to_owned(), value);
    }
    let report = json!({"seed": options.seed, "seconds": options.seconds, "measured": Value::Object(measured)});
    std::fs::write(options.place.state.join("report.json"), report.to_string())?;
    Ok(())
}

/// The value below which a share of the sorted values lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

/// Two figures after the point are more than a bench knows.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
