//! The same search over plain rows, contact by contact and without any index: what the tests hold the other against.

use std::cmp::Reverse;

use super::block::micros;
use super::facets::LAST_CONTACT;
use super::filter::{Archived, Calling, LastContact};
use super::query::{Edges, Needle, NumberNeedle, Term};
use super::row::phone_forms;
use super::scan::is_unspaced;
use super::*;
use crate::calls::rules::snapshot::AppointmentStatus;
use crate::contacts::state::CallingState;

fn has_text(text: &str, needle: &Needle) -> bool {
    let (text, needle_chars): (Vec<char>, Vec<char>) =
        (fold(text).chars().collect(), needle.text.chars().collect());
    let inside = |at: usize| text.get(at).is_some_and(|c| c.is_alphanumeric() && !is_unspaced(*c));
    let edge = |at: usize| at == 0 || !(inside(at - 1) && inside(at));
    text.windows(needle_chars.len()).enumerate().any(|(at, window)| {
        window == needle_chars
            && match needle.edges {
                Edges::Any => true,
                Edges::Start => edge(at),
                Edges::Both => edge(at) && edge(at + needle_chars.len()),
            }
    })
}

fn has_number(phone: &str, number: &NumberNeedle) -> bool {
    let forms = phone_forms(phone);
    let mut ways: Vec<&str> = forms.split(' ').collect();
    ways.push(phone.trim_start_matches('+'));
    ways.iter().any(|way| {
        number.forms.iter().any(|form| match number.from_start {
            true => way.starts_with(form.as_str()),
            false => way.contains(form.as_str()),
        })
    })
}

fn text_of(appointment: &AppointmentRow, field: Field) -> &str {
    match field {
        Field::Type => &appointment.kind,
        Field::Owner => &appointment.owner,
        Field::Company => &appointment.company,
        Field::Instructions => &appointment.instructions,
        _ => &None,
    }
    .as_deref()
    .unwrap_or_default()
}

fn hits_appointment(appointment: &AppointmentRow, field: Field, needle: &Needle) -> bool {
    has_text(text_of(appointment, field), needle)
}

/// The fields that have `term`, and whether it holds.
fn find(row: &ContactRow, term: &Term, hidden: &[Field]) -> (Vec<Field>, bool) {
    let mut fields = Vec::new();
    let is_phone = term.number.as_ref().is_some_and(|number| has_number(&row.phone, number));
    if is_phone {
        fields.push(Field::Phone);
    }
    let mut all = true;
    for text in &term.texts {
        let mut any = false;
        for field in Field::ALL {
            let found = term.field.is_none_or(|only| only == field)
                && !hidden.contains(&field)
                && match field {
                    Field::Name => has_text(&row.name, &text.needle),
                    Field::Phone => text.number.as_ref().is_some_and(|n| has_number(&row.phone, n)),
                    Field::Email => has_text(row.email.as_deref().unwrap_or(""), &text.needle),
                    Field::Notes => has_text(row.notes.as_deref().unwrap_or(""), &text.needle),
                    field => row
                        .appointments
                        .iter()
                        .any(|one| hits_appointment(one, field, &text.needle)),
                };
            any |= found;
            if found && !fields.contains(&field) {
                fields.push(field);
            }
        }
        all &= any;
    }
    (fields, is_phone || all)
}

fn score(row: &ContactRow, request: &Request<'_>) -> Option<u32> {
    let mut score = 0;
    for term in &request.query.terms {
        let (fields, found) = find(row, term, request.hidden);
        if found == term.excluded {
            return None;
        }
        if !term.excluded {
            score += fields.iter().map(|field| field.weight()).sum::<u32>();
        }
    }
    Some(score)
}

fn wants<T: PartialEq>(list: &[T], value: &T) -> bool {
    list.is_empty() || list.contains(value)
}

fn wants_word(list: &[String], value: Option<&str>) -> bool {
    list.is_empty()
        || value.is_some_and(|value| !value.is_empty() && list.iter().any(|one| one == value))
}

fn passes_appointment(appointment: &AppointmentRow, request: &Request<'_>) -> bool {
    let filter = request.filter;
    wants(&filter.statuses, &appointment.status)
        && wants(&filter.attendance, &appointment.attendance)
        && wants(&filter.priorities, &appointment.priority)
        && wants_word(&filter.kinds, appointment.kind.as_deref())
        && wants_word(&filter.owners, appointment.owner.as_deref())
        && wants_word(&filter.locations, appointment.location.as_deref())
        && wants_word(&filter.sources, Some(&appointment.source))
        && filter.date.is_none_or(|date| {
            request.calendar.bounds(date).contains(&appointment.at.timestamp_micros())
        })
}

