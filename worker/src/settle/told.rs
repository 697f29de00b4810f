//! What the provider said, as facts.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use shared::calls::rules::analysis;
use shared::calls::rules::facts::Fact;
use shared::retell::wire::{Call, CallStatus, Webhook, WebhookEvent};

/// How the provider came to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// It sent a webhook.
    Webhook,
    /// It was asked about the call, and answered.
    Answer,
    /// Its list had the call.
    List,
}

/// What was said about one call.
#[derive(Debug, Clone)]
pub struct Told {
    occasion: Occasion,
    /// The call had been connected.
    connected: bool,
    /// It is over.
    over: bool,
    /// What was said is complete: an analysis that is missing was not made.
    analysed: Option<Value>,
    call: Call,
}

impl Told {
    /// By a webhook. Its event counts, not the call's status: the vendor's own examples contradict each other.
    pub fn by_webhook(webhook: &Webhook, call: &Call) -> Self {
        let kind = webhook.kind();
        let over = matches!(kind, WebhookEvent::CallEnded | WebhookEvent::CallAnalyzed);
        Self {
            occasion: Occasion::Webhook,
            connected: matches!(kind, WebhookEvent::CallStarted),
            over,
            analysed: matches!(kind, WebhookEvent::CallAnalyzed)
                .then(|| analysis_of(call))
                .flatten(),
            call: call.clone(),
        }
    }

    /// By the answer to a question about the call, or by the provider's list.
    pub fn by_call(call: Call, occasion: Occasion) -> Self {
        let status = call.status();
        let over = call.disconnection_reason.is_some()
            || matches!(
                status,
                Some(CallStatus::Ended | CallStatus::NotConnected | CallStatus::Error)
            );
        let analysed = if over { analysis_of(&call) } else { None };
        Self {
            occasion,
            connected: matches!(status, Some(CallStatus::Ongoing)),
            over,
            analysed,
            call,
        }
    }

    /// How it was said.
    pub fn occasion(&self) -> Occasion {
        self.occasion
    }

    /// The call, as the provider has it.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// When it rang, in our time.
    pub fn started_at(&self, ahead: Duration) -> Option<DateTime<Utc>> {
        self.call.started_at().map(|at| at + ahead)
    }

    /// As facts. `ahead` is how far the demo clock is ahead of the provider's; `zone` is for times without an offset.
    pub fn facts(&self, now: DateTime<Utc>, ahead: Duration, zone: Tz) -> Vec<Fact> {
        let started = self.started_at(ahead);
        let ended = self.call.ended_at().map(|at| at + ahead);
        let mut facts = vec![Fact::Placed { at: started.unwrap_or(now).min(now) }];
        if self.connected {
            facts.push(Fact::Connected { at: started.unwrap_or(now).min(now) });
        }
        if self.over {
            let at = ended.or(started).unwrap_or(now).min(now);
            facts.push(Fact::Ended { at, reason: self.call.disconnection_reason.clone() });
            if let Some(said) = &self.analysed {
                facts.push(Fact::Analysed { at, analysis: analysis::read(said, zone) });
            }
        }
        facts
    }
}

fn analysis_of(call: &Call) -> Option<Value> {
    call.call_analysis.as_ref().and_then(|analysis| serde_json::to_value(analysis).ok())
}
