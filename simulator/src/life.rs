//! The life of calls: what happens when a timer goes off, and which webhooks that means.

use crate::call::Call;
use crate::event::Event;
use crate::faults::Order;
use crate::record::Moment;
use crate::timers::Due;
use crate::webhooks::Delivery;
use crate::world::World;

impl World {
    /// Does everything that is due by `now`. Returns when something will be due next.
    pub(crate) fn advance(&mut self, now: i64) -> Option<i64> {
        while let Some(due) = self.timers.pop(now) {
            match due {
                Due::Ring(seq) => self.ring(seq, now),
                Due::Start(seq) => self.start(seq, now),
                Due::End(seq) => self.end(seq, now),
                Due::Analyze(seq) => self.analyze(seq, now),
                Due::Deliver(delivery) => self.hand_over(delivery),
            }
        }
        self.timers.next()
    }

    /// Ends a call by request. Returns false if there is none; one that is over stays as it is.
    pub(crate) fn stop_call(&mut self, now: i64, account: u16, call_id: &str) -> bool {
        let Some((seq, ..)) = self.find(account, call_id) else { return false };
        if let Some(call) = self.call_mut(seq)
            && call.ended_at > now
        {
            call.stop(now);
            if call.answered_at.is_some() && !call.passed.started {
                self.timers.set(now, Due::Start(seq));
            } else {
                self.timers.set(now, Due::End(seq));
            }
        }
        true
    }

    fn ring(&mut self, seq: u32, now: i64) {
        // Noted even if the ringing is over by now, because this timer was late.
        if self.call_mut(seq).is_some_and(|call| call.rang(now).0.is_some()) {
            self.note(Moment::Ringing, seq, now);
        }
    }

    fn start(&mut self, seq: u32, now: i64) {
        let Some(call) = self.call_mut(seq) else { return };
        // A call stopped before its answer leaves this timer behind.
        if call.passed.started || call.answered_at.is_none_or(|at| at > now) {
            return;
        }
        call.passed.started = true;
        let (order, ended_at) = (call.faults.order, call.ended_at);
        self.timers.set(ended_at, Due::End(seq));
        if order != Order::Reversed {
            self.announce(seq, now, &[Event::Started]);
        }
    }

    fn end(&mut self, seq: u32, now: i64) {
        let Some(call) = self.call_mut(seq) else { return };
        if call.passed.ended || call.ended_at > now {
            return;
        }
        call.passed.ended = true;
        let (order, analyzed_at) = (call.faults.order, call.analyzed_at);
        let started = call.passed.started;
        let account = self.dial(seq).and_then(|dial| dial.account);
        if let Some(account) = account {
            let busy = &mut self.trunks[usize::from(account)].busy;
            *busy = busy.saturating_sub(1);
        }
        self.note(Moment::Ended, seq, now);
        match (order, analyzed_at) {
            (Order::Natural, _) | (Order::AnalyzedFirst, None) => {
                self.announce(seq, now, &[Event::Ended]);
            }
            (Order::Reversed, None) if started => {
                self.announce(seq, now, &[Event::Ended, Event::Started]);
            }
            (Order::Reversed, None) => self.announce(seq, now, &[Event::Ended]),
            (Order::AnalyzedFirst | Order::Reversed, Some(_)) => {}
        }
        match analyzed_at {
            Some(at) => self.timers.set(at, Due::Analyze(seq)),
            None => self.finish(seq),
        }
    }

    fn analyze(&mut self, seq: u32, now: i64) {
        let Some(call) = self.call_mut(seq) else { return };
        if call.passed.analyzed || call.analyzed_at.is_none_or(|at| at > now) {
            return;
        }
        call.passed.analyzed = true;
        let events: &[Event] = match (call.faults.order, call.passed.started) {
            (Order::Natural, _) => &[Event::Analyzed],
            (Order::AnalyzedFirst, _) | (Order::Reversed, false) => {
                &[Event::Analyzed, Event::Ended]
            }
            (Order::Reversed, true) => &[Event::Analyzed, Event::Ended, Event::Started],
        };
        self.announce(seq, now, events);
        self.finish(seq);
    }

    /// Sends these webhooks, each after the one before it was answered.
    fn announce(&mut self, seq: u32, now: i64, events: &[Event]) {
        let Some(dial) = self.dial(seq) else { return };
        let Some((call, account)) = dial.call.as_deref().zip(dial.account) else { return };
        if self.webhook_url(call, account).is_none() {
            return;
        }
        let mut chain = events.iter().copied().filter(|event| call.announces(*event));
        let Some(event) = chain.next() else { return };
        let then = [chain.next(), chain.next()];
        let copies = u32::from(call.faults.extra_copies) + 1;
        let delay = call.faults.webhook_delay_ms as i64;
        for _ in 0..copies {
            let delivery = Delivery { era: self.era, seq, event, attempt: 0, then };
            self.webhooks.pending += 1;
            if let Some(waiter) = self.waiting.get_mut(&seq) {
                waiter.under_way += 1;
            }
            if delay > 0 {
                self.timers.set(now + delay, Due::Deliver(delivery));
            } else {
                self.hand_over(delivery);
            }
        }
    }

    /// Where this call's webhooks go: its own address, or else the account's.
    pub(crate) fn webhook_url<'a>(&'a self, call: &'a Call, account: u16) -> Option<&'a str> {
        let own = call.hook.as_ref().and_then(|hook| hook.webhook_url.as_deref());
        own.or(self.account(account).webhook_url.as_deref())
    }

    fn hand_over(&self, delivery: Delivery) {
        // The other end is gone only when the simulator stops.
        let _ = self.outbox.send(delivery);
    }

    /// An attempt is over: it was answered with a 2xx, or it wasn't.
    pub(crate) fn delivered(&mut self, delivery: Delivery, now: i64, accepted: bool) {
        if delivery.era != self.era {
            return;
        }
        if delivery.attempt == 0 {
            self.continue_chain(delivery);
        }
        let wait = self.config.webhooks.retry_after_ms.get(usize::from(delivery.attempt)).copied();
        match (accepted, wait) {
            (true, _) => {
                self.webhooks.delivered += 1;
                self.webhooks.pending -= 1;
            }
            (false, Some(wait)) => {
                self.webhooks.failed_attempts += 1;
                let again = Delivery { attempt: delivery.attempt + 1, then: [None; 2], ..delivery };
                self.timers.set(now + wait as i64, Due::Deliver(again));
            }
            (false, None) => {
                self.webhooks.failed_attempts += 1;
                self.webhooks.given_up += 1;
                self.webhooks.pending -= 1;
            }
        }
        if delivery.attempt == 0 {
            self.release(delivery.seq, |waiter| waiter.under_way -= 1);
        }
    }

    fn continue_chain(&mut self, delivery: Delivery) {
        let [Some(event), after] = delivery.then else { return };
        self.webhooks.pending += 1;
        if let Some(waiter) = self.waiting.get_mut(&delivery.seq) {
            waiter.under_way += 1;
        }
        self.hand_over(Delivery { event, then: [after, None], ..delivery });
    }

    /// Nothing more will happen in this call.
    fn finish(&mut self, seq: u32) {
        self.release(seq, |waiter| waiter.over = true);
    }

    fn release(&mut self, seq: u32, change: impl FnOnce(&mut crate::world::Waiter)) {
        let Some(waiter) = self.waiting.get_mut(&seq) else { return };
        change(waiter);
        if waiter.over
            && waiter.under_way == 0
            && let Some(waiter) = self.waiting.remove(&seq)
        {
            // A client that has gone away needs no reply.
            let _ = waiter.done.send(());
        }
    }
}
