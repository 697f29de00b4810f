//! What somebody may do with a contact now, and why not.
//!
//! It is told beforehand so that a client shows no button that can't be pressed; each request is still refused or served by
//! itself. *Call now* is looked at more closely by [`crate::calls::explain`]: hours, limits and gaps are not asked here.

use chrono::{DateTime, Utc};

use crate::appointments::{Appointment, NoAttendance, may_attend};
use crate::calls::rules::snapshot::AppointmentStatus;

/// Something that may be done.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Have the contact called now.
    CallNow,
    /// Change it.
    Edit,
    /// Book another appointment.
    BookAppointment,
    /// Confirm the shown appointment.
    Confirm,
    /// Move it.
    Reschedule,
    /// Cancel it.
    CancelAppointment,
    /// Say whether the contact came.
    MarkAttended,
    /// Put the contact into a group, or take it out.
    AddToGroup,
    /// Put the contact out of the way.
    Archive,
    /// Bring it back.
    Unarchive,
    /// Delete it.
    Delete,
    /// See notes and voice text.
    SeeNotes,
    /// See of which type the appointment is, should that be sensitive.
    SeeSensitiveTypes,
}

/// Why something may not be done. Public codes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The caller's role, or the scopes of the key, don't have it.
    NotPermitted,
    /// The contact is archived.
    Archived,
    /// The contact is not archived.
    NotArchived,
    /// The contact has no appointment that is shown.
    NoAppointment,
    /// The appointment is cancelled.
    Cancelled,
    /// The appointment is confirmed already.
    AlreadyConfirmed,
    /// The appointment has not begun.
    NotBegun,
    /// The number is on the do-not-call list, as far as the contact's flags know.
    DoNotCall,
}

/// What the caller may do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Powers {
    /// Changes contacts and appointments.
    pub edits: bool,
    /// Has somebody called now.
    pub calls: bool,
    /// Sees notes and voice text.
    pub sees_notes: bool,
    /// Sees sensitive types.
    pub sees_sensitive: bool,
}

/// How the contact stands.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// It is archived.
    pub archived: bool,
    /// Public codes of its open flags.
    pub flags: &'a [String],
    /// The appointment that is shown.
    pub appointment: Option<&'a Appointment>,
    /// The instant.
    pub now: DateTime<Utc>,
}

/// Every action, in an order that doesn't change, and why it may not be done.
pub fn allowed_actions(may: Powers, state: State<'_>) -> [(Action, Option<Reason>); 13] {
    use Action::{
        AddToGroup, Archive, BookAppointment, CallNow, CancelAppointment, Confirm, Delete, Edit,
        MarkAttended, Reschedule, SeeNotes, SeeSensitiveTypes, Unarchive,
    };
    let with = |power: bool, refused: Option<Reason>| {
        if power { refused } else { Some(Reason::NotPermitted) }
    };
    let archived = state.archived.then_some(Reason::Archived);
    let not_archived = (!state.archived).then_some(Reason::NotArchived);
    [
        (CallNow, with(may.calls, call_now(state))),
        (Edit, with(may.edits, None)),
        (BookAppointment, with(may.edits, None)),
        (Confirm, with(may.edits, confirm(state))),
        (Reschedule, with(may.edits, appointment(state))),
        (CancelAppointment, with(may.edits, not_cancelled(state))),
        (MarkAttended, with(may.edits, mark_attended(state))),
        (AddToGroup, with(may.edits, None)),
        (Archive, with(may.edits, archived)),
        (Unarchive, with(may.edits, not_archived)),
        (Delete, with(may.edits, None)),
        (SeeNotes, with(may.sees_notes, None)),
        (SeeSensitiveTypes, with(may.sees_sensitive, None)),
    ]
}

fn call_now(state: State<'_>) -> Option<Reason> {
    if state.archived {
        return Some(Reason::Archived);
    }
    // Flags say why a call was not made: `do_not_call`, `not_called:on_do_not_call_list`.
    state.flags.iter().any(|flag| flag.contains("do_not_call")).then_some(Reason::DoNotCall)
}

fn appointment(state: State<'_>) -> Option<Reason> {
    state.appointment.is_none().then_some(Reason::NoAppointment)
}

fn not_cancelled(state: State<'_>) -> Option<Reason> {
    match state.appointment.map(|appointment| appointment.status) {
        None => Some(Reason::NoAppointment),
        Some(AppointmentStatus::Cancelled) => Some(Reason::Cancelled),
        Some(_) => None,
    }
}

