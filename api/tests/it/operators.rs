//! What operators do by hand: the real command, as they run it.

mod people;
mod trail;

use std::path::PathBuf;
use std::process::Command;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;
use shared::accounts::store as account_store;
use shared::crypto::MasterKeys;
use shared::retell::signature::{HEADER, sign};
use shared::tenants::KeyRing;
use tower::ServiceExt;

use crate::client::{Client, app};

/// A terminal of an operator, with the platform's master key.
struct Terminal {
    key_file: PathBuf,
    settings: Vec<(&'static str, String)>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.key_file);
    }
}

impl Terminal {
    fn of(client: &Client) -> Self {
        let key_file = std::env::temp_dir().join(format!("vio-test-{}", uuid::Uuid::now_v7()));
        std::fs::write(&key_file, format!("1:{}", "5a".repeat(32))).unwrap();
        let (app, engine) = client.world.database_urls();
        let settings = vec![
            ("DATABASE_URL_APP", app),
            ("DATABASE_URL_ENGINE", engine),
            ("MASTER_KEY_FILE", key_file.display().to_string()),
            ("SECRETS_READABLE_BY_OTHERS", "1".to_owned()),
            ("OPERATOR", "ada".to_owned()),
            ("PROVIDER_API_KEY", "key_of_tomorrow".to_owned()),
        ];
        Self { key_file, settings }
    }

    /// What the command prints, or the sentence with which it fails.
    fn admin(&self, args: &[&str]) -> Result<Value, String> {
        let done = Command::new(env!("CARGO_BIN_EXE_api"))
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .arg("admin")
            .args(args)
            .output()
            .unwrap();
        if !done.status.success() {
            return Err(String::from_utf8(done.stderr).unwrap());
        }
        let printed = String::from_utf8(done.stdout).unwrap();
        Ok(serde_json::from_str(printed.lines().last().unwrap()).unwrap())
    }

    /// All that the command prints.
    fn output(&self, args: &[&str]) -> String {
        let done = Command::new(env!("CARGO_BIN_EXE_api"))
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .arg("admin")
            .args(args)
            .output()
            .unwrap();
        String::from_utf8(done.stdout).unwrap()
    }

    /// The sentence with which it must fail.
    fn refused(&self, args: &[&str]) -> String {
        self.admin(args).expect_err("it was done")
    }
}

fn sql(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

const ACTS: &str = "select operator || ' ' || action from operator_acts order by n";

#[tokio::test]
async fn an_account_that_is_held_is_released_and_it_is_noted_who_did_it() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let account = client.clinic.account.to_string();
    client
        .world
        .run("update accounts set held_at = app_clock(), held_reason = 'not_read_after_restore'")
        .await;
    let done = terminal.admin(&["account", "release", &account]).unwrap();
    assert_eq!(
        (&done["released"], &done["was_held_for"]),
        (&true.into(), &"not_read_after_restore".into())
    );
    assert_eq!(client.world.number("select count(held_at) from accounts").await, 0);
    let again = terminal.admin(&["account", "release", &account]).unwrap();
    assert_eq!(again["released"], false);
    assert_eq!(
        client.world.texts(ACTS).await,
        ["ada account.release"],
        "what changed nothing isn't noted"
    );
    let nobody = uuid::Uuid::now_v7().to_string();
    assert!(terminal.refused(&["account", "release", &nobody]).contains("there is no account"));
}

