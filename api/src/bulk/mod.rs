//! One change of many contacts: previewed, then run as a job (docs/bulk.md).

mod ask;
mod preview;
mod run;

use crate::http::contract::{Routes, post};

pub(crate) use ask::{Who, expected_count};
pub(crate) use preview::of_failure;

/// 10,000 ids of contacts and of appointments, and room to spare.
pub(crate) const MOST_BYTES: usize = 2 * 1024 * 1024;

/// Routes below `/v1/bulk`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Bulk changes")
        .at("/", post(run::RUN, run::run))
        .at("/preview", post(preview::PREVIEW, preview::preview))
}
