//! What the daily round did, and would do.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::retention::store;

use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, KeepContacts};
use crate::http::contract::Operation;
use crate::http::{Nothing, Post, Problem, Reply, Shown};

/// How long contacts are kept.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Retention")]
pub(super) struct View {
    /// Archived or deleted contacts are erased after so many months: `retention_months` of the policy.
    retention_months: u32,
    /// When contacts are looked through next: once a day.
    next_at: Option<DateTime<Utc>>,
    /// What the last round did.
    last: Option<LastRound>,
    /// What a round would do now.
    now: WouldDo,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RetentionRound")]
struct LastRound {
    /// When it was.
    at: DateTime<Utc>,
    /// Contacts that it archived.
    archived: i64,
    /// Contacts that it erased.
    erased: i64,
    /// Contacts whose time was over and that it spared, by why: `legal_hold`, `call_under_way`, `dial_unsettled`.
    spared: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RetentionForecast")]
struct WouldDo {
    /// Contacts that it would archive.
    archive: u64,
    /// Contacts that it would erase.
    erase: u64,
    /// Contacts that it would spare, by why.
    spare: BTreeMap<&'static str, u64>,
    /// The first hundred that it would erase.
    erase_ids: Vec<shared::ids::ContactId>,
}

pub(super) const FIND: Operation = Operation::new("readRetention", "Read how long contacts are kept")
    .says(
        "Contacts are archived the day after their last appointment, or twelve months after the last call, appointment or edit; \
         they are erased `retention_months` later, by themselves. Tells what the last round did, and what one would do now.",
    );

/// Reads what the last round did, and what one would do now.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<KeepContacts>,
) -> Result<Reply<Shown<View>>, Problem> {
    let mut work = app.read(&by).await?;
    let view = view(&mut work).await?;
    let shown: Vec<_> = view.now.erase_ids.iter().map(|id| id.0).collect();
    Ok(Reply::ok(&view)?.showing(shown))
}

pub(super) const RUN: Operation =
    Operation::new("runRetention", "Look through contacts now").says(
        "Has a worker begin the round that would come once a day; it does so within minutes. What it did is read afterwards.",
    );

/// Has a round begin as soon as a worker comes.
pub(super) async fn run(
    State(app): State<App>,
    by: Allowed<KeepContacts>,
    Post { body: Nothing {}, once }: Post<Nothing>,
) -> Result<Reply<Shown<View>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    store::ask_for_round(&mut work.tx).await?;
    let tenant = work.tenant.id.0;
    work.changes.entry("retention.ask", tenant, None);
    let view = view(&mut work).await?;
    work.commit(&app, Reply::ok(&view)?).await
}

async fn view(work: &mut Work) -> Result<View, Problem> {
    let (next_at, last) = store::rounds(&mut work.tx).await?;
    let would = store::forecast(&mut work.tx).await?;
    Ok(View {
        retention_months: work.tenant.policy.retention_months,
        next_at,
        last: last.map(|last| LastRound {
            at: last.at,
            archived: last.archived,
            erased: last.erased,
            spared: last.spared,
        }),
        now: WouldDo {
            archive: would.archived,
            erase: would.erased,
            spare: would.spared,
            erase_ids: would.erased_ids,
        },
    })
}
