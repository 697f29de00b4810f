//! `worker provider check`: measures, against a live account, what the vendor doesn't document.
//!
//! Until its result is stored, an unknown attempt of the account is never settled as not placed: silence of a list that
//! was never seen to speak proves nothing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::calls::store::accounts as store;
use shared::config::Worker;
use shared::db::Db;
use shared::ids::{AccountId, AttemptId, CallId, TenantId};
use shared::retell::wire::{CallMetadata, CallStatus, CreatePhoneCall, VoiceVariables};
use shared::tenants::KeyRing;

use crate::accounts::{Account, Accounts};
use crate::provider::DialAnswer;

/// How often the list is asked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// An unknown attempt is settled by silence after 15 minutes; a list that lags longer can't be trusted with it.
const MOST_LAG: Duration = Duration::from_secs(10 * 60);

/// What to check with.
#[derive(Debug)]
pub struct Check {
    /// The account.
    pub account: AccountId,
    /// A telephone that may ring, E.164.
    pub to: String,
    /// A number of the account.
    pub from: String,
    /// The agent that speaks.
    pub agent: Option<String>,
    /// How long the list is waited for, as `90s` or `15m`.
    pub patience: String,
}

/// Places one call, measures, and stores the result. Returns it as JSON.
///
/// # Errors
/// The account can't be used, or the call was not placed: nothing is stored then.
pub async fn run(config: &Worker, check: &Check) -> anyhow::Result<Value> {
    let patience = parse_duration(&check.patience)?;
    let db = Db::connect(config.postgres.app_url.expose(), config.postgres.engine_url.expose(), 4)?;
    let keys = KeyRing::new(config.keys.master.clone());
    let account = Accounts::default().of(&db, &keys, check.account).await?;

    let concurrency = account.client.concurrency().await?;
    let attempt = AttemptId::new();
    let request = CreatePhoneCall {
        from_number: check.from.clone(),
        to_number: check.to.clone(),
        override_agent_id: check.agent.clone(),
        agent_override: None,
        metadata: CallMetadata {
            attempt_id: attempt.0,
            session_id: CallId::new().0,
            tenant_id: TenantId::new().0,
            trace: None,
        },
        retell_llm_dynamic_variables: VoiceVariables::new(),
    };
    let DialAnswer::Accepted { call } = account.dialler.dial(&request).await else {
        anyhow::bail!("the check's call was not accepted; nothing was measured or stored");
    };
    let seen = watch_list(&account, attempt, patience).await?;
    if let Err(error) = account.client.stop_call(&call.call_id).await {
        tracing::warn!(error = %error, "the check's call could not be stopped; it ends by itself");
    }

    let trusted = seen.lag.is_some_and(|lag| lag <= MOST_LAG);
    let result = json!({
        "account": check.account,
        "list_lag_seconds": seen.lag.map(|lag| lag.as_secs_f64()),
        "list_shows_registered_calls": seen.registered,
        "concurrency_limit": concurrency.outbound_limit(),
        "over_concurrency": over_concurrency(&account, &request, concurrency.outbound_limit()).await,
        "list_trusted": trusted,
    });
    let lag = seen.lag.and_then(|lag| i32::try_from(lag.as_secs()).ok());
    store::store_check(&db, check.account, &result, trusted, lag).await?;
    Ok(result)
}

struct Seen {
    /// From the acceptance to the first sight; `None` if it was never seen.
    lag: Option<Duration>,
    /// It was seen before it was answered.
    registered: bool,
}

async fn watch_list(
    account: &Account,
    attempt: AttemptId,
    patience: Duration,
) -> anyhow::Result<Seen> {
    let start = Instant::now();
    while start.elapsed() < patience {
        if let Some(call) =
            account.client.list_calls_of_attempt(attempt.0).await?.into_iter().next()
        {
            let registered = matches!(call.status(), Some(CallStatus::Registered));
            return Ok(Seen { lag: Some(start.elapsed()), registered });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(Seen { lag: None, registered: false })
}

/// How one call too many is answered. Only asked where the limit is small: filling a large account would ring a
/// telephone dozens of times.
async fn over_concurrency(account: &Account, request: &CreatePhoneCall, limit: u32) -> Value {
    if limit > 3 {
        return json!("not measured: the account allows more than 3 calls at a time");
    }
    let mut placed = Vec::new();
    let mut answer =
        json!("every call was accepted: look for concurrency_limit_reached in their ends");
    for _ in 0..=limit {
        let mut request = request.clone();
        request.metadata.attempt_id = AttemptId::new().0;
        match account.dialler.dial(&request).await {
            DialAnswer::Accepted { call } => placed.push(call.call_id),
            DialAnswer::Refused { status, .. } => {
                answer = json!(format!("status {}", status.code()));
                break;
            }
            DialAnswer::NotSent { .. } | DialAnswer::Unknown { .. } => {
                answer = json!("no clear answer");
                break;
            }
        }
    }
    for call in placed {
        let _ends_by_itself = account.client.stop_call(&call).await;
    }
    answer
}

fn parse_duration(text: &str) -> anyhow::Result<Duration> {
    let (number, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number
        .parse()
        .map_err(|_| anyhow::anyhow!("a duration is a number with s or m, such as 90s"))?;
    match unit {
        "s" | "" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => anyhow::bail!("a duration is a number with s or m, such as 90s"),
    }
}
