//! How often one may try.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::queue::{self, Queues};
use tokio::net::{TcpListener, TcpStream};

use super::PASSWORD;
use crate::client::{Answer, Client};

async fn behind_a_proxy() -> Client {
    Client::with(|app| {
        let cost = api::Cost { memory_kib: 64, passes: 1 };
        let settings = api::PeopleSettings { proxies: 1, cost, ..api::PeopleSettings::default() };
        app.people = api::People::new(&app.queues, &settings).unwrap();
    })
    .await
}

async fn from(client: &Client, address: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    let headers = [("x-forwarded-for", address)];
    client.speak(None, "POST /v1/auth/sign-in", &headers, &body).await
}

#[tokio::test]
async fn who_guesses_at_one_account_from_one_address_has_to_wait() {
    let client = behind_a_proxy().await;
    let person = client.person("client_user").await;
    let other = client.person("client_user").await;
    for email in [person.email.as_str(), "nobody@clinic.example"] {
        for n in 0..10 {
            let answer = from(&client, "203.0.113.1", email, "Wrong4Horses").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "attempt {n}");
        }
        let answer = from(&client, "203.0.113.1", email, PASSWORD).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (StatusCode::TOO_MANY_REQUESTS, "too-many-attempts"),
            "also with the right password, and for an account that isn't there"
        );
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((600..=900).contains(&wait), "until the window ends: {wait}");
    }
    let elsewhere = from(&client, "203.0.113.2", &person.email, PASSWORD).await;
    assert_eq!(elsewhere.status, StatusCode::OK, "its owner is not locked out");
    let somebody_else = from(&client, "203.0.113.1", &other.email, PASSWORD).await;
    assert_eq!(somebody_else.status, StatusCode::OK, "nor is their neighbour in the office");
}

#[tokio::test]
async fn who_succeeds_is_not_counted() {
    let client = behind_a_proxy().await;
    let person = client.person("client_user").await;
    for round in 0..12 {
        for _ in 0..3 {
            let wrong = from(&client, "203.0.113.1", &person.email, "Wrong4Horses").await;
            assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "round {round}");
        }
        let right = from(&client, "203.0.113.1", &person.email, PASSWORD).await;
        assert_eq!(right.status, StatusCode::OK, "round {round}");
    }
}

