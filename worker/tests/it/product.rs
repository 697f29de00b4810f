//! The whole product in one process, watched: the API on a socket, a worker, the simulated provider, a collector of traces, and
//! every line that is logged.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use shared::config::{Logs, Traces};
use shared::journal::Journal;
use shared::telemetry::logs;
use shared::telemetry::traces::Exporting;
use shared::testing::{Inhabitant, World};
use simulator::{Account, Config, Simulator, Timings};
use tokio::net::TcpListener;

use crate::agreement::files_in;
use crate::factory::{Running, start_worker};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that somebody writes and a test reads.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a process shows of itself.
pub(crate) struct Watched {
    pub(crate) lines: Kept,
    /// The bodies that the collector got, one after another.
    pub(crate) exports: Arc<Mutex<Vec<Bytes>>>,
    exporting: Exporting,
}

/// One span, as the collector reads it.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) links: Vec<String>,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Watched {
    /// Starts logs and traces of this process, which can be done once: a test that does it runs in a process of its own.
    pub(crate) async fn start(filter: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let exports = Arc::<Mutex<Vec<Bytes>>>::default();
        let take = |State(exports): State<Arc<Mutex<Vec<Bytes>>>>, body: Bytes| async move {
            exports.lock().unwrap().push(body);
        };
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&exports));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let lines = Kept::default();
        let to = lines.clone();
        let traces = Traces {
            endpoint: Some(endpoint),
            authorization: None,
            ratio: 1.0,
            trust_parent: false,
        };
        let logs = Logs { filter: filter.to_owned() };
        let exporting = logs::start_serving_to(&logs, &traces, "vio-test", move || to.clone())
            .unwrap()
            .unwrap();
        Self { lines, exports, exporting }
    }

    /// All spans that ended so far.
    pub(crate) async fn spans(&self) -> Vec<Span> {
        self.exporting.flush().await;
        let exports = self.exports.lock().unwrap();
        let requests = exports
            .iter()
            .map(|body| ExportTraceServiceRequest::decode(body.as_ref()).expect("OTLP"));
        requests
            .flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .map(|span| Span {
                name: span.name,
                trace: hex::encode(span.trace_id),
                id: hex::encode(span.span_id),
                parent: hex::encode(span.parent_span_id),
                links: span.links.iter().map(|link| hex::encode(&link.trace_id)).collect(),
                attributes: span
                    .attributes
                    .into_iter()
                    .map(|pair| (pair.key, format!("{:?}", pair.value.and_then(|v| v.value))))
                    .collect(),
            })
            .collect()
    }
}

/// The product.
pub(crate) struct Product {
    pub(crate) world: Arc<World>,
    pub(crate) simulator: Simulator,
    pub(crate) tenant: Inhabitant,
    pub(crate) state_dir: PathBuf,
    worker: Option<Running>,
    address: String,
    http: reqwest::Client,
}

impl Product {
    /// In the morning, with one tenant whose provider confirms every appointment in milliseconds.
    pub(crate) async fn start() -> Self {
        let world = Arc::new(World::new().await);
        world.wait_for_morning().await;
        let tenant = world.tenant().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let account = Account {
            api_key: "key_1".to_owned(),
            webhook_url: Some(format!("{address}/v1/webhooks/retell/{}", tenant.account)),
            ..Account::default()
        };
        let timings = Timings {
            ring: [5, 20],
            no_answer: [20, 40],
            failure: [5, 20],
            talk: [20, 60],
            short_talk: [10, 30],
            voicemail: [20, 40],
            analysis: [5, 30],
        };
        let config = Config { accounts: vec![account], timings, ..Config::default() };
        let simulator = Simulator::start(config).await.unwrap();
        world.point_account_at(tenant.account, &simulator.base_url()).await;
        let state_dir = std::env::temp_dir().join(format!("vio-test-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&state_dir).unwrap();
        let app = api::App {
            db: world.db.clone(),
            keys: world.keys.clone(),
            books: shared::book::Books::new(
                world.db.clone(),
                world.keys.clone(),
                shared::book::BookLimits::default(),
            ),
            queues: world.queues.clone(),
            signals: world.signals.clone(),
            accesses: api::Accesses::start(world.db.clone()),
            live: api::Live::new(
                world.db.clone(),
                world.queues.clone(),
                redis::Client::open(world.redis_url.as_str()).unwrap(),
                api::LiveLimits::default(),
            ),
            limits: api::Limits::new(api::Rules::of(10_000, 1), &world.queues),
            people: api::People::new(&world.queues, &api::PeopleSettings::default()).unwrap(),
            inbox: api::Inbox::start(world.db.clone(), world.signals.clone()),
            files: Some(files_in(&state_dir)),
            webhook_keys: api::WebhookKeys::default(),
            journal: Some(Arc::new(Journal::open(&state_dir).unwrap())),
        };
        let router = api::router(app);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let worker = Some(start_worker(&world, &state_dir));
        let _there = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { world, simulator, tenant, state_dir, worker, address, http }
    }

    /// A request of the tenant's administrator.
    pub(crate) fn request(&self, what: &str) -> RequestBuilder {
        let (method, path) = what.split_once(' ').unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.http
            .request(method, format!("{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.tenant.admin.expose()))
    }

    /// Sends JSON, and gives status and answer.
    pub(crate) async fn send(&self, what: &str, body: &Value) -> (u16, Value) {
        self.answer(
            self.request(what).header("content-type", "application/json").body(body.to_string()),
        )
        .await
    }

    /// Sends what was made, and gives status and answer.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.bytes().await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// An appointment of which somebody is to be reminded in an hour.
    pub(crate) async fn in_a_day_and_an_hour(&self) -> Value {
        let at = self.world.db.now().await.unwrap() + chrono::Duration::hours(25);
        json!({ "at": at.to_rfc3339(), "call_before_hours": 24 })
    }

    /// Waits until a query counts `want`.
    pub(crate) async fn until(&self, want: i64, query: &'static str) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.world.number(query).await != want {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(waited.await.is_ok(), "waited in vain for {want} of: {query}");
    }

    /// Stops the worker as SIGTERM does.
    pub(crate) async fn drain(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.drain().await;
        }
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.state_dir);
    }
}
