//! Putting a contact out of the way, and bringing it back.

use axum::extract::State;
use serde_json::json;
use shared::contacts::store::{self, Opened};
use shared::ids::ContactId;

use super::edit::{entry, lock};
use super::find::{self, ContactReply};
use super::view::{Viewer, audited};
use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, EditContacts};
use crate::http::contract::Operation;
use crate::http::{IfMatch, Nothing, Path, Post, Problem};
use crate::planning::{self, Planned};

pub(super) const ARCHIVE: Operation = Operation::new("archiveContact", "Archive a contact").says(
    "It is in no list unless one asks for it, and is not called: what is planned is withdrawn; a dial under way goes on. \
     Nothing is lost. Archived already: nothing changes.",
);

/// Archives a contact, and withdraws what is planned.
pub(super) async fn archive(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ContactId>,
    version: IfMatch,
    Post { body: Nothing {}, once }: Post<Nothing>,
) -> Result<ContactReply, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let viewer = Viewer::of(&by, &work.tenant);
    let mut opened = lock(&mut work, id, version).await?;
    if opened.contact.archived_at.is_none() {
        let before = audited(&opened.contact);
        opened.contact.archived_at = Some(work.now);
        save(&mut work, &mut opened).await?;
        planning::tell(&mut work, Planned::ContactArchived(id)).await?;
        work.changes.event("contact.archived", id.0, Some(id));
        let values = json!({ "before": before, "after": audited(&opened.contact) });
        entry(&mut work, "contact.archive", &opened, &values)?;
    }
    let reply = find::show(&mut work, viewer, &opened).await?;
    work.commit(&app, reply).await
}

pub(super) const UNARCHIVE: Operation =
    Operation::new("unarchiveContact", "Bring back an archived contact").says(
        "Reminders of its open appointments are planned anew. Not archived: nothing changes.",
    );

/// Brings a contact back, and plans the reminders of its open appointments.
pub(super) async fn unarchive(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ContactId>,
    version: IfMatch,
    Post { body: Nothing {}, once }: Post<Nothing>,
) -> Result<ContactReply, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let viewer = Viewer::of(&by, &work.tenant);
    let mut opened = lock(&mut work, id, version).await?;
    if opened.contact.archived_at.is_some() {
        bring_back(&mut work, &mut opened).await?;
    }
    let reply = find::show(&mut work, viewer, &opened).await?;
    work.commit(&app, reply).await
}

/// Brings back a contact that is archived and locked.
pub(crate) async fn bring_back(work: &mut Work, opened: &mut Opened) -> Result<(), Problem> {
    let id = opened.contact.id;
    let before = audited(&opened.contact);
    opened.contact.archived_at = None;
    save(work, opened).await?;
    planning::tell(work, Planned::ContactUnarchived(id)).await?;
    work.changes.event("contact.unarchived", id.0, Some(id));
    let values = json!({ "before": before, "after": audited(&opened.contact) });
    entry(work, "contact.unarchive", opened, &values)
}

async fn save(work: &mut Work, opened: &mut Opened) -> Result<(), Problem> {
    opened.contact.version += 1;
    opened.contact.updated_at = work.now;
    store::update(&mut work.tx, &work.keys, opened).await?;
    Ok(())
}
