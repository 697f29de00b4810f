//! Dial: claiming a reservation, and storing what the provider answered.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::rows::{CallRow, TenantRow, word, zone};
use crate::appointment_types::store::spoken_name;
use crate::appointments::Label;
use crate::calls::rules::facts::Facts;
use crate::calls::rules::snapshot::{AccountFacts, CallFacts, CallKind, Snapshot};
use crate::db::{Db, Error, TenantTx};
use crate::ids::{AccountId, AppointmentId, AttemptId, CallId, ContactId, SenderId, TenantId};

/// A reservation with all that is needed to decide and to ask. Sealed fields are still sealed.
#[derive(Debug)]
pub struct Opened {
    /// The instant.
    pub now: DateTime<Utc>,
    /// When it was reserved.
    pub reserved_at: DateTime<Utc>,
    /// When the call came due, or was pressed for.
    pub wanted_at: DateTime<Utc>,
    /// The call.
    pub call: CallId,
    /// Who is called.
    pub contact: ContactId,
    /// Through which account.
    pub account: AccountId,
    /// The facts for the last check.
    pub snapshot: Snapshot,
    /// The voice agent and the number that the contact sees.
    pub agent_id: Option<String>,
    /// The number that the contact sees, E.164.
    pub caller_number: Option<String>,
    /// The contact's own key, wrapped; none once the contact was erased.
    pub key_wrapped: Option<Vec<u8>>,
    /// Sealed name.
    pub name: Option<Vec<u8>>,
    /// Sealed number.
    pub phone: Option<Vec<u8>>,
    /// What the call is about.
    pub appointment: Option<AppointmentDetails>,
    /// Earlier attempts of this call that were unknown and then thought not placed.
    pub doubtful: Vec<AttemptId>,
    /// The contact's number isn't the one that was reserved: its gap and week were never checked.
    pub number_changed: bool,
    /// The demo clock is ahead: only a simulator may be asked.
    pub demo_ahead: bool,
    /// The account is a simulator.
    pub simulator: bool,
    /// The account's breaker isn't closed: it hears every answer.
    pub breaker_stirs: bool,
}

/// What the voice may be told of an appointment.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AppointmentDetails {
    /// The appointment.
    #[sqlx(rename = "appointment_id")]
    pub id: AppointmentId,
    /// When.
    #[sqlx(rename = "appointment_at")]
    pub at: DateTime<Utc>,
    /// With whom.
    pub owner_name: Option<String>,
    /// For which company.
    pub company_name: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// What may be said of its type. What the type is called never gets here.
    #[sqlx(skip)]
    pub spoken_type: Option<String>,
    /// How long.
    pub duration_minutes: Option<i32>,
    /// What the voice is to say besides, sealed.
    pub voice_text: Option<Vec<u8>>,
}

/// Reads a reservation under a shared lock of its tenant. `None`: it isn't reserved any more.
///
/// # Errors
/// Any [`Error`].
pub async fn open(tx: &mut TenantTx, attempt: AttemptId) -> Result<Option<Opened>, Error> {
    let row =
        sqlx::query("select * from dial_read($1)").bind(attempt).fetch_optional(tx.conn()).await?;
    let Some(row) = row else { return Ok(None) };
    let now: DateTime<Utc> = row.try_get("now")?;
    if row.try_get::<String, _>("attempt_state")? != "reserved"
        || row.try_get::<DateTime<Utc>, _>("expires_at")? <= now
    {
        return Ok(None);
    }
    let tenant_row = <TenantRow as sqlx::FromRow<_>>::from_row(&row)?;
    let tenant = tenant_row.facts()?;
    let call: CallId = row.try_get("call_id")?;
    let simulator: bool = row.try_get("simulator")?;
    let about = row.try_get::<Option<Uuid>, _>("appointment_id")?.is_some();
    let mut appointment: Option<AppointmentDetails> =
        about.then(|| sqlx::FromRow::from_row(&row)).transpose()?;
    if let Some(appointment) = &mut appointment
        && let Some(kind) = row.try_get::<Option<String>, _>("type")?
    {
        appointment.spoken_type = spoken_name(tx, &Label::stored(kind)).await?;
    }
    Ok(Some(Opened {
        now,
        call,
        reserved_at: row.try_get("reserved_at")?,
        wanted_at: row.try_get("wanted_at")?,
        contact: row.try_get("contact_id")?,
        account: row.try_get("account_id")?,
        agent_id: tenant_row.agent_id,
        caller_number: tenant_row.caller_number,
        key_wrapped: row.try_get("key_wrapped")?,
        name: row.try_get("name")?,
        phone: row.try_get("phone")?,
        appointment,
        doubtful: row.try_get::<Vec<Uuid>, _>("doubtful")?.into_iter().map(AttemptId).collect(),
        number_changed: row.try_get("number_changed")?,
        demo_ahead: row.try_get("demo_ahead")?,
        simulator,
        breaker_stirs: row.try_get("breaker_stirs")?,
        snapshot: Snapshot {
            now,
            // What the reservation holds already isn't asked again; see `recheck_before_dial`.
            account: AccountFacts {
                held: row.try_get("held")?,
                breaker_open: false,
                free_slots: 1,
                next_start_at: now,
            },
            call: reserved_call(&row, simulator)?,
            tenant,
        },
    }))
}

