//! The engine turned by hand: one look, one dial, one sweep at a time, in the order that a test wants.

use std::sync::Arc;

use shared::calls::store::dial as dial_store;
use shared::db::Db;
use shared::ids::{AttemptId, SenderId, WebhookId};
use shared::journal::Journal;
use shared::queue::{Sentinel, Signals, Wakes};
use shared::tenants::KeyRing;
use shared::testing::{Booking, Inhabitant};
use simulator::{Faults, Outcome, Rule, Scenario};
use tokio::sync::{mpsc, watch};
use worker::accounts::Accounts;
use worker::app::{App, Parts};
use worker::dispatch::look::{Purpose, look};
use worker::high_water::HighWater;
use worker::relay::Reserved;
use worker::sender::Locks;
use worker::{dial, settle, sweep};

use crate::agreement::files_in;
use crate::factory::Factory;

/// A worker process of which nothing runs by itself.
pub(crate) struct Hands {
    pub(crate) app: App,
    /// What the breaker's probe hands over.
    pub(crate) reserved: mpsc::Receiver<Reserved>,
    tenant: Inhabitant,
    world: Arc<shared::testing::World>,
    _stop: watch::Sender<bool>,
}

/// SQL made in a test. Leaked: tests are short.
pub(crate) fn sql(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

impl Factory {
    /// A sender of its own on this host, registered as the worker does it.
    pub(crate) async fn hands(&self) -> Hands {
        let (app_url, engine_url) = self.world.database_urls();
        let state_dir = self.state_dir();
        let queues = self.world.queues.clone();
        let sender = SenderId::new();
        let (stop, told) = watch::channel(false);
        let (reserved, to_send) = mpsc::channel(64);
        // What it keeps of tenants' keys is its own.
        let keys = Arc::new(KeyRing::new(self.world.keys.master().clone()));
        let db = Db::connect(&app_url, &engine_url, 8).unwrap();
        let nothing = shared::book::BookLimits { bytes: 0, ..Default::default() };
        let app = App::new(Parts {
            books: shared::book::Books::new(db.clone(), Arc::clone(&keys), nothing),
            files: files_in(&state_dir),
            db,
            signals: Signals::new(&queues),
            wakes: Wakes::default(),
            sentinel: Sentinel::new(&queues),
            keys,
            accounts: Accounts::default(),
            sender,
            high_water: HighWater::open(&queues, &state_dir).unwrap(),
            journal: Journal::open(&state_dir).unwrap(),
            locks: Locks::take(&state_dir, sender).unwrap(),
            recovery_hold: std::time::Duration::from_secs(1),
            queues,
            reserved,
            stop: told,
        });
        shared::calls::store::sweep::register_sender(&app.db, sender, app.locks.host())
            .await
            .unwrap();
        Hands {
            app,
            reserved: to_send,
            tenant: self.tenant.clone(),
            world: Arc::clone(&self.world),
            _stop: stop,
        }
    }
}

impl Hands {
    /// One look at the tenant.
    pub(crate) async fn look(&self) -> Vec<AttemptId> {
        look(&self.app, self.tenant.id, Purpose::Ordinary { room: 100 }).await.unwrap()
    }

    /// One run of a dial's task.
    pub(crate) async fn dial(&self, attempt: AttemptId) {
        dial::dial(&self.app, self.tenant.id, attempt).await.unwrap();
    }

    /// Looks, and dials what was reserved.
    pub(crate) async fn look_and_dial(&self) -> Vec<AttemptId> {
        let reserved = self.look().await;
        for attempt in &reserved {
            self.dial(*attempt).await;
        }
        reserved
    }

    /// Applies the webhooks that are stored.
    pub(crate) async fn settle(&self) {
        let ids = self
            .world
            .texts("select id::text from webhooks where state = 'stored' order by received_at")
            .await;
        let ids: Vec<WebhookId> = ids.iter().map(|id| WebhookId(id.parse().unwrap())).collect();
        settle::settle(&self.app, &ids).await.unwrap();
    }

    /// One sweep of the attempts whose time has come.
    pub(crate) async fn check(&self) {
        sweep::attempts::check(&self.app).await.unwrap();
    }

    /// Moves the clock on, and sweeps the attempts.
    pub(crate) async fn later(&self, by: chrono::Duration) {
        self.world.advance(by).await;
        self.check().await;
    }
}

/// The number that most tests dial.
pub(crate) const PHONE: &str = "+447700900200";
/// The calls, in words.
pub(crate) const CALL: &str = "select concat_ws(' ', state, outcome) from calls";
/// The attempts that were not given back, oldest first.
pub(crate) const ATTEMPTS: &str = "select concat_ws(' ', state, outcome, counts) from attempts \
                                   where state <> 'released' order by reserved_at";
/// What staff are told.
pub(crate) const FLAGS: &str = "select reason from flags order by reason";

impl Factory {
    /// Books an appointment for a new contact with a number that ends so.
    pub(crate) async fn book(&self, last_digits: u32, hours: i64) -> Booking {
        let phone = format!("+447700900{last_digits:03}");
        self.world.book(&self.tenant, &phone, hours).await
    }

    /// What a query gives, rows separated by commas.
    pub(crate) async fn word(&self, query: &'static str) -> String {
        self.world.texts(query).await.join(", ")
    }

    /// How many calls the provider placed.
    pub(crate) fn placed(&self) -> usize {
        self.simulator.dials().iter().filter(|dial| dial.accepted).count()
    }
}

/// Every conversation is this one.
pub(crate) fn says(name: &str) -> Rule {
    Rule { scenario: Some(Scenario::named(name).unwrap()), ..Rule::default() }
}

/// This goes wrong with every call.
pub(crate) fn fails(name: &str) -> Rule {
    Rule { faults: Some(Faults::named(name).unwrap()), ..Rule::default() }
}

/// A factory that is turned by hand, with a provider that follows these rules.
pub(crate) async fn with(rules: Vec<Rule>) -> (Factory, Hands) {
    let factory = Factory::with(|config| {
        config.rules = rules;
        config.drama_numbers = false;
    })
    .await;
    let hands = factory.hands().await;
    (factory, hands)
}

/// The first call goes wrong so, the later ones don't.
pub(crate) async fn first_call(fault: &'static str) -> Factory {
    Factory::with(|config| {
        config.rules = vec![
            Rule { nth: vec![1], ..fails(fault) },
            Rule { scenario: Some(Scenario::of(Outcome::Confirmed)), ..Rule::default() },
        ];
    })
    .await
}

/// Applies webhooks until the provider has said all of its calls.
pub(crate) async fn conversation_over(factory: &Factory, hands: &Hands) {
    let open = "select count(*) from attempts where state in ('placed', 'ended')";
    let said = async {
        while factory.world.number(open).await > 0 {
            hands.settle().await;
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), said).await.unwrap();
}

/// Writes the intent, and then nothing: a process that was frozen before its request.
pub(crate) async fn claim_only(factory: &Factory, hands: &Hands, attempt: AttemptId) {
    let mut tx = hands.app.db.tenant(factory.tenant.id).await.unwrap();
    let opened = dial_store::open(&mut tx, attempt).await.unwrap().unwrap();
    dial_store::claim(&mut tx, attempt, hands.app.sender, opened.now, 0).await.unwrap().unwrap();
    tx.commit().await.unwrap();
}
