//! The tenant's settings: policy, closed dates, zone, pause.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::client::Client;

#[tokio::test]
async fn a_policy_is_changed_setting_by_setting() {
    let client = Client::new().await;
    let read = client.admin("GET /v1/tenant/policy", Value::Null).await;
    assert_eq!(read.body["policy"]["window_limit"], 25);
    let etag = read.header("etag").to_owned();
    let patch = json!({ "window_limit": 10, "calling_hours": { "sunday": null,
                        "saturday": { "opens": "09:00", "closes": "13:00" } } });
    let changed = client.change("PATCH /v1/tenant/policy", &etag, patch).await;
    assert_eq!(changed.status, StatusCode::OK, "{:?}", changed.body);
    let policy = &changed.body["policy"];
    assert_eq!(policy["window_limit"], 10);
    assert_eq!(policy["calling_hours"]["sunday"], Value::Null, "closed");
    assert_eq!(policy["calling_hours"]["monday"]["opens"], "08:00", "untouched");

    let stale = client.change("PATCH /v1/tenant/policy", &etag, json!({ "window_limit": 5 })).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let back = client.change("PATCH /v1/tenant/policy", "*", json!({ "window_limit": null })).await;
    assert_eq!(back.body["policy"]["window_limit"], 25, "the default");
}

#[tokio::test]
async fn a_policy_beyond_the_allowance_or_reason_is_refused_field_by_field() {
    let client = Client::new().await;
    let before = client.everything().await;
    for (patch, faults, why) in [
        (json!({ "window_limit": 26 }), vec!["/window_limit too_large"], "the platform's limit"),
        (json!({ "window_limit": 0 }), vec!["/window_limit too_small"], "a pause in disguise"),
        (json!({ "window_limit": -1 }), vec!["/window_limit wrong_type"], "negative"),
        (json!({ "daily_limit": 1e12 }), vec!["/daily_limit wrong_type"], "absurd"),
        (json!({ "gap_minutes": 60 }), vec!["/gap_minutes too_small"], "a shorter gap"),
        (json!({ "window_limits": 5 }), vec!["/window_limits unknown_field"], "misspelt"),
        (
            json!({ "calling_hours": { "monday": { "opens": "07:00", "closes": "21:00" } } }),
            vec!["/calling_hours/monday/opens too_early", "/calling_hours/monday/closes too_late"],
            "beyond the day",
        ),
        (
            json!({ "calling_hours": { "monday": { "opens": "25:00", "closes": "26:00" } } }),
            vec!["/calling_hours/monday/closes wrong_type"],
            "no such hour",
        ),
        (json!({ "number_regions": ["GB", "FR"] }), vec!["/number_regions not_allowed"], "abroad"),
        (
            json!({ "max_attempts": 3, "retention_months": 0 }),
            vec!["/max_attempts too_large", "/retention_months too_small"],
            "both are told",
        ),
    ] {
        let answer = client.change("PATCH /v1/tenant/policy", "*", patch).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}: {:?}", answer.body);
        assert_eq!(answer.faults(), faults, "{why}");
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn dates_are_closed_by_hand_and_by_preset() {
    let client = Client::new().await;
    let put = client
        .admin("PUT /v1/tenant/closed-dates/2027-12-25", json!({ "name": "Staff party" }))
        .await;
    assert_eq!(put.status, StatusCode::OK);
    let preset = "POST /v1/tenant/closed-dates/presets/uk-bank-holidays";
    let added = client.admin(preset, json!({ "year": 2027 })).await;
    assert_eq!(added.body["items"].as_array().unwrap().len(), 8);
    let again = client.admin(preset, json!({ "year": 2027 })).await;
    assert_eq!(again.body["items"], json!([]), "closed already");
    let listed = client.admin("GET /v1/tenant/closed-dates", Value::Null).await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 9);
    assert_eq!(listed.body["items"][0], json!({ "date": "2027-01-01", "name": "New Year's Day" }));

    let path = "DELETE /v1/tenant/closed-dates/2027-12-25";
    assert_eq!(client.admin(path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.admin(path, Value::Null).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        client.admin(preset, json!({ "year": 1066 })).await.faults(),
        ["/year out_of_range"]
    );
    let far = client.admin("PUT /v1/tenant/closed-dates/9999-01-01", json!({ "name": "x" })).await;
    assert_eq!(far.faults(), ["/date out_of_range"]);
}

#[tokio::test]
async fn a_change_of_zone_keeps_the_beginning_of_the_day() {
    let client = Client::new().await;
    let there =
        client.change("PUT /v1/tenant/zone", "\"1\"", json!({ "zone": "Asia/Tokyo" })).await;
    assert_eq!((there.status, &there.body["zone"]), (StatusCode::OK, &json!("Asia/Tokyo")));
    let kept =
        "select (day_start_before = date_trunc('day', zone_changed_at at time zone 'Europe/London')
                    at time zone 'Europe/London')::int::int8 from tenants";
    assert_eq!(client.world.number(kept).await, 1);
    // On again the same day: what counts is where the day began first.
    let on =
        client.change("PUT /v1/tenant/zone", "\"2\"", json!({ "zone": "America/New_York" })).await;
    assert_eq!(on.status, StatusCode::OK);
    let earliest =
        "select (day_start_before <= date_trunc('day', now() at time zone 'Europe/London')
                        at time zone 'Europe/London')::int::int8 from tenants";
    assert_eq!(client.world.number(earliest).await, 1);
    let unknown =
        client.change("PUT /v1/tenant/zone", "*", json!({ "zone": "Mars/Olympus" })).await;
    assert_eq!(unknown.faults(), ["/zone unknown_zone"]);
}

