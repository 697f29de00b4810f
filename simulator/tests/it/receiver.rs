//! Somebody who takes webhooks and writes down exactly what came.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::sync::watch;

/// One webhook as it arrived.
#[derive(Clone)]
pub(crate) struct Arrival {
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
    pub(crate) json: Value,
}

impl Arrival {
    pub(crate) fn event(&self) -> &str {
        self.json["event"].as_str().unwrap()
    }

    pub(crate) fn call(&self) -> &Value {
        &self.json["call"]
    }
}

#[derive(Clone, Default)]
struct Desk {
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
    changed: watch::Sender<()>,
}

pub(crate) struct Receiver {
    desk: Desk,
    pub(crate) url: String,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let desk = Desk::default();
        let app = Router::new().fallback(take).with_state(desk.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { desk, url }
    }

    /// The next webhooks get these answers, and later ones 204.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = StatusCode>) {
        self.desk.answers.lock().unwrap().extend(answers);
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.desk.arrivals.lock().unwrap().clone()
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.arrivals().iter().map(|it| it.event().to_owned()).collect()
    }

    /// The first `count`, once they are there.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Arrival> {
        let mut changed = self.desk.changed.subscribe();
        let enough = async {
            while self.arrivals().len() < count {
                changed.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), enough).await;
        assert!(waited.is_ok(), "waited for {count} webhooks, got {:?}", self.events());
        self.arrivals()
    }
}

async fn take(State(desk): State<Desk>, headers: HeaderMap, raw: Bytes) -> StatusCode {
    let json = serde_json::from_slice(&raw).unwrap();
    desk.arrivals.lock().unwrap().push(Arrival { headers, raw, json });
    desk.changed.send_replace(());
    desk.answers.lock().unwrap().pop_front().unwrap_or(StatusCode::NO_CONTENT)
}
