//! SQL of sealing reasons: few rows at a time, each in a short transaction of its own.

use serde_json::json;
use uuid::Uuid;

use super::note;
use crate::appointments::store as appointments;
use crate::db::{Db, Error};
use crate::do_not_call::store as do_not_call;
use crate::ids::{AppointmentId, TenantId};
use crate::operators::sealing::{NotSealed, Sealed};
use crate::tenants::{KeyError, KeyRing};

/// So many rows at a time.
const BATCH: i64 = 200;

/// Seals every reason that the release before left open, of all tenants. What is sealed is left alone, so that it can be stopped
/// and run again.
///
/// # Errors
/// [`NotSealed`].
pub async fn seal_reasons(db: &Db, ring: &KeyRing, operator: &str) -> Result<Sealed, NotSealed> {
    let of_platform =
        |cause: Error| NotSealed { tenant: "the platform".into(), cause: cause.into() };
    let tenants: Vec<TenantId> = sqlx::query_scalar("select id from tenants order by id")
        .fetch_all(db.engine_pool())
        .await
        .map_err(|error| of_platform(error.into()))?;
    let mut done = Sealed::default();
    for tenant in tenants {
        let sealed = of_tenant(db, ring, tenant)
            .await
            .map_err(|cause| NotSealed { tenant: tenant.to_string(), cause })?;
        done.do_not_call += sealed.do_not_call;
        done.appointments += sealed.appointments;
    }
    if done != Sealed::default() {
        let mut tx = db.engine().await.map_err(of_platform)?;
        let detail = json!({ "sealed": done });
        let noted = note(&mut tx, operator, "platform.seal_reasons", None, &detail).await;
        noted.map_err(of_platform)?;
        tx.commit().await.map_err(of_platform)?;
    }
    Ok(done)
}

async fn of_tenant(db: &Db, ring: &KeyRing, tenant: TenantId) -> Result<Sealed, KeyError> {
    let mut done = Sealed::default();
    loop {
        let mut tx = db.tenant(tenant).await?;
        let keys = ring.of(&mut tx).await?;
        let sealed = do_not_call::seal_open_reasons(&mut tx, &keys, BATCH).await?;
        tx.commit().await?;
        if sealed == 0 {
            break;
        }
        done.do_not_call += sealed;
    }
    let mut after = AppointmentId(Uuid::nil());
    loop {
        let mut tx = db.tenant(tenant).await?;
        let found = appointments::with_open_reasons(&mut tx, after, BATCH).await?;
        tx.commit().await?;
        let Some((last, _)) = found.last() else { break };
        after = *last;
        for one in found {
            let mut tx = db.tenant(tenant).await?;
            let keys = ring.of(&mut tx).await?;
            done.appointments +=
                usize::from(appointments::seal_open_reason(&mut tx, &keys, one).await?);
            tx.commit().await?;
        }
    }
    Ok(done)
}
