//! A Redis of the test's own, for what would disturb others.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use shared::queue;

/// Ends with the test.
pub(crate) struct OwnRedis {
    pub(crate) url: String,
    process: Child,
}

impl OwnRedis {
    pub(crate) async fn start() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server must be installed: dev/test does it");
        let own = Self { url: format!("redis://127.0.0.1:{port}"), process };
        for _ in 0..200 {
            if queue::connect(&own.url).await.is_ok() {
                return own;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("Redis did not start");
    }

    /// Runs one command, words apart.
    pub(crate) async fn run(&self, command: &str) -> redis::Value {
        let client = redis::Client::open(self.url.as_str()).unwrap();
        let mut conn = client.get_multiplexed_async_connection().await.unwrap();
        let mut words = command.split(' ');
        let mut cmd = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            cmd.arg(word);
        });
        cmd.query_async(&mut conn).await.unwrap()
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