#[tokio::test]
async fn one_who_guesses_for_many_accounts_is_stopped_by_address() {
    let client = behind_a_proxy().await;
    for n in 0..100 {
        let answer =
            from(&client, "203.0.113.1", &format!("n{n}@clinic.example"), "Wrong4Horses").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{n}");
    }
    let next = from(&client, "203.0.113.1", "n100@clinic.example", "Wrong4Horses").await;
    assert_eq!(next.status, StatusCode::TOO_MANY_REQUESTS);
    // What the client wrote into the header itself stands further left, and is not believed.
    let made_up = from(&client, "198.51.100.1, 203.0.113.1", "n101@clinic.example", "x").await;
    assert_eq!(made_up.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn many_who_guess_at_one_account_are_stopped_by_account() {
    let client = behind_a_proxy().await;
    let person = client.person("client_user").await;
    for n in 0..100 {
        let address = format!("203.0.113.{n}");
        let answer = from(&client, &address, &person.email, "Wrong4Horses").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{n}");
    }
    let next = from(&client, "198.51.100.1", &person.email, PASSWORD).await;
    assert_eq!(next.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn one_address_does_not_use_up_what_an_account_may_fail_everywhere() {
    let client = behind_a_proxy().await;
    let person = client.person("client_user").await;
    for _ in 0..120 {
        from(&client, "203.0.113.1", &person.email, "Wrong4Horses").await;
    }
    let owner = from(&client, "203.0.113.2", &person.email, PASSWORD).await;
    assert_eq!(owner.status, StatusCode::OK, "{:?}", owner.body);
    let colleague = client.person("client_user").await;
    let beside = from(&client, "203.0.113.1", &colleague.email, PASSWORD).await;
    assert_eq!(beside.status, StatusCode::OK, "nor what the office may: {:?}", beside.body);
}

/// Who stole a password and guesses at the code: the password alone is right, and must not begin the count anew.
#[tokio::test]
async fn the_password_alone_lets_nobody_guess_at_codes_anew() {
    let client = behind_a_proxy().await;
    let (person, signed) = client.signed_in("client_user").await;
    client.add_factor(&signed).await;
    let mut answers = Vec::new();
    for _ in 0..12 {
        let body = json!({ "email": person.email, "password": PASSWORD, "code": "000000" });
        let headers = [("x-forwarded-for", "203.0.113.1")];
        let guess = client.speak(None, "POST /v1/auth/sign-in", &headers, &body).await;
        answers.push(guess.problem().to_owned());
        from(&client, "203.0.113.1", &person.email, PASSWORD).await;
    }
    let wrong = answers.iter().filter(|told| *told == "second-factor-wrong").count();
    assert!(wrong <= 10, "{answers:?}");
    assert_eq!(answers.last().unwrap(), "too-many-attempts");
}

#[tokio::test]
async fn two_processes_count_together_and_redis_holds_nothing_personal() {
    let client = behind_a_proxy().await;
    let person = client.person("client_user").await;
    for _ in 0..10 {
        from(&client, "203.0.113.1", &person.email, "Wrong4Horses").await;
    }
    let mut app = crate::client::app(&client.world);
    let cost = api::Cost { memory_kib: 64, passes: 1 };
    let settings = api::PeopleSettings { proxies: 1, cost, ..api::PeopleSettings::default() };
    app.people = api::People::new(&client.world.queues, &settings).unwrap();
    let other = Client { router: api::router(app), ..client };
    let answer = from(&other, "203.0.113.1", &person.email, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);

    let mut conn = other.world.queues.conn();
    let pattern = format!("{}.sign-in.*", other.world.queues.prefix());
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut conn).await.unwrap();
    assert_eq!(keys.len(), 3, "{keys:?}");
    let all = keys.join(" ");
    for personal in [person.email.as_str(), "clinic.example", "203.0.113"] {
        assert!(!all.contains(personal), "{all}");
    }
}

#[tokio::test]
async fn guessing_at_ones_own_password_from_an_open_screen_counts_too() {
    let client = Client::new().await;
    let (_, signed) = client.signed_in("client_user").await;
    let body = json!({ "password": "Wrong4Horses", "new_password": "Other4Horses" });
    for _ in 0..10 {
        let answer = client.by(&signed, "POST /v1/me/password", body.clone()).await;
        assert_eq!(answer.faults(), ["/password wrong_password"]);
    }
    let right = json!({ "password": PASSWORD, "new_password": "Other4Horses" });
    let answer = client.by(&signed, "POST /v1/me/password", right).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let me = client.by(&signed, "GET /v1/me", Value::Null).await;
    assert_eq!(me.status, StatusCode::OK, "the session goes on");
}

/// A way to Redis that can be cut.
async fn cuttable(redis_url: &str) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = listener.local_addr().unwrap().to_string();
    let (scheme, rest) = redis_url.split_once("://").unwrap();
    let (login, server) = rest.rsplit_once('@').map_or((None, rest), |(l, s)| (Some(l), s));
    let server = server.split('/').next().unwrap().to_owned();
    let login = login.map(|login| format!("{login}@")).unwrap_or_default();
    let url = format!("{scheme}://{login}{ours}");
    let passing = tokio::spawn(async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let server = server.clone();
            open.spawn(async move {
                let mut redis = TcpStream::connect(server).await.unwrap();
                let _ended = tokio::io::copy_bidirectional(&mut client, &mut redis).await;
            });
        }
    });
    (url, passing)
}

#[tokio::test]
async fn while_redis_is_away_each_process_counts_for_itself() {
    let client = Client::new().await;
    let (url, passing) = cuttable(&client.world.redis_url).await;
    let queues = Queues::new(queue::connect(&url).await.unwrap(), "cut");
    let mut app = crate::client::app(&client.world);
    let cost = api::Cost { memory_kib: 64, passes: 1 };
    let settings = api::PeopleSettings { cost, ..api::PeopleSettings::default() };
    app.people = api::People::new(&queues, &settings).unwrap();
    let client = Client { router: api::router(app), ..client };
    let person = client.person("client_user").await;
    passing.abort();
    assert!(passing.await.unwrap_err().is_cancelled());

    client.sign_in(&person).await;
    for n in 0..10 {
        let answer = client.try_sign_in(&person.email, json!({ "password": "Wrong4Horses" })).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "attempt {n}");
    }
    let next = client.try_sign_in(&person.email, json!({})).await;
    assert_eq!(next.status, StatusCode::TOO_MANY_REQUESTS, "it is never without a count");
}