/// Delivers a webhook, signed with `key`, to an API that has just started: a running one keeps keys for half a minute.
async fn deliver(client: &Client, key: &str, body: &'static str) -> StatusCode {
    let now = std::time::SystemTime::now().into();
    let request = Request::post(format!("/v1/webhooks/retell/{}", client.clinic.account))
        .header(HEADER, sign(key, body.as_bytes(), now))
        .body(Body::from(body))
        .unwrap();
    api::router(app(&client.world)).oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn a_key_is_replaced_and_the_old_one_signs_webhooks_for_a_while() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let account = client.clinic.account.to_string();
    let done = terminal.admin(&["account", "key", &account, "--old-for-hours", "2"]).unwrap();
    assert!(done["held"].is_null() && done["older_key_refused_from_now_on"] == false, "{done}");
    assert_eq!(deliver(&client, "key_of_tomorrow", r#"{"n":1}"#).await, StatusCode::NO_CONTENT);
    assert_eq!(
        deliver(&client, "key_1", r#"{"n":2}"#).await,
        StatusCode::NO_CONTENT,
        "the old one"
    );
    client.world.advance(chrono::Duration::hours(2)).await;
    assert_eq!(deliver(&client, "key_1", r#"{"n":3}"#).await, StatusCode::UNAUTHORIZED);
    assert_eq!(deliver(&client, "key_of_tomorrow", r#"{"n":4}"#).await, StatusCode::NO_CONTENT);
    assert!(
        terminal.refused(&["account", "key", &account]).contains("the key that the account has")
    );
    assert_eq!(client.world.texts(ACTS).await, ["ada account.replace_key"]);
    let told = "select count(*) from operator_acts where detail::text like '%key_%of%' or detail::text like '%key_1%'";
    assert_eq!(client.world.number(told).await, 0, "the record has no key");
}

#[tokio::test]
async fn a_key_that_can_be_none_is_refused() {
    let client = Client::new().await;
    let mut terminal = Terminal::of(&client);
    let account = client.clinic.account.to_string();
    for (key, why) in [
        ("short", "fewer than eight characters"),
        ("with a space in it", "a copy that took too much"),
        ("key\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", "no header can carry it"),
    ] {
        terminal.settings.last_mut().unwrap().1 = key.to_owned();
        let refused = terminal.refused(&["account", "key", &account]);
        assert!(refused.contains("PROVIDER_API_KEY") && !refused.contains(key), "{why}: {refused}");
    }
    assert_eq!(deliver(&client, "key_1", "{}").await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn limits_are_changed_within_bounds() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let account = client.clinic.account.to_string();
    for (limit, why) in [
        (&["--max-concurrent", "0"][..], "nothing could be dialled"),
        (&["--max-concurrent", "10001"], "no vendor gives so many"),
        (&["--starts-per-second", "0"], "no start ever"),
        (&["--starts-per-second", "nan"], "no number"),
        (&["--starts-per-second=-1"], "no rate"),
        (&[], "nothing is asked for"),
    ] {
        let args = [&["account", "limits", account.as_str()], limit].concat();
        assert!(terminal.admin(&args).is_err(), "{why}");
    }
    let done = terminal.admin(&["account", "limits", &account, "--max-concurrent", "7"]).unwrap();
    assert_eq!(
        (&done["before"]["max_concurrent"], &done["after"]["max_concurrent"]),
        (&20.into(), &7.into())
    );
    assert_eq!(done["after"]["starts_per_second"], 100.0, "what isn't given stays");
    let stored = "select max_concurrent || ' ' || starts_per_second from accounts";
    assert_eq!(client.world.texts(stored).await, ["7 100"]);
    assert_eq!(client.world.texts(ACTS).await, ["ada account.change_limits"]);
}

#[tokio::test]
async fn a_tenant_is_suspended_and_resumed() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let tenant = client.clinic.id.to_string();
    assert!(
        terminal.refused(&["tenant", "suspend", &tenant, "--reason", " "]).contains("--reason")
    );
    let done = terminal.admin(&["tenant", "suspend", &tenant, "--reason", "unpaid"]).unwrap();
    assert_eq!(done["changed"], true);
    let answer = client.admin("GET /v1/contacts", Value::Null).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::FORBIDDEN, "tenant-suspended"));
    let done = terminal.admin(&["tenant", "suspend", &tenant, "--reason", "unpaid"]).unwrap();
    assert_eq!(done["changed"], false, "it was");
    assert_eq!(terminal.admin(&["tenant", "resume", &tenant]).unwrap()["changed"], true);
    assert_eq!(client.admin("GET /v1/contacts", Value::Null).await.status, StatusCode::OK);
    let chain = "select actor || ' ' || action || ' ' || (detail is not null) from audit_entries order by n";
    assert_eq!(
        client.world.texts(chain).await,
        ["platform tenant.suspend true", "platform tenant.reinstate true"]
    );
    let nobody = uuid::Uuid::now_v7().to_string();
    assert!(terminal.refused(&["tenant", "resume", &nobody]).contains("there is no tenant"));
}

#[tokio::test]
async fn an_allowance_is_changed_setting_by_setting_and_nonsense_refused() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let tenant = client.clinic.id.to_string();
    for (settings, word, why) in [
        ("{}", "nothing is given", "an empty object"),
        ("[]", "a JSON object", "no object"),
        (
            r#"{"window_limit": 40}"#,
            "unknown field",
            "a setting of the policy, not of the allowance",
        ),
        (r#"{"no_such_setting": null}"#, "unknown field", "no setting at all"),
        (r#"{"window_limit_at_most": "40"}"#, "invalid type", "no number"),
        (
            r#"{"window_limit_at_most": 0}"#,
            "window_limit_at_most must be at least 1",
            "nobody could be called",
        ),
        (
            r#"{"daily_limit_at_most": 4000000}"#,
            "daily_limit_at_most must be at most",
            "a slip of the hand",
        ),
        (r#"{"number_regions": []}"#, "number_regions must not be empty", "nobody could be called"),
        (r#"{"closes_not_after": "07:00"}"#, "closes_not_after", "before it opens"),
        (r#"{"window_limit_at_most": 10}"#, "window_limit must be at most 10", "its policy has 25"),
    ] {
        let refused = terminal.refused(&["tenant", "allowance", &tenant, settings]);
        assert!(refused.contains(word), "{why}: {refused}");
    }
    assert_eq!(client.world.number("select count(*) from audit_entries").await, 0);
    let set = r#"{"window_limit_at_most": 40, "opens_not_before": "07:00"}"#;
    let done = terminal.admin(&["tenant", "allowance", &tenant, set]).unwrap();
    assert_eq!(done["allowance"]["window_limit_at_most"], 40);
    assert_eq!(done["allowance"]["may_allow_test_numbers"], true, "what isn't given stays");
    let back = r#"{"window_limit_at_most": null}"#;
    let done = terminal.admin(&["tenant", "allowance", &tenant, back]).unwrap();
    assert_eq!(done["allowance"]["window_limit_at_most"], 25, "the default");
    let chain = "select actor || ' ' || action from audit_entries order by n";
    assert_eq!(client.world.texts(chain).await, ["platform tenant.change_allowance"; 2]);
}

#[tokio::test]
async fn a_tenant_moves_to_another_account_only_when_nothing_of_it_is_under_way() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let tenant = client.clinic.id.to_string();
    let stranger = client.world.tenant().await;
    let other = stranger.account.to_string();
    let go = |account: &str, number: &str| {
        let to = ["--agent", "agent_2", "--caller-number", number];
        terminal.admin(&[&["tenant", "account", tenant.as_str(), account], &to[..]].concat())
    };
    let refused = |account: &str, number: &str| go(account, number).expect_err("it was moved");
    assert!(refused(&other, "01632 960001").contains("--caller-number"));
    assert!(refused(&uuid::Uuid::now_v7().to_string(), "+441632960001").contains("no account"));
    assert!(refused(&client.clinic.account.to_string(), "+441632960001").contains("already"));
    assert!(refused(&other, "+441632960001").contains("suspend the tenant first"));
    terminal.admin(&["tenant", "suspend", &tenant, "--reason", "moves"]).unwrap();

    client
        .world
        .run(sql(format!("update accounts set tenant_id = '{}' where id = '{other}'", stranger.id)))
        .await;
    assert!(refused(&other, "+441632960001").contains("no account"), "another tenant's own");
    client.world.run("update accounts set tenant_id = null").await;

    client.world.book(&client.clinic, "+447700900200", 24).await;
    client
        .world
        .run(
            "insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at, \
                 expires_at, dialled_at) \
             select k.tenant_id, gen_random_uuid(), k.id, k.contact_id, t.account_id, k.purpose_key, '', 'placed', app_clock(), \
                 app_clock(), app_clock() from calls k join tenants t on t.id = k.tenant_id",
        )
        .await;
    assert!(refused(&other, "+441632960001").contains("1 of its calls are under way"));
    client.world.run("update attempts set holds_slot = false, state = 'ended'").await;
    let done = go(&other, "+441632960001").unwrap();
    assert_eq!(done["account_id_before"], client.clinic.account.to_string());
    let stored = sql(format!(
        "select concat_ws(' ', account_id, agent_id, caller_number) from tenants where id = '{tenant}'"
    ));
    assert_eq!(client.world.texts(stored).await, [format!("{other} agent_2 +441632960001")]);

    // What was dialled through the old account can still be settled.
    let attempt = client.world.texts("select id::text from attempts").await.remove(0);
    let mut tx = client.world.db.tenant(client.clinic.id).await.unwrap();
    let open = shared::calls::store::settle::open(&mut tx, attempt.parse().unwrap()).await.unwrap();
    assert!(open.unwrap().list_trusted, "its list is still trusted");
    drop(tx);
    // And back: the account before is not forgotten, the present one is no former one.
    go(&client.clinic.account.to_string(), "+441632960000").unwrap();
    let former = sql(format!("select former_accounts::text from tenants where id = '{tenant}'"));
    assert_eq!(client.world.texts(former).await, [format!("{{{other}}}")]);
}

#[tokio::test]
async fn everything_is_stopped_and_goes_on_and_the_record_shows_if_it_was_changed() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    assert!(terminal.refused(&["platform", "stop-all", "--reason", ""]).contains("reason"));
    let stop = ["platform", "stop-all", "--reason", "the vendor asked"];
    assert_eq!(terminal.admin(&stop).unwrap()["changed"], true);
    assert_eq!(terminal.admin(&stop).unwrap()["changed"], false);
    let stopped = "select stop_all_reason from platform_state where stop_all_at is not null";
    assert_eq!(client.world.texts(stopped).await, ["the vendor asked"]);
    assert_eq!(terminal.admin(&["stop-all", "off"]).unwrap()["changed"], true, "by its older name");
    assert_eq!(terminal.admin(&["platform", "resume"]).unwrap()["changed"], false);

    let acts = |terminal: &Terminal| -> Vec<String> {
        let acts = terminal.admin(&["platform", "acts"]).unwrap();
        acts.as_array()
            .unwrap()
            .iter()
            .map(|act| format!("{} {}", act["action"], act["intact"]))
            .collect()
    };
    assert_eq!(acts(&terminal), [r#""platform.resume" true"#, r#""platform.stop_all" true"#]);
    client.world.run("update operator_acts set detail = '{}' where n = 1").await;
    assert_eq!(acts(&terminal), [r#""platform.resume" true"#, r#""platform.stop_all" false"#]);
    client.world.run("delete from operator_acts where n = 1").await;
    assert_eq!(acts(&terminal), [r#""platform.resume" false"#], "what came before it is gone");
}

#[tokio::test]
async fn a_master_key_is_left_behind() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let (old, new) = (format!("1:{}", "5a".repeat(32)), format!("2:{}", "6b".repeat(32)));
    let opens = async |keys: &str| {
        let ring = KeyRing::new(MasterKeys::parse(keys).unwrap());
        let mut tx = client.world.db.tenant(client.clinic.id).await.unwrap();
        let tenant = ring.of(&mut tx).await.is_ok();
        let (_, sealed) = account_store::sealed_keys(&client.world.db, client.clinic.account)
            .await
            .unwrap()
            .unwrap();
        let account =
            sealed.open_api(ring.master()).is_ok() && sealed.open_webhook(ring.master()).is_ok();
        (tenant, account)
    };
    client.world.keys.platform(&client.world.db).await.unwrap();
    // The old key alone is still the current one: nothing is to be done.
    let none = serde_json::json!({ "tenant_keys": 0, "account_keys": 0, "platform_keys": 0, "webhooks": 0 });
    assert_eq!(terminal.admin(&["rewrap"]).unwrap()["rewrapped"], none);
    assert_eq!(opens(&new).await, (false, false));

    std::fs::write(&terminal.key_file, &new).unwrap();
    assert!(terminal.refused(&["rewrap"]).contains("can't be opened"), "its line is missing");
    assert_eq!(opens(&old).await, (true, true), "and nothing was changed");

    std::fs::write(&terminal.key_file, format!("{old}\n{new}")).unwrap();
    let done = terminal.admin(&["rewrap", "--pause-ms", "0"]).unwrap();
    assert_eq!(
        done["rewrapped"],
        serde_json::json!({ "tenant_keys": 2, "account_keys": 2, "platform_keys": 2, "webhooks": 0 })
    );
    assert_eq!(opens(&new).await, (true, true), "the old line can go");
    assert_eq!(terminal.admin(&["rewrap"]).unwrap()["rewrapped"], none, "run again");
    assert_eq!(client.world.texts(ACTS).await, ["ada platform.rewrap_keys"]);
}

#[tokio::test]
async fn an_operator_verifies_what_is_on_record_and_sees_where_it_was_changed() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let contact = client.contact().await;
    client.admin(&format!("GET /v1/contacts/{contact}"), Value::Null).await;
    api::Accesses::start(client.world.db.clone()).seal().await.unwrap();
    let tenant = client.clinic.id.to_string();
    let whole = terminal.admin(&["audit", "verify", &tenant]).unwrap();
    assert_eq!(whole["whole"]["accesses"]["entries"], 2, "{whole}");
    assert_eq!(whole["whole"]["changes"]["entries"], 1, "{whole}");
    let hash = whole["whole"]["accesses"]["hash"].as_str().unwrap();
    let stored = client
        .world
        .texts("select encode(access_hash, 'hex') from tenant_heads where access_n = 2")
        .await;
    assert_eq!(stored, [hash]);

    // By whoever owns the database: nobody else can.
    for (change, told) in [
        (
            "delete from audit_entries where chain = 'accesses' and n = 2",
            "entries after 1 are missing",
        ),
        (
            "update audit_entries set actor = 'key:x' where chain = 'accesses' and n = 1",
            "entry 1 is not what was written",
        ),
    ] {
        client.world.run(change).await;
        let refused = terminal.admin(&["audit", "verify", &tenant]).unwrap_err();
        assert!(refused.contains(told), "{refused}");
    }
    let absent = terminal.admin(&["audit", "verify", &uuid::Uuid::now_v7().to_string()]);
    assert!(absent.unwrap_err().contains("there is no such tenant"));
}

#[tokio::test]
async fn keys_rotate_by_hand_and_a_tenant_that_leaves_is_shredded() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let contact = client.contact().await;
    let tenant = client.clinic.id.to_string();
    let done = terminal.admin(&["keys", "rotate", "contacts", "--tenant", &tenant]).unwrap();
    assert_eq!(done["rotations"][0]["state"], "done", "{done}");
    assert_eq!(done["rotations"][0]["rows_done"], 1);
    let begun = terminal.admin(&["keys", "rotate", "equality", "--begin"]).unwrap();
    assert_eq!(begun["rotations"][0]["state"], "running", "a worker goes on with it");
    let status = terminal.admin(&["keys", "status"]).unwrap();
    assert_eq!(status["wrapped"], serde_json::json!([{ "master_key": 1, "wraps": 3 }]), "{status}");
    assert_eq!(status["rotations"].as_array().unwrap().len(), 2);
    assert!(
        terminal.refused(&["keys", "rotate", "master", "--tenant", &tenant]).contains("--tenant")
    );
    let read = client.admin(&format!("GET /v1/contacts/{contact}"), Value::Null).await;
    assert_eq!(read.status, StatusCode::OK);

    let would = terminal.admin(&["retention", "--dry-run"]).unwrap();
    assert_eq!(would["tenants"][0]["would"]["erased"], 0, "{would}");
    assert_eq!(client.world.number("select count(*) from retention_runs").await, 0);
    terminal.admin(&["retention", "--tenant", &tenant]).unwrap();
    assert_eq!(client.world.number("select count(*) from retention_runs").await, 1);

    let name = client.world.texts("select name from tenants").await[0].clone();
    let shred = ["tenant", "shred", &tenant, "--confirm", &name];
    assert!(terminal.refused(&shred).contains("is active"));
    terminal.admin(&["tenant", "suspend", &tenant, "--reason", "It leaves"]).unwrap();
    let wrong = ["tenant", "shred", &tenant, "--confirm", "Another"];
    assert!(terminal.refused(&wrong).contains("--confirm"));
    let done = terminal.admin(&shred).unwrap();
    assert_eq!(done["shredded"]["contacts"], 1, "{done}");
    assert_eq!(client.world.number("select count(*) from tenant_keys").await, 0);
    assert_eq!(
        client.world.texts(ACTS).await,
        ["ada keys.rotate", "ada keys.rotate", "ada retention.ask", "ada tenant.shred"]
    );
}

#[tokio::test]
async fn a_probe_that_nobody_takes_says_what_to_look_at() {
    let client = Client::new().await;
    let terminal = Terminal::of(&client);
    let tenant = client.clinic.id.to_string();
    let asked = terminal.admin(&["jobs", "probe", &tenant, "--wait", "0"]).unwrap();
    assert_eq!(asked["state"], "queued");
    assert!(asked["next"][0].as_str().unwrap().contains("WORKER_QUEUES"), "{asked}");
    let shown = client
        .admin(&format!("GET /v1/jobs/{}", asked["job_id"].as_str().unwrap()), Value::Null)
        .await;
    assert_eq!((shown.status, &shown.body["asked_by"]), (StatusCode::OK, &Value::from("platform")));
    let status = terminal.admin(&["jobs", "status"]).unwrap();
    assert_eq!((&status["queued"], &status["dead"]), (&Value::from(1), &Value::from(0)));
    let noted = "select count(*) from operator_acts where action = 'jobs.probe'";
    assert_eq!(client.world.number(noted).await, 1);
    let nobody = uuid::Uuid::now_v7().to_string();
    assert!(terminal.admin(&["jobs", "probe", &nobody]).is_err());
}
