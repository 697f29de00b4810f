//! Settings that are wrong are named, all of them, without their values.

use std::collections::BTreeSet;

use super::definitions::Kind;
use super::*;
use held::Held;

const GOOD: [(&str, &str); 4] = [
    ("DATABASE_URL_APP", "postgres://vio_app@localhost/vio"),
    ("DATABASE_URL_ENGINE", "postgres://vio_engine@localhost/vio"),
    ("REDIS_URL", "redis://localhost"),
    ("STATE_DIR", "state"),
];

fn key_file() -> Held {
    Held::secret(&format!("1:{}\n", "ab".repeat(32)))
}

fn environment(keys: &Held, changes: &[(&str, &str)]) -> Environment {
    let path = keys.path();
    let given = GOOD.into_iter().chain([("MASTER_KEY_FILE", path.as_str())]);
    Environment::of(given.chain(changes.iter().copied()))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn texts(faults: Faults) -> Vec<String> {
    faults.0.iter().map(ToString::to_string).collect()
}

fn worker(changes: &[(&str, &str)]) -> Result<Worker, Vec<String>> {
    Worker::read(&environment(&key_file(), changes)).map_err(texts)
}

fn api(changes: &[(&str, &str)]) -> Result<Api, Vec<String>> {
    Api::read(&environment(&key_file(), changes)).map_err(texts)
}

#[test]
fn defaults_are_as_documented() {
    let worker = worker(&[]).unwrap();
    assert_eq!(worker.queues, QueueName::ALL);
    assert_eq!((worker.concurrency, worker.postgres.max_connections), (32, 16));
    assert_eq!((worker.redis.prefix.as_str(), worker.logs.filter.as_str()), ("vio", "info"));
    assert!(!worker.demo.on);
}

/// Who writes every default down gets what who leaves them all out gets.
#[test]
fn defaults_of_the_definitions_are_those_in_force() {
    let keys = key_file();
    let with = |name: &str| DEFINITIONS.iter().any(|it| it.name == name && !it.default.is_empty());
    let defaults: Vec<_> =
        DEFINITIONS.iter().filter(|it| with(it.name)).map(|it| (it.name, it.default)).collect();
    assert!(defaults.len() > 10);
    let said = environment(&keys, &defaults);
    let unsaid = environment(&keys, &[]);
    let api = |from| format!("{:?}", Api::read(from).unwrap());
    assert_eq!(api(&said), api(&unsaid));
    let worker = |from| format!("{:?}", Worker::read(from).unwrap());
    assert_eq!(worker(&said), worker(&unsaid));
}

/// Both ends of each range are allowed, and what lies beyond is not.
#[test]
fn ranges_of_the_definitions_are_those_in_force() {
    for it in DEFINITIONS {
        let Kind::Number(least, most) = it.kind else { continue };
        let refused = |number: i64| {
            let number = number.to_string();
            let read = if it.read_by.contains(&Process::Worker) {
                worker(&[(it.name, &number)]).map(drop)
            } else {
                api(&[(it.name, &number)]).map(drop)
            };
            let expected = format!("{}: expected a whole number from {least} to {most}", it.name);
            read.is_err_and(|faults| faults.contains(&expected))
        };
        let (least, most) = (i64::from(least), i64::from(most));
        let found = [least - 1, least, most, most + 1].map(refused);
        assert_eq!(found, [true, false, false, true], "{}", it.name);
    }
}

#[test]
fn names_and_places_are_each_used_once() {
    let names: BTreeSet<_> = definitions::names().collect();
    assert_eq!(names.len(), definitions::names().count());
    let places: BTreeSet<_> = definitions::places().map(|(place, _)| place).collect();
    assert_eq!(places.len(), names.len());
}

#[test]
fn each_wrong_setting_is_named() {
    for (name, value, fault) in [
        ("DATABASE_URL_APP", "", "DATABASE_URL_APP: is missing (or DATABASE_URL_APP_FILE)"),
        (
            "DATABASE_URL_ENGINE",
            "postgres://vio_app@localhost/vio",
            "DATABASE_URL_APP, DATABASE_URL_ENGINE: are the same: row-level security needs two roles",
        ),
        (
            "DATABASE_URL_APP",
            "mysql://x",
            "DATABASE_URL_APP: expected postgres://role:password@host:port/database",
        ),
        ("REDIS_URL_FILE", "somewhere", "REDIS_URL, REDIS_URL_FILE: give one of them, not both"),
        (
            "REDIS_URL",
            "http://localhost",
            "REDIS_URL: expected redis://host:port, or rediss://host:port for TLS",
        ),
        ("QUEUE_PREFIX", "a:b", "QUEUE_PREFIX: expected letters, digits and hyphens"),
        (
            "WORKER_QUEUES",
            "dial,dail",
            "WORKER_QUEUES: a queue is dispatch, dial, settle, sweep or jobs",
        ),
        ("WORKER_CONCURRENCY", "0", "WORKER_CONCURRENCY: expected a whole number from 1 to 1000"),
        (
            "RECOVERY_HOLD_SECONDS",
            "60",
            "RECOVERY_HOLD_SECONDS: expected a whole number from 61 to 86400",
        ),
        ("DEMO", "yes", "DEMO: expected 1 or 0"),
        ("STATE_DIR", " ", "STATE_DIR: is missing"),
        (
            "WORKER_METRICS_LISTEN",
            "9081",
            "WORKER_METRICS_LISTEN: expected an address with a port, such as 127.0.0.1:8080",
        ),
        (
            "WORKER_CONCURENCY",
            "8",
            "WORKER_CONCURENCY: is no setting; did you mean WORKER_CONCURRENCY?",
        ),
        ("TRACES_SAMPLE_RATIO", "2", "TRACES_SAMPLE_RATIO: expected a number from 0 to 1"),
        (
            "TRACES_ENDPOINT",
            "https://me:secret@collector",
            "TRACES_ENDPOINT: expected http://host or https://host",
        ),
    ] {
        assert_eq!(worker(&[(name, value)]).unwrap_err(), [fault], "{name}={value}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_named_together() {
    let ca = Held::public("-----BEGIN CERTIFICATE-----");
    let ca = ca.path();
    for (changes, settings, why) in [
        (
            &[("WORKER_CONCURRENCY", "100"), ("DATABASE_MAX_CONNECTIONS", "24")][..],
            "WORKER_CONCURRENCY, DATABASE_MAX_CONNECTIONS",
            "more than four tasks for a connection",
        ),
        (&[("REDIS_CA_FILE", &ca)], "REDIS_URL, REDIS_CA_FILE", "a CA without TLS"),
        (&[("TRACES_TRUST_PARENT", "1")], "TRACES_ENDPOINT", "traces nowhere"),
        (&[("WORKER_DRAIN_SECONDS", "120")], "WORKER_DRAIN_SECONDS", "a task takes as long"),
        (&[("RECOVERY_HOLD_SECONDS", "60")], "RECOVERY_HOLD_SECONDS", "a reservation lives longer"),
    ] {
        let faults = worker(changes).unwrap_err();
        assert!(faults[0].starts_with(&format!("{settings}: ")), "{why}: {faults:?}");
        assert_eq!(faults.len(), 1, "{why}: {faults:?}");
    }
    assert!(worker(&[("WORKER_CONCURRENCY", "96"), ("DATABASE_MAX_CONNECTIONS", "24")]).is_ok());
    let same = [("API_LISTEN", "127.0.0.1:1"), ("API_METRICS_LISTEN", "127.0.0.1:1")];
    assert!(api(&same).unwrap_err()[0].starts_with("API_LISTEN, API_METRICS_LISTEN: "));
    for (url, public, why) in [
        ("http://127.0.0.1:8080", false, "the demo's"),
        ("http://[::1]:8080", false, "this machine"),
        ("http://localhost", false, "this machine"),
        ("https://calls.example.com", false, "TLS"),
        ("http://calls.example.com", true, "names in the clear"),
        ("http://127.0.0.1.example.com", true, "not this machine"),
    ] {
        assert_eq!(api(&[("PUBLIC_URL", url)]).is_err(), public, "{url}: {why}");
    }
}

#[test]
fn all_faults_are_told_at_once_those_of_the_file_too() {
    let file = Held::public(
        "[worker]\nconcurency = 3\nqueues = [\"dial\", 4]\n[redis]\nqueue_prefix = { a = 1 }\n",
    );
    let keys = key_file();
    let environment = environment(&keys, &[("DEMO", "yes"), ("STATE_DIR", ""), ("REDIS_URL", "")]);
    let faults = texts(Worker::read(&environment.over(file.as_path())).unwrap_err());
    let begins = |with: &str| faults.iter().any(|fault| fault.starts_with(with));
    for with in [
        "worker.concurency in ",
        "worker.queues in ",
        "redis.queue_prefix.a in ",
        "DEMO: ",
        "STATE_DIR: ",
        "REDIS_URL: ",
    ] {
        assert!(begins(with), "{with} is missing in {faults:#?}");
    }
    let meant = "did you mean worker.concurrency?";
    assert!(faults.iter().any(|fault| fault.ends_with(meant)), "{faults:#?}");
    assert_eq!(faults.len(), 6, "{faults:#?}");
}

#[test]
fn the_environment_goes_before_the_file_and_each_setting_says_where_it_came_from() {
    let url = Held::secret("postgres://vio_app:hunter2@db/vio");
    let file = Held::public(&format!(
        "log = \"debug\"\n[database]\nmax_connections = 30\nurl_engine_file = \"{}\"\n[worker]\nqueues = [\"dial\", \"settle\"]\n[traces]\ntrust_parent = false\n",
        url.path(),
    ));
    let keys = key_file();
    let given = environment(&keys, &[("LOG", "warn"), ("DATABASE_URL_ENGINE", "")]);
    let given = given.over(file.as_path());
    let worker = Worker::read(&given).map_err(texts).unwrap();
    assert_eq!((worker.logs.filter.as_str(), worker.postgres.max_connections), ("warn", 30));
    assert_eq!(worker.queues, [QueueName::Dial, QueueName::Settle]);
    let (file, url) = (file.path(), url.path());
    let shown = given.in_force(Process::Worker);
    for (setting, value, from) in [
        ("LOG", Some("warn"), "environment".to_owned()),
        ("DATABASE_MAX_CONNECTIONS", Some("30"), file.clone()),
        ("WORKER_CONCURRENCY", Some("32"), "default".to_owned()),
        ("DATABASE_URL_APP", Some("(set)"), "environment".to_owned()),
        ("DATABASE_URL_ENGINE", Some("(set)"), format!("the file {url}, named in {file}")),
        ("TRACES_ENDPOINT", None, "not set".to_owned()),
    ] {
        let it = shown.iter().find(|it| it.setting == setting).unwrap();
        assert_eq!((it.value.as_deref(), &it.from), (value, &from), "{setting}");
    }
    assert!(
        !printed(&shown, false).contains("hunter2") && !printed(&shown, true).contains("hunter2")
    );
    assert!(!shown.iter().any(|it| it.setting == "API_LISTEN"), "the API's, not the worker's");
}

/// A line that can't be read may be a secret's: only its number is told.
#[test]
fn a_file_that_is_no_toml_is_named_with_the_line_and_not_quoted() {
    let file = Held::public("[redis]\nurl = \"redis://:hunter2@localhost\n");
    let faults = Worker::read(&environment(&key_file(), &[]).over(file.as_path())).unwrap_err();
    let text = faults.to_string();
    assert!(text.contains("is not valid TOML in line 2") && !text.contains("hunter2"), "{text}");
    let gone =
        Worker::read(&environment(&key_file(), &[]).over(std::path::Path::new("/nowhere.toml")));
    assert!(gone.unwrap_err().to_string().contains("/nowhere.toml: can't be read"));
}

#[test]
fn a_secret_may_lie_in_a_file_and_is_never_printed() {
    let file = Held::secret("redis://:hunter2@localhost\n");
    let worker = worker(&[("REDIS_URL", ""), ("REDIS_URL_FILE", &file.path())]).unwrap();
    assert_eq!(worker.redis.url.expose(), "redis://:hunter2@localhost");
    assert!(!format!("{worker:?}").contains("hunter2"));
}

#[test]
fn a_secret_that_is_given_in_no_other_way_is_looked_for_in_the_directory() {
    let dir = Held::directory();
    dir.put("redis_url", "redis://:hunter2@directory", 0o600);
    let in_directory = [("REDIS_URL", ""), ("SECRETS_DIR", &dir.path())];
    assert_eq!(worker(&in_directory).unwrap().redis.url.expose(), "redis://:hunter2@directory");
    let both = worker(&[("SECRETS_DIR", &dir.path())]).unwrap();
    assert_eq!(both.redis.url.expose(), "redis://localhost", "what is nearer goes before it");
}

#[test]
fn a_secret_file_that_others_may_read_or_write_is_refused() {
    for (mode, others, refused, why) in [
        (0o600, "0", false, "the owner's"),
        (0o440, "0", false, "the group's, as containers have it"),
        (0o644, "0", true, "everybody's to read"),
        (0o444, "1", false, "nobody else is there"),
        (0o620, "0", true, "the group's to write"),
        (0o602, "1", true, "everybody's to write"),
    ] {
        let dir = Held::directory();
        dir.put("it", "redis://localhost", mode);
        let path = format!("{}/it", dir.path());
        let changes =
            [("REDIS_URL", ""), ("REDIS_URL_FILE", &path), ("SECRETS_READABLE_BY_OTHERS", others)];
        let read = worker(&changes);
        assert_eq!(read.is_err(), refused, "{mode:o}: {why}");
        if let Err(faults) = read {
            assert!(faults[0].starts_with("REDIS_URL_FILE: the file may be "), "{faults:?}");
        }
    }
    // A secret in the file of settings makes it a file of secrets.
    let open = Held::public("[redis]\nurl = \"redis://localhost\"\n");
    let given = environment(&key_file(), &[("REDIS_URL", "")]).over(open.as_path());
    assert!(
        texts(Worker::read(&given).unwrap_err())[0].starts_with("REDIS_URL: the file may be read")
    );
}

const DOCUMENT: &str = include_str!("../../../docs/configuration.md");

/// To write it anew: `api admin config --documentation`.
#[test]
fn the_document_lists_every_setting_as_it_is_defined() {
    assert!(
        DOCUMENT.contains(&as_documentation()),
        "docs/configuration.md is not what is defined:\n{}",
        as_documentation()
    );
}

#[test]
fn the_documents_example_is_a_file_that_works() {
    let example = DOCUMENT.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let example = example.expect("an example");
    let file = Held::public(example);
    let secret = |text: &str| Held::secret(text);
    let (app, engine) = (secret("postgres://a@h/d"), secret("postgres://e@h/d"));
    let (redis, keys) = (secret("rediss://h"), key_file());
    let ca = Held::public("-----BEGIN CERTIFICATE-----");
    // Its own secrets lie on a machine that has them.
    let there = [
        ("DATABASE_URL_APP_FILE", app.path()),
        ("DATABASE_URL_ENGINE_FILE", engine.path()),
        ("REDIS_URL_FILE", redis.path()),
        ("REDIS_CA_FILE", ca.path()),
        ("MASTER_KEY_FILE", keys.path()),
    ];
    let given = Environment::of(there).over(file.as_path());
    assert!(example.lines().count() > 10, "an example shows something");
    Api::read(&given).map_err(texts).unwrap();
    Worker::read(&given).map_err(texts).unwrap();
}

/// Files that go when their test ends.
mod held {
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    pub(super) struct Held(PathBuf);

    impl Held {
        /// A file that its owner alone may read.
        pub(super) fn secret(text: &str) -> Self {
            Self::file(text, 0o600)
        }

        /// A file that everybody may read.
        pub(super) fn public(text: &str) -> Self {
            Self::file(text, 0o644)
        }

        fn file(text: &str, mode: u32) -> Self {
            let held = Self::new();
            write(&held.0, text, mode);
            held
        }

        pub(super) fn directory() -> Self {
            let held = Self::new();
            std::fs::create_dir(&held.0).unwrap();
            held
        }

        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("vio-{}", uuid::Uuid::now_v7())))
        }

        pub(super) fn put(&self, name: &str, text: &str, mode: u32) {
            write(&self.0.join(name), text, mode);
        }

        pub(super) fn as_path(&self) -> &Path {
            &self.0
        }

        pub(super) fn path(&self) -> String {
            self.0.to_str().unwrap().to_owned()
        }
    }

    fn write(path: &Path, text: &str, mode: u32) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    impl Drop for Held {
        fn drop(&mut self) {
            let _gone = std::fs::remove_file(&self.0).or_else(|_| std::fs::remove_dir_all(&self.0));
        }
    }
}
