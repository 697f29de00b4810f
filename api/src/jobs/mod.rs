//! Long work: how far it is, why it waits, and what can be done with it (docs/jobs.md).

mod act;
mod find;
mod items;
mod undo;
pub(crate) mod view;

use crate::http::contract::{Routes, get, post};

pub(crate) use act::line_up;

/// What a job is called in problems.
const NOUN: &str = "job";

/// Routes below `/v1/jobs`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Jobs")
        .at("/", get(find::LIST, find::list))
        .at("/retry", post(act::RETRY_DEAD, act::retry_dead))
        .at("/{job}", get(find::FIND, find::find))
        .at("/{job}/items", get(items::LIST, items::list))
        .at("/{job}/cancel", post(act::CANCEL, act::cancel))
        .at("/{job}/pause", post(act::PAUSE, act::pause))
        .at("/{job}/resume", post(act::RESUME, act::resume))
        .at("/{job}/retry", post(act::RETRY, act::retry))
        .at("/{job}/undo", get(undo::PREVIEW, undo::preview).post(undo::UNDO, undo::undo))
}