fn confirm(state: State<'_>) -> Option<Reason> {
    match state.appointment.map(|appointment| appointment.status) {
        Some(AppointmentStatus::Confirmed) => Some(Reason::AlreadyConfirmed),
        _ => appointment(state),
    }
}

fn mark_attended(state: State<'_>) -> Option<Reason> {
    let Some(shown) = state.appointment else { return Some(Reason::NoAppointment) };
    may_attend(shown, state.now).err().map(|why| match why {
        NoAttendance::NotBegun => Reason::NotBegun,
        NoAttendance::Cancelled => Reason::Cancelled,
    })
}

#[cfg(test)]
mod tests {
    use chrono::{Duration, TimeZone};

    use super::*;
    use crate::ids::ContactId;

    const ALL: Powers = Powers { edits: true, calls: true, sees_notes: true, sees_sensitive: true };

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 6, 10, 12, 0, 0).unwrap()
    }

    fn appointment(hours: i64, status: AppointmentStatus) -> Appointment {
        let at = now() + Duration::hours(hours);
        let mut made = Appointment::new(ContactId::new(), at, 24, now() - Duration::days(9));
        made.status = status;
        made
    }

    fn refused(may: Powers, archived: bool, flags: &[&str], of: Option<&Appointment>) -> String {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let state = State { archived, flags: &flags, appointment: of, now: now() };
        let refused = allowed_actions(may, state).into_iter();
        let word = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        let words = refused.filter_map(|(action, why)| {
            let why = word(serde_json::to_value(why?).unwrap());
            Some(format!("{}={why}", word(serde_json::to_value(action).unwrap())))
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_may_be_done_follows_from_permission_and_state() {
        use AppointmentStatus::{Cancelled, Confirmed, Pending, Rescheduled};
        let reader =
            Powers { edits: false, calls: false, sees_notes: false, sees_sensitive: false };
        let ahead = "mark_attended=not_begun unarchive=not_archived";
        let none = "confirm=no_appointment reschedule=no_appointment cancel_appointment=no_appointment \
                    mark_attended=no_appointment unarchive=not_archived";
        let everything = "call_now=not_permitted edit=not_permitted book_appointment=not_permitted confirm=not_permitted \
                          reschedule=not_permitted cancel_appointment=not_permitted mark_attended=not_permitted \
                          add_to_group=not_permitted archive=not_permitted unarchive=not_permitted delete=not_permitted";
        let blind =
            format!("{everything} see_notes=not_permitted see_sensitive_types=not_permitted");
        for (may, archived, flags, of, expected, why) in [
            (ALL, false, &[][..], Some((1, Pending)), ahead, "an open one ahead"),
            (ALL, false, &[], Some((1, Rescheduled)), ahead, "moved, so not confirmed"),
            (
                ALL,
                false,
                &[],
                Some((1, Confirmed)),
                "confirm=already_confirmed mark_attended=not_begun unarchive=not_archived",
                "confirmed ahead",
            ),
            (ALL, false, &[], Some((0, Pending)), "unarchive=not_archived", "it begins now"),
            (
                ALL,
                false,
                &[],
                Some((-1, Cancelled)),
                "cancel_appointment=cancelled mark_attended=cancelled unarchive=not_archived",
                "a cancelled one may be confirmed after all, or moved",
            ),
            (ALL, false, &[], None, none, "nothing is booked"),
            (
                ALL,
                true,
                &[],
                Some((-1, Pending)),
                "call_now=archived archive=archived",
                "archived after its appointment",
            ),
            (
                ALL,
                false,
                &["not_called:on_do_not_call_list"],
                Some((0, Pending)),
                "call_now=do_not_call unarchive=not_archived",
                "flagged",
            ),
            (reader, false, &[], Some((1, Pending)), &blind, "who may only read"),
            (reader, true, &[], None, &blind, "a refusal for want of permission says nothing else"),
            (
                Powers { edits: false, calls: true, ..ALL },
                false,
                &[],
                Some((1, Pending)),
                everything.strip_prefix("call_now=not_permitted ").unwrap(),
                "a key that only calls",
            ),
        ] {
            let of = of.map(|(hours, status)| appointment(hours, status));
            assert_eq!(refused(may, archived, flags, of.as_ref()), expected, "{why}");
        }
    }
}
