//! A client without a socket.

use std::sync::Arc;

use api::App;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};
use shared::api_keys::ApiKey;
use shared::book::{BookLimits, Books};
use shared::testing::{Inhabitant, World};
use tower::ServiceExt;

use crate::contract;

/// A world, its API, and one tenant's administrator in front of it.
pub(crate) struct Client {
    pub(crate) world: Arc<World>,
    pub(crate) clinic: Inhabitant,
    pub(crate) router: Router,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {self:?}")).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The codes of wrong fields, `field code`, in order.
    pub(crate) fn faults(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let faults = self.body["errors"].as_array().cloned().unwrap_or_default();
        faults.iter().map(|f| format!("{} {}", text(&f["field"]), text(&f["code"]))).collect()
    }

    /// The last word of the problem's type.
    pub(crate) fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|text| text.rsplit(':').next()).unwrap_or_default()
    }
}

/// Sockets of an API in this world.
pub(crate) fn live(world: &World, limits: api::LiveLimits) -> api::Live {
    api::Live::new(
        world.db.clone(),
        world.queues.clone(),
        redis::Client::open(world.redis_url.as_str()).unwrap(),
        limits,
    )
}

pub(crate) fn app(world: &World) -> App {
    App {
        db: world.db.clone(),
        keys: world.keys.clone(),
        queues: world.queues.clone(),
        signals: world.signals.clone(),
        limits: api::Limits::new(api::Rules::of(10_000, 1), &world.queues),
        accesses: api::Accesses::start(world.db.clone()),
        live: live(world, api::LiveLimits::default()),
        inbox: api::Inbox::start(world.db.clone(), world.signals.clone()),
        webhook_keys: api::WebhookKeys::default(),
        journal: None,
        files: Some(files()),
        people: people(world),
        books: Books::new(world.db.clone(), world.keys.clone(), BookLimits::default()),
    }
}

/// A store of files in a folder that all tests share: each writes those of its own tenants.
pub(crate) fn files() -> shared::files::FileStore {
    let folder = std::env::temp_dir().join("vio-test-files");
    shared::files::FileStore::new(&shared::config::Files::Folder(folder)).unwrap()
}

/// Signing in with hashes that cost nothing.
pub(crate) fn people(world: &World) -> api::People {
    let cost = api::Cost { memory_kib: 64, passes: 1 };
    let settings = api::PeopleSettings { cost, ..api::PeopleSettings::default() };
    api::People::new(&world.queues, &settings).expect("a cost that argon2 takes")
}

impl Client {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A client of an API that `change` has changed.
    pub(crate) async fn with(change: impl FnOnce(&mut App)) -> Self {
        Self::with_world(|app, _| change(app)).await
    }

    /// A client of an API that `change` has changed, in the world that it is given.
    pub(crate) async fn with_world(change: impl FnOnce(&mut App, &World)) -> Self {
        let world = World::new().await;
        let clinic = world.tenant().await;
        let mut app = app(&world);
        change(&mut app, &world);
        let router = api::router(app);
        Self { world: Arc::new(world), clinic, router }
    }

    /// The same tenant before another process.
    pub(crate) fn beside(&self, app: App) -> Self {
        let router = api::router(app);
        Self { world: self.world.clone(), clinic: self.clinic.clone(), router }
    }

    /// The administrator of another tenant, before the same API.
    pub(crate) async fn of_another_tenant(&self) -> Self {
        let clinic = self.world.tenant().await;
        Self { world: self.world.clone(), clinic, router: self.router.clone() }
    }

    /// Sends a request as it is, and holds the answer against the contract.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let asked = (request.method().clone(), request.uri().path().to_owned());
        let answer = self.router.clone().oneshot(request).await.expect("the router never fails");
        let (parts, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
            serde_json::from_slice(&bytes).unwrap_or_else(|_| text())
        };
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        contract::hold(&asked.0, &asked.1, &answer);
        answer
    }

    /// Sends JSON as the holder of `key`, with further headers.
    pub(crate) async fn ask(
        &self,
        key: &ApiKey,
        what: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        self.speak(Some(key.expose()), what, headers, body).await
    }

    /// Sends JSON, or a text as a file, with a key, an access token, or nothing.
    pub(crate) async fn speak(
        &self,
        bearer: Option<&str>,
        what: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let (method, path) = what.split_once(' ').expect("a method and a path");
        let mut request = Request::builder().method(method).uri(path);
        if let Some(bearer) = bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() {
            Body::empty()
        } else if let Some(file) = body.as_str() {
            request = request.header("content-type", "text/csv");
            Body::from(file.to_owned())
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        self.send(request.body(body).expect("a request")).await
    }

    /// Asks as the administrator.
    pub(crate) async fn admin(&self, what: &str, body: Value) -> Answer {
        self.ask(&self.clinic.admin, what, &[], &body).await
    }

    /// Changes something as the administrator, in the version that was read.
    pub(crate) async fn change(&self, what: &str, version: &str, body: Value) -> Answer {
        self.ask(&self.clinic.admin, what, &[("if-match", version)], &body).await
    }

    /// Asks as somebody who may only read.
    pub(crate) async fn user(&self, what: &str, body: Value) -> Answer {
        self.ask(&self.clinic.user, what, &[], &body).await
    }

    /// An instant so far ahead, as clients write it.
    pub(crate) async fn ahead(&self, by: Duration) -> String {
        let at: DateTime<Utc> = self.world.db.now().await.expect("the time") + by;
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// A contact without appointment.
    pub(crate) async fn contact(&self) -> String {
        let made = self.admin("POST /v1/contacts", ada()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
        made.id()
    }

    /// Everything that a request may change, as text: to see that a refused one changed nothing.
    pub(crate) async fn everything(&self) -> Vec<String> {
        self.world
            .texts(
                "select 'contacts ' || count(*) || ' ' || coalesce(sum(version), 0) from contacts
                 union all select 'appointments ' || count(*) || ' ' || coalesce(sum(version), 0) from appointments
                 union all select 'do_not_call ' || count(*) || ' ' || count(removed_at) from do_not_call
                 union all select 'groups ' || count(*) || ' ' || coalesce(sum(version), 0) from groups
                 union all select 'members ' || count(*) from group_members
                 union all select 'closed_dates ' || count(*) from closed_dates
                 union all select 'calls ' || count(*) from calls
                 union all select 'events ' || count(*) from events
                 -- Who was refused is written down too, in the other chain.
                 union all select 'audit ' || count(*) from audit_entries where chain = 'changes'
                 union all select 'kept ' || count(*) from idempotency_keys
                 union all select 'tenants ' || string_agg(version || policy::text || zone || (paused_at is null), ' '
                                                           order by id) from tenants",
            )
            .await
    }
}

/// A contact that is accepted.
pub(crate) fn ada() -> Value {
    json!({ "name": "Ada Lovelace", "phone": "07700 900123" })
}
