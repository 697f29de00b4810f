//! The trail in the hands of operators and outsiders: verified whole, exported, and verified again without us.

use std::io::BufReader;
use std::path::PathBuf;

use audit_verify::{Head, Proof, PublicKey};
use serde_json::Value;

use super::{ACTS, Terminal, sql};
use crate::client::Client;

/// A file that goes with its test.
struct Paper(PathBuf);

impl Paper {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("vio-trail-{}-{name}", uuid::Uuid::now_v7())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Paper {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

fn key(terminal: &Terminal) -> PublicKey {
    let printed = terminal.admin(&["audit", "keys"]).unwrap();
    let mut key = [0; 32];
    let digits = printed["keys"][0]["public_key"].as_str().unwrap();
    hex_into(digits, &mut key);
    key
}

fn hex_into(digits: &str, bytes: &mut [u8]) {
    let upper = digits.to_uppercase();
    bytes.copy_from_slice(&data_encoding::HEXUPPER.decode(upper.as_bytes()).unwrap());
}

fn verify(paper: &Paper, key: PublicKey, heads: &[Head]) -> Result<Proof, audit_verify::Fault> {
    let file = std::fs::File::open(&paper.0).unwrap();
    audit_verify::verify(BufReader::new(file), &[key], heads)
}

/// A clinic with some changes and accesses on record.
async fn busy() -> (Client, Terminal, String) {
    let client = Client::new().await;
    for _ in 0..3 {
        let contact = client.contact().await;
        client.admin(&format!("GET /v1/contacts/{contact}"), Value::Null).await;
    }
    api::Accesses::start(client.world.db.clone()).seal().await.unwrap();
    let terminal = Terminal::of(&client);
    let tenant = client.clinic.id.to_string();
    (client, terminal, tenant)
}

#[tokio::test]
async fn an_export_is_verified_with_no_database_and_no_secret() {
    let (client, terminal, tenant) = busy().await;
    let paper = Paper::new("whole");
    let done = terminal.admin(&["audit", "export", &tenant, paper.path()]).unwrap();
    assert_eq!(done["chains"][0]["to"], 3, "{done}");
    let proof = verify(&paper, key(&terminal), &[]).unwrap();
    assert_eq!(proof.tenant, tenant);
    let to: Vec<_> = proof.chains.iter().map(|it| (it.chain.as_str(), it.from, it.to)).collect();
    assert_eq!(to, [("changes", 1, 3), ("accesses", 1, 7)], "the export itself is the seventh");

    let text = std::fs::read_to_string(&paper.0).unwrap();
    for secret in ["Ada", "Lovelace", "07700", "447700", "@example"] {
        assert!(!text.contains(secret), "{secret}: what is sealed stays sealed");
    }
    let python = std::process::Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../dev/audit-verify/verify.py"))
        .args([paper.path(), &data_encoding::HEXLOWER.encode(&key(&terminal))])
        .output();
    if let Ok(done) = python {
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    // Who exports is on record in both places.
    assert_eq!(client.world.texts(ACTS).await, ["ada audit.export"]);
    let entry = "select actor || ' ' || action from audit_entries where chain = 'accesses' order by n desc limit 1";
    assert_eq!(client.world.texts(entry).await, ["platform audit.export"]);
    // A file that is there is not written over, and nobody else's trail is in it.
    let again = terminal.refused(&["audit", "export", &tenant, paper.path()]);
    assert!(again.contains("the file can't be made"), "{again}");
    let nobody = uuid::Uuid::now_v7().to_string();
    assert!(terminal.refused(&["audit", "export", &nobody, "x"]).contains("there is no"));
}

#[tokio::test]
async fn a_time_is_exported_as_a_whole_stretch_from_head_to_head() {
    let (client, terminal, tenant) = busy().await;
    terminal.admin(&["audit", "heads", &tenant]).unwrap();
    client.world.advance(chrono::Duration::hours(3)).await;
    let from = client.world.db.now().await.unwrap();
    client.contact().await;
    terminal.admin(&["audit", "heads", &tenant]).unwrap();
    client.world.advance(chrono::Duration::hours(3)).await;
    let to = client.world.db.now().await.unwrap();
    client.contact().await;
    let paper = Paper::new("stretch");
    let (from, to) = (from.to_rfc3339(), to.to_rfc3339());
    let asked = ["audit", "export", &tenant, paper.path(), "--from", &from, "--to", &to];
    terminal.admin(&asked).unwrap();
    let proof = verify(&paper, key(&terminal), &[]).unwrap();
    let changes = &proof.chains[0];
    assert_eq!((changes.from, changes.to), (4, 4), "{proof:?}");
    assert_eq!(changes.after.as_ref().map(|(serial, _)| *serial), Some(1));
    let backwards = ["audit", "export", &tenant, "x", "--from", &to, "--to", &from];
    assert!(terminal.refused(&backwards).contains("earlier"));
}

#[tokio::test]
async fn every_tenants_chains_are_verified_and_the_broken_one_is_named() {
    let (client, terminal, tenant) = busy().await;
    let other = client.world.tenant().await.id;
    let printed = terminal.output(&["audit", "heads"]);
    let published: Vec<_> = printed.lines().filter_map(Head::parse).collect();
    assert_eq!(published.len(), 2, "the other tenant's chains are empty: {printed}");
    let kept = Paper::new("heads");
    std::fs::write(&kept.0, &printed).unwrap();
    let whole = terminal.admin(&["audit", "verify", "--heads", kept.path()]).unwrap();
    assert_eq!((&whole["chains"], &whole["broken"]), (&4.into(), &0.into()), "{whole}");
    let lines = terminal.output(&["audit", "verify"]);
    assert_eq!(lines.lines().count(), 5, "a line for each, and one for all: {lines}");
    assert_eq!(terminal.admin(&["audit", "verify", "--tenant", &tenant]).unwrap()["chains"], 2);

    // All of it is taken back, the heads too: only who kept them elsewhere sees it.
    client
        .world
        .run(
            "delete from audit_heads where chain = 'changes'; delete from audit_entries where chain = 'changes' and n > 1;
             update tenant_heads h set change_n = 1, change_hash = (select chain_hash from audit_entries e
                 where e.tenant_id = h.tenant_id and chain = 'changes' and n = 1) where change_n > 0",
        )
        .await;
    assert!(terminal.admin(&["audit", "verify"]).is_ok());
    let refused = terminal.refused(&["audit", "verify", "--heads", kept.path()]);
    assert!(refused.contains("1 of 4 are broken") && refused.contains(&tenant), "{refused}");
    assert!(refused.contains("head 1 was published") && !refused.contains(&other.to_string()));

    client.world.run(sql(format!("update audit_entries set actor = 'x' where tenant_id = '{tenant}' and chain = 'accesses' and n = 2"))).await;
    let refused = terminal.refused(&["audit", "verify", &tenant]);
    assert!(refused.contains("entry 2 is not what was written"), "{refused}");
    let paper = Paper::new("broken");
    let refused = terminal.refused(&["audit", "export", &tenant, paper.path()]);
    assert!(refused.contains("is broken"), "{refused}");
}
