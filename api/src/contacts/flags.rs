//! Saying that somebody has looked.

use axum::extract::State;
use shared::contacts::store;
use shared::ids::ContactId;

use super::NOUN;
use crate::app::App;
use crate::auth::{Allowed, EditContacts};
use crate::http::contract::Operation;
use crate::http::{Empty, Path, Problem, Reply};

pub(super) const CLEAR: Operation = Operation::new("clearFlags", "Say that somebody has looked")
    .says("Clears the contact's flags. 204, also if there were none.");

/// Clears a contact's flags: whoever calls this has seen why they were raised. 204, also if there were none.
pub(super) async fn clear(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ContactId>,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    store::find(&mut work.tx, &work.keys, id).await?.ok_or(Problem::NotFound(NOUN))?;
    if store::clear_flags(&mut work.tx, id, work.now).await? > 0 {
        work.changes.event("contact.flags_cleared", id.0, Some(id));
        work.changes.entry("contact.clear_flags", id.0, None);
    }
    work.commit(&app, Reply::empty()).await
}
