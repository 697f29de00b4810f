//! Asking a process of this host whether it is ready: for containers, which have neither a shell nor curl.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(4);

/// Asks `/health/ready` where operators are served.
///
/// # Errors
/// Nobody listens, no answer within four seconds, or another answer than 200: its first line is in the message.
pub async fn ask(listens: SocketAddr) -> anyhow::Result<()> {
    let asking = async {
        let mut stream = TcpStream::connect(reachable(listens)).await?;
        let request = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        anyhow::Ok(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await??;
    let first = answer.lines().next().unwrap_or_default();
    anyhow::ensure!(first.contains(" 200 "), "not ready: {first}");
    Ok(())
}

/// Who listens everywhere is asked here.
fn reachable(listens: SocketAddr) -> SocketAddr {
    let ip = match listens {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        _ => listens.ip(),
    };
    SocketAddr::new(ip, listens.port())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn answered(answer: &'static str) -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let everywhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            // To its end: what is left unread makes the kernel reset the connection.
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            assert!(request.starts_with(b"GET /health/ready "));
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        tokio::join!(ask(everywhere), serve).0
    }

    #[tokio::test]
    async fn only_200_is_ready() {
        answered("HTTP/1.1 200 OK\r\n\r\nready").await.unwrap();
        let refused = answered("HTTP/1.1 503 Service Unavailable\r\n\r\n").await.unwrap_err();
        assert_eq!(refused.to_string(), "not ready: HTTP/1.1 503 Service Unavailable");
        assert!(answered("").await.is_err());
    }
}
