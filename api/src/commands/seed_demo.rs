//! The demo's tenant: made once, shown every time.

use chrono::{DateTime, Duration, NaiveTime, Utc};
use serde_json::json;
use shared::accounts::{self, NewAccount};
use shared::api_keys::{self, ApiKey, Role};
use shared::appointments::{self, Appointment};
use shared::audit::{Actor, Changes};
use shared::calls::plan::plan_appointment;
use shared::config::{Demo, Environment, Owner};
use shared::contacts::phone::PhoneNumber;
use shared::contacts::{self, Contact};
use shared::db::{Db, demo_clock};
use shared::ids::{AccountId, ContactId, TenantId};
use shared::paging::Slice;
use shared::tenants::create::{self, NewTenant};
use shared::tenants::{KeyRing, store};
use uuid::Uuid;

use super::{Base, demo_people};

/// The demo's ids are always the same, so that making it twice makes one.
const TENANT: TenantId = TenantId(Uuid::from_u128(0x0193_5000_0000_7000_8000_0000_0000_0001));
const ACCOUNT: AccountId = AccountId(Uuid::from_u128(0x0193_5000_0000_7000_8000_0000_0000_0002));

const CONTACT: ContactId = ContactId(Uuid::from_u128(0x0193_5000_0000_7000_8000_0000_0000_0003));

/// The simulator's agent and caller number. The number is one of Ofcom's for drama.
const AGENT: &str = "agent_demo";
const CALLER_NUMBER: &str = "+441632960000";
/// Where the demo's clinic is.
const ZONE: chrono_tz::Tz = chrono_tz::Europe::London;
const KEY_NAME: &str = "Demo";

/// Makes tenant and account unless they are there, and a new key each time: keys are stored as hashes only, so one that
/// was made before can't be shown again. The last line printed is JSON.
pub(crate) async fn run(environment: &Environment) -> anyhow::Result<()> {
    let demo = environment.read(Demo::read)?;
    anyhow::ensure!(demo.on, "the demo's tenant is made in a demo only: set DEMO=1");
    let base = Base::connect(environment)?;
    let mut tx = base.db.engine().await?;
    let master = &base.keys.master;
    let secret = demo.simulator_key.as_ref();
    let secret = secret.ok_or_else(|| anyhow::anyhow!("SIMULATOR_API_KEY is missing"))?.expose();
    let made = !create::exists(&mut tx, TENANT).await?;
    if made {
        accounts::store::create(&mut tx, master, &account(&demo), secret, secret).await?;
        create::create(&mut tx, master, &tenant()).await?;
    } else {
        // The simulator may have moved to another port since.
        accounts::store::move_to(&mut tx, master, ACCOUNT, &demo.simulator_url, secret).await?;
    }
    let key = ApiKey::generate()?;
    api_keys::store::create(&mut tx, TENANT, KEY_NAME, Role::ClientAdmin, &key).await?;
    tx.commit().await?;
    let contact = robin(&base, made).await?;
    let password = demo_people::set(&base, TENANT).await?;
    tracing::info!(made, "the demo's tenant is there");
    let now = open_the_clinic(&base.db, environment).await?;
    let summary = json!({
        "tenant_id": TENANT,
        "api_key": key.expose(),
        "admin_email": demo_people::ADMIN,
        "user_email": demo_people::USER,
        "super_admin_email": demo_people::SUPER_ADMIN,
        "password": password.expose(),
        "account_id": ACCOUNT,
        "now": now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "contact_id": contact,
        "webhook_path": format!("/v1/webhooks/retell/{ACCOUNT}"),
    });
    println!("{summary}");
    Ok(())
}

/// Outside of its hours the demo would have nothing to show: the demo's clock goes on to nine in the morning then.
async fn open_the_clinic(db: &Db, environment: &Environment) -> anyhow::Result<DateTime<Utc>> {
    let now = db.now().await?;
    let local = now.with_timezone(&ZONE).time();
    let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or(NaiveTime::MIN);
    if (hour(8)..hour(19)).contains(&local) {
        return Ok(now);
    }
    let to_nine =
        (hour(9) - local + Duration::days(1)).num_seconds() % Duration::days(1).num_seconds();
    let owner = environment.read(Owner::read)?;
    Ok(demo_clock::advance(owner.url.expose(), Duration::seconds(to_nine)).await?)
}

fn account(demo: &Demo) -> NewAccount {
    NewAccount {
        id: ACCOUNT,
        tenant: None,
        name: "The simulator".to_owned(),
        base_url: demo.simulator_url.clone(),
        simulator: true,
        max_concurrent: 20,
        starts_per_second: 5.0,
        list_trusted: true,
    }
}

fn tenant() -> NewTenant {
    NewTenant {
        id: TENANT,
        account: Some(ACCOUNT),
        agent_id: Some(AGENT.to_owned()),
        caller_number: Some(CALLER_NUMBER.to_owned()),
        ..NewTenant::new("Demo clinic", ZONE).with_test_numbers()
    }
}

/// A contact to look at: the newest there is, or Robin, with an appointment in two days.
async fn robin(base: &Base, fresh: bool) -> anyhow::Result<ContactId> {
    let mut tx = base.db.tenant(TENANT).await?;
    let keys = KeyRing::new(base.keys.master.clone()).of(&mut tx).await?;
    let newest = Slice { after: None, limit: 1 };
    if let Some(found) = contacts::store::list(&mut tx, &keys, false, newest).await?.items.first() {
        return Ok(found.contact.id);
    }
    let now = store::now(&mut tx).await?;
    let phone = PhoneNumber::from_e164("+447700900001")?;
    let new = Contact::new("Robin Example".parse()?, phone, chrono_tz::Europe::London, now);
    let contact = Contact { id: if fresh { CONTACT } else { new.id }, ..new };
    let key = contacts::store::insert(&mut tx, &keys, &contact).await?;
    let appointment = Appointment::new(contact.id, now + chrono::Duration::days(2), 24, now);
    appointments::store::insert(&mut tx, &key, &appointment, "manual").await?;
    let mut changes = Changes::by(Actor::Platform);
    changes.event("contact.created", contact.id.0, Some(contact.id));
    changes.entry("contact.create", contact.id.0, None);
    plan_appointment(&mut tx, appointment.id, &mut changes).await?;
    changes.append(&mut tx).await?;
    tx.commit().await?;
    Ok(contact.id)
}
