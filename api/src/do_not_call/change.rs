//! Adding one number, and taking one off.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::do_not_call::Source;
use shared::do_not_call::store::{self, Wish};
use shared::ids::DoNotCallId;
use shared::journal;

use super::list::EntryView;
use super::{MOST_REASON, NOUN, entry, why};
use crate::app::{App, Begun};
use crate::auth::{Allowed, EditDoNotCall};
use crate::contacts::{MOST_NUMBER, phone};
use crate::http::contract::Operation;
use crate::http::{Created, Either, Empty, Fields, Path, Post, Problem, Reply, Shown};
use crate::planning::{self, Planned};

/// A number that is not to be called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewDoNotCallEntry")]
pub(super) struct NewEntry {
    /// As people write it.
    #[schemars(length(max = MOST_NUMBER), example = "07700 900199")]
    number: String,
    /// For people.
    #[schemars(length(min = 1, max = MOST_REASON), example = "asked by telephone")]
    reason: Option<String>,
    /// What was found in `reason` stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
}

pub(super) const ADD: Operation = Operation::new("addDoNotCall", "Put a number on the list").says(
    "Withdraws what is planned for the number, whoever's it is, and flags the contacts that have it. A number that is \
     listed already is answered with its entry, 200. A dial that was claimed before goes on.",
);

/// Puts a number on the list and withdraws what is planned for it. One that is on it already is answered with its entry.
pub(super) async fn add(
    State(app): State<App>,
    by: Allowed<EditDoNotCall>,
    Post { body, once }: Post<NewEntry>,
) -> Result<Reply<Either<Created<EntryView>, Shown<EntryView>>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    work.lock_tenant().await?;
    let mut fields = Fields::default();
    let number = phone(&mut fields, "number", &body.number, &work.tenant);
    let reason = body.reason.as_deref();
    let reason = reason.and_then(|raw| why(&mut fields, raw, body.acknowledge_phi));
    let wish = number.map(|number| Wish { number, reason });
    let wish = fields.finish_in(&mut work, wish)?;
    let who = (work.actor, work.now);
    let wishes = std::slice::from_ref(&wish);
    let keys = (&*work.keys, app.keys.master());
    let added = store::add(&mut work.tx, keys, wishes, Source::Manual, who).await?;
    let listed = *added.listed.first().ok_or(Problem::NotFound(NOUN))?;
    let found = store::find(&mut work.tx, &work.keys, listed.id).await?;
    let view = EntryView::new(found.ok_or(Problem::NotFound(NOUN))?, true);
    if !listed.new {
        return work.commit(&app, Reply::ok(&view)?.second_of()).await;
    }
    let hashes = [store::hashes(&work.keys, &wish.number)];
    planning::tell(&mut work, Planned::NumbersBlocked(&hashes)).await?;
    work.changes.event("do_not_call.added", listed.id.0, None);
    let values = serde_json::json!({ "number": wish.number.as_str(), "reason": wish.reason });
    entry(&mut work, "do_not_call.add", listed.id.0, &values)?;
    let reply = Reply::created(format!("/v1/do-not-call/{}", listed.id), &view)?;
    app.note(added.noted).await?;
    work.commit(&app, reply.first_of()).await
}

pub(super) const REMOVE: Operation =
    Operation::new("removeDoNotCall", "Take a number off the list")
        .says("Withdrawn calls stay withdrawn; new ones may be planned.");

/// Takes a number off the list. Withdrawn calls stay withdrawn; new ones may be planned.
pub(super) async fn remove(
    State(app): State<App>,
    by: Allowed<EditDoNotCall>,
    Path(id): Path<DoNotCallId>,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    let found = store::find(&mut work.tx, &work.keys, id).await?;
    let found = found.ok_or(Problem::NotFound(NOUN))?;
    store::remove(&mut work.tx, id, work.actor, work.now).await?;
    work.changes.event("do_not_call.removed", id.0, None);
    let values = serde_json::json!({ "number": found.number.as_str() });
    entry(&mut work, "do_not_call.remove", id.0, &values)?;
    let noted = journal::Entry::Removed { tenant: by.tenant, id, at: work.now };
    let reply = work.commit(&app, Reply::empty()).await?;
    app.note(vec![noted]).await?;
    Ok(reply)
}
