//! SQL of who is there: by numbers, by addresses, by times.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::crypto::{ContactField, EqualityKind, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, ContactId, JobId};
use crate::intake::check::Row;
use crate::intake::duplicates::name_key;
use crate::tenants::KeyError;

/// By which hashes values of rows are found: two of each while equality keys rotate.
fn hashes<'v>(
    keys: &TenantKeys,
    kind: EqualityKind,
    values: impl IntoIterator<Item = &'v str>,
) -> HashMap<Vec<u8>, &'v str> {
    let all = values.into_iter().flat_map(|value| {
        let both = keys.equality(kind, value);
        both.iter().map(|hash| (hash.as_bytes().to_vec(), value)).collect::<Vec<_>>()
    });
    all.collect()
}

/// Live contacts with the rows' numbers, by number and name key: of several the one that was made first.
pub(in crate::imports) async fn known(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    rows: &[&Row],
) -> Result<HashMap<(String, String), ContactId>, KeyError> {
    let numbers = hashes(keys, EqualityKind::Phone, rows.iter().map(|row| row.phone.as_str()));
    tx.plan_for_values().await?;
    type Found = (ContactId, Vec<u8>, Vec<u8>, Vec<u8>);
    let found: Vec<Found> = sqlx::query_as(
        "select id, key_wrapped, name, phone_eq from contacts
         where phone_eq = any ($1) and deleted_at is null and key_wrapped is not null order by id desc",
    )
    .bind(numbers.keys().collect::<Vec<_>>())
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    let mut known = HashMap::new();
    for (id, wrapped, name, number) in found {
        let Some(number) = numbers.get(&number) else { continue };
        let key = keys.unwrap_contact_key(id.0, &wrapped)?;
        let name = key.open_text(ContactField::Name, &name)?;
        // In descending order: the first one made stays.
        known.insert(((*number).to_owned(), name_key(&name)), id);
    }
    Ok(known)
}

/// Those of the contacts that an earlier batch of the job was about, and the appointments that it made or changed.
pub(in crate::imports) async fn named(
    tx: &mut TenantTx,
    job: JobId,
    contacts: &[ContactId],
) -> Result<(HashSet<ContactId>, HashSet<AppointmentId>), Error> {
    if contacts.is_empty() {
        return Ok(Default::default());
    }
    let named: Vec<(ContactId, Option<AppointmentId>)> = sqlx::query_as(
        "select contact_id, thing from job_items where job_id = $1 and outcome = 'done' and contact_id = any ($2)",
    )
    .bind(job)
    .bind(contacts)
    .fetch_all(tx.conn())
    .await?;
    let booked = named.iter().filter_map(|(_, thing)| *thing).collect();
    Ok((named.into_iter().map(|(contact, _)| contact).collect(), booked))
}

/// Appointments of contacts at any of these times.
pub(in crate::imports) async fn appointments(
    tx: &mut TenantTx,
    contacts: &[ContactId],
    times: &[DateTime<Utc>],
) -> Result<Vec<(ContactId, DateTime<Utc>, AppointmentId)>, Error> {
    if contacts.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as(
        "select contact_id, at, id from appointments
         where contact_id = any ($1) and at = any ($2) and deleted_at is null order by id desc",
    )
    .bind(contacts)
    .bind(times)
    .fetch_all(tx.conn())
    .await?)
}

/// Whose the rows' addresses are: of several contacts the one that was made first.
pub(in crate::imports) async fn emails(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    rows: &[&Row],
) -> Result<HashMap<String, ContactId>, Error> {
    let emails = rows.iter().filter_map(|row| row.email.as_ref()).map(|email| email.normalised());
    let emails = hashes(keys, EqualityKind::Email, emails);
    if emails.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(ContactId, Vec<u8>)> = sqlx::query_as(
        "select id, email_eq from contacts where email_eq = any ($1) and deleted_at is null order by id desc",
    )
    .bind(emails.keys().collect::<Vec<_>>())
    .fetch_all(tx.conn())
    .await?;
    let of = |(id, hash): (ContactId, Vec<u8>)| Some(((*emails.get(&hash)?).to_owned(), id));
    Ok(found.into_iter().filter_map(of).collect())
}

/// Keeps others from giving a contact one of the rows' addresses until the transaction ends, as
/// [`crate::contacts::store::lock_email`] does for one. After contacts: who edits one locks it first too.
pub(in crate::imports) async fn lock_emails(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    rows: &[&Row],
) -> Result<(), Error> {
    let emails = rows.iter().filter_map(|row| row.email.as_ref()).map(|email| email.normalised());
    let hashes = hashes(keys, EqualityKind::Email, emails);
    let tenant = tx.tenant();
    let names: BTreeSet<String> =
        hashes.keys().map(|hash| format!("{tenant}/{}", hex::encode(hash))).collect();
    if names.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "select pg_advisory_xact_lock(hashtextextended(name, 11)) from unnest($1::text[]) with ordinality u (name, n) order by n",
    )
    .bind(names.into_iter().collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One batch of a tenant's imports at a time: two files would make one person twice. False if another is at work: nobody waits for it with
/// a job's row locked.
pub(in crate::imports) async fn try_lock_imports(tx: &mut TenantTx) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(
        "select pg_try_advisory_xact_lock(hashtextextended(tid() || '/imports', 11))",
    )
    .fetch_one(tx.conn())
    .await?)
}
