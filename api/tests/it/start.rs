//! The API as a process: it starts whatever is away, and finds what comes back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::client::Client;

/// A process that ends with the test.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// One request of HTTP/1.1, and all that was answered; nothing while nobody listens.
fn get(at: SocketAddr, path: &str, key: &str) -> String {
    let asked = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(at)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    asked().unwrap_or_default()
}

/// Asks until the answer has these words.
async fn until(at: SocketAddr, path: &str, key: &str, words: &str) -> String {
    let mut last = String::new();
    for _ in 0..600 {
        last = get(at, path, key);
        if last.contains(words) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited in vain for {words}: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_starts_and_serves_while_redis_is_away_and_finds_it_when_it_comes() {
    let client = Client::new().await;
    let (serves, tells, redis) = (free(), free(), free());
    let (app, engine) = client.world.database_urls();
    let key_file = std::env::temp_dir().join(format!("vio-test-{}", uuid::Uuid::now_v7()));
    std::fs::write(&key_file, format!("1:{}", "5a".repeat(32))).unwrap();
    let api = Command::new(env!("CARGO_BIN_EXE_api"))
        .env_clear()
        .envs([("DATABASE_URL_APP", app), ("DATABASE_URL_ENGINE", engine)])
        .envs([("REDIS_URL", format!("redis://{redis}"))])
        .envs([("MASTER_KEY_FILE", &key_file)])
        .envs([("API_LISTEN", serves.to_string()), ("API_METRICS_LISTEN", tells.to_string())])
        .arg("serve")
        .stdout(Stdio::null())
        .spawn();
    let _api = Started(api.unwrap());
    let key = client.clinic.admin.expose();

    until(serves, "/v1/contacts", key, "HTTP/1.1 200 OK").await;
    let ready = until(tells, "/health/ready", key, "\"redis\":\"away\"").await;
    assert!(ready.starts_with("HTTP/1.1 200 OK"), "it serves: {ready}");

    let redis = Command::new("redis-server")
        .args(["--port", &redis.port().to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .stdout(Stdio::null())
        .spawn();
    let _redis = Started(redis.expect("redis-server must be installed: dev/test does it"));
    until(tells, "/health/ready", key, "\"redis\":\"answers\"").await;
    let _gone = std::fs::remove_file(&key_file);
}
