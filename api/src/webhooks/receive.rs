//! Receiving: verify, seal, store, acknowledge. Nothing is decided here.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use shared::ids::{AccountId, TenantId};
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
use crate::http::contract::{Draft, Operation, Takes};
use crate::http::{self, Empty, Kind, Path, Problem, Reply, parse, read};

/// A transcript of an hour is well below.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// A body with the headers that sign it.
#[derive(Debug)]
pub(super) struct Delivery {
    headers: HeaderMap,
    body: Bytes,
}

impl Takes for Delivery {
    fn describe(draft: &mut Draft<'_>) {
        draft.opened_by("signature");
        draft.any_json("The provider's own event, as it sends it.");
        draft.fails(&[Kind::BadSignature, Kind::TooLarge, Kind::Malformed]);
    }
}

impl FromRequest<App> for Delivery {
    type Rejection = Problem;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        Ok(Self { headers, body: read(request, MOST_BYTES).await? })
    }
}

/// What comes to the requirements' one address.
#[derive(Debug)]
pub(super) enum Sent {
    /// By the vendor.
    Signed(Delivery),
    /// By a tenant's own system.
    Reported(TenantId, Bytes),
}

impl Takes for Sent {
    fn describe(draft: &mut Draft<'_>) {
        Delivery::describe(draft);
        Allowed::<ReportOutcomes>::describe(draft);
        draft.uncounted();
        draft.json_body::<Outcome>();
        draft.fails(&http::BODY_FAILS);
    }
}

impl FromRequest<App> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if request.headers().contains_key(HEADER) {
            return Delivery::from_request(request, app).await.map(Self::Signed);
        }
        let (parts, body) = request.into_parts();
        let by = Allowed::<ReportOutcomes>::uncounted(&parts, app).await?;
        let headers = parts.headers.clone();
        let body = read(Request::from_parts(parts, body), MOST_BYTES).await?;
        // Read here only to tell the sender what is wrong with it; the worker reads it again.
        let _well_formed: Outcome = parse(&headers, &body)?;
        Ok(Self::Reported(by.tenant, body))
    }
}

pub(super) const OF_ACCOUNT: Operation =
    Operation::new("receiveProviderEvent", "Receive the voice provider's event about a call").says(
        "Signed with the account's key. Verified, stored sealed, acknowledged; applied once, however often it comes. An \
         account that doesn't exist has no key that holds.",
    );

/// The vendor's webhook for one account, signed with that account's key.
pub(super) async fn of_account(
    State(app): State<App>,
    Path(account): Path<AccountId>,
    Delivery { headers, body }: Delivery,
) -> Result<Reply<Empty>, Problem> {
    if !keys::any_of_account(&app, account, |keys| signed(keys, &headers, &body)).await? {
        return refuse();
    }
    store(&app, Source::Account(account), &body).await
}

pub(super) const OUTCOME: Operation = Operation::new("reportOutcome", "Report what came of a call")
    .says(
        "The provider's event for any of its accounts, signed; or a tenant's own report, with a key. Fields that aren't \
         known are passed over here, since their senders are others' systems. A call of another tenant is no call of \
         this key's, and nothing happens.",
    );

/// The requirements' one address: the vendor's webhook for any account, or a tenant's own report of an outcome.
pub(super) async fn call_outcome(
    State(app): State<App>,
    sent: Sent,
) -> Result<Reply<Empty>, Problem> {
    match sent {
        Sent::Reported(tenant, body) => store(&app, Source::Tenant(tenant), &body).await,
        Sent::Signed(Delivery { headers, body }) => {
            match keys::whose(&app, |keys| signed(keys, &headers, &body)).await? {
                Some(account) => store(&app, Source::Account(account), &body).await,
                None => refuse(),
            }
        }
    }
}

/// The requirements' payload.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the worker reads it")]
#[schemars(rename = "OutcomeReport")]
struct Outcome {
    /// Our call's id.
    session_id: Uuid,
    /// The provider's name of the dial. Without it the reports of two dials that went alike are taken for one.
    #[schemars(example = &"call_7f3a")]
    retell_call_id: Option<String>,
    /// How it ended.
    call_outcome: CallOutcome,
    /// In seconds.
    call_duration: Option<f64>,
    /// What is to become of the appointment.
    appointment_action: Option<Action>,
    /// The contact's mood.
    customer_sentiment: Option<Sentiment>,
    /// Staff should get in touch.
    follow_up_required: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum CallOutcome {
    Answered,
    NoAnswer,
    Busy,
    Voicemail,
    Failed,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReportedAction")]
enum Action {
    Confirmed,
    Cancelled,
    Rescheduled,
    #[serde(rename = "no_action")]
    Nothing,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReportedSentiment")]
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

fn refuse() -> Result<Reply<Empty>, Problem> {
    metrics::webhook(WebhookResult::Refused);
    Err(Problem::BadSignature)
}

async fn store(app: &App, source: Source, body: &[u8]) -> Result<Reply<Empty>, Problem> {
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
