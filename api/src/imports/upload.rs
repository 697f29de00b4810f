//! Taking a file.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use shared::idempotency;
use shared::ids::ImportId;
use shared::imports::Import;
use shared::imports::store::files;
use shared::intake::MOST_BYTES;

use super::compute;
use super::file::{ImportView, look, shown};
use crate::app::{App, Begun};
use crate::auth::{Allowed, EditContacts};
use crate::http::contract::{Draft, Operation, Takes};
use crate::http::{self, Created, Problem, Reply};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A file as a client sends it: its bytes, and nothing around them.
#[derive(Debug)]
pub(super) struct Upload {
    bytes: Bytes,
    once: Option<idempotency::Request>,
}

impl Takes for Upload {
    fn describe(draft: &mut Draft<'_>) {
        let csv = "UTF-8 with a header; comma, semicolon or tab.";
        let example = "Name,Phone,Date,Time\nAda Example,07700 900123,2036-03-03,09:30\n";
        draft.other_body("text/csv", csv, example);
        draft.fails(&http::BODY_FAILS);
        draft.once();
    }
}

impl FromRequest<App> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Problem> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let headers = request.headers().clone();
        let bytes = http::read(request, MOST_BYTES).await?;
        // Browsers call one file by many names; what it is, its bytes say.
        let known = ["text/csv", "application/octet-stream", "application/vnd.ms-excel", XLSX];
        if !http::media_type(&headers).is_some_and(|kind| known.contains(&kind)) {
            return Err(Problem::UnsupportedMediaType(
                "text/csv, an .xlsx workbook's, or application/octet-stream",
            ));
        }
        let once = http::named(&headers, &method, &uri, &bytes)?;
        Ok(Self { bytes, once })
    }
}

pub(super) const UPLOAD: Operation = Operation::new("uploadImport", "Upload a file of contacts").says(
    "CSV or an .xlsx workbook, at most 10 MB and 10,000 rows, as the body itself. It is sealed, and forgotten after a day unless it is \
     run. The answer proposes what each column is. The guide is `docs/import.md`.",
);

/// Takes a file: seals it, and proposes what its columns are.
pub(super) async fn upload(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Upload { bytes, once }: Upload,
) -> Result<Reply<Created<ImportView>>, Problem> {
    let content = bytes.clone();
    let looked = compute(move || look(&content)).await?;
    let looked = looked.map_err(|error| Problem::field("", error.code(), error.to_string()))?;
    if looked.rows == 0 {
        return Err(Problem::field("", "no_rows", "the file has a header, and nothing below it"));
    }
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let import = Import {
        id: ImportId::new(),
        bytes: bytes.len() as u64,
        rows: looked.rows,
        uploaded_by: work.actor.to_string(),
        created_at: work.now,
        job: None,
    };
    files::insert(&mut work.tx, &work.keys, &import, &bytes).await?;
    work.changes.entry("import.upload", import.id.0, None);
    let view = shown(&mut work, &import, looked.proposals).await?;
    let reply = Reply::created(format!("/v1/imports/{}", import.id), &view)?.showing(view.shown());
    work.commit(&app, reply).await
}
