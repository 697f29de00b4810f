//! Searching 100,000 sealed contacts of one tenant over HTTP, beside an unencrypted copy with trigram indexes.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use shared::appointments::{self, Appointment, Label};
use shared::contacts::phone::PhoneNumber;
use shared::contacts::{self, Contact};

use super::floor;
use super::load::{self, Target};
use super::set::{BRIEF, Set};
use super::{Options, quantile, round};
use crate::stage::people::Tenant;
use crate::stage::servers::Servers;

/// Contacts that are stored in one transaction.
const AT_ONCE: usize = 1_000;
/// People who search at once.
const TOGETHER: usize = 16;
/// Starts after which a first search is timed: one alone says little.
const STARTS: usize = 5;
const ADDRESS: &str = "/v1/contacts/search";

/// Ranges that Ofcom keeps for drama, without their last three digits.
const NUMBERS: [&str; 17] = [
    "+447700900",
    "+441632960",
    "+441134960",
    "+441144960",
    "+441154960",
    "+441164960",
    "+441174960",
    "+441184960",
    "+441214960",
    "+441314960",
    "+441414960",
    "+441514960",
    "+441614960",
    "+441914980",
    "+442079460",
    "+442896496",
    "+442920180",
];
const FIRST: [&str; 24] = [
    "Ada", "Ahmed", "Anna", "Ben", "Chloe", "Dylan", "Elena", "Fatima", "George", "Hannah", "Ivan",
    "Jack", "José", "Kofi", "Leah", "Łukasz", "Maya", "Noah", "Olu", "Priya", "Rosa", "Sam",
    "Tomos", "Zoë",
];
const LAST: [&str; 24] = [
    "Smith",
    "Jones",
    "Taylor",
    "Brown",
    "Patel",
    "Williams",
    "O'Brien",
    "Wright",
    "Khan",
    "Walker",
    "Green",
    "Núñez",
    "Clarke",
    "Hughes",
    "Edwards",
    "Hill",
    "Zielinski",
    "Begum",
    "Ward",
    "Turner",
    "Kowalski",
    "Ali",
    "Featherstone",
    "MacDonald",
];
const WORDS: [&str; 40] = [
    "prefers",
    "mornings",
    "please",
    "ring",
    "twice",
    "the",
    "gate",
    "code",
    "changed",
    "dog",
    "in",
    "garden",
    "parking",
    "behind",
    "building",
    "ask",
    "for",
    "reception",
    "bring",
    "form",
    "signed",
    "copy",
    "of",
    "invoice",
    "boiler",
    "service",
    "annual",
    "review",
    "and",
    "quote",
    "window",
    "second",
    "floor",
    "lift",
    "broken",
    "after",
    "school",
    "run",
    "late",
    "usually",
];

/// What is asked, and how the unencrypted copy is asked the same.
const QUERIES: [(&str, &str, &str); 12] = [
    ("two letters, common", "an", "doc like '%an%'"),
    ("two letters, rare", "zj", "doc like '%zj%'"),
    ("two digits", "07", "doc like '%07%'"),
    ("a common word", "the", "doc like '%the%'"),
    ("a name", "smith", "doc like '%smith%'"),
    ("a rare name", "featherstone", "doc like '%featherstone%'"),
    ("nobody", "zzxyq", "doc like '%zzxyq%'"),
    ("a part of a number", "7700 9001", "doc like '%77009001%'"),
    ("only an exclusion", "-smith", "doc not like '%smith%'"),
    ("a phrase", "\"gate code\"", "doc like '%gate code%'"),
    (
        "three words",
        "patel boiler quote",
        "doc like '%patel%' and doc like '%boiler%' and doc like '%quote%'",
    ),
    (
        "all operators",
        "notes:gate jo* -\"second floor\" the",
        "doc like '%gate%' and doc like '%jo%' and doc not like '%second floor%' and doc like '%the%'",
    ),
];

pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let mut set = Set::build(options, servers, "contacts", BRIEF).await?;
    let tenant = set.people(12, 1, 0, 48).await?.remove(0);
    let begun = Instant::now();
    fill(&set, &tenant, options.contacts, options.seed).await?;
    let filled = begun.elapsed();
    sqlx::raw_sql("vacuum analyze").execute(&set.admin).await?;
    set.start_api().await?;

    let mut values = json!({ "contacts": options.contacts, "filled_in_s": round(filled.as_secs_f64()), "fdatasync_per_second": floor::fdatasync(options).await });
    let memory = |set: &Set| set.processes.first().map_or(0, |(_, api)| api.memory());
    let empty = memory(&set);
    let address = set.api_address;
    let one = |body: &Value| {
        Target::posts(address, [(ADDRESS.to_owned(), tenant.api_key.as_str(), body.to_string())])
    };
    let begun = Instant::now();
    let built = load::together(&one(&json!({})), 1, Duration::ZERO).await?;
    anyhow::ensure!(
        built.statuses.keys().eq([&200]),
        "the first search was refused: {:?}",
        built.statuses
    );
    values["first_search_builds_ms"] = json!(round(begun.elapsed().as_secs_f64() * 1e3));
    values["megabytes_of_the_book"] = json!(round((memory(&set) - empty) as f64 / 1_048_576.0));

    // Alone: one after the other.
    let time = Duration::from_secs(4);
    let mut alone = serde_json::Map::new();
    let mut worst = Vec::new();
    for (name, query, plain) in QUERIES {
        let times = load::together(&one(&json!({ "query": query })), 1, time).await?;
        worst.extend(&times.sent);
        alone.insert(
            name.to_owned(),
            json!({ "ours": brief(&times.sent), "plain_ms": plain_ms(&set, plain).await? }),
        );
    }
    worst.sort_by(f64::total_cmp);
    values["searches"] = Value::Object(alone);
    values["searches_all"] = brief(&worst);
    let mut windows = serde_json::Map::new();
    let middle = options.contacts / 2;
    for (name, body) in [
        ("100 by name, in the middle", json!({ "offset": middle, "limit": 100 })),
        (
            "100 by appointment, filtered",
            json!({ "limit": 100, "filter": { "status": ["pending"], "owner": ["Dr Ann"] }, "sort": [{ "key": "appointment" }] }),
        ),
        (
            "100 by owner and name",
            json!({ "offset": middle, "limit": 100, "sort": [{ "key": "owner" }, { "key": "name" }] }),
        ),
        ("1,000 by name, in the middle", json!({ "offset": middle, "limit": 1_000 })),
        ("facets, no filter", json!({ "facets": true, "limit": 0 })),
        (
            "facets, filter and search",
            json!({ "facets": true, "limit": 0, "query": "the", "filter": { "status": ["pending"], "last_contact": "never" } }),
        ),
    ] {
        windows.insert(name.to_owned(), brief(&load::together(&one(&body), 1, time).await?.sent));
    }
    values["windows"] = Value::Object(windows);

    // Sixteen people, each with another query in turn.
    let mixed = Target::posts(
        set.api_address,
        QUERIES.iter().map(|(_, query, _)| {
            (ADDRESS.to_owned(), tenant.api_key.as_str(), json!({ "query": query }).to_string())
        }),
    );
    let times =
        load::together(&mixed, TOGETHER, Duration::from_secs(options.seconds.clamp(5, 20))).await?;
    values["sixteen_at_once"] =
        json!({ "times": brief(&times.sent), "answered": times.report()["answered_per_second"] });

    // Processes that have nothing in memory, with blocks that are stored.
    let mut first = Vec::new();
    for _ in 0..STARTS {
        if let Some((_, api)) = set.processes.first_mut() {
            api.stop("TERM", Duration::from_secs(15)).await;
        }
        set.processes.clear();
        set.start_api().await?;
        first
            .extend(load::together(&one(&json!({ "query": "an" })), 1, Duration::ZERO).await?.sent);
    }
    first.sort_by(f64::total_cmp);
    values["first_search_after_a_start_ms"] = json!({ "median": round(quantile(&first, 0.5)), "most": first.last().map(|it| round(*it)) });
    values["writes"] = writes(&set, &tenant).await?;
    set.end().await;
    Ok(values)
}

