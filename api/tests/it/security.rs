//! The pages that say which test shows what: every test that they name is there.

use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Where a module's tests may stand: below the tests of the crate, or in its sources.
fn files(of: &str, module: &str) -> Vec<PathBuf> {
    let root = Path::new(ROOT).join(of);
    let below = module.trim_end_matches("::tests").replace("::", "/");
    [format!("tests/it/{below}.rs"), format!("src/{below}.rs"), format!("src/{below}/tests.rs")]
        .into_iter()
        .map(|file| root.join(file))
        .filter(|file| file.exists())
        .collect()
}

/// Whether `file` has a test of this name, or any if it is `*`.
fn has(file: &Path, name: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    match name {
        "*" => text.contains("test]\n"),
        name => text.split_once(&format!("fn {name}(")).is_some_and(|(before, _)| {
            let attributes = before.trim_end_matches("async ").rsplit("\n\n").next();
            attributes.is_some_and(|above| above.contains("test]") || above.contains("::test("))
        }),
    }
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    for (page, least) in [("security.md", 60), ("hipaa.md", 40), ("leakage.md", 3)] {
        let seen = look_up(page);
        assert!(seen >= least, "{page}: {seen} names were found");
    }
}

/// How many tests a page names, all of which are there.
fn look_up(page: &str) -> usize {
    let name_of_page = format!("docs/{page}");
    let page = std::fs::read_to_string(Path::new(ROOT).join(&name_of_page)).unwrap();
    let (mut seen, mut last) = (0, (String::new(), String::new()));
    let quoted = page.split('`').skip(1).step_by(2).filter(|word| word.contains("::"));
    for named in quoted.filter(|named| *named != "file::test") {
        let (path, name) = named.rsplit_once("::").unwrap();
        // `::name` is of the file that was named before.
        if !path.is_empty() {
            let (of, module) = path.split_once(' ').unwrap_or(("api", path));
            last = (of.to_owned(), module.to_owned());
        }
        let there = files(&last.0, &last.1).iter().any(|file| has(file, name));
        assert!(there, "{name_of_page} names a test that is not there: {named}");
        seen += 1;
    }
    seen
}
