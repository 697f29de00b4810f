//! Signing in, and not being told why it failed.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{PASSWORD, Signed};
use crate::client::{Client, app};

#[tokio::test]
async fn whoever_knows_the_password_gets_a_token_that_says_who_they_are() {
    let client = Client::new().await;
    let person = client.person("client_user").await;
    let body = json!({ "email": person.email.to_uppercase(), "password": PASSWORD });
    let answer = client.speak(None, "POST /v1/auth/sign-in", &[], &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 900, "a quarter of an hour");
    assert_eq!(answer.body["user"]["id"], person.id.as_str());
    assert_eq!(answer.body["user"]["role"], "client_user");
    assert_eq!(answer.body["second_factor_setup_needed"], false);
    assert_eq!(answer.header("cache-control"), "no-store");

    let signed = Signed::of(&answer);
    let me = client.by(&signed, "GET /v1/me", Value::Null).await;
    assert_eq!(me.body["kind"], "user");
    assert_eq!(me.body["id"], person.id.as_str());
    assert_eq!(me.body["tenant_id"], client.clinic.id.to_string());
    assert!(me.body["permissions"].to_string().contains("contacts.read"));
    assert!(!me.body["permissions"].to_string().contains("contacts.edit"));
    let read = client.by(&signed, "GET /v1/contacts", Value::Null).await;
    assert_eq!(read.status, StatusCode::OK, "handlers did not change for people");
    assert_eq!(client.signs().await, ["user sign_in"]);
}

#[tokio::test]
async fn the_refresh_token_is_in_a_cookie_that_no_script_and_no_other_site_sees() {
    let client = Client::new().await;
    let person = client.person("client_user").await;
    let body = json!({ "email": person.email, "password": PASSWORD });
    let answer = client.speak(None, "POST /v1/auth/sign-in", &[], &body).await;
    assert!(answer.body.get("refresh_token").is_none(), "only whoever asks gets it in the body");
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Secure-vio_refresh=vior_"), "{cookie}");
    for part in ["Path=/v1/auth", "HttpOnly", "Secure", "SameSite=Strict", "Max-Age=28800"] {
        assert!(cookie.split("; ").any(|found| found == part), "{part}: {cookie}");
    }

    let asked = client.try_sign_in(&person.email, json!({})).await;
    assert!(asked.body["refresh_token"].as_str().unwrap().starts_with("vior_"));
    assert_eq!(asked.header("set-cookie"), "", "one or the other");
}

