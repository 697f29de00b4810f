//! Moving the demo's clock. Only the owner of the schema may.

use chrono::{DateTime, Duration, Utc};
use sqlx::postgres::types::PgInterval;
use sqlx::{Connection, PgConnection};

use super::Error;

/// Moves the clock ahead, and tells the time that it shows then.
///
/// # Errors
/// Any [`Error`].
pub async fn advance(owner_url: &str, by: Duration) -> Result<DateTime<Utc>, Error> {
    let mut conn = PgConnection::connect(owner_url).await?;
    let by =
        PgInterval { months: 0, days: 0, microseconds: by.num_microseconds().unwrap_or(i64::MAX) };
    sqlx::query("update demo_clock set ahead = ahead + $1").bind(by).execute(&mut conn).await?;
    shown(conn).await
}

/// Puts the clock back to the time that it is.
///
/// # Errors
/// Any [`Error`].
pub async fn reset(owner_url: &str) -> Result<DateTime<Utc>, Error> {
    let mut conn = PgConnection::connect(owner_url).await?;
    sqlx::query("update demo_clock set ahead = '0'").execute(&mut conn).await?;
    shown(conn).await
}

async fn shown(mut conn: PgConnection) -> Result<DateTime<Utc>, Error> {
    let now = sqlx::query_scalar("select app_clock()").fetch_one(&mut conn).await?;
    conn.close().await?;
    Ok(now)
}
