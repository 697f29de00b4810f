//! Asking the API on this host whether it is ready: for containers without a shell.

use std::time::Duration;

use shared::config::{Api, Environment};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(4);

/// Fails unless `/health/ready` answers 200.
pub(crate) async fn run(environment: &Environment) -> anyhow::Result<()> {
    let config = Api::read(environment)?;
    let ask = async {
        let mut stream = TcpStream::connect(config.metrics_listen).await?;
        let request = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        anyhow::Ok(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, ask).await??;
    let first = answer.lines().next().unwrap_or_default();
    anyhow::ensure!(first.contains(" 200 "), "not ready: {first}");
    Ok(())
}