/// A contact is made and found again at once, by one person after the other.
async fn writes(set: &Set, tenant: &Tenant) -> anyhow::Result<Value> {
    let new = |n: usize| {
        let body = json!({ "name": "Robin Example", "phone": format!("+447700900{:03}", n % 1_000), "notes": "prefers mornings" });
        ("/v1/contacts".to_owned(), tenant.api_key.as_str(), body.to_string())
    };
    let made = load::together(
        &Target::posts(set.api_address, (0..500).map(new)),
        1,
        Duration::from_secs(5),
    )
    .await?;
    let search = Target::posts(
        set.api_address,
        [(ADDRESS.to_owned(), tenant.api_key.as_str(), json!({ "query": "robin" }).to_string())],
    );
    let mut after = Vec::new();
    for n in 0..50 {
        load::together(&Target::posts(set.api_address, [new(n)]), 1, Duration::ZERO).await?;
        after.extend(load::together(&search, 1, Duration::ZERO).await?.sent);
    }
    after.sort_by(f64::total_cmp);
    Ok(
        json!({ "create": brief(&made.sent), "statuses": made.report()["statuses"], "search_right_after_a_write": brief(&after) }),
    )
}

fn brief(times: &[f64]) -> Value {
    json!({ "p50_ms": round(quantile(times, 0.5)), "p99_ms": round(quantile(times, 0.99)), "requests": times.len() })
}

/// Count and first page of the copy: the best of five.
async fn plain_ms(set: &Set, condition: &'static str) -> anyhow::Result<f64> {
    let count = format!("select count(*) from plain where {condition}");
    let page = format!("select doc from plain where {condition} order by name limit 50");
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let begun = Instant::now();
        for statement in [&count, &page] {
            #[expect(clippy::disallowed_methods, reason = "conditions are literals of this file")]
            let statement = sqlx::AssertSqlSafe(statement.as_str());
            sqlx::query(statement).fetch_all(&set.admin).await?;
        }
        best = best.min(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(round(best))
}

fn pick(rng: &mut StdRng, words: &[&'static str]) -> &'static str {
    words[rng.random_range(0..words.len())]
}

/// Stores contacts as the product does, and their texts in a table without encryption.
async fn fill(set: &Set, tenant: &Tenant, contacts: usize, seed: u64) -> anyhow::Result<()> {
    sqlx::raw_sql(
        "create extension if not exists pg_trgm; create table plain (name text, doc text)",
    )
    .execute(&set.admin)
    .await?;
    let now: DateTime<Utc> = set.office.db.now().await?;
    let mut rng = StdRng::seed_from_u64(seed);
    let mut left = contacts;
    while left > 0 {
        let some = left.min(AT_ONCE);
        let mut tx = set.office.db.tenant(tenant.id).await?;
        let keys = set.office.keys.of(&mut tx).await?;
        let (mut names, mut docs) = (Vec::new(), Vec::new());
        for _ in 0..some {
            let name = format!("{} {}", pick(&mut rng, &FIRST), pick(&mut rng, &LAST));
            let notes = (0..26).map(|_| pick(&mut rng, &WORDS)).collect::<Vec<_>>().join(" ");
            let owner = pick(&mut rng, &["Dr Ann", "Dr Bob", "Mr Lee", "Ms Roy"]);
            let phone = format!(
                "{}{:03}",
                NUMBERS[rng.random_range(0..NUMBERS.len())],
                rng.random_range(0..1_000)
            );
            let mut contact =
                Contact::new(name.parse()?, PhoneNumber::from_e164(&phone)?, tenant.zone, now);
            contact.notes = Some(notes.parse()?);
            let key = contacts::store::insert(&mut tx, &keys, &contact).await?;
            let at = now + chrono::Duration::minutes(rng.random_range(-100_000..100_000));
            let mut appointment = Appointment::new(contact.id, at, 24, now);
            appointment.owner_name = Some(Label::parse(owner, 120)?);
            appointments::store::insert(&mut tx, &key, &appointment, "import").await?;
            docs.push(format!("{name} {phone} 0{} {notes} {owner}", &phone[3..]).to_lowercase());
            names.push(name);
        }
        tx.commit().await?;
        sqlx::query("insert into plain select * from unnest($1::text[], $2::text[])")
            .bind(names)
            .bind(docs)
            .execute(&set.admin)
            .await?;
        left -= some;
    }
    sqlx::raw_sql(
        "create index on plain using gin (doc gin_trgm_ops); create index on plain (name)",
    )
    .execute(&set.admin)
    .await?;
    Ok(())
}