/// The facts of a reserved call. What its reservation holds (gap, attempts, the number's week, what is under way) isn't
/// asked again, and not read.
fn reserved_call(row: &PgRow, to_simulator: bool) -> Result<CallFacts, Error> {
    let front: bool = row.try_get("front")?;
    let earliest: DateTime<Utc> = row.try_get("earliest")?;
    let status: Option<String> = row.try_get("appointment_status")?;
    let region: String = row.try_get("region")?;
    Ok(CallFacts {
        kind: if front {
            CallKind::CallNow
        } else {
            word(row.try_get::<&str, _>("kind")?, "calls.kind")?
        },
        earliest: if front { earliest.min(row.try_get("planned_at")?) } else { earliest },
        due: row.try_get("due")?,
        deadline: row.try_get("deadline")?,
        zone: zone(row.try_get("contact_zone")?)?,
        contact_live: row.try_get("live")?,
        number_bad: row.try_get("number_bad")?,
        north_american: region == "US" || region == "CA",
        test_number_to_real_provider: row.try_get::<bool, _>("test_number")? && !to_simulator,
        do_not_call: row.try_get("do_not_call")?,
        channel: word(row.try_get::<&str, _>("channel")?, "contacts.channel")?,
        consent: row.try_get("consent")?,
        appointment: status.map(|status| word(&status, "appointments.status")).transpose()?,
        campaign: None,
        attempts: 0,
        last_counted_dial: None,
        under_way: false,
        number_dials: Vec::new(),
        calls_now_today: 0,
        retry_at: row.try_get("retry_at")?,
    })
}

/// One call with what its checks look at.
///
/// # Errors
/// Any [`Error`].
pub async fn facts(
    tx: &mut TenantTx,
    call: CallId,
    now: DateTime<Utc>,
    day_start: DateTime<Utc>,
) -> Result<Option<CallRow>, Error> {
    Ok(sqlx::query_as("select * from calls_with_facts(array[$1], $2, $3)")
        .bind(call.0)
        .bind(now)
        .bind(day_start)
        .fetch_optional(tx.conn())
        .await?)
}

/// A claim: from the commit on, exactly this run may ask the provider, once.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The dial's number over all time.
    pub serial: i64,
    /// The database went back: it has forgotten a dial, or gave its number out again; or somebody else found so already, and
    /// what it has forgotten is being read from the provider.
    pub went_back: bool,
}

/// Commits nothing itself: writes the intent. `None`: another run has it, it expired, or it was given back, since its
/// call no longer waits for it or its number or contact rings already. Commit then, too.
///
/// `used`, read before, is the number of the last dial that anybody is known to have made.
///
/// # Errors
/// Any [`Error`].
pub async fn claim(
    tx: &mut TenantTx,
    attempt: AttemptId,
    sender: SenderId,
    now: DateTime<Utc>,
    used: i64,
) -> Result<Option<Claim>, Error> {
    let row: Option<(i64, bool)> =
        sqlx::query_as("select serial, went_back from dial_claim($1, $2, $3, $4)")
            .bind(attempt)
            .bind(sender)
            .bind(now)
            .bind(used)
            .fetch_optional(tx.conn())
            .await?;
    tx.events_were_numbered();
    Ok(row.map(|(serial, went_back)| Claim { serial, went_back }))
}

