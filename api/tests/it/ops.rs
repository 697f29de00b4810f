//! What operators see, and what clients see when PostgreSQL is away.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;
use shared::db::Db;
use tower::ServiceExt;

use crate::client::{Client, app};

async fn get(router: axum::Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    let status = answer.status();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_id() {
    let client = Client::new().await;
    let id = client.contact().await;
    client.admin(&format!("GET /v1/contacts/{id}"), Value::Null).await;
    client.admin("GET /v1/nothing-of-the-kind", Value::Null).await;
    let (status, text) = get(api::operators(app(&client.world)), "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    let series =
        "vio_http_requests_total{method=\"GET\",route=\"/v1/contacts/{contact}\",status=\"2xx\"}";
    assert!(text.contains(series), "{text}");
    assert!(text.contains("route=\"unmatched\""));
    assert!(!text.contains(&id) && !text.contains("nothing-of-the-kind"));
    assert!(text.contains("vio_pool_connections{role=\"app\""));
}

#[tokio::test]
async fn the_api_is_alive_and_ready_while_postgresql_answers() {
    let client = Client::new().await;
    let app = app(&client.world);
    assert_eq!(get(api::operators(app.clone()), "/health/live").await.0, StatusCode::OK);
    let (status, text) = get(api::operators(app), "/health/ready").await;
    assert_eq!(
        (status, text.as_str()),
        (StatusCode::OK, r#"{"postgres":"answers","redis":"answers"}"#)
    );
}

#[tokio::test]
async fn clients_are_told_to_come_back_while_postgresql_is_away() {
    let client = Client::new().await;
    let nowhere = "postgres://vio_app@127.0.0.1:1/vio";
    let mut app = app(&client.world);
    app.db = Db::connect(nowhere, nowhere, 2).unwrap();
    let (status, _) = get(api::operators(app.clone()), "/health/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);

    let without = Client { router: api::router(app), ..client };
    let answer = without.admin("GET /v1/contacts", Value::Null).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.body.to_string().contains("127.0.0.1"), "{:?}", answer.body);
}
