//! Calls and attempts, as clients see them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::appointments::Priority;
use shared::calls::rules::analysis::Sentiment;
use shared::calls::rules::snapshot::CallKind;
use shared::calls::store::read::{Attempt, Call};
use shared::ids::{AppointmentId, AttemptId, CallId, ContactId};

use super::find::CallState;

/// A call.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Call")]
pub(super) struct CallView {
    id: CallId,
    contact_id: ContactId,
    appointment_id: Option<AppointmentId>,
    /// What it is for.
    #[schemars(with = "CallKind")]
    kind: String,
    /// How it stands.
    #[schemars(with = "CallState")]
    state: String,
    /// Not dialled before.
    earliest: DateTime<Utc>,
    /// When it should be dialled.
    due: DateTime<Utc>,
    /// Not dialled after.
    deadline: DateTime<Utc>,
    /// Of calls that are due together, the more important go first.
    #[schemars(with = "Priority")]
    priority: &'static str,
    /// Somebody pressed *call now*, and it hasn't been dialled yet.
    in_front: bool,
    /// What came of it, such as `answered_confirmed`, `no_answer`, `voicemail`; more may come.
    outcome: Option<String>,
    /// Why it was refused or withdrawn.
    ended_reason: Option<String>,
    planned_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    settled_at: Option<DateTime<Utc>>,
    /// Its dials; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptView>>,
}

/// One dial.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Attempt")]
pub(super) struct AttemptView {
    id: AttemptId,
    /// `reserved`, `released`, `dialling`, `unknown`, `placed`, `ended`, `not_placed`, `settled`.
    state: String,
    reserved_at: DateTime<Utc>,
    /// When the provider was asked.
    asked_at: Option<DateTime<Utc>>,
    /// When the provider answered.
    answered_at: Option<DateTime<Utc>>,
    /// The provider's own name of it.
    provider_call_id: Option<String>,
    started_at: Option<DateTime<Utc>>,
    connected_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    ended_reason: Option<String>,
    /// What came of it.
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
