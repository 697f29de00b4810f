//! The file of an export, made while it is sent: in memory is one part of it.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use shared::audit::Actor;
use shared::audit::accesses::Access;
use shared::crypto::TenantKeys;
use shared::exports::{self, Encoder, Format, KEPT, Params, Row, store};
use shared::files::{FileError, FileKind, FileStore};
use shared::ids::{ContactId, FileId, JobId, TenantId};
use shared::jobs::{self, Kind as JobKind, State as Stands};

use crate::accesses::ShownIds;
use crate::app::App;
use crate::auth::{Download, ExportContacts};
use crate::http::contract::{Answer, Draft, Operation};
use crate::http::problem::Kind;
use crate::http::{Path, Problem, of_file};

/// What it is called in problems.
const NOUN: &str = "export: it was never made, or 24 hours have passed";

pub(super) const FILE: Operation = Operation::new("downloadExport", "Download an export")
    .says(
        "For 24 hours after its job's end, as often as it is wanted; each download is on the audit trail, with the contacts that it \
         held. Who was deleted since is not in it. In CSV a cell that a spreadsheet would run has an apostrophe in front, which importing \
         takes off again; in a workbook every cell is a text.",
    )
    .fails(&[Kind::JobState, Kind::FilesAway]);

/// A file that is made while it is sent.
#[derive(Debug)]
pub(super) struct Sent {
    format: Format,
    export: JobId,
    body: Body,
}

impl Answer for Sent {
    fn describe(draft: &mut Draft<'_>) {
        draft.answers_files(&[Format::Csv.media_type(), Format::Xlsx.media_type()]);
    }
}

impl IntoResponse for Sent {
    fn into_response(self) -> Response {
        let mut answer = self.body.into_response();
        answer.extensions_mut().insert(ShownIds(vec![self.export.0]));
        for (name, value) in of_file(self.format.file_name(), self.format.media_type()) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                answer.headers_mut().insert(name, value);
            }
        }
        answer
    }
}

/// Sends the file of an export.
pub(super) async fn file(
    State(app): State<App>,
    Download(by): Download<ExportContacts>,
    Path(export): Path<JobId>,
) -> Result<Sent, Problem> {
    let files = app.files.clone().ok_or(Problem::FilesAway)?;
    let mut work = app.read(&by).await?;
    let job = jobs::store::find(&mut work.tx, export).await?;
    let job = job.filter(|job| job.kind == JobKind::Export).ok_or(Problem::NotFound(NOUN))?;
    if job.state != Stands::Done {
        return Err(Problem::Conflict {
            kind: Kind::JobState,
            detail: "the export is not done".to_owned(),
            more: Some(("state", serde_json::json!(job.state))),
        });
    }
    if job.ended_at.is_none_or(|ended| ended + KEPT <= work.now) {
        return Err(Problem::NotFound(NOUN));
    }
    let params = jobs::store::params(&mut work.tx, &work.keys, export).await?;
    let Params { columns, format, .. } = params.ok_or(Problem::NotFound(NOUN))?;
    let made = store::made(&mut work.tx, export).await?.ok_or(Problem::NotFound(NOUN))?;
    let keys = Arc::clone(&work.keys);
    work.tx.rollback().await?;
    let header: Vec<String> = columns.iter().map(|column| column.header().to_owned()).collect();
    let mut sending = Sending {
        app,
        files,
        keys,
        tenant: by.tenant,
        actor: by.actor(),
        export,
        parts: made.parts.into(),
        encoder: Some(format.encoder(&header)),
    };
    // A store that is away is told as a problem, while that can be.
    let first = sending.next().await?;
    let rest = futures::stream::try_unfold(sending, |mut sending| async move {
        let piece = sending.next().await.map_err(|it| cut_off(&it))?;
        Ok::<_, std::io::Error>(piece.map(|piece| (piece, sending)))
    });
    let first = futures::stream::iter(first.map(Ok));
    let body = Body::from_stream(futures::StreamExt::chain(first, rest));
    Ok(Sent { format, export, body })
}

/// An answer that has begun can only be broken off: the client sees that it is not whole.
fn cut_off(problem: &Problem) -> std::io::Error {
    tracing::error!(error = problem as &dyn std::error::Error, "a download was broken off");
    std::io::Error::other("broken off")
}

/// A download on its way.
struct Sending {
    app: App,
    files: FileStore,
    keys: Arc<TenantKeys>,
    tenant: TenantId,
    actor: Actor,
    export: JobId,
    parts: VecDeque<FileId>,
    /// None once the end was written.
    encoder: Option<Box<dyn Encoder>>,
}

impl Sending {
    /// The next piece that isn't empty: of the next part, or the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let Some(encoder) = self.encoder.take() else { return Ok(None) };
            let Some(part) = self.parts.pop_front() else {
                return Ok(Some(encoder.finish().into()));
            };
            let rows = self.read(part).await?;
            let rows = self.noted(rows).await?;
            // Compressing takes a processor for some milliseconds.
            let encoded = tokio::task::spawn_blocking(move || {
                let mut encoder = encoder;
                for Row(_, cells) in &rows {
                    encoder.row(cells);
                }
                let piece = encoder.take();
                (encoder, piece)
            });
            let (encoder, piece) = encoded.await.map_err(|it| Problem::Internal(it.into()))?;
            self.encoder = Some(encoder);
            if !piece.is_empty() {
                return Ok(Some(piece.into()));
            }
        }
    }

    async fn read(&self, part: FileId) -> Result<Vec<Row>, Problem> {
        let opened = self.files.open(&self.keys, FileKind::Export, part).await;
        let rows = exports::read_part(opened.map_err(problem)?).await;
        rows.map_err(problem)
    }

    /// The rows of those who are still there, once it is on record that they are shown.
    async fn noted(&self, rows: Vec<Row>) -> Result<Vec<Row>, Problem> {
        let ids: Vec<ContactId> = rows.iter().map(|Row(contact, _)| *contact).collect();
        let mut tx = self.app.db.tenant(self.tenant).await?;
        let gone = store::gone(&mut tx, &ids).await?;
        tx.rollback().await?;
        let rows: Vec<Row> = rows.into_iter().filter(|row| !gone.contains(&row.0)).collect();
        let mut shown: Vec<_> = rows.iter().map(|Row(contact, _)| contact.0).collect();
        shown.sort_unstable();
        shown.dedup();
        let access = Access {
            tenant: self.tenant,
            actor: self.actor,
            action: "GET /v1/exports/{export}/file 200".to_owned(),
            entity: self.export.0,
            shown,
        };
        self.app.accesses.note(access).await.map_err(|_| Problem::Busy)?;
        Ok(rows)
    }
}

/// What a client is told of a file that can't be read; what the store said is logged.
fn problem(error: FileError) -> Problem {
    match error {
        FileError::StoreAway(_) | FileError::Refused(_) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a part of an export could not be read"
            );
            Problem::FilesAway
        }
        FileError::Missing => Problem::NotFound("file of this export any more: ask for it again"),
        error => Problem::Internal(error.into()),
    }
}
