//! All that the vendor knows, behind one lock that is never held for long.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::call::{Agent, Call, Dial, Hook, Stage};
use crate::config::{Account, Config};
use crate::dice::mix;
use crate::faults::Faults;
use crate::outage::VendorFaults;
use crate::record::{self, Moment};
use crate::rules::{self, BadRule, Ready, Rule};
use crate::scenario::Scenario;
use crate::state::{AccountState, State, Webhooks};
use crate::timers::Timers;
use crate::webhooks::Delivery;
use crate::{drama, number::Number};

/// The vendor's memory.
pub(crate) struct World {
    pub(crate) config: Arc<Config>,
    /// Parts the calls of this life from those of an earlier one in their ids.
    nonce: u64,
    /// How often it was reset; webhooks of an earlier life are dropped.
    pub(crate) era: u32,
    pub(crate) trunks: Vec<Trunk>,
    keys: HashMap<String, u16>,
    pub(crate) rules: RuleBook,
    pub(crate) vendor: VendorFaults,
    pub(crate) vendor_faults: Vec<(f64, Arc<Faults>)>,
    pub(crate) fallback: Arc<Scenario>,
    pub(crate) no_faults: Arc<Faults>,
    pub(crate) dials: Vec<Dial>,
    pub(crate) counts: HashMap<(u16, Number), u32>,
    hooks: HashSet<Arc<Hook>>,
    agents: HashSet<Arc<Agent>>,
    pub(crate) timers: Timers,
    pub(crate) waiting: HashMap<u32, Waiter>,
    pub(crate) webhooks: Webhooks,
    pub(crate) outbox: UnboundedSender<Delivery>,
    record: Option<UnboundedSender<String>>,
}

/// What an account has under way.
#[derive(Clone, Copy, Default)]
pub(crate) struct Trunk {
    pub(crate) busy: u32,
    /// The first free start, where starts per second are limited.
    pub(crate) next_start: f64,
}

/// Rules in the order in which they are asked.
pub(crate) struct RuleBook {
    /// Set at run time.
    pub(crate) set: Vec<Ready>,
    configured: Vec<Ready>,
    drama: Vec<Ready>,
}

impl RuleBook {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Ready> {
        self.set.iter().chain(&self.configured).chain(&self.drama)
    }
}

/// A reply that waits until a call's webhooks have been sent.
pub(crate) struct Waiter {
    pub(crate) under_way: u32,
    pub(crate) over: bool,
    pub(crate) done: oneshot::Sender<()>,
}

impl World {
    /// # Errors
    /// A rule that can't be followed.
    pub(crate) fn new(
        config: Arc<Config>,
        outbox: UnboundedSender<Delivery>,
        record: Option<UnboundedSender<String>>,
    ) -> Result<Self, BadRule> {
        let drama = if config.drama_numbers { drama::rules() } else { Vec::new() };
        let keys = config.accounts.iter().map(|it| it.api_key.clone()).zip(0..).collect();
        Ok(Self {
            nonce: fresh_nonce(),
            era: 0,
            trunks: vec![Trunk::default(); config.accounts.len()],
            keys,
            rules: RuleBook {
                set: Vec::new(),
                configured: rules::ready(&config.rules)?,
                drama: rules::ready(&drama)?,
            },
            vendor: VendorFaults::default(),
            vendor_faults: Vec::new(),
            fallback: Arc::new(config.fallback.clone()),
            no_faults: Arc::new(Faults::none()),
            dials: Vec::new(),
            counts: HashMap::new(),
            hooks: HashSet::new(),
            agents: HashSet::new(),
            timers: Timers::default(),
            waiting: HashMap::new(),
            webhooks: Webhooks::default(),
            outbox,
            record,
            config,
        })
    }

    /// The account whose key this is.
    pub(crate) fn account_of(&self, key: Option<&str>) -> Option<u16> {
        self.keys.get(key?).copied()
    }

    pub(crate) fn account(&self, account: u16) -> &Account {
        &self.config.accounts[usize::from(account)]
    }

    /// # Errors
    /// A rule that can't be followed; then nothing has changed.
    pub(crate) fn set_rules(&mut self, rules: &[Rule]) -> Result<(), BadRule> {
        self.rules.set = rules::ready(rules)?;
        Ok(())
    }

