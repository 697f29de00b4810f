//! The demo's people: made once, with a new password each time, since only its hash is kept.

use shared::api_keys::Role;
use shared::audit::{Actor, Changes};
use shared::ids::{TenantId, UserId};
use shared::people::password::NewPassword;
use shared::people::secret::RecoveryCode;
use shared::people::store::sign_in;
use shared::people::store::users::{self, NewUser};
use shared::tenants::{KeyRing, store};
use uuid::Uuid;

use super::Base;

/// The clinic's administrator.
pub(super) const ADMIN: &str = "admin@demo.example";
/// Somebody at its reception.
pub(super) const USER: &str = "user@demo.example";
/// Somebody of the platform; sets up a second factor first.
pub(super) const SUPER_ADMIN: &str = "platform@demo.example";

const fn id(last: u128) -> UserId {
    UserId(Uuid::from_u128(0x0193_5000_0000_7000_8000_0000_0000_0010 + last))
}

const OF_TENANT: [(UserId, &str, &str, Role); 2] = [
    (id(1), "Avery Administrator", ADMIN, Role::ClientAdmin),
    (id(2), "Uma User", USER, Role::ClientUser),
];
const OF_PLATFORM: UserId = id(3);

/// Makes them unless they are there, and gives all of them the same new password.
pub(super) async fn set(base: &Base, tenant: TenantId) -> anyhow::Result<NewPassword> {
    let ring = KeyRing::new(base.keys.master.clone());
    let platform = ring.platform(&base.db).await?;
    let mut tx = base.db.tenant(tenant).await?;
    let keys = ring.of(&mut tx).await?;
    let now = store::now(&mut tx).await?;
    let mut changes = Changes::by(Actor::Platform);
    for (id, name, email, role) in OF_TENANT {
        if users::find(&mut tx, &keys, id).await?.is_none() {
            let new = NewUser { id, name: name.parse()?, email: email.parse()? };
            users::insert(&mut tx, (&keys, &platform), &new, role, now).await?;
            changes.event("user.invited", id.0, None).entry("user.invite", id.0, None);
        }
    }
    if !changes.is_empty() {
        changes.append(&mut tx).await?;
    }
    tx.commit().await?;

    let mut tx = base.db.engine().await?;
    if !users::is_of_platform(&mut tx, OF_PLATFORM).await? {
        let (name, email) = ("Sam Platform".parse()?, SUPER_ADMIN.parse()?);
        let new = NewUser { id: OF_PLATFORM, name, email };
        users::insert_of_platform(&mut tx, &platform, &new, now).await?;
    }
    tx.commit().await?;

    let password = NewPassword::parse(&format!("Demo1-{}", RecoveryCode::generate()?.expose()))?;
    let hash = api::hash_password(&password)?;
    let mut tx = base.db.engine().await?;
    for user in OF_TENANT.iter().map(|(id, ..)| *id).chain([OF_PLATFORM]) {
        let known = sign_in::of_user(&mut tx, user).await?;
        let before = known.and_then(|known| known.password_hash);
        sign_in::set_password(&mut tx, user, before.as_deref(), &hash).await?;
    }
    tx.commit().await?;
    Ok(password)
}
