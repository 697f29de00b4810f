//! SQL of rows that are written many at a time.

use chrono::{DateTime, Utc};

use crate::acknowledgements::NewEntry;
use crate::appointments::{Appointment, status_word};
use crate::contacts::{Contact, channel_word};
use crate::crypto::{ContactField, ContactKey, EqualityHashes, EqualityKind, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::AppointmentId;
use crate::rotation::store::numbers;
use crate::tenants::KeyError;

/// Stores new contacts, each with a new key: as `contacts::store::insert` stores one. Their keys, in the same order.
pub(in crate::imports) async fn contacts(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    new: &[Contact],
) -> Result<Vec<ContactKey>, KeyError> {
    #[derive(Default)]
    struct Columns {
        wrapped: Vec<Vec<u8>>,
        name: Vec<Vec<u8>>,
        phone: Vec<Vec<u8>>,
        email: Vec<Option<Vec<u8>>>,
        notes: Vec<Option<Vec<u8>>>,
        phone_eq: Vec<Vec<u8>>,
        email_eq: Vec<Option<Vec<u8>>>,
        region: Vec<String>,
    }
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let (mut of, mut made) = (Columns::default(), Vec::with_capacity(new.len()));
    let equality = |kind, text: &str| -> EqualityHashes { keys.equality(kind, text) };
    let mut phones = Vec::with_capacity(new.len());
    for contact in new {
        let (key, wrapped) = keys.generate_contact_key(contact.id.0)?;
        let seal = |field, text: &str| {
            key.seal(field, text.as_bytes()).map(crate::crypto::Sealed::into_bytes)
        };
        of.wrapped.push(wrapped.into_bytes());
        of.name.push(seal(ContactField::Name, contact.name.as_str())?);
        of.phone.push(seal(ContactField::Phone, contact.phone.as_str())?);
        let email = contact.email.as_ref();
        of.email.push(email.map(|it| seal(ContactField::Email, it.as_str())).transpose()?);
        let notes = contact.notes.as_ref();
        of.notes.push(notes.map(|it| seal(ContactField::Notes, it.as_str())).transpose()?);
        let phone = equality(EqualityKind::Phone, contact.phone.as_str());
        of.phone_eq.push(phone.current.as_bytes().to_vec());
        phones.push(phone);
        let hash = |it: &crate::contacts::email::EmailAddress| {
            equality(EqualityKind::Email, it.normalised()).current.as_bytes().to_vec()
        };
        of.email_eq.push(email.map(hash));
        of.region.push(contact.phone.region());
        made.push(key);
    }
    numbers::settle_on(tx, keys, &phones).await?;
    let each = |of: fn(&Contact) -> String| new.iter().map(of).collect::<Vec<_>>();
    sqlx::query(
        "insert into contacts (tenant_id, id, key_wrapped, name, phone, email, notes, phone_eq, email_eq, region, test_number, zone,
             channel, consent_at, consent_by, version, created_at, updated_at)
         select tid(), u.*, 1, $15, $15 from unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[],
             $7::bytea[], $8::bytea[], $9::text[], $10::bool[], $11::text[], $12::text[], $13::timestamptz[], $14::text[]) u",
    )
    .bind(new.iter().map(|contact| contact.id).collect::<Vec<_>>())
    .bind(of.wrapped)
    .bind(of.name)
    .bind(of.phone)
    .bind(of.email)
    .bind(of.notes)
    .bind(of.phone_eq)
    .bind(of.email_eq)
    .bind(of.region)
    .bind(new.iter().map(|contact| contact.phone.is_test_number()).collect::<Vec<_>>())
    .bind(each(|contact| contact.zone.name().to_owned()))
    .bind(each(|contact| channel_word(contact.channel).to_owned()))
    .bind(new.iter().map(|contact| contact.consent.as_ref().map(|it| it.at)).collect::<Vec<_>>())
    .bind(new.iter().map(|contact| contact.consent.as_ref().map(|it| it.by.clone())).collect::<Vec<_>>())
    .bind(new[0].created_at)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(made)
}

