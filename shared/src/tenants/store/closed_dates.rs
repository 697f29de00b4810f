//! SQL of closed dates.

use chrono::NaiveDate;

use crate::db::{Error, TenantTx};
use crate::tenants::closed_dates::ClosedDate;

/// All closed dates, in order.
///
/// # Errors
/// Any [`Error`].
pub async fn list(tx: &mut TenantTx) -> Result<Vec<ClosedDate>, Error> {
    let rows: Vec<(NaiveDate, String)> =
        sqlx::query_as("select date, name from closed_dates order by date")
            .fetch_all(tx.conn())
            .await?;
    Ok(rows.into_iter().map(|(date, name)| ClosedDate { date, name }).collect())
}

/// Closes a date, or renames one that is closed. True if it was open before.
///
/// # Errors
/// Any [`Error`].
pub async fn put(tx: &mut TenantTx, closed: &ClosedDate) -> Result<bool, Error> {
    let renamed = sqlx::query("update closed_dates set name = $2 where date = $1")
        .bind(closed.date)
        .bind(&closed.name)
        .execute(tx.conn())
        .await?;
    if renamed.rows_affected() > 0 {
        return Ok(false);
    }
    sqlx::query("insert into closed_dates (tenant_id, date, name) values ($1, $2, $3)")
        .bind(tx.tenant())
        .bind(closed.date)
        .bind(&closed.name)
        .execute(tx.conn())
        .await?;
    Ok(true)
}

/// Opens a date again. False if it was not closed.
///
/// # Errors
/// Any [`Error`].
pub async fn remove(tx: &mut TenantTx, date: NaiveDate) -> Result<bool, Error> {
    let done = sqlx::query("delete from closed_dates where date = $1")
        .bind(date)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}
