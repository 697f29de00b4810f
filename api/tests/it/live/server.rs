//! An API that listens, and a client of its sockets.

use std::net::SocketAddr;
use std::time::Duration;

use api::{Live, LiveLimits};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use shared::api_keys::ApiKey;
use shared::audit::Changes;
use shared::queue::Queues;
use shared::testing::{Inhabitant, World};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tower::ServiceExt;
use uuid::Uuid;

use crate::client::app;

/// A test that hangs should say where; nothing is measured by it.
const HANGS: Duration = Duration::from_secs(60);

/// One API process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) live: Live,
    router: Router,
}

impl Server {
    pub(crate) async fn start(world: &World) -> Self {
        Self::with(world, |_| {}).await
    }

    /// One with other limits.
    pub(crate) async fn with(world: &World, change: impl FnOnce(&mut LiveLimits)) -> Self {
        Self::over(world, world.queues.clone(), &world.redis_url, change).await
    }

    /// One whose Redis is another: for tickets, and for signals.
    pub(crate) async fn over(
        world: &World,
        queues: Queues,
        signals: &str,
        change: impl FnOnce(&mut LiveLimits),
    ) -> Self {
        let mut limits = LiveLimits::default();
        change(&mut limits);
        let live =
            Live::new(world.db.clone(), queues, redis::Client::open(signals).unwrap(), limits);
        let mut app = app(world);
        app.live = live.clone();
        let router = api::router(app);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = router.clone();
        tokio::spawn(async move { axum::serve(listener, serving).await });
        Self { address, live, router }
    }

    /// Asks for a ticket.
    pub(crate) async fn ask_for_ticket(&self, key: &ApiKey) -> (StatusCode, Value) {
        let request = Request::post("/v1/live/tickets")
            .header("authorization", format!("Bearer {}", key.expose()))
            .body(Body::empty())
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    pub(crate) async fn ticket(&self, key: &ApiKey) -> String {
        let (status, body) = self.ask_for_ticket(key).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(body["protocols"][0], "vio.live.v1");
        body["protocols"][1].as_str().unwrap().to_owned()
    }

    /// A socket whose opening is `opening`; it has heard hello.
    pub(crate) async fn open(&self, key: &ApiKey, opening: Value) -> Socket {
        let mut socket = self.connect(key).await;
        socket.send(&opening).await;
        let hello = socket.next().await;
        assert_eq!(hello["type"], "hello", "{hello}");
        socket.hello = hello["n"].as_i64().unwrap();
        socket
    }

    /// A socket that has said nothing yet.
    pub(crate) async fn connect(&self, key: &ApiKey) -> Socket {
        let ticket = self.ticket(key).await;
        self.shake(&format!("vio.live.v1, {ticket}"), &[]).await.unwrap()
    }

    /// A handshake with these protocols and headers; the status, if it is refused.
    pub(crate) async fn shake(
        &self,
        protocols: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Socket, StatusCode> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        self.shake_over(stream, protocols, headers).await
    }

    /// A socket whose client takes in little at a time.
    pub(crate) async fn connect_narrow(&self, key: &ApiKey) -> Socket {
        let narrow = TcpSocket::new_v4().unwrap();
        narrow.set_recv_buffer_size(2_048).unwrap();
        let stream = narrow.connect(self.address).await.unwrap();
        let ticket = self.ticket(key).await;
        self.shake_over(stream, &format!("vio.live.v1, {ticket}"), &[]).await.unwrap()
    }

    async fn shake_over(
        &self,
        stream: TcpStream,
        protocols: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Socket, StatusCode> {
        let url = format!("ws://{}/v1/live", self.address);
        let mut request = url.into_client_request().unwrap();
        if !protocols.is_empty() {
            request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
        }
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((stream, answer)) => {
                assert_eq!(answer.headers()["sec-websocket-protocol"], "vio.live.v1");
                Ok(Socket { stream, hello: 0 })
            }
            Err(Error::Http(answer)) => Err(answer.status()),
            Err(other) => panic!("{other}"),
        }
    }
}

/// A client's end of a socket.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The number that hello named.
    pub(crate) hello: i64,
}

/// An event as it was told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) n: i64,
    pub(crate) at: String,
    pub(crate) kind: String,
    pub(crate) id: String,
}

impl Told {
    pub(crate) fn of(word: &Value) -> Self {
        let text = |name: &str| word[name].as_str().unwrap().to_owned();
        Self { n: word["n"].as_i64().unwrap(), at: text("at"), kind: text("kind"), id: text("id") }
    }

    /// What a client sends to go on after this event.
    pub(crate) fn resume(&self) -> Value {
        json!({ "resume": self.n, "at": self.at })
    }
}

impl Socket {
    pub(crate) async fn send(&mut self, message: &Value) {
        self.say(&message.to_string()).await;
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    async fn message(&mut self) -> Option<Result<Message, Error>> {
        tokio::time::timeout(HANGS, self.stream.next()).await.expect("nothing came")
    }

    /// The next word, whatever it is.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match self.message().await.expect("the socket was closed").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next event; signs of life are passed over.
    pub(crate) async fn event(&mut self) -> Told {
        loop {
            let word = self.next().await;
            match word["type"].as_str().unwrap() {
                "event" => return Told::of(&word),
                "at" | "stale" => {}
                other => panic!("{other}: {word}"),
            }
        }
    }

    pub(crate) async fn events(&mut self, count: usize) -> Vec<Told> {
        let mut told = Vec::with_capacity(count);
        for _ in 0..count {
            told.push(self.event().await);
        }
        told
    }

    /// Whether it was closed before anything was said; otherwise it was given a place.
    pub(crate) async fn closed_or_silent(&mut self) -> bool {
        let soon = tokio::time::timeout(Duration::from_millis(50), self.stream.next()).await;
        matches!(soon, Ok(Some(Ok(Message::Close(_)) | Err(_)) | None))
    }

    /// The number of the next event; none when the connection ends.
    pub(crate) async fn event_or_end(&mut self) -> Option<i64> {
        loop {
            match self.message().await? {
                Ok(Message::Text(text)) => {
                    let word: Value = serde_json::from_str(&text).unwrap();
                    if word["type"] == "event" {
                        return word["n"].as_i64();
                    }
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Code and reason with which the socket is closed; what comes before is passed over. None: it was cut.
    pub(crate) async fn closed(&mut self) -> Option<(u16, String)> {
        loop {
            match self.message().await? {
                Ok(Message::Close(frame)) => {
                    return frame.map(|it| (it.code.into(), it.reason.as_str().to_owned()));
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}

/// Makes events, all in one transaction.
pub(crate) async fn make(world: &World, tenant: &Inhabitant, kinds: &[&'static str]) {
    let mut tx = world.db.tenant(tenant.id).await.unwrap();
    let mut changes = Changes::by(tenant.actor());
    for kind in kinds {
        changes.event(kind, Uuid::now_v7(), None);
    }
    changes.append(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// The tenant's events from `from` on, as the table has them.
pub(crate) async fn table(world: &World, tenant: &Inhabitant, from: i64) -> Vec<Told> {
    let mut tx = world.db.tenant(tenant.id).await.unwrap();
    let events = shared::events::store::from(&mut tx, from, i64::MAX).await.unwrap();
    let told = |event: &shared::events::Event| Told {
        n: event.n,
        at: event.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        kind: event.kind.clone(),
        id: event.entity.to_string(),
    };
    events.iter().map(told).collect()
}
