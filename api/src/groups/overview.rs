//! How groups fare: for the people who plan with them.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::db::TenantTx;
use shared::groups::{self, store};
use shared::ids::GroupId;
use shared::paging::Slice;

use super::NOUN;
use super::find::{count, sized};
use super::view::GroupView;
use crate::app::App;
use crate::auth::{Allowed, ReadGroups};
use crate::http::contract::Operation;
use crate::http::{Path, Problem, Reply, Shown};

/// Over how many days appointments and calls are counted.
const DAYS: i64 = 30;
/// How many groups the overview has figures of.
const MOST_GROUPS: usize = 50;
/// How many new groups it names.
const RECENT: u16 = 5;

/// What came of a group's appointments and calls. What is about fewer than 5 people is null; so is the rate, if one of the
/// appointments' counts is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupFigures")]
pub(super) struct FiguresView {
    id: GroupId,
    /// Members that are neither deleted nor archived. Never withheld: whoever may ask may see them one by one.
    contact_count: i64,
    /// Appointments of the last 30 days and of those to come, by status.
    appointments: ByStatus,
    /// Confirmed ones among all of them, from 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    confirmation_rate: Option<f64>,
    /// Dials of the last 30 days that count.
    calls_in_30_days: Option<i64>,
}

/// Appointments by status; null is withheld.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupAppointments")]
struct ByStatus {
    /// Those that wait to be confirmed.
    pending: Option<i64>,
    /// Confirmed ones.
    confirmed: Option<i64>,
    /// Cancelled ones.
    cancelled: Option<i64>,
    /// Moved ones.
    rescheduled: Option<i64>,
}

impl FiguresView {
    fn new(id: GroupId, contact_count: i64, figures: &groups::Figures) -> Self {
        let shown = figures.shown();
        Self {
            id,
            contact_count,
            appointments: ByStatus {
                pending: shown.pending,
                confirmed: shown.confirmed,
                cancelled: shown.cancelled,
                rescheduled: shown.rescheduled,
            },
            confirmation_rate: shown.confirmation_rate,
            calls_in_30_days: shown.calls,
        }
    }
}

/// All groups at a glance; archived ones are only counted.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupsOverview")]
pub(super) struct Overview {
    /// How many groups there are.
    total: i64,
    /// How many are archived.
    archived: i64,
    /// The one with the most contacts.
    largest: Option<GroupView>,
    /// The one whose members were called most in the last 30 days; null if nobody was.
    most_active: Option<GroupView>,
    /// The latest five, newest first.
    recent: Vec<GroupView>,
    /// The figures of the 50 largest, largest first. Those of others: `/v1/groups/{group}/figures`.
    groups: Vec<FiguresView>,
}

pub(super) const OVERVIEW: Operation = Operation::new("readGroupsOverview", "Show all groups at a glance")
    .says("What is about fewer than 5 people is null in the figures; counts of contacts are never withheld.");

/// Shows all groups at a glance.
pub(super) async fn overview(
    State(app): State<App>,
    by: Allowed<ReadGroups>,
) -> Result<Reply<Shown<Overview>>, Problem> {
    let (mut work, table) = app.browse(&by).await?;
    let since = since(work.now);
    let tx = &mut work.tx;
    let report = store::overview(tx, since).await?;
    let counted = app.books.compute(move || table.group_sizes()).await?;
    let mut sizes: Vec<_> =
        store::unarchived(tx).await?.into_iter().map(|id| (id, count(&counted, &id))).collect();
    // Stable: of two alike the newer.
    sizes.sort_by_key(|(_, contacts)| std::cmp::Reverse(*contacts));
    sizes.truncate(MOST_GROUPS);
    let recent = store::list(tx, false, Slice { after: None, limit: RECENT }).await?.items;
    let ids: Vec<GroupId> = sizes.iter().map(|(id, _)| *id).collect();
    let figures = store::report(tx, &ids, since).await?;
    let of = |(id, contacts): &(GroupId, i64)| {
        FiguresView::new(*id, *contacts, &figures.get(id).copied().unwrap_or_default())
    };
    let groups: Vec<FiguresView> = sizes.iter().map(of).collect();
    // Of empty groups none is the largest.
    let largest = sizes.first().filter(|(_, contacts)| *contacts > 0).map(|(id, _)| *id);
    let overview = Overview {
        total: report.total,
        archived: report.archived,
        largest: one(tx, largest, &counted).await?,
        most_active: one(tx, report.most_active, &counted).await?,
        recent: sized(tx, &recent, &counted).await?,
        groups,
    };
    let named = recent.iter().map(|group| group.id).chain(report.most_active);
    let shown: Vec<_> = ids.iter().copied().chain(named).map(|id| id.0).collect();
    Ok(Reply::ok(&overview)?.showing(shown))
}

async fn one(
    tx: &mut TenantTx,
    id: Option<GroupId>,
    sizes: &BTreeMap<GroupId, usize>,
) -> Result<Option<GroupView>, Problem> {
    let Some(id) = id else { return Ok(None) };
    // Deleted since it was counted: then it is none.
    let Some(group) = store::find(tx, id).await? else { return Ok(None) };
    Ok(sized(tx, &[group], sizes).await?.pop())
}

pub(super) const FIGURES: Operation = Operation::new("readGroupFigures", "Show how a group fares")
    .says("What is about fewer than 5 people is null; the count of contacts is never withheld.");

/// Shows how one group fares.
pub(super) async fn figures(
    State(app): State<App>,
    by: Allowed<ReadGroups>,
    Path(id): Path<GroupId>,
) -> Result<Reply<Shown<FiguresView>>, Problem> {
    let mut work = app.read(&by).await?;
    let since = since(work.now);
    store::find(&mut work.tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    let standings = store::standings(&mut work.tx, &[id]).await?;
    let figures = store::report(&mut work.tx, &[id], since).await?;
    let contacts = standings.get(&id).map_or(0, |standing| standing.contacts);
    let view = FiguresView::new(id, contacts, &figures.get(&id).copied().unwrap_or_default());
    Reply::ok(&view)
}

fn since(now: DateTime<Utc>) -> DateTime<Utc> {
    now - TimeDelta::days(DAYS)
}
