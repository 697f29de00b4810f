//! What a tenant sees of the platform's people in it.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::ids::{TenantId, UserId, VisitId};
use shared::people::store::visits;
use shared::people::visit::Record;

use crate::app::App;
use crate::auth::{Allowed, ReadVisits};
use crate::http::{PageQuery, PageView, Problem, Query, Reply};

/// A declared access.
#[derive(Debug, Serialize)]
pub(crate) struct VisitView {
    id: VisitId,
    tenant_id: TenantId,
    user_id: UserId,
    kind: &'static str,
    /// Left out where no key of the tenant's is at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    state: &'static str,
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

/// Lists who of the platform looked into the tenant, when and why, the latest first.
pub(super) async fn to_tenant(
    State(app): State<App>,
    by: Allowed<ReadVisits>,
    Query(query): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let slice = query.slice()?;
    let mut work = app.read(&by).await?;
    let page = visits::to_tenant(&mut work.tx, &work.keys, slice).await?;
    let now = work.now;
    Reply::ok(&PageView::of(page, |record| VisitView::new(record, now)))
}
