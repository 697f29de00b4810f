//! `api admin config`, as an operator runs it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory that goes when its test ends.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("vio-test-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("its mode");
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn run(file: &Path, environment: &[(&str, &str)]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_api"));
    command.env_clear().envs(environment.iter().copied());
    let output = command.args(["admin", "config", "--config"]).arg(file).output().expect("it runs");
    let text = [&output.stdout[..], &output.stderr].concat();
    (output, String::from_utf8(text).expect("text"))
}

#[test]
fn it_shows_what_is_in_force_and_where_it_came_from_but_no_secret() {
    let place = Place::new();
    let url = place.put("url_app", "postgres://vio_app:hunter2@db/vio");
    let keys = place.put("master.keys", &format!("1:{}", "ab".repeat(32)));
    let file = place.put(
        "vioconcierge.toml",
        &format!(
            "[database]\nurl_app_file = {url:?}\nurl_engine = \"postgres://vio_engine:hunter3@db/vio\"\n\
             [keys]\nmaster_key_file = {keys:?}\n[api]\npublic_url = \"https://calls.example.com\"\n"
        ),
    );
    let (output, text) = run(&file, &[("REDIS_URL", "redis://:hunter4@redis"), ("LOG", "warn")]);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("hunter"), "{text}");
    let line = |setting: &str| -> Vec<&str> {
        let line = text.lines().find(|line| line.starts_with(setting)).unwrap_or_default();
        line.splitn(3, "  ").map(str::trim).collect()
    };
    assert!(line("LOG ").join(" ").ends_with("environment"), "{text}");
    assert!(line("REDIS_URL ").join(" ").contains("(set)"), "{text}");
    assert!(line("PUBLIC_URL ").join(" ").ends_with("vioconcierge.toml"), "{text}");
    let from_file = line("DATABASE_URL_APP ").join(" ");
    assert!(from_file.contains("the file ") && from_file.contains("url_app, named in "), "{text}");
}

#[test]
fn it_fails_with_all_that_is_wrong() {
    let place = Place::new();
    let file = place.put("vioconcierge.toml", "[api]\nlisten = 8080\nmetrics_lisen = \"x\"\n");
    let (output, text) = run(&file, &[("DATABASE_MAX_CONNECTIONS", "1")]);
    assert!(!output.status.success());
    for fault in [
        "api.metrics_lisen in ",
        "API_LISTEN: expected an address",
        "DATABASE_MAX_CONNECTIONS: expected a whole number from 2 to 500",
        "DATABASE_URL_APP: is missing",
        "REDIS_URL: is missing",
        "MASTER_KEY_FILE: is missing",
    ] {
        assert!(text.contains(fault), "{fault}\n{text}");
    }
}
