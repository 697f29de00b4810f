//! Functions that find rows by their ids or their time never read a table whole, whatever the planner believes of it: a plan
//! that reads all webhooks to find a dozen is made while a table is young, and kept by the connection for hours.

use shared::testing::World;

/// Tables as a flood leaves them, and statistics as they were before it. Nobody looks at the tables meanwhile.
const A_FLOOD: &str = "
    alter table webhooks set (autovacuum_enabled = false);
    alter table attempts set (autovacuum_enabled = false);
    alter table calls set (autovacuum_enabled = false);
    set session_replication_role = replica;
    insert into webhooks (id, format, account_id, body, body_hash, received_at, state, sent_at, tries, processed_at)
    select nth(n), 'retell', nth(0), case when n > 4000 then 'sealed'::bytea end, int4send(n), app_clock(),
        case when n > 4000 then 'stored' else 'processed' end, null, n % 2, case when n <= 4000 then app_clock() end
    from generate_series(1, 5000) n;
    insert into calls (tenant_id, id, contact_id, kind, purpose_key, state, earliest, due, deadline, eligible_at, planned_at, updated_at)
    select nth(n % 20), nth(n), nth(n), 'reminder', n, 'settled', m, m, m, m, m, m from generate_series(1, 5000) n, app_clock() m;
    insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at, expires_at,
        dialled_at, check_at)
    select nth(n % 20), nth(n), nth(n), nth(n), nth(0), n, int4send(n), case when n > 4900 then 'reserved' else 'settled' end, m, m, m,
        case when n % 100 = 0 then m - interval '1 minute' else '9999-12-31 00:00:00+00' end
    from generate_series(1, 5000) n, app_clock() m;
    reset session_replication_role;";

/// Ids that tests can name.
const NTH: &str = "create function nth(n bigint) returns uuid immutable language sql as $$
    select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
    grant execute on function nth(bigint) to vio_engine";

/// What the planner believes: nothing; that the tables are empty; that each is one page of a few rows.
const BELIEFS: [(&str, &str); 3] = [
    ("nobody looked yet", "select"),
    (
        "they were looked at when they were empty",
        "update pg_class set reltuples = 0, relpages = 0 where relname in ('webhooks', 'attempts', 'calls')",
    ),
    (
        "they were looked at when they were small",
        "update pg_class set reltuples = 3, relpages = 1 where relname in ('webhooks', 'attempts', 'calls')",
    ),
];

/// Each as it is called, with some dozen rows to find.
const CALLS: [(&str, &str); 6] = [
    ("webhooks_to_send", "select count(*) from webhooks_to_send(16, 10)"),
    (
        "webhooks_taken",
        "select count(*) from webhooks_taken(array(select nth(n) from generate_series(4500, 4515) n))",
    ),
    (
        "webhooks_done",
        "select count(*) from (select webhooks_done(array(select nth(n) from generate_series(4600, 4615) n),
             array_fill('processed'::text, array[16]), array_fill('applied'::text, array[16]))) done",
    ),
    (
        "dials_sent",
        "select count(*) from (select dials_sent(array(select nth(n % 20) from generate_series(4950, 4965) n),
             array(select nth(n) from generate_series(4950, 4965) n))) done",
    ),
    ("attempts_to_check", "select count(*) from attempts_to_check(16)"),
    ("due_tenants", "select count(*) from due_tenants(16)"),
];

#[tokio::test]
async fn no_table_that_grows_is_read_whole_whatever_its_statistics_say() {
    let world = World::new().await;
    world.run(NTH).await;
    world.run(A_FLOOD).await;
    for (belief, arrange) in BELIEFS {
        world.run(arrange).await;
        for (name, call) in CALLS {
            let read = scans(&world, name, call).await;
            assert_eq!(read.len(), 3);
            let whole: Vec<_> = read.iter().filter(|(_, whole, _)| *whole > 0).collect();
            assert!(whole.is_empty(), "{name}, {belief}: {whole:?}");
            let looked: i64 = read.iter().map(|(_, _, by_index)| by_index).sum();
            assert!(looked > 0 || name == "due_tenants", "{name} looked at nothing: {read:?}");
        }
    }
    // The measure itself: without what forces them, the same plans read whole.
    world.run("alter function webhooks_taken(uuid[]) reset all").await;
    let read = scans(&world, "webhooks_taken", CALLS[1].1).await;
    assert!(read.iter().any(|(_, whole, _)| *whole > 0), "nothing would have been seen: {read:?}");
}

/// How often each table was read whole and by an index, where indexes look dear: a wrong belief of the planner's that no
/// statistics cure. `due_tenants` is not forced, and is asked at ordinary prices.
async fn scans(world: &World, name: &str, call: &'static str) -> Vec<(String, i64, i64)> {
    let prices = match name {
        "due_tenants" => "set local role vio_engine",
        _ => "set local role vio_engine; set local random_page_cost = 100000",
    };
    let mut tx = world.hold(prices).await;
    // The sixth time a function's statements may get a plan for good: that one is kept for hours.
    for _ in 0..7 {
        let _: i64 = sqlx::query_scalar(call).fetch_one(&mut *tx).await.unwrap();
    }
    sqlx::query_as(
        "select relname::text, seq_scan, coalesce(idx_scan, 0) from pg_stat_xact_user_tables
         where relname in ('webhooks', 'attempts', 'calls') order by 1",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap()
}
