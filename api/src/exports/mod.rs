//! Exports: contacts are written to a file by a job, and downloaded for a day (docs/export.md).

mod ask;
mod download;
mod preview;
mod run;

use crate::http::contract::{Routes, get, post};

/// Routes below `/v1/exports`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Exports")
        .at("/", post(run::RUN, run::run))
        .at("/preview", post(preview::PREVIEW, preview::preview))
        .at("/{export}/file", get(download::FILE, download::file))
}
