//! Reading the trail. It is audited itself, as every request is.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::audit::chain::Chain;
use shared::audit::trail::{self, Filter, Row, open, open::Values, store};
use shared::ids::ContactId;
use shared::paging::Cursor;
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Allowed, ReadAudit};
use crate::http::contract::Operation;
use crate::http::{PageQuery, PageView, Problem, Query, Reply, Shown};

/// No act of ours is longer.
const LONGEST_ACT: usize = 200;

/// One of the two chains.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AuditChain")]
pub(super) enum Which {
    /// What was changed, with the values before and after.
    #[default]
    Changes,
    /// Who asked for what, which ids were shown; sign-ins and refusals.
    Accesses,
}

/// Which entries are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Changes, unless given.
    #[serde(default)]
    chain: Which,
    /// What this user, API key or person of the platform did; and sign-ins refused that named this user.
    person_id: Option<Uuid>,
    /// What was done about this contact, its appointments and calls; and who was shown it.
    contact_id: Option<ContactId>,
    /// What was done begins with this, as in `contact.` or `GET /v1/contacts`.
    #[schemars(length(max = LONGEST_ACT), example = &"contact.")]
    act: Option<String>,
    /// At this time or later.
    from: Option<DateTime<Utc>>,
    /// Before this time.
    to: Option<DateTime<Utc>>,
    /// At most so many; 50 unless given.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[schemars(regex(pattern = "^[0-9a-f]{48}$"))]
    cursor: Option<String>,
}

/// An entry of the trail.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
pub(super) struct EntryView {
    /// Its number in its chain, which has no gap.
    number: i64,
    /// When.
    at: DateTime<Utc>,
    /// Who: `user:<id>`, `key:<id>`, `visitor:<id of a user>/<id of the visit>`, `stranger`, `worker`, `provider`, `platform`.
    #[schemars(example = &"worker")]
    actor: String,
    /// What: `noun.verb` of a change; method, route and status of a request.
    #[schemars(example = &"contact.change")]
    act: String,
    /// To what; the tenant, if to nothing in it.
    entity_id: Uuid,
    /// Ids that were shown. Of accesses only.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown_ids: Option<Vec<Uuid>>,
    /// Values before and after, where they were kept and can be opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<serde_json::Value>,
    /// Why there are no values: `erased` with their contact, or `unreadable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["erased", "unreadable"]))]
    no_values: Option<&'static str>,
}

impl EntryView {
    fn new(chain: Chain, row: Row, values: Values) -> Self {
        let shown_ids = (chain == Chain::Accesses)
            .then(|| trail::shown(row.detail.as_deref().unwrap_or_default()));
        let (values, no_values) = match values {
            Values::None => (None, None),
            Values::Opened(values) => (Some(values), None),
            Values::Erased => (None, Some("erased")),
            Values::Unreadable => (None, Some("unreadable")),
        };
        let Row { n: number, at, actor, action: act, entity: entity_id, .. } = row;
        Self { number, at, actor, act, entity_id, shown_ids, values, no_values }
    }
}

pub(super) const LIST: Operation = Operation::new("listAudit", "Read the audit trail").says("One of its two chains, the latest first. A page looks at a bounded number of entries, so it may be short, or empty, and the trail goes on all the same: ask until `next` is null. Reading it is in the trail too.");

/// Lists entries of one chain, the latest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadAudit>,
    Query(query): Query<ListQuery>,
) -> Result<Reply<Shown<PageView<EntryView>>>, Problem> {
    let slice = PageQuery::new(query.limit, query.cursor.clone()).slice()?;
    let before = slice.after.map(number).transpose()?;
    let filter = read(query)?;
    let mut work = app.read(&by).await?;
    let part = store::page(&mut work.tx, &filter, before, slice.limit).await?;
    let values = match filter.chain {
        Chain::Changes => open::values(&mut work.tx, &work.keys, &part.rows).await?,
        Chain::Accesses => part.rows.iter().map(|_| Values::None).collect(),
    };
    let about = filter.contact.map(|id| id.0);
    let shown: Vec<_> = match filter.chain {
        Chain::Changes => part.rows.iter().map(|row| row.entity).chain(about).collect(),
        Chain::Accesses => about.into_iter().collect(),
    };
    let items = part.rows.into_iter().zip(values);
    let items = items.map(|(row, values)| EntryView::new(filter.chain, row, values)).collect();
    let next = part.next.map(|n| cursor(n).to_string());
    Ok(Reply::ok(&PageView { items, next })?.showing(shown))
}

fn read(query: ListQuery) -> Result<Filter, Problem> {
    let ListQuery { chain, person_id, contact_id, act, from, to, .. } = query;
    if act.as_ref().is_some_and(|act| act.chars().count() > LONGEST_ACT) {
        let told = format!("must have at most {LONGEST_ACT} characters");
        return Err(Problem::field("act", "too_long", told));
    }
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(Problem::field("to", "not_after_from", "must be later than from"));
    }
    let chain = match chain {
        Which::Changes => Chain::Changes,
        Which::Accesses => Chain::Accesses,
    };
    Ok(Filter { chain, person: person_id, contact: contact_id, act, from, to })
}

/// Entries have a number, and cursors a place for an id.
fn cursor(n: i64) -> Cursor {
    let id = Uuid::from_u128(u128::try_from(n).unwrap_or_default());
    Cursor { at: DateTime::UNIX_EPOCH, id }
}

fn number(cursor: Cursor) -> Result<i64, Problem> {
    i64::try_from(cursor.id.as_u128()).map_err(|_| {
        Problem::field("cursor", "bad_cursor", "pass on what the page before gave as next")
    })
}
