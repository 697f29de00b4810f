//! Making and changing appointment types.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::appointment_types::{AppointmentType, MOST, MOST_NAME, MOST_NAMES, key, store};
use shared::appointments::Label;
use shared::ids::AppointmentTypeId;
use shared::screening::Place;

use super::NOUN;
use super::view::TypeView;
use crate::app::{App, Begun, Work};
use crate::appointments::{DURATION_MINUTES, name};
use crate::auth::{Allowed, EditTenant};
use crate::http::contract::Operation;
use crate::http::{
    Body, Created, Fields, IfMatch, Kind, Path, Post, Problem, Reply, Shown, Versioned, present,
};
use crate::phi::Asked;
use crate::tenant::tell_about;

/// A type as a client sends it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAppointmentType {
    /// What it is called; neither case nor accents tell two names apart.
    #[schemars(length(min = 1, max = MOST_NAME), example = &"Physiotherapy")]
    name: String,
    /// What the voice says of it; nothing unless given. A sensitive type has none. Refused if health information is found in it.
    #[schemars(length(min = 1, max = MOST_NAME))]
    spoken_name: Option<String>,
    /// It may say what somebody is treated for: never spoken, and shown by role.
    #[serde(default)]
    sensitive: bool,
    /// How long such an appointment takes unless it says so itself.
    #[schemars(range(min = 5, max = 480), example = 30)]
    duration_minutes: Option<i64>,
}

pub(super) const CREATE: Operation = Operation::new(
    "createAppointmentType",
    "Make an appointment type",
)
.says("Appointments name their type by its name: those that do so already are of it from now on.")
.fails(&[Kind::NameTaken, Kind::ListFull]);

/// Makes a type.
pub(super) async fn create(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Post { body, once }: Post<NewAppointmentType>,
) -> Result<Reply<Versioned<Created<TypeView>>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    work.lock_tenant().await?;
    let mut fields = Fields::default();
    let name = name(&mut fields, "name", &body.name, MOST_NAME);
    let made = name.map(|name| {
        let mut made = AppointmentType::new(name, work.now);
        made.sensitive = body.sensitive;
        made.spoken_name = spoken(&mut fields, body.spoken_name.as_deref(), None);
        made.duration_minutes = body
            .duration_minutes
            .and_then(|minutes| fields.within("duration_minutes", minutes, DURATION_MINUTES));
        never_both(&mut fields, &made);
        made
    });
    let made = fields.finish_in(&mut work, made)?;
    let all = store::list(&mut work.tx).await?;
    if all.len() >= MOST {
        return Err(crate::appointments::list_full(MOST));
    }
    refuse_taken_name(&all, &made)?;
    store::insert(&mut work.tx, &made).await?;
    let values = json!({ "after": audited(&made) });
    let id = made.id.0;
    tell_about(&mut work, id, "appointment_type.created", "appointment_type.create", &values)?;
    let address = format!("/v1/appointment-types/{}", made.id);
    let reply = Reply::created(address, &TypeView::new(&made))?.with_version(made.version);
    work.commit(&app, reply).await
}

/// What changes: a field that is absent stays, `null` clears one that may be empty.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AppointmentTypePatch")]
pub(super) struct Patch {
    /// What it is called. Appointments that call it by a former name stay of it.
    #[schemars(length(min = 1, max = MOST_NAME))]
    name: Option<String>,
    /// What the voice says of it.
    #[serde(default, deserialize_with = "present")]
    #[schemars(length(min = 1, max = MOST_NAME))]
    spoken_name: Option<Option<String>>,
    /// Never spoken, and shown by role.
    #[schemars(example = true)]
    sensitive: Option<bool>,
    /// How long such an appointment takes unless it says so itself.
    #[serde(default, deserialize_with = "present")]
    #[schemars(range(min = 5, max = 480))]
    duration_minutes: Option<Option<i64>>,
    /// New appointments may be of it.
    active: Option<bool>,
}

impl Patch {
    fn apply(&self, to: &mut AppointmentType, work: &mut Work) -> Result<(), Problem> {
        let mut fields = Fields::default();
        if let Some(raw) = &self.name
            && let Some(name) = name(&mut fields, "name", raw, MOST_NAME)
        {
            to.rename(name);
            if to.names.len() > MOST_NAMES {
                fields.fault("name", "too_many_names", "it was called otherwise too often");
            }
        }
        if let Some(raw) = &self.spoken_name {
            let kept = to.spoken_name.take();
            to.spoken_name = spoken(&mut fields, raw.as_deref(), kept.as_ref());
        }
        to.sensitive = self.sensitive.unwrap_or(to.sensitive);
        if let Some(minutes) = self.duration_minutes {
            to.duration_minutes =
                minutes.and_then(|m| fields.within("duration_minutes", m, DURATION_MINUTES));
        }
        to.active = self.active.unwrap_or(to.active);
        never_both(&mut fields, to);
        fields.finish_in(work, Some(()))
    }
}

pub(super) const PATCH: Operation =
    Operation::new("changeAppointmentType", "Change an appointment type")
        .says(
            "A field that is absent stays, `null` clears one that may be empty. Former names stay the type's own: an old \
             appointment keeps its protection.",
        )
        .fails(&[Kind::NameTaken]);

/// Changes a type.
pub(super) async fn patch(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Path(id): Path<AppointmentTypeId>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<Reply<Versioned<Shown<TypeView>>>, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    let all = store::list(&mut work.tx).await?;
    let before = all.iter().find(|kind| kind.id == id).ok_or(Problem::NotFound(NOUN))?;
    version.check(before.version)?;
    let mut after = before.clone();
    patch.apply(&mut after, &mut work)?;
    if after == *before {
        return Ok(Reply::ok(&TypeView::new(&after))?.with_version(after.version));
    }
    refuse_taken_name(&all, &after)?;
    after.version += 1;
    after.updated_at = work.now;
    store::update(&mut work.tx, &after).await?;
    let values = json!({ "before": audited(before), "after": audited(&after) });
    tell_about(&mut work, id.0, "appointment_type.changed", "appointment_type.change", &values)?;
    let reply = Reply::ok(&TypeView::new(&after))?.with_version(after.version);
    work.commit(&app, reply).await
}

/// What the voice is to say: nothing in which health information is found.
fn spoken(fields: &mut Fields, raw: Option<&str>, kept: Option<&Label>) -> Option<Label> {
    let asked = Asked { place: Place::SpokenName, field: "spoken_name", raw: raw? };
    let label = fields.take(asked.field, Label::parse(asked.raw, MOST_NAME))?;
    asked.may_stand(fields, kept == Some(&label), false).then_some(label)
}

fn never_both(fields: &mut Fields, kind: &AppointmentType) {
    if kind.sensitive && kind.spoken_name.is_some() {
        fields.fault("spoken_name", "not_wanted", "a sensitive type is never spoken");
    }
}

fn refuse_taken_name(all: &[AppointmentType], kind: &AppointmentType) -> Result<(), Problem> {
    let name = key(&kind.name);
    match all.iter().find(|other| other.id != kind.id && other.names.contains(&name)) {
        None => Ok(()),
        Some(other) => Err(Problem::Conflict {
            kind: Kind::NameTaken,
            detail: "another type is called so, or was".to_owned(),
            more: Some(("id", other.id.to_string().into())),
        }),
    }
}

fn audited(of: &AppointmentType) -> Value {
    json!({
        "name": of.name.as_str(),
        "spoken_name": of.spoken_name.as_ref().map(Label::as_str),
        "sensitive": of.sensitive,
        "duration_minutes": of.duration_minutes,
        "active": of.active,
    })
}
