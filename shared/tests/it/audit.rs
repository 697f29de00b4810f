//! The audit chains: appended by three functions and nobody else, and sealed by heads that no right in the database can forge.

use shared::audit::chain::{Broken, Chain};
use shared::audit::heads::check::{Whole, check};
use shared::audit::heads::seal::Sealer;
use shared::audit::heads::{Head, store};
use shared::audit::{Actor, Changes};
use shared::crypto::{MasterKeys, SigningKeys};
use shared::ids::TenantId;
use shared::testing::World;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

fn keys(lines: &[(u32, &str)]) -> SigningKeys {
    let lines: Vec<_> =
        lines.iter().map(|(id, byte)| format!("{id}:{}", byte.repeat(32))).collect();
    MasterKeys::parse(&lines.join("\n")).unwrap().head_keys().unwrap()
}

fn ours() -> SigningKeys {
    keys(&[(1, "5a")])
}

async fn append(world: &World, tenant: TenantId, entries: usize) {
    let mut tx = world.db.tenant(tenant).await.unwrap();
    let mut changes = Changes::by(Actor::Platform);
    for _ in 0..entries {
        changes.entry("tenant.change", tenant.0, None);
    }
    changes.append(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn seal(world: &World, tenant: TenantId) -> Head {
    let sealer = Sealer::new(world.db.clone(), ours());
    sealer.seal(tenant, Chain::Changes).await.unwrap().unwrap().expect("a head")
}

async fn checked(world: &World, tenant: TenantId, known: &[Head]) -> Result<Whole, Broken> {
    check(&world.db, &ours(), (tenant, Chain::Changes), known).await.unwrap()
}

/// A tenant with six changes: two heads, of three entries and of two more, and one entry that waits for the next.
async fn sealed() -> (World, TenantId, Vec<Head>) {
    let world = World::new().await;
    let tenant = world.tenant().await.id;
    append(&world, tenant, 3).await;
    let first = seal(&world, tenant).await;
    append(&world, tenant, 2).await;
    let second = seal(&world, tenant).await;
    append(&world, tenant, 1).await;
    (world, tenant, vec![first, second])
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a table of statements; the only interpolated value is a uuid"
)]
async fn the_applications_role_appends_by_the_functions_and_rewrites_nothing() {
    let (world, tenant, _) = sealed().await;
    let mut app = PgConnection::connect(&world.database_urls().0).await.unwrap();
    let row = "tid(), 'changes', {n}, now(), 'worker', 'x', tid(), null, sha256('a'), sha256('b')";
    let insert = |n: &str| format!("insert into audit_entries values ({})", row.replace("{n}", n));
    for (statement, why) in [
        ("update audit_entries set actor = 'x'".to_owned(), "an entry is changed"),
        ("delete from audit_entries".to_owned(), "an entry is removed"),
        ("truncate audit_entries".to_owned(), "all are removed"),
        (insert("7"), "the next number, with hashes of one's own"),
        (insert("9"), "a number out of order"),
        (insert("3"), "a number that is there"),
        ("update tenant_heads set change_n = 2".to_owned(), "the chain is set back"),
        ("update tenant_heads set access_hash = ''".to_owned(), "its hash is"),
        ("delete from tenant_heads".to_owned(), "its end is forgotten"),
        ("update audit_heads set n = 2".to_owned(), "a head is changed"),
        ("delete from audit_heads".to_owned(), "a head is removed"),
        ("truncate audit_heads".to_owned(), "all heads are"),
        ("select append_entry(tid(), 'changes', 'x', 'x', tid(), null)".to_owned(), "the engine's"),
        ("alter table audit_entries disable row level security".to_owned(), "the owner's"),
        ("set role vio_engine".to_owned(), "another role's rights"),
    ] {
        let mut tx = app.begin().await.unwrap();
        sqlx::query("select set_config('app.tenant_id', $1, true)")
            .bind(tenant.to_string())
            .execute(&mut *tx)
            .await
            .unwrap();
        let refused = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await;
        let code = refused.as_ref().err().and_then(sqlx::Error::as_database_error);
        let code = code.and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{why}: {refused:?}");
        tx.rollback().await.unwrap();
    }
    // A table of one's own of the same name doesn't deceive the function.
    let mut tx = app.begin().await.unwrap();
    let deceive = format!(
        "set local app.tenant_id = '{tenant}';
         create temp table tenant_heads as select * from public.tenant_heads;
         select append_changes('{{}}', '{{}}', '{{}}', 'worker', array['x.y'], array[tid()], array[null::bytea])"
    );
    sqlx::raw_sql(AssertSqlSafe(deceive)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(checked(&world, tenant, &[]).await.unwrap().reached.n, 7);
}

#[tokio::test]
async fn another_tenants_chain_is_out_of_the_functions_reach() {
    let (world, tenant, _) = sealed().await;
    let other = world.tenant().await.id;
    append(&world, other, 1).await;
    assert_eq!(checked(&world, tenant, &[]).await.unwrap().reached.n, 6);
    assert_eq!(checked(&world, other, &[]).await.unwrap().reached.n, 1);
    let mut tx = world.db.tenant(other).await.unwrap();
    assert_eq!(store::list(&mut tx, Chain::Changes, 0, 9).await.unwrap(), []);
}

/// The owner of the database rewrites the chain as our functions would have written it, its end included.
const REWRITE: &str = "do $$
    declare e record; last bytea := ''; r bytea;
    begin
        update audit_entries set actor = 'worker' where chain = 'changes' and n = 2;
        for e in select * from audit_entries where chain = 'changes' order by n loop
            r := sha256(convert_to(concat_ws('|', e.tenant_id, 'changes', e.n,
                (extract(epoch from e.at) * 1000000)::bigint, e.actor, e.action, e.entity), 'UTF8') || coalesce(e.detail, ''));
            last := sha256(last || r);
            update audit_entries set row_hash = r, chain_hash = last where chain = 'changes' and n = e.n;
        end loop;
        update tenant_heads set change_hash = last where change_n > 0;
    end $$";

#[tokio::test]
async fn whatever_the_owner_of_the_database_does_to_a_chain_is_found_and_named() {
    for (change, found) in [
        ("select 1", Ok(6)),
        ("update audit_entries set action = 'x.y' where n = 4", Err(Broken::Row(4))),
        ("update audit_entries set detail = 'x' where n = 4", Err(Broken::Row(4))),
        ("delete from audit_entries where n = 4", Err(Broken::Numbers(5))),
        ("delete from audit_entries where n = 6", Err(Broken::Cut(5))),
        ("update audit_entries set n = -n where n in (4, 5); update audit_entries set n = 9 + n where n < 0", Err(Broken::Row(4))),
        (REWRITE, Err(Broken::Head(1))),
        ("delete from audit_entries where n > 4; update tenant_heads set change_n = 4,
              change_hash = (select chain_hash from audit_entries where n = 4)", Err(Broken::Cut(4))),
        ("insert into audit_entries select tenant_id, chain, 7, at, actor, action, entity, detail, r, sha256(chain_hash || r)
          from audit_entries, lateral (select sha256(convert_to(concat_ws('|', tenant_id, 'changes', 7,
              (extract(epoch from at) * 1000000)::bigint, actor, action, entity), 'UTF8')) as r) h where n = 6", Err(Broken::Added(7))),
        ("delete from audit_heads where serial = 1", Err(Broken::Head(2))),
        ("update audit_heads set at = at + interval '1 second' where serial = 2", Err(Broken::Signature(2))),
        ("update audit_heads set at = at + interval '1 second' where serial = 1", Err(Broken::Signature(1))),
        ("update audit_heads set latest = latest + interval '1 second' where serial = 1", Err(Broken::Head(1))),
        ("update audit_heads set key_id = '0123456789abcdef' where serial = 2", Err(Broken::Unproven(2))),
    ] {
        let (world, tenant, _) = sealed().await;
        world.run(change).await;
        let told = checked(&world, tenant, &[]).await.map(|whole| whole.reached.n);
        assert_eq!(told, found, "{change}");
    }
}

#[tokio::test]
async fn a_chain_that_was_taken_back_with_its_heads_is_found_by_a_head_that_was_published() {
    let (world, tenant, published) = sealed().await;
    assert_eq!(checked(&world, tenant, &published).await.unwrap().sealed, 5);
    let sealer = Sealer::new(world.db.clone(), ours());
    let third = sealer.seal(tenant, Chain::Changes).await.unwrap().unwrap().unwrap();
    world
        .run(
            "delete from audit_heads where serial = 3; delete from audit_entries where n > 5;
             update tenant_heads set change_n = 5, change_hash = (select chain_hash from audit_entries where n = 5)",
        )
        .await;
    assert!(checked(&world, tenant, &published).await.is_ok(), "by itself it is whole");
    let read_back = Head::parse(&third.public()).expect("as it was printed");
    let known = [published[0].clone(), read_back];
    assert_eq!(checked(&world, tenant, &known).await, Err(Broken::Published(3)));
    append(&world, tenant, 2).await;
    let refused = sealer.seal(tenant, Chain::Changes).await.unwrap();
    assert_eq!(refused, Err(Broken::Published(3)), "who signed it remembers, and signs no other");
}

#[tokio::test]
async fn a_head_is_signed_over_what_was_computed_anew_and_over_nothing_else() {
    let (world, tenant, heads) = sealed().await;
    world.run("update audit_entries set actor = 'worker' where chain = 'changes' and n = 6").await;
    let sealer = Sealer::new(world.db.clone(), ours());
    assert_eq!(sealer.seal(tenant, Chain::Changes).await.unwrap(), Err(Broken::Row(6)));
    let mut tx = world.db.tenant(tenant).await.unwrap();
    assert_eq!(store::last(&mut tx, Chain::Changes).await.unwrap(), heads.last().cloned());
}

#[tokio::test]
async fn heads_outlive_the_master_key_that_signed_them() {
    let (world, tenant, _) = sealed().await;
    // The new key is added: each chain gets a head by it, though nothing else is new.
    append(&world, tenant, 1).await;
    let both = || keys(&[(1, "5a"), (2, "6b")]);
    let sealer = Sealer::new(world.db.clone(), both());
    sealer.seal(tenant, Chain::Changes).await.unwrap().unwrap();
    assert_eq!(sealer.due().await.unwrap(), [], "all have one");
    // The old one is taken away.
    let new = keys(&[(2, "6b")]);
    let whole = check(&world.db, &new, (tenant, Chain::Changes), &[]).await.unwrap().unwrap();
    assert_eq!((whole.heads, whole.sealed), (3, 7), "the last head answers for those before it");
    append(&world, tenant, 1).await;
    let sealer = Sealer::new(world.db.clone(), keys(&[(2, "6b")]));
    assert_eq!(sealer.seal(tenant, Chain::Changes).await.unwrap().unwrap().unwrap().serial, 4);
    // Somebody without either of them.
    let stranger = keys(&[(1, "77")]);
    let told = check(&world.db, &stranger, (tenant, Chain::Changes), &[]).await.unwrap();
    assert_eq!(told, Err(Broken::Unproven(4)));
    let sealer = Sealer::new(world.db.clone(), stranger);
    assert_eq!(sealer.seal(tenant, Chain::Changes).await.unwrap(), Err(Broken::Unproven(4)));
}

#[tokio::test]
async fn a_head_is_due_after_an_hour_or_a_thousand_entries_or_with_another_key() {
    let world = World::new().await;
    let tenant = world.tenant().await.id;
    let sealer = Sealer::new(world.db.clone(), ours());
    assert_eq!(sealer.due().await.unwrap(), [], "an empty chain has nothing to sign");
    append(&world, tenant, 1).await;
    assert_eq!(sealer.due().await.unwrap().len(), 1, "the first head comes at once");
    seal(&world, tenant).await;
    append(&world, tenant, 999).await;
    assert_eq!(sealer.due().await.unwrap(), []);
    world.advance(chrono::Duration::minutes(61)).await;
    assert_eq!(sealer.due().await.unwrap().len(), 1, "an hour later");
    seal(&world, tenant).await;
    append(&world, tenant, 1_000).await;
    assert_eq!(sealer.due().await.unwrap().len(), 1, "at once");
    let head = seal(&world, tenant).await;
    assert_eq!((head.serial, head.n), (3, 2_000));
    let newer = Sealer::new(world.db.clone(), keys(&[(1, "5a"), (2, "6b")]));
    assert_eq!(newer.due().await.unwrap().len(), 1, "the new key is to answer for the old one");
}

#[tokio::test]
async fn processes_that_sign_at_once_make_one_row_of_heads() {
    let world = World::new().await;
    let tenant = world.tenant().await.id;
    append(&world, tenant, 50).await;
    let sealers: Vec<_> = (0..4).map(|_| Sealer::new(world.db.clone(), ours())).collect();
    let sealing = sealers.iter().map(|it| it.seal(tenant, Chain::Changes));
    for sealed in futures::future::join_all(sealing).await {
        assert_eq!(sealed.unwrap().unwrap().unwrap().n, 50);
    }
    assert_eq!(checked(&world, tenant, &[]).await.unwrap().heads, 1);
}
