//! Contacts to search: one tenant's, sealed as the product seals them, their plain copy, and those of others around them.

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use shared::appointments::{self, Appointment, Label};
use shared::contacts::phone::PhoneNumber;
use shared::contacts::{self, Contact};

use crate::bench::set::Set;
use crate::stage::people::Tenant;

/// Contacts that are stored in one transaction.
const AT_ONCE: usize = 1_000;
/// Transactions at a time.
const WRITERS: usize = 6;

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

fn pick(rng: &mut StdRng, words: &[&'static str]) -> &'static str {
    words[rng.random_range(0..words.len())]
}

/// Stores contacts as the product does, and their texts in a table without encryption.
pub(in crate::bench) async fn fill(
    set: &Set,
    tenant: &Tenant,
    contacts: usize,
    seed: u64,
) -> anyhow::Result<()> {
    sqlx::raw_sql(
        "create extension if not exists pg_trgm; create extension if not exists hstore; create table plain (name text, doc text)",
    )
    .execute(&set.admin)
    .await?;
    let now: DateTime<Utc> = set.office.db.now().await?;
    let chunks = (0..contacts).step_by(AT_ONCE).map(|from| (from, AT_ONCE.min(contacts - from)));
    futures::stream::iter(chunks)
        .map(|(from, some)| fill_some(set, tenant, now, some, seed.wrapping_add(from as u64)))
        .buffer_unordered(WRITERS)
        .try_collect::<()>()
        .await?;
    sqlx::raw_sql(
        "create index on plain using gin (doc gin_trgm_ops); create index on plain (name)",
    )
    .execute(&set.admin)
    .await?;
    Ok(())
}

async fn fill_some(
    set: &Set,
    tenant: &Tenant,
    now: DateTime<Utc>,
    some: usize,
    seed: u64,
) -> anyhow::Result<()> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut tx = set.office.db.tenant(tenant.id).await?;
    let keys = set.office.keys.of(&mut tx).await?;
    let (mut names, mut docs) = (Vec::new(), Vec::new());
    for _ in 0..some {
        let name = format!("{} {}", pick(&mut rng, &FIRST), pick(&mut rng, &LAST));
        let notes = (0..26).map(|_| pick(&mut rng, &WORDS)).collect::<Vec<_>>().join(" ");
        let owner = pick(&mut rng, &["Dr Ann", "Dr Bob", "Mr Lee", "Ms Roy"]);
        let range = NUMBERS[rng.random_range(0..NUMBERS.len())];
        let phone = format!("{range}{:03}", rng.random_range(0..1_000));
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
    Ok(())
}

/// Copies the rows of `of` for each of `others`, until they have `contacts` together: rows that are never opened, as large and as
/// indexed as real ones.
pub(super) async fn surround(
    set: &Set,
    of: &Tenant,
    others: &[Tenant],
    contacts: usize,
) -> anyhow::Result<()> {
    let each = i64::try_from(contacts / others.len().max(1))?;
    for other in others {
        let mut tx = set.admin.begin().await?;
        // No trigger runs: what they do (changes of the search, calls) is for rows of living tenants.
        sqlx::raw_sql("set local session_replication_role = replica").execute(&mut *tx).await?;
        for copy in [
            "insert into contacts select (r).* from (
                 select c #= hstore(array['tenant_id', $2::text, 'id', md5(c.id || $2::text)]) as r
                 from contacts c where c.tenant_id = $1 order by c.id limit $3) copied",
            "insert into appointments select (r).* from (
                 select p #= hstore(array['tenant_id', $2::text, 'id', md5(p.id || $2::text), 'contact_id', md5(p.contact_id || $2::text)]) as r
                 from (select id from contacts where tenant_id = $1 order by id limit $3) c
                 join appointments p on p.contact_id = c.id offset 0) copied",
        ] {
            sqlx::query(copy).bind(of.id).bind(other.id).bind(each).execute(&mut *tx).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
