//! Settings that are wrong are named, all of them, without their values.

use super::*;

const GOOD: [(&str, &str); 4] = [
    ("DATABASE_URL_APP", "postgres://vio_app@localhost/vio"),
    ("DATABASE_URL_ENGINE", "postgres://vio_engine@localhost/vio"),
    ("REDIS_URL", "redis://localhost"),
    ("STATE_DIR", "state"),
];

fn key_file() -> (tempfile::Held, String) {
    let file = tempfile::Held::with(&format!("1:{}\n", "ab".repeat(32)));
    let path = file.path();
    (file, path)
}

fn worker(changes: &[(&str, &str)]) -> Result<Worker, Vec<String>> {
    let (_held, path) = key_file();
    let given = GOOD.into_iter().chain([("MASTER_KEY_FILE", path.as_str())]);
    let given = given.chain(changes.iter().copied());
    Worker::read(&Environment::of(given))
        .map_err(|faults| faults.0.iter().map(ToString::to_string).collect())
}

#[test]
fn defaults_are_as_documented() {
    let worker = worker(&[]).unwrap();
    assert_eq!(worker.queues, QueueName::ALL);
    assert_eq!((worker.concurrency, worker.postgres.max_connections), (32, 16));
    assert_eq!((worker.redis.prefix.as_str(), worker.logs.filter.as_str()), ("vio", "info"));
    assert!(!worker.demo.on);
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
        ("QUEUE_PREFIX", "a:b", "QUEUE_PREFIX: expected letters, digits and hyphens"),
        ("WORKER_QUEUES", "dial,dail", "WORKER_QUEUES: a queue is dispatch, dial, settle or sweep"),
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
    ] {
        assert_eq!(worker(&[(name, value)]).unwrap_err(), [fault], "{name}={value}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let faults = worker(&[("DEMO", "yes"), ("STATE_DIR", ""), ("REDIS_URL", "")]).unwrap_err();
    assert_eq!(faults.len(), 3, "{faults:?}");
}

#[test]
fn an_api_does_not_serve_operators_where_it_serves_clients() {
    let (_held, path) = key_file();
    let given = GOOD.into_iter().chain([("MASTER_KEY_FILE", path.as_str())]);
    let faults = Api::read(&Environment::of(
        given.chain([("API_LISTEN", "127.0.0.1:1"), ("API_METRICS_LISTEN", "127.0.0.1:1")]),
    ))
    .unwrap_err();
    assert_eq!(faults.0[0].setting, "API_LISTEN, API_METRICS_LISTEN");
}

#[test]
fn a_secret_may_lie_in_a_file_and_is_never_printed() {
    let file = tempfile::Held::with("redis://:hunter2@localhost\n");
    let worker = worker(&[("REDIS_URL", ""), ("REDIS_URL_FILE", &file.path())]).unwrap();
    assert_eq!(worker.redis.url.expose(), "redis://:hunter2@localhost");
    assert!(!format!("{worker:?}").contains("hunter2"));
}

/// A file that goes when its test ends.
mod tempfile {
    use std::path::PathBuf;

    pub(super) struct Held(PathBuf);

    impl Held {
        pub(super) fn with(text: &str) -> Self {
            let path = std::env::temp_dir().join(format!("vio-{}", uuid::Uuid::now_v7()));
            std::fs::write(&path, text).unwrap();
            Self(path)
        }

        pub(super) fn path(&self) -> String {
            self.0.to_str().unwrap().to_owned()
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            let _gone = std::fs::remove_file(&self.0);
        }
    }
}
