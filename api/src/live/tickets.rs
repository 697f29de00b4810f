//! Tickets: what stands in a handshake in place of a key, since browsers can't send headers there and logs keep addresses.
//!
//! A ticket is random, redeemed once, within seconds, and speaks for whoever asked for it. Redis has its hash and what it
//! stands for.

use std::time::Duration;

use axum::extract::State;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api_keys::{Role, Scopes};
use shared::ids::TenantId;
use shared::people::Caller;
use shared::queue::Queues;
use shared::telemetry::metrics::{self, Dependency, Failure};
use zeroize::Zeroizing;

use super::words::{PROTOCOL, TICKET};
use crate::app::App;
use crate::auth::{
    Allowed, ReadCalls, ReadContacts, ReadDoNotCall, ReadGroups, ReadJobs, ReadKeys, ReadLive,
    ReadTenant, ReadUsers, ReadVisits,
};
use crate::http::contract::Operation;
use crate::http::{NotKept, Nothing, Problem, Reply, Shown};

const RANDOM_BYTES: usize = 32;

/// What a ticket stands for. Read across releases: new fields have defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pass {
    pub(super) tenant: TenantId,
    pub(super) caller: Caller,
    pub(super) role: Role,
    /// The nouns of events that its holder may know of; none means all.
    pub(super) may: Option<Vec<String>>,
}

/// A ticket as its holder gets it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LiveTicket")]
pub(super) struct TicketView {
    /// 64 hex digits. It opens one socket.
    #[schemars(example = "5f1e")]
    ticket: String,
    /// For the handshake, in this order: the protocol, and the ticket with `ticket.` before it.
    #[schemars(example = [PROTOCOL, "ticket.5f1e"])]
    protocols: [String; 2],
    /// How long it may wait to be used.
    #[schemars(example = 30)]
    expires_in_seconds: u64,
}

impl std::fmt::Debug for TicketView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TicketView").finish_non_exhaustive()
    }
}

pub(super) const ISSUE: Operation = Operation::new("issueLiveTicket", "Get a ticket for live updates")
    .says("It opens one WebSocket at `GET /v1/live`, of any API process, within seconds. What it tells is what its holder may read.");

/// Issues a ticket.
pub(super) async fn issue(
    State(app): State<App>,
    by: Allowed<ReadLive>,
    NotKept(Nothing {}): NotKept<Nothing>,
) -> Result<Reply<Shown<TicketView>>, Problem> {
    let pass = Pass { tenant: by.tenant, caller: by.caller, role: by.role, may: nouns(&by) };
    let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
    let filled = SystemRandom::new().fill(bytes.as_mut_slice());
    filled.map_err(|_| Problem::Internal(anyhow::anyhow!("no randomness")))?;
    let ticket = Zeroizing::new(hex::encode(bytes.as_slice()));
    let hub = app.live.hub();
    store(&hub.queues, &ticket, &pass, hub.limits.ticket).await?;
    Reply::ok(&TicketView {
        protocols: [PROTOCOL.to_owned(), format!("{TICKET}{}", *ticket)],
        ticket: ticket.to_string(),
        expires_in_seconds: hub.limits.ticket.as_secs(),
    })
}

/// Which events the caller may know of: those about what it may read.
fn nouns(by: &Allowed<ReadLive>) -> Option<Vec<String>> {
    if by.role == Role::ClientAdmin && by.scopes == Scopes::all() {
        return None;
    }
    let reads = [
        ("contact", by.may::<ReadContacts>()),
        ("appointment", by.may::<ReadContacts>()),
        ("group", by.may::<ReadGroups>()),
        ("call", by.may::<ReadCalls>()),
        ("job", by.may::<ReadJobs>()),
        ("do_not_call", by.may::<ReadDoNotCall>()),
        ("tenant", by.may::<ReadTenant>()),
        ("user", by.may::<ReadUsers>()),
        ("api_key", by.may::<ReadKeys>()),
        ("visit", by.may::<ReadVisits>()),
    ];
    Some(reads.into_iter().filter(|it| it.1).map(|it| it.0.to_owned()).collect())
}

fn key(queues: &Queues, ticket: &str) -> String {
    let hash = digest(&SHA256, ticket.as_bytes());
    format!("{}.live.ticket.{}", queues.prefix(), hex::encode(hash.as_ref()))
}

async fn store(queues: &Queues, ticket: &str, pass: &Pass, valid: Duration) -> Result<(), Problem> {
    let text = serde_json::to_string(pass).map_err(|error| Problem::Internal(error.into()))?;
    let valid = u64::try_from(valid.as_millis()).unwrap_or(u64::MAX);
    let stored = redis::cmd("SET")
        .arg(key(queues, ticket))
        .arg(text)
        .arg("PX")
        .arg(valid)
        .exec_async(&mut queues.conn())
        .await;
    stored.map_err(|_| away())
}

/// What a ticket stands for. None: it is unknown, was redeemed, or is too old, which look alike.
pub(super) async fn redeem(queues: &Queues, ticket: &str) -> Result<Option<Pass>, Problem> {
    let is_ticket =
        ticket.len() == 2 * RANDOM_BYTES && ticket.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_ticket {
        return Ok(None);
    }
    // Read and removed in one step: of two who come with it, one gets it.
    let text: Option<String> = redis::cmd("GETDEL")
        .arg(key(queues, ticket))
        .query_async(&mut queues.conn())
        .await
        .map_err(|_| away())?;
    // One that doesn't parse was written by a newer release: its holder gets another from us.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn away() -> Problem {
    metrics::failed(Dependency::Redis, Failure::Busy);
    Problem::Busy
}
