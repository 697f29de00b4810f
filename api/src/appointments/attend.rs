//! Saying whether somebody came.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::appointments::{Attendance, Attended, may_attend};
use shared::ids::{AppointmentId, ContactId};

use super::edit::{lock, save};
use super::find::{AppointmentReply, show};
use crate::app::App;
use crate::auth::{Allowed, EditContacts};
use crate::http::contract::Operation;
use crate::http::{Body, IfMatch, Kind, Path, Problem};

/// Whether the contact came.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AttendanceSaid")]
pub(super) struct Said {
    /// `null`: nobody knows.
    #[serde(deserialize_with = "nullable")]
    #[schemars(example = &"attended")]
    attendance: Option<Attendance>,
}

/// Needed, though it may be `null`: an empty body must not take back what was said.
fn nullable<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Attendance>, D::Error> {
    Option::deserialize(from)
}

pub(super) const PUT: Operation =
    Operation::new("recordAttendance", "Say whether the contact came")
        .says("Once the appointment has begun. `null` takes it back, at any time.")
        .fails(&[Kind::NoAttendance]);

/// Says whether the contact came.
pub(super) async fn put(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(ids): Path<(ContactId, AppointmentId)>,
    version: IfMatch,
    Body(said): Body<Said>,
) -> Result<AppointmentReply, Problem> {
    let mut work = app.change(&by).await?;
    let eyes = by.eyes(&work.tenant);
    let (opened, before) = lock(&mut work, ids, version).await?;
    if before.attendance.as_ref().map(|was| was.attendance) == said.attendance {
        return show(&mut work.tx, opened.contact.zone, &before, eyes).await;
    }
    let mut after = before.clone();
    after.attendance = match said.attendance {
        None => None,
        Some(attendance) => {
            may_attend(&before, work.now).map_err(|why| Problem::Conflict {
                kind: Kind::NoAttendance,
                detail: why.to_string(),
                more: Some(("reason", why.code().into())),
            })?;
            Some(Attended { attendance, at: work.now, by: work.actor.to_string() })
        }
    };
    save(&mut work, &opened, &before, &mut after, "appointment.attendance").await?;
    let reply = show(&mut work.tx, opened.contact.zone, &after, eyes).await?;
    work.commit(&app, reply).await
}
