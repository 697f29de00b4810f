//! How found contacts are shown: the rows of the window, opened, with the places that were found.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use shared::appointment_types::key_of;
use shared::appointments::{Appointment, Priority};
use shared::calls::rules::snapshot::AppointmentStatus;
use shared::contacts::store::Opened;
use shared::ids::{ContactId, GroupId};
use shared::search::filter::Calling;
use shared::search::{
    AppointmentDate, Attendance, Facets, Field, LAST_CONTACT, Query, Span, highlight,
};

use super::Found;
use crate::app::Work;
use crate::appointments::AppointmentView;
use crate::contacts::ContactView;
use crate::contacts::cards::{self, Card};
use crate::contacts::view::Viewer;
use crate::http::Problem;

/// Who was found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FoundContacts")]
pub(crate) struct FoundView {
    /// How many contacts were found in all, exactly.
    total: usize,
    /// Those of the window, in order.
    rows: Vec<RowView>,
    /// The `after` of what follows; null at the end.
    next: Option<String>,
    /// How many contacts each choice of the filter would show; null unless asked for.
    facets: Option<FacetsView>,
}

/// A found contact.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FoundContact")]
struct RowView {
    contact_id: ContactId,
    /// The contact; of its fields those that were asked for.
    #[schemars(schema_with = "some_of_a_contact")]
    contact: Projected,
    /// The appointment for which the filter holds: the next open one of them, or else the latest. Bulk acts are about this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment: Option<Option<AppointmentView>>,
    /// How well the search fits.
    score: u32,
    /// Where in which field the search was found, in UTF-16 code units: what `slice` of JavaScript counts. Those of a phone are
    /// places of its E.164 form.
    #[serde(skip_serializing_if = "Option::is_none")]
    highlights: Option<BTreeMap<Field, Vec<Span>>>,
}

/// The schema of a contact, of which any field may be missing.
fn some_of_a_contact(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = ContactView::json_schema(generator);
    schema.remove("required");
    schema
}

/// A part of a row.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RowPart")]
pub(crate) enum Part {
    /// What the person is called.
    Name,
    /// The number.
    Phone,
    /// The address.
    Email,
    /// What staff note.
    Notes,
    /// Where the person lives, by the clock.
    Zone,
    /// How the person wishes to be reached.
    Channel,
    /// That the person agreed to automated calls.
    Consent,
    /// Since when it is out of the way.
    ArchivedAt,
    /// The groups that it is in.
    Groups,
    /// Where the contact stands with its calls.
    CallingState,
    /// Why staff should look.
    Flags,
    /// When the next planned call may be dialled.
    NextCallAt,
    /// When the person was last reached.
    LastContactAt,
    /// Dials about the appointment that the row shows.
    Attempts,
    /// The next open appointment.
    NextAppointment,
    /// What the caller may do now.
    AllowedActions,
    /// The version.
    Version,
    /// When it was made.
    CreatedAt,
    /// When it was last changed.
    UpdatedAt,
    /// The appointment that the row shows.
    Appointment,
    /// Where the search was found.
    Highlights,
}

impl Part {
    /// Its name in a row.
    fn name(self) -> String {
        // An enum without data serialises to its name.
        serde_json::to_value(self)
            .ok()
            .and_then(|name| name.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// How many contacts each choice would show, were this part of the filter that choice alone.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ContactFacets")]
struct FacetsView {
    status: BTreeMap<AppointmentStatus, u64>,
    /// `today`, `tomorrow`, `this_week`, `next_week`.
    date: BTreeMap<&'static str, u64>,
    /// `attended`, `no_show`, `unknown`.
    attendance: BTreeMap<&'static str, u64>,
    priority: BTreeMap<Priority, u64>,
    r#type: BTreeMap<String, u64>,
    owner: BTreeMap<String, u64>,
    location: BTreeMap<String, u64>,
    source: BTreeMap<String, u64>,
    groups: BTreeMap<GroupId, u64>,
    ungrouped: u64,
    calling: BTreeMap<Calling, u64>,
    /// `never`, `today`, `week`, `month`.
    last_contact: BTreeMap<&'static str, u64>,
    /// `no`, `only`.
    archived: BTreeMap<&'static str, u64>,
}

/// Opens the rows of the window, in the order in which they were found.
pub(super) async fn show(
    work: &mut Work,
    found: &Found,
    viewer: Viewer,
) -> Result<FoundView, Problem> {
    let asked = &found.asked;
    let wants = |part| asked.fields.as_ref().is_none_or(|fields| fields.contains(&part));
    let rows = &found.window.rows;
    let wanted: Vec<_> = rows.iter().map(|row| (row.contact, row.appointment)).collect();
    let cards = cards::cards(work, viewer, &wanted).await?;
    let mut cards: HashMap<ContactId, Card> =
        cards.into_iter().map(|card| (card.opened.contact.id, card)).collect();
    let names: Option<Arc<[String]>> =
        asked.fields.as_ref().map(|fields| fields.iter().map(|part| part.name()).collect());
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        // The book and these rows are of one moment: each is there.
        let Some(Card { opened, shown: of, mut view }) = cards.remove(&row.contact) else {
            continue;
        };
        let of = of.as_ref().map(|shown| &shown.appointment);
        let highlights =
            wants(Part::Highlights).then(|| highlights(&asked.query, &asked.hidden, &opened, of));
        let appointment = view.take_appointment();
        shown.push(RowView {
            contact_id: row.contact,
            contact: Projected { view, wanted: names.clone() },
            appointment: wants(Part::Appointment).then_some(appointment),
            score: row.score,
            highlights,
        });
    }
    Ok(FoundView {
        total: found.window.total,
        rows: shown,
        next: found.next(&work.keys)?,
        facets: found.facets.as_ref().map(|facets| FacetsView::new(facets, &found.unseen_types)),
    })
}

/// A contact with those members that are wanted; all, unless some are named.
#[derive(Debug)]
struct Projected {
    view: ContactView,
    wanted: Option<Arc<[String]>>,
}

impl Serialize for Projected {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(wanted) = &self.wanted else { return self.view.serialize(serializer) };
        let mut value = serde_json::to_value(&self.view).map_err(S::Error::custom)?;
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, _| name == "id" || wanted.contains(name));
        }
        value.serialize(serializer)
    }
}

