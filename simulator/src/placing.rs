//! A request to place a call: the order in which it is looked at, and what it leads to.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::call::{Agent, Call, Course, Dial, Hook, Pace, Passed, Stage};
use crate::config::OverConcurrency;
use crate::dice::{Dice, Question};
use crate::faults::{Connection, Faults};
use crate::number::Number;
use crate::outage::{Endpoint, Outage, Silence};
use crate::record::Moment;
use crate::rules::{self, Called};
use crate::scenario::Scenario;
use crate::shape::Detail;
use crate::timers::Due;
use crate::world::{Waiter, World};

/// What came in, as far as it could be understood.
#[derive(Default)]
pub(crate) struct Incoming {
    pub(crate) from: Option<Number>,
    pub(crate) to: Option<Number>,
    pub(crate) metadata: Option<Box<RawValue>>,
    pub(crate) traceparent: Option<String>,
    /// The order itself; `None` if the vendor would answer 400.
    pub(crate) order: Option<Order>,
}

/// A request that the vendor's documents allow.
pub(crate) struct Order {
    pub(crate) from: Number,
    pub(crate) to: Number,
    pub(crate) agent_id: Option<String>,
    pub(crate) agent_version: Option<u64>,
    pub(crate) hook: Option<Hook>,
    pub(crate) variables: Option<Box<RawValue>>,
    pub(crate) sip_headers: Option<Box<RawValue>>,
}

/// What the HTTP side is to do.
pub(crate) struct Verdict {
    pub(crate) answer: Answer,
    /// First wait so long.
    pub(crate) delay: Duration,
    /// First wait for this: the call's webhooks have been sent.
    pub(crate) webhooks_sent: Option<oneshot::Receiver<()>>,
}

pub(crate) enum Answer {
    /// 201 with this body.
    Placed(String),
    /// The vendor's error of this status.
    Refused(u16),
    /// Close the connection after so long.
    Silence(Duration),
}

impl Answer {
    fn status(&self) -> Option<u16> {
        match self {
            Self::Placed(_) => Some(201),
            Self::Refused(status) => Some(*status),
            Self::Silence(_) => None,
        }
    }
}

impl World {
    /// Judges a request, records it, and places the call if that is what comes of it.
    pub(crate) fn receive(&mut self, now: i64, key: Option<&str>, incoming: Incoming) -> Verdict {
        let seq = self.dials.len() as u32 + 1;
        let account = self.account_of(key);
        let mut dial = Dial {
            traceparent: incoming.traceparent,
            received_at: now,
            account,
            from: incoming.from,
            to: incoming.to,
            metadata: incoming.metadata,
            scenario: None,
            faults: None,
            replied: None,
            call: None,
        };
        let answer = match self.judge(now, account, incoming.order, &mut dial) {
            Ok(call) => self.place(seq, now, &mut dial, call),
            Err(answer) => answer,
        };
        dial.replied = answer.status();
        let placed = dial.call.is_some();
        let faults = dial.faults.clone();
        self.dials.push(dial);
        self.note(Moment::Received, seq, now);
        let webhooks_sent = faults
            .as_ref()
            .filter(|faults| placed && faults.webhooks_before_reply)
            .map(|_| self.await_webhooks(seq));
        let delay = faults.map_or(0, |faults| faults.reply_delay_ms);
        Verdict { answer, delay: Duration::from_millis(delay), webhooks_sent }
    }

    /// # Errors
    /// The answer to a request that places no call.
    fn judge(
        &mut self,
        now: i64,
        account: Option<u16>,
        order: Option<Order>,
        dial: &mut Dial,
    ) -> Result<Call, Answer> {
        match self.vendor.at(Endpoint::CreatePhoneCall) {
            Some(Outage::Status(status)) => return Err(Answer::Refused(status)),
            Some(Outage::Silence(Silence::Close)) => return Err(Answer::Silence(Duration::ZERO)),
            Some(Outage::Silence(Silence::Hang)) => return Err(hang(Faults::HANG_MS)),
            None => {}
        }
        let account = account.ok_or(Answer::Refused(401))?;
        let order = order.ok_or(Answer::Refused(400))?;
        let (scenario, faults, dice) = self.choose(account, order.to);
        dial.scenario = Some(Arc::clone(&scenario));
        dial.faults = Some(Arc::clone(&faults));
        if let Some(status) = faults.refuse {
            return Err(Answer::Refused(status));
        }
        match faults.connection {
            Some(Connection::CutBefore) => return Err(Answer::Silence(Duration::ZERO)),
            Some(Connection::HangBefore) => return Err(hang(faults.hang_ms)),
            _ => {}
        }
        let faults = self.admit(account, &order, faults)?;
        dial.faults = Some(Arc::clone(&faults));
        Ok(self.lay_out(now, account, order, scenario, faults, dice))
    }

