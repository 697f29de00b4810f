//! Calling somebody now.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::calls::call_now::{self, Pressed};
use shared::ids::{CallId, ContactId};

use crate::app::{App, Begun};
use crate::auth::{Allowed, PlaceCalls};
use crate::contacts;
use crate::http::contract::Operation;
use crate::http::{Accepted, Kind, Path, Post, Problem, Reply};

/// How a contact is to be called.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "CallNow")]
pub(super) struct Press {
    /// Stay in front until the deadline, rather than ten minutes.
    wait: bool,
}

/// A call that is in front, or under way already.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CallInFront")]
pub(super) struct PressedView {
    /// The call: `Location` is its address.
    call_id: CallId,
    /// It was not planned before.
    new: bool,
    /// A dial was under way already: this is it.
    under_way: bool,
    /// When it will be dialled; a forecast.
    expected: Option<DateTime<Utc>>,
}

pub(super) const PRESS: Operation = Operation::new("callNow", "Call a contact now")
    .says(
        "Puts the contact's call in front of all others; it skips no check. Pressed twice it is one call. If it can't go \
         out within ten minutes: 409 with the explanation, and nothing changed.",
    )
    .fails(&[Kind::CannotCallNow]);

/// Puts a contact's call to the front. 202, or 409 with the explanation if it can't go out within ten minutes.
pub(super) async fn press(
    State(app): State<App>,
    by: Allowed<PlaceCalls>,
    Path(contact): Path<ContactId>,
    post: Post<Press>,
) -> Result<Reply<Accepted<PressedView>>, Problem> {
    let mut work = match app.change_once(&by, post.once).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::Anew(work) => work,
    };
    let pressed = call_now::press(&mut work.tx, contact, post.body.wait, &mut work.changes).await?;
    let view = match pressed {
        Pressed::NoContact => return Err(Problem::NotFound(contacts::NOUN)),
        Pressed::NotNow(explanation) => {
            let explanation = serde_json::to_value(&explanation)
                .map_err(|error| Problem::Internal(error.into()))?;
            return Err(Problem::Conflict {
                kind: Kind::CannotCallNow,
                detail: "this contact can't be called within the next ten minutes".to_owned(),
                more: Some(("explanation", explanation)),
            });
        }
        Pressed::InFront { call, new, expected } => {
            PressedView { call_id: call, new, under_way: false, expected }
        }
        Pressed::UnderWay { call } => {
            PressedView { call_id: call, new: false, under_way: true, expected: None }
        }
    };
    let reply = Reply::accepted(format!("/v1/calls/{}", view.call_id), &view)?;
    work.commit(&app, reply).await
}