fn is_calling(row: &ContactRow, calling: Calling, calendar: &Calendar) -> bool {
    let due = |at| row.next_call_at.is_some_and(|next| next <= at);
    match calling {
        Calling::DueNow => due(calendar.now),
        Calling::DueToday => row.next_call_at.is_some_and(|next| {
            next.with_timezone(&calendar.zone).date_naive() <= calendar.today()
        }),
        Calling::Overdue => {
            row.next_call_at.is_some_and(|next| calendar.now - next > chrono::TimeDelta::hours(1))
        }
        Calling::Scheduled => row.next_call_at.is_some_and(|next| next > calendar.now),
        Calling::InProgress => row.calling == CallingState::InProgress,
        Calling::FollowUp => row.calling == CallingState::FollowUp,
        Calling::Exhausted => row.calling == CallingState::Exhausted,
        Calling::Held => row.calling == CallingState::Held,
        Calling::NeedsReview => row.calling == CallingState::NeedsReview,
    }
}

fn passes_contact(row: &ContactRow, request: &Request<'_>) -> bool {
    let Request { filter, calendar, .. } = request;
    let groups = &filter.groups;
    let is_in = |group| row.groups.contains(group);
    (groups.any.is_empty() || groups.any.iter().any(is_in))
        && groups.all.iter().all(is_in)
        && !groups.none.iter().any(is_in)
        && (!groups.ungrouped || row.groups.is_empty())
        && (filter.calling.is_empty()
            || filter.calling.iter().any(|one| is_calling(row, *one, calendar)))
        && match filter.last_contact {
            None => true,
            Some(LastContact::Never) => row.last_contact_at.is_none(),
            Some(LastContact::Today) => row.last_contact_at.is_some_and(|at| {
                at.with_timezone(&calendar.zone).date_naive() >= calendar.today()
            }),
            Some(LastContact::Days(days)) => row
                .last_contact_at
                .is_some_and(|at| calendar.now - at <= chrono::TimeDelta::days(days.into())),
        }
        && match filter.archived {
            Archived::No => !row.archived,
            Archived::Only => row.archived,
            Archived::Included => true,
        }
}

fn asks_appointments(filter: &Filter) -> bool {
    let contact_parts = Filter {
        groups: filter.groups.clone(),
        calling: filter.calling.clone(),
        last_contact: filter.last_contact,
        archived: filter.archived,
        ..Filter::default()
    };
    *filter != contact_parts
}

/// Everybody who is wanted, with the score, in the order of their ids.
fn select<'r>(rows: &'r [ContactRow], request: &Request<'_>) -> Vec<(&'r ContactRow, u32)> {
    let passes = |row: &ContactRow| {
        passes_contact(row, request)
            && (!asks_appointments(request.filter)
                || row.appointments.iter().any(|one| passes_appointment(one, request)))
    };
    rows.iter()
        .filter(|row| passes(row))
        .filter_map(|row| Some((row, score(row, request)?)))
        .collect()
}

fn shown<'r>(row: &'r ContactRow, request: &Request<'_>) -> Option<&'r AppointmentRow> {
    let mut candidates: Vec<_> =
        row.appointments.iter().filter(|one| passes_appointment(one, request)).collect();
    let is_hit = |appointment: &&AppointmentRow| {
        request.query.terms.iter().filter(|term| !term.excluded).any(|term| {
            let fields = Field::ALL.into_iter().filter(|field| {
                term.field.is_none_or(|only| only == *field) && !request.hidden.contains(field)
            });
            fields.into_iter().any(|field| {
                term.texts.iter().any(|text| hits_appointment(appointment, field, &text.needle))
            })
        })
    };
    if candidates.iter().any(is_hit) {
        candidates.retain(is_hit);
    }
    candidates.sort_by_key(|one| (one.at, one.id));
    let open = candidates
        .iter()
        .find(|one| one.status != AppointmentStatus::Cancelled && one.at > request.calendar.now);
    open.or(candidates.last()).copied()
}