    /// # Errors
    /// A fault that isn't known; then nothing has changed.
    pub(crate) fn set_faults(&mut self, faults: VendorFaults) -> Result<(), BadRule> {
        if let Some(crate::outage::Outage::Status(status)) = faults.outage
            && !(400..=599).contains(&status)
        {
            return Err(crate::faults::BadFault::Status(status).into());
        }
        self.vendor_faults = rules::weighted_faults(&faults.fault_weights)?;
        self.vendor = faults;
        Ok(())
    }

    /// Forgets every call, rule and fault that came after the start.
    pub(crate) fn reset(&mut self) {
        self.nonce = fresh_nonce();
        self.era += 1;
        self.trunks.fill(Trunk::default());
        self.rules.set.clear();
        self.vendor = VendorFaults::default();
        self.vendor_faults.clear();
        self.dials.clear();
        self.counts.clear();
        self.timers = Timers::default();
        // Dropping the senders lets the replies go that wait.
        self.waiting.clear();
        self.webhooks = Webhooks::default();
    }

    /// The number of the dial that a call id belongs to is its last eight digits, and the rest
    /// says whether it is really ours. So no id is stored.
    pub(crate) fn call_id(&self, seq: u32) -> String {
        let tag = mix(self.nonce ^ u64::from(seq));
        let more = mix(tag) as u32;
        format!("call_{tag:016x}{more:08x}{:08x}", seq ^ self.nonce as u32)
    }

    /// The call of this id, if it is this account's.
    pub(crate) fn find(&self, account: u16, call_id: &str) -> Option<(u32, &Dial, &Call)> {
        let last = call_id.get(call_id.len().checked_sub(8)?..)?;
        let seq = u32::from_str_radix(last, 16).ok()? ^ self.nonce as u32;
        let dial = self.dial(seq).filter(|dial| dial.account == Some(account))?;
        let call = dial.call.as_deref()?;
        (self.call_id(seq) == call_id).then_some((seq, dial, call))
    }

    /// Dials are numbered from 1.
    pub(crate) fn dial(&self, seq: u32) -> Option<&Dial> {
        self.dials.get((seq as usize).checked_sub(1)?)
    }

    pub(crate) fn call_mut(&mut self, seq: u32) -> Option<&mut Call> {
        let dial = self.dials.get_mut((seq as usize).checked_sub(1)?)?;
        dial.call.as_deref_mut()
    }

    /// The same agent or hook is kept once, however many calls have it.
    pub(crate) fn intern_agent(&mut self, agent: Agent) -> Arc<Agent> {
        intern(&mut self.agents, agent)
    }

    /// See [`Self::intern_agent`].
    pub(crate) fn intern_hook(&mut self, hook: Hook) -> Arc<Hook> {
        intern(&mut self.hooks, hook)
    }

    /// Appends a line about this dial to the record's file.
    pub(crate) fn note(&self, moment: Moment, seq: u32, now: i64) {
        if let Some(record) = &self.record
            && let Some(line) = record::line(self, moment, seq, now)
        {
            // Nobody listens any more once the simulator has stopped.
            let _ = record.send(line);
        }
    }

    /// The counts, as of `now`.
    pub(crate) fn state(&self, now: i64) -> State {
        let mut state = State {
            requests: self.dials.len() as u64,
            webhooks: self.webhooks,
            vendor: self.vendor.clone(),
            ..State::default()
        };
        for call in self.dials.iter().filter_map(|dial| dial.call.as_deref()) {
            state.accepted += 1;
            state.ringing += u64::from(matches!(call.rang(now), (Some(_), None)));
            match call.stage(now) {
                Stage::Registered => state.registered += 1,
                Stage::Ongoing => state.ongoing += 1,
                Stage::Ended => state.ended += 1,
                Stage::Analyzed => state.analyzed += 1,
            }
        }
        state.accounts = self
            .config
            .accounts
            .iter()
            .zip(&self.trunks)
            .map(|(account, trunk)| AccountState {
                label: account.label.clone(),
                current_concurrency: trunk.busy,
                concurrency_limit: account.concurrency,
            })
            .collect();
        state
    }
}

fn fresh_nonce() -> u64 {
    // Not from the seed: a restarted vendor doesn't give out the ids of its earlier calls again.
    uuid::Uuid::new_v4().as_u64_pair().0
}

fn intern<T: Eq + Hash>(known: &mut HashSet<Arc<T>>, new: T) -> Arc<T> {
    if let Some(it) = known.get(&new) {
        return Arc::clone(it);
    }
    let it = Arc::new(new);
    known.insert(Arc::clone(&it));
    it
}
