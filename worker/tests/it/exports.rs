//! Exports, from the request to the file: by the whole product, and by a worker whose store of files fails.

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use serde_json::{Value, json};
use shared::bulk::Selection;
use shared::contacts::Contact;
use shared::contacts::phone::PhoneNumber;
use shared::exports::{Column, Format, How, PAGE, Params, Row, read_part};
use shared::files::{FileKind, FileStore};
use shared::ids::{ContactId, FileId, JobId};
use shared::jobs::{Job, Kind, NewJob, State, store};
use shared::search::Filter;
use shared::testing::{Inhabitant, World};
use worker::app::App;

use crate::agreement::{idle_worker_in, idle_worker_with};
use crate::by_hand::sql;
use crate::product::Product;

/// How long a slow store takes for a part.
const SLOW: Duration = Duration::from_millis(300);
const DONE: &str = "select count(*) from jobs where kind = 'export' and state = 'done'";

async fn ask(product: &Product, body: Value) -> String {
    let (status, job) = product.send("POST /v1/exports", &body).await;
    assert_eq!(status, 202, "{job}");
    job["id"].as_str().unwrap().to_owned()
}

async fn download(product: &Product, export: &str) -> (u16, Vec<u8>) {
    let answer = product.request(&format!("GET /v1/exports/{export}/file")).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

fn lines(file: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(file).unwrap().strip_prefix('\u{feff}').unwrap();
    text.split_terminator("\r\n").map(str::to_owned).collect()
}

#[tokio::test]
async fn an_export_is_asked_for_watched_downloaded_and_forgotten() {
    let product = Product::start().await;
    let mut contacts = Vec::new();
    for (name, phone, notes) in [
        ("Cyd Crane", "07700 900003", Value::Null),
        ("Ada Lovelace", "07700 900001", json!("=HYPERLINK(1)")),
        ("Bob Bell", "07700 900002", Value::Null),
    ] {
        let mut appointment = product.in_a_day_and_an_hour().await;
        appointment["location"] = json!("Mill Lane");
        let new =
            json!({ "name": name, "phone": phone, "notes": notes, "appointment": appointment });
        let (status, made) = product.send("POST /v1/contacts", &new).await;
        assert_eq!(status, 201, "{made}");
        contacts.push(made["id"].as_str().unwrap().to_owned());
    }
    let columns = json!(["name", "phone", "notes", "location", "contact_id"]);
    let body = json!({
        "selection": { "all": true }, "expected_count": 3, "fields": "custom", "columns": columns,
        "options": { "phone_format": "national" },
    });
    let (status, preview) = product.send("POST /v1/exports/preview", &body).await;
    assert_eq!((status, &preview["total"]), (200, &json!(3)), "{preview}");
    let export = ask(&product, body.clone()).await;
    product.until(1, DONE).await;
    let (_, job) = product.send(&format!("GET /v1/jobs/{export}"), &Value::Null).await;
    assert_eq!(job["result"], json!({ "rows": 3, "gone": 0 }));
    assert_eq!(job["links"]["file"], format!("/v1/exports/{export}/file"));

    let (status, file) = download(&product, &export).await;
    assert_eq!(status, 200);
    let want = |which: usize, name: &str, phone: &str, notes: &str| {
        format!("{name},{phone},{notes},Mill Lane,{}", contacts[which])
    };
    let all = [
        "Name,Phone,Notes,Location,Contact id".to_owned(),
        want(1, "Ada Lovelace", "07700 900001", "'=HYPERLINK(1)"),
        want(2, "Bob Bell", "07700 900002", ""),
        want(0, "Cyd Crane", "07700 900003", ""),
    ];
    assert_eq!(lines(&file), all, "in the order of names, and no cell is run");
    let shown = format!(
        "select count(*) from pending_accesses where action = 'GET /v1/exports/{{export}}/file 200' and octet_length(shown) = 48
             and entity = '{export}'"
    );
    product.until(1, sql(shown)).await;

    // The same as a workbook, which the reader of imports reads.
    let mut workbook = body.clone();
    workbook["format"] = json!("xlsx");
    let second = ask(&product, workbook).await;
    product.until(2, DONE).await;
    let (_, bytes) = download(&product, &second).await;
    let sheet = shared::intake::read(&bytes).unwrap();
    let names: Vec<_> = sheet.records().map(|record| record.cells[0].to_string()).collect();
    assert_eq!(names, ["Ada Lovelace", "Bob Bell", "Cyd Crane"]);

    // Who is deleted after it was made is not in what is downloaded.
    let delete = format!("DELETE /v1/contacts/{}", contacts[2]);
    let (status, _) = product.answer(product.request(&delete).header("if-match", "*")).await;
    assert_eq!(status, 204);
    let (_, file) = download(&product, &export).await;
    assert_eq!(lines(&file).len(), 3);
    assert!(!String::from_utf8(file).unwrap().contains("Bob"));
    // A selection that has changed is not exported.
    let refused = ask(&product, body).await;
    let gone = format!(
        "select count(*) from jobs where id = '{refused}' and state = 'refused' and reason = 'count_changed'"
    );
    product.until(1, sql(gone)).await;

    // What lies in the store tells nothing.
    for file in files_below(&product.state_dir.join("files")) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(8).any(|some| some == b"Lovelace"), "{}", file.display());
    }
    product.world.advance(chrono::Duration::hours(24)).await;
    assert_eq!(download(&product, &export).await.0, 404, "a day has passed");
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

