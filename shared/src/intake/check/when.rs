//! When the appointment of a row is.

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use super::reading::Reading;
use super::{Code, NoteCode};
use crate::intake::Field;
use crate::intake::dates::{self, BadMoment, Moment};

/// Further ahead than anybody books.
const FAR: TimeDelta = TimeDelta::days(731);

impl Reading<'_, '_> {
    /// The instant, which lies ahead; or its fault noted. `zone`: the row's, if that could be read.
    pub(super) fn when(&mut self, zone: Option<Tz>) -> Option<DateTime<Utc>> {
        let (of_day, of_time, moment) = if self.plan.column(Field::AppointmentAt).is_some() {
            (Field::AppointmentAt, Field::AppointmentAt, self.combined())
        } else {
            (
                Field::AppointmentDate,
                Field::AppointmentTime,
                self.date_and_time().map(Moment::Local),
            )
        };
        let at = match moment? {
            Moment::Instant(at) => at,
            Moment::Local(local) => self.on_the_wall(local, zone?, of_time)?,
        };
        if at <= self.rules.now {
            return self.fault(of_day, Code::InThePast);
        }
        let hour = at.with_timezone(&zone.unwrap_or(self.rules.zone)).hour();
        if !(6..22).contains(&hour) {
            self.note(of_time, NoteCode::UnusualHour);
        }
        if at - self.rules.now > FAR {
            self.note(of_day, NoteCode::FarAhead);
        }
        Some(at)
    }

    fn on_the_wall(
        &mut self,
        local: NaiveDateTime,
        zone: Tz,
        field: Field,
    ) -> Option<DateTime<Utc>> {
        match zone.from_local_datetime(&local) {
            LocalResult::Single(at) => Some(at.to_utc()),
            LocalResult::Ambiguous(earlier, _) => {
                self.note(field, NoteCode::TimeOccursTwice);
                Some(earlier.to_utc())
            }
            LocalResult::None => self.fault(field, Code::SkippedByClocks),
        }
    }

    fn combined(&mut self) -> Option<Moment> {
        let field = Field::AppointmentAt;
        let raw = self.needed(field)?;
        match dates::moment(raw, self.plan.date_order(), self.plan.sheet().date1904()) {
            Ok((moment, serial)) => {
                if serial {
                    self.note(field, NoteCode::SerialDate);
                }
                Some(moment)
            }
            Err(BadMoment::Date(bad)) => self.fault(field, bad.into()),
            // The cell isn't empty: what it lacks is a time.
            Err(BadMoment::Time(_)) => self.fault(field, Code::BadTime),
        }
    }

    fn date_and_time(&mut self) -> Option<NaiveDateTime> {
        let (date, time) = (Field::AppointmentDate, Field::AppointmentTime);
        let date1904 = self.plan.sheet().date1904();
        let day =
            match self.needed(date).map(|raw| dates::date(raw, self.plan.date_order(), date1904)) {
                None => None,
                Some(Ok(dated)) => {
                    if dated.serial {
                        self.note(date, NoteCode::SerialDate);
                    }
                    Some(dated.day)
                }
                Some(Err(bad)) => self.fault(date, bad.into()),
            };
        let time = match self.needed(time).map(dates::time) {
            None => None,
            Some(Ok(at)) => Some(at),
            Some(Err(bad)) => self.fault(time, bad.into()),
        };
        Some(day?.and_time(time?))
    }
}
