//! People, keys and the platform's records, by hand.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::api_keys::ApiKey;

use super::{ACTS, Terminal};
use crate::client::{Client, ada};
use crate::people::{PASSWORD, Signed};

const NOBODY: &str = "01935000-0000-7000-8000-000000000099";

fn text<'a>(told: &'a Value, name: &str) -> &'a str {
    told[name].as_str().unwrap_or_else(|| panic!("{name}: {told}"))
}

#[tokio::test]
async fn a_tenants_first_administrator_is_made_and_let_in_again_after_losing_everything() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let made = terminal.admin(&["tenant", "create", "Elm Street"]).unwrap();
    let tenant = text(&made, "tenant_id");
    let next = made["next"][0].as_str().unwrap();
    assert!(next.starts_with(&format!("api admin user create {tenant} ")), "{next}");
    let tenants = terminal.admin(&["tenant", "list"]).unwrap();
    assert_eq!(tenants[0]["tenant_id"], tenant, "newest first: {tenants}");
    let create = |email: &'static str| {
        terminal.admin(&[
            "user",
            "create",
            tenant,
            "--name",
            "Avery Admin",
            "--email",
            email,
            "--role",
            "client_admin",
        ])
    };
    let invited = create("avery@elm.example").unwrap();
    let link = text(&invited, "link_token");
    assert_eq!(client.set_password(link, PASSWORD).await.status, StatusCode::NO_CONTENT);
    let signed = Signed::of(&client.try_sign_in("avery@elm.example", json!({})).await);
    client.add_factor(&signed).await;
    let twice = create("avery@elm.example").unwrap_err();
    assert!(twice.contains("somebody signs in with this e-mail address already"), "{twice}");

    // The phone is gone, and the password with it.
    let user = text(&invited, "user_id");
    let listed = terminal.admin(&["user", "list", tenant]).unwrap();
    assert_eq!((&listed[0]["user_id"], &listed[0]["second_factor"]), (&json!(user), &json!(true)));
    let removed = terminal.admin(&["user", "remove-second-factor", tenant, user]).unwrap();
    assert_eq!(removed["removed"], true);
    let over = client.by(&signed, "GET /v1/me", Value::Null).await;
    assert_eq!(over.status, StatusCode::UNAUTHORIZED);
    let reset = terminal.admin(&["user", "link", tenant, user]).unwrap();
    assert_eq!(reset["kind"], "reset");
    client.set_password(text(&reset, "link_token"), "Other4Horses").await;
    let back = client.try_sign_in("avery@elm.example", json!({ "password": "Other4Horses" })).await;
    assert_eq!(back.status, StatusCode::OK);

    for (args, told) in [
        (["user", "list", NOBODY].as_slice(), "there is no tenant"),
        (&["user", "link", tenant, NOBODY], "the tenant has no user"),
        (&["user", "link", NOBODY, user], "there is no tenant"),
        (&["key", "create", NOBODY, "CRM"], "there is no tenant"),
        (&["key", "create", tenant, " "], "from 1 to 120 characters"),
        (&["tenant", "create", " "], "from 1 to 200 characters"),
    ] {
        let refused = terminal.refused(args);
        assert!(refused.contains(told), "{args:?}: {refused}");
    }
    let of_tenant = "select actor || ' ' || action from audit_entries e
        join tenants t on t.id = e.tenant_id where t.name = 'Elm Street' and chain = 'changes' and actor = 'platform' order by n";
    assert_eq!(
        client.world.texts(of_tenant).await,
        [
            "platform user.invite",
            "platform user.second_factor_removed",
            "platform user.password_link"
        ]
    );
    let open = client
        .world
        .texts("select encode(detail, 'escape') from audit_entries where detail is not null")
        .await;
    assert!(!open.join(" ").contains("ada"), "who did it lies sealed");
}

#[tokio::test]
async fn a_super_admin_is_made_locked_out_and_let_in_and_it_is_noted_who_did_it() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let made = terminal
        .admin(&["super-admin", "create", "--name", "Sam Platform", "--email", "sam@x.example"])
        .unwrap();
    let user = text(&made, "user_id");
    client.set_password(text(&made, "link_token"), PASSWORD).await;
    let signed = Signed::of(&client.try_sign_in("sam@x.example", json!({})).await);
    client.add_factor(&signed).await;
    let link = terminal.admin(&["super-admin", "link", user]).unwrap();
    terminal.admin(&["super-admin", "deactivate", user]).unwrap();
    let over = client.by(&signed, "GET /v1/me", Value::Null).await;
    assert_eq!(over.status, StatusCode::UNAUTHORIZED);
    terminal.admin(&["super-admin", "reactivate", user]).unwrap();
    let late = client.set_password(text(&link, "link_token"), "Other4Horses").await;
    assert_eq!(late.faults(), ["/token no_such_link"], "it was made before they were deactivated");
    terminal.admin(&["super-admin", "remove-second-factor", user]).unwrap();
    let back = client.try_sign_in("sam@x.example", json!({})).await;
    assert_eq!(back.body["second_factor_setup_needed"], true);
    let listed = terminal.admin(&["super-admin", "list"]).unwrap();
    assert_eq!(
        (&listed[0]["state"], &listed[0]["second_factor"]),
        (&json!("active"), &json!(false))
    );
    for act in ["link", "deactivate", "reactivate", "remove-second-factor"] {
        let refused = terminal.refused(&["super-admin", act, NOBODY]);
        assert!(refused.contains("there is no super-admin"), "{act}: {refused}");
    }
    assert_eq!(
        client.world.texts(ACTS).await,
        [
            "ada super_admin.invite",
            "ada super_admin.password_link",
            "ada super_admin.deactivate",
            "ada super_admin.reactivate",
            "ada super_admin.second_factor_removed",
        ]
    );
}

