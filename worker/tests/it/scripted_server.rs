//! A server that does as it is told, and remembers who came.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to do once a request is there.
pub(crate) enum Then {
    /// Answer, and keep the connection open, whatever the client asked for.
    Answer(u16, String),
    /// Answer with a further header line.
    AnswerWith(u16, &'static str, String),
    /// Send these bytes and hold the connection.
    SendAndHold(String),
    /// Send these bytes and close.
    SendAndClose(String),
    /// Never answer.
    Hold,
    /// Reset the connection without an answer.
    Reset,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) connection: usize,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

type Script = dyn Fn(usize, &Seen) -> Then + Send + Sync;

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers the n-th request, counted from 0, as `script` says.
    pub(crate) async fn start(
        script: impl Fn(usize, &Seen) -> Then + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (accepting, script): (_, Arc<Script>) = (server.clone(), Arc::new(script));
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(accepting.clone().converse(connection, stream, script.clone()));
            }
        });
        server
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    async fn converse(self, connection: usize, mut stream: TcpStream, script: Arc<Script>) {
        while let Some(request) = read_request(connection, &mut stream).await {
            let number = {
                let mut seen = self.seen.lock().unwrap();
                seen.push(request.clone());
                seen.len() - 1
            };
            let bytes = match script(number, &request) {
                Then::Answer(status, body) => answer(status, "x-a: b", &body),
                Then::AnswerWith(status, header, body) => answer(status, header, &body),
                Then::SendAndHold(bytes) => {
                    stream.write_all(bytes.as_bytes()).await.unwrap();
                    return hold(stream).await;
                }
                Then::SendAndClose(bytes) => {
                    stream.write_all(bytes.as_bytes()).await.unwrap();
                    return;
                }
                Then::Hold => return hold(stream).await,
                Then::Reset => return stream.set_zero_linger().unwrap(),
            };
            if stream.write_all(bytes.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

fn answer(status: u16, header: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} x\r\n{header}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Until the client goes away.
async fn hold(mut stream: TcpStream) {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

async fn read_request(connection: usize, stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| {
                    line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
                })
                .next()
                .unwrap_or(0);
            if body.len() >= length {
                return Some(Seen { connection, head: head.to_owned(), body: body.to_owned() });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
