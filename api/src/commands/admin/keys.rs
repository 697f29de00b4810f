//! Keys that rotate, tenants whose keys are destroyed, and contacts whose time is over.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};
use shared::config::Environment;
use shared::ids::TenantId;
use shared::journal::Journal;
use shared::operators::{keys as master_keys, store as record};
use shared::paging::Slice;
use shared::retention::store::{self as retention, shred};
use shared::rotation::store as rotation;
use shared::rotation::{Kind, Lead, Step};
use shared::tenants::KeyRing;
use shared::tenants::store::directory;

use super::{Base, operator, rewrap, tenants};

/// How long a command waits between two looks at what waits.
const LOOK: Duration = Duration::from_secs(2);

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysAct {
    /// Rotate keys while everybody works. May be stopped: workers go on with it, and so does the same command.
    Rotate {
        /// Which keys.
        #[arg(value_enum)]
        which: Which,
        /// Of which tenant; of all, one after the other, if left out. Not for master keys, which are everybody's.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Begin, and leave the rest to the workers.
        #[arg(long)]
        begin: bool,
    },
    /// How far each rotation is, and which master key wraps how much.
    Status,
}

/// Which keys rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// Wrap with the newest line of the file whatever older ones wrap.
    Master,
    /// The key that seals a tenant's own values and wraps its contacts' keys.
    Tenant,
    /// The key of each contact.
    Contacts,
    /// The key by which numbers and addresses are compared.
    Equality,
}

/// Does it, and says what came of it.
pub(super) async fn run(
    environment: &Environment,
    base: &Base,
    act: KeysAct,
) -> anyhow::Result<Value> {
    match act {
        KeysAct::Status => status(base).await,
        KeysAct::Rotate { which: Which::Master, tenant, .. } => {
            anyhow::ensure!(tenant.is_none(), "--tenant: a master key is everybody's");
            rewrap::run(environment, base, Duration::from_millis(100)).await
        }
        KeysAct::Rotate { which, tenant, begin } => {
            let kind = match which {
                Which::Contacts => Kind::Contacts,
                Which::Equality => Kind::Equality,
                Which::Tenant | Which::Master => Kind::Tenant,
            };
            let mut done = Vec::new();
            for tenant in chosen(base, tenant).await? {
                done.push(rotate(environment, base, (tenant, kind), begin).await?);
            }
            Ok(json!({
                "rotations": done,
                "next": ["api admin keys status shows how far they are; workers go on with what is not done",
                    "make a base backup when they are done: older ones are opened by the older keys"],
            }))
        }
    }
}

async fn rotate(
    environment: &Environment,
    base: &Base,
    (tenant, kind): (TenantId, Kind),
    begin: bool,
) -> anyhow::Result<Value> {
    // What is kept of a tenant's keys here is a minute old at most, and no rotation begins its work sooner than that.
    let ring = KeyRing::new(base.keys.master.clone());
    rotation::begin(&base.db, &ring, tenant, kind, Lead::default()).await?;
    let mut tx = base.db.engine().await?;
    let detail = json!({ "tenant_id": tenant, "kind": kind.as_str() });
    record::note(&mut tx, &operator(environment)?, "keys.rotate", Some(tenant.0), &detail).await?;
    tx.commit().await?;
    if !begin {
        go_on(base, &ring, (tenant, kind)).await?;
    }
    let mut tx = base.db.tenant(tenant).await?;
    let found = rotation::of_tenant(&mut tx).await?;
    let found = found.into_iter().find(|found| found.kind == kind.as_str());
    Ok(serde_json::to_value(found)?)
}

/// Steps until it is done, or until only old dials keep it from that: nobody waits here for days.
async fn go_on(
    base: &Base,
    ring: &KeyRing,
    (tenant, kind): (TenantId, Kind),
) -> anyhow::Result<()> {
    loop {
        match rotation::step(&base.db, ring, tenant, kind).await? {
            Step::Done => return Ok(()),
            Step::Went(_) => {}
            Step::Waits(until) if until > base.db.now().await? + chrono::Duration::hours(1) => {
                return Ok(());
            }
            Step::Waits(_) | Step::Elsewhere => tokio::time::sleep(LOOK).await,
        }
    }
}

