//! What the search knows of a contact: the rows that blocks are built from.

use chrono::{DateTime, Utc};
use phonenumber::Mode;
use zeroize::Zeroizing;

use crate::appointments::Priority;
use crate::calls::rules::snapshot::AppointmentStatus;
use crate::contacts::state::CallingState;
use crate::ids::{AppointmentId, ContactId, GroupId};

use super::fold::Span;

/// A contact as the search sees it. Texts are the originals; blocks fold them.
///
/// Personal data: `Debug` shows nothing but the id.
#[derive(Clone, PartialEq, Eq)]
pub struct ContactRow {
    /// Its id.
    pub id: ContactId,
    /// What the person is called.
    pub name: String,
    /// The phone number, E.164.
    pub phone: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// What staff note.
    pub notes: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Out of the way, but not erased.
    pub archived: bool,
    /// Where it stands with its calls, of all appointments and campaigns together.
    pub calling: CallingState,
    /// When the next planned call is due.
    pub next_call_at: Option<DateTime<Utc>>,
    /// When the person was last reached, about anything.
    pub last_contact_at: Option<DateTime<Utc>>,
    /// How often it was dialled, of the dials that count.
    pub attempts: u32,
    /// The groups that it is in.
    pub groups: Vec<GroupId>,
    /// Its appointments, in any order.
    pub appointments: Vec<AppointmentRow>,
}

/// An appointment as the search sees it.
///
/// Personal data: `Debug` shows nothing but the id.
#[derive(Clone, PartialEq, Eq)]
pub struct AppointmentRow {
    /// Its id.
    pub id: AppointmentId,
    /// When it begins.
    pub at: DateTime<Utc>,
    /// How it stands.
    pub status: AppointmentStatus,
    /// Whether the person came, once that is known.
    pub attendance: Option<Attendance>,
    /// How important it is.
    pub priority: Priority,
    /// What it is for.
    pub kind: Option<String>,
    /// With whom.
    pub owner: Option<String>,
    /// For which company.
    pub company: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// What the voice may say besides.
    pub instructions: Option<String>,
    /// Who brought the booking: `manual`, `api`, `import`, a calendar.
    pub source: String,
}

impl std::fmt::Debug for ContactRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ContactRow({}, ..)", self.id)
    }
}

impl std::fmt::Debug for AppointmentRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AppointmentRow({}, ..)", self.id)
    }
}

/// Whether somebody came.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Attendance {
    /// The person came.
    Attended,
    /// The person did not come.
    NoShow,
}

/// A number as it is searched: E.164, and after a space the national form, digits only. What is typed from inside the
/// country is a part of the second, what is typed from abroad of the first.
pub(super) fn phone_forms(e164: &str) -> Zeroizing<String> {
    let mut forms = Zeroizing::new(String::with_capacity(e164.len() * 2 + 2));
    // Anything else can't be a number, and must not break the row.
    forms.extend(e164.chars().filter(|c| c.is_ascii_digit() || *c == '+'));
    if let Some(national) = national_digits(e164) {
        forms.push(' ');
        forms.push_str(&national);
    }
    forms
}

fn national_digits(e164: &str) -> Option<Zeroizing<String>> {
    // Nearly all numbers; the library takes microseconds for each.
    if let Some(rest) = e164.strip_prefix("+44") {
        return Some(Zeroizing::new(format!(
            "0{}",
            rest.replace(|c: char| !c.is_ascii_digit(), "")
        )));
    }
    let number = phonenumber::parse(None, e164).ok()?;
    let national = Zeroizing::new(number.format().mode(Mode::National).to_string());
    Some(Zeroizing::new(national.chars().filter(char::is_ascii_digit).collect()))
}

/// Where the bytes `found` of [`phone_forms`] stand in the E.164 form. A national prefix stands nowhere.
pub(super) fn phone_span(e164: &str, forms: &str, found: std::ops::Range<usize>) -> Span {
    let (international, national) = forms.split_once(' ').unwrap_or((forms, ""));
    // Both forms end with the same digits.
    let same = |(a, b): &(u8, u8)| a == b;
    let shared = international.bytes().rev().zip(national.bytes().rev()).take_while(same).count();
    let (back, from) = match found.start > international.len() {
        true => (forms.len() - international.len(), international.len() - shared),
        false => (0, 0),
    };
    let place = |at: usize| at.saturating_sub(back).clamp(from, e164.len().max(from));
    let (start, end) = (place(found.start), place(found.end));
    Span { offset: start as u32, length: (end - start) as u32 }
}
