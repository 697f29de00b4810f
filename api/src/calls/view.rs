//! Calls and attempts, as clients see them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::calls::rules::analysis::Sentiment;
use shared::calls::store::read::{Attempt, Call};
use shared::ids::{AppointmentId, AttemptId, CallId, ContactId};

/// A call.
#[derive(Debug, Serialize)]
pub(super) struct CallView {
    id: CallId,
    contact_id: ContactId,
    appointment_id: Option<AppointmentId>,
    kind: String,
    state: String,
    earliest: DateTime<Utc>,
    due: DateTime<Utc>,
    deadline: DateTime<Utc>,
    priority: &'static str,
    /// Somebody pressed *call now*, and it hasn't been dialled yet.
    in_front: bool,
    outcome: Option<String>,
    ended_reason: Option<String>,
    planned_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    settled_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptView>>,
}

/// One dial.
#[derive(Debug, Serialize)]
pub(super) struct AttemptView {
    id: AttemptId,
    state: String,
    reserved_at: DateTime<Utc>,
    /// When the provider was asked.
    asked_at: Option<DateTime<Utc>>,
    answered_at: Option<DateTime<Utc>>,
    provider_call_id: Option<String>,
    started_at: Option<DateTime<Utc>>,
    connected_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    ended_reason: Option<String>,
    outcome: Option<String>,
    /// It counts for the gap and the number of attempts.
    counts: bool,
    sentiment: Option<Sentiment>,
}

impl CallView {
    pub(super) fn of(call: Call) -> Self {
        let priority = match call.priority {
            2.. => "urgent",
            1 => "high",
            _ => "normal",
        };
        Self {
            id: call.id,
            contact_id: call.contact_id,
            appointment_id: call.appointment_id,
            kind: call.kind,
            in_front: call.front && call.state == "planned",
            state: call.state,
            earliest: call.earliest,
            due: call.due,
            deadline: call.deadline,
            priority,
            outcome: call.outcome,
            ended_reason: call.ended_reason,
            planned_at: call.planned_at,
            updated_at: call.updated_at,
            settled_at: call.settled_at,
            attempts: None,
        }
    }

    pub(super) fn with(mut self, attempts: Vec<Attempt>) -> Self {
        self.attempts = Some(attempts.into_iter().map(AttemptView::of).collect());
        self
    }
}

impl AttemptView {
    fn of(attempt: Attempt) -> Self {
        Self {
            sentiment: attempt
                .facts
                .and_then(|facts| facts.0.analysis())
                .map(|said| said.sentiment),
            id: attempt.id,
            state: attempt.state,
            reserved_at: attempt.reserved_at,
            asked_at: attempt.intent_at,
            answered_at: attempt.answered_at,
            provider_call_id: attempt.provider_call_id,
            started_at: attempt.started_at,
            connected_at: attempt.connected_at,
            ended_at: attempt.ended_at,
            ended_reason: attempt.ended_reason.filter(|reason| !reason.is_empty()),
            outcome: attempt.outcome,
            counts: attempt.counts,
        }
    }
}
