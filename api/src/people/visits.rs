//! What a tenant sees of the platform's people in it.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{TenantId, UserId, VisitId};
use shared::people::store::visits;
use shared::people::visit::{Kind, Record};

use crate::app::App;
use crate::auth::{Allowed, ReadVisits};
use crate::http::contract::Operation;
use crate::http::{PageQuery, PageView, Problem, Query, Reply, Shown};

/// A declared access.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Visit")]
pub(crate) struct VisitView {
    id: VisitId,
    tenant_id: TenantId,
    user_id: UserId,
    /// To read, or to act.
    #[schemars(with = "Kind")]
    kind: &'static str,
    /// Left out where no key of the tenant's is at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How it stands.
    #[schemars(extend("enum" = ["waiting", "lapsed", "open", "ended"]))]
    state: &'static str,
    /// For how long.
    #[schemars(example = 30)]
    minutes: i32,
    asked_at: DateTime<Utc>,
    approved_by: Option<UserId>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl VisitView {
    pub(crate) fn new(record: Record, now: DateTime<Utc>) -> Self {
        Self {
            state: record.state(now),
            id: record.id,
            tenant_id: record.tenant,
            user_id: record.user,
            kind: record.kind.as_str(),
            reason: record.reason,
            minutes: record.minutes,
            asked_at: record.asked_at,
            approved_by: record.approved_by,
            starts_at: record.starts_at,
            ends_at: record.ends_at,
            ended_at: record.ended_at,
        }
    }
}

pub(super) const TO_TENANT: Operation =
    Operation::new("listPlatformVisits", "List who of the platform looked into the tenant")
        .says("When and why, the latest first.");

/// Lists who of the platform looked into the tenant, when and why, the latest first.
pub(super) async fn to_tenant(
    State(app): State<App>,
    by: Allowed<ReadVisits>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Shown<PageView<VisitView>>>, Problem> {
    let slice = query.slice()?;
    let mut work = app.read(&by).await?;
    let page = visits::to_tenant(&mut work.tx, &work.keys, slice).await?;
    let now = work.now;
    let shown: Vec<_> = page.items.iter().map(|visit| visit.id.0).collect();
    Ok(Reply::ok(&PageView::of(page, |record| VisitView::new(record, now)))?.showing(shown))
}