/// Stores new appointments, as `appointments::store::insert` stores one that nobody has confirmed yet.
pub(in crate::imports) async fn appointments(
    tx: &mut TenantTx,
    new: &[(Appointment, &ContactKey)],
) -> Result<(), KeyError> {
    let Some((first, _)) = new.first() else { return Ok(()) };
    let voice = |(of, key): &(Appointment, &ContactKey)| {
        let sealed = of
            .voice_text
            .as_ref()
            .map(|it| key.seal(ContactField::VoiceText, it.as_str().as_bytes()));
        sealed.map(|it| it.map(crate::crypto::Sealed::into_bytes)).transpose()
    };
    let voice_texts = new.iter().map(voice).collect::<Result<Vec<_>, _>>()?;
    let text = |of: fn(&Appointment) -> &Option<crate::appointments::Label>| {
        new.iter()
            .map(|(it, _)| of(it).as_ref().map(|it| it.as_str().to_owned()))
            .collect::<Vec<_>>()
    };
    sqlx::query(
        "insert into appointments (tenant_id, id, contact_id, at, call_before_hours, duration_minutes, type, owner_name, company_name,
             location, voice_text, priority, status, booked_at, round, source, version, created_at, updated_at)
         select tid(), u.*, $12, $13, 1, $14, 1, $13, $13 from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::int[], $5::int[],
             $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[], $11::smallint[]) u",
    )
    .bind(new.iter().map(|(it, _)| it.id).collect::<Vec<_>>())
    .bind(new.iter().map(|(it, _)| it.contact).collect::<Vec<_>>())
    .bind(new.iter().map(|(it, _)| it.at).collect::<Vec<_>>())
    .bind(new.iter().map(|(it, _)| i32::from(it.call_before_hours)).collect::<Vec<_>>())
    .bind(new.iter().map(|(it, _)| it.duration_minutes.map(i32::from)).collect::<Vec<_>>())
    .bind(text(|it| &it.kind))
    .bind(text(|it| &it.owner_name))
    .bind(text(|it| &it.company_name))
    .bind(text(|it| &it.location))
    .bind(voice_texts)
    .bind(new.iter().map(|(it, _)| it.priority.rank()).collect::<Vec<_>>())
    .bind(status_word(first.status))
    .bind(first.booked_at)
    .bind(&first.source)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// Adds entries about what was acknowledged.
pub(in crate::imports) async fn acknowledgements(
    tx: &mut TenantTx,
    new: &[NewEntry],
) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let (kinds, hows): (Vec<_>, Vec<_>) = new.iter().map(|entry| entry.what.words()).unzip();
    sqlx::query(
        "insert into acknowledgements (tenant_id, id, contact_id, kind, how, text_version, recorded_by, at)
         select tid(), u.* from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[]) u",
    )
    .bind(new.iter().map(|entry| entry.id).collect::<Vec<_>>())
    .bind(new.iter().map(|entry| entry.contact).collect::<Vec<_>>())
    .bind(kinds)
    .bind(hows)
    .bind(new.iter().map(|entry| entry.text_version.as_deref()).collect::<Vec<_>>())
    .bind(new.iter().map(|entry| entry.by.as_str()).collect::<Vec<_>>())
    .bind(new.iter().map(|entry| entry.at).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes appointments.
pub(in crate::imports) async fn delete_appointments(
    tx: &mut TenantTx,
    ids: &[AppointmentId],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query("update appointments set deleted_at = $2, updated_at = $2, version = version + 1 where id = any ($1)")
        .bind(ids)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// How contacts' appointments stand: of each, whose it is, its version, and since when it is deleted.
pub(in crate::imports) async fn standing(
    tx: &mut TenantTx,
    ids: &[AppointmentId],
) -> Result<Vec<(AppointmentId, i32, Option<DateTime<Utc>>)>, Error> {
    Ok(sqlx::query_as("select id, version, deleted_at from appointments where id = any ($1)")
        .bind(ids)
        .fetch_all(tx.conn())
        .await?)
}
