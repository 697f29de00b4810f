//! Tokens that we did not sign, or not like this; and keys that rotate.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::Signed;
use crate::client::{Client, app};

fn parts(token: &str) -> (Value, Value, String) {
    let part = |at: usize| token.split('.').nth(at).unwrap().to_owned();
    let json = |text: String| {
        serde_json::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()).unwrap()
    };
    (json(part(0)), json(part(1)), part(2))
}

fn joined(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

async fn status(client: &Client, token: &str) -> StatusCode {
    client.speak(Some(token), "GET /v1/me", &[], &Value::Null).await.status
}

#[tokio::test]
async fn no_token_holds_that_we_did_not_sign_as_it_is() {
    let client = Client::new().await;
    let (_, signed) = client.signed_in("client_user").await;
    let (header, claims, signature) = parts(&signed.access);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    assert_eq!(claims["role"], "client_user");

    let with = |value: &Value, field: &str, new: Value| {
        let mut changed = value.clone();
        changed[field] = new;
        changed
    };
    let own = Ed25519KeyPair::from_pkcs8(
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref(),
    )
    .unwrap();
    let by_us = |header: &Value, claims: &Value| {
        let message = joined(header, claims);
        let signature = own.sign(message.as_bytes());
        format!("{message}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    };
    // The public key is no secret: a verifier that let the token choose would take it for one.
    let public = client.world.texts("select encode(public_key, 'hex') from signing_keys").await;
    let public = data_encoding::HEXLOWER.decode(public[0].as_bytes()).unwrap();
    let as_secret = {
        let message = joined(&with(&header, "alg", json!("HS256")), &claims);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &public);
        let tag = hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
    };
    let admin = with(&claims, "role", json!("client_admin"));
    for (token, why) in [
        (format!("{}.{signature}", joined(&header, &admin)), "other claims, the old signature"),
        (format!("{}.", joined(&with(&header, "alg", json!("none")), &claims)), "no signature"),
        (format!("{}.{signature}", joined(&with(&header, "alg", json!("none")), &claims)), "none"),
        (as_secret, "the public key as a secret"),
        (by_us(&header, &claims), "another key under this name"),
        (by_us(&with(&header, "kid", json!("0193")), &claims), "an unknown key"),
        (by_us(&with(&header, "kid", Value::Null), &claims), "no key named"),
        (
            by_us(
                &with(
                    &header,
                    "jwk",
                    json!({ "kty": "OKP", "crv": "Ed25519",
                "x": BASE64URL_NOPAD.encode(own.public_key().as_ref()) }),
                ),
                &claims,
            ),
            "a key that it brings along",
        ),
        (signed.access[..signed.access.len() - 4].to_owned(), "cut short"),
        (format!("{}{}", signed.access, "A".repeat(3000)), "longer than any of ours"),
        ("a.b.c".to_owned(), "nothing"),
    ] {
        assert_eq!(status(&client, &token).await, StatusCode::UNAUTHORIZED, "{why}");
    }
    assert_eq!(status(&client, &signed.access).await, StatusCode::OK);
}

#[tokio::test]
async fn headers_that_try_to_be_somebody_else_are_not_believed() {
    let client = Client::new().await;
    let (_, signed) = client.signed_in("client_user").await;
    let key = client.clinic.admin.expose();
    let both = Request::get("/v1/me")
        .header("authorization", format!("Bearer {}", signed.access))
        .header("authorization", format!("Bearer {key}"));
    let answer = client.send(both.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "two are none");

    let tenant = client.world.tenant().await.id.to_string();
    let tricks = [
        ("x-tenant-id", tenant.as_str()),
        ("x-user-role", "super_admin"),
        ("x-forwarded-user", "root"),
        ("x-original-url", "/v1/platform/tenants"),
        ("x-http-method-override", "DELETE"),
    ];
    let me = client.speak(Some(&signed.access), "GET /v1/me", &tricks, &Value::Null).await;
    assert_eq!(me.body["role"], "client_user");
    assert_eq!(me.body["tenant_id"], client.clinic.id.to_string());
    for value in
        [key.to_owned(), format!("Basic {key}"), format!("Bearer{key}"), "Bearer ".to_owned()]
    {
        let request = Request::get("/v1/me").header("authorization", &value);
        let answer = client.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{value}");
    }
}

#[tokio::test]
async fn a_key_that_rotated_verifies_what_it_signed_and_signs_no_more() {
    let client = Client::new().await;
    let (person, before) = client.signed_in("client_user").await;
    let (db, ring) = (client.world.db.clone(), client.world.keys.clone());
    let next = api::rotate_signing_key(&db, &ring, "ada", false).await.unwrap().to_string();
    assert_eq!(status(&client, &before.access).await, StatusCode::OK, "it was signed before");

    // A process that starts now signs with the new key; the one that runs has not heard of that key, and asks.
    let other = Client { router: api::router(app(&client.world)), ..client };
    let after = other.sign_in(&person).await;
    assert_eq!(parts(&after.access).0["kid"], next.as_str());
    assert_eq!(status(&other, &before.access).await, StatusCode::OK, "and knows the old one");
    let public = other.world.texts("select encode(sealed, 'escape') from signing_keys").await;
    assert_eq!(public.len(), 2);
}

#[tokio::test]
async fn a_running_process_asks_for_a_key_that_it_has_not_heard_of() {
    let client = Client::new().await;
    let (person, _) = client.signed_in("client_user").await;
    let (db, ring) = (client.world.db.clone(), client.world.keys.clone());
    api::rotate_signing_key(&db, &ring, "ada", false).await.unwrap();
    let running = client.router.clone();
    let starting = Client { router: api::router(app(&client.world)), ..client };
    let after = starting.sign_in(&person).await;
    let running = Client { router: running, ..starting };
    assert_eq!(status(&running, &after.access).await, StatusCode::OK);
}

#[tokio::test]
async fn what_a_leaked_key_signed_holds_no_more() {
    let client = Client::new().await;
    let (_, before) = client.signed_in("client_user").await;
    let (db, ring) = (client.world.db.clone(), client.world.keys.clone());
    api::rotate_signing_key(&db, &ring, "ada", true).await.unwrap();
    // A running process hears of it within a minute; this one starts now.
    let client = Client { router: api::router(app(&client.world)), ..client };
    assert_eq!(status(&client, &before.access).await, StatusCode::UNAUTHORIZED);
    let next = client.refresh(&before.refresh).await;
    assert_eq!(next.status, StatusCode::OK, "the session goes on with a new token");
    assert_eq!(status(&client, &Signed::of(&next).access).await, StatusCode::OK);
}
