use proptest::prelude::*;

use super::*;

fn day(raw: &str, order: Option<Order>) -> Result<String, BadDate> {
    date(raw, order, false).map(|dated| dated.day.to_string())
}

#[test]
fn dates_are_read_as_they_are_written() {
    let day_first = Some(Order::DayFirst);
    for raw in [
        "2027-03-01",
        "2027/3/1",
        "20270301",
        "01.03.2027",
        "1.3.27",
        "01/03/2027",
        "1-3-27",
        "1 Mar 2027",
        "01-Mar-27",
        "1st March 2027",
        "1 of March 2027",
        "Mar 1, 2027",
        "March 1st 2027",
        "Mon 1 Mar 2027",
        "Monday, 1 March 2027",
        "46447",
        "01/03/2027 00:00:00",
        "2027-03-01T00:00:00",
        " 1\u{a0}march\u{202f}2027 ",
        "1 MAR '27",
    ] {
        assert_eq!(day(raw, day_first).as_deref(), Ok("2027-03-01"), "{raw}");
    }
    assert_eq!(day("03/01/2027", Some(Order::MonthFirst)).as_deref(), Ok("2027-03-01"));
    assert_eq!(day("1.3.70", day_first).as_deref(), Ok("1970-03-01"), "the pivot");
    assert_eq!(day("1.3.69", day_first).as_deref(), Ok("2069-03-01"), "the pivot");
    assert!(date("46447", None, false).unwrap().serial);
    assert_eq!(date("44985", None, true).unwrap().day.to_string(), "2027-03-01", "from 1904");
}

#[test]
fn what_is_no_date_is_refused() {
    use BadDate::*;
    for (raw, order, expected, why) in [
        ("31/02/2027", Some(Order::DayFirst), Unreadable, "no such day"),
        ("29 Feb 2027", None, Unreadable, "no leap year"),
        ("tomorrow", None, Unreadable, "a word"),
        ("01/03", None, Unreadable, "no year"),
        ("01/03/227", None, Unreadable, "three digits"),
        ("01/03/20277", None, Unreadable, "five digits"),
        ("1.13.2027", None, Unreadable, "full stops are day first"),
        ("2027-13-01", None, Unreadable, "no such month"),
        ("0207-03-01", None, Unreadable, "a year that nobody means"),
        ("01/03-2027", None, Unreadable, "two signs"),
        ("01/03/2027", None, EitherWay, "undecided"),
        ("03/31/2027", Some(Order::DayFirst), OtherOrder, "the month first"),
        ("31/03/2027", Some(Order::MonthFirst), OtherOrder, "the day first"),
        ("Tue 1 Mar 2027", None, WrongWeekday, "it is a Monday"),
        ("01/03/2027 09:30", Some(Order::DayFirst), Unreadable, "a time that nobody asked for"),
        ("07700900123", None, Unreadable, "a telephone number"),
        ("12", None, Unreadable, "a number"),
        ("", None, Unreadable, "nothing"),
    ] {
        assert_eq!(day(raw, order), Err(expected), "{raw}: {why}");
    }
    assert_eq!(day("31/03/2027", None).as_deref(), Ok("2027-03-31"), "one way only");
    assert_eq!(day("03/03/2027", None).as_deref(), Ok("2027-03-03"), "both ways the same");
    assert_eq!(day("Mon 01/03/2027", None).as_deref(), Ok("2027-03-01"), "the weekday decides");
}

#[test]
fn times_are_read_as_they_are_written() {
    for (raw, expected, why) in [
        ("09:30", Some("09:30:00"), "24 hours"),
        ("9:30", Some("09:30:00"), "one digit"),
        ("9.30", Some("09:30:00"), "a full stop"),
        ("0930", Some("09:30:00"), "no sign"),
        ("0930 hrs", Some("09:30:00"), "hours"),
        ("9h30", Some("09:30:00"), "an h"),
        ("9:30 am", Some("09:30:00"), "12 hours"),
        ("9.30AM", Some("09:30:00"), "no space"),
        ("9:30\u{202f}AM", Some("09:30:00"), "the narrow space that programs write since 2023"),
        ("9 a.m.", Some("09:00:00"), "the hour alone"),
        ("930am", Some("09:30:00"), "nothing between"),
        ("12:15 pm", Some("12:15:00"), "noon"),
        ("12:15 am", Some("00:15:00"), "midnight"),
        ("21:30:15", Some("21:30:15"), "seconds"),
        ("0.395833333333333", Some("09:30:00"), "a part of a day"),
        ("0.75", Some("18:00:00"), "can't be minutes"),
        ("0.25", Some("00:25:00"), "minutes, since they can be"),
        ("24:00", None, "no such hour"),
        ("13:00 pm", None, "both clocks at once"),
        ("0:30 am", None, "no such hour on a clock with twelve"),
        ("9", None, "morning or evening"),
        ("9:3", None, "half a time"),
        ("9:60", None, "no such minute"),
        ("noon", None, "a word"),
        ("09:30.15", None, "two signs"),
        ("", None, "nothing"),
    ] {
        let read = time(raw).ok().map(|time| time.to_string());
        assert_eq!(read.as_deref(), expected, "{raw}: {why}");
    }
}

