//! Fields of a group, read with their faults noted.

use shared::contacts::text::TextError;
use shared::groups::{Colour, Description, GroupName, MOST_AT_ONCE};
use shared::ids::ContactId;
use shared::screening::Place;

use crate::http::{Fields, Kind, Problem};
use crate::phi::Asked;

/// What the group is called, screened unless it is what is `kept`.
pub(super) fn name(
    fields: &mut Fields,
    raw: &str,
    kept: Option<&GroupName>,
    acknowledged: bool,
) -> Option<GroupName> {
    let asked = Asked { place: Place::GroupName, field: "name", raw };
    let name = fields.take::<GroupName, TextError>(asked.field, raw.parse())?;
    asked.may_stand(fields, kept == Some(&name), acknowledged).then_some(name)
}

/// What the group is for, screened unless it is what is `kept`.
pub(super) fn description(
    fields: &mut Fields,
    raw: &str,
    kept: Option<&Description>,
    acknowledged: bool,
) -> Option<Description> {
    let asked = Asked { place: Place::GroupDescription, field: "description", raw };
    let text = fields.take::<Description, TextError>(asked.field, raw.parse())?;
    asked.may_stand(fields, kept == Some(&text), acknowledged).then_some(text)
}

pub(super) fn colour(fields: &mut Fields, raw: &str) -> Option<Colour> {
    let colour = Colour::from_word(raw);
    if colour.is_none() {
        let palette = Colour::PALETTE.map(Colour::as_str).join(", ");
        fields.fault("colour", "unknown_colour", format!("expected one of {palette}"));
    }
    colour
}

/// Refuses more ids than are allowed at once.
pub(super) fn count(fields: &mut Fields, field: &str, ids: &[ContactId], before: usize) {
    if before + ids.len() > MOST_AT_ONCE {
        let detail = format!("at most {MOST_AT_ONCE} contacts at a time");
        fields.fault(field, "out_of_range", detail);
    }
}

/// That another group has the name; which, if it is known.
pub(super) fn taken(by: Option<shared::ids::GroupId>) -> Problem {
    Problem::Conflict {
        kind: Kind::GroupNameTaken,
        detail: "another group has this name".to_owned(),
        more: by.map(|id| ("group_id", id.to_string().into())),
    }
}
