//! Imports: a file is uploaded, looked at, run as a job, and taken back (docs/import.md).

mod ask;
mod errors;
mod file;
mod preview;
mod run;
mod templates;
mod upload;

use shared::imports::store::files;
use shared::imports::{Import, Surroundings};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::app::Work;
use crate::http::Problem;
use crate::http::contract::{Routes, delete, get, post};

/// What an import is called in problems.
const NOUN: &str = "import";

/// Files that a process reads at a time: the largest takes half a second of a processor, and some tens of megabytes.
static READING: Semaphore = Semaphore::const_new(2);

/// Routes below `/v1/imports`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Imports")
        .at("/", post(upload::UPLOAD, upload::upload))
        .at("/{import}", get(file::FIND, file::find).delete(file::DELETE, file::delete))
        .at("/{import}/preview", post(preview::PREVIEW, preview::preview))
        .at("/{import}/run", post(run::RUN, run::run))
        .at("/{import}/errors", get(errors::FILE, errors::file))
}

/// Routes below `/v1/import-templates`.
pub(crate) fn template_routes() -> Routes {
    Routes::tagged("Imports")
        .at("/", get(templates::LIST, templates::list).post(templates::CREATE, templates::create))
        .at("/{template}", delete(templates::DELETE, templates::delete))
}

/// Does what takes a processor for a while, where no request waits for it.
async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let permit = READING.acquire().await.map_err(|error| Problem::Internal(error.into()))?;
    let done = tokio::task::spawn_blocking(work).await;
    drop(permit);
    done.map_err(|error| Problem::Internal(error.into()))
}

/// What is in an import's file.
async fn content(work: &mut Work, import: &Import) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let content = files::content(&mut work.tx, &work.keys, import.id).await?;
    content.ok_or(Problem::NotFound(NOUN))
}

/// By what rows are checked now.
async fn surroundings(work: &mut Work) -> Result<Surroundings, Problem> {
    let read = Surroundings::read(&mut work.tx, &work.tenant, work.now).await?;
    read.ok_or_else(|| {
        let detail = "the policy names a region that has no telephone numbers";
        Problem::field("", "no_regions", detail)
    })
}
