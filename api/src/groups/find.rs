//! Reading groups.

use std::collections::BTreeMap;

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::db::TenantTx;
use shared::groups::Group;
use shared::groups::store::{self, Standing};
use shared::ids::{ContactId, GroupId};
use shared::paging::Page;

use super::NOUN;
use super::view::{GroupView, MembershipView};
use crate::app::App;
use crate::auth::{Allowed, ReadGroups};
use crate::http::contract::Operation;
use crate::http::{PageQuery, PageView, Path, Problem, Query, Reply, Shown, Versioned};

/// The answer that shows one group.
pub(super) type GroupReply = Reply<Versioned<Shown<GroupView>>>;

/// Which groups are listed, and which page of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// At most so many; 50 unless given.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[schemars(regex(pattern = "^[0-9a-f]{48}$"))]
    cursor: Option<String>,
    /// Those that are archived, in place of the others.
    #[serde(default)]
    archived: bool,
}

pub(super) const LIST: Operation = Operation::new("listGroups", "List groups").says(
    "Newest first, with counts and the last activity. Archived ones are left out, unless they are asked for: then the \
     others are.",
);

/// Lists groups, newest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadGroups>,
    Query(query): Query<ListQuery>,
) -> Result<Reply<Shown<PageView<GroupView>>>, Problem> {
    let slice = PageQuery::new(query.limit, query.cursor).slice()?;
    let (mut work, table) = app.browse(&by).await?;
    let page = store::list(&mut work.tx, query.archived, slice).await?;
    let shown: Vec<_> = page.items.iter().map(|group| group.id.0).collect();
    let sizes = app.books.compute(move || table.group_sizes()).await?;
    let items = sized(&mut work.tx, &page.items, &sizes).await?;
    let page = PageView::of(Page { items, next: page.next }, |view| view);
    Ok(Reply::ok(&page)?.showing(shown))
}

pub(super) const FIND: Operation = Operation::new("readGroup", "Show a group");

/// Shows one group.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadGroups>,
    Path(id): Path<GroupId>,
) -> Result<GroupReply, Problem> {
    let mut tx = app.look(&by).await?;
    let group = store::find(&mut tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    view(&mut tx, &group).await
}

/// What shows one group.
pub(super) async fn view(tx: &mut TenantTx, group: &Group) -> Result<GroupReply, Problem> {
    let mut views = views(tx, std::slice::from_ref(group)).await?;
    let view = views.pop().ok_or(Problem::NotFound(NOUN))?;
    Ok(Reply::ok(&view)?.with_version(group.version))
}

pub(super) async fn views(tx: &mut TenantTx, groups: &[Group]) -> Result<Vec<GroupView>, Problem> {
    let ids: Vec<GroupId> = groups.iter().map(|group| group.id).collect();
    let standings = store::standings(tx, &ids).await?;
    let standing = |group: &Group| standings.get(&group.id).copied().unwrap_or_default();
    Ok(groups.iter().map(|group| GroupView::new(group, standing(group))).collect())
}

/// The views of groups whose `sizes` are counted already.
pub(super) async fn sized(
    tx: &mut TenantTx,
    groups: &[Group],
    sizes: &BTreeMap<GroupId, usize>,
) -> Result<Vec<GroupView>, Problem> {
    let ids: Vec<GroupId> = groups.iter().map(|group| group.id).collect();
    let outcomes = store::last_outcomes(tx, &ids).await?;
    let standing = |id: &GroupId| Standing {
        contacts: count(sizes, id),
        last_outcome_at: outcomes.get(id).copied(),
    };
    Ok(groups.iter().map(|group| GroupView::new(group, standing(&group.id))).collect())
}

/// How many contacts a group has.
pub(super) fn count(sizes: &BTreeMap<GroupId, usize>, id: &GroupId) -> i64 {
    sizes.get(id).map_or(0, |size| i64::try_from(*size).unwrap_or(i64::MAX))
}

pub(super) const OF_CONTACT: Operation =
    Operation::new("listContactGroups", "List the groups of a contact")
        .says("By name, archived ones too, with who added the contact and when. One page.");

/// Lists the groups that a contact is in.
pub(super) async fn of_contact(
    State(app): State<App>,
    by: Allowed<ReadGroups>,
    Path(id): Path<ContactId>,
) -> Result<Reply<Shown<PageView<MembershipView>>>, Problem> {
    let mut tx = app.look(&by).await?;
    let found = store::of_contact(&mut tx, id).await?;
    let memberships = found.ok_or(Problem::NotFound(crate::contacts::NOUN))?;
    let shown: Vec<_> = memberships.iter().map(|membership| membership.group.id.0).collect();
    let items = memberships.into_iter().map(MembershipView::new).collect();
    Ok(Reply::ok(&PageView { items, next: None })?.showing(shown))
}
