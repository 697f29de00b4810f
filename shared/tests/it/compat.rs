//! The release before this one works on this one's schema, and what it wrote is read: docs/development.md, "Releases side
//! by side". What is compared was recorded from that release's own binaries by `dev/compat/record`.

use std::collections::BTreeSet;

use shared::contacts;
use shared::paging::Slice;
use shared::testing::{BEFORE, World};

/// Constraints that came after the release before, on tables that it writes, and why they refuse nothing that it writes.
/// One that only lets more words through needs no entry.
const REVIEWED: [(&str, &str); 0] = [];

/// What the release before has and doesn't use, as no statement of its recording does; and why it had to go already.
const GIVEN_UP: [(&str, &str); 0] = [];

/// Each is something that the release before stands on, spelled by the catalogue; `table` first where there is one.
const STANDS_ON: [(&str, &str); 6] = [
    (
        "a column",
        "select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) from pg_attribute a
         join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'v', 'c', 'S') and c.relnamespace = 'public'::regnamespace
         where a.attnum > 0 and not a.attisdropped and c.relname <> '_sqlx_migrations'",
    ),
    (
        "a function",
        "select p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') ' || coalesce(pg_get_function_result(p.oid), '')
         from pg_proc p where p.pronamespace = 'public'::regnamespace
           and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')",
    ),
    (
        "a right on a column",
        "select r || ' may ' || v || ' ' || c.relname || '.' || a.attname from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped,
              unnest(array['vio_app', 'vio_engine']) r, unnest(array['select', 'insert', 'update']) v
         where c.relkind in ('r', 'p', 'v') and c.relnamespace = 'public'::regnamespace
           and has_column_privilege(r, c.oid, a.attnum, v)",
    ),
    (
        "a right to delete or to run",
        "select r || ' may delete from ' || c.relname from pg_class c, unnest(array['vio_app', 'vio_engine']) r
         where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and has_table_privilege(r, c.oid, 'delete')
         union all
         select r || ' may run ' || p.oid::regprocedure::text from pg_proc p, unnest(array['vio_app', 'vio_engine']) r
         where p.pronamespace = 'public'::regnamespace and has_function_privilege(r, p.oid, 'execute')
           and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')",
    ),
    (
        "a unique index, which ON CONFLICT names",
        "select indexdef from pg_indexes where schemaname = 'public' and indexdef like 'CREATE UNIQUE%'",
    ),
    (
        "a policy, without which there are no rows",
        "select concat_ws(' ', tablename, policyname, roles, cmd, qual, with_check) from pg_policies where schemaname = 'public'",
    ),
];

/// A column that must be given: the release before doesn't know it, and would fail to insert.
const REQUIRED: &str = "select c.relname || '.' || a.attname from pg_attribute a
     join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
     where a.attnum > 0 and not a.attisdropped and a.attnotnull and not a.atthasdef and a.attidentity = ''";

const TABLES: &str = "select relname::text from pg_class
     where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and relname <> '_sqlx_migrations' order by 1";

const CONSTRAINTS: &str = "select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
     where connamespace = 'public'::regnamespace and conrelid <> 0 and contype in ('c', 'f', 'x')";

async fn set(world: &World, query: &'static str) -> BTreeSet<String> {
    world.texts(query).await.into_iter().collect()
}

#[tokio::test]
async fn all_that_the_release_before_stands_on_is_still_there() {
    let (before, now) = (BEFORE.world().await, BEFORE.world().await);
    now.migrate().await;
    for (what, query) in STANDS_ON {
        let (had, has) = (set(&before, query).await, set(&now, query).await);
        assert!(had.len() > 10, "the query must see {what}");
        let given_up = |gone: &&String| GIVEN_UP.iter().any(|(name, _)| gone == name);
        let gone: Vec<_> = had.difference(&has).filter(|gone| !given_up(gone)).collect();
        assert_eq!(gone, [""; 0], "{what} is gone or changed that {} uses", BEFORE.name);
    }
}

#[tokio::test]
async fn nothing_refuses_what_the_release_before_writes() {
    let (before, now) = (BEFORE.world().await, BEFORE.world().await);
    now.migrate().await;
    let tables = set(&before, TABLES).await;
    let of_before = |of: &str| tables.contains(of.split(['.', ' ']).next().unwrap_or_default());

    let (had, has) = (set(&before, REQUIRED).await, set(&now, REQUIRED).await);
    let required: Vec<_> = has.difference(&had).filter(|column| of_before(column)).collect();
    assert_eq!(required, [""; 0], "{} doesn't know these and can't give them", BEFORE.name);

    let (had, has) = (set(&before, CONSTRAINTS).await, set(&now, CONSTRAINTS).await);
    let tighter: Vec<_> = has
        .difference(&had)
        .filter(|constraint| of_before(constraint))
        .filter(|constraint| !had.iter().any(|old| only_widened(old, constraint)))
        .filter(|constraint| !REVIEWED.iter().any(|(name, _)| constraint.contains(name)))
        .collect();
    assert_eq!(
        tighter, [""; 0],
        "say in REVIEWED why nothing that {} writes is refused",
        BEFORE.name
    );
}

