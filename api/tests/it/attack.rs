//! A tenant as large as a practice, stolen: `dev/attack` makes what it can of a dump of it, without a key.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::Duration;
use serde_json::{Value, json};
use shared::appointments::{self, Appointment};
use shared::contacts::phone::PhoneNumber;
use shared::contacts::{self, Contact};
use shared::testing::{Inhabitant, World};
use uuid::Uuid;

use crate::client::Client;

const CONTACTS: u64 = 5_000;
const OF_THE_OTHER: u64 = 300;

/// Surnames of Great Britain, most frequent first; the one at place n is taken as often as 1 / n.
const SURNAMES: [&str; 24] = [
    "Smith", "Jones", "Taylor", "Brown", "Williams", "Wilson", "Johnson", "Davies", "Patel",
    "Robinson", "Wright", "Thompson", "Evans", "Walker", "White", "Roberts", "Green", "Hall",
    "Thomas", "Clarke", "Jackson", "Wood", "Harris", "Khan",
];
const FIRST: [&str; 20] = [
    "David", "John", "Margaret", "Susan", "Michael", "Mary", "Paul", "Patricia", "Peter", "Sarah",
    "Mohammed", "Karen", "James", "Emma", "Robert", "Linda", "Andrew", "Julie", "Mark", "Helen",
];

/// Numbers that are the same at each run: a step of Knuth's generator.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn pick<'a>(words: &[&'a str], state: &mut u64) -> &'a str {
    let weight = |n: usize| 10_000 / (n as u64 + 1);
    let mut left = next(state) % (0..words.len()).map(weight).sum::<u64>();
    for (n, word) in words.iter().enumerate() {
        match left.checked_sub(weight(n)) {
            None => return word,
            Some(rest) => left = rest,
        }
    }
    words[0]
}

/// Contacts as they are found: a family shares a number and an address, a third have notes.
async fn fill(world: &World, tenant: &Inhabitant, many: u64, seed: u64) -> Vec<Value> {
    let (mut state, mut all, mut tx) =
        (seed, Vec::new(), world.db.tenant(tenant.id).await.unwrap());
    let keys = world.keys.of(&mut tx).await.unwrap();
    let now = world.db.now().await.unwrap();
    for n in 0..many {
        let name = format!("{} {}", pick(&FIRST, &mut state), pick(&SURNAMES, &mut state));
        // One in eight lives with the one before. Both tenants count alike, so that numbers are in both.
        let home = if n % 8 == 7 { n - 1 } else { n };
        let phone = format!("+447400{:06}", 100_000 + home * 7);
        let email = (home % 3 != 0).then(|| {
            format!("{}{home}@example.com", name.split(' ').next_back().unwrap().to_lowercase())
        });
        let email = if home == n {
            email
        } else {
            all.last().and_then(|before: &Value| Some(before["email"].as_str()?.to_owned()))
        };
        let notes = (n % 3 == 0)
            .then(|| "Rings the bell at the side door. ".repeat(1 + next(&mut state) as usize % 9));
        let number = PhoneNumber::from_e164(&phone).unwrap();
        let mut contact =
            Contact::new(name.parse().unwrap(), number, chrono_tz::Europe::London, now);
        contact.email = email.as_deref().map(|email| email.parse().unwrap());
        contact.notes = notes.as_deref().map(|notes| notes.trim().parse().unwrap());
        let key = contacts::store::insert(&mut tx, &keys, &contact).await.unwrap();
        if n % 5 == 0 {
            let appointment = Appointment::new(contact.id, now + Duration::days(9), 24, now);
            appointments::store::insert(&mut tx, &key, &appointment, "api").await.unwrap();
        }
        all.push(json!({ "id": contact.id.0, "name": name, "phone": phone, "email": email, "notes": notes }));
    }
    tx.commit().await.unwrap();
    all
}

/// What people and programs do in a morning: numbers listed by requests that name themselves, contacts found, changed and shown.
async fn work(client: &Client, contacts: &[Value]) -> (Vec<String>, Vec<Value>) {
    let (mut numbers, mut changed) = (Vec::new(), Vec::new());
    for n in 0..20 {
        let number = contacts[n * 16]["phone"].as_str().unwrap().to_owned();
        let key = format!("listing-{n}");
        let once = [("idempotency-key", key.as_str())];
        let listed = client
            .ask(&client.clinic.admin, "POST /v1/do-not-call", &once, &json!({ "number": number }))
            .await;
        assert_eq!(listed.status, 201, "{:?}", listed.body);
        numbers.push(number);
    }
    for contact in contacts.iter().skip(5).step_by(100) {
        let id = contact["id"].as_str().unwrap();
        let change = json!({ "name": format!("{} Junior", contact["name"].as_str().unwrap()) });
        let any = [("if-match", "*")];
        let done = client
            .ask(&client.clinic.admin, &format!("PATCH /v1/contacts/{id}"), &any, &change)
            .await;
        assert_eq!(done.status, 200, "{:?}", done.body);
        changed.push(json!(id));
    }
    let found = client.admin("POST /v1/contacts/search", json!({ "query": "smith" })).await;
    assert_eq!(found.status, 200, "{:?}", found.body);
    (numbers, changed)
}

/// A dump as an operator makes it.
fn dump(world: &World, to: &Path) {
    let newest = |bins: Vec<PathBuf>| bins.into_iter().filter(|bin| bin.exists()).max();
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let program = newest(installed.map(|version| version.path().join("bin/pg_dump")).collect());
    let done = Command::new(program.unwrap_or_else(|| "pg_dump".into()))
        .args(["--data-only", "--schema=public", "--file"])
        .arg(to)
        .arg(world.superuser_url())
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn a_stolen_database_gives_away_what_the_leakage_statement_lists_and_nothing_else() {
    let client = Client::new().await;
    let other = client.of_another_tenant().await;
    let contacts = fill(&client.world, &client.clinic, CONTACTS, 7).await;
    let others = fill(&client.world, &other.clinic, OF_THE_OTHER, 11).await;
    let (numbers, changed) = work(&client, &contacts).await;
    let truth = json!({ "tenants": [
        { "id": client.clinic.id.0, "contacts": contacts, "numbers": numbers, "changed": changed },
        { "id": other.clinic.id.0, "contacts": others },
    ] });
    let dir = std::env::temp_dir().join(format!("vio-attack-{}", Uuid::now_v7()));
    std::fs::create_dir_all(&dir).unwrap();
    dump(&client.world, &dir.join("dump.sql"));
    std::fs::write(dir.join("truth.json"), truth.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dev/attack");
    let attack = Command::new(script)
        .arg(dir.join("dump.sql"))
        .arg(dir.join("truth.json"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&attack.stdout).into_owned();
    println!("{told}");
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(attack.status.success(), "{told}{}", String::from_utf8_lossy(&attack.stderr));
    assert!(told.contains("5300 contacts"), "{told}");
}
