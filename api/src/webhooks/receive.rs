//! Receiving: verify, seal, store, acknowledge. Nothing is decided here.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared::ids::AccountId;
use shared::retell::signature::{HEADER, verify};
use shared::telemetry::metrics::{self, WebhookResult};
use shared::telemetry::traces::{self, Trace};
use shared::webhooks::{Source, seal};
use tracing::Instrument;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::keys;
use crate::app::App;
use crate::auth::{Allowed, ReportOutcomes};
use crate::http::{Path, Problem, Reply, parse, read};

/// A transcript of an hour is well below.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The vendor's webhook for one account, signed with that account's key.
pub(super) async fn of_account(
    State(app): State<App>,
    Path(account): Path<AccountId>,
    request: Request,
) -> Result<Reply, Problem> {
    let headers = request.headers().clone();
    let body = read(request, MOST_BYTES).await?;
    if !keys::any_of_account(&app, account, |keys| signed(keys, &headers, &body)).await? {
        return refuse();
    }
    store(&app, Source::Account(account), &body).await
}

/// The requirements' one address: the vendor's webhook for any account, or a tenant's own report of an outcome.
pub(super) async fn call_outcome(
    State(app): State<App>,
    request: Request,
) -> Result<Reply, Problem> {
    if request.headers().contains_key(HEADER) {
        let headers = request.headers().clone();
        let body = read(request, MOST_BYTES).await?;
        return match keys::whose(&app, |keys| signed(keys, &headers, &body)).await? {
            Some(account) => store(&app, Source::Account(account), &body).await,
            None => refuse(),
        };
    }
    let (mut parts, body) = request.into_parts();
    let by = Allowed::<ReportOutcomes>::from_request_parts(&mut parts, &app).await?;
    let headers = parts.headers.clone();
    let body = read(Request::from_parts(parts, body), MOST_BYTES).await?;
    // Read here only to tell the sender what is wrong with it; the worker reads it again.
    let _well_formed: Outcome = parse(&headers, &body)?;
    store(&app, Source::Tenant(by.tenant), &body).await
}

/// The requirements' payload.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the worker reads it")]
struct Outcome {
    session_id: Uuid,
    retell_call_id: Option<String>,
    call_outcome: CallOutcome,
    call_duration: Option<f64>,
    appointment_action: Option<Action>,
    customer_sentiment: Option<Sentiment>,
    follow_up_required: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CallOutcome {
    Answered,
    NoAnswer,
    Busy,
    Voicemail,
    Failed,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Confirmed,
    Cancelled,
    Rescheduled,
    #[serde(rename = "no_action")]
    Nothing,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sentiment {
    Positive,
    Neutral,
    Negative,
}

fn signed(keys: &[Zeroizing<String>], headers: &HeaderMap, body: &[u8]) -> bool {
    let header = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
    // The machine's clock, since the vendor's is no demo clock; it decides nothing but this tolerance.
    let now = DateTime::<Utc>::from(std::time::SystemTime::now());
    !keys.is_empty() && verify(&keys, header, body, now).is_ok()
}

fn refuse() -> Result<Reply, Problem> {
    metrics::webhook(WebhookResult::Refused);
    Err(Problem::BadSignature)
}

async fn store(app: &App, source: Source, body: &[u8]) -> Result<Reply, Problem> {
    let span = tracing::info_span!(target: traces::TARGET, "store webhook");
    if traces::are_on() {
        // Signed by the provider, and so our own: it gives back what our dial gave it.
        let told =
            serde_json::from_slice::<Traced>(body).ok().and_then(|it| it.call.metadata.trace);
        if let Some(told) = told.as_deref().and_then(Trace::parse) {
            traces::link(&span, traces::current());
            traces::follow(&span, Some(told));
        }
    }
    let kept = async {
        let received = seal(app.keys.master(), source, body)?;
        app.inbox.store(received).await.map_err(|_| Problem::Busy)
    };
    kept.instrument(span).await?;
    Ok(Reply::empty())
}

/// The only part of a webhook that is read here: which trace it goes on with.
#[derive(Deserialize)]
struct Traced {
    call: TracedCall,
}

#[derive(Deserialize)]
struct TracedCall {
    metadata: TracedMetadata,
}

#[derive(Deserialize)]
struct TracedMetadata {
    trace: Option<String>,
}
