//! One's own training.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::crypto::TenantField;
use shared::ids::CompletionId;
use shared::training::{Completion, Module, store};

use super::ModuleView;
use crate::app::{App, Begun};
use crate::auth::Member;
use crate::http::contract::Operation;
use crate::http::{Created, PageView, Path, Post, Problem, Reply, Shown};

pub(super) const SHOW: Operation = Operation::new("readMyTraining", "Show one's training").says(
    "All modules, when one completed each last, and which are due: `never_completed`; `new_version`; or, of `hipaa`, `detections`: \
     three or more of one's texts, saved or refused, had health information in them, within 30 days and since it was completed.",
);

/// Shows one's own training.
pub(super) async fn show(
    State(app): State<App>,
    me: Member,
) -> Result<Reply<Shown<PageView<ModuleView>>>, Problem> {
    let mut work = app.read_own(me).await?;
    let mut standings = store::standings(&mut work.tx, &[me.user], work.now).await?;
    let items = ModuleView::all(&standings.remove(&me.user).unwrap_or_default());
    Reply::ok(&PageView { items, next: None })
}

/// That one has completed a module.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewTrainingCompletion")]
pub(super) struct Wish {
    /// The version that one has read: the one that holds.
    #[schemars(range(min = 1), example = 1)]
    version: i64,
}

/// That somebody completed a module.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TrainingCompletion")]
pub(super) struct CompletionView {
    id: CompletionId,
    module: Module,
    /// In which version.
    version: i32,
    /// When.
    at: DateTime<Utc>,
}

pub(super) const COMPLETE: Operation =
    Operation::new("completeTraining", "Record that one has completed a module")
        .says("With who, when and which version, for good: entries are never changed.");

/// Records that whoever asks has completed a module.
pub(super) async fn complete(
    State(app): State<App>,
    me: Member,
    Path(module): Path<Module>,
    Post { body, once }: Post<Wish>,
) -> Result<Reply<Created<CompletionView>>, Problem> {
    let mut work = match app.change_own(me, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let version = module.version();
    if body.version != i64::from(version) {
        let why = format!("is not the version that holds, which is {version}");
        return Err(Problem::field("/version", "not_current", why));
    }
    let done = Completion { id: CompletionId::new(), user: me.user, module, at: work.now };
    store::insert(&mut work.tx, &done).await?;
    let values = json!({ "after": { "module": module.as_str(), "version": version } });
    let sealed =
        work.keys.seal(TenantField::AuditDetails, done.id.0, values.to_string().as_bytes())?;
    work.changes.entry("training.complete", done.id.0, Some(sealed));
    let view = CompletionView { id: done.id, module, version, at: done.at };
    let reply = Reply::created("/v1/training".to_owned(), &view)?;
    work.commit(&app, reply).await
}
