//! Adding many numbers at once, each with its own result.

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use schemars::JsonSchema;
use serde::Serialize;
use shared::crypto::MasterKeys;
use shared::do_not_call::Source;
use shared::do_not_call::store::{self, Added, Listed, Wish};
use shared::idempotency;
use shared::ids::DoNotCallId;
use shared::journal;
use shared::screening::Detection;
use shared::tenants::Tenant;

use super::rows::{Row, Rows, of_csv};
use super::{entry, why};
use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, EditDoNotCall};
use crate::contacts::phone;
use crate::http::contract::{Draft, Operation, Takes};
use crate::http::{self, Fields, Problem, Reply, Shown};
use crate::planning::{self, Planned};

/// Fewer numbers than this are read in less time than a thread takes to wake.
const LEAST_PER_CORE: usize = 64;

/// 10,000 numbers with short reasons.
const MOST_BYTES: usize = 1024 * 1024;

/// What became of one row, counted from 1 without the header.
#[derive(Debug, Serialize, JsonSchema)]
struct RowResult {
    /// Counted from 1.
    row: usize,
    /// What became of it.
    #[schemars(extend("enum" = ["added", "already_listed", "refused"]))]
    result: &'static str,
    /// The entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<DoNotCallId>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What became of all.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "ImportSummary")]
pub(super) struct Summary {
    /// How many numbers are new.
    added: usize,
    /// How many were listed before.
    already_listed: usize,
    /// How many are no numbers that may be listed.
    refused: usize,
    /// Each row with its result.
    rows: Vec<RowResult>,
}

/// Rows as a client sends them: JSON or CSV.
#[derive(Debug)]
pub(super) struct Upload {
    rows: Vec<Row>,
    /// Of the reasons; CSV has no place to say it.
    acknowledged: bool,
    once: Option<idempotency::Request>,
}

impl Takes for Upload {
    fn describe(draft: &mut Draft<'_>) {
        draft.json_body::<Rows>();
        let csv = "The number first, then perhaps the reason (RFC 4180). A first row without any digit is a header.";
        draft.other_body("text/csv", csv, "number,reason\n07700 900199,asked by telephone\n");
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
        let once = http::named(&headers, &method, &uri, &bytes)?;
        let (rows, acknowledged) = match http::media_type(&headers) {
            Some("text/csv") => (of_csv(&bytes)?, false),
            Some("application/json") => http::parse::<Rows>(&headers, &bytes)?.into_rows()?,
            _ => return Err(Problem::UnsupportedMediaType("application/json or text/csv")),
        };
        Ok(Self { rows, acknowledged, once })
    }
}

pub(super) const IMPORT: Operation = Operation::new("importDoNotCall", "Put many numbers on the list").says(
    "At most 10,000 at a time, 1 MiB. Those that are numbers are added, whatever the others are; each row has its result.",
);

/// Puts many numbers on the list: those that are numbers, whatever the others are.
pub(super) async fn import(
    State(app): State<App>,
    by: Allowed<EditDoNotCall>,
    Upload { rows, acknowledged, once }: Upload,
) -> Result<Reply<Shown<Summary>>, Problem> {
    let tenant = app.read(&by).await?.tenant;
    let read = wishes(rows, acknowledged, tenant).await?;
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    work.lock_tenant().await?;
    let (read, screened): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    // What was refused goes on record with the rest: the import as a whole is not.
    work.screened.extend(screened.into_iter().flatten());
    let (summary, noted) = list(&mut work, app.keys.master(), read).await?;
    app.note(noted).await?;
    work.commit(&app, Reply::ok(&summary)?).await
}

async fn list(
    work: &mut Work,
    master: &MasterKeys,
    read: Vec<Result<Wish, Problem>>,
) -> Result<(Summary, Vec<journal::Entry>), Problem> {
    let wishes: Vec<Wish> = read.iter().filter_map(|wish| wish.as_ref().ok().cloned()).collect();
    let who = (work.actor, work.now);
    let Added { listed, noted } =
        store::add(&mut work.tx, (&work.keys, master), &wishes, Source::Import, who).await?;
    let new: Vec<&Wish> =
        wishes.iter().zip(&listed).filter(|(_, listed)| listed.new).map(|(wish, _)| wish).collect();
    let hashes: Vec<_> = new.iter().map(|wish| store::hashes(&work.keys, &wish.number)).collect();
    if !hashes.is_empty() {
        planning::tell(work, Planned::NumbersBlocked(&hashes)).await?;
        let tenant = work.tenant.id.0;
        work.changes.event("do_not_call.imported", tenant, None);
        let ids: Vec<_> =
            listed.iter().filter(|listed| listed.new).map(|listed| listed.id).collect();
        entry(work, "do_not_call.import", tenant, &serde_json::json!({ "added": ids }))?;
    }
    Ok((summarise(read, &listed), noted))
}

/// A row that was read, and what goes on record of its reason.
type Read = (Result<Wish, Problem>, Vec<Detection>);

/// Reads the numbers, on every core. It takes most of the time of an import: neither a lock nor the thread of other requests
/// is held meanwhile.
async fn wishes(rows: Vec<Row>, acknowledged: bool, tenant: Tenant) -> Result<Vec<Read>, Problem> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (rows, tenant) = (Arc::new(rows), Arc::new(tenant));
    let each = rows.len().div_ceil(cores).max(LEAST_PER_CORE);
    let parts = (0..rows.len()).step_by(each).map(|from| {
        let (rows, tenant) = (Arc::clone(&rows), Arc::clone(&tenant));
        tokio::task::spawn_blocking(move || {
            let part = rows.iter().skip(from).take(each);
            part.map(|row| wish(row, acknowledged, &tenant)).collect::<Vec<_>>()
        })
    });
    let mut read = Vec::with_capacity(rows.len());
    // Begun together, and gathered in the order of the rows.
    for part in parts.collect::<Vec<_>>() {
        read.extend(part.await.map_err(|error| Problem::Internal(error.into()))?);
    }
    Ok(read)
}

fn wish(row: &Row, acknowledged: bool, tenant: &Tenant) -> Read {
    let mut fields = Fields::default();
    let number = phone(&mut fields, "number", &row.number, tenant);
    let reason = row.reason.as_deref().and_then(|raw| why(&mut fields, raw, acknowledged));
    fields.finish_apart(number.map(|number| Wish { number, reason }))
}

fn summarise(read: Vec<Result<Wish, Problem>>, listed: &[Listed]) -> Summary {
    let mut summary = Summary::default();
    let mut listed = listed.iter();
    for (index, read) in read.into_iter().enumerate() {
        let row = index + 1;
        let result = match read {
            Err(problem) => {
                summary.refused += 1;
                refused(row, &problem)
            }
            Ok(_) => {
                let found = listed.next();
                let new = found.is_some_and(|listed| listed.new);
                if new {
                    summary.added += 1
                } else {
                    summary.already_listed += 1
                }
                let result = if new { "added" } else { "already_listed" };
                RowResult { row, result, id: found.map(|f| f.id), code: None, detail: None }
            }
        };
        summary.rows.push(result);
    }
    summary
}

fn refused(row: usize, problem: &Problem) -> RowResult {
    let error = match problem {
        Problem::Invalid(errors) => errors.first(),
        _ => None,
    };
    RowResult {
        row,
        result: "refused",
        id: None,
        code: error.map(|error| error.code),
        detail: error.map(|error| error.detail.clone()),
    }
}
