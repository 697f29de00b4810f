//! What is proposed for the columns of a file, and which mappings are refused.

use proptest::prelude::*;

use super::*;
use crate::intake::dates::Decision;
use crate::intake::mapping::{MappingCode, propose};
use crate::intake::prohibited::Prohibited;

fn fields(text: &str) -> Vec<(String, Option<Field>)> {
    let sheet = read(text.as_bytes()).unwrap();
    propose(&sheet).columns.into_iter().map(|p| (p.column.label, p.field)).collect()
}

#[test]
fn exports_of_calendars_and_address_books_are_understood() {
    use Field::*;
    for (text, expected, why) in [
        (
            "Name,Mobile,E-mail,Date,Time,Notes\nAda Example,07700 900123,a@example.com,01/03/2027,9:30,x\n",
            vec![
                Some(Name),
                Some(Phone),
                Some(Email),
                Some(AppointmentDate),
                Some(AppointmentTime),
                Some(Notes),
            ],
            "a list by hand",
        ),
        (
            "Invitee Name,Invitee Email,Text Reminder Number,Event Type Name,Start Date & Time,End Date & Time,Created,Canceled\nAda Example,a@example.com,+447700900123,Review,2027-03-01 09:30,2027-03-01 10:00,2026-11-01 10:00,false\n",
            vec![
                Some(Name),
                Some(Email),
                Some(Phone),
                Some(AppointmentType),
                Some(AppointmentAt),
                None,
                None,
                None,
            ],
            "Calendly",
        ),
        (
            "First Name,Last Name,Phone,Email,Start Time,End Time,Type,Calendar\nAda,Example,07700900123,a@example.com,1 March 2027 9:30 am,1 March 2027 10:00 am,Review,Dr Grey\n",
            vec![
                Some(FirstName),
                Some(LastName),
                Some(Phone),
                Some(Email),
                Some(AppointmentAt),
                None,
                Some(AppointmentType),
                Some(OwnerName),
            ],
            "Acuity",
        ),
        (
            "appointment_date,appointment_time,name,phone,owner_name,company_name,special_instructions,appointment_duration\n2027-03-01,09:30,Ada Example,07700900123,Dr Grey,Grey,x,30\n",
            vec![
                Some(AppointmentDate),
                Some(AppointmentTime),
                Some(Name),
                Some(Phone),
                Some(OwnerName),
                Some(CompanyName),
                Some(VoiceText),
                Some(DurationMinutes),
            ],
            "the words of the requirements",
        ),
        (
            "A,B,C,D\nAda Example,07700 900123,01/03/2027,9:30\nBob Example,07700 900124,02/03/2027,10:30\n",
            vec![Some(Name), Some(Phone), Some(AppointmentDate), Some(AppointmentTime)],
            "by what is in them alone",
        ),
        (
            "Client,Appointment,Tel\nAda Example,01/03/2027 09:30,7700900123\n",
            vec![Some(Name), Some(AppointmentAt), Some(Phone)],
            "date and time in one",
        ),
        (
            "Client,Tel,Appointment,Time,Last visit,Date of birth\nAda Example,7700900123,01/03/2027,9:30,01/01/2026,01/01/1970\n",
            vec![Some(Name), Some(Phone), Some(AppointmentDate), Some(AppointmentTime), None, None],
            "other dates",
        ),
    ] {
        let found: Vec<_> = fields(text).into_iter().map(|(_, field)| field).collect();
        assert_eq!(found, expected, "{why}");
    }
}

#[test]
fn a_proposal_is_explained_and_shows_values() {
    let sheet = read(b"Name,Tel,When,Misc\nAda Example,07700 900123,01/03/2027 09:30,\nBob Example,07700 900124,02/03/2027 09:30,x\n").unwrap();
    let proposals = propose(&sheet);
    let phone = &proposals.columns[1];
    assert_eq!((phone.field, phone.first_values.len()), (Some(Field::Phone), 2));
    assert!(phone.confidence > 0.9 && phone.because.contains("Tel"), "{phone:?} {}", phone.because);
    assert_eq!(proposals.columns[3].field, None);
    assert_eq!(proposals.dates, Some(Decision::Ambiguous));
    assert!(proposals.missing.is_empty());
    assert!(!format!("{proposals:?}").contains("900123"), "no value is printed");
    let empty = propose(&read(b"Name,Misc\n").unwrap());
    assert_eq!(empty.missing, [Field::Phone, Field::AppointmentDate, Field::AppointmentTime]);
}

#[test]
fn prohibited_columns_are_named_and_cannot_be_mapped() {
    let mut text = String::from("Name,Phone,Date,Time,NHS number,Diagnosis,Ref\n");
    for at in 0..6 {
        text += &format!("Ada Example,07700 90012{at},2027-03-01,9:30,x,y,943 476 5919\n");
    }
    let sheet = read(text.as_bytes()).unwrap();
    let proposals = propose(&sheet).columns;
    let why: Vec<_> = proposals.iter().map(|proposal| proposal.prohibited).collect();
    assert_eq!(
        why[4..],
        [Some(Prohibited::NhsNumber), Some(Prohibited::Diagnosis), Some(Prohibited::NhsNumber)]
    );
    assert!(proposals[4..].iter().all(|p| p.first_values.is_empty() && p.field.is_none()));
    let mapping = proposed(&sheet);
    assert!(Plan::new(&sheet, &mapping).is_ok(), "left out, they do no harm");
    for column in ["NHS number", "Diagnosis", "Ref"] {
        let mut mapping = mapping.clone();
        mapping.columns.push(Assigned { column: column.into(), field: Field::Notes });
        let faults = Plan::new(&sheet, &mapping).unwrap_err();
        assert_eq!(
            faults.iter().map(|f| f.code).collect::<Vec<_>>(),
            [MappingCode::ProhibitedColumn],
            "{column}"
        );
    }
}