/// All rows, in the order that `Selection::window` should have.
pub(super) fn ordered(rows: &[ContactRow], request: &Request<'_>, sorts: &[Sort]) -> Vec<Shown> {
    let number = |value: Option<i64>| value.map(|value| (value, String::new()));
    let text = |value: Option<&str>| {
        value.filter(|value| !value.is_empty()).map(|value| (0, fold(value).to_string()))
    };
    let mut found = select(rows, request);
    // Stable, and the rows came in the order of their ids: the last key first.
    for sort in sorts.iter().rev() {
        let key = |(row, score): &(&ContactRow, u32)| {
            let shown = shown(row, request);
            match sort.key {
                SortKey::Relevance => number(Some((*score).into())),
                SortKey::Name => text(Some(&fold(&row.name))),
                SortKey::Appointment => number(shown.map(|one| micros(Some(one.at)))),
                SortKey::Status => number(shown.map(|one| one.status as i64)),
                SortKey::Priority => number(shown.map(|one| one.priority as i64)),
                SortKey::Owner => text(shown.and_then(|one| one.owner.as_deref())),
                SortKey::Company => text(shown.and_then(|one| one.company.as_deref())),
                SortKey::NextCall => number(row.next_call_at.map(|at| micros(Some(at)))),
                SortKey::LastContact => number(row.last_contact_at.map(|at| micros(Some(at)))),
                SortKey::Attempts => number(Some(row.attempts.into())),
                SortKey::Created => number(Some(micros(Some(row.created_at)))),
            }
        };
        match sort.descending {
            true => found.sort_by_key(|found| Reverse(key(found))),
            false => found.sort_by_key(|found| (key(found).is_none(), key(found))),
        }
    }
    let show = |(row, score): (&ContactRow, u32)| Shown {
        contact: row.id,
        appointment: shown(row, request).map(|one| one.id),
        score,
    };
    found.into_iter().map(show).collect()
}

/// What `Selection::facets` should be: each count is the total of a request of its own.
pub(super) fn facets(rows: &[ContactRow], request: &Request<'_>) -> Facets {
    fn each<T: Copy>(values: &[T], count: impl Fn(T) -> u64) -> Vec<(T, u64)> {
        values.iter().map(|value| (*value, count(*value))).collect()
    }
    let total = |change: &dyn Fn(&mut Filter)| {
        let mut filter = request.filter.clone();
        change(&mut filter);
        select(rows, &Request { filter: &filter, ..*request }).len() as u64
    };
    let words = |of: fn(&AppointmentRow) -> Option<&str>, set: fn(&mut Filter, String)| {
        let values = rows.iter().flat_map(|row| &row.appointments).filter_map(of);
        values
            .filter(|value| !value.is_empty())
            .map(|value| (value.to_owned(), total(&|filter| set(filter, value.to_owned()))))
            .filter(|(_, count)| *count > 0)
            .collect()
    };
    let groups = rows.iter().flat_map(|row| &row.groups).map(|group| {
        let count = total(&|filter| {
            filter.groups = filter::Groups { any: vec![*group], ..Default::default() };
        });
        (*group, count)
    });
    Facets {
        statuses: each(&block::STATUS, |one| total(&|filter| filter.statuses = vec![one])),
        dates: each(&AppointmentDate::NAMED, |one| total(&|filter| filter.date = Some(one))),
        attendance: each(&block::ATTENDANCE, |one| total(&|filter| filter.attendance = vec![one])),
        priorities: each(&block::PRIORITY, |one| total(&|filter| filter.priorities = vec![one])),
        kinds: words(|one| one.kind.as_deref(), |filter, word| filter.kinds = vec![word]),
        owners: words(|one| one.owner.as_deref(), |filter, word| filter.owners = vec![word]),
        locations: words(
            |one| one.location.as_deref(),
            |filter, word| filter.locations = vec![word],
        ),
        sources: words(|one| Some(&one.source), |filter, word| filter.sources = vec![word]),
        groups: groups.filter(|(_, count)| *count > 0).collect(),
        ungrouped: total(&|filter| {
            filter.groups = filter::Groups { ungrouped: true, ..Default::default() };
        }),
        calling: each(&Calling::ALL, |one| total(&|filter| filter.calling = vec![one])),
        last_contact: each(&LAST_CONTACT, |one| total(&|filter| filter.last_contact = Some(one))),
        archived: each(&[Archived::No, Archived::Only], |one| {
            total(&|filter| filter.archived = one)
        }),
    }
}
