//! Erasing one contact now, because the person asks for it.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::ids::ContactId;
use shared::journal::Entry;
use shared::retention::store::erase as store;
use shared::retention::{Erased, Spared};

use crate::app::{App, Begun};
use crate::auth::{Allowed, KeepContacts};
use crate::contacts::NOUN;
use crate::http::contract::Operation;
use crate::http::{Kind, Path, Post, Problem, Reply, Shown};

const WORD: &str = "erase";

/// That it is meant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EraseContact")]
pub(super) struct Confirmed {
    /// The word `erase`: it can't be taken back.
    #[schemars(length(min = 5, max = 5), example = &"erase")]
    confirm: String,
}

pub(super) const ERASE: Operation = Operation::new("eraseContact", "Erase a contact now")
    .says(
        "Destroys the contact's key: name, number, address, notes, voice text and transcripts can't be read any more, by anybody, \
         nor the details of what is on record about it. Planned calls are withdrawn. Ids, times and how calls ended stay, and so \
         does the number on the do-not-call list. Also for contacts that are deleted or archived. It can't be taken back.",
    )
    .fails(&[Kind::NotErased]);

/// Erases a contact, deleted or not.
pub(super) async fn erase(
    State(app): State<App>,
    by: Allowed<KeepContacts>,
    Path(id): Path<ContactId>,
    Post { body, once }: Post<Confirmed>,
) -> Result<Reply<Shown<Erased>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    if !store::is_there(&mut work.tx, id).await? {
        return Err(Problem::NotFound(NOUN));
    }
    if body.confirm != WORD {
        return Err(Problem::field("/confirm", "unconfirmed", "expected the word erase"));
    }
    let done = store::erase(&mut work.tx, id, &mut work.changes).await?.map_err(refused)?;
    // Before it is committed: a restore must not bring anybody back.
    app.note(vec![Entry::Erased { tenant: work.tenant.id, id, at: work.now }]).await?;
    work.commit(&app, Reply::ok(&done)?).await
}

fn refused(why: Spared) -> Problem {
    let detail = match why {
        Spared::LegalHold => "a legal hold keeps it",
        Spared::CallUnderWay => "a call is under way: try again when it is over",
        Spared::DialUnsettled => "it isn't known yet what came of a dial: try again later",
    };
    Problem::Conflict {
        kind: Kind::NotErased,
        detail: detail.to_owned(),
        more: Some(("why", why.as_str().into())),
    }
}
