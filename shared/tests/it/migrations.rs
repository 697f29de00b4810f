//! Migrations run while the release before serves: each says what it locks, and what would lock a table that is in use for
//! long is refused unless its reason stands above it.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::db::MIGRATOR;
use shared::db::migrate::{self, MigrationFailed, Patience};
use shared::testing::{BEFORE, World};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqlSafeStr};

/// The files of the first release, which nothing served before.
const FIRST_RELEASE: [i64; 2] = [20261122100000, 20261122100100];

const HEADER: [&str; 4] = ["-- Reads:", "-- Locks:", "-- Undo:", "-- Personal:"];

#[test]
fn every_migration_has_its_header() {
    for migration in MIGRATOR.iter() {
        let text = migration.sql.as_str().trim_start_matches("-- no-transaction\n");
        let comment: Vec<_> = text.lines().take_while(|line| line.starts_with("--")).collect();
        let (name, first) = (&migration.description, comment.first().copied().unwrap_or_default());
        assert!(first.len() > 20, "{name}: its first line says what it does");
        for part in HEADER {
            let said = comment.iter().find_map(|line| line.strip_prefix(part)).unwrap_or_default();
            assert!(said.trim().len() > 3, "{name}: `{part}` is missing (migrations/README.md)");
        }
    }
}

#[test]
fn no_migration_locks_a_table_in_use_for_long() {
    let mut there = BTreeSet::new();
    for migration in MIGRATOR.iter() {
        let statements = statements(migration.sql.as_str());
        if !FIRST_RELEASE.contains(&migration.version) {
            for statement in &statements {
                let fault = fault(statement, &there);
                assert_eq!(
                    fault, None,
                    "{} {}: {}",
                    migration.version, migration.description, statement.text
                );
            }
        }
        there.extend(statements.iter().filter_map(Statement::creates));
    }
    assert!(there.contains("attempts"), "the test must see the tables");
}

/// A statement, in lower case and with single spaces, and whether its reason stands above it.
struct Statement {
    text: String,
    allowed: bool,
}

impl Statement {
    fn creates(&self) -> Option<String> {
        let rest = ["create table ", "create unlogged table "]
            .iter()
            .find_map(|words| self.text.strip_prefix(words))?;
        Some(rest.trim_start_matches("if not exists ").split([' ', '(']).next()?.to_owned())
    }

    /// The table that it is about.
    fn table(&self) -> Option<&str> {
        let after = |word: &str| self.text.split_once(word).map(|(_, rest)| rest);
        let rest = match self.text.split(' ').next()? {
            "alter" | "drop" => after(" table ")?,
            "create" => after(" on ")?,
            "update" => after("update ")?,
            "delete" => after(" from ")?,
            "truncate" | "lock" | "cluster" | "reindex" => self.text.split_once(' ')?.1,
            "vacuum" => after("full ")?,
            _ => return None,
        };
        let rest = rest
            .trim_start_matches("table ")
            .trim_start_matches("if exists ")
            .trim_start_matches("only ");
        rest.trim_start_matches("public.").split([' ', '(', ',', ';']).next()
    }
}

