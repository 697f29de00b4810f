//! Second factors.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{PASSWORD, Signed, secret};
use crate::client::Client;

const PROPOSE: &str = "POST /v1/me/second-factor";
const CONFIRM: &str = "POST /v1/me/second-factor/confirm";
const REMOVE: &str = "POST /v1/me/second-factor/remove";

#[tokio::test]
async fn a_second_factor_is_asked_for_once_a_code_of_it_was_shown() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let elsewhere = client.sign_in(&person).await;
    let wrong = client.by(&signed, PROPOSE, json!({ "password": "Wrong4Horses" })).await;
    assert_eq!(wrong.faults(), ["/password wrong_password"]);
    let proposed = client.by(&signed, PROPOSE, json!({ "password": PASSWORD })).await;
    let app = secret(&proposed);
    let uri = proposed.body["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/VioConcierge?secret="), "{uri}");
    assert!(!uri.contains(&person.email));
    client.sign_in(&person).await;

    let none = client.by(&signed, CONFIRM, json!({ "code": "000000" })).await;
    assert_eq!(none.problem(), "second-factor-wrong");
    let code = client.code(&app).await;
    let confirmed = client.by(&signed, CONFIRM, json!({ "code": code })).await;
    assert_eq!(confirmed.status, StatusCode::OK, "{:?}", confirmed.body);
    assert_eq!(confirmed.body["recovery_codes"].as_array().unwrap().len(), 10);
    let me = async |signed| client.by(signed, "GET /v1/me", Value::Null).await.status;
    assert_eq!(me(&signed).await, StatusCode::OK);
    assert_eq!(me(&elsewhere).await, StatusCode::UNAUTHORIZED, "it had shown none");

    let without = client.try_sign_in(&person.email, json!({})).await;
    assert_eq!(
        (without.status, without.problem()),
        (StatusCode::UNAUTHORIZED, "second-factor-needed")
    );
    let guess = client.try_sign_in(&person.email, json!({ "password": "Wrong4Horses" })).await;
    assert_eq!(guess.problem(), "sign-in-refused", "who doesn't know the password learns nothing");
    let code = client.next_code(&app).await;
    let with = client.try_sign_in(&person.email, json!({ "code": code })).await;
    assert_eq!(with.status, StatusCode::OK, "{:?}", with.body);
    let again = client.by(&signed, PROPOSE, json!({ "password": PASSWORD })).await;
    assert_eq!(again.problem(), "second-factor-exists");
    let listed = client.admin(&format!("GET /v1/users/{}", person.id), Value::Null).await;
    assert_eq!(listed.body["second_factor"], true);
}

#[tokio::test]
async fn a_code_works_once() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let (app, _) = client.add_factor(&signed).await;
    let confirmed_with = client.code(&app).await;
    let replayed = client.try_sign_in(&person.email, json!({ "code": confirmed_with })).await;
    assert_eq!(replayed.problem(), "second-factor-wrong", "it was used to confirm");
    let code = client.next_code(&app).await;
    let first = client.try_sign_in(&person.email, json!({ "code": code })).await;
    assert_eq!(first.status, StatusCode::OK);
    let second = client.try_sign_in(&person.email, json!({ "code": code })).await;
    assert_eq!(
        (second.status, second.problem()),
        (StatusCode::UNAUTHORIZED, "second-factor-wrong"),
        "whoever looked over the shoulder is too late"
    );
    assert!(client.chain("accesses").await.contains(&"stranger sign_in.refused".to_owned()));
}

/// Both requests read the step before either has used it up.
#[tokio::test]
async fn of_two_sign_ins_with_one_code_at_a_time_one_succeeds() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let (app, _) = client.add_factor(&signed).await;
    let code = client.next_code(&app).await;
    let one = client.try_sign_in(&person.email, json!({ "code": code }));
    let other = client.try_sign_in(&person.email, json!({ "code": code }));
    let (one, other) = tokio::join!(one, other);
    let mut both = [one.status.as_u16(), other.status.as_u16()];
    both.sort_unstable();
    assert_eq!(both, [200, 401]);
}

