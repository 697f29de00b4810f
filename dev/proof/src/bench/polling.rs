//! People of one tenant who poll: each signed in by themselves, in a session of their own, with an access token that is
//! renewed as clients do. Under the limit of requests that the product has, and under one that an operator may set.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::{StreamExt, TryStreamExt};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::load::Times;
use super::set::{BRIEF, Set};
use super::{Options, counters, round};
use crate::stage::people::Invited;
use crate::stage::servers::Servers;

/// So many sign in at a time: as many hashes of passwords are computed as there are cores.
const AT_A_TIME: usize = 4;
/// A token is renewed when it holds for no longer than this.
const RENEWED_BEFORE: Duration = Duration::from_secs(60);

/// How many look at a call of theirs, how often each, and what their tenant is allowed.
struct Round {
    name: &'static str,
    people: usize,
    every: Duration,
    /// `API_REQUESTS_PER_MINUTE`; `None`: not set, so the rules' 1,000.
    requests_per_minute: Option<u32>,
}

/// The requirements' hundred people every five seconds are 1,200 requests a minute; the rules' 1,000 carry 83 of them:
/// docs/decisions/polling.md.
const ROUNDS: [Round; 2] = [
    Round {
        name: "as_many_as_the_rules_carry",
        people: 83,
        every: Duration::from_secs(5),
        requests_per_minute: None,
    },
    Round {
        name: "a_hundred_where_1300_a_minute_are_allowed",
        people: 100,
        every: Duration::from_secs(5),
        requests_per_minute: Some(1_300),
    },
];

/// All rounds, each for `--polling-seconds`, on a system of its own.
pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let mut values = serde_json::Map::new();
    for round in &ROUNDS {
        values.insert(round.name.to_owned(), poll(options, servers, round).await?);
    }
    Ok(Value::Object(values))
}

async fn poll(options: &Options, servers: &Servers, rules: &Round) -> anyhow::Result<Value> {
    let mut set = Set::build(options, servers, "polling", BRIEF).await?;
    set.limit_requests(rules.requests_per_minute);
    let tenants = set.people(12, 1, rules.people, 48).await?;
    let tenant = tenants.first().context("a tenant")?;
    let calls: Vec<Uuid> = sqlx::query_scalar("select id from calls").fetch_all(&set.admin).await?;
    anyhow::ensure!(
        calls.len() == rules.people,
        "{} calls for {} people",
        calls.len(),
        rules.people
    );
    set.start_api().await?;

    let base = format!("http://{}", set.api_address);
    let invited = set.office.invite(tenant, rules.people).await?;
    let people: Vec<Person> = futures::stream::iter(invited)
        .map(|invited| Person::sign_in(&base, invited))
        .buffered(AT_A_TIME)
        .try_collect()
        .await?;
    let sessions: i64 = sqlx::query_scalar("select count(*) from sessions where ended_at is null")
        .fetch_one(&set.admin)
        .await?;

    let time = Duration::from_secs(options.polling_seconds);
    let before = counters::read(&set, servers).await?;
    let start = Instant::now() + Duration::from_millis(20);
    let mut looking = JoinSet::new();
    for (n, (person, call)) in people.into_iter().zip(calls).enumerate() {
        // One after the other, so that they are spread evenly over the time between two looks.
        let first = start + rules.every.mul_f64(n as f64 / rules.people as f64);
        looking.spawn(person.look(call, first, rules.every, start + time));
    }
    let (mut looks, mut renewals) = (Vec::new(), 0);
    while let Some(done) = looking.join_next().await {
        let (times, renewed) = done??;
        looks.extend(times);
        renewals += renewed;
    }
    let spent = before.to(&counters::read(&set, servers).await?);
    set.end().await;
    let requests = looks.len() as f64;
    Ok(json!({
        "people": rules.people,
        "sessions": sessions,
        "every_seconds": rules.every.as_secs(),
        "requests_per_minute": rules.requests_per_minute.map_or(json!("not set"), Value::from),
        "asked_per_minute": round(requests * 60.0 / time.as_secs_f64()),
        "tokens_renewed": renewals,
        "looks": Times::of(looks, time.as_secs_f64()).report(),
        "api_per_request": spent.per_call(requests),
        "cpu_percent_of_a_core": spent.cpu_percent(),
    }))
}

/// What the API hands over at a sign-in, and when a token is renewed.
#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    expires_in: u64,
}

/// Somebody who is signed in.
struct Person {
    /// With connections of their own.
    http: Client,
    base: String,
    tokens: Tokens,
    renew_at: Instant,
}

impl Person {
    /// Sets the password to which they were invited, and signs in with it, as a program does.
    async fn sign_in(base: &str, invited: Invited) -> anyhow::Result<Self> {
        let http = Client::builder().no_proxy().build()?;
        let password = format!("Polling4{}", invited.email);
        let set = json!({ "token": invited.token.expose(), "password": password });
        let reply = http.post(format!("{base}/v1/auth/set-password")).json(&set).send().await?;
        anyhow::ensure!(reply.status().is_success(), "set-password: {}", reply.status());
        let wish = json!({ "email": invited.email, "password": password, "refresh_token": "body" });
        let tokens = ask_for_tokens(&http, &format!("{base}/v1/auth/sign-in"), &wish).await?;
        let renew_at = renew_at(&tokens);
        Ok(Self { http, base: base.to_owned(), tokens, renew_at })
    }

    /// Looks at a call from `first` until `end`, and renews the token in between. Gives what `Times` are made of, and how often
    /// it was renewed.
    async fn look(
        mut self,
        call: Uuid,
        first: Instant,
        every: Duration,
        end: Instant,
    ) -> anyhow::Result<(Vec<(f64, f64, u16)>, usize)> {
        let url = format!("{}/v1/calls/{call}", self.base);
        let (mut looks, mut renewals, mut due) = (Vec::new(), 0, first);
        while due < end {
            // Before a look is due, so that the look isn't late for it.
            if due + every >= self.renew_at {
                let wish = json!({ "refresh_token": self.tokens.refresh_token });
                let refresh = format!("{}/v1/auth/refresh", self.base);
                self.tokens = ask_for_tokens(&self.http, &refresh, &wish).await?;
                self.renew_at = renew_at(&self.tokens);
                renewals += 1;
            }
            tokio::time::sleep_until(due.into()).await;
            let sent = Instant::now();
            let look = self.http.get(&url).bearer_auth(&self.tokens.access_token);
            let reply = look.send().await?;
            let status = reply.status().as_u16();
            reply.bytes().await?;
            let ms = |since: Instant| since.elapsed().as_secs_f64() * 1e3;
            looks.push((ms(due), ms(sent), status));
            due += every;
        }
        Ok((looks, renewals))
    }
}

fn renew_at(tokens: &Tokens) -> Instant {
    let holds = Duration::from_secs(tokens.expires_in);
    Instant::now() + holds.saturating_sub(RENEWED_BEFORE)
}

async fn ask_for_tokens(http: &Client, url: &str, wish: &Value) -> anyhow::Result<Tokens> {
    let reply = http.post(url).json(wish).send().await?;
    anyhow::ensure!(reply.status().is_success(), "{url} was answered {}", reply.status());
    Ok(reply.json().await?)
}