/// Why a statement is refused. Tables that the same file made are empty, and nobody waits for them.
fn fault(statement: &Statement, there: &BTreeSet<String>) -> Option<&'static str> {
    let text = statement.text.as_str();
    let has = |words: &str| text.contains(words);
    // Everybody may run a new function, until that is taken away.
    let narrowed =
        text.starts_with("revoke execute on function ") && text.ends_with(" from public;");
    let contract = !narrowed
        && ["drop function", "drop type", "drop view", "drop policy", "revoke "]
            .iter()
            .any(|s| text.starts_with(s));
    if statement.allowed {
        return None;
    }
    if contract {
        return Some(
            "it takes away what the release before may use: contract a release later, and say so",
        );
    }
    if !statement.table().is_some_and(|table| there.contains(table)) {
        return None;
    }
    let index = text.starts_with("create index") || text.starts_with("create unique index");
    [
        (
            index && !has(" concurrently "),
            "building an index bars writes: concurrently, in a file of its own",
        ),
        (
            has(" add constraint ") && !has(" not valid"),
            "checking old rows bars everybody: not valid first, validate in the next file",
        ),
        (has(" add primary key") || has(" add unique"), "it builds an index while everybody waits"),
        (
            has(" add column ")
                && (has(" references ") || has(" unique") || has(" check ("))
                && !has(" not valid"),
            "a column with a constraint has old rows checked: add the constraint apart, not valid",
        ),
        (
            has(" add column ") && has(" not null") && !has(" default "),
            "old rows have no value, and the release before gives none",
        ),
        (
            has(" add column ")
                && ["gen_random_uuid()", "clock_timestamp()", "random()", "nextval(", " stored"]
                    .iter()
                    .any(|f| has(f)),
            "it rewrites the table",
        ),
        (
            has(" alter column ") && has(" type "),
            "it rewrites the table, and the release before reads the old type",
        ),
        (
            has(" set not null"),
            "it reads the whole table while everybody waits: a check that is not valid first",
        ),
        (has(" rename "), "the release before knows the old name"),
        (
            has(" drop column ") || text.starts_with("drop table"),
            "the release before may use it: contract a release later, and say so",
        ),
        (
            text.starts_with("update ") || text.starts_with("delete "),
            "filling is done in batches, outside of migrations",
        ),
        (
            ["truncate", "lock ", "cluster", "vacuum full", "reindex"]
                .iter()
                .any(|s| text.starts_with(s)),
            "everybody waits for it",
        ),
    ]
    .into_iter()
    .find_map(|(found, why)| found.then_some(why))
}

/// Cut at semicolons that stand in no text and no function's body.
fn statements(sql: &str) -> Vec<Statement> {
    let (mut all, mut lines, mut allowed, mut body) = (Vec::new(), Vec::new(), false, false);
    for line in sql.lines() {
        let trimmed = line.trim();
        if lines.is_empty() && trimmed.starts_with("--") {
            allowed |= trimmed.strip_prefix("-- allowed:").is_some_and(|why| why.trim().len() > 10);
            continue;
        }
        let code = trimmed.split(" --").next().unwrap_or_default().trim_end();
        if code.is_empty() || code.starts_with("--") {
            continue;
        }
        body ^= code.matches("$$").count() % 2 == 1;
        lines.push(code.to_lowercase());
        if !body && code.ends_with(';') {
            let text = lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
            all.push(Statement { text, allowed: std::mem::take(&mut allowed) });
            lines.clear();
        }
    }
    all
}

#[test]
fn what_locks_for_long_is_known_when_it_is_seen() {
    let there = BTreeSet::from(["calls".to_owned(), "attempts".to_owned()]);
    for (sql, refused) in [
        ("create index a on calls (x);", true),
        ("create index concurrently a on calls (x);", false),
        ("create index a on fresh (x);", false),
        (
            "-- allowed: a row for each provider account, some dozens\ncreate unique index a on calls (x);",
            false,
        ),
        ("-- allowed:\ncreate index a on calls (x);", true),
        ("-- some other reason\ncreate index a on calls (x);", true),
        ("alter table calls add column x int;", false),
        ("alter table calls add column x int not null default 0;", false),
        ("alter table calls add column x int not null;", true),
        ("alter table calls add column x uuid default gen_random_uuid();", true),
        ("alter table calls add column x int references attempts (id);", true),
        ("alter table calls add column x int generated always as (1) stored;", true),
        ("alter table only public.calls\n    add constraint c check (x > 0);", true),
        ("alter table calls add constraint c check (x > 0) not valid;", false),
        ("alter table calls validate constraint c;", false),
        ("alter table calls alter column x type bigint;", true),
        ("alter table calls alter column x set not null;", true),
        ("alter table calls alter column x set default 3;", false),
        ("alter table calls rename column x to y;", true),
        ("alter table calls drop column x;", true),
        ("drop table calls;", true),
        ("drop function f(int);", true),
        ("revoke select on calls from vio_app;", true),
        ("revoke execute on function f(int) from vio_app;", true),
        ("revoke execute on function f(int) from public;", false),
        ("update calls set x = 1;", true),
        ("delete from calls where x = 1;", true),
        ("lock table calls in share mode;", true),
        (
            "create function f() returns void language plpgsql as $$ begin\n update calls set x = 1;\n end $$;",
            false,
        ),
        ("grant select (x) on calls to vio_engine;", false),
        ("create trigger t after insert on calls for each row execute function f();", false),
    ] {
        let all = statements(sql);
        assert_eq!(all.len(), 1, "{sql}");
        assert_eq!(fault(&all[0], &there).is_some(), refused, "{sql}");
    }
}

