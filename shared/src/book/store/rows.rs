//! Contacts as the search knows them, read and opened: many in few statements.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::appointments::{Priority, status_of};
use crate::contacts::state::Standing;
use crate::contacts::store::standings;
use crate::crypto::{ContactField, ContactKey, CryptoError, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, ContactId, GroupId};
use crate::search::{AppointmentRow, Attendance, ContactRow};

#[derive(sqlx::FromRow)]
struct Contact {
    id: ContactId,
    key_wrapped: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    phone: Option<Vec<u8>>,
    email: Option<Vec<u8>>,
    notes: Option<Vec<u8>>,
    created_at: DateTime<Utc>,
    archived: bool,
}

#[derive(sqlx::FromRow)]
struct Appointment {
    id: AppointmentId,
    contact_id: ContactId,
    at: DateTime<Utc>,
    r#type: Option<String>,
    owner_name: Option<String>,
    company_name: Option<String>,
    location: Option<String>,
    voice_text: Option<Vec<u8>>,
    priority: i16,
    status: String,
    attendance: Option<String>,
    source: String,
    last_contact_at: Option<DateTime<Utc>>,
}

/// The contacts of `ids` that there are, in ascending order of their ids.
///
/// # Errors
/// Any [`Error`].
pub async fn rows(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    ids: &[ContactId],
) -> Result<Vec<ContactRow>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<Contact> = sqlx::query_as(
        "select id, key_wrapped, name, phone, email, notes, created_at, archived_at is not null as archived
         from contacts where id = any ($1) and deleted_at is null order by id",
    )
    .bind(ids)
    .fetch_all(tx.conn())
    .await?;
    complete(tx, keys, found).await
}

/// The next contacts after `after`, at most `most`, in ascending order of their ids. No more are to come if there are none.
///
/// # Errors
/// Any [`Error`].
pub async fn page(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    after: ContactId,
    most: i64,
) -> Result<(Vec<ContactRow>, Option<ContactId>), Error> {
    let found: Vec<Contact> = sqlx::query_as(
        "select id, key_wrapped, name, phone, email, notes, created_at, archived_at is not null as archived
         from contacts where id > $1 and deleted_at is null order by id limit $2",
    )
    .bind(after)
    .bind(most)
    .fetch_all(tx.conn())
    .await?;
    let last = found.last().map(|contact| contact.id);
    Ok((complete(tx, keys, found).await?, last))
}

async fn complete(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    found: Vec<Contact>,
) -> Result<Vec<ContactRow>, Error> {
    let ids: Vec<ContactId> = found.iter().map(|contact| contact.id).collect();
    let mut appointments = of_contacts(appointments(tx, &ids).await?, |one| one.contact_id);
    let mut groups = of_contacts(groups(tx, &ids).await?, |(contact, _)| *contact);
    let next: HashMap<ContactId, DateTime<Utc>> = next_calls(tx, &ids).await?.into_iter().collect();
    let attempts: HashMap<ContactId, i64> = attempts(tx, &ids).await?.into_iter().collect();
    let standings = standings(tx, &ids).await?;
    let nothing = Standing::default();
    let mut rows = Vec::with_capacity(found.len());
    for contact in found {
        let id = contact.id;
        let of_contact = Parts {
            appointments: appointments.remove(&id).unwrap_or_default(),
            groups: groups.remove(&id).unwrap_or_default(),
            next_call_at: next.get(&id).copied(),
            attempts: attempts.get(&id).copied().unwrap_or_default(),
            standing: standings.get(&id).unwrap_or(&nothing),
        };
        match open(keys, contact, of_contact) {
            Ok(row) => rows.push(row),
            // One damaged row must not take the list of all others away.
            Err(cause) => {
                tracing::error!(contact = %id, cause, "a contact can't be opened: no list shows it");
            }
        }
    }
    Ok(rows)
}

fn of_contacts<T>(all: Vec<T>, of: impl Fn(&T) -> ContactId) -> HashMap<ContactId, Vec<T>> {
    let mut by_contact: HashMap<ContactId, Vec<T>> = HashMap::new();
    for one in all {
        by_contact.entry(of(&one)).or_default().push(one);
    }
    by_contact
}