/// Whether `new` is `old` with more words in its list.
fn only_widened(old: &str, new: &str) -> bool {
    let parts = |definition: &str| {
        let (mut frame, mut words) = (String::new(), BTreeSet::new());
        for (at, piece) in definition.split('\'').enumerate() {
            if at % 2 == 1 {
                words.insert(piece.to_owned());
            } else if piece != "::text, " {
                frame.push_str(piece);
            }
        }
        (frame, words)
    };
    let ((old_frame, old_words), (new_frame, new_words)) = (parts(old), parts(new));
    old_frame == new_frame && !old_words.is_empty() && old_words.is_subset(&new_words)
}

#[test]
fn a_list_of_words_may_grow_and_not_shrink() {
    let check =
        |words: &str| format!("calls calls_kind_check CHECK ((kind = ANY (ARRAY[{words}])))");
    let two = check("'reminder'::text, 'call_now'::text");
    for (new, fine, why) in [
        (check("'reminder'::text, 'call_now'::text, 'campaign'::text"), true, "a word more"),
        (check("'reminder'::text"), false, "a word less"),
        (check("'reminder'::text, 'campaign'::text"), false, "another word"),
        (two.replace("(kind", "(state"), false, "another column"),
        ("calls calls_kind_check CHECK ((n < 3))".to_owned(), false, "another rule"),
    ] {
        assert_eq!(only_widened(&two, &new), fine, "{why}");
    }
}

/// Parsed, planned, and its rights asked for, as the role that sends it; nothing is run. What can't be parsed without the
/// types of its parameters, which were not recorded, can't be on its own schema either, and is passed over.
#[tokio::test]
async fn every_statement_of_the_release_before_is_understood_and_allowed() {
    let (before, now) = (BEFORE.world().await, BEFORE.world().await);
    now.migrate().await;
    let statements: Vec<_> =
        BEFORE.statements.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut understood = 0;
    for (n, (role, statement)) in statements.iter().enumerate() {
        let arguments = vec!["null"; parameters(statement)].join(", ");
        let arguments = if arguments.is_empty() { arguments } else { format!("({arguments})") };
        let tried = format!(
            "set role {role}; set plan_cache_mode = force_generic_plan; prepare s{n} as {statement}; \
             explain execute s{n}{arguments}; reset role"
        );
        if before.try_run(tried.clone()).await.is_ok() {
            understood += 1;
            assert_eq!(now.try_run(tried).await, Ok(()), "{role}: {statement}");
        }
    }
    let passed_over = statements.len() - understood;
    assert!(understood > 20 * passed_over, "{understood} compared, {passed_over} passed over");
}

/// The greatest `$n`.
fn parameters(statement: &str) -> usize {
    let numbers = statement.split('$').skip(1).map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    });
    numbers.max().unwrap_or(0)
}

#[tokio::test]
async fn the_rows_of_the_release_before_are_kept_and_open_under_its_keys() {
    let world = BEFORE.world().await;
    let count = "select relname || ' ' || (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %I', relname), false, true, '')))[1]::text
         from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and relname <> '_sqlx_migrations'";
    let had = set(&world, count).await;
    world.migrate().await;
    let lost: Vec<_> = had.difference(&set(&world, count).await).cloned().collect();
    assert_eq!(lost, [""; 0], "a migration keeps what is there");

    let mut tx = world.db.tenant(BEFORE.meta().tenant).await.unwrap();
    let keys = world.keys.of(&mut tx).await.unwrap();
    let all = Slice { after: None, limit: 200 };
    let contacts = contacts::store::list(&mut tx, &keys, false, all).await.unwrap().items;
    let names: BTreeSet<_> = contacts.iter().map(|found| found.contact.name.as_str()).collect();
    assert!(names.contains("Ada Example") && names.contains("Nan Example"), "{names:?}");
}

/// Numbers go on where they were, and each entry hangs on the one before it.
#[tokio::test]
async fn events_and_the_audit_chain_go_on_from_those_of_the_release_before() {
    let world = BEFORE.world().await;
    world.migrate().await;
    let last = "select event_n + change_n from tenant_heads order by 1 desc limit 1";
    let before = world.number(last).await;
    let tenant = BEFORE.meta().tenant;

    let mut changes = shared::audit::Changes::by(shared::audit::Actor::Platform);
    changes.event("tenant.changed", tenant.0, None).entry("tenant.change", tenant.0, None);
    let mut tx = world.db.tenant(tenant).await.unwrap();
    changes.append(&mut tx).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(world.number(last).await, before + 2);
    let broken = "select count(*) from (select n, chain_hash, row_hash, lag(n) over w as last,
             lag(chain_hash, 1, '\\x'::bytea) over w as hangs_on from audit_entries where chain = 'changes'
             window w as (partition by tenant_id order by n)) e
         where chain_hash <> sha256(hangs_on || row_hash) or n <> coalesce(last, 0) + 1";
    assert_eq!(world.number(broken).await, 0, "an entry doesn't hang on the one before it");
    let gaps = "select count(*) from (select n, lag(n, 1, 0) over (partition by tenant_id order by n) as last from events) e where n <> last + 1";
    assert_eq!(world.number(gaps).await, 0, "a number of an event is missing");
}