#[tokio::test]
async fn somebody_unknown_and_a_wrong_password_cost_the_same_work_and_get_the_same_answer() {
    let client = Client::new().await;
    let people = crate::client::people(&client.world);
    let mut its = app(&client.world);
    its.people = people.clone();
    let client = Client { router: api::router(its), ..client };
    let person = client.person("client_admin").await;
    let (invited, _) = client.invited(&client.clinic.admin, "client_user").await;
    let gone = client.person("client_user").await;
    let path = format!("POST /v1/users/{}/deactivate", gone.id);
    assert_eq!(client.admin(&path, json!({})).await.status, StatusCode::OK);

    let wrong = json!({ "password": "Wrong4Horses" });
    let mut answers = Vec::new();
    for (email, more, why) in [
        (person.email.as_str(), wrong.clone(), "a wrong password"),
        ("nobody@clinic.example", wrong.clone(), "somebody unknown"),
        (invited.email.as_str(), wrong, "somebody without a password yet"),
        (gone.email.as_str(), json!({}), "somebody deactivated, with the right password"),
    ] {
        let before = people.hashes_computed();
        let answer = client.try_sign_in(email, more).await;
        assert_eq!(people.hashes_computed(), before + 1, "one hash, whoever it is: {why}");
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{why}");
        assert_eq!(answer.header("set-cookie"), "");
        let mut body = answer.body.clone();
        body.as_object_mut().unwrap().remove("request_id");
        answers.push(body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    // Each has its entry: in the tenant's chain, or of nobody's in the platform's.
    assert_eq!(client.signs().await, ["stranger sign_in.refused"; 3]);
    let of_platform = client.world.texts("select action from platform_entries").await;
    assert_eq!(of_platform, ["sign_in.refused"]);
}

#[tokio::test]
async fn a_suspended_tenants_people_are_told_so_once_they_proved_who_they_are() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    client.world.run("update tenants set active = false").await;
    let right = client.try_sign_in(&person.email, json!({})).await;
    assert_eq!((right.status, right.problem()), (StatusCode::FORBIDDEN, "tenant-suspended"));
    let wrong = client.try_sign_in(&person.email, json!({ "password": "Wrong4Horses" })).await;
    assert_eq!(wrong.problem(), "sign-in-refused");
    let read = client.by(&signed, "GET /v1/contacts", Value::Null).await;
    assert_eq!(read.problem(), "tenant-suspended");
    let refreshed = client.refresh(&signed.refresh).await;
    assert_eq!(refreshed.problem(), "tenant-suspended");
    client.world.run("update tenants set active = true").await;
    assert_eq!(client.refresh(&signed.refresh).await.status, StatusCode::OK, "it was not used up");
}

#[tokio::test]
async fn a_sign_in_that_another_site_sends_is_refused() {
    let client = Client::new().await;
    let person = client.person("client_user").await;
    let body = json!({ "email": person.email, "password": PASSWORD });
    for (headers, status, why) in [
        (vec![("origin", "https://evil.example"), ("host", "api.example")], 403, "another origin"),
        (vec![("origin", "null"), ("host", "api.example")], 403, "a sandboxed frame"),
        (vec![("sec-fetch-site", "cross-site")], 403, "the browser says so"),
        (vec![("sec-fetch-site", "same-site")], 403, "a neighbour's subdomain"),
        (vec![("origin", "https://api.example"), ("host", "api.example")], 200, "our own page"),
        (vec![("sec-fetch-site", "same-origin")], 200, "our own page"),
        (vec![], 200, "a program"),
    ] {
        let answer = client.speak(None, "POST /v1/auth/sign-in", &headers, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{why}: {:?}", answer.body);
    }
}

/// A body that says more than it may: `role`, `tenant_id`, `second_factor` and the like are never taken from it.
#[tokio::test]
async fn no_route_takes_a_field_that_it_does_not_know() {
    let client = Client::new().await;
    let (person, admin) = client.signed_in("client_admin").await;
    let (_, platform) = client.super_admin().await;
    let user = format!("/v1/users/{}", person.id);
    for (who, what, mut body, extra) in [
        (
            None,
            "POST /v1/auth/sign-in".to_owned(),
            json!({ "email": person.email, "password": PASSWORD }),
            "second_factor",
        ),
        (None, "POST /v1/auth/refresh".to_owned(), json!({}), "session_id"),
        (None, "POST /v1/auth/sign-out".to_owned(), json!({}), "session_id"),
        (
            None,
            "POST /v1/auth/set-password".to_owned(),
            json!({ "token": "x", "password": PASSWORD }),
            "role",
        ),
        (
            Some(&admin),
            "POST /v1/me/password".to_owned(),
            json!({ "password": PASSWORD, "new_password": "Other4Horses" }),
            "user_id",
        ),
        (
            Some(&admin),
            "POST /v1/me/second-factor".to_owned(),
            json!({ "password": PASSWORD }),
            "secret",
        ),
        (
            Some(&admin),
            "POST /v1/me/second-factor/confirm".to_owned(),
            json!({ "code": "123456" }),
            "user_id",
        ),
        (
            Some(&admin),
            "POST /v1/me/second-factor/remove".to_owned(),
            json!({ "password": PASSWORD }),
            "user_id",
        ),
        (
            Some(&admin),
            "POST /v1/users".to_owned(),
            json!({ "name": "Eve Example", "email": "eve@x.example" }),
            "tenant_id",
        ),
        (Some(&admin), format!("PATCH {user}"), json!({ "name": "Eve Example" }), "state"),
        (Some(&admin), format!("PATCH {user}"), json!({ "name": "Eve Example" }), "email"),
        (Some(&admin), format!("POST {user}/deactivate"), json!({}), "tenant_id"),
        (Some(&admin), format!("POST {user}/password-link"), json!({}), "hours"),
        (Some(&admin), "POST /v1/api-keys".to_owned(), json!({ "name": "CRM" }), "tenant_id"),
        (
            Some(&admin),
            "PUT /v1/tenant/security".to_owned(),
            json!({ "second_factor_required": true }),
            "active",
        ),
        (
            Some(&platform),
            "POST /v1/platform/tenants".to_owned(),
            json!({ "name": "Clinic" }),
            "allowance",
        ),
        (
            Some(&platform),
            format!("PATCH /v1/platform/tenants/{}", client.clinic.id),
            json!({}),
            "policy",
        ),
        (
            Some(&platform),
            "POST /v1/platform/visits".to_owned(),
            json!({ "tenant_id": client.clinic.id, "reason": "Ticket 4711" }),
            "approved_by",
        ),
    ] {
        body[extra] = json!("x");
        let bearer = who.map(|signed: &Signed| signed.access.as_str());
        let answer = client.speak(bearer, &what, &[("if-match", "*")], &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}: {:?}", answer.body);
        assert_eq!(answer.faults(), [format!("/{extra} unknown_field")], "{what}");
    }
    assert_eq!(client.world.number("select count(*) from users").await, 2, "nobody was made");
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_in_is_named_without_quoting_it() {
    let client = Client::new().await;
    for (body, fault, why) in [
        (json!({ "password": PASSWORD }), "/email missing", "no address"),
        (json!({ "email": "ada", "password": PASSWORD }), "/email no_at_sign", "no address"),
        (json!({ "email": "a@b.example" }), "/password missing", "no password"),
        (json!({ "email": "a@b.example", "password": 7 }), "/password wrong_type", "a number"),
        (
            json!({ "email": "a@b.example", "password": "x".repeat(1025) }),
            "/password too_long",
            "too much",
        ),
        (
            json!({ "email": "a@b.example", "password": "x", "refresh_token": "header" }),
            "/refresh_token wrong_type",
            "another way",
        ),
    ] {
        let answer = client.speak(None, "POST /v1/auth/sign-in", &[], &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}: {:?}", answer.body);
        assert_eq!(answer.faults(), [fault], "{why}");
        assert!(!answer.body.to_string().contains(PASSWORD));
    }
}
