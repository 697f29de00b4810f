//! The tenant's people, as its administrators change them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::client::Client;

#[tokio::test]
async fn an_administrator_invites_and_sees_the_tenants_people_and_nobody_elses() {
    let client = Client::new().await;
    let other = client.world.tenant().await;
    let elsewhere = client.person_of(&other.admin, "client_admin").await;
    let (first, signed) = client.signed_in("client_admin").await;
    let body = json!({ "name": "Alan Turing", "email": "Alan@Clinic.example" });
    let made = client.by(&signed, "POST /v1/users", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    assert_eq!(made.header("location"), format!("/v1/users/{}", made.id()));
    assert_eq!(
        (&made.body["role"], &made.body["state"]),
        (&json!("client_user"), &json!("invited")),
        "the least, unless said otherwise"
    );
    let listed = client.by(&signed, "GET /v1/users", Value::Null).await;
    let ids: Vec<_> =
        listed.body["items"].as_array().unwrap().iter().map(|u| u["id"].clone()).collect();
    assert_eq!(ids, [json!(made.id()), json!(first.id)]);
    assert_eq!(listed.body["items"][0]["email"], "Alan@Clinic.example");
    assert!(listed.body["items"][0].get("link").is_none(), "shown once");
    let hidden = client.by(&signed, &format!("GET /v1/users/{}", elsewhere.id), Value::Null).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);

    let page = client.by(&signed, "GET /v1/users?limit=1", Value::Null).await;
    let next = page.body["next"].as_str().unwrap();
    let rest =
        client.by(&signed, &format!("GET /v1/users?limit=1&cursor={next}"), Value::Null).await;
    assert_eq!(rest.body["items"][0]["id"], first.id.as_str());
    assert_eq!(rest.body["next"], Value::Null);
}

#[tokio::test]
async fn an_address_signs_in_one_user_and_bad_details_are_named() {
    let client = Client::new().await;
    let other = client.world.tenant().await;
    let person = client.person_of(&other.admin, "client_user").await;
    let body = json!({ "name": "Eve Example", "email": person.email.to_uppercase() });
    let taken = client.admin("POST /v1/users", body).await;
    assert_eq!((taken.status, taken.problem()), (StatusCode::CONFLICT, "email-taken"));
    assert!(!taken.body.to_string().contains(&person.id), "whose it is is not told");
    let body = json!({ "name": "X", "email": "eve", "role": "client_user" });
    let wrong = client.admin("POST /v1/users", body).await;
    assert_eq!(wrong.faults(), ["/name too_short", "/email no_at_sign"]);
    let body = json!({ "name": "Eve Example", "email": "e@x.example", "role": "super_admin" });
    let role = client.admin("POST /v1/users", body).await;
    assert_eq!(role.faults(), ["/role unknown_role"], "nobody is made a super-admin here");
    assert_eq!(client.world.number("select count(*) from users").await, 1);
}

