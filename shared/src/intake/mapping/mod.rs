//! Which column is which field: proposed, chosen by somebody, and held against the file.

mod looks;
mod propose;
pub(crate) mod synonyms;

use serde::{Deserialize, Serialize};

use super::dates::{Decision, Order, Survey};
use super::prohibited::{self, Prohibited};
use super::read::Record;
use super::{Field, Sheet};

pub use propose::{Proposal, Proposals, propose};

/// Rows whose values decide whether a column is prohibited.
const LOOKED_AT: usize = 200;

/// Which column is which field. As a template it fits every file with such columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImportMapping")]
pub struct Mapping {
    /// Columns that are not named here are ignored, and nothing of them is stored.
    #[schemars(length(min = 1, max = 23), example = example())]
    pub columns: Vec<Assigned>,
    /// Which of two numbers of a date is the day. Needed where the file doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_order: Option<Order>,
}

/// One column of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImportAssignment")]
pub struct Assigned {
    /// The label of the column.
    #[schemars(length(max = 240), example = &"Phone")]
    pub column: String,
    /// What it is.
    pub field: Field,
}

/// The columns of the example in the contract.
fn example() -> serde_json::Value {
    let columns = [
        ("Name", Field::Name),
        ("Phone", Field::Phone),
        ("Date", Field::AppointmentDate),
        ("Time", Field::AppointmentTime),
    ];
    let one = |(column, field)| serde_json::json!({ "column": column, "field": field });
    columns.into_iter().map(one).collect()
}

/// What is wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ImportMappingFault")]
pub struct MappingFault {
    /// The column that is meant.
    pub column: Option<String>,
    /// The field that is meant.
    pub field: Option<Field>,
    /// A stable word.
    pub code: MappingCode,
    /// In words.
    pub message: String,
}

/// What can be wrong with a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportMappingCode")]
pub enum MappingCode {
    /// The file has no such column.
    UnknownColumn,
    /// Two columns for one field.
    FieldTwice,
    /// Two fields for one column.
    ColumnTwice,
    /// A field that every row needs.
    MissingField,
    /// Two fields that say the same, each in its way.
    NotTogether,
    /// The column must not come in.
    ProhibitedColumn,
    /// The dates can be read two ways: `date_order` must say which is meant.
    AmbiguousDates,
}

impl MappingCode {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::UnknownColumn,
        Self::FieldTwice,
        Self::ColumnTwice,
        Self::MissingField,
        Self::NotTogether,
        Self::ProhibitedColumn,
        Self::AmbiguousDates,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownColumn => "unknown_column",
            Self::FieldTwice => "field_twice",
            Self::ColumnTwice => "column_twice",
            Self::MissingField => "missing_field",
            Self::NotTogether => "not_together",
            Self::ProhibitedColumn => "prohibited_column",
            Self::AmbiguousDates => "ambiguous_dates",
        }
    }
}

/// A mapping that fits a file.
#[derive(Debug)]
pub struct Plan<'s> {
    sheet: &'s Sheet<'s>,
    /// The column of each field.
    places: [Option<usize>; Field::ALL.len()],
    order: Option<Order>,
    survey: Survey,
    prohibited: Vec<usize>,
}

impl<'s> Plan<'s> {
    /// Holds a mapping against a file.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn new(sheet: &'s Sheet<'s>, mapping: &Mapping) -> Result<Self, Vec<MappingFault>> {
        let mut faults = Vec::new();
        let places = places(sheet, mapping, &mut faults);
        check_fields(&places, &mut faults);
        let prohibited = prohibited_columns(sheet);
        for field in Field::ALL {
            let Some(at) = places[field.index()] else { continue };
            if let Some((_, why)) = prohibited.iter().find(|(column, _)| *column == at) {
                let message = format!("{} must not be imported", why.name());
                faults.push(fault(
                    MappingCode::ProhibitedColumn,
                    Some(label(sheet, at)),
                    Some(field),
                    message,
                ));
            }
        }
        let dates = [Field::AppointmentAt, Field::AppointmentDate];
        let dates = dates.into_iter().find_map(|field| Some((places[field.index()]?, field)));
        let survey = dates.map_or_else(Survey::default, |(at, _)| survey(sheet, at));
        let decision = survey.decide();
        if let (Decision::Ambiguous, None, Some((at, field))) =
            (decision, mapping.date_order, dates)
        {
            let message = "each date can be read with the day or the month first: say which is meant in date_order".into();
            faults.push(fault(
                MappingCode::AmbiguousDates,
                Some(label(sheet, at)),
                Some(field),
                message,
            ));
        }
        let order = mapping.date_order.or(match decision {
            Decision::DayFirst => Some(Order::DayFirst),
            Decision::MonthFirst => Some(Order::MonthFirst),
            Decision::NotNeeded | Decision::Ambiguous | Decision::Mixed => None,
        });
        let prohibited = prohibited.into_iter().map(|(at, _)| at).collect();
        if faults.is_empty() {
            Ok(Self { sheet, places, order, survey, prohibited })
        } else {
            Err(faults)
        }
    }

    /// The file.
    pub fn sheet(&self) -> &'s Sheet<'s> {
        self.sheet
    }

    /// The order in which dates are read; none if no date depends on it, or if the column has both orders and nobody chose.
    pub fn date_order(&self) -> Option<Order> {
        self.order
    }

    /// What the dates say.
    pub fn survey(&self) -> Survey {
        self.survey
    }

    /// The label of a field's column.
    pub fn column(&self, field: Field) -> Option<&'s str> {
        self.places[field.index()].map(|at| self.sheet.columns()[at].label.as_str())
    }

    /// A row's cell for a field, trimmed; none if the field has no column or the cell is empty.
    pub(crate) fn cell<'r>(&self, record: &'r Record<'_>, field: Field) -> Option<&'r str> {
        let cell = record.cells.get(self.places[field.index()]?)?.trim();
        (!cell.is_empty()).then_some(cell)
    }

    /// Columns that must not come in.
    pub(crate) fn prohibited(&self) -> &[usize] {
        &self.prohibited
    }
}

