//! Searching 100,000 sealed contacts of one tenant over HTTP, beside an unencrypted copy with trigram indexes.

pub(super) mod fill;
mod queries;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use self::queries::{QUERIES, plain_ms};
use super::floor;
use super::load::{self, Target};
use super::set::{BRIEF, Set};
use super::{Options, quantile, round};
use crate::stage::people::Tenant;
use crate::stage::servers::Servers;

/// People who search at once.
const TOGETHER: usize = 16;
/// Starts after which a first search is timed: one alone says little.
const STARTS: usize = 5;
/// Tenants that have the contacts around.
const OTHERS: usize = 9;
/// Most members that one request adds.
const MEMBERS: i64 = 10_000;
const ADDRESS: &str = "/v1/contacts/search";

/// How long the first search is asked for again.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let mut set = Set::build(options, servers, "contacts", BRIEF).await?;
    let tenant = set.people(12, 1, 0, 48).await?.remove(0);
    let begun = Instant::now();
    fill::fill(&set, &tenant, options.contacts, options.seed).await?;
    let filled = begun.elapsed();
    if options.among > 0 {
        let others = set.people(12, OTHERS, 0, 48).await?;
        fill::surround(&set, &tenant, &others, options.among).await?;
    }
    sqlx::raw_sql("vacuum analyze").execute(&set.admin).await?;
    set.start_api().await?;

    let mut values = json!({ "contacts": options.contacts, "among": options.among, "filled_in_s": round(filled.as_secs_f64()), "fdatasync_per_second": floor::fdatasync(options).await });
    let memory = |set: &Set| set.processes.first().map_or(0, |(_, api)| api.memory());
    let empty = memory(&set);
    let address = set.api_address;
    let one = |body: &Value| {
        Target::posts(address, [(ADDRESS.to_owned(), tenant.api_key.as_str(), body.to_string())])
    };
    let begun = Instant::now();
    // Of very many contacts building takes longer than a request may; it goes on, and whoever asks again finds it done.
    loop {
        let built = load::together(&one(&json!({})), 1, Duration::ZERO).await?;
        if built.statuses.keys().eq([&200]) {
            break;
        }
        anyhow::ensure!(
            built.statuses.keys().eq([&503]) && begun.elapsed() < PATIENCE,
            "the first search was refused: {:?}",
            built.statuses
        );
    }
    values["first_search_builds_ms"] = json!(round(begun.elapsed().as_secs_f64() * 1e3));
    values["megabytes_after_building"] = json!(megabytes(memory(&set) - empty));

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
    let (mut first, mut grown) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        if let Some((_, api)) = set.processes.first_mut() {
            api.stop("TERM", Duration::from_secs(15)).await;
        }
        set.processes.clear();
        set.start_api().await?;
        let empty = memory(&set);
        let one = Target::posts(
            set.api_address,
            [(ADDRESS.to_owned(), tenant.api_key.as_str(), json!({ "query": "an" }).to_string())],
        );
        first.extend(load::together(&one, 1, Duration::ZERO).await?.sent);
        grown.push(megabytes(memory(&set).saturating_sub(empty)));
    }
    first.sort_by(f64::total_cmp);
    grown.sort_by(f64::total_cmp);
    values["megabytes_of_the_book"] = json!(quantile(&grown, 0.5));
    values["first_search_after_a_start_ms"] = json!({ "median": round(quantile(&first, 0.5)), "most": first.last().map(|it| round(*it)) });
    // Half an hour may lie behind us: told now, should something below fail.
    println!("{values:#}");
    values["writes"] = writes(&set, &tenant).await?;
    values["members"] = members(&set, &tenant).await?;
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
    // Each contact once: a second change would need the version that the first one made.
    let mut ids = some_contacts(set, tenant, 3_000).await?.into_iter();
    let change = |id: Uuid| {
        let body =
            json!({ "notes": "prefers evenings, and the side door", "zone": "Europe/London" });
        (format!("/v1/contacts/{id}"), tenant.api_key.as_str(), body.to_string())
    };
    let changed = load::together(
        &Target::patches(set.api_address, ids.by_ref().map(change)),
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
        json!({ "create": brief(&made.sent), "update": brief(&changed.sent), "statuses": made.report()["statuses"], "statuses_of_updates": changed.report()["statuses"], "search_right_after_a_write": brief(&after) }),
    )
}

fn brief(times: &[f64]) -> Value {
    json!({ "p50_ms": round(quantile(times, 0.5)), "p99_ms": round(quantile(times, 0.99)), "requests": times.len() })
}

/// As many members as one request may add are added, and taken out again.
async fn members(set: &Set, tenant: &Tenant) -> anyhow::Result<Value> {
    let ids = some_contacts(set, tenant, MEMBERS).await?;
    let key = tenant.api_key.as_str();
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for n in 0..3 {
        let post = |path: String, body: Value| {
            Target::posts(set.api_address, [(path, key, body.to_string())])
        };
        let made = load::together(
            &post(
                "/v1/groups".to_owned(),
                json!({ "name": format!("Measured {n}"), "colour": "blue" }),
            ),
            1,
            Duration::ZERO,
        )
        .await?;
        anyhow::ensure!(
            made.statuses.keys().eq([&201]),
            "a group was refused: {:?}",
            made.statuses
        );
        let group: Uuid = sqlx::query_scalar(
            "select id from groups where tenant_id = $1 order by created_at desc limit 1",
        )
        .bind(tenant.id)
        .fetch_one(&set.admin)
        .await?;
        let address = format!("/v1/groups/{group}/members");
        for (way, times) in [("add", &mut added), ("remove", &mut removed)] {
            let done =
                load::together(&post(address.clone(), json!({ way: ids })), 1, Duration::ZERO)
                    .await?;
            anyhow::ensure!(
                done.statuses.keys().eq([&200]),
                "members were refused: {:?}",
                done.statuses
            );
            times.extend(done.sent);
        }
    }
    added.sort_by(f64::total_cmp);
    removed.sort_by(f64::total_cmp);
    Ok(
        json!({ "members": ids.len(), "added_ms": round(quantile(&added, 0.5)), "removed_ms": round(quantile(&removed, 0.5)) }),
    )
}

async fn some_contacts(set: &Set, tenant: &Tenant, most: i64) -> anyhow::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar(
        "select id from contacts where tenant_id = $1 and version = 1 order by md5(id::text) limit $2",
    );
    Ok(ids.bind(tenant.id).bind(most).fetch_all(&set.admin).await?)
}

fn megabytes(bytes: u64) -> f64 {
    round(bytes as f64 / 1_048_576.0)
}