#[tokio::test]
async fn a_tenant_is_paused_with_a_reason_and_resumed_from_both_pauses() {
    let client = Client::new().await;
    assert_eq!(
        client.admin("POST /v1/tenant/pause", json!({})).await.faults(),
        ["/reason missing"]
    );
    let paused = client.admin("POST /v1/tenant/pause", json!({ "reason": "flood" })).await;
    assert_eq!(paused.body["paused"]["reason"], "flood");
    client.world.run("update tenants set auto_paused_at = now(), auto_paused_reason = 'x'").await;
    let resumed = client.admin("POST /v1/tenant/resume", Value::Null).await;
    assert_eq!(resumed.status, StatusCode::OK, "{:?}", resumed.body);
    for field in ["paused", "paused_automatically"] {
        assert_eq!(resumed.body[field], Value::Null, "{field}");
    }
    assert_ne!(resumed.body["resumed_at"], paused.body["resumed_at"], "failures count from here");

    client.world.run("update tenants set refused_at = now(), refused_reason = '422'").await;
    let retried = client.admin("POST /v1/tenant/retry-configuration", Value::Null).await;
    assert_eq!(retried.body["refused_by_provider"], Value::Null);
    let events = client.world.texts("select kind from events order by n").await;
    assert_eq!(events, ["tenant.paused", "tenant.resumed", "tenant.changed"]);
    assert!(
        client.world.number("select count(*) from dispatch_wakes").await >= 3,
        "dispatch looks again"
    );
}

#[tokio::test]
async fn a_new_agent_gives_a_refused_configuration_another_chance() {
    let client = Client::new().await;
    client.world.run("update tenants set refused_at = now(), refused_reason = '422'").await;
    let renamed = client.change("PATCH /v1/tenant", "\"1\"", json!({ "name": "Clinic" })).await;
    assert_eq!(renamed.status, StatusCode::OK, "{:?}", renamed.body);
    assert_eq!(
        client.world.number("select count(refused_at) from tenants").await,
        1,
        "a name is none"
    );
    client.change("PATCH /v1/tenant", "\"2\"", json!({ "agent_id": "agent_2" })).await;
    assert_eq!(client.world.number("select count(refused_at) from tenants").await, 0);
}

#[tokio::test]
async fn a_zone_that_the_database_lacks_is_a_wrong_field_and_nothing_changes() {
    let client = Client::new().await;
    // Two zone databases, of which ours may be the younger.
    client
        .world
        .run(
            "create or replace function refuse_unknown_zones() returns trigger language plpgsql as $$ begin
                 raise check_violation using constraint = 'tenants_zone_is_known', message = 'unknown';
             end $$",
        )
        .await;
    let before = client.everything().await;
    let zone = json!({ "zone": "America/Coyhaique" });
    let answer = client.change("PUT /v1/tenant/zone", "*", zone).await;
    assert_eq!(
        (answer.status.as_u16(), answer.faults()),
        (422, vec!["/zone unknown_zone".to_owned()])
    );
    assert_eq!(client.everything().await, before);
}
