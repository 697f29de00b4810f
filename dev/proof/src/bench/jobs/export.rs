//! An export of 100,000 contacts with all fields, from the asked job to the last byte of the download, beside `COPY TO` of the same columns as
//! they are stored and the bare cost of opening what is sealed of them.

use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};
use shared::bulk::Selection;
use shared::crypto::ContactField;
use shared::exports::{Columns, Format, How, Params};
use shared::jobs::Kind;
use uuid::Uuid;

use super::super::set::Set;
use super::super::{quantile, round};
use crate::stage::people::Tenant;

const CONTACTS: usize = 100_000;
const ROUNDS: usize = 3;

/// The columns of an export with all fields, as they are stored.
const COPY: &str = "copy (
    select c.id, c.key_wrapped, c.name, c.phone, c.email, c.notes, c.zone, c.channel, c.consent_at, c.created_at, p.at, p.type, p.status,
        p.duration_minutes, p.owner_name, p.company_name, p.location, p.voice_text, p.priority, p.call_before_hours, p.confirmed_by,
        p.attendance, p.last_contact_at, p.source
    from contacts c left join appointments p on p.contact_id = c.id) to stdout";

pub(super) async fn measure(set: &mut Set) -> anyhow::Result<Value> {
    let tenant = set.people(12, 1, 0, 48).await?.remove(0);
    // The plain copy that filling makes beside the sealed one; the bulk change's is in the way.
    sqlx::raw_sql("drop table if exists plain").execute(&set.admin).await?;
    super::super::contacts::fill::fill(set, &tenant, CONTACTS, 1).await?;
    sqlx::raw_sql("analyze").execute(&set.admin).await?;
    set.start_api().await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let (mut jobs, mut sent, mut copied, mut opened) = (vec![], vec![], vec![], vec![]);
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let everybody =
            Selection::Found { query: String::new(), filter: Box::default(), hidden: Vec::new() };
        let params = Params {
            selection: everybody,
            expected_count: Some(CONTACTS as u64),
            columns: Columns::Extended.of().to_vec(),
            how: How::default(),
            format: Format::Csv,
        };
        let begun = Instant::now();
        let id = super::ask(set, &tenant, Kind::Export, &serde_json::to_value(params)?).await?;
        super::ended(set, id, Duration::from_secs(300)).await?;
        jobs.push(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        let mut answer = http
            .get(format!("http://{}/v1/exports/{id}/file", set.api_address))
            .bearer_auth(&tenant.api_key)
            .send()
            .await?;
        anyhow::ensure!(answer.status().is_success(), "no file: {}", answer.status());
        let (mut length, mut lines) = (0, 0);
        while let Some(piece) = answer.chunk().await? {
            length += piece.len();
            lines += piece.iter().filter(|byte| **byte == b'\n').count();
        }
        sent.push(begun.elapsed().as_secs_f64());
        anyhow::ensure!(lines == CONTACTS + 1, "{lines} lines");
        bytes = length;
        copied.push(copy(set).await?);
        opened.push(open(set, &tenant).await?);
    }
    let median = |mut of: Vec<f64>| {
        of.sort_by(f64::total_cmp);
        quantile(&of, 0.5)
    };
    let (job, sent, copied, opened) = (median(jobs), median(sent), median(copied), median(opened));
    Ok(json!({
        "contacts": CONTACTS, "megabytes": round(bytes as f64 / 1e6), "job_seconds": round(job), "download_seconds": round(sent),
        "copy_seconds": round(copied), "open_seconds": round(opened), "ratio": round((job + sent) / (copied + opened)),
    }))
}

/// `COPY TO` of the stored columns, of this tenant and the few others of the set. Seconds.
async fn copy(set: &Set) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut connection = set.admin.acquire().await?;
    let mut out = connection.copy_out_raw(COPY).await?;
    while let Some(piece) = out.next().await {
        std::hint::black_box(piece?);
    }
    Ok(begun.elapsed().as_secs_f64())
}

type Sealed = (Uuid, Vec<u8>, Vec<u8>, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);

/// Opening each contact's key and fields, on one processor; reading them is not counted. Seconds.
async fn open(set: &Set, tenant: &Tenant) -> anyhow::Result<f64> {
    let mut tx = set.office.db.tenant(tenant.id).await?;
    let keys = set.office.keys.of(&mut tx).await?;
    let rows: Vec<Sealed> = sqlx::query_as(
        "select id, key_wrapped, name, phone, email, notes from contacts where tenant_id = $1",
    )
    .bind(tenant.id)
    .fetch_all(&set.admin)
    .await?;
    let begun = Instant::now();
    for (id, wrapped, name, phone, email, notes) in &rows {
        let key = keys.unwrap_contact_key(*id, wrapped)?;
        std::hint::black_box(key.open_text(ContactField::Name, name)?);
        std::hint::black_box(key.open_text(ContactField::Phone, phone)?);
        for (field, sealed) in [(ContactField::Email, email), (ContactField::Notes, notes)] {
            if let Some(sealed) = sealed {
                std::hint::black_box(key.open_text(field, sealed)?);
            }
        }
    }
    Ok(begun.elapsed().as_secs_f64())
}