fn of(version: i64, sql: &'static str) -> Migration {
    Migration::new(version, "of a test".into(), MigrationType::Simple, sql.into_sql_str(), false)
}

/// The migrations that there are, and these.
fn and(more: impl IntoIterator<Item = Migration>) -> Migrator {
    Migrator::with_migrations(MIGRATOR.iter().cloned().chain(more).collect())
}

const IMPATIENT: Patience =
    Patience { to_connect: Duration::ZERO, tries: 1, between: Duration::ZERO };

#[tokio::test]
async fn a_lock_that_is_not_given_is_left_to_others_and_asked_for_again() {
    let world = World::new().await;
    let migrator = and([of(99990101000000, "alter table tenants add column x int")]);
    let mut reader = PgConnection::connect(&world.owner_url()).await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    sqlx::raw_sql("lock table tenants in access share mode").execute(&mut *reading).await.unwrap();

    let refused = migrate::run(&world.owner_url(), &migrator, IMPATIENT).await;
    let version = match &refused {
        Err(MigrationFailed::Locked { version, tries: 1 }) => version.as_str(),
        _ => panic!("{refused:?}"),
    };
    assert_eq!(version, "99990101000000");

    // Given up while the second run waits: it comes through without being started again.
    let url = world.owner_url();
    let patience = Patience { tries: 1_000, ..IMPATIENT };
    let give_up = async {
        let asks = "select count(*) from pg_stat_activity where application_name = 'vio-migrate' \
                    and wait_event_type = 'Lock' and datname = current_database()";
        while world.number(asks).await == 0 {
            tokio::task::yield_now().await;
        }
        reading.rollback().await.unwrap();
    };
    let (migrated, ()) = tokio::join!(migrate::run(&url, &migrator, patience), give_up);
    migrated.unwrap();
    let added =
        "select count(*) from pg_attribute where attrelid = 'tenants'::regclass and attname = 'x'";
    assert_eq!(world.number(added).await, 1);
}

#[tokio::test]
async fn what_stands_in_the_way_is_said_and_nothing_is_changed() {
    let world = BEFORE.world().await;
    let url = world.owner_url();
    migrate::run(&url, &MIGRATOR, IMPATIENT).await.unwrap();
    migrate::run(&url, &MIGRATOR, IMPATIENT).await.expect("again changes nothing");

    let bad =
        and([of(99990101000000, "create table x (a int); alter table nobody add column x int")]);
    let failed = migrate::run(&url, &bad, IMPATIENT).await;
    assert!(
        matches!(&failed, Err(MigrationFailed::Failed { version, .. }) if version == "99990101000000"),
        "{failed:?}"
    );
    assert_eq!(
        world.number("select count(*) from pg_class where relname = 'x'").await,
        0,
        "taken back"
    );

    let good = and([of(99990101000000, "create table x (a int)")]);
    migrate::run(&url, &good, IMPATIENT).await.unwrap();
    let older = migrate::run(&url, &MIGRATOR, IMPATIENT).await;
    assert!(matches!(older, Err(MigrationFailed::Newer(99990101000000))), "{older:?}");
    let edited =
        migrate::run(&url, &and([of(99990101000000, "create table x (a text)")]), IMPATIENT).await;
    assert!(matches!(edited, Err(MigrationFailed::Edited(99990101000000))), "{edited:?}");

    let nobody = url.replace("127.0.0.1:", "127.0.0.1:1");
    let away = migrate::run(&nobody, &MIGRATOR, IMPATIENT).await;
    assert!(matches!(away, Err(MigrationFailed::Away(_) | MigrationFailed::Address)), "{away:?}");
    assert!(matches!(
        migrate::run("nowhere", &MIGRATOR, IMPATIENT).await,
        Err(MigrationFailed::Address)
    ));
}
