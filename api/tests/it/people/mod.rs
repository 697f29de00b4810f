//! People: signing in, sessions, second factors, users, keys, and the platform's people.

mod access;
mod api_keys;
mod forged;
mod links;
mod platform;
mod races;
mod refreshing;
mod second_factor;
mod sessions;
mod signing_in;
mod throttle;
mod users;

use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};
use shared::api_keys::ApiKey;
use shared::ids::UserId;
use shared::people::secret::{Purpose, Token};
use shared::people::store::links::Kind;
use shared::people::store::users::NewUser;
use shared::people::store::{links as link_store, users as user_store};
use shared::people::totp::TotpSecret;
use zeroize::Zeroizing;

use crate::client::{Answer, Client};

pub(crate) const PASSWORD: &str = "Correct4Horse";

/// Somebody who may sign in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
}

/// A session, as a program holds it.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) session: String,
}

impl Signed {
    pub(crate) fn of(answer: &Answer) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            access: text(&answer.body["access_token"]),
            refresh: text(&answer.body["refresh_token"]),
            session: text(&answer.body["session"]["id"]),
        }
    }
}

fn address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("person{}@clinic.example", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Client {
    /// Somebody whom the holder of `key` invited, and their link.
    pub(crate) async fn invited(&self, key: &ApiKey, role: &str) -> (Person, String) {
        let email = address();
        let body = json!({ "name": "Grace Hopper", "email": email, "role": role });
        let made = self.ask(key, "POST /v1/users", &[], &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
        let token = made.body["link"]["token"].as_str().expect("a link").to_owned();
        (Person { id: made.id(), email }, token)
    }

    pub(crate) async fn set_password(&self, token: &str, password: &str) -> Answer {
        let body = json!({ "token": token, "password": password });
        self.speak(None, "POST /v1/auth/set-password", &[], &body).await
    }

    /// Somebody of the clinic with a password.
    pub(crate) async fn person(&self, role: &str) -> Person {
        self.person_of(&self.clinic.admin, role).await
    }

    pub(crate) async fn person_of(&self, key: &ApiKey, role: &str) -> Person {
        let (person, link) = self.invited(key, role).await;
        let set = self.set_password(&link, PASSWORD).await;
        assert_eq!(set.status, StatusCode::NO_CONTENT, "{:?}", set.body);
        person
    }

    /// Tries to sign in, as a program does.
    pub(crate) async fn try_sign_in(&self, email: &str, more: Value) -> Answer {
        let mut body = json!({ "email": email, "password": PASSWORD, "refresh_token": "body" });
        for (name, value) in more.as_object().cloned().unwrap_or_default() {
            body[name] = value;
        }
        self.speak(None, "POST /v1/auth/sign-in", &[], &body).await
    }

    /// Signs in.
    pub(crate) async fn sign_in(&self, person: &Person) -> Signed {
        let answer = self.try_sign_in(&person.email, json!({})).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        Signed::of(&answer)
    }

    /// Somebody of the clinic who is signed in.
    pub(crate) async fn signed_in(&self, role: &str) -> (Person, Signed) {
        let person = self.person(role).await;
        let signed = self.sign_in(&person).await;
        (person, signed)
    }

    /// Asks with an access token.
    pub(crate) async fn by(&self, signed: &Signed, what: &str, body: Value) -> Answer {
        self.speak(Some(&signed.access), what, &[], &body).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        let body = json!({ "refresh_token": token });
        self.speak(None, "POST /v1/auth/refresh", &[], &body).await
    }

    /// Sets up a second factor, and gives its secret and the recovery codes.
    pub(crate) async fn add_factor(&self, signed: &Signed) -> (TotpSecret, Vec<String>) {
        let proposed =
            self.by(signed, "POST /v1/me/second-factor", json!({ "password": PASSWORD })).await;
        assert_eq!(proposed.status, StatusCode::OK, "{:?}", proposed.body);
        let secret = secret(&proposed);
        let code = self.code(&secret).await;
        let confirmed =
            self.by(signed, "POST /v1/me/second-factor/confirm", json!({ "code": code })).await;
        assert_eq!(confirmed.status, StatusCode::OK, "{:?}", confirmed.body);
        let codes = confirmed.body["recovery_codes"].as_array().expect("codes");
        (secret, codes.iter().map(|code| code.as_str().expect("text").to_owned()).collect())
    }

    /// What the app shows now.
    pub(crate) async fn code(&self, secret: &TotpSecret) -> String {
        secret.code_at(self.world.db.now().await.expect("the time")).to_string()
    }

    /// Waits until the app shows another code.
    pub(crate) async fn next_code(&self, secret: &TotpSecret) -> String {
        self.world.advance(Duration::seconds(30)).await;
        self.code(secret).await
    }

    /// Somebody of the platform with a password, and no second factor yet.
    pub(crate) async fn appointed(&self) -> Person {
        let email = address();
        let new = NewUser {
            id: UserId::new(),
            name: "Ada Platform".parse().unwrap(),
            email: email.parse().unwrap(),
        };
        let world = &self.world;
        let platform = world.keys.platform(&world.db).await.unwrap();
        let now = world.db.now().await.unwrap();
        let token = Token::generate(Purpose::Link).unwrap();
        let mut tx = world.db.engine().await.unwrap();
        user_store::insert_of_platform(&mut tx, &platform, &new, now).await.unwrap();
        let hash = token.hash();
        link_store::make_for_platform(&mut tx, new.id, Kind::Invitation, &hash, now).await.unwrap();
        tx.commit().await.unwrap();
        let set = self.set_password(token.expose(), PASSWORD).await;
        assert_eq!(set.status, StatusCode::NO_CONTENT);
        Person { id: new.id.to_string(), email }
    }

    /// Somebody of the platform who may do what such people may.
    pub(crate) async fn super_admin(&self) -> (Person, Signed) {
        let person = self.appointed().await;
        let signed = self.sign_in(&person).await;
        self.add_factor(&signed).await;
        (person, signed)
    }

    /// Declares an access to the clinic.
    pub(crate) async fn visit(&self, signed: &Signed, kind: &str) -> Answer {
        let body = json!({ "tenant_id": self.clinic.id, "kind": kind,
                           "reason": "Ticket 4711: a caller hears nothing" });
        self.by(signed, "POST /v1/platform/visits", body).await
    }

    /// The entries of the chain of accesses that tell of signing in and of sessions, and not of a request.
    pub(crate) async fn signs(&self) -> Vec<String> {
        let mut entries = self.chain("accesses").await;
        entries.retain(|entry| !entry.contains("/v1/"));
        entries
    }

    /// A chain's entries as `actor's kind action`, oldest first.
    pub(crate) async fn chain(&self, chain: &str) -> Vec<String> {
        api::Accesses::start(self.world.db.clone()).seal().await.expect("it is chained");
        let all = self
            .world
            .texts("select chain || ' ' || split_part(actor, ':', 1) || ' ' || action from audit_entries order by tenant_id, chain, n")
            .await;
        let prefix = format!("{chain} ");
        all.iter().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
    }
}

/// The secret that an app was told.
pub(crate) fn secret(proposed: &Answer) -> TotpSecret {
    let text = proposed.body["secret"].as_str().expect("a secret");
    let bytes = data_encoding::BASE32_NOPAD.decode(text.as_bytes()).expect("base 32");
    TotpSecret::from_bytes(Zeroizing::new(bytes))
}
