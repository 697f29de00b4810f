//! What the provider said, as facts.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use shared::calls::rules::analysis;
use shared::calls::rules::facts::Fact;
use shared::retell::wire::{Call, CallStatus, Webhook, WebhookEvent};

/// A call is told of within days; an older time than this is a mistake.
const OLDEST: Duration = Duration::days(366);

/// How the provider came to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// It sent a webhook.
    Webhook,
    /// It was asked about the call, and answered.
    Answer,
    /// Its list had the call.
    List,
    /// Not the provider at all: the tenant's own system reported the outcome.
    Tenant,
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

    /// The provider itself says that the call is over.
    pub fn over_by_provider(&self) -> bool {
        self.over && self.occasion != Occasion::Tenant
    }

    /// When it rang, in our time. A call that has started did not start in the future.
    pub fn started_at(&self, now: DateTime<Utc>, ahead: Duration) -> Option<DateTime<Utc>> {
        in_our_time(self.call.started_at(), now, ahead)
    }

    /// As facts. `ahead` is how far the demo clock is ahead of the provider's; `zone` is for times without an offset.
    pub fn facts(&self, now: DateTime<Utc>, ahead: Duration, zone: Tz) -> Vec<Fact> {
        let started = self.started_at(now, ahead);
        let ended = in_our_time(self.call.ended_at(), now, ahead);
        let mut facts = vec![Fact::Placed { at: started.unwrap_or(now) }];
        if self.connected {
            facts.push(Fact::Connected { at: started.unwrap_or(now) });
        }
        if self.over {
            let at = ended.or(started).unwrap_or(now);
            facts.push(Fact::Ended { at, reason: self.call.disconnection_reason.clone() });
            if let Some(said) = &self.analysed {
                facts.push(Fact::Analysed { at, analysis: analysis::read(said, zone) });
            }
        }
        facts
    }
}

/// A time of the provider's in ours, and never in the future. One that no call of ours can have is ignored: it would
/// be as good as none, and may lie outside of what a date can be.
fn in_our_time(
    at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    ahead: Duration,
) -> Option<DateTime<Utc>> {
    at?.checked_add_signed(ahead).filter(|at| *at >= now - OLDEST).map(|at| at.min(now))
}

fn analysis_of(call: &Call) -> Option<Value> {
    call.call_analysis.as_ref().and_then(|analysis| serde_json::to_value(analysis).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_start_is_never_in_the_future_and_absurd_times_are_no_times() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let ms = now.timestamp_millis();
        for (stamp, want, why) in [
            (
                ms - 1_000,
                Some(now),
                "the demo clock is a minute ahead, and it started a second ago",
            ),
            (ms - 120_000, Some(now - Duration::minutes(1)), "in our time"),
            (ms + 86_400_000, Some(now), "tomorrow: it has started, so it did by now"),
            (8_210_266_876_799_999, None, "the last instant that a date can be"),
            (-8_334_601_228_800_000, None, "the first"),
            (1, None, "1970"),
            (i64::MAX, None, "no date at all"),
        ] {
            let call = serde_json::from_value(json!({
                "call_id": "c", "call_status": "ended", "start_timestamp": stamp, "end_timestamp": stamp,
            }))
            .unwrap();
            let told = Told::by_call(call, Occasion::Webhook);
            let ahead = Duration::minutes(1);
            assert_eq!(told.started_at(now, ahead), want, "{why}");
            for fact in told.facts(now, ahead, Tz::UTC) {
                if let Fact::Placed { at } | Fact::Ended { at, .. } = fact {
                    assert_eq!(at, want.unwrap_or(now), "{why}");
                }
            }
        }
    }
}
