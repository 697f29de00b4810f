//! `docs/states.md` is true: no test takes an arrow that it doesn't have, and each row's test is there.

use std::path::{Path, PathBuf};

use crate::by_hand::sql;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page() -> String {
    std::fs::read_to_string(root().join("docs/states.md")).unwrap()
}

/// Rows of the tables of arrows: of what, from, to, and the last column.
fn arrows(page: &str) -> Vec<(String, String, String, String)> {
    page.lines()
        .filter_map(|line| {
            let columns: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let (from, to) = columns.get(1)?.split_once(" → ")?;
            let test = columns.last()?.to_string();
            Some((columns[0].to_owned(), from.to_owned(), to.to_owned(), test))
        })
        .collect()
}

/// A trigger that refuses every arrow which the page doesn't have.
pub(crate) fn guard() -> &'static str {
    let rows: Vec<_> = arrows(&page())
        .into_iter()
        .map(|(of, from, to, _)| format!("'{of} {from} {to}'"))
        .collect();
    sql(format!(
        "create function only_known_arrows() returns trigger language plpgsql as $$ \
         declare arrow text := tg_argv[0] || ' ' || case tg_op when 'INSERT' then 'new' else old.state end || ' ' || new.state; \
         begin \
             if (tg_op = 'INSERT' or old.state <> new.state) and arrow not in ({}) then \
                 raise exception 'docs/states.md has no arrow %', arrow; \
             end if; \
             return new; \
         end $$; \
         create trigger only_known_arrows before insert or update on calls for each row execute function only_known_arrows('call'); \
         create trigger only_known_arrows before insert or update on attempts for each row execute function only_known_arrows('attempt');",
        rows.join(", ")
    ))
}

#[test]
fn each_row_names_a_test_that_exists() {
    let page = page();
    let rows = arrows(&page);
    assert!(rows.len() > 30, "the tables were read");
    let named = page.split('`').filter(|word| {
        [
            "answers::",
            "claims::",
            "conversations::",
            "delivery::",
            "doubt::",
            "late::",
            "looks::",
            "messages::",
            "recovery::",
            "call_now::",
        ]
        .iter()
        .any(|file| word.starts_with(file))
    });
    let mut count = 0;
    for name in named {
        let (file, test) = name.split_once("::").unwrap();
        let source = root().join(format!("worker/tests/it/{file}.rs"));
        let source = std::fs::read_to_string(source).unwrap();
        assert!(source.contains(&format!("async fn {test}(")), "{name} is not there");
        count += 1;
    }
    assert!(count >= rows.len(), "every row has its test");
}

#[test]
fn every_state_of_the_schema_has_its_arrows() {
    let schema =
        std::fs::read_to_string(root().join("migrations/20261122100000_foundation.sql")).unwrap();
    let rows = arrows(&page());
    for (of, states) in [("call", "('planned', 'reserved'"), ("attempt", "('reserved', 'released'")]
    {
        let list = schema.split(states).nth(1).unwrap().split(')').next().unwrap();
        let list = format!("{states}{list}");
        for state in list.split('\'').skip(1).step_by(2) {
            let reached = rows.iter().any(|(row_of, _, to, _)| row_of == of && to == state);
            assert!(reached, "{of}: {state}");
        }
    }
}