fn highlights(
    query: &Query,
    hidden: &[Field],
    opened: &Opened,
    appointment: Option<&Appointment>,
) -> BTreeMap<Field, Vec<Span>> {
    let contact = &opened.contact;
    let label =
        |label: Option<&shared::appointments::Label>| label.map(|label| label.as_str().to_owned());
    let of_appointment = |field| {
        let one = appointment?;
        match field {
            Field::Type => label(one.kind.as_ref()),
            Field::Owner => label(one.owner_name.as_ref()),
            Field::Company => label(one.company_name.as_ref()),
            Field::Instructions => one.voice_text.as_ref().map(|text| text.as_str().to_owned()),
            _ => None,
        }
    };
    let text = |field| match field {
        Field::Name => Some(contact.name.as_str().to_owned()),
        Field::Phone => Some(contact.phone.as_str().to_owned()),
        Field::Email => contact.email.as_ref().map(|email| email.as_str().to_owned()),
        Field::Notes => contact.notes.as_ref().map(|notes| notes.as_str().to_owned()),
        field => of_appointment(field),
    };
    if query.is_empty() {
        return BTreeMap::new();
    }
    Field::ALL
        .into_iter()
        .filter(|field| !hidden.contains(field))
        .filter_map(|field| {
            let text = zeroize::Zeroizing::new(text(field)?);
            let spans = highlight(query, field, &text);
            (!spans.is_empty()).then_some((field, spans))
        })
        .collect()
}

impl FacetsView {
    fn new(facets: &Facets, unseen_types: &[String]) -> Self {
        fn of<T: Copy + Ord>(counts: &[(T, u64)]) -> BTreeMap<T, u64> {
            counts.iter().copied().collect()
        }
        fn named<T: Copy>(
            counts: &[(T, u64)],
            name: impl Fn(T) -> &'static str,
        ) -> BTreeMap<&'static str, u64> {
            counts.iter().map(|(value, count)| (name(*value), *count)).collect()
        }
        let last_contact = ["never", "today", "week", "month"];
        const { assert!(LAST_CONTACT.len() == 4) };
        Self {
            status: of(&facets.statuses),
            date: named(&facets.dates, |date| match date {
                AppointmentDate::Today => "today",
                AppointmentDate::Tomorrow => "tomorrow",
                AppointmentDate::ThisWeek => "this_week",
                AppointmentDate::NextWeek => "next_week",
                AppointmentDate::Days(..) => "range",
            }),
            attendance: named(&facets.attendance, |one| match one {
                Some(Attendance::Attended) => "attended",
                Some(Attendance::NoShow) => "no_show",
                None => "unknown",
            }),
            priority: of(&facets.priorities),
            r#type: facets
                .kinds
                .iter()
                .filter(|(kind, _)| !unseen_types.contains(&key_of(kind)))
                .map(|(kind, count)| (kind.clone(), *count))
                .collect(),
            owner: facets.owners.clone(),
            location: facets.locations.clone(),
            source: facets.sources.clone(),
            groups: facets.groups.clone(),
            ungrouped: facets.ungrouped,
            calling: of(&facets.calling),
            last_contact: last_contact
                .into_iter()
                .zip(facets.last_contact.iter().map(|(_, count)| *count))
                .collect(),
            archived: ["no", "only"]
                .into_iter()
                .zip(facets.archived.iter().map(|(_, count)| *count))
                .collect(),
        }
    }
}
