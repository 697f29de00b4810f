//! A simulator, somebody who takes its webhooks, and a client.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use simulator::{
    Account, Config, DialRecord, Faults, Rule, Scenario, Simulator, Timings, WebhookPolicy,
};

use crate::receiver::Receiver;

pub(crate) const KEY: &str = "key_simulator_demo";
pub(crate) const FROM: &str = "+442079460100";
/// A number of which the table of drama numbers says nothing.
pub(crate) const TO: &str = "+442079460999";
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) receiver: Receiver,
    pub(crate) client: reqwest::Client,
}

/// Calls that take some milliseconds, retries too.
pub(crate) fn quick() -> Config {
    let moment = [1, 3];
    Config {
        timings: Timings {
            ring: moment,
            no_answer: moment,
            failure: moment,
            talk: moment,
            short_talk: moment,
            voicemail: moment,
            analysis: moment,
        },
        webhooks: WebhookPolicy { retry_after_ms: vec![2, 4, 6], ..WebhookPolicy::default() },
        ..Config::default()
    }
}

/// Rings for ever, as far as a test can tell.
pub(crate) fn endless(name: &str) -> Scenario {
    Scenario { ring_ms: Some([600_000; 2]), ..Scenario::named(name).unwrap() }
}

/// Rings shortly and talks for ever.
pub(crate) fn talkative() -> Scenario {
    Scenario { talk_ms: Some([600_000; 2]), ..Scenario::named("confirmed").unwrap() }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(quick()).await
    }

    /// One account, whose webhooks come to the receiver, unless the configuration has others.
    pub(crate) async fn with(mut config: Config) -> Self {
        let receiver = Receiver::start().await;
        for account in &mut config.accounts {
            account.webhook_url.get_or_insert_with(|| receiver.url.clone());
        }
        let simulator = Simulator::start(config).await.unwrap();
        // One connection a request, like the real client: a cut one must not be re-used.
        let client = reqwest::Client::builder()
            .no_proxy()
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self { simulator, receiver, client }
    }

    pub(crate) async fn with_account(account: Account) -> Self {
        Self::with(Config { accounts: vec![account], ..quick() }).await
    }

    pub(crate) fn rule(&self, rule: Rule) {
        self.simulator.set_rules(&[rule]).unwrap();
    }

    pub(crate) fn scenario(&self, name: &str) {
        self.rule(Rule::default().scenario(Scenario::named(name).unwrap()));
    }

    pub(crate) fn faults(&self, name: &str) {
        self.rule(Rule::default().faults(Faults::named(name).unwrap()));
    }

    pub(crate) async fn post(
        &self,
        key: &str,
        path: &str,
        body: &Value,
    ) -> reqwest::Result<Response> {
        let url = format!("{}{path}", self.simulator.base_url());
        self.client.post(url).bearer_auth(key).json(body).send().await
    }

    pub(crate) async fn fetch(&self, path: &str) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.simulator.base_url());
        read(self.client.get(url).bearer_auth(KEY).send().await.unwrap()).await
    }

    /// Asks for a call with these fields beside the two numbers.
    pub(crate) async fn create(&self, more: Value) -> (StatusCode, Value) {
        read(self.try_create(more).await.unwrap()).await
    }

    pub(crate) async fn try_create(&self, more: Value) -> reqwest::Result<Response> {
        self.post(KEY, "/v2/create-phone-call", &order(more)).await
    }

    /// Places a call and returns its id.
    pub(crate) async fn place(&self, more: Value) -> String {
        let (status, call) = self.create(more).await;
        assert_eq!(status, StatusCode::CREATED, "{call}");
        call["call_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn list(&self, request: Value) -> (StatusCode, Value) {
        read(self.post(KEY, "/v3/list-calls", &request).await.unwrap()).await
    }

    /// The ids that a list has.
    pub(crate) async fn listed(&self, request: Value) -> Vec<String> {
        let (status, page) = self.list(request).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let items = page["items"].as_array().unwrap();
        items.iter().map(|it| it["call_id"].as_str().unwrap().to_owned()).collect()
    }

    /// The last request of the record.
    pub(crate) fn last_dial(&self) -> DialRecord {
        self.simulator.dials().pop().unwrap()
    }

    pub(crate) async fn all_analyzed(&self) {
        let analyzed = |it: &Simulator| {
            let state = it.state();
            state.accepted > 0 && state.analyzed == state.accepted
        };
        assert!(self.simulator.wait_until(LIMIT, analyzed).await);
    }
}

/// A request body.
pub(crate) fn order(more: Value) -> Value {
    let mut body = json!({"from_number": FROM, "to_number": TO});
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}

pub(crate) async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}
