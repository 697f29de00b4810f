//! The columns of an export.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! columns {
    ($($(#[doc = $doc:literal])* $name:ident, $header:literal;)*) => {
        /// A column.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[schemars(rename = "ExportColumn")]
        pub enum Column { $($(#[doc = $doc])* $name,)* }

        impl Column {
            /// All of them, in the order of a file with all fields.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What stands above it. Those that an import takes are called so that it knows them.
            pub fn header(self) -> &'static str {
                match self { $(Self::$name => $header,)* }
            }
        }
    };
}

columns! {
    /// What the person is called.
    Name, "Name";
    /// Where the person is called.
    Phone, "Phone";
    /// Where the person is written to.
    Email, "Email";
    /// Of the appointment that is shown: the one that was selected, else the next open one, else the latest.
    AppointmentDate, "Appointment date";
    /// Of the same.
    AppointmentTime, "Appointment time";
    /// What kind of appointment.
    AppointmentType, "Appointment type";
    /// How the appointment stands.
    Status, "Status";
    /// How long it takes, in minutes.
    DurationMinutes, "Duration (minutes)";
    /// With whom.
    OwnerName, "With";
    /// At which business.
    CompanyName, "Company";
    /// Where.
    Location, "Location";
    /// What staff note.
    Notes, "Notes";
    /// What the voice says besides.
    VoiceText, "Special instructions";
    /// How important it is.
    Priority, "Priority";
    /// How the person wishes to be reached.
    Channel, "Channel";
    /// Where the person lives, by the clock.
    Zone, "Time zone";
    /// The person's groups.
    Groups, "Groups";
    /// So long before it the reminder is due.
    CallBeforeHours, "Call before (hours)";
    /// Whether the person agreed to automated calls.
    Consent, "Consent";
    /// How it was confirmed.
    ConfirmedBy, "Confirmed by";
    /// Whether the person came.
    Attendance, "Attendance";
    /// Dials that count, since the appointment was last moved.
    Attempts, "Attempts";
    /// When the person was last reached.
    LastContactAt, "Last contact";
    /// When the next planned call is looked at.
    NextCallAt, "Next call";
    /// Who brought the booking.
    Source, "Source";
    /// When the contact was made.
    CreatedAt, "Created";
    /// Its id.
    ContactId, "Contact id";
}

/// Which columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ExportFields")]
pub enum Columns {
    /// Name, number, address, and what matters of the appointment.
    #[default]
    Standard,
    /// All.
    Extended,
    /// Who is to be called, where and when, and how it stands. Nothing that says why: no type, owner, place, group, note, text or
    /// address.
    HipaaSafe,
    /// Those that are named.
    Custom,
}

impl Columns {
    /// The columns of a set; none of `custom`.
    pub fn of(self) -> &'static [Column] {
        use Column as C;
        match self {
            Self::Standard => &[
                C::Name,
                C::Phone,
                C::Email,
                C::AppointmentDate,
                C::AppointmentTime,
                C::AppointmentType,
                C::Status,
            ],
            Self::Extended => Column::ALL,
            Self::HipaaSafe => {
                &[C::Name, C::Phone, C::AppointmentDate, C::AppointmentTime, C::Status, C::Attempts]
            }
            Self::Custom => &[],
        }
    }
}
