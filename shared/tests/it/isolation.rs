//! One tenant's rows are not there for another.

use shared::api_keys;
use shared::contacts::{self, Contact};
use shared::ids::TenantId;
use shared::paging::Slice;
use shared::testing::World;

fn ada(now: chrono::DateTime<chrono::Utc>) -> Contact {
    let rules = contacts::phone::PhoneRules::new(&["GB"], true).unwrap();
    let phone = contacts::phone::PhoneNumber::parse("07700 900123", &rules).unwrap();
    Contact {
        email: Some("Ada@example.com".parse().unwrap()),
        notes: Some("prefers mornings".parse().unwrap()),
        ..Contact::new("Ada Lovelace".parse().unwrap(), phone, chrono_tz::Europe::London, now)
    }
}

#[tokio::test]
async fn a_contact_is_opened_by_its_tenant_and_not_there_for_another() {
    let world = World::new().await;
    let (one, other) = (world.tenant().await, world.tenant().await);
    let contact = ada(world.db.now().await.unwrap());

    let mut tx = world.db.tenant(one.id).await.unwrap();
    let keys = world.keys.of(&mut tx).await.unwrap();
    contacts::store::insert(&mut tx, &keys, &contact).await.unwrap();
    let found = contacts::store::find(&mut tx, &keys, contact.id).await.unwrap().unwrap();
    assert_eq!(found.contact, contact);
    tx.commit().await.unwrap();

    let mut tx = world.db.tenant(other.id).await.unwrap();
    let keys = world.keys.of(&mut tx).await.unwrap();
    assert!(contacts::store::find(&mut tx, &keys, contact.id).await.unwrap().is_none());
    let all = Slice { after: None, limit: 200 };
    assert!(contacts::store::list(&mut tx, &keys, false, all).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn nothing_personal_lies_open_in_the_database() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let contact = ada(world.db.now().await.unwrap());
    let mut tx = world.db.tenant(tenant.id).await.unwrap();
    let keys = world.keys.of(&mut tx).await.unwrap();
    contacts::store::insert(&mut tx, &keys, &contact).await.unwrap();
    tx.commit().await.unwrap();

    let row = world
        .texts(
            "select encode(name || phone || email || notes, 'escape') || phone_eq::text || email_eq::text from contacts",
        )
        .await;
    for secret in ["Ada", "Lovelace", "7700", "ada@", "mornings"] {
        assert!(!row[0].contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn an_unknown_and_a_revoked_key_stand_for_nobody() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let found = api_keys::store::find(&world.db, &tenant.admin).await.unwrap().unwrap();
    assert_eq!((found.tenant, found.role), (tenant.id, api_keys::Role::ClientAdmin));

    let unknown = api_keys::ApiKey::generate().unwrap();
    assert_eq!(api_keys::store::find(&world.db, &unknown).await.unwrap(), None);

    let mut tx = world.db.engine().await.unwrap();
    let elsewhere = api_keys::store::revoke(&mut tx, TenantId::new(), tenant.admin_id);
    assert!(!elsewhere.await.unwrap(), "another tenant can't revoke it");
    assert!(api_keys::store::revoke(&mut tx, tenant.id, tenant.admin_id).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(api_keys::store::find(&world.db, &tenant.admin).await.unwrap(), None);
}
