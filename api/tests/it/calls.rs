//! Calls and their dials, as they are read.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::client::Client;

#[tokio::test]
async fn a_call_is_shown_with_its_own_dials_oldest_first() {
    let client = Client::new().await;
    for (phone, hours) in [("+447700900200", 48), ("+447700900201", 72)] {
        client.world.book(&client.clinic, phone, hours).await;
    }
    let stranger = client.world.tenant().await;
    // The later dial is stored first. Each time of a dial is another minute, so that none is taken for another.
    client
        .world
        .run(
            "insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                 intent_at, answered_at, started_at, connected_at, ended_at, provider_call_id, ended_reason, outcome, counts,
                 expires_at, dialled_at, token_held, holds_slot, settled_at)
             select k.tenant_id, gen_random_uuid(), k.id, k.contact_id, t.account_id, k.purpose_key, '', dial.state, at,
                 at + '1m', at + '2m', at + '3m', at + '4m', at + '5m', 'call_' || ago, reason, dial.outcome, ago = 9,
                 at, at, false, false, at
             from (select * from calls order by due limit 1) k join tenants t on t.id = k.tenant_id,
                 (values (1, 'not_placed', '', null), (9, 'settled', 'dial_busy', 'busy')) as dial (ago, state, reason, outcome),
                 lateral (select app_clock() - ago * interval '1 hour') past (at)",
        )
        .await;

    let path = |id: String| format!("GET /v1/calls/{id}");
    let ids = client.world.texts("select id::text from calls order by due").await;
    let shown = client.user(&path(ids[0].clone()), Value::Null).await;
    assert_eq!((shown.status, &shown.body["id"]), (StatusCode::OK, &json!(ids[0])));
    let dials = shown.body["attempts"].as_array().unwrap();
    let words: Vec<_> = dials
        .iter()
        .map(|dial| {
            ["provider_call_id", "state", "ended_reason", "outcome", "counts"]
                .map(|field| dial[field].clone())
        })
        .collect();
    assert_eq!(
        words,
        [
            [json!("call_9"), json!("settled"), json!("dial_busy"), json!("busy"), json!(true)],
            [json!("call_1"), json!("not_placed"), Value::Null, Value::Null, json!(false)],
        ]
    );
    for dial in dials {
        let time =
            |field: &str| -> DateTime<Utc> { dial[field].as_str().unwrap().parse().unwrap() };
        let after = ["asked_at", "answered_at", "started_at", "connected_at", "ended_at"]
            .map(|field| (time(field) - time("reserved_at")).num_minutes());
        assert_eq!(after, [1, 2, 3, 4, 5], "{dial}");
    }

    let none = client.user(&path(ids[1].clone()), Value::Null).await;
    assert_eq!((none.status, &none.body["attempts"]), (StatusCode::OK, &json!([])), "not dialled");
    let other = client.ask(&stranger.admin, &path(ids[0].clone()), &[], &Value::Null).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "another's");
}
