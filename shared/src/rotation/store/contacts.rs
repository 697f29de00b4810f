//! SQL of giving each contact a new key, and sealing what is its own again.

use uuid::Uuid;

use super::{Left, Place};
use crate::crypto::{ContactField, ContactKey, CryptoError, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::rotation::RotationError;

/// So many contacts at a time; their rows are locked meanwhile.
const BATCH: i64 = 25;

type Row = (Uuid, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);

/// A row's id, and two columns that are sealed with the contact's key.
type Two = (Uuid, Option<Vec<u8>>, Option<Vec<u8>>);

pub(super) async fn batch(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    place: &Place,
) -> Result<Left, RotationError> {
    let broken = RotationError::in_table("contacts");
    let rows: Vec<Row> = sqlx::query_as(
        "select id, key_wrapped, name, phone, email, notes from contacts
         where id > $1 and key_wrapped is not null and created_at <= greatest($2, app_clock())
         order by id limit $3 for no key update",
    )
    .bind(place.after)
    .bind(place.started_at)
    .bind(BATCH)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    let Some(last) = rows.last().map(|row| row.0) else { return Ok(Left::Done) };
    for (id, wrapped, name, phone, email, notes) in &rows {
        let old = keys.unwrap_contact_key(*id, wrapped).map_err(&broken)?;
        let new = old.renewed().map_err(&broken)?;
        let anew = |field, sealed: &Option<Vec<u8>>| anew((&old, &new), field, sealed.as_deref());
        sqlx::query(
            "update contacts set key_wrapped = $2, name = $3, phone = $4, email = $5, notes = $6 where id = $1",
        )
        .bind(id)
        .bind(keys.wrap_contact_key(&new).map_err(&broken)?)
        .bind(anew(ContactField::Name, name).map_err(&broken)?)
        .bind(anew(ContactField::Phone, phone).map_err(&broken)?)
        .bind(anew(ContactField::Email, email).map_err(&broken)?)
        .bind(anew(ContactField::Notes, notes).map_err(&broken)?)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
        appointments(tx, *id, (&old, &new)).await?;
        conversations(tx, *id, (&old, &new)).await?;
    }
    Ok(Left::After(last, rows.len() as u64))
}

fn anew(
    (old, new): (&ContactKey, &ContactKey),
    field: ContactField,
    sealed: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, CryptoError> {
    let Some(sealed) = sealed else { return Ok(None) };
    let plain = old.open(field, sealed)?;
    Ok(Some(new.seal(field, &plain)?.into_bytes()))
}

async fn appointments(
    tx: &mut TenantTx,
    contact: Uuid,
    keys: (&ContactKey, &ContactKey),
) -> Result<(), RotationError> {
    let broken = RotationError::in_table("appointments");
    let rows: Vec<Two> = sqlx::query_as(
        "select id, voice_text, status_reason_sealed from appointments
         where contact_id = $1 and (voice_text is not null or status_reason_sealed is not null)
         order by id for no key update",
    )
    .bind(contact)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    for (id, voice, reason) in rows {
        let place = ContactField::StatusReason { appointment: id };
        sqlx::query(
            "update appointments set voice_text = $2, status_reason_sealed = $3 where id = $1",
        )
        .bind(id)
        .bind(anew(keys, ContactField::VoiceText, voice.as_deref()).map_err(&broken)?)
        .bind(anew(keys, place, reason.as_deref()).map_err(&broken)?)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    }
    Ok(())
}

async fn conversations(
    tx: &mut TenantTx,
    contact: Uuid,
    keys: (&ContactKey, &ContactKey),
) -> Result<(), RotationError> {
    let broken = RotationError::in_table("transcripts");
    let rows: Vec<Two> = sqlx::query_as(
        "select t.attempt_id, t.transcript, t.recording_url
         from calls k join attempts a on a.call_id = k.id join transcripts t on t.attempt_id = a.id
         where k.contact_id = $1 order by t.attempt_id for no key update of t",
    )
    .bind(contact)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    for (attempt, transcript, recording) in rows {
        let place = ContactField::Conversation { attempt };
        sqlx::query(
            "update transcripts set transcript = $2, recording_url = $3 where attempt_id = $1",
        )
        .bind(attempt)
        .bind(anew(keys, place, transcript.as_deref()).map_err(&broken)?)
        .bind(anew(keys, place, recording.as_deref()).map_err(&broken)?)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    }
    Ok(())
}
