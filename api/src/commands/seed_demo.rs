//! The demo's tenant: made once, shown every time.

use serde_json::json;
use shared::accounts::{self, NewAccount};
use shared::api_keys::{self, ApiKey, Role};
use shared::calls::rules::policy::{Allowance, Policy};
use shared::config::{Demo, Environment};
use shared::ids::{AccountId, TenantId};
use shared::tenants::create::{self, NewTenant};
use uuid::Uuid;

use super::Base;

/// The demo's ids are always the same, so that making it twice makes one.
const TENANT: TenantId = TenantId(Uuid::from_u128(0x0193_5000_0000_7000_8000_0000_0000_0001));
const ACCOUNT: AccountId = AccountId(Uuid::from_u128(0x0193_5000_0000_7000_8000_0000_0000_0002));

/// The simulator's agent and caller number. The number is one of Ofcom's for drama.
const AGENT: &str = "agent_demo";
const CALLER_NUMBER: &str = "+441632960000";
const KEY_NAME: &str = "Demo";

/// Makes tenant and account unless they are there, and a new key each time: keys are stored as hashes only, so one that
/// was made before can't be shown again. The last line printed is JSON.
pub(crate) async fn run(environment: &Environment) -> anyhow::Result<()> {
    let demo = environment.read(Demo::read)?;
    anyhow::ensure!(demo.on, "the demo's tenant is made in a demo only: set DEMO=1");
    let base = Base::connect(environment)?;
    let mut tx = base.db.engine().await?;
    let master = &base.keys.master;
    let made = !create::exists(&mut tx, TENANT).await?;
    if made {
        let secret = demo.simulator_key.as_ref();
        let secret =
            secret.ok_or_else(|| anyhow::anyhow!("SIMULATOR_API_KEY is missing"))?.expose();
        accounts::store::create(&mut tx, master, &account(&demo), secret, secret).await?;
        create::create(&mut tx, master, &tenant()).await?;
    }
    let key = ApiKey::generate()?;
    api_keys::store::create(&mut tx, TENANT, KEY_NAME, Role::ClientAdmin, &key).await?;
    tx.commit().await?;
    tracing::info!(made, "the demo's tenant is there");
    let summary = json!({
        "tenant_id": TENANT,
        "api_key": key.expose(),
        "account_id": ACCOUNT,
        "webhook_path": format!("/v1/webhooks/retell/{ACCOUNT}"),
    });
    println!("{summary}");
    Ok(())
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
        name: "Demo clinic".to_owned(),
        zone: chrono_tz::Europe::London,
        account: Some(ACCOUNT),
        agent_id: Some(AGENT.to_owned()),
        caller_number: Some(CALLER_NUMBER.to_owned()),
        policy: Policy { allow_test_numbers: true, ..Policy::default() },
        allowance: Allowance { may_allow_test_numbers: true, ..Allowance::default() },
    }
}
