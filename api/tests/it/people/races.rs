//! What happens to somebody while they sign in: a hash takes long enough for it.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::db::EngineTx;
use shared::ids::UserId;
use shared::people::session::Why;
use shared::people::store::{factor, sessions, sign_in};

use super::{PASSWORD, Person, Signed};
use crate::client::Client;

/// Waits until somebody's statement waits for a lock.
async fn until_one_waits(client: &Client) {
    let waiting = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    while client.world.number(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
}

/// Signs in while `tx` holds what it changed of the person, and commits it once the sign-in waits for it.
async fn sign_in_meanwhile(
    client: &Client,
    person: &Person,
    tx: EngineTx,
) -> crate::client::Answer {
    let signing_in = client.try_sign_in(&person.email, json!({}));
    let changing = async {
        until_one_waits(client).await;
        tx.commit().await.unwrap();
    };
    tokio::join!(signing_in, changing).0
}

fn id(person: &Person) -> UserId {
    UserId(person.id.parse().unwrap())
}

#[tokio::test]
async fn who_signs_in_with_a_password_that_is_changed_meanwhile_has_no_session() {
    let client = Client::new().await;
    let person = client.person("client_user").await;
    let mut tx = client.world.db.engine().await.unwrap();
    let known = sign_in::of_user(&mut tx, id(&person)).await.unwrap().unwrap();
    let before = known.password_hash.as_deref();
    assert!(sign_in::set_password(&mut tx, known.user, before, "another").await.unwrap());
    sessions::end_others(&mut tx, known.user, None, Why::Password).await.unwrap();

    let answer = sign_in_meanwhile(&client, &person, tx).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::UNAUTHORIZED, "sign-in-refused"));
    assert_eq!(client.world.number("select count(*) from sessions").await, 0);
}

#[tokio::test]
async fn who_signs_in_without_the_second_factor_that_is_confirmed_meanwhile_has_no_session() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let body = json!({ "password": PASSWORD });
    let proposed = client.by(&signed, "POST /v1/me/second-factor", body).await;
    assert_eq!(proposed.status, StatusCode::OK);
    let mut tx = client.world.db.engine().await.unwrap();
    assert!(factor::confirm(&mut tx, id(&person), 1).await.unwrap());
    sessions::end_others(&mut tx, id(&person), None, Why::SecondFactor).await.unwrap();

    let answer = sign_in_meanwhile(&client, &person, tx).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::UNAUTHORIZED, "sign-in-refused"));
    let open = "select count(*) from sessions where ended_at is null";
    assert_eq!(client.world.number(open).await, 0);
}

/// Their session would hold again once they are let in again.
#[tokio::test]
async fn who_signs_in_while_they_are_deactivated_has_no_session_when_they_are_back() {
    let client = Client::new().await;
    let (person, first) = client.signed_in("client_user").await;
    client.by(&first, "POST /v1/auth/sign-out", Value::Null).await;
    let mut tx = client.world.db.tenant(client.clinic.id).await.unwrap();
    let keys = client.world.keys.of(&mut tx).await.unwrap();
    let users = shared::people::store::users::find(&mut tx, &keys, id(&person)).await.unwrap();
    let mut user = users.unwrap();
    (user.state, user.version) = (shared::people::State::Deactivated, user.version + 1);
    let now = shared::tenants::store::now(&mut tx).await.unwrap();
    shared::people::store::users::save(&mut tx, &keys, &user, now).await.unwrap();
    sessions::end_of_user(&mut tx, user.id, Why::Deactivated).await.unwrap();

    let signing_in = client.try_sign_in(&person.email, json!({}));
    let changing = async {
        until_one_waits(&client).await;
        tx.commit().await.unwrap();
    };
    let answer = tokio::join!(signing_in, changing).0;
    assert_eq!(answer.problem(), "sign-in-refused");
    let path = format!("POST /v1/users/{}/reactivate", person.id);
    assert_eq!(client.admin(&path, json!({})).await.status, StatusCode::OK);
    let me = client.by(&Signed::of(&answer), "GET /v1/me", Value::Null).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
    let open = "select count(*) from sessions where ended_at is null";
    assert_eq!(client.world.number(open).await, 0);
}