fn places(
    sheet: &Sheet<'_>,
    mapping: &Mapping,
    faults: &mut Vec<MappingFault>,
) -> [Option<usize>; Field::ALL.len()] {
    let mut places = [None; Field::ALL.len()];
    for assigned in &mapping.columns {
        let (column, field) = (Some(assigned.column.clone()), Some(assigned.field));
        let found = sheet.columns().iter().position(|column| column.label == assigned.column);
        let Some(at) = found else {
            faults.push(fault(
                MappingCode::UnknownColumn,
                column,
                field,
                "the file has no such column".into(),
            ));
            continue;
        };
        if places.contains(&Some(at)) {
            let message = "the column is given to another field already".into();
            faults.push(fault(MappingCode::ColumnTwice, column, field, message));
        } else if places[assigned.field.index()].is_some() {
            let message = "the field has another column already".into();
            faults.push(fault(MappingCode::FieldTwice, column, field, message));
        } else {
            places[assigned.field.index()] = Some(at);
        }
    }
    places
}

fn check_fields(places: &[Option<usize>], faults: &mut Vec<MappingFault>) {
    let has = |field: Field| places[field.index()].is_some();
    let mut missing = |field: Field, message: &str| {
        faults.push(fault(MappingCode::MissingField, None, Some(field), message.to_owned()));
    };
    if !has(Field::Name) && !has(Field::FirstName) && !has(Field::LastName) {
        missing(Field::Name, "no column has the name");
    }
    if !has(Field::Phone) {
        missing(Field::Phone, "no column has the telephone number");
    }
    if !has(Field::AppointmentAt) {
        if !has(Field::AppointmentDate) {
            missing(Field::AppointmentDate, "no column has the date of the appointment");
        }
        if !has(Field::AppointmentTime) {
            missing(Field::AppointmentTime, "no column has the time of the appointment");
        }
    }
    for (one, others) in [
        (Field::Name, [Field::FirstName, Field::LastName]),
        (Field::AppointmentAt, [Field::AppointmentDate, Field::AppointmentTime]),
    ] {
        if has(one) && others.into_iter().any(has) {
            let message = format!(
                "{} goes without {} and {}",
                one.as_str(),
                others[0].as_str(),
                others[1].as_str()
            );
            faults.push(fault(MappingCode::NotTogether, None, Some(one), message));
        }
    }
    for (one, needed) in
        [(Field::ConsentHow, Field::Consent), (Field::ConsentTextVersion, Field::Consent)]
    {
        if has(one) && !has(needed) {
            let message = format!("{} goes with {} only", one.as_str(), needed.as_str());
            faults.push(fault(MappingCode::MissingField, None, Some(needed), message));
        }
    }
}

fn fault(
    code: MappingCode,
    column: Option<String>,
    field: Option<Field>,
    message: String,
) -> MappingFault {
    MappingFault { column, field, code, message }
}

fn label(sheet: &Sheet<'_>, at: usize) -> String {
    sheet.columns()[at].label.clone()
}

/// What the dates of a column say about their order.
pub(super) fn survey(sheet: &Sheet<'_>, at: usize) -> Survey {
    let mut survey = Survey::default();
    sheet.records().for_each(|record| survey.add(&record.cells[at]));
    survey
}

/// The columns that must not come in, by name or by what is in them.
pub(super) fn prohibited_columns(sheet: &Sheet<'_>) -> Vec<(usize, Prohibited)> {
    let records: Vec<Record<'_>> = sheet.records().take(LOOKED_AT).collect();
    let of = |at: usize| {
        let values = records.iter().map(|record| record.cells[at].as_ref());
        prohibited::by_name(&sheet.columns()[at].header).or_else(|| prohibited::by_values(values))
    };
    (0..sheet.columns().len()).filter_map(|at| Some((at, of(at)?))).collect()
}
