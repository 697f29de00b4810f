//! Asking for a bulk change.

use axum::extract::State;
use shared::bulk::{Act, Params};
use shared::groups::store as groups;
use shared::ids::{GroupId, JobId};
use shared::jobs::{Kind, NewJob};

use super::MOST_BYTES;
use super::ask::Ask;
use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, EditContacts, EditGroups, PlaceCalls};
use crate::http::contract::Operation;
use crate::http::{Accepted, Fields, Post, Problem, Reply};
use crate::jobs::view::JobView;

pub(super) const RUN: Operation = Operation::new("changeManyContacts", "Change many contacts")
    .says(
        "As a job: at most 10,000 contacts (100 for `call`: more is a campaign), in batches of 500, each all or nothing. What can't be done for one fails that one, and the \
         job's items say why. A job that can be taken back says until when (`undo_until`). Preview it first, and send its `total` as \
         `expected_count`: if it is another number when the job begins, the job is refused (`count_changed`) and nothing is done.",
    );

/// Puts a bulk change into the line.
pub(super) async fn run(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Post { body, once }: Post<Ask, MOST_BYTES>,
) -> Result<Reply<Accepted<JobView>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let params = read(&mut work, &by, body).await?;
    let id = JobId::new();
    let values = serde_json::to_value(&params).map_err(|error| Problem::Internal(error.into()))?;
    let job = NewJob {
        kind: Kind::Bulk,
        by: work.actor,
        params: &values,
        facts: facts(&params.act),
        total: None,
        undoes: None,
    };
    work.changes.entry("job.create", id.0, None);
    crate::jobs::line_up(work, &app, id, &job).await
}

/// What may be shown of it: words and ids, and no reason that somebody wrote.
fn facts(act: &Act) -> serde_json::Value {
    match act {
        Act::Status { status, .. } => serde_json::json!({ "act": act.word(), "status": status }),
        Act::Groups { add, remove, replace } => serde_json::json!({
            "act": act.word(), "add": add, "remove": remove, "replace": replace,
        }),
        Act::Call { wait } => serde_json::json!({ "act": act.word(), "wait": wait }),
        Act::Edit(_) | Act::Delete | Act::Restore => serde_json::json!({ "act": act.word() }),
    }
}

/// Reads what is asked for, and sees that who asks may, and that the groups are there.
pub(super) async fn read(
    work: &mut Work,
    by: &Allowed<EditContacts>,
    ask: Ask,
) -> Result<Params, Problem> {
    let mut fields = Fields::default();
    let params = ask.read(&mut fields);
    let named: Vec<(String, GroupId)> = match params.as_ref().map(|params| &params.act) {
        Some(Act::Groups { add, remove, replace }) => {
            let word = if *replace { "replace" } else { "add" };
            let of = |word: &str, groups: &[GroupId]| {
                let path =
                    |(at, group): (usize, &GroupId)| (format!("act/groups/{word}/{at}"), *group);
                groups.iter().enumerate().map(path).collect::<Vec<_>>()
            };
            [of(word, add), of("remove", remove)].concat()
        }
        _ => Vec::new(),
    };
    if let Some(Act::Groups { .. }) = params.as_ref().map(|params| &params.act) {
        by.must::<EditGroups>()?;
    }
    if let Some(Act::Call { .. }) = params.as_ref().map(|params| &params.act) {
        by.must::<PlaceCalls>()?;
    }
    for (path, group) in named {
        if groups::find(&mut work.tx, group).await?.is_none() {
            fields.fault(&path, "unknown", "there is no such group");
        }
    }
    fields.finish_in(work, params)
}
