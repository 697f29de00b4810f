//! What is on record of tenants: whether it is whole, its signed heads, and files that an outsider verifies.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde_json::{Value, json};
use shared::audit::Actor;
use shared::audit::chain::Chain;
use shared::audit::export;
use shared::audit::heads::Head;
use shared::audit::heads::check::check;
use shared::audit::heads::seal::Sealer;
use shared::config::Environment;
use shared::crypto::SigningKeys;
use shared::ids::TenantId;
use shared::operators::store as record;
use shared::paging::Slice;
use shared::people::store::{self as people, append};
use shared::tenants::store::directory;

use super::{Base, operator};

/// What to do with the chains of tenants.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditAct {
    /// Compute both chains anew, from the first entry on, and hold them against their heads: a line for each, then the whole.
    /// Fails if one is broken, and says where.
    Verify {
        /// Which tenant; all, if left out.
        tenant: Option<TenantId>,
        /// Which tenant, in other words.
        #[arg(long = "tenant", conflicts_with = "tenant")]
        of: Option<TenantId>,
        /// Heads that were kept elsewhere, one a line as `audit heads` prints them: each must still be there.
        #[arg(long)]
        heads: Option<PathBuf>,
    },
    /// Sign heads over all that there is by now, and print the last of each chain, one a line: to be kept where nobody of the
    /// database gets at them.
    Heads {
        /// Which tenant; all, if left out.
        tenant: Option<TenantId>,
    },
    /// Print the public keys by which heads are verified. They are no secret; who verifies should have them from us, not from
    /// the file that they verify.
    Keys,
    /// Write both chains of a tenant to a file for the stand-alone verifier. What was sealed stays sealed.
    Export {
        /// Which tenant.
        tenant: TenantId,
        /// Where to; it must not be there yet.
        file: PathBuf,
        /// From this time on. More may be written: stretches begin and end with a head.
        #[arg(long)]
        from: Option<DateTime<Utc>>,
        /// Until before this time.
        #[arg(long)]
        to: Option<DateTime<Utc>>,
    },
}

/// Does it, and says what came of it.
pub(super) async fn run(
    environment: &Environment,
    base: &Base,
    act: AuditAct,
) -> anyhow::Result<Value> {
    let keys = base.keys.master.head_keys()?;
    match act {
        AuditAct::Verify { tenant, of, heads } => {
            verify(base, &keys, tenant.or(of), heads.as_deref()).await
        }
        AuditAct::Heads { tenant } => print_heads(base, keys, tenant).await,
        AuditAct::Keys => {
            let keys = keys.public().iter();
            let keys: Vec<_> = keys
                .map(|key| json!({ "id": key.id().as_str(), "public_key": hex::encode(key.as_bytes()) }))
                .collect();
            Ok(
                json!({ "keys": keys, "next": ["the last one signs; hand them to auditors by another way than the exports"] }),
            )
        }
        AuditAct::Export { tenant, file, from, to } => {
            write(environment, base, keys, tenant, (&file, from, to)).await
        }
    }
}

/// The tenants that are meant.
async fn meant(base: &Base, tenant: Option<TenantId>) -> anyhow::Result<Vec<TenantId>> {
    match tenant {
        Some(tenant) => {
            let known = directory::find(&base.db, tenant).await?;
            known.context("there is no such tenant")?;
            Ok(vec![tenant])
        }
        None => {
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let page = directory::list(&base.db, Slice { after, limit: 1_000 }).await?;
                all.extend(page.items.iter().map(|tenant| tenant.id));
                after = page.next;
                if after.is_none() {
                    return Ok(all);
                }
            }
        }
    }
}

