//! What people in the tenants do meanwhile, over HTTP: they make contacts, press *call now*, list numbers as do-not-call,
//! pause and resume. What fails, because something is broken just then, is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::scene::Scene;
use crate::stage::people::{Guest, Tenant, number};

/// Works until `until`.
pub(crate) async fn work(scene: Arc<Scene>, until: Instant, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed.wrapping_add(13));
    let mut newcomers = 0;
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(rng.random_range(150..700))).await;
        let guest = scene.cast.guest(rng.random_range(0..10_000));
        let Some(tenant) = scene.cast.tenant(&guest) else { continue };
        let _may_fail = match rng.random_range(0..12) {
            0 => {
                let paused =
                    post(&scene, tenant, "/tenant/pause", &json!({"reason": "a break"})).await;
                tokio::time::sleep(Duration::from_millis(rng.random_range(500..2_500))).await;
                resume(&scene, tenant).await.and(paused)
            }
            1 => resume(&scene, tenant).await,
            2 => post(&scene, tenant, "/do-not-call", &json!({"number": guest.number})).await,
            3 | 4 => {
                newcomers += 1;
                welcome(&scene, tenant, 900 + newcomers % 100).await
            }
            _ => {
                let path = format!("/contacts/{}/call-now", guest.contact);
                post(&scene, tenant, &path, &json!({})).await
            }
        };
    }
}

/// Resumes every tenant, whether it was paused by hand or paused itself.
pub(crate) async fn resume_all(scene: &Scene) {
    for tenant in &scene.cast.tenants {
        for _ in 0..10 {
            if resume(scene, tenant).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

async fn resume(scene: &Scene, tenant: &Tenant) -> anyhow::Result<Value> {
    post(scene, tenant, "/tenant/resume", &json!({})).await
}

/// Makes a contact with an appointment tomorrow. Only one that was answered for may not be lost.
pub(crate) async fn welcome(scene: &Scene, tenant: &Tenant, n: usize) -> anyhow::Result<Value> {
    let now = scene.office.db.now().await?;
    let at = now + chrono::Duration::hours(25);
    let phone = number(1_000 * scene.cast.place_of(tenant) + n);
    let body = json!({
        "name": "Newly Come",
        "phone": phone,
        "appointment": {"at": at.to_rfc3339(), "duration_minutes": 30},
    });
    let before = scene.restores();
    let made = post(scene, tenant, "/contacts", &body).await?;
    let contact = made.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    if let Some(contact) = contact {
        let guest = Guest { tenant: tenant.id, contact, number: phone, call: None };
        scene.cast.welcome(guest, before);
    }
    Ok(made)
}

/// Asks the API as a tenant.
pub(crate) async fn post(
    scene: &Scene,
    tenant: &Tenant,
    path: &str,
    body: &Value,
) -> anyhow::Result<Value> {
    let url = format!("http://{}/v1{path}", scene.api_address);
    let reply = scene.http.post(url).bearer_auth(&tenant.api_key).json(body).send().await?;
    let status = reply.status();
    scene.answered(status.as_u16());
    anyhow::ensure!(status.is_success(), "answered {status}");
    Ok(reply.json().await.unwrap_or(Value::Null))
}