/// Gives a reservation back before it was claimed.
///
/// # Errors
/// Any [`Error`].
pub async fn release(
    tx: &mut TenantTx,
    attempt: AttemptId,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("select attempt_release($1, $2, 'reserved')")
        .bind(attempt)
        .bind(now)
        .fetch_one(tx.conn())
        .await?)
}

/// Leaves a call that can't be asked for as it stands alone until `until`.
///
/// # Errors
/// Any [`Error`].
pub async fn put_off(
    tx: &mut TenantTx,
    call: CallId,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    reason: &str,
) -> Result<(), Error> {
    sqlx::query(
        "update calls set eligible_at = $3, is_due = false, blocked = array[$4], blocked_at = $2, updated_at = $2 \
         where id = $1 and state = 'planned'",
    )
    .bind(call)
    .bind(now)
    .bind(until)
    .bind(reason)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes an intent back: its sender says that no byte of the request was written, and none will be.
///
/// # Errors
/// Any [`Error`].
pub async fn release_unsent(
    tx: &mut TenantTx,
    attempt: AttemptId,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("select attempt_release($1, $2, 'dialling')")
        .bind(attempt)
        .bind(now)
        .fetch_one(tx.conn())
        .await?)
}

/// What the sender has to say about its one request.
#[derive(Debug, Clone)]
pub struct Reply<'a> {
    /// `accepted`, `refused`, `unknown`: as the metrics have it.
    pub answer: &'static str,
    /// The HTTP status, if there was a whole answer.
    pub status: Option<u16>,
    /// The provider's id of the call, if it was accepted.
    pub provider_call_id: Option<&'a str>,
}

/// Stores an acceptance, and commits it. Guarded: a webhook may have come first, and then the attempt is further on
/// already. `true`: an older attempt of the same call was found while this one was being dialled, and still rings.
///
/// # Errors
/// Any [`Error`].
pub async fn accepted(
    db: &Db,
    tenant: TenantId,
    attempt: AttemptId,
    sender: SenderId,
    reply: &Reply<'_>,
    facts: &Facts,
) -> Result<bool, Error> {
    let placed = sqlx::query_scalar("select dial_placed($1, $2, $3, $4, $5, $6)")
        .bind(tenant)
        .bind(attempt)
        .bind(sender)
        .bind(reply.provider_call_id)
        .bind(reply.status.map(i32::from))
        .bind(Json(facts))
        .fetch_one(db.app_pool())
        .await?;
    // One statement, which commits by itself.
    db.events_went_on(tenant);
    Ok(placed)
}

/// Stores that nothing is known. The sender has closed its connection and will send nothing more.
///
/// # Errors
/// Any [`Error`].
pub async fn unknown(
    tx: &mut TenantTx,
    attempt: AttemptId,
    sender: SenderId,
    status: Option<u16>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    // In the order of locks: settling holds the call when it comes to the attempt.
    sqlx::query(
        "select from calls where id = (select call_id from attempts where id = $1) for update",
    )
    .bind(attempt)
    .execute(tx.conn())
    .await?;
    let done = sqlx::query(
        "update attempts set sender_done_at = $3, request_sent = true, answer = 'unknown', status_code = $4, \
             answered_at = coalesce(answered_at, $3), \
             check_at = case when state in ('dialling', 'unknown') then least(check_at, $3) else check_at end, \
             state = case when state = 'dialling' then 'unknown' else state end \
         where id = $1 and claimed_by = $2",
    )
    .bind(attempt)
    .bind(sender)
    .bind(now)
    .bind(status.map(i32::from))
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "update calls set state = 'in_progress', updated_at = $2 where state = 'dialling' \
         and id = (select call_id from attempts where id = $1 and state = 'unknown')",
    )
    .bind(attempt)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many dials of the tenant directly before this one were answered 400.
///
/// # Errors
/// Any [`Error`].
pub async fn rejected_in_a_row(tx: &mut TenantTx, attempt: AttemptId) -> Result<u32, Error> {
    let recent: Vec<Option<i32>> = sqlx::query_scalar(
        "select status_code from attempts where id <> $1 and answered_at is not null and answer <> 'unknown' \
         order by reserved_at desc limit 5",
    )
    .bind(attempt)
    .fetch_all(tx.conn())
    .await?;
    Ok(recent
        .iter()
        .take_while(|status| **status == Some(400))
        .count()
        .try_into()
        .unwrap_or(u32::MAX))
}