async fn verify(
    base: &Base,
    keys: &SigningKeys,
    tenant: Option<TenantId>,
    known: Option<&Path>,
) -> anyhow::Result<Value> {
    let known = known.map(read_heads).transpose()?.unwrap_or_default();
    let (mut whole, mut broken) = (serde_json::Map::new(), Vec::new());
    let mut chains = 0;
    for of in meant(base, tenant).await? {
        for chain in Chain::BOTH {
            chains += 1;
            match check(&base.db, keys, (of, chain), &known).await? {
                Ok(found) => {
                    let end = json!({
                        "entries": found.reached.n, "hash": hex::encode(found.reached.hash),
                        "heads": found.heads, "sealed": found.sealed,
                    });
                    println!("{}", json!({ "tenant_id": of, "chain": chain.word(), "whole": end }));
                    if tenant.is_some() {
                        whole.insert(chain.word().to_owned(), end);
                    }
                }
                Err(found) => {
                    let told = found.to_string();
                    println!(
                        "{}",
                        json!({ "tenant_id": of, "chain": chain.word(), "broken": told })
                    );
                    broken.push(format!("the chain of {} of tenant {of}: {told}", chain.word()));
                }
            }
        }
    }
    anyhow::ensure!(
        broken.is_empty(),
        "{} of {chains} are broken: {}",
        broken.len(),
        broken.join("; ")
    );
    let next = "heads that were kept outside of the database (--heads) show whether all was taken back to an earlier one";
    Ok(
        json!({ "chains": chains, "broken": 0, "tenant_id": tenant, "whole": whole, "next": [next] }),
    )
}

async fn print_heads(
    base: &Base,
    keys: SigningKeys,
    tenant: Option<TenantId>,
) -> anyhow::Result<Value> {
    let sealer = Sealer::new(base.db.clone(), keys);
    let (mut printed, mut broken) = (0, Vec::new());
    for of in meant(base, tenant).await? {
        for chain in Chain::BOTH {
            match sealer.seal(of, chain).await? {
                Ok(head) => {
                    if let Some(head) = head {
                        println!("{}", head.public());
                        printed += 1;
                    }
                }
                Err(found) => {
                    broken.push(format!("the chain of {} of tenant {of}: {found}", chain.word()));
                }
            }
        }
    }
    anyhow::ensure!(
        broken.is_empty(),
        "no head was signed where a chain is broken: {}",
        broken.join("; ")
    );
    Ok(
        json!({ "heads": printed, "next": ["keep these lines where nobody of the database gets at them; `audit verify --heads` reads them"] }),
    )
}

async fn write(
    environment: &Environment,
    base: &Base,
    keys: SigningKeys,
    tenant: TenantId,
    (file, from, to): (&Path, Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> anyhow::Result<Value> {
    meant(base, Some(tenant)).await?;
    anyhow::ensure!(
        from.zip(to).is_none_or(|(from, to)| from < to),
        "--from must be earlier than --to"
    );
    // On record before it is read: in the tenant's trail, and in the operators'.
    let who = operator(environment)?;
    let mut tx = base.db.engine().await?;
    let entry = ("audit.export", tenant.0);
    append(&mut tx, Some(tenant), people::Chain::Accesses, Actor::Platform, entry).await?;
    let detail = json!({ "from": from, "to": to });
    record::note(&mut tx, &who, "audit.export", Some(tenant.0), &detail).await?;
    tx.commit().await?;

    let sealer = Sealer::new(base.db.clone(), keys);
    for chain in Chain::BOTH {
        let sealed = sealer.seal(tenant, chain).await?;
        sealed
            .map_err(|found| anyhow::anyhow!("the chain of {} is broken: {found}", chain.word()))?;
    }
    let mut out = BufWriter::new(File::create_new(file).context("the file can't be made")?);
    let written = export::write(&base.db, sealer.keys(), tenant, (from, to), &mut out).await?;
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(json!({
        "tenant_id": tenant,
        "file": file,
        "chains": written,
        "next": ["verify it with `audit-verify FILE --key PUBLIC_KEY` (docs/audit.md); `api admin audit keys` prints the keys"],
    }))
}

/// Heads from a file, one a line; lines of other things are passed over.
fn read_heads(path: &Path) -> anyhow::Result<Vec<Head>> {
    let text = std::fs::read_to_string(path).context("the file of heads can't be read")?;
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let value: Value = serde_json::from_str(line)
            .with_context(|| format!("line {} of the file of heads is no JSON", at + 1))?;
        if value.get("signature").is_some() {
            let head = Head::parse(&value);
            found.push(head.with_context(|| format!("line {} is no head", at + 1))?);
        }
    }
    Ok(found)
}
