//! A voice vendor to practise on: it speaks Retell's wire format, calls nobody, and can be told to
//! misbehave. Tests, the demo, the benches and the chaos runs point the real client at it.
//!
//! It shares no code with the rest of the workspace, so that a misreading of the vendor's documents
//! on one side isn't repeated on the other, and it keeps its own record of every request and every
//! ring ([`Simulator::dials`]): the witness against which our database is checked.
//!
//! `docs/simulator.md` has the scenarios, the faults, the control API, and what of all this is
//! documented by the vendor and what is our assumption.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod call;
mod config;
mod connection;
mod dice;
mod drama;
mod event;
mod faults;
mod filter;
mod http;
mod life;
mod named;
mod number;
mod outage;
mod placing;
mod record;
mod rules;
mod scenario;
mod shape;
pub mod signature;
mod state;
mod timers;
mod transcript;
mod vendor;
mod webhooks;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use config::{Account, Config, OverConcurrency, RulesFile, Timings, WebhookPolicy};
pub use event::Event;
pub use faults::{BadFault, Connection, Faults, Order, Signing};
pub use number::{NotE164, Number};
pub use outage::{Endpoint, Outage, Silence, VendorFaults};
pub use record::DialRecord;
pub use rules::{BadRule, Rule};
pub use scenario::{Outcome, Scenario, Sentiment, UnknownScenario};
pub use state::{AccountState, State, Webhooks};

use vendor::Vendor;
use world::World;

/// A running simulator. Dropping it leaves it running until the runtime ends; [`Simulator::stop`]
/// ends it and writes out its record.
pub struct Simulator {
    addr: SocketAddr,
    vendor: Arc<Vendor>,
    server: JoinHandle<()>,
    tasks: Vec<JoinHandle<()>>,
}

/// How long [`Simulator::stop`] lets open connections finish.
const GRACE: Duration = Duration::from_millis(500);

impl Simulator {
    /// Starts listening.
    ///
    /// # Errors
    /// The port is taken, the record can't be opened, a rule can't be followed, or the settings
    /// make no sense.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        anyhow::ensure!(!config.accounts.is_empty(), "a simulator needs an account");
        anyhow::ensure!(
            config.speed > 0.0 && config.speed.is_finite(),
            "the speed must be more than 0"
        );
        let (outbox, deliveries) = mpsc::unbounded_channel();
        let file = config.record.as_deref().map(record::open).transpose()?;
        let (record, lines) = mpsc::unbounded_channel();
        let listen = config.listen;
        let record = file.is_some().then_some(record);
        let world = World::new(Arc::new(config), outbox, record).context("reading the rules")?;
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
        let addr = listener.local_addr()?;
        let vendor = Arc::new(Vendor::new(world));

        let mut tasks = vec![
            tokio::spawn(vendor::keep_time(Arc::clone(&vendor))),
            tokio::spawn(webhooks::send_all(Arc::clone(&vendor), webhooks::client()?, deliveries)),
        ];
        if let Some(file) = file {
            tasks.push(tokio::spawn(record::write_all(Arc::clone(&vendor), file, lines)));
        }
        let app = http::router(Arc::clone(&vendor))
            .into_make_service_with_connect_info::<connection::Peer>();
        let stopping = Arc::clone(&vendor);
        let server = tokio::spawn(async move {
            let served = axum::serve(connection::Door(listener), app)
                .with_graceful_shutdown(async move { stopping.stopped().await })
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the simulator stopped serving");
            }
        });
        tracing::info!(%addr, "the simulator listens");
        Ok(Self { addr, vendor, server, tasks })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The same as a URL, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Every request to place a call so far, in the order in which they were taken up.
    pub fn dials(&self) -> Vec<DialRecord> {
        self.dials_since(0)
    }

    /// The same from after `seq` on.
    pub fn dials_since(&self, seq: u32) -> Vec<DialRecord> {
        self.vendor.world().records(seq, self.vendor.now())
    }

    /// The counts.
    pub fn state(&self) -> State {
        self.vendor.world().state(self.vendor.now())
    }

    /// Replaces the rules set at run time, which come before all others.
    ///
    /// # Errors
    /// A rule can't be followed; then nothing has changed.
    pub fn set_rules(&self, rules: &[Rule]) -> Result<(), BadRule> {
        self.vendor.change(|world| world.set_rules(rules))
    }

    /// Replaces the faults of the whole vendor.
    ///
    /// # Errors
    /// A fault is unknown; then nothing has changed.
    pub fn set_faults(&self, faults: VendorFaults) -> Result<(), BadRule> {
        self.vendor.change(|world| world.set_faults(faults))
    }

    /// Forgets every call, and every rule and fault set at run time.
    pub fn reset(&self) {
        self.vendor.change(|world| world.reset());
    }

    /// Waits until `condition` holds, looking whenever something has changed. False if it didn't
    /// within `limit`.
    pub async fn wait_until(
        &self,
        limit: Duration,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> bool {
        let mut changes = self.vendor.changes();
        let holds = async {
            while !condition(self) {
                if changes.changed().await.is_err() {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(limit, holds).await.unwrap_or(false)
    }

    /// Stops listening, sends no more webhooks, and writes out the record. Calls under way are
    /// forgotten.
    pub async fn stop(self) {
        self.vendor.stop();
        let abort = self.server.abort_handle();
        if tokio::time::timeout(GRACE, self.server).await.is_err() {
            // Somebody keeps a connection busy; they will find it closed.
            abort.abort();
        }
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part of the simulator had broken down");
            }
        }
    }
}
