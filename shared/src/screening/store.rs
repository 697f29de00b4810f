//! SQL of what screening came to: rows are added, counted, and deleted after a year.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Counts, Detection, KEPT_DAYS, word};
use crate::audit::Actor;
use crate::db::{Error, TenantTx};

/// Adds a row for each text.
///
/// # Errors
/// Any [`Error`].
pub async fn insert(
    tx: &mut TenantTx,
    (actor, at): (Actor, DateTime<Utc>),
    found: &[Detection],
) -> Result<(), Error> {
    if found.is_empty() {
        return Ok(());
    }
    let each = |of: fn(&Detection) -> String| found.iter().map(of).collect::<Vec<_>>();
    let ids: Vec<_> = found.iter().map(|one| one.id.0).collect();
    let severities: Vec<_> = found.iter().map(|one| one.severity.map(word)).collect();
    sqlx::query(
        "insert into phi_detections (tenant_id, id, at, actor, field, outcome, kinds, severity)
         select $1, r.id, $2, $3, r.field, r.outcome, string_to_array(r.kinds, ','), r.severity
         from unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[]) r (id, field, outcome, kinds, severity)",
    )
    .bind(tx.tenant())
    .bind(at)
    .bind(actor.to_string())
    .bind(ids)
    .bind(each(|one| one.place.as_str().to_owned()))
    .bind(each(|one| one.outcome.as_str().to_owned()))
    .bind(each(|one| one.kinds.join(",")))
    .bind(severities)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What screening came to, by field, by kind and by person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// All texts.
    pub all: Counts,
    /// By the word of the field.
    pub fields: BTreeMap<String, Counts>,
    /// Texts in which something of the kind was found; one text may have several.
    pub kinds: BTreeMap<String, u64>,
    /// By actor of the audit chain.
    pub people: BTreeMap<String, Counts>,
}

/// What screening came to since then.
///
/// # Errors
/// Any [`Error`].
pub async fn figures(tx: &mut TenantTx, since: DateTime<Utc>) -> Result<Figures, Error> {
    let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
        "select actor, field, outcome, count(*) from phi_detections where at > $1 group by 1, 2, 3",
    )
    .bind(since)
    .fetch_all(tx.conn())
    .await?;
    let mut figures = Figures::default();
    for (actor, field, outcome, n) in rows {
        figures.all.add(&outcome, n);
        figures.fields.entry(field).or_default().add(&outcome, n);
        figures.people.entry(actor).or_default().add(&outcome, n);
    }
    let kinds: Vec<(String, i64)> = sqlx::query_as(
        "select kind, count(*) from phi_detections, unnest(kinds) kind where at > $1 group by 1",
    )
    .bind(since)
    .fetch_all(tx.conn())
    .await?;
    figures.kinds = kinds.into_iter().map(|(kind, n)| (kind, n.unsigned_abs())).collect();
    Ok(figures)
}

/// Deletes what is older than [`KEPT_DAYS`].
///
/// # Errors
/// Any [`Error`].
pub async fn prune(tx: &mut TenantTx) -> Result<u64, Error> {
    let done = sqlx::query(
        "delete from phi_detections where at < app_clock() - make_interval(days => $1)",
    )
    .bind(i32::from(KEPT_DAYS))
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