#[test]
fn a_mapping_that_cannot_be_meant_is_refused() {
    use Field::*;
    let sheet = read(b"Name,Phone,Date,Time\nAda Example,07700 900123,01/03/2027,9:30\n").unwrap();
    let usual =
        [("Name", Name), ("Phone", Phone), ("Date", AppointmentDate), ("Time", AppointmentTime)];
    let with = |columns: &[(&str, Field)], date_order| {
        let columns = columns
            .iter()
            .map(|(column, field)| Assigned { column: (*column).into(), field: *field });
        let mapping = Mapping { columns: columns.collect(), date_order };
        let faults = Plan::new(&sheet, &mapping).map(|_| ()).err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.code, fault.field)).collect::<Vec<_>>()
    };
    let order = Some(Order::DayFirst);
    assert_eq!(with(&usual, order), []);
    assert_eq!(with(&usual, None), [(MappingCode::AmbiguousDates, Some(AppointmentDate))]);
    assert_eq!(with(&usual[..3], order), [(MappingCode::MissingField, Some(AppointmentTime))]);
    let more = |extra| [&usual[..], &[extra]].concat();
    assert_eq!(with(&more(("Nowhere", Notes)), order), [(MappingCode::UnknownColumn, Some(Notes))]);
    assert_eq!(with(&more(("Name", Notes)), order), [(MappingCode::ColumnTwice, Some(Notes))]);
    let twice =
        [("Name", Name), ("Phone", Phone), ("Date", AppointmentDate), ("Time", AppointmentDate)];
    let faults = with(&twice, order);
    assert!(faults.contains(&(MappingCode::FieldTwice, Some(AppointmentDate))), "{faults:?}");
    let both =
        [("Name", Name), ("Phone", Phone), ("Date", AppointmentAt), ("Time", AppointmentTime)];
    assert_eq!(with(&both, order), [(MappingCode::NotTogether, Some(AppointmentAt))]);
}

#[test]
fn a_mapping_is_kept_as_a_template() {
    let sheet = read(EXAMPLE).unwrap();
    let mapping = proposed(&sheet);
    let kept = serde_json::to_string(&mapping).unwrap();
    assert_eq!(serde_json::from_str::<Mapping>(&kept).unwrap(), mapping);
    assert!(serde_json::from_str::<Mapping>(r#"{"columns": [], "other": 1}"#).is_err());
}

proptest! {
    #![proptest_config(super::so_many(96))]

    /// Whatever the columns are called and hold, and whatever they are taken for, nothing panics and nobody's value is shown whole.
    #[test]
    fn no_mapping_of_any_file_makes_anything_panic(
        headers in prop::collection::vec("[A-Za-z ]{0,12}|Name|Phone|Date|Time|Start|Email|Notes|Groups|\\PC{0,8}", 4..8),
        rows in prop::collection::vec(prop::collection::vec(
            "07700 9001[0-9]{2}|[0-9/.:-]{0,12}|[0-9]{1,2}/[0-9]{1,2}/20[0-9]{2}|[0-9]{1,2}:[0-9]{2}|Ada [A-Z][a-z]{2,8}|[a-z;|]{0,10}|\\PC{0,16}", 8), 1..8),
        chosen in prop::collection::vec(prop::sample::select(Field::ALL.to_vec()), 8),
        order in prop::option::of(prop::sample::select(vec![Order::DayFirst, Order::MonthFirst])),
    ) {
        let mut writer = crate::intake::errors_file::Writer::new(crate::intake::read::Delimiter::Comma);
        writer.row(headers.iter().map(String::as_str));
        rows.iter().for_each(|row| writer.row(row.iter().take(headers.len()).map(String::as_str)));
        let bytes = writer.finish();
        let Ok(sheet) = read(&bytes) else { return Ok(()) };
        let own = sheet.columns().iter().zip(chosen).map(|(column, field)| Assigned { column: column.label.clone(), field });
        let own = Mapping { columns: own.collect(), date_order: order };
        let (phones, lists) = (phones(), Lists::default());
        for mapping in [own, Mapping { date_order: order, ..proposed(&sheet) }] {
            let Ok(plan) = Plan::new(&sheet, &mapping) else { continue };
            let all: Vec<Checked> = Checker::new(&plan, rules(&phones, &lists)).all().collect();
            prop_assert_eq!(all.len(), sheet.len());
            let mut faults = Vec::new();
            for checked in all {
                faults.extend(checked.result.err().unwrap_or_default());
            }
            for fault in &faults {
                let whole = fault.column.as_ref().and_then(|label| {
                    let at = sheet.columns().iter().position(|column| column.label == *label)?;
                    let record = sheet.records().find(|record| record.number == fault.row)?;
                    Some(record.cells[at].trim().to_owned())
                });
                if let Some(whole) = whole.filter(|whole| whole.chars().count() > 2) {
                    let shown = fault.shown.split(" (").next().unwrap_or_default();
                    prop_assert!(!shown.contains(&whole), "{} in {}", whole, fault.shown);
                }
            }
            let again = crate::intake::errors_file::errors_file(&plan, &faults);
            prop_assert!(read(&again).is_ok());
        }
    }
}