#[tokio::test]
async fn keys_and_signing_keys_are_made_and_taken_away_on_the_record() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let tenant = client.clinic.id.to_string();
    let made =
        terminal.admin(&["key", "create", &tenant, "CRM", "--role", "client_admin"]).unwrap();
    let key = ApiKey::parse(text(&made, "api_key")).unwrap();
    let id = text(&made, "key_id");
    assert_eq!(
        client.ask(&key, "POST /v1/contacts", &[], &ada()).await.status,
        StatusCode::CREATED
    );
    for (revoked, why) in [(true, "once"), (false, "twice")] {
        let told = terminal.admin(&["key", "revoke", &tenant, id]).unwrap();
        assert_eq!(told["revoked"], revoked, "{why}");
    }
    let gone = client.ask(&key, "GET /v1/contacts", &[], &Value::Null).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
    terminal.admin(&["signing-key", "rotate"]).unwrap();
    let leaked = terminal.admin(&["signing-key", "rotate", "--leaked"]).unwrap();
    assert_eq!(leaked["old_ones_hold"], false);
    assert_eq!(
        client.world.texts(ACTS).await,
        [
            "ada api_key.create",
            "ada api_key.revoke",
            "ada signing_key.rotate",
            "ada signing_key.rotate"
        ]
    );
    let changes = client.chain("changes").await;
    assert_eq!(changes[0], "platform api_key.create");
    assert_eq!(changes.last().unwrap(), "platform api_key.revoke");
}

#[tokio::test]
async fn what_was_changed_or_taken_out_of_the_platforms_records_is_found() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let whole = terminal.admin(&["platform", "verify"]).unwrap();
    assert_eq!(whole["records"][1]["entries"], 0, "nothing is whole, too");
    for _ in 0..3 {
        terminal.admin(&["signing-key", "rotate"]).unwrap();
        let nobody = client.try_sign_in("nobody@x.example", json!({})).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    }
    client.super_admin().await;
    let whole = terminal.admin(&["platform", "verify"]).unwrap();
    assert_eq!(whole["records"][0]["entries"], 3);
    assert!(whole["records"][1]["entries"].as_i64().unwrap() > 5, "{whole}");
    for (change, undo, told) in [
        (
            "update operator_acts set operator = 'eve' where n = 2",
            "update operator_acts set operator = 'ada' where n = 2",
            "operator_acts at 2",
        ),
        (
            "update platform_entries set action = 'nothing' where n = 2",
            "update platform_entries set action = 'sign_in.refused' where n = 2",
            "platform_entries at 2",
        ),
        (
            "update platform_entries set n = 1000 where n = 3",
            "update platform_entries set n = 3 where n = 1000",
            "platform_entries at 4",
        ),
        (
            "update platform_head set n = n + 1",
            "update platform_head set n = n - 1",
            "platform_entries at",
        ),
    ] {
        client.world.run(change).await;
        let refused = terminal.refused(&["platform", "verify"]);
        assert!(refused.contains(told), "{change}: {refused}");
        client.world.run(undo).await;
    }
    assert_eq!(terminal.admin(&["platform", "verify"]).unwrap()["intact"], true);
}

#[tokio::test]
async fn reasons_that_the_release_before_left_open_are_sealed() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let mut new = ada();
    new["appointment"] = json!({ "at": client.ahead(chrono::Duration::days(3)).await });
    let contact = client.admin("POST /v1/contacts", new).await;
    let number = json!({ "number": "07700 900199" });
    client.admin("POST /v1/do-not-call", number).await;
    client.admin("POST /v1/do-not-call", json!({ "number": "07700 900198" })).await;
    client
        .world
        .run("update do_not_call set reason = 'opted out in a call', added_by = 'provider' where id = (select max(id::text)::uuid from do_not_call)")
        .await;
    client
        .world
        .run("update do_not_call set reason = 'told us of her DIVORCE' where reason is null")
        .await;
    client.world.run("update appointments set status_reason = 'is in HOSPITAL'").await;

    let sealed = terminal.admin(&["seal-reasons"]).unwrap();
    assert_eq!(sealed["sealed"], json!({ "do_not_call": 1, "appointments": 1 }));
    let open = "select reason from do_not_call where reason is not null and added_by <> 'provider'
        union all select status_reason from appointments where status_reason is not null";
    assert_eq!(client.world.texts(open).await, [""; 0]);
    let listed = client.admin("GET /v1/do-not-call", Value::Null).await;
    assert_eq!(listed.body["items"][0]["reason"], "opted out in a call", "ours, and open");
    assert_eq!(listed.body["items"][1]["reason"], "told us of her DIVORCE");
    let path = format!("GET /v1/contacts/{}/appointments", contact.id());
    let shown = client.admin(&path, Value::Null).await;
    assert_eq!(shown.body["items"][0]["status_reason"], "is in HOSPITAL");
    let again = terminal.admin(&["seal-reasons"]).unwrap();
    assert_eq!(again["sealed"], json!({ "do_not_call": 0, "appointments": 0 }), "run again");
    assert_eq!(client.world.texts(ACTS).await, ["ada platform.seal_reasons"], "once");

    // Of somebody who was erased nothing is kept.
    client.world.run("update appointments set status_reason = 'is in HOSPITAL'").await;
    client.world.run("update contacts set key_wrapped = null, name = null, phone = null").await;
    terminal.admin(&["seal-reasons"]).unwrap();
    assert_eq!(client.world.texts(open).await, [""; 0]);
    let left = "select count(*) from appointments where status_reason_sealed is not null";
    assert_eq!(client.world.number(left).await, 0);
}