async fn appointments(tx: &mut TenantTx, ids: &[ContactId]) -> Result<Vec<Appointment>, Error> {
    Ok(sqlx::query_as(
        "select id, contact_id, at, type, owner_name, company_name, location, voice_text, priority, status, attendance,
             source, last_contact_at
         from appointments where contact_id = any ($1) and deleted_at is null",
    )
    .bind(ids)
    .fetch_all(tx.conn())
    .await?)
}

async fn groups(tx: &mut TenantTx, ids: &[ContactId]) -> Result<Vec<(ContactId, GroupId)>, Error> {
    Ok(sqlx::query_as("select contact_id, group_id from group_members where contact_id = any ($1)")
        .bind(ids)
        .fetch_all(tx.conn())
        .await?)
}

/// When each contact's next planned call is looked at, of those who have one.
async fn next_calls(
    tx: &mut TenantTx,
    ids: &[ContactId],
) -> Result<Vec<(ContactId, DateTime<Utc>)>, Error> {
    Ok(sqlx::query_as(
        "select contact_id, min(eligible_at) from calls where contact_id = any ($1) and state = 'planned' group by 1",
    )
    .bind(ids)
    .fetch_all(tx.conn())
    .await?)
}

async fn attempts(tx: &mut TenantTx, ids: &[ContactId]) -> Result<Vec<(ContactId, i64)>, Error> {
    Ok(sqlx::query_as(
        "select contact_id, count(*) from attempts where contact_id = any ($1) and counts group by 1",
    )
    .bind(ids)
    .fetch_all(tx.conn())
    .await?)
}

struct Parts<'a> {
    appointments: Vec<Appointment>,
    groups: Vec<(ContactId, GroupId)>,
    next_call_at: Option<DateTime<Utc>>,
    attempts: i64,
    standing: &'a Standing,
}

/// The cause names no value.
fn open(keys: &TenantKeys, contact: Contact, parts: Parts<'_>) -> Result<ContactRow, &'static str> {
    let wrapped = contact.key_wrapped.as_deref().ok_or("no key")?;
    let key = keys.unwrap_contact_key(contact.id.0, wrapped).map_err(|_| "its key")?;
    let text = |field, sealed: &Option<Vec<u8>>| open_text(&key, field, sealed.as_deref());
    Ok(ContactRow {
        id: contact.id,
        name: text(ContactField::Name, &contact.name).map_err(|_| "its name")?.ok_or("no name")?,
        phone: text(ContactField::Phone, &contact.phone)
            .map_err(|_| "its number")?
            .ok_or("no number")?,
        email: text(ContactField::Email, &contact.email).map_err(|_| "its address")?,
        notes: text(ContactField::Notes, &contact.notes).map_err(|_| "its notes")?,
        created_at: contact.created_at,
        archived: contact.archived,
        calling: parts.standing.state(),
        next_call_at: parts.next_call_at,
        last_contact_at: parts.appointments.iter().filter_map(|one| one.last_contact_at).max(),
        attempts: u32::try_from(parts.attempts).unwrap_or(u32::MAX),
        groups: parts.groups.iter().map(|(_, group)| *group).collect(),
        appointments: parts
            .appointments
            .into_iter()
            .map(|one| open_appointment(&key, one))
            .collect::<Result<_, _>>()?,
    })
}

fn open_appointment(key: &ContactKey, row: Appointment) -> Result<AppointmentRow, &'static str> {
    let instructions = open_text(key, ContactField::VoiceText, row.voice_text.as_deref());
    Ok(AppointmentRow {
        id: row.id,
        at: row.at,
        status: status_of(&row.status).ok_or("an appointment's status")?,
        attendance: match row.attendance.as_deref() {
            None => None,
            Some("attended") => Some(Attendance::Attended),
            Some("no_show") => Some(Attendance::NoShow),
            Some(_) => return Err("an appointment's attendance"),
        },
        priority: Priority::of_rank(row.priority).ok_or("an appointment's priority")?,
        kind: row.r#type,
        owner: row.owner_name,
        company: row.company_name,
        location: row.location,
        instructions: instructions.map_err(|_| "an appointment's voice text")?,
        source: row.source,
    })
}

fn open_text(
    key: &ContactKey,
    field: ContactField,
    sealed: Option<&[u8]>,
) -> Result<Option<String>, CryptoError> {
    let Some(sealed) = sealed else { return Ok(None) };
    Ok(Some(key.open_text(field, sealed)?.to_string()))
}

/// What `after` of [`page`] is at the beginning: no contact has a lower id.
pub const FIRST: ContactId = ContactId(Uuid::nil());
