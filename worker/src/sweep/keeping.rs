//! What is done for tenants without anybody asking: contacts whose time is over, and rotations of keys that somebody began.

use std::time::Duration;

use shared::retention::store as retention;
use shared::rotation::store as rotation;
use shared::rotation::{RotationError, Step};
use shared::telemetry::metrics;

use crate::app::App;

/// How often is looked for whose day has come.
const ROUNDS: Duration = Duration::from_secs(60);
/// How often is looked for rotations to go on with.
const STEPS: Duration = Duration::from_secs(5);
/// Tenants at a time.
const MOST: i64 = 20;
/// Steps of one rotation before the next one has its turn.
const TURN: usize = 50;

/// Archives and erases, until the process stops.
pub async fn run_retention(app: App) {
    while !app.is_stopping() {
        super::note(keep(&app).await, "retention");
        super::pause(&app, ROUNDS).await;
    }
}

/// Goes on with rotations, until the process stops.
pub async fn run_rotations(app: App) {
    while !app.is_stopping() {
        super::note(rotate(&app).await, "rotations");
        super::pause(&app, STEPS).await;
    }
}

/// The rounds of those tenants whose day has come. One tenant's trouble keeps no other from its round.
///
/// # Errors
/// PostgreSQL is away.
pub async fn keep(app: &App) -> anyhow::Result<()> {
    for tenant in retention::due(&app.db, MOST).await? {
        if app.is_stopping() {
            break;
        }
        match retention::round(&app.db, &app.journal, tenant).await {
            Ok(None) => {}
            Ok(Some(report)) => {
                metrics::swept("archived_contacts", report.archived);
                metrics::swept("erased_contacts", report.erased);
            }
            Err(error) => tracing::warn!(
                tenant.id = %tenant, error = error.cause(), "a tenant's contacts could not be looked through"
            ),
        }
    }
    Ok(())
}

/// Some steps of each rotation that can go on.
///
/// # Errors
/// PostgreSQL is away.
pub async fn rotate(app: &App) -> anyhow::Result<()> {
    for (tenant, kind) in rotation::unfinished(&app.db, MOST).await? {
        for _ in 0..TURN {
            if app.is_stopping() {
                return Ok(());
            }
            match rotation::step(&app.db, &app.keys, tenant, kind).await {
                Ok(Step::Went(_)) => {}
                Ok(Step::Waits(_) | Step::Elsewhere | Step::Done) => break,
                Err(RotationError::Db(error)) => {
                    tracing::warn!(tenant.id = %tenant, error = error.cause(), "a rotation of keys waits");
                    break;
                }
                Err(error) => {
                    tracing::error!(tenant.id = %tenant, error = %error, "a rotation of keys can't go on");
                    break;
                }
            }
        }
    }
    Ok(())
}