    fn choose(&mut self, account: u16, to: Number) -> (Arc<Scenario>, Arc<Faults>, Dice) {
        let count = self.counts.entry((account, to)).or_insert(0);
        *count += 1;
        let nth = *count;
        let dice = Dice::new(self.config.seed, to, nth);
        let called = Called { number: to, account: &self.account(account).label, nth, dice };
        let decision = rules::decide(self.rules.iter(), &called);
        let faults = decision.faults.unwrap_or_else(|| {
            let vendor = dice.pick(Question::VendorFault, &self.vendor_faults);
            Arc::clone(vendor.unwrap_or(&self.no_faults))
        });
        (decision.scenario.unwrap_or_else(|| Arc::clone(&self.fallback)), faults, dice)
    }

    /// The account's own limits. May add the fault of a call too many.
    ///
    /// # Errors
    /// The vendor's refusal.
    fn admit(
        &self,
        account: u16,
        order: &Order,
        faults: Arc<Faults>,
    ) -> Result<Arc<Faults>, Answer> {
        let trunk = self.trunks[usize::from(account)];
        let account = self.account(account);
        if account.payment_required {
            return Err(Answer::Refused(402));
        }
        let agent = order.agent_id.as_ref().unwrap_or(&account.default_agent);
        let agent_known = account.agents.is_empty() || account.agents.contains(agent);
        let from_known = account.from_numbers.is_empty()
            || account.from_numbers.contains(&order.from.to_string());
        if !agent_known || !from_known {
            return Err(Answer::Refused(422));
        }
        if trunk.busy < account.concurrency.saturating_sub(account.reserved_inbound) {
            return Ok(faults);
        }
        match account.over_concurrency {
            OverConcurrency::Reject => Err(Answer::Refused(429)),
            OverConcurrency::AcceptThenFail => Ok(Arc::new(Faults {
                end_in_error: Some("concurrency_limit_reached".to_owned()),
                ..Faults::clone(&faults)
            })),
        }
    }

    fn lay_out(
        &mut self,
        now: i64,
        account: u16,
        order: Order,
        scenario: Arc<Scenario>,
        faults: Arc<Faults>,
        dice: Dice,
    ) -> Call {
        let start = self.start_turn(now, account) + faults.start_delay_ms as i64;
        let ring_limit_ms = order.hook.as_ref().and_then(|hook| hook.ring_duration_ms);
        let pace = Pace { timings: &self.config.timings, speed: self.config.speed, ring_limit_ms };
        let course = Course::lay(start, &scenario, &faults, dice, &pace);
        let id = order.agent_id.unwrap_or_else(|| self.account(account).default_agent.clone());
        Call {
            from: order.from,
            to: order.to,
            agent: self.intern_agent(Agent { id, version: order.agent_version.unwrap_or(0) }),
            hook: order.hook.map(|hook| self.intern_hook(hook)),
            variables: order.variables,
            sip_headers: order.sip_headers,
            scenario,
            faults,
            dice,
            created_at: now,
            dialled_at: course.dialled_at,
            answered_at: course.answered_at,
            ended_at: course.ended_at,
            analyzed_at: course.analyzed_at,
            stopped: false,
            passed: Passed::default(),
        }
    }

    /// When a call accepted now may start, if starts per second are limited.
    fn start_turn(&mut self, now: i64, account: u16) -> i64 {
        let Some(rate) = self.account(account).calls_per_second.filter(|rate| *rate > 0.0) else {
            return now;
        };
        let trunk = &mut self.trunks[usize::from(account)];
        let turn = trunk.next_start.max(now as f64);
        trunk.next_start = turn + 1_000.0 / rate;
        turn.ceil() as i64
    }

    fn place(&mut self, seq: u32, now: i64, dial: &mut Dial, call: Call) -> Answer {
        if let Some(account) = dial.account {
            self.trunks[usize::from(account)].busy += 1;
        }
        if let Some(at) = call.dialled_at {
            self.timers.set(at, Due::Ring(seq));
        }
        match call.answered_at {
            Some(at) => self.timers.set(at, Due::Start(seq)),
            None => self.timers.set(call.ended_at, Due::End(seq)),
        }
        let silence = match call.faults.connection {
            Some(Connection::CutAfter) => Some(Answer::Silence(Duration::ZERO)),
            Some(Connection::HangAfter) => Some(hang(call.faults.hang_ms)),
            _ => None,
        };
        let call = dial.call.insert(Box::new(call));
        silence.unwrap_or_else(|| {
            let id = self.call_id(seq);
            let shape = call.shape(&id, dial.metadata.as_deref(), Stage::Registered, Detail::Full);
            let body = serde_json::to_string(&shape);
            tracing::debug!(call.id = id, at = now, "a call is placed");
            Answer::Placed(
                body.expect("numbers, strings and JSON that was parsed always serialise"),
            )
        })
    }

    fn await_webhooks(&mut self, seq: u32) -> oneshot::Receiver<()> {
        let (done, sent) = oneshot::channel();
        self.waiting.insert(seq, Waiter { under_way: 0, over: false, done });
        sent
    }
}

fn hang(ms: u64) -> Answer {
    Answer::Silence(Duration::from_millis(ms))
}
