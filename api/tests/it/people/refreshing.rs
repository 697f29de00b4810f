//! Refresh tokens: used once each, tied to one session, and of no use to another site.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};
use shared::people::Ended;

use super::{PASSWORD, Signed};
use crate::client::{Answer, Client, app};

#[tokio::test]
async fn an_access_token_holds_a_quarter_of_an_hour_and_a_session_eight_hours() {
    let client = Client::new().await;
    let (_, mut signed) = client.signed_in("client_user").await;
    let status = async |signed: &Signed| client.by(signed, "GET /v1/me", Value::Null).await.status;
    client.world.advance(Duration::minutes(14)).await;
    assert_eq!(status(&signed).await, StatusCode::OK);
    client.world.advance(Duration::minutes(1)).await;
    assert_eq!(status(&signed).await, StatusCode::UNAUTHORIZED, "expired");

    for _ in 0..7 {
        client.world.advance(Duration::hours(1)).await;
        let next = client.refresh(&signed.refresh).await;
        assert_eq!(next.status, StatusCode::OK, "{:?}", next.body);
        assert_eq!(Signed::of(&next).session, signed.session, "the same session");
        signed = Signed::of(&next);
    }
    assert_eq!(status(&signed).await, StatusCode::OK, "seven hours and a quarter");
    client.world.advance(Duration::minutes(40)).await;
    let last = client.refresh(&signed.refresh).await;
    assert!(last.body["expires_in"].as_i64().unwrap() <= 300, "never longer than the session");
    signed = Signed::of(&last);
    client.world.advance(Duration::minutes(5)).await;
    assert_eq!(status(&signed).await, StatusCode::UNAUTHORIZED, "eight hours");
    assert_eq!(client.refresh(&signed.refresh).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refresh_token_that_is_shown_twice_ends_its_session() {
    let client = Client::new().await;
    let people = crate::client::people(&client.world);
    let mut its = app(&client.world);
    its.people = people.clone();
    let client = Client { router: api::router(its), ..client };
    let (person, first) = client.signed_in("client_user").await;
    let elsewhere = client.sign_in(&person).await;
    let second = Signed::of(&client.refresh(&first.refresh).await);
    let mut heard = people.endings().hear();

    let stolen = client.refresh(&first.refresh).await;
    assert_eq!((stolen.status, stolen.problem()), (StatusCode::UNAUTHORIZED, "unauthenticated"));
    for (signed, why) in [(&first, "the token before"), (&second, "the token after")] {
        let answer = client.by(signed, "GET /v1/me", Value::Null).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{why}");
    }
    assert_eq!(client.refresh(&second.refresh).await.status, StatusCode::UNAUTHORIZED);
    let other = client.by(&elsewhere, "GET /v1/me", Value::Null).await;
    assert_eq!(other.status, StatusCode::OK, "their other session goes on");
    let Ended::Session(ended) = heard.recv().await.unwrap() else { panic!("a session ended") };
    assert_eq!(ended.to_string(), first.session);
    let chain = client.signs().await;
    assert_eq!(chain, ["user sign_in", "user sign_in", "user session.reused"]);
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn with_cookie(client: &Client) -> String {
    let person = client.person("client_user").await;
    let body = json!({ "email": person.email, "password": PASSWORD });
    cookie(&client.speak(None, "POST /v1/auth/sign-in", &[], &body).await)
}

#[tokio::test]
async fn a_request_that_relies_on_the_cookie_comes_from_our_own_page() {
    let client = Client::new().await;
    let mut kept = with_cookie(&client).await;
    let own = [("x-vio-request", "1"), ("host", "api.example")];
    for (headers, status, why) in [
        (vec![], 403, "no mark: a form could have sent it"),
        (vec![("x-vio-request", "")], 403, "an empty mark"),
        (vec![own[0], own[1], ("origin", "https://evil.example")], 403, "another origin"),
        (vec![own[0], own[1], ("origin", "https://api.example.evil.example")], 403, "a longer one"),
        (vec![own[0], ("sec-fetch-site", "cross-site")], 403, "the browser says so"),
        (vec![own[0], own[1], ("origin", "https://api.example")], 200, "our own page"),
        (vec![own[0], ("sec-fetch-site", "same-origin")], 200, "our own page"),
        (vec![own[0]], 200, "an old browser of our own page"),
    ] {
        for path in ["POST /v1/auth/refresh", "POST /v1/auth/sign-out"] {
            if path.ends_with("sign-out") && status == 200 {
                continue;
            }
            let mut all = headers.clone();
            all.push(("cookie", &kept));
            let answer = client.speak(None, path, &all, &Value::Null).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {why}: {:?}", answer.body);
            if status == 403 {
                assert_eq!(answer.problem(), "cross-site", "{why}");
            } else {
                assert!(answer.body.get("refresh_token").is_none(), "it goes back as it came");
                kept = cookie(&answer);
            }
        }
    }
}

#[tokio::test]
async fn with_a_public_address_only_its_own_pages_are_served() {
    let client = Client::with(|app| {
        let settings = api::PeopleSettings {
            public_url: Some("https://api.example:8443".to_owned()),
            cost: api::Cost { memory_kib: 64, passes: 1 },
            ..api::PeopleSettings::default()
        };
        app.people = api::People::new(&app.queues, &settings).unwrap();
    })
    .await;
    let kept = with_cookie(&client).await;
    for (origin, status, why) in [
        ("https://api.example", 403, "another port"),
        ("http://api.example:8443", 403, "not over TLS"),
        ("https://api.example:8443", 200, "its own"),
    ] {
        let headers = [("x-vio-request", "1"), ("cookie", kept.as_str()), ("origin", origin)];
        let answer = client.speak(None, "POST /v1/auth/refresh", &headers, &Value::Null).await;
        assert_eq!(answer.status.as_u16(), status, "{why}");
    }
}

#[tokio::test]
async fn the_cookie_opens_nothing_but_the_way_to_the_next_token() {
    let client = Client::new().await;
    let kept = with_cookie(&client).await;
    let mark = ("x-vio-request", "1");
    for what in ["GET /v1/contacts", "GET /v1/me", "GET /v1/me/sessions"] {
        let answer = client.speak(None, what, &[("cookie", &kept), mark], &Value::Null).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
    }
    let two = format!("{kept}; __Secure-vio_refresh=vior_{}", "0".repeat(64));
    let answer =
        client.speak(None, "POST /v1/auth/refresh", &[("cookie", &two), mark], &Value::Null).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "one of two was put there by somebody");
    let other = kept.replace("__Secure-vio_refresh", "vio_refresh");
    let answer = client
        .speak(None, "POST /v1/auth/refresh", &[("cookie", &other), mark], &Value::Null)
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "without its prefix it is another cookie");
}

#[tokio::test]
async fn what_is_no_refresh_token_opens_nothing() {
    let client = Client::new().await;
    let (_, signed) = client.signed_in("client_user").await;
    let link = client.invited(&client.clinic.admin, "client_user").await.1;
    for (token, why) in [
        (String::new(), "nothing"),
        (format!("vior_{}", "0".repeat(64)), "one that was never given out"),
        (client.clinic.admin.expose().to_owned(), "a key"),
        (link, "a link"),
        (format!("{}0", signed.refresh), "one digit more"),
    ] {
        assert_eq!(client.refresh(&token).await.status, StatusCode::UNAUTHORIZED, "{why}");
    }
    for what in ["refresh", "sign-out"] {
        let body = json!({ "refresh_token": signed.access });
        let long = client.speak(None, &format!("POST /v1/auth/{what}"), &[], &body).await;
        assert_eq!(long.faults(), ["/refresh_token too_long"], "an access token: {what}");
    }
    // And a refresh token is no access token.
    let answer = client.speak(Some(&signed.refresh), "GET /v1/me", &[], &Value::Null).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.refresh(&signed.refresh).await.status, StatusCode::OK);
}