#[tokio::test]
async fn a_new_role_holds_from_the_next_request_on() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_user").await;
    let path = format!("PATCH /v1/users/{}", person.id);
    let read = client.admin(&format!("GET /v1/users/{}", person.id), Value::Null).await;
    let version = read.header("etag").to_owned();
    let may = async || client.by(&signed, "GET /v1/users", Value::Null).await.status;
    assert_eq!(may().await, StatusCode::FORBIDDEN);
    let raised = client.change(&path, &version, json!({ "role": "client_admin" })).await;
    assert_eq!(raised.body["role"], "client_admin", "{:?}", raised.body);
    assert_eq!(may().await, StatusCode::OK, "with the token that says client_user");
    let stale = client.change(&path, &version, json!({ "role": "client_user" })).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let missing = client.admin(&path, json!({ "role": "client_user" })).await;
    assert_eq!(missing.status, StatusCode::PRECONDITION_REQUIRED);
    let named = client.change(&path, "*", json!({ "name": "Grace B. Hopper" })).await;
    assert_eq!(named.body["name"], "Grace B. Hopper");
    assert_eq!(named.body["role"], "client_admin", "what is absent stays");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let client = Client::new().await;
    let (last, signed) = client.signed_in("client_admin").await;
    client.invited(&client.clinic.admin, "client_admin").await;
    let user = format!("/v1/users/{}", last.id);
    for (what, body) in [
        (format!("PATCH {user}"), json!({ "role": "client_user" })),
        (format!("POST {user}/deactivate"), json!({})),
    ] {
        let refused = client.change(&what, "*", body).await;
        assert_eq!(refused.problem(), "last-administrator", "{what}: who was only invited can't");
    }
    let me = client.by(&signed, "GET /v1/me", Value::Null).await;
    assert_eq!(me.status, StatusCode::OK, "nothing was changed");
    client.person("client_admin").await;
    let done = client.change(&format!("POST {user}/deactivate"), "*", json!({})).await;
    assert_eq!(done.status, StatusCode::OK, "there is another");
}

#[tokio::test]
async fn names_and_addresses_lie_sealed_and_every_change_is_in_the_chain() {
    let client = Client::new().await;
    let (person, _) = client.signed_in("client_user").await;
    let user = format!("/v1/users/{}", person.id);
    client.change(&format!("PATCH {user}"), "*", json!({ "name": "Somebody Else" })).await;
    client.admin(&format!("POST {user}/deactivate"), json!({})).await;
    client.admin(&format!("POST {user}/reactivate"), json!({})).await;
    assert_eq!(
        client.chain("changes").await,
        [
            "key user.invite",
            "user user.password",
            "key user.change",
            "key user.deactivate",
            "key user.reactivate",
        ]
    );
    let rows = client
        .world
        .texts(
            "select encode(name || email || email_eq, 'escape') from users
             union all select encode(detail, 'escape') from audit_entries where detail is not null
             union all select kind || entity from events",
        )
        .await
        .join(" ");
    for personal in ["Grace", "Hopper", "Somebody", person.email.as_str(), "clinic.example"] {
        assert!(!rows.contains(personal), "{personal}");
    }
    let kinds = client.world.texts("select kind from events order by n").await;
    assert!(kinds.iter().all(|kind| kind.starts_with("user.")), "{kinds:?}");
}

/// Each entry's hash covers the one before, in both chains, as `append_changes` makes them.
#[tokio::test]
async fn entries_about_people_are_links_of_the_same_chain() {
    let client = Client::new().await;
    let (person, signed) = client.signed_in("client_admin").await;
    client.by(&signed, "POST /v1/contacts", crate::client::ada()).await;
    client.by(&signed, "POST /v1/auth/sign-out", Value::Null).await;
    client.sign_in(&person).await;
    let broken = client
        .world
        .number(
            "with linked as (
                 select *, lag(chain_hash, 1, '\\x'::bytea) over (partition by tenant_id, chain order by n) as before,
                     lag(n, 1, 0::bigint) over (partition by tenant_id, chain order by n) as n_before,
                     sha256(convert_to(concat_ws('|', tenant_id, chain, n, (extract(epoch from at) * 1000000)::bigint,
                         actor, action, entity), 'UTF8') || coalesce(detail, ''::bytea)) as right_row
                 from audit_entries)
             select count(*) from linked
             where row_hash <> right_row or chain_hash <> sha256(before || row_hash) or n <> n_before + 1",
        )
        .await;
    assert_eq!(broken, 0);
    assert_eq!(client.world.number("select count(distinct chain) from audit_entries").await, 2);
    let heads = client
        .world
        .number(
            "select count(*) from tenant_heads h where change_n + access_n
                 <> (select count(*) from audit_entries e where e.tenant_id = h.tenant_id)",
        )
        .await;
    assert_eq!(heads, 0);
}
