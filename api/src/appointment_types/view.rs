//! Reading appointment types.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::appointment_types::{AppointmentType, store};
use shared::ids::AppointmentTypeId;

use super::NOUN;
use crate::app::App;
use crate::auth::{Allowed, ReadTenant};
use crate::http::contract::Operation;
use crate::http::{PageView, Path, Problem, Reply, Shown, Versioned};

/// A type as the tenant's people see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AppointmentType")]
pub(super) struct TypeView {
    id: AppointmentTypeId,
    #[schemars(example = "Check-up")]
    name: String,
    /// What the voice says of it; null: nothing.
    #[schemars(example = "check-up")]
    spoken_name: Option<String>,
    /// Never spoken, and shown by role.
    sensitive: bool,
    /// How long such an appointment takes unless it says so itself.
    #[schemars(example = 30)]
    duration_minutes: Option<u16>,
    /// New appointments may be of it.
    active: bool,
    /// The version, as in `ETag`.
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TypeView {
    pub(super) fn new(of: &AppointmentType) -> Self {
        Self {
            id: of.id,
            name: of.name.as_str().to_owned(),
            spoken_name: of.spoken_name.as_ref().map(|name| name.as_str().to_owned()),
            sensitive: of.sensitive,
            duration_minutes: of.duration_minutes,
            active: of.active,
            version: of.version,
            created_at: of.created_at,
            updated_at: of.updated_at,
        }
    }
}

pub(super) const LIST: Operation = Operation::new("listAppointmentTypes", "List appointment types")
    .says("All of them on one page, by name; those that are not active too.");

/// Lists the types, by name.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadTenant>,
) -> Result<Reply<Shown<PageView<TypeView>>>, Problem> {
    let mut tx = app.look(&by).await?;
    let items = store::list(&mut tx).await?.iter().map(TypeView::new).collect();
    Reply::ok(&PageView { items, next: None })
}

pub(super) const FIND: Operation =
    Operation::new("readAppointmentType", "Show an appointment type");

/// Shows one type.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadTenant>,
    Path(id): Path<AppointmentTypeId>,
) -> Result<Reply<Versioned<Shown<TypeView>>>, Problem> {
    let mut tx = app.look(&by).await?;
    let found = store::find(&mut tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    Ok(Reply::ok(&TypeView::new(&found))?.with_version(found.version))
}
