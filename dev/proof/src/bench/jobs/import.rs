//! An import of 10,000 rows, from the stored file to the last row written, beside `COPY` of the same rows in the clear into a table with
//! trigram indexes, as a superuser.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::ids::ImportId;
use shared::imports::store::files;
use shared::imports::{Duplicates, Import, Options as Wish, Params};
use shared::intake::Field;
use shared::intake::mapping::{Assigned, Mapping};
use shared::jobs::Kind;

use super::super::set::Set;
use super::super::{quantile, round};

const ROWS: usize = 10_000;
/// Files, each of a tenant of its own.
const ROUNDS: usize = 3;
const FIRST: [&str; 10] = ["Ada", "Bob", "Cyd", "Dan", "Eve", "Fay", "Gus", "Hal", "Ivy", "Joe"];
const LAST: [&str; 10] =
    ["Ash", "Bell", "Crane", "Dale", "Eaves", "Firth", "Gale", "Hart", "Iles", "Jay"];

/// Rows of name, number, address, time, type, owner and a note.
fn rows(day: &str) -> Vec<[String; 8]> {
    let one = |n: usize| {
        let name = format!("{} {}{}", FIRST[n % 10], LAST[n / 10 % 10], ["", "son", "ton"][n % 3]);
        // Numbers of Ofcom's mobile ranges. Nobody dials: the appointments are weeks away, and there is no provider.
        let phone = format!("+44740{:07}", 1_000_000 + n);
        let time = format!("{:02}:{:02}", 8 + n / 60 % 10, n % 60);
        let note = format!("Prefers mornings, asks for the seat by the window, card {n} on file");
        [
            name,
            phone,
            format!("person{n}@example.com"),
            day.to_owned(),
            time,
            "Check-up".to_owned(),
            "Dr Grey".to_owned(),
            note,
        ]
    };
    (0..ROWS).map(one).collect()
}

const COLUMNS: [(&str, Field); 8] = [
    ("Name", Field::Name),
    ("Phone", Field::Phone),
    ("Email", Field::Email),
    ("Date", Field::AppointmentDate),
    ("Time", Field::AppointmentTime),
    ("Type", Field::AppointmentType),
    ("With", Field::OwnerName),
    ("Notes", Field::Notes),
];

pub(super) async fn measure(set: &Set) -> anyhow::Result<Value> {
    let now = set.office.db.now().await?;
    let day = (now + chrono::Duration::days(21)).format("%Y-%m-%d").to_string();
    let rows = rows(&day);
    let names = COLUMNS.map(|(name, _)| name).join(",");
    let mut file = format!("{names}\n");
    for row in &rows {
        let quoted = row.iter().map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>();
        writeln!(file, "{}", quoted.join(","))?;
    }
    let assigned = |(column, field): (&str, Field)| Assigned { column: column.to_owned(), field };
    let options = Wish {
        mapping: Mapping { columns: COLUMNS.map(assigned).into(), date_order: None },
        duplicates: Duplicates::Skip,
        groups: Vec::new(),
        make_groups: false,
        acknowledge_phi: true,
        allow_duplicate_email: false,
    };
    sqlx::raw_sql("create extension if not exists pg_trgm").execute(&set.admin).await?;
    let tenants = set.people(12, ROUNDS, 0, 48).await?;
    let (mut ours, mut copied) = (Vec::new(), Vec::new());
    for tenant in &tenants {
        let begun = Instant::now();
        let mut tx = set.office.db.tenant(tenant.id).await?;
        let keys = set.office.keys.of(&mut tx).await?;
        let import = Import {
            id: ImportId::new(),
            bytes: file.len() as u64,
            rows: ROWS as u64,
            uploaded_by: shared::audit::Actor::Worker.to_string(),
            created_at: now,
            job: None,
        };
        files::insert(&mut tx, &keys, &import, file.as_bytes()).await?;
        tx.commit().await?;
        let params = Params { import: import.id, options: options.clone() };
        let id = super::ask(set, tenant, Kind::Import, &serde_json::to_value(params)?).await?;
        super::ended(set, id, Duration::from_secs(300)).await?;
        ours.push(begun.elapsed().as_secs_f64());
        let result: Value = sqlx::query_scalar("select result from jobs where id = $1")
            .bind(id)
            .fetch_one(&set.admin)
            .await?;
        anyhow::ensure!(result["created"] == ROWS, "not all were made: {result}");
        copied.push(copy(set, &rows).await?);
    }
    ours.sort_by(f64::total_cmp);
    copied.sort_by(f64::total_cmp);
    let (ours, copied) = (quantile(&ours, 0.5), quantile(&copied, 0.5));
    Ok(json!({
        "rows": ROWS, "megabytes": round(file.len() as f64 / 1e6), "seconds": round(ours), "copy_seconds": round(copied),
        "ratio": round(ours / copied),
    }))
}

/// A table with an index over each text, as a search without encryption would have.
const PLAIN: &str = "drop table if exists plain_people;
    create table plain_people (id uuid primary key default gen_random_uuid(), name text, phone text, email text, day date, at time,
        kind text, owner text, notes text);
    create index on plain_people using gin (name gin_trgm_ops); create index on plain_people using gin (phone gin_trgm_ops);
    create index on plain_people using gin (email gin_trgm_ops); create index on plain_people using gin (notes gin_trgm_ops);
    create index on plain_people (day, at)";
const COPY: &str = "copy plain_people (name, phone, email, day, at, kind, owner, notes) from stdin";

/// `COPY` of the rows into such a table. Seconds.
async fn copy(set: &Set, rows: &[[String; 8]]) -> anyhow::Result<f64> {
    sqlx::raw_sql(PLAIN).execute(&set.admin).await?;
    let mut text = String::new();
    for row in rows {
        writeln!(text, "{}", row.join("\t"))?;
    }
    let begun = Instant::now();
    let mut connection = set.admin.acquire().await?;
    let mut into = connection.copy_in_raw(COPY).await?;
    into.send(text.as_bytes()).await?;
    into.finish().await?;
    Ok(begun.elapsed().as_secs_f64())
}
