//! A Redis of the test's own, for what would disturb others.

use std::path::Path;
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
        let port = free_port();
        let own =
            Self::run_server(&["--port", &port.to_string()], format!("redis://127.0.0.1:{port}"));
        own.wait(async |own| queue::connect(&own.url).await.is_ok()).await;
        own
    }

    /// One that is reached by TLS alone, with this certificate for `localhost` and its key, both PEM files.
    pub(crate) async fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        let port = free_port();
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        let own = Self::run_server(
            &[
                "--port",
                "0",
                "--tls-port",
                &port.to_string(),
                "--tls-cert-file",
                certificate,
                "--tls-key-file",
                key,
                "--tls-ca-cert-file",
                certificate,
                "--tls-auth-clients",
                "no",
            ],
            format!("rediss://localhost:{port}"),
        );
        own.wait(async |_| tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
        own
    }

    fn run_server(words: &[&str], url: String) -> Self {
        let process = Command::new("redis-server")
            .args(words)
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server must be installed: dev/test does it");
        Self { url, process }
    }

    async fn wait(&self, answers: impl AsyncFn(&Self) -> bool) {
        for _ in 0..200 {
            if answers(self).await {
                return;
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

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
