//! Training of the tenant's people: what each has completed, and what they are to complete (docs/training.md).

mod mine;
mod people;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::training::store::Standing;
use shared::training::{Due, Module};

use crate::http::contract::{Routes, get, post};

/// Routes below `/v1/training`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Training")
        .at("/", get(mine::SHOW, mine::show))
        .at("/people", get(people::LIST, people::list))
        .at("/{module}/completions", post(mine::COMPLETE, mine::complete))
}

/// A module, and how somebody stands with it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TrainingModuleState")]
struct ModuleView {
    module: Module,
    /// What it is called.
    #[schemars(example = "Call management")]
    title: &'static str,
    /// The version that holds.
    version: i32,
    /// When it was last completed.
    completed_at: Option<DateTime<Utc>>,
    /// In which version.
    completed_version: Option<i32>,
    /// Whether it is to be completed, again or at all.
    due: bool,
    /// Why.
    why: Option<Due>,
}

impl ModuleView {
    /// All modules, in their order.
    fn all(standing: &Standing) -> Vec<Self> {
        Module::ALL.into_iter().map(|module| Self::of(module, standing)).collect()
    }

    fn of(module: Module, standing: &Standing) -> Self {
        let last = standing.last.get(&module);
        let why = standing.due(module);
        Self {
            module,
            title: module.title(),
            version: module.version(),
            completed_at: last.map(|last| last.at),
            completed_version: last.map(|last| last.version),
            due: why.is_some(),
            why,
        }
    }
}
