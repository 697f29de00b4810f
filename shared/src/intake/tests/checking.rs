//! Rows that are right, rows that are wrong, and those that may be duplicates.

use super::*;
use crate::appointment_types::AppointmentType;
use crate::appointments::{Label, Priority};
use crate::calls::rules::snapshot::Channel;
use crate::groups::GroupName;
use crate::intake::duplicates::{Duplicate, Finder, Kind};
use crate::locations::Location;

/// One row below the usual header: date 2027-03-01, time 09:30, unless another is given.
fn one(name: &str, value: &str) -> Checked {
    one_with(name, value, |_| {})
}

fn one_with(name: &str, value: &str, change: impl Fn(&mut Rules<'_>)) -> Checked {
    let usual = [
        ("Name", "Ada Example"),
        ("Phone", "07700 900123"),
        ("Appointment date", "2027-03-01"),
        ("Appointment time", "09:30"),
    ];
    let mut columns: Vec<(&str, &str)> =
        usual.into_iter().filter(|(column, _)| *column != name).collect();
    columns.push((name, value));
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let header: Vec<String> = columns.iter().map(|(column, _)| quoted(column)).collect();
    let cells: Vec<String> = columns.iter().map(|(_, cell)| quoted(cell)).collect();
    checked(&format!("{}\n{}\n", header.join(","), cells.join(",")), None, change).remove(0)
}

#[test]
fn a_clean_row_is_ready_to_be_stored() {
    let text = "First name,Surname,Mobile,E-mail,Date,Time,Service,Duration,Staff,Company,Branch,Comments,Special instructions,Priority,Preferred channel,Time zone,Tags,Call before (hours),Consent,Consent method\n\
                Ada,O'Brien,(0)7700 900123,Ada@Example.com,1 June 2027,9.30am,Review,1h 30m,Dr Grey,Grey & Co,Main Office,\"two\nlines\",Bring a pen,High,text,America/New_York,New; Old|new,48,yes,in person\n";
    let found = checked(text, None, |_| {}).remove(0);
    let row = row(&found);
    assert_eq!(
        (row.number, row.name.as_str(), row.phone.as_str()),
        (2, "Ada O'Brien", "+447700900123")
    );
    assert_eq!(row.email.as_ref().map(|email| email.as_str()), Some("Ada@Example.com"));
    assert_eq!(row.at.to_rfc3339(), "2027-06-01T13:30:00+00:00", "nine thirty in New York");
    assert_eq!((row.duration_minutes, row.call_before_hours), (Some(90), Some(48)));
    assert_eq!((row.priority, row.channel), (Some(Priority::High), Some(Channel::Sms)));
    assert_eq!(
        (row.consent, row.consent_how.map(|how| how.as_str())),
        (Some(true), Some("verbal"))
    );
    assert_eq!(
        row.groups.iter().map(GroupName::as_str).collect::<Vec<_>>(),
        ["New", "Old"],
        "each once"
    );
    let labels = [&row.kind, &row.owner_name, &row.company_name, &row.location]
        .map(|l| l.as_ref().map(Label::as_str));
    assert_eq!(labels, [Some("Review"), Some("Dr Grey"), Some("Grey & Co"), Some("Main Office")]);
    assert_eq!(row.notes.as_ref().map(|notes| notes.as_str()), Some("two\nlines"));
    assert_eq!(row.voice_text.as_ref().map(|text| text.as_str()), Some("Bring a pen"));
    assert_eq!(notes(&found), [NoteCode::NewGroup, NoteCode::NewGroup]);
    assert_eq!(found.screened.len(), 4, "voice text, notes, two new groups");
}

#[test]
fn every_fault_has_its_code() {
    let long = "x".repeat(301);
    for (column, value, code, why) in [
        ("Name", "", Code::Missing, "needed"),
        ("Name", "A", Code::TooShort, "one letter"),
        ("Name", "Ada 2", Code::BadCharacter, "a digit"),
        ("Name", "- .", Code::NoLetter, "no letter"),
        ("Phone", "n/a", Code::Missing, "what programs write for nothing"),
        ("Phone", "4.47701E+11", Code::SpreadsheetNumber, "destroyed"),
        ("Phone", "4,47701E+11", Code::SpreadsheetNumber, "destroyed, with a comma"),
        ("Phone", "020 7946", Code::UnassignedNumber, "half a number"),
        ("Phone", "+1 212 234 5678", Code::CountryNotAccepted, "New York"),
        ("Phone", "0909 879 0000", Code::PremiumRate, "premium"),
        ("Phone", "0800 123 4567", Code::Freephone, "freephone"),
        ("Phone", "07700 900123 / 07700 900124", Code::TooLong, "two numbers"),
        ("Email", "ada.example.com", Code::NoAtSign, "no at sign"),
        ("Appointment date", "31/02/2027", Code::BadDate, "no such day"),
        ("Appointment date", "", Code::Missing, "needed"),
        ("Appointment date", "2025-03-01", Code::InThePast, "over"),
        ("Appointment date", "Tue 1 Mar 2027", Code::WrongWeekday, "it is a Monday"),
        ("Appointment time", "", Code::Missing, "needed"),
        ("Appointment time", "25:00", Code::BadTime, "no such hour"),
        ("Time zone", "Mars/Olympus", Code::UnknownZone, "no zone"),
        ("Duration", "soon", Code::BadNumber, "no number"),
        ("Duration", "3", Code::OutOfRange, "too short"),
        ("Duration", "481", Code::OutOfRange, "too long"),
        ("Call before hours", "169", Code::OutOfRange, "too early"),
        ("Priority", "asap", Code::UnknownPriority, "no such word"),
        ("Preferred channel", "fax", Code::UnknownChannel, "no such word"),
        ("Consent", "maybe", Code::UnknownConsent, "neither"),
        ("Special instructions", &long, Code::TooLong, "301 characters"),
        ("Special instructions", "Hi {{name}}", Code::Placeholder, "a placeholder"),
        ("Special instructions", "His diabetes review", Code::HealthInformation, "would be spoken"),
        ("Notes", "His diabetes review", Code::AcknowledgementNeeded, "not acknowledged"),
        ("Location", "{{x}}", Code::Placeholder, "a placeholder"),
        (
            "Location",
            "NHS no 943 476 5919",
            Code::ProhibitedNumber,
            "a number that must not be stored",
        ),
    ] {
        assert_eq!(codes(&one(column, value)), [code], "{column} {value}: {why}");
    }
    let strict = |rules: &mut Rules<'_>| rules.make_groups = false;
    assert_eq!(codes(&one_with("Groups", "A", strict)), [Code::UnknownGroup]);
    let strict = |rules: &mut Rules<'_>| rules.listed_types_only = true;
    assert_eq!(codes(&one_with("Appointment type", "A", strict)), [Code::NotListed]);
}

#[test]
fn all_faults_of_a_row_are_told_with_place_and_mask() {
    let text = "Name,Phone,Date,Time\nAda Example,07700 900123 x,31/02/2027,\nBob Example,07700 900124,2027-03-01\n";
    let found = checked(text, None, |_| {});
    let faults = found[0].result.as_ref().unwrap_err();
    let told: Vec<_> = faults
        .iter()
        .map(|f| (f.row, f.column.as_deref(), f.code.as_str(), f.shown.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (2, Some("Phone"), "bad_character", "(14 characters)"),
            (2, Some("Date"), "bad_date", "…27 (10 characters)"),
            (2, Some("Time"), "missing", "(empty)"),
        ]
    );
    let short = found[1].result.as_ref().unwrap_err();
    assert_eq!(
        (short.len(), short[0].code, short[0].shown.as_str()),
        (1, Code::TooFewCells, "3 cells, 4 columns")
    );
}

#[test]
fn what_is_mended_or_may_be_a_mistake_is_noted() {
    for (column, value, note, why) in [
        ("Phone", "7700900123", NoteCode::LeadingZeroRestored, "a zero that a spreadsheet dropped"),
        ("Phone", "447700900123.0", NoteCode::DecimalsDropped, "decimals"),
        ("Name", "Example, Ada", NoteCode::NameTurned, "the last name first"),
        ("Appointment date", "46447", NoteCode::SerialDate, "a number of days"),
        ("Appointment time", "2:30", NoteCode::UnusualHour, "the afternoon, perhaps"),
        ("Appointment date", "2029-03-01", NoteCode::FarAhead, "years ahead"),
    ] {
        let found = one(column, value);
        assert_eq!((codes(&found), notes(&found)), (vec![], vec![note]), "{value}: {why}");
    }
    assert_eq!(row(&one("Name", "Example, Ada")).name.as_str(), "Ada Example");
    let found = one_with("Notes", "His diabetes review", |rules| rules.acknowledge_phi = true);
    assert_eq!((row(&found).phi_in_notes, notes(&found)), (true, vec![NoteCode::PhiInNotes]));
    assert!(!found.screened[0].findings.is_empty(), "for the record of screening");
}

#[test]
fn clocks_decide_what_a_local_time_means() {
    let at = |date: &str, time: &str, zone: &str| {
        let text =
            format!("Name,Phone,Date,Time,Zone\nAda Example,07700 900123,{date},{time},{zone}\n");
        checked(&text, None, |_| {}).remove(0)
    };
    assert_eq!(codes(&at("2027-03-28", "01:30", "")), [Code::SkippedByClocks]);
    assert_eq!(
        row(&at("2027-03-28", "01:30", "Asia/Tokyo")).at.to_rfc3339(),
        "2027-03-27T16:30:00+00:00"
    );
    let twice = at("2027-10-31", "01:30", "");
    assert_eq!(row(&twice).at.to_rfc3339(), "2027-10-31T00:30:00+00:00", "the earlier");
    assert!(notes(&twice).contains(&NoteCode::TimeOccursTwice));
    let text = "Name,Phone,Start\nAda Example,07700 900123,2027-06-01T09:30:00-04:00\nBob Example,07700 900124,01/06/2027 9:30 am\nCy Example,07700 900125,31/05/2027 09:30\n";
    let found = checked(text, None, |_| {});
    let times: Vec<String> = found.iter().map(|checked| row(checked).at.to_rfc3339()).collect();
    assert_eq!(
        times,
        ["2027-06-01T13:30:00+00:00", "2027-06-01T08:30:00+00:00", "2027-05-31T08:30:00+00:00"]
    );
}

#[test]
fn dates_of_both_orders_are_faults_row_by_row() {
    let text = "Name,Phone,Date,Time\nA Bee,07700 900123,31/03/2027,9:30\nB Cee,07700 900124,03/31/2027,9:30\nC Dee,07700 900125,01/03/2027,9:30\n";
    let all = |order| checked(text, order, |_| {}).iter().map(codes).collect::<Vec<_>>();
    assert_eq!(all(None), [vec![], vec![], vec![Code::DateEitherWay]]);
    assert_eq!(all(Some(Order::DayFirst)), [vec![], vec![Code::DateOrder], vec![]]);
    assert_eq!(all(Some(Order::MonthFirst)), [vec![Code::DateOrder], vec![], vec![]]);
}

#[test]
fn the_tenants_lists_are_asked() {
    let label = |text: &str| Label::parse(text, 80).unwrap();
    let (mut review, mut old) =
        (AppointmentType::new(label("Review"), now()), AppointmentType::new(label("Old"), now()));
    (review.duration_minutes, old.active) = (Some(40), false);
    let mut place = Location::new(label("Main Office"), chrono_tz::Europe::London, now());
    place.hours = serde_json::from_str(r#"{"monday": {"opens": "10:00", "closes": "17:00"}}"#).ok();
    let (types, places, groups): (_, _, [GroupName; 1]) =
        ([review, old], [place], ["Spring".parse().unwrap()]);
    let lists = Lists::new(&types, &places, &groups);
    let text = "Name,Phone,Date,Time,Type,Location,Groups\nA Bee,07700 900123,2027-03-01,9:30,REVIEW,main office,spring\nB Cee,07700 900124,2027-03-01,10:30,Old,Elsewhere,\nC Dee,07700 900125,2027-03-01,10:30,New,,\n";
    let sheet = read(text.as_bytes()).unwrap();
    let mapping = proposed(&sheet);
    let plan = Plan::new(&sheet, &mapping).unwrap();
    let phones = phones();
    let rules = Rules { make_groups: false, ..rules(&phones, &lists) };
    let found: Vec<Checked> = Checker::new(&plan, rules).all().collect();
    assert_eq!(row(&found[0]).duration_minutes, Some(40), "as is usual for the type");
    assert_eq!(notes(&found[0]), [NoteCode::OutsideOpeningHours]);
    assert_eq!(notes(&found[1]), [NoteCode::InactiveType, NoteCode::UnlistedLocation]);
    assert_eq!(notes(&found[2]), [NoteCode::UnlistedType]);
    let strict = Rules { listed_types_only: true, ..rules };
    let found: Vec<Checked> = Checker::new(&plan, strict).all().collect();
    assert_eq!(
        found.iter().map(codes).collect::<Vec<_>>(),
        [vec![], vec![Code::NotActive], vec![Code::NotListed]]
    );
}

#[test]
fn rows_that_may_be_the_same_are_named() {
    let text = "Name,Phone,Date,Time,Email\n\
        Ada Example,07700 900123,2027-03-01,9:30,ada@example.com\n\
        Ada Example,+44 7700 900123,2027-03-01,09:30,\n\
        \"Example, ADA\",07700 900123,2027-03-02,9:30,ADA@example.com\n\
        Bob Example,07700 900123,2027-03-03,9:30,\n\
        Cy Other,07700 900125,2027-03-01,9:30,Ada@Example.com\n\
        Di Alone,07700 900126,2027-03-01,9:30,di@example.com\n";
    let mut finder = Finder::default();
    checked(text, None, |_| {}).iter().for_each(|checked| finder.add(row(checked)));
    let duplicate = |kind, rows: &[u32]| Duplicate { kind, rows: rows.to_vec() };
    assert_eq!(
        finder.finish(),
        [
            duplicate(Kind::SameAppointment, &[2, 3]),
            duplicate(Kind::SamePerson, &[2, 3, 4]),
            duplicate(Kind::SameEmail, &[2, 4, 6]),
        ]
    );
}

#[test]
fn nothing_of_a_row_is_printed() {
    let found = one("Notes", "Prefers mornings");
    let printed = format!("{found:?}");
    for part in ["Ada", "Example", "900123", "mornings"] {
        assert!(!printed.contains(part), "{part} in {printed}");
    }
}

#[test]
fn rows_may_be_checked_by_whatever_thread_comes() {
    fn shared_by_threads<T: Send + Sync>() {}
    shared_by_threads::<Checker<'_>>();
    shared_by_threads::<Sheet<'_>>();
}
