//! What stands in the cells of a row.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Column;
use crate::appointments::store::Shown;
use crate::appointments::{Label, attendance_word, status_word};
use crate::contacts::phone::PhoneStyle;
use crate::contacts::store::Facts;
use crate::contacts::{Contact, channel_word};
use crate::ids::GroupId;

/// How a date is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExportDateFormat")]
pub enum DateFormat {
    /// The day first.
    #[serde(rename = "DD/MM/YYYY")]
    DayFirst,
    /// The month first.
    #[serde(rename = "MM/DD/YYYY")]
    MonthFirst,
    /// ISO 8601.
    #[default]
    #[serde(rename = "YYYY-MM-DD")]
    Iso,
}

/// How a time is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExportTimeFormat")]
pub enum TimeFormat {
    /// `2:30 PM`
    #[serde(rename = "12_hour")]
    Twelve,
    /// `14:30`
    #[default]
    #[serde(rename = "24_hour")]
    TwentyFour,
}

/// By whose clock times are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ExportTimezone")]
pub enum Timezone {
    /// UTC.
    Utc,
    /// Of the place where each person lives.
    Local,
    /// The tenant's.
    #[default]
    TenantDefault,
}

/// How cells are written.
// An older worker that doesn't know an option leaves the job to a newer one, and doesn't write something else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExportHow")]
pub struct How {
    /// Dates.
    #[serde(default)]
    pub date_format: DateFormat,
    /// Times.
    #[serde(default)]
    pub time_format: TimeFormat,
    /// Telephone numbers.
    #[serde(default)]
    pub phone_format: PhoneStyle,
    /// By whose clock.
    #[serde(default)]
    pub timezone: Timezone,
}

/// What is known of somebody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'s> {
    /// The contact.
    pub(super) contact: &'s Contact,
    /// The appointment that is shown.
    pub(super) shown: Option<&'s Shown>,
    /// Calls, flags, groups.
    pub(super) facts: Option<&'s Facts>,
    /// What the tenant's groups are called.
    pub(super) groups: &'s HashMap<GroupId, String>,
    /// The tenant's zone.
    pub(super) zone: Tz,
}

/// The cells of somebody's row.
pub(super) fn cells(columns: &[Column], how: How, of: &Source<'_>) -> Vec<String> {
    columns.iter().map(|column| cell(*column, how, of).unwrap_or_default()).collect()
}

fn cell(column: Column, how: How, of: &Source<'_>) -> Option<String> {
    let contact = of.contact;
    let appointment = || of.shown.map(|shown| &shown.appointment);
    let label = |label: &Option<Label>| label.as_ref().map(|it| it.as_str().to_owned());
    let zone = match how.timezone {
        Timezone::Utc => Tz::UTC,
        Timezone::Local => contact.zone,
        Timezone::TenantDefault => of.zone,
    };
    let moment = |at: DateTime<Utc>| format!("{} {}", date(at, zone, how), time(at, zone, how));
    Some(match column {
        Column::Name => contact.name.as_str().to_owned(),
        Column::Phone => contact.phone.written(how.phone_format),
        Column::Email => contact.email.as_ref()?.as_str().to_owned(),
        Column::AppointmentDate => date(appointment()?.at, zone, how),
        Column::AppointmentTime => time(appointment()?.at, zone, how),
        Column::AppointmentType => label(&appointment()?.kind)?,
        Column::Status => status_word(appointment()?.status).to_owned(),
        Column::DurationMinutes => appointment()?.duration_minutes?.to_string(),
        Column::OwnerName => label(&appointment()?.owner_name)?,
        Column::CompanyName => label(&appointment()?.company_name)?,
        Column::Location => label(&appointment()?.location)?,
        Column::Notes => contact.notes.as_ref()?.as_str().to_owned(),
        Column::VoiceText => appointment()?.voice_text.as_ref()?.as_str().to_owned(),
        Column::Priority => appointment()?.priority.as_str().to_owned(),
        Column::Channel => channel_word(contact.channel).to_owned(),
        Column::Zone => contact.zone.name().to_owned(),
        Column::Groups => {
            let mut names: Vec<&str> = of
                .facts?
                .groups
                .iter()
                .filter_map(|id| of.groups.get(id).map(String::as_str))
                .collect();
            names.sort_unstable();
            names.join(", ")
        }
        Column::CallBeforeHours => appointment()?.call_before_hours.to_string(),
        Column::Consent => if contact.consent.is_some() { "yes" } else { "no" }.to_owned(),
        Column::ConfirmedBy => appointment()?.confirmed_by?.as_str().to_owned(),
        Column::Attendance => {
            attendance_word(appointment()?.attendance.as_ref()?.attendance).to_owned()
        }
        Column::Attempts => of.shown?.attempts.to_string(),
        Column::LastContactAt => moment(of.facts?.last_contact_at?),
        Column::NextCallAt => moment(of.facts?.next_call_at?),
        Column::Source => appointment()?.source.clone(),
        Column::CreatedAt => moment(contact.created_at),
        Column::ContactId => contact.id.to_string(),
    })
}

fn date(at: DateTime<Utc>, zone: Tz, how: How) -> String {
    let form = match how.date_format {
        DateFormat::DayFirst => "%d/%m/%Y",
        DateFormat::MonthFirst => "%m/%d/%Y",
        DateFormat::Iso => "%Y-%m-%d",
    };
    at.with_timezone(&zone).format(form).to_string()
}

fn time(at: DateTime<Utc>, zone: Tz, how: How) -> String {
    let form = match how.time_format {
        TimeFormat::Twelve => "%-I:%M %p",
        TimeFormat::TwentyFour => "%H:%M",
    };
    at.with_timezone(&zone).format(form).to_string()
}
