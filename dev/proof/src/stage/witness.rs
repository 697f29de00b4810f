//! The simulated provider, whose own record is the witness: started within this process, which is never frozen.

use std::collections::BTreeMap;

use simulator::{Account, Config, DialRecord, Simulator, Timings};
use uuid::Uuid;

/// One request to place a call, as the provider saw it, with our ids read from its metadata.
#[derive(Debug, Clone)]
pub(crate) struct Dial {
    pub(crate) attempt: Uuid,
    pub(crate) call: Uuid,
    pub(crate) tenant: Uuid,
    pub(crate) number: String,
    /// A call was placed.
    pub(crate) accepted: bool,
    /// By the rules it counts: it rang, or may have.
    pub(crate) counted: bool,
    /// By the machine's clock, Unix milliseconds: when the request came.
    pub(crate) received: i64,
    /// When the provider began to dial; `None` if it didn't come to that.
    pub(crate) dialled: Option<i64>,
    /// When all was over; `None` while it isn't.
    pub(crate) ended: Option<i64>,
}

impl Dial {
    /// `None` for a request that isn't one of ours.
    pub(crate) fn of(record: &DialRecord) -> Option<Self> {
        let metadata = record.metadata();
        let id = |name: &str| metadata.get(name)?.as_str()?.parse::<Uuid>().ok();
        let uncounted = ["invalid_destination", "concurrency_limit_reached", "no_valid_payment"];
        let reason = record.disconnection_reason.as_deref().unwrap_or_default();
        Some(Self {
            attempt: id("attempt_id")?,
            call: id("session_id")?,
            tenant: id("tenant_id")?,
            number: record.to_number?.to_string(),
            accepted: record.accepted,
            counted: record.accepted && !uncounted.contains(&reason),
            received: record.received_at,
            dialled: record.dialled_at,
            ended: record.ended_at,
        })
    }
}

/// Milliseconds a call takes at every stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) ring: [u64; 2],
    pub(crate) talk: [u64; 2],
    pub(crate) analysis: [u64; 2],
}

/// Starts a provider with these accounts.
pub(crate) async fn start_at(
    listen: std::net::SocketAddr,
    seed: u64,
    accounts: Vec<Account>,
    pace: Pace,
    record: Option<std::path::PathBuf>,
) -> anyhow::Result<Simulator> {
    Simulator::start(Config {
        listen,
        record,
        seed,
        accounts,
        drama_numbers: false,
        timings: Timings {
            ring: pace.ring,
            no_answer: pace.ring,
            failure: pace.ring,
            talk: pace.talk,
            short_talk: pace.talk,
            voicemail: pace.talk,
            analysis: pace.analysis,
        },
        ..Config::default()
    })
    .await
}

/// What people do when they are called, as everyday as the simulator's own mix, with more opt-outs.
pub(crate) fn everyday() -> BTreeMap<String, f64> {
    [
        ("confirmed", 40.0),
        ("no_answer", 18.0),
        ("voicemail", 12.0),
        ("rescheduled", 6.0),
        ("cancelled", 6.0),
        ("no_action", 6.0),
        ("busy", 6.0),
        ("user_declined", 3.0),
        ("opt_out", 3.0),
    ]
    .map(|(name, weight)| (name.to_owned(), weight))
    .into()
}
