//! SQL of tenants.

use crate::crypto::{TenantKeyPurpose, TenantKeyRow};
use crate::db::{Error, TenantTx};

/// The wrapped keys of the transaction's tenant.
pub(crate) async fn key_rows(tx: &mut TenantTx) -> Result<Vec<TenantKeyRow>, Error> {
    let rows: Vec<(String, i32, Vec<u8>)> =
        sqlx::query_as("select purpose, key_id, wrapped from tenant_keys")
            .fetch_all(tx.conn())
            .await?;
    rows.into_iter()
        .map(|(purpose, id, wrapped)| {
            let purpose = TenantKeyPurpose::from_word(&purpose)
                .ok_or(Error::Unreadable("tenant_keys.purpose"))?;
            let id = id.try_into().map_err(|_| Error::Unreadable("tenant_keys.key_id"))?;
            Ok(TenantKeyRow { purpose, id, wrapped })
        })
        .collect()
}