#[test]
fn dates_with_times_are_read() {
    let order = Some(Order::DayFirst);
    for raw in [
        "2027-03-01T09:30",
        "2027-03-01T09:30:00",
        "2027-03-01 09:30",
        "01/03/2027 09:30",
        "1/3/27 9.30 am",
        "01.03.2027 09:30",
        "1 March 2027 at 9:30am",
        "Mon, 1 Mar 2027, 9:30 AM",
        "01/03/2027 9:30:00 AM",
        "Monday 1 March 2027 9.30am",
        "01/03/2027, 09:30",
        "46447.3958333333",
    ] {
        let expected = "2027-03-01T09:30:00".parse().unwrap();
        assert_eq!(
            moment(raw, order, false).map(|(at, _)| at),
            Ok(Moment::Local(expected)),
            "{raw}"
        );
    }
    for raw in [
        "2027-03-01T09:30:00Z",
        "2027-03-01T09:30Z",
        "2027-03-01T10:30:00+01:00",
        "2027-03-01 10:30:00+0100",
        "2027-03-01T10:30:00.000+01:00",
    ] {
        let expected = "2027-03-01T09:30:00Z".parse().unwrap();
        assert_eq!(
            moment(raw, None, false).map(|(at, _)| at),
            Ok(Moment::Instant(expected)),
            "{raw}"
        );
    }
    assert_eq!(moment("2027-03-01", order, false), Err(BadMoment::Time(BadTime::Missing)));
    assert_eq!(moment("soon", order, false), Err(BadMoment::Date(BadDate::Unreadable)));
    assert_eq!(moment("01/03/2027 25:00", order, false), Err(BadMoment::Time(BadTime::Unreadable)));
    assert_eq!(moment("03/31/2027 09:00", order, false), Err(BadMoment::Date(BadDate::OtherOrder)));
}

#[test]
fn the_order_is_decided_over_the_whole_column() {
    for (values, expected, why) in [
        (&["2027-03-01", "1 Mar 2027", ""][..], Decision::NotNeeded, "nothing depends on it"),
        (&["03/03/2027"], Decision::NotNeeded, "both ways the same"),
        (&["01/03/2027", "02/03/2027"], Decision::Ambiguous, "all fit both"),
        (&["01/03/2027", "31/03/2027"], Decision::DayFirst, "one can only have the day first"),
        (&["01/03/2027", "03/31/2027"], Decision::MonthFirst, "one can only have the month first"),
        (&["31/03/2027", "03/31/2027"], Decision::Mixed, "both"),
        (
            &["31/03/2027 09:30", "x"],
            Decision::DayFirst,
            "with a time; what is no date says nothing",
        ),
    ] {
        let mut survey = Survey::default();
        values.iter().for_each(|value| survey.add(value));
        assert_eq!(survey.decide(), expected, "{why}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(days in 0_i64..60_000, minute in 0_u32..1440, day_first: bool) {
        let date = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + chrono::Duration::days(days);
        let at = date.and_hms_opt(minute / 60, minute % 60, 0).unwrap();
        let order = if day_first { Order::DayFirst } else { Order::MonthFirst };
        let numbers = if day_first { "%d/%m/%Y" } else { "%m/%d/%Y" };
        for format in ["%Y-%m-%d", numbers, "%d.%m.%Y", "%-d %b %Y", "%A, %-d %B %Y", "%B %-d, %Y"] {
            let written = date.format(format).to_string();
            prop_assert_eq!(self::date(&written, Some(order), false).map(|d| d.day), Ok(date), "{}", written);
            for clock in ["%H:%M", "%-I:%M %p", "%-I.%M%P", "%H:%M:%S"] {
                let written = format!("{written} {}", at.format(clock));
                let read = moment(&written, Some(order), false).map(|(at, _)| at);
                prop_assert_eq!(read, Ok(Moment::Local(at)), "{}", written);
            }
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(raw in "[0-9/.: -]{0,24}|[0-9 a-zA-Z:,./+'Z-]{0,30}|\\PC{0,30}") {
        let _ = date(&raw, None, false);
        let _ = moment(&raw, Some(Order::DayFirst), true);
        let _ = time(&raw);
        Survey::default().add(&raw);
    }
}
