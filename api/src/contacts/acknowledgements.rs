//! What was acknowledged about a contact, and each consent that was recorded or withdrawn.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::acknowledgements::{
    self as shared_acknowledgements, Entry, How, MOST_VERSION, NewEntry, What, store,
};
use shared::contacts::Consent;
use shared::crypto::{ContactField, ContactKey};
use shared::ids::{AcknowledgementId, ContactId};

use super::NOUN;
use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, EditContacts, ReadContacts};
use crate::http::contract::Operation;
use crate::http::{Created, Fields, PageQuery, PageView, Path, Post, Problem, Query, Reply, Shown};

/// An entry as the tenant's people see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Acknowledgement")]
pub(super) struct EntryView {
    id: AcknowledgementId,
    /// What was acknowledged, or `consent_recorded`, `consent_withdrawn`; more may come.
    #[schemars(example = &"hipaa_requirements")]
    kind: String,
    /// How a consent was given or taken back, as far as somebody said so.
    #[schemars(example = &"verbal")]
    how: Option<String>,
    /// Of which version of the text.
    #[schemars(example = "2026-01")]
    text_version: Option<String>,
    /// By whom.
    by: String,
    /// When.
    at: DateTime<Utc>,
}

impl EntryView {
    fn of(entry: Entry) -> Self {
        Self {
            id: entry.id,
            kind: entry.kind,
            how: entry.how,
            text_version: entry.text_version,
            by: entry.recorded_by,
            at: entry.at,
        }
    }
}

pub(super) const LIST: Operation =
    Operation::new("listAcknowledgements", "List what was acknowledged about a contact")
        .says("Newest first, with each consent that was recorded or withdrawn.");

/// Lists a contact's entries, newest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadContacts>,
    Path(contact): Path<ContactId>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Shown<PageView<EntryView>>>, Problem> {
    let slice = query.slice()?;
    let mut work = app.read(&by).await?;
    let found = shared::contacts::store::find(&mut work.tx, &work.keys, contact).await?;
    found.ok_or(Problem::NotFound(NOUN))?;
    let page = store::list(&mut work.tx, contact, slice).await?;
    let shown: Vec<_> = page.items.iter().map(|entry| entry.id.0).collect();
    Ok(Reply::ok(&PageView::of(page, EntryView::of))?.showing(shown))
}

/// What is acknowledged.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAcknowledgement {
    /// What.
    #[schemars(example = &"hipaa_requirements")]
    kind: shared_acknowledgements::Kind,
    /// Of which version of the text: letters, digits, `.`, `_` and `-`.
    #[schemars(length(min = 1, max = MOST_VERSION), example = "2026-01")]
    text_version: String,
}

pub(super) const CREATE: Operation =
    Operation::new("acknowledge", "Record that something was acknowledged about a contact").says(
        "With who and when, for good: entries are never changed. A contact's consent is recorded by changing the contact.",
    );

/// Records that whoever asks has acknowledged something about a contact.
pub(super) async fn create(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(contact): Path<ContactId>,
    Post { body, once }: Post<NewAcknowledgement>,
) -> Result<Reply<Created<EntryView>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    // Locked, lest it is deleted or erased meanwhile.
    let found = shared::contacts::store::lock(&mut work.tx, &work.keys, contact).await?;
    let opened = found.ok_or(Problem::NotFound(NOUN))?;
    let mut fields = Fields::default();
    let version = text_version(&mut fields, "text_version", Some(&body.text_version));
    let text_version = fields.finish(version)?;
    let what = What::Acknowledged(body.kind);
    let entry = add(&mut work, &opened.key, contact, what, text_version).await?;
    let (kind, how) = entry.what.words();
    let view = EntryView {
        id: entry.id,
        kind: kind.to_owned(),
        how: how.map(ToOwned::to_owned),
        text_version: entry.text_version,
        by: entry.by,
        at: entry.at,
    };
    let reply = Reply::created(format!("/v1/contacts/{contact}/acknowledgements"), &view)?;
    work.commit(&app, reply).await
}

/// Of which version of a text, if one is named: a word, so that nothing personal is written here. The outer `None` means that
/// it is wrong.
#[expect(clippy::option_option, reason = "wrong, absent and present are three things")]
pub(super) fn text_version(
    fields: &mut Fields,
    field: &str,
    raw: Option<&str>,
) -> Option<Option<String>> {
    let Some(raw) = raw else { return Some(None) };
    let text = fields.text(field, raw, MOST_VERSION)?;
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !text.chars().all(known) {
        fields.fault(field, "bad_character", "letters, digits, full stops, _ and - only");
        return None;
    }
    Some(Some(text))
}

/// Adds an entry about a contact, with its event and its place in the audit chain.
pub(super) async fn add(
    work: &mut Work,
    key: &ContactKey,
    contact: ContactId,
    what: What,
    text_version: Option<String>,
) -> Result<NewEntry, Problem> {
    let id = AcknowledgementId::new();
    let by = work.actor.to_string();
    let entry = NewEntry { id, contact, what, text_version, by, at: work.now };
    store::insert(&mut work.tx, &entry).await?;
    let (kind, how) = what.words();
    let values =
        json!({ "after": { "kind": kind, "how": how, "text_version": entry.text_version } });
    let place = ContactField::AuditValues { entry: contact.0 };
    let sealed = key.seal(place, values.to_string().as_bytes())?;
    work.changes.event("contact.acknowledged", id.0, Some(contact)).entry(
        "contact.acknowledge",
        contact.0,
        Some(sealed),
    );
    Ok(entry)
}

/// Adds an entry if notes were saved `knowingly` with what may be health information.
pub(super) async fn note_phi(
    work: &mut Work,
    key: &ContactKey,
    contact: ContactId,
    knowingly: bool,
) -> Result<(), Problem> {
    if knowingly {
        let what = What::Acknowledged(shared_acknowledgements::Kind::PhiInNotes);
        add(work, key, contact, what, None).await?;
    }
    Ok(())
}

/// Adds an entry if a consent was recorded or withdrawn.
pub(super) async fn note_consent(
    work: &mut Work,
    key: &ContactKey,
    contact: ContactId,
    (before, after): (Option<&Consent>, Option<&Consent>),
    how: Option<How>,
    text_version: Option<String>,
) -> Result<(), Problem> {
    let what = match (before, after) {
        (None, Some(_)) => What::ConsentRecorded(how),
        (Some(_), None) => What::ConsentWithdrawn(how),
        _ => return Ok(()),
    };
    add(work, key, contact, what, text_version).await?;
    Ok(())
}
