//! What a move and a status by hand change.

use chrono::TimeZone;

use super::*;

fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 10, hour, minute, 0).unwrap()
}

fn appointment(at: DateTime<Utc>) -> Appointment {
    Appointment {
        status: AppointmentStatus::Confirmed,
        confirmed_by: Some(ConfirmedBy::Phone),
        confirmed_at: Some(at),
        ..Appointment::new(ContactId::new(), at, 24, at - Duration::days(9))
    }
}

#[test]
fn a_real_move_begins_a_round_and_a_small_one_keeps_everything() {
    for (from, to, real, why) in [
        (at(10, 0), at(11, 59), false, "less than two hours"),
        (at(10, 0), at(12, 0), true, "two hours"),
        (at(10, 0), at(8, 0), true, "two hours back"),
        (at(22, 30), at(23, 30), true, "London's midnight lies between, in summer"),
        (at(23, 30), at(23, 59), false, "the same day in London, in summer"),
    ] {
        let mut moved = appointment(from);
        assert_eq!(moved.move_to(to, chrono_tz::Europe::London, at(1, 0)), real, "{why}");
        assert_eq!(moved.round, 1 + i32::from(real), "{why}");
        assert_eq!(moved.confirmed_at.is_none(), real, "{why}");
        assert_eq!(moved.booked_at == at(1, 0), real, "{why}");
    }
}

#[test]
fn only_a_confirmation_says_how() {
    let mut by_hand = appointment(at(10, 0));
    by_hand.set_status(AppointmentStatus::Confirmed, None, None, at(9, 0));
    assert_eq!(by_hand.confirmed_by, Some(ConfirmedBy::Manual));
    by_hand.set_status(AppointmentStatus::Cancelled, None, Some(ConfirmedBy::Sms), at(9, 0));
    assert_eq!((by_hand.confirmed_by, by_hand.confirmed_at), (None, None));
}
