//! What people in the tenants do meanwhile: they pause and resume, list numbers as do-not-call, and press *call now*.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use shared::audit::{Actor, Changes};
use shared::calls::plan;
use shared::contacts::phone::PhoneNumber;
use shared::do_not_call::{self, Source};
use shared::tenants;

use super::scene::Scene;
use crate::stage::people::{Guest, Tenant};

/// Works until `until`. What fails, because something is broken just then, is left.
pub(crate) async fn work(scene: Arc<Scene>, until: Instant, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed.wrapping_add(13));
    let http = reqwest::Client::builder().timeout(Duration::from_secs(3)).no_proxy().build();
    let Ok(http) = http else { return };
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(rng.random_range(150..700))).await;
        let guest = scene.cast.guest(rng.random_range(0..10_000));
        let Some(tenant) = scene.cast.tenants.iter().find(|it| it.id == guest.tenant) else {
            continue;
        };
        match rng.random_range(0..10) {
            0 => {
                let _may_fail = pause(&scene, tenant).await;
                tokio::time::sleep(Duration::from_millis(rng.random_range(500..2_500))).await;
                let _may_fail = resume(&scene, tenant).await;
            }
            1 => {
                let _may_fail = resume(&scene, tenant).await;
            }
            2 | 3 => {
                let _may_fail = list(&scene, &guest).await;
            }
            _ => {
                let _may_fail = call_now(&scene, &http, tenant, &guest).await;
            }
        }
    }
}

/// Resumes every tenant.
pub(crate) async fn resume_all(scene: &Scene) {
    for tenant in &scene.cast.tenants {
        for _ in 0..5 {
            if resume(scene, tenant).await.is_ok() {
                break;
            }
        }
    }
}

async fn pause(scene: &Scene, tenant: &Tenant) -> anyhow::Result<()> {
    let mut tx = scene.office.db.tenant(tenant.id).await?;
    tenants::store::lock(&mut tx).await?;
    let now = scene.office.db.now().await?;
    tenants::store::pause(&mut tx, "a break", now).await?;
    Ok(tx.commit().await?)
}

async fn resume(scene: &Scene, tenant: &Tenant) -> anyhow::Result<()> {
    let mut tx = scene.office.db.tenant(tenant.id).await?;
    tenants::store::lock(&mut tx).await?;
    let now = scene.office.db.now().await?;
    tenants::store::resume(&mut tx, now).await?;
    Ok(tx.commit().await?)
}

/// Puts a guest's number on the do-not-call list, as the API does.
async fn list(scene: &Scene, guest: &Guest) -> anyhow::Result<()> {
    let number = PhoneNumber::from_e164(&guest.number)?;
    let mut tx = scene.office.db.tenant(guest.tenant).await?;
    let keys = scene.office.keys.of(&mut tx).await?;
    tenants::store::lock(&mut tx).await?;
    let now = scene.office.db.now().await?;
    let by = (Actor::Platform, now);
    do_not_call::store::add(&mut tx, &keys, &number, Source::Manual, None, by).await?;
    let mut changes = Changes::by(Actor::Platform);
    let hash = do_not_call::store::hashes(&keys, &number).current;
    plan::withdraw_number(&mut tx, hash.as_bytes(), now, &mut changes).await?;
    if !changes.is_empty() {
        changes.append(&mut tx).await?;
    }
    Ok(tx.commit().await?)
}

async fn call_now(
    scene: &Scene,
    http: &reqwest::Client,
    tenant: &Tenant,
    guest: &Guest,
) -> anyhow::Result<()> {
    let url = format!("http://{}/v1/contacts/{}/call-now", scene.api_address, guest.contact);
    let request = http.post(url).bearer_auth(&tenant.api_key).json(&serde_json::json!({}));
    request.send().await?;
    Ok(())
}