#[tokio::test]
async fn codes_cannot_be_guessed_at() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let (app, _) = client.add_factor(&signed).await;
    for _ in 0..10 {
        let answer = client.try_sign_in(&person.email, json!({ "code": "000000" })).await;
        assert_eq!(answer.problem(), "second-factor-wrong");
    }
    let code = client.next_code(&app).await;
    let right = client.try_sign_in(&person.email, json!({ "code": code })).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_recovery_code_stands_in_once() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let (app, codes) = client.add_factor(&signed).await;
    let with = async |code: &str| {
        client.try_sign_in(&person.email, json!({ "recovery_code": code })).await
    };
    assert_eq!(with(&codes[0].to_uppercase()).await.status, StatusCode::OK);
    assert_eq!(with(&codes[0]).await.problem(), "second-factor-wrong", "used");
    assert_eq!(with(&codes[1]).await.status, StatusCode::OK);

    let code = client.next_code(&app).await;
    let renew = "POST /v1/me/second-factor/recovery-codes";
    let body = json!({ "password": PASSWORD, "code": code });
    let renewed = client.by(&signed, renew, body).await;
    assert_eq!(renewed.status, StatusCode::OK, "{:?}", renewed.body);
    assert_eq!(with(&codes[2]).await.problem(), "second-factor-wrong", "replaced");
    let new = renewed.body["recovery_codes"][0].as_str().unwrap();
    assert_eq!(with(new).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_second_factor_is_taken_off_by_whoever_has_it() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let none = client.by(&signed, REMOVE, json!({ "password": PASSWORD })).await;
    assert_eq!(none.problem(), "no-second-factor");
    let (app, codes) = client.add_factor(&signed).await;
    for (body, problem, why) in [
        (json!({ "password": PASSWORD }), "second-factor-needed", "the password alone"),
        (json!({ "password": PASSWORD, "code": "000000" }), "second-factor-wrong", "a guess"),
        (
            json!({ "password": "Wrong4Horses", "recovery_code": codes[0] }),
            "invalid",
            "no password",
        ),
    ] {
        assert_eq!(client.by(&signed, REMOVE, body).await.problem(), problem, "{why}");
    }
    let code = client.next_code(&app).await;
    let body = json!({ "password": PASSWORD, "code": code });
    assert_eq!(client.by(&signed, REMOVE, body).await.status, StatusCode::NO_CONTENT);
    client.sign_in(&person).await;
    let told = client.chain("changes").await;
    assert!(told.contains(&"user user.second_factor_removed".to_owned()), "{told:?}");
}

#[tokio::test]
async fn an_administrator_takes_a_lost_one_off_and_ends_the_sessions() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    client.add_factor(&signed).await;
    let path = format!("POST /v1/users/{}/second-factor/remove", person.id);
    let done = client.admin(&path, json!({})).await;
    assert_eq!((done.status, &done.body["second_factor"]), (StatusCode::OK, &json!(false)));
    let me = client.by(&signed, "GET /v1/me", Value::Null).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
    client.sign_in(&person).await;
}

#[tokio::test]
async fn where_it_is_required_nothing_else_is_allowed_before_one_is_set_up() {
    let client = Client::new().await;
    let (person, before) = client.signed_in("client_admin").await;
    let put = "PUT /v1/tenant/security";
    let body = json!({ "second_factor_required": true });
    let stale = client.speak(Some(&before.access), put, &[("if-match", "\"9\"")], &body).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let done = client.speak(Some(&before.access), put, &[("if-match", "*")], &body).await;
    assert_eq!(done.status, StatusCode::OK, "{:?}", done.body);

    // Sessions that had shown none are bound by it at once.
    let refused = client.by(&before, "GET /v1/contacts", Value::Null).await;
    assert_eq!(
        (refused.status, refused.problem()),
        (StatusCode::FORBIDDEN, "second-factor-setup-needed")
    );
    let answer = client.try_sign_in(&person.email, json!({})).await;
    assert_eq!(answer.body["second_factor_setup_needed"], true);
    let signed = Signed::of(&answer);
    let me = client.by(&signed, "GET /v1/me", Value::Null).await;
    assert_eq!(me.body["permissions"], json!([]), "nothing but setting one up");
    let (app, _) = client.add_factor(&signed).await;
    let read = client.by(&signed, "GET /v1/contacts", Value::Null).await;
    assert_eq!(read.status, StatusCode::OK, "this session has shown it");

    // Changing phones: off, and at once bound again.
    let code = client.next_code(&app).await;
    let body = json!({ "password": PASSWORD, "code": code });
    assert_eq!(client.by(&signed, REMOVE, body).await.status, StatusCode::NO_CONTENT);
    let refused = client.by(&signed, "GET /v1/contacts", Value::Null).await;
    assert_eq!(refused.problem(), "second-factor-setup-needed");
    let key = client.admin("GET /v1/contacts", Value::Null).await;
    assert_eq!(key.status, StatusCode::OK, "programs have none");
}

#[tokio::test]
async fn the_secret_lies_sealed_and_codes_lie_hashed() {
    let client = Client::new().await;
    let (_, signed) = client.signed_in("client_user").await;
    let (app, codes) = client.add_factor(&signed).await;
    let rows = client
        .world
        .texts(
            "select encode(totp, 'hex') || password_hash from users where totp is not null
             union all select encode(hash, 'escape') from recovery_codes
             union all select encode(hash, 'escape') from refresh_tokens
             union all select encode(hash, 'escape') from password_links",
        )
        .await
        .join(" ");
    assert!(rows.contains("$argon2id$"));
    let secret = data_encoding::HEXLOWER.encode(app.as_bytes());
    for kept in [secret.as_str(), &codes[0], &codes[0].replace('-', ""), PASSWORD, &signed.refresh]
    {
        assert!(!rows.contains(kept));
    }
}
