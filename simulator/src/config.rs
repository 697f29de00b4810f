//! What a simulator is told when it starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use crate::rules::Rule;
use crate::scenario::{Outcome, Scenario};

/// All settings. [`Config::default`] suits a test: a free port, one account, full speed.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What chance is derived from.
    pub seed: u64,
    /// Ringing, talking and analysing take this many times less. Faults don't: they are measured
    /// against time-outs, which don't shrink either.
    pub speed: f64,
    /// Who may call. At least one.
    pub accounts: Vec<Account>,
    /// Rules that come before the table of drama numbers.
    pub rules: Vec<Rule>,
    /// Does the table of drama numbers hold?
    pub drama_numbers: bool,
    /// The conversation where no rule says anything.
    pub fallback: Scenario,
    /// How long things take.
    pub timings: Timings,
    /// How webhooks are sent.
    pub webhooks: WebhookPolicy,
    /// Where the record is appended, as JSON lines.
    pub record: Option<PathBuf>,
    /// May the control API be used from other machines?
    pub control_from_anywhere: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            seed: 1,
            speed: 1.0,
            accounts: vec![Account::default()],
            rules: Vec::new(),
            drama_numbers: true,
            fallback: Scenario::of(Outcome::Confirmed),
            timings: Timings::default(),
            webhooks: WebhookPolicy::default(),
            record: None,
            control_from_anywhere: false,
        }
    }
}

/// One customer of the vendor. No `Debug`: it holds a key.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// What the record calls it.
    pub label: String,
    /// The bearer token, which also signs its webhooks.
    pub api_key: String,
    /// Where its webhooks go, unless a call names another place.
    pub webhook_url: Option<String>,
    /// How many calls it may have at a time.
    pub concurrency: u32,
    /// How many of those are kept for inbound calls, which we don't simulate.
    pub reserved_inbound: u32,
    /// What becomes of a call too many.
    pub over_concurrency: OverConcurrency,
    /// Starts per second; more wait their turn. `None`: no limit.
    pub calls_per_second: Option<f64>,
    /// The agents it has; empty: any.
    pub agents: Vec<String>,
    /// The numbers it may call from; empty: any.
    pub from_numbers: Vec<String>,
    /// The agent of a call that names none.
    pub default_agent: String,
    /// Has it stopped paying? Then every call is refused with 402.
    pub payment_required: bool,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            label: "demo".to_owned(),
            api_key: "key_simulator_demo".to_owned(),
            webhook_url: None,
            concurrency: 20,
            reserved_inbound: 0,
            over_concurrency: OverConcurrency::Reject,
            calls_per_second: None,
            agents: Vec::new(),
            from_numbers: Vec::new(),
            default_agent: "agent_simulator".to_owned(),
            payment_required: false,
        }
    }
}

/// The vendor's documents leave open which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverConcurrency {
    /// 429.
    Reject,
    /// 201, and then the call ends in `error` with `concurrency_limit_reached`.
    AcceptThenFail,
}

/// Ranges in milliseconds, both ends included.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timings {
    /// From dialling to the answer.
    pub ring: [u64; 2],
    /// From dialling to giving up. The agent's `ring_duration_ms`, where a call gives one, wins.
    pub no_answer: [u64; 2],
    /// From dialling to busy, declined, failed or invalid.
    pub failure: [u64; 2],
    /// A conversation.
    pub talk: [u64; 2],
    /// A conversation that is soon over: opted out, wrong number.
    pub short_talk: [u64; 2],
    /// A message on an answering machine.
    pub voicemail: [u64; 2],
    /// From the end to the analysis.
    pub analysis: [u64; 2],
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            ring: [3_000, 12_000],
            // The vendor's default for an agent.
            no_answer: [30_000, 30_000],
            failure: [800, 4_000],
            talk: [35_000, 95_000],
            short_talk: [6_000, 20_000],
            voicemail: [12_000, 28_000],
            analysis: [2_000, 8_000],
        }
    }
}

/// How webhooks are sent. The defaults are the vendor's, except for the waits, which it doesn't tell.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookPolicy {
    /// How long an answer may take, in milliseconds.
    pub timeout_ms: u64,
    /// The waits before the retries, in milliseconds; as many retries as waits.
    pub retry_after_ms: Vec<u64>,
    /// How many may be under way at a time.
    pub concurrency: usize,
}

impl Default for WebhookPolicy {
    fn default() -> Self {
        Self { timeout_ms: 10_000, retry_after_ms: vec![1_000, 5_000, 20_000], concurrency: 64 }
    }
}

/// The file that `SIMULATOR_RULES` names. What it leaves out stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    rules: Option<Vec<Rule>>,
    accounts: Option<Vec<Account>>,
    timings: Option<Timings>,
    webhooks: Option<WebhookPolicy>,
    drama_numbers: Option<bool>,
}

impl RulesFile {
    /// # Errors
    /// It can't be read, or isn't what it should be.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading the rules in {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("understanding the rules in {}", path.display()))
    }

    /// The configuration with what the file says in place of what it said.
    pub fn apply(self, config: Config) -> Config {
        Config {
            rules: self.rules.unwrap_or(config.rules),
            accounts: self.accounts.unwrap_or(config.accounts),
            timings: self.timings.unwrap_or(config.timings),
            webhooks: self.webhooks.unwrap_or(config.webhooks),
            drama_numbers: self.drama_numbers.unwrap_or(config.drama_numbers),
            ..config
        }
    }
}
