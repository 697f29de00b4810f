//! A last question when everything is mended and the clock stands still: is somebody who presses *call now* served at once?
//! While clocks jump, whoever nobody woke is found by the next quarter of an hour.

use std::time::{Duration, Instant};

use chrono::Timelike;
use serde_json::json;
use uuid::Uuid;

use super::scene::Scene;
use super::staff::{post, resume_all, welcome};

/// Milliseconds are usual; a busy machine may take longer. Far less than the safety net's 15 minutes.
const DIALLED_WITHIN: Duration = Duration::from_secs(20);
/// People who come anew, each to another tenant.
const NEW: usize = 990;

/// The contacts whose call now was accepted, and whom nobody dialled.
///
/// # Errors
/// PostgreSQL is away.
pub(crate) async fn call_now(scene: &Scene) -> anyhow::Result<Vec<Uuid>> {
    let _stands = scene.measuring.lock().await;
    resume_all(scene).await;
    // Our own connections from before a restart are found to be broken one by one.
    let mut now = scene.office.db.now().await;
    for _ in 0..16 {
        if now.is_ok() {
            break;
        }
        now = scene.office.db.now().await;
    }
    let now = now?;
    // A breaker that is half open lets one through a minute, and minutes don't pass here.
    let sound = "select not exists (select from accounts where breaker_open or held_at is not null \
                 or coalesce(breaker ->> 'mode', 'closed') <> 'closed')";
    if !sqlx::query_scalar::<_, bool>(sound).fetch_one(&scene.admin).await? {
        super::say("An account's breaker isn't closed: nobody was called at once at the end");
        return Ok(Vec::new());
    }
    let mut newcomers = Vec::new();
    for tenant in &scene.cast.tenants {
        if (9..18).contains(&now.with_timezone(&tenant.zone).hour())
            && let Ok(made) = welcome(scene, tenant, NEW).await
            && let Some(id) = made.get("id").and_then(serde_json::Value::as_str)
        {
            newcomers.push((tenant, id.parse::<Uuid>()?));
        }
    }
    // The looks that their arrival caused are over.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut waiting = Vec::new();
    for (tenant, contact) in newcomers {
        let path = format!("/contacts/{contact}/call-now");
        if post(scene, tenant, &path, &json!({})).await.is_ok() {
            waiting.push(contact);
        }
    }
    super::say(&format!("{} were to be called at once at the end", waiting.len()));
    let dialled = "select exists (select from attempts where contact_id = $1)";
    let start = Instant::now();
    while !waiting.is_empty() && start.elapsed() < DIALLED_WITHIN {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut left = Vec::new();
        for contact in waiting {
            if !sqlx::query_scalar::<_, bool>(dialled).bind(contact).fetch_one(&scene.admin).await?
            {
                left.push(contact);
            }
        }
        waiting = left;
    }
    let _over = tokio::time::timeout(DIALLED_WITHIN, async {
        while !scene.is_still().await.unwrap_or(false) {
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    })
    .await;
    Ok(waiting)
}