struct Desk {
    world: World,
    dir: std::path::PathBuf,
    app: App,
    tenant: Inhabitant,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}

impl Desk {
    /// A tenant with `n` contacts.
    async fn with(n: u32) -> (Self, Vec<ContactId>) {
        let world = World::new().await;
        world.wait_for_morning().await;
        let tenant = world.tenant().await;
        let mut contacts = Vec::new();
        for which in 0..n {
            let booked = world.book(&tenant, &format!("+447700900{which:03}"), 48).await;
            contacts.push(booked.contact);
        }
        let dir = std::env::temp_dir().join(format!("vio-exports-{}", uuid::Uuid::now_v7()));
        let app = idle_worker_in(&world, &dir);
        (Self { world, dir, app, tenant }, contacts)
    }

    async fn export(&self) -> JobId {
        let filter = Box::new(Filter::default());
        let params = Params {
            selection: Selection::Found { query: String::new(), filter, hidden: Vec::new() },
            expected_count: None,
            columns: vec![Column::Name, Column::ContactId],
            how: How::default(),
            format: Format::Csv,
        };
        let id = JobId::new();
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        let keys = self.world.keys.of(&mut tx).await.unwrap();
        let job = NewJob {
            kind: Kind::Export,
            by: self.tenant.actor(),
            params: &serde_json::to_value(params).unwrap(),
            facts: json!({}),
            total: None,
            undoes: None,
        };
        store::insert(&mut tx, &keys, id, &job).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A turn of the job, sent for the `n`-th time.
    async fn turn(&self, id: JobId, n: i32) -> Job {
        worker::jobs::turn::take(&self.app, self.tenant.id, id, n).await.unwrap();
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        store::find(&mut tx, id).await.unwrap().unwrap()
    }

    /// As the line does it, a while later.
    async fn send_again(&self, id: JobId) {
        let sent = format!("update jobs set ready_at = app_clock() where id = '{id}'");
        self.world.run(sql(sent)).await;
    }

    async fn parts(&self, id: JobId) -> Vec<FileId> {
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        shared::exports::store::made(&mut tx, id).await.unwrap().unwrap().parts
    }

    async fn holds(&self, file: FileId) -> bool {
        let mut tx = self.world.db.tenant(self.tenant.id).await.unwrap();
        let keys = self.world.keys.of(&mut tx).await.unwrap();
        self.app.files.open(&keys, FileKind::Export, file).await.is_ok()
    }

    /// Sweeps, so many hours from now by the store's clock.
    async fn sweep(&self, hours: i64) -> u64 {
        let now: chrono::DateTime<chrono::Utc> = std::time::SystemTime::now().into();
        let now = now + chrono::Duration::hours(hours);
        worker::jobs::keeping::files(&self.app, now).await.unwrap()
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for_and_nothing_is_shown_before() {
    let (desk, _) = Desk::with(2).await;
    let folder = desk.dir.join("files");
    let aside = folder.with_extension("aside");
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, b"in the way").unwrap();
    let export = desk.export().await;
    let job = desk.turn(export, 1).await;
    assert_eq!((job.state, job.failures), (State::Queued, 1), "{job:?}");
    assert!(job.reason.as_deref().is_some_and(|why| why.starts_with("files")), "{job:?}");
    assert!(desk.parts(export).await.is_empty());
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    desk.send_again(export).await;
    let job = desk.turn(export, 2).await;
    assert_eq!(job.state, State::Done, "{job:?}");
    assert_eq!(job.result, Some(json!({ "rows": 2, "gone": 0 })));
}

#[tokio::test]
async fn what_nobody_can_download_is_swept_and_nothing_else() {
    let (desk, contacts) = Desk::with(3).await;
    let export = desk.export().await;
    assert_eq!(desk.turn(export, 1).await.state, State::Done);
    let parts = desk.parts(export).await;
    assert_eq!(parts.len(), 1);
    // Written by somebody who was killed before they said so.
    let orphan = FileId::new();
    let mut tx = desk.world.db.tenant(desk.tenant.id).await.unwrap();
    let keys = desk.world.keys.of(&mut tx).await.unwrap();
    let writer = desk.app.files.create(&keys, FileKind::Export, orphan).unwrap();
    let row = Row(contacts[0], vec!["Ada".to_owned()]);
    shared::exports::write_part(writer, &[row]).await.unwrap();
    drop(tx);

    assert_eq!(desk.sweep(0).await, 0, "somebody may yet say so");
    assert_eq!(desk.sweep(2).await, 1);
    assert!(!desk.holds(orphan).await);
    assert!(desk.holds(parts[0]).await);
    desk.world.advance(chrono::Duration::hours(24)).await;
    assert_eq!(desk.sweep(2).await, 1);
    assert!(!desk.holds(parts[0]).await, "a day has passed");
}

#[tokio::test]
async fn an_export_goes_on_at_the_part_after_the_last_that_was_kept() {
    let (desk, _) = Desk::with(0).await;
    // Three parts, the last of them short.
    let all = 2 * PAGE + 5;
    let mut tx = desk.world.db.tenant(desk.tenant.id).await.unwrap();
    let keys = desk.world.keys.of(&mut tx).await.unwrap();
    let now = shared::tenants::store::now(&mut tx).await.unwrap();
    for _ in 0..all {
        let phone = PhoneNumber::from_e164("+447700900001").unwrap();
        let name = "Ada Example".parse().unwrap();
        let contact = Contact::new(name, phone, chrono_tz::Europe::London, now);
        shared::contacts::store::insert(&mut tx, &keys, &contact).await.unwrap();
    }
    tx.commit().await.unwrap();
    let export = desk.export().await;
    // The second part is written, and what says so is not kept.
    let broken = "create function broken() returns trigger language plpgsql as $$ begin
             if jsonb_array_length(new.place -> 'parts') = 2 then raise exception 'broken'; end if; return new; end $$;
         create trigger broken before update on jobs for each row when (new.kind = 'export') execute function broken()";
    desk.world.run(broken).await;
    let job = desk.turn(export, 1).await;
    assert_eq!((job.state, job.progress.done), (State::Queued, PAGE as u64), "{job:?}");
    let first = desk.parts(export).await;
    assert_eq!(first.len(), 1);
    desk.world.run("drop trigger broken on jobs").await;
    desk.send_again(export).await;
    let job = desk.turn(export, 2).await;
    assert_eq!((job.state, job.progress.done), (State::Done, all as u64), "{job:?}");
    let parts = desk.parts(export).await;
    assert_eq!((parts.len(), parts[0]), (3, first[0]), "the first was not written again");
    let mut seen = std::collections::HashSet::new();
    for part in parts {
        let reader = desk.app.files.open(&keys, FileKind::Export, part).await.unwrap();
        for Row(contact, cells) in read_part(reader).await.unwrap() {
            assert_eq!(cells[1], contact.to_string());
            assert!(seen.insert(contact), "nobody twice");
        }
    }
    assert_eq!(seen.len(), all, "and nobody lost");
    assert_eq!(desk.sweep(2).await, 1, "the part that was written in vain");
}

#[tokio::test]
async fn the_time_in_which_a_part_is_written_counts_as_work() {
    let (desk, _) = Desk::with(1).await;
    let slow = ThrottleConfig { wait_put_per_call: SLOW, ..ThrottleConfig::default() };
    let slow = FileStore::over(Arc::new(ThrottledStore::new(InMemory::new(), slow)));
    let app = idle_worker_with(&desk.world, &desk.dir.join("slow"), slow);
    let export = desk.export().await;
    worker::jobs::turn::take(&app, desk.tenant.id, export, 1).await.unwrap();
    let mut tx = desk.world.db.tenant(desk.tenant.id).await.unwrap();
    let job = store::find(&mut tx, export).await.unwrap().unwrap();
    assert_eq!(job.state, State::Done, "{job:?}");
    assert!(job.ran >= SLOW, "{:?}: rate and time left are told by it", job.ran);
}