async fn status(base: &Base) -> anyhow::Result<Value> {
    let mut rotations = Vec::new();
    for tenant in chosen(base, None).await? {
        let mut tx = base.db.tenant(tenant).await?;
        rotations.extend(rotation::of_tenant(&mut tx).await?);
    }
    let wrapped = master_keys::wrapped_by(&base.db).await?;
    let wrapped: Vec<_> =
        wrapped.iter().map(|(id, keys)| json!({ "master_key": id, "wraps": keys })).collect();
    Ok(json!({
        "master_key": base.keys.master.current_id(), "wrapped": wrapped, "rotations": rotations,
    }))
}

/// One tenant, or all that have keys.
async fn chosen(base: &Base, tenant: Option<TenantId>) -> anyhow::Result<Vec<TenantId>> {
    if let Some(tenant) = tenant {
        let known = directory::find(&base.db, tenant).await?;
        known.with_context(|| tenants::unknown(tenant))?;
        return Ok(vec![tenant]);
    }
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = directory::list(&base.db, Slice { after, limit: 200 }).await?;
        for found in &page.items {
            let mut tx = base.db.tenant(found.id).await?;
            if shred::has_keys(&mut tx).await? {
                all.push(found.id);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// Whose contacts would be, or are to be, archived and erased.
pub(super) async fn retention(
    environment: &Environment,
    base: &Base,
    tenant: Option<TenantId>,
    dry_run: bool,
) -> anyhow::Result<Value> {
    let mut reports = Vec::new();
    for tenant in chosen(base, tenant).await? {
        let mut tx = base.db.tenant(tenant).await?;
        let report = retention::forecast(&mut tx).await?;
        if !dry_run {
            retention::ask_for_round(&mut tx).await?;
        }
        tx.commit().await?;
        reports.push(json!({ "tenant_id": tenant, "would": report }));
    }
    if !dry_run {
        let mut tx = base.db.engine().await?;
        let who = operator(environment)?;
        let detail = json!({ "tenants": reports.len() });
        record::note(&mut tx, &who, "retention.ask", tenant.map(|id| id.0), &detail).await?;
        tx.commit().await?;
    }
    let then = match dry_run {
        true => "nothing was changed",
        false => {
            "a worker does it within some minutes: it keeps the journal that a restore is measured by"
        }
    };
    Ok(json!({ "tenants": reports, "then": then }))
}

/// Destroys a suspended tenant's keys.
pub(super) async fn shred(
    environment: &Environment,
    base: &Base,
    tenant: TenantId,
    confirm: &str,
) -> anyhow::Result<Value> {
    let journal = journal(environment)?;
    let who = operator(environment)?;
    let done = shred::shred(&base.db, journal.as_ref(), &who, (tenant, confirm)).await?;
    let note = match journal {
        Some(_) => "the journal of this host knows it: a restore doesn't bring the keys back",
        None => {
            "STATE_DIR is not set here, so that no journal knows it: after a restore of an older backup, run this again \
             before anything is started"
        }
    };
    Ok(json!({
        "tenant_id": tenant, "shredded": done,
        "then": [
            "nothing of it that is sealed opens any more, the do-not-call list among it; ids, times and how calls ended stay",
            "processes forget what they have unwrapped within a minute",
            note,
            "backups hold its wrapped keys until they expire, or until the master key of their day is destroyed",
        ],
    }))
}

/// Brings a restored database up to what this host's journal knows.
pub(super) async fn replay(environment: &Environment, base: &Base) -> anyhow::Result<Value> {
    let journal = journal(environment)?.context("STATE_DIR is not set: its journal is replayed")?;
    let lines = journal.entries()?.len();
    journal.replay(&base.db, &KeyRing::new(base.keys.master.clone())).await?;
    Ok(
        json!({ "lines": lines, "next": ["the same on every other host that has a state directory"] }),
    )
}

fn journal(environment: &Environment) -> anyhow::Result<Option<Journal>> {
    let dir = environment.read(|env| Some(env.text("STATE_DIR").map(str::to_owned)))?;
    Ok(dir.as_deref().map(|dir| Journal::open(Path::new(dir))).transpose()?)
}
