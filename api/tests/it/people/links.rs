//! Links by which a password is set.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};
use shared::api_keys::ApiKey;

use super::PASSWORD;
use crate::client::Client;

#[tokio::test]
async fn an_invitation_sets_the_first_password_once() {
    let client = Client::new().await;
    let (person, link) = client.invited(&client.clinic.admin, "client_user").await;
    assert!(link.starts_with("viol_"));
    for (password, fault) in [
        ("short1A", "too_short"),
        ("Password1", "common_password"),
        ("lower4case", "no_upper_case"),
    ] {
        let refused = client.set_password(&link, password).await;
        assert_eq!(refused.faults(), [format!("/password {fault}")]);
        assert!(!refused.body.to_string().contains(password));
    }
    let set = client.set_password(&link, PASSWORD).await;
    assert_eq!(set.status, StatusCode::NO_CONTENT, "a refused password did not use it up");
    let again = client.set_password(&link, "Other4Horses").await;
    assert_eq!(again.faults(), ["/token no_such_link"], "it works once");
    client.sign_in(&person).await;
    let listed = client.admin(&format!("GET /v1/users/{}", person.id), Value::Null).await;
    assert_eq!(listed.body["state"], "active");
    assert!(listed.body["signed_in_at"].is_string());
}

#[tokio::test]
async fn a_link_expires_and_a_newer_one_takes_its_place() {
    let client = Client::new().await;
    let (person, first) = client.invited(&client.clinic.admin, "client_user").await;
    let path = format!("POST /v1/users/{}/password-link", person.id);
    let renewed = client.admin(&path, json!({})).await;
    assert_eq!(renewed.body["kind"], "invitation", "they have no password yet");
    let second = renewed.body["token"].as_str().unwrap().to_owned();
    let refused = client.set_password(&first, PASSWORD).await;
    assert_eq!(refused.faults(), ["/token no_such_link"], "a newer one was made");
    client.world.advance(Duration::days(7)).await;
    assert_eq!(client.set_password(&second, PASSWORD).await.faults(), ["/token no_such_link"]);
    let third = client.admin(&path, json!({})).await;
    let third = third.body["token"].as_str().unwrap();
    assert_eq!(client.set_password(third, PASSWORD).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_reset_holds_a_day_and_ends_every_session_when_it_is_used() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let path = format!("POST /v1/users/{}/password-link", person.id);
    let late = client.admin(&path, json!({})).await;
    assert_eq!(late.body["kind"], "reset");
    client.world.advance(Duration::hours(24)).await;
    let refused = client.set_password(late.body["token"].as_str().unwrap(), "Other4Horses").await;
    assert_eq!(refused.faults(), ["/token no_such_link"]);

    let signed_again = client.sign_in(&person).await;
    let made = client.admin(&path, json!({})).await;
    client.sign_in(&person).await;
    let link = made.body["token"].as_str().unwrap();
    assert_eq!(client.set_password(link, "Other4Horses").await.status, StatusCode::NO_CONTENT);
    for (signed, why) in [(&signed, "expired"), (&signed_again, "the password was reset")] {
        let me = client.by(signed, "GET /v1/me", Value::Null).await;
        assert_eq!(me.status, StatusCode::UNAUTHORIZED, "{why}");
        assert_eq!(client.refresh(&signed.refresh).await.status, StatusCode::UNAUTHORIZED);
    }
    let old = client.try_sign_in(&person.email, json!({})).await;
    assert_eq!(old.problem(), "sign-in-refused");
    let new = client.try_sign_in(&person.email, json!({ "password": "Other4Horses" })).await;
    assert_eq!(new.status, StatusCode::OK);
}

#[tokio::test]
async fn links_end_with_the_standing_of_whoever_made_them() {
    for ends in ["deactivated", "no administrator any more"] {
        let client = Client::new().await;
        let (leaving, signed) = client.signed_in("client_admin").await;
        let (_, _stays) = client.signed_in("client_admin").await;
        let (person, _) = client.signed_in("client_user").await;
        let wish = json!({ "name": "Robin Example", "email": "robin@example.com", "role": "client_admin" });
        let invited = client.by(&signed, "POST /v1/users", wish).await;
        let reset = format!("POST /v1/users/{}/password-link", person.id);
        let reset = client.by(&signed, &reset, json!({})).await;
        let (_, others) = client.invited(&client.clinic.admin, "client_user").await;
        let token = |answer: &Value| answer["token"].as_str().unwrap().to_owned();
        let (invitation, reset) = (token(&invited.body["link"]), token(&reset.body));

        let user = format!("/v1/users/{}", leaving.id);
        let done = if ends == "deactivated" {
            client.admin(&format!("POST {user}/deactivate"), json!({})).await
        } else {
            let patch = format!("PATCH {user}");
            client.change(&patch, "*", json!({ "role": "client_user" })).await
        };
        assert_eq!(done.status, StatusCode::OK, "{:?}", done.body);
        for (link, why) in
            [(invitation, "a back door for another address"), (reset, "or into another's account")]
        {
            let refused = client.set_password(&link, "Other4Horses").await;
            assert_eq!(refused.faults(), ["/token no_such_link"], "{ends}: {why}");
        }
        client.sign_in(&person).await;
        let kept = client.set_password(&others, PASSWORD).await;
        assert_eq!(kept.status, StatusCode::NO_CONTENT, "{ends}: somebody else made it");
        let robin = invited.body["id"].as_str().unwrap();
        let anew = client.admin(&format!("POST /v1/users/{robin}/password-link"), json!({})).await;
        let anew = client.set_password(&token(&anew.body), PASSWORD).await;
        let why = "another administrator invites them again";
        assert_eq!(anew.status, StatusCode::NO_CONTENT, "{ends}: {why}");
    }
}

#[tokio::test]
async fn a_change_of_name_ends_no_link() {
    let client = Client::new().await;
    let (admin, signed) = client.signed_in("client_admin").await;
    let wish = json!({ "name": "Robin Example", "email": "robin@example.com" });
    let invited = client.by(&signed, "POST /v1/users", wish).await;
    let patch = format!("PATCH /v1/users/{}", admin.id);
    client.change(&patch, "*", json!({ "name": "Lee Example" })).await;
    let token = invited.body["link"]["token"].as_str().unwrap();
    assert_eq!(client.set_password(token, PASSWORD).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn keys_of_whoever_leaves_are_named_and_end_if_that_is_asked_for() {
    let client = Client::new().await;
    let (leaving, signed) = client.signed_in("client_admin").await;
    let (_, _stays) = client.signed_in("client_admin").await;
    let made = client.by(&signed, "POST /v1/api-keys", json!({ "name": "Bookings" })).await;
    let (id, key) = (made.id(), ApiKey::parse(made.body["api_key"].as_str().unwrap()).unwrap());
    let works = async || client.ask(&key, "GET /v1/contacts", &[], &Value::Null).await.status;
    let listed =
        async |id: &str| client.admin(&format!("GET /v1/api-keys/{id}"), Value::Null).await;
    assert_eq!(listed(&id).await.body["maker_left"], false);

    let patch = format!("PATCH /v1/users/{}", leaving.id);
    client.change(&patch, "*", json!({ "role": "client_user" })).await;
    assert_eq!(listed(&id).await.body["maker_left"], true, "they may make none any more");
    let leave = format!("POST /v1/users/{}/deactivate", leaving.id);
    let gone = client.admin(&leave, json!({})).await;
    assert_eq!((&gone.body["state"], &gone.body["keys"]), (&json!("deactivated"), &json!([id])));
    assert_eq!(works().await, StatusCode::OK, "a booking system doesn't stop unasked");
    assert_eq!(listed(&id).await.body["maker_left"], true);

    let gone = client.admin(&leave, json!({ "revoke_keys": true })).await;
    assert_eq!(gone.body["keys"], json!([]), "also of somebody who was deactivated before");
    assert_eq!(works().await, StatusCode::UNAUTHORIZED);
    assert_eq!(listed(&id).await.status, StatusCode::NOT_FOUND);
    let own = client.admin("GET /v1/api-keys", Value::Null).await;
    assert!(!own.body["items"].as_array().unwrap().is_empty(), "others' hold on");
}

#[tokio::test]
async fn whoever_is_deactivated_sets_no_password() {
    let client = Client::new().await;
    let (person, link) = client.invited(&client.clinic.admin, "client_user").await;
    let user = format!("/v1/users/{}", person.id);
    client.admin(&format!("POST {user}/deactivate"), json!({})).await;
    assert_eq!(client.set_password(&link, PASSWORD).await.faults(), ["/token no_such_link"]);
    let new = client.admin(&format!("POST {user}/password-link"), json!({})).await;
    assert_eq!(new.problem(), "user-deactivated");
    let back = client.admin(&format!("POST {user}/reactivate"), json!({})).await;
    assert_eq!(back.body["state"], "invited", "they never had a password");
    assert_eq!(client.set_password(&link, PASSWORD).await.faults(), ["/token no_such_link"]);
}

#[tokio::test]
async fn what_is_no_link_costs_no_hash() {
    let client = Client::new().await;
    let people = crate::client::people(&client.world);
    let mut app = crate::client::app(&client.world);
    app.people = people.clone();
    let client = Client { router: api::router(app), ..client };
    let before = people.hashes_computed();
    for token in ["", "x", &format!("viol_{}", "0".repeat(64)), client.clinic.admin.expose()] {
        let refused = client.set_password(token, PASSWORD).await;
        assert_eq!(refused.faults(), ["/token no_such_link"]);
    }
    assert_eq!(people.hashes_computed(), before);
}

#[tokio::test]
async fn an_answer_with_a_secret_is_not_kept_for_a_second_asking() {
    let client = Client::new().await;
    let body = json!({ "name": "Grace Hopper", "email": "grace@clinic.example" });
    for (what, body) in [("POST /v1/users", body), ("POST /v1/api-keys", json!({ "name": "CRM" }))]
    {
        let key = [("idempotency-key", "once")];
        let answer = client.ask(&client.clinic.admin, what, &key, &body).await;
        assert_eq!(answer.faults(), ["Idempotency-Key not_kept"], "{what}");
    }
    assert_eq!(client.world.number("select count(*) from users").await, 0);
}

/// Somebody read a colleague's link. Whoever changes their password must be sure that it is the last word.
#[tokio::test]
async fn a_link_holds_no_more_once_its_person_chose_another_password() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let path = format!("POST /v1/users/{}/password-link", person.id);
    let link = client.admin(&path, json!({})).await;
    let body = json!({ "password": PASSWORD, "new_password": "Other4Horses" });
    let changed = client.by(&signed, "POST /v1/me/password", body).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT);
    let late = client.set_password(link.body["token"].as_str().unwrap(), "Third4Horses").await;
    assert_eq!(late.faults(), ["/token no_such_link"]);
}
