//! Fields of a group, read with their faults noted.

use shared::contacts::text::TextError;
use shared::groups::{Colour, Description, GroupName, MOST_AT_ONCE};
use shared::ids::ContactId;

use crate::http::{Fields, Kind, Problem};

pub(super) fn name(fields: &mut Fields, raw: &str) -> Option<GroupName> {
    fields.take::<GroupName, TextError>("name", raw.parse())
}

pub(super) fn description(fields: &mut Fields, raw: &str) -> Option<Description> {
    fields.take::<Description, TextError>("description", raw.parse())
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
