//! What is found, where, and what isn't.

use std::process::Command;

use audit_verify::{Fault, Head, Proof, PublicKey};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forger::{Recipe, Signer, TENANT, export, text};

const STRETCHES: &[usize] = &[4, 3, 0, 5];

fn honest(signer: &Signer) -> Vec<Value> {
    export(&Recipe { tenant: TENANT, stretches: STRETCHES, skipped: 0, signers: &[signer] })
}

fn verify(lines: &[Value], keys: &[PublicKey]) -> Result<Proof, Fault> {
    audit_verify::verify(text(lines).as_bytes(), keys, &[])
}

/// What the other verifier says; `None` where there is no Python.
fn python(file: &str, keys: &[PublicKey]) -> Option<bool> {
    let path = std::env::temp_dir().join(format!(
        "audit-verify-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::write(&path, file).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/verify.py");
    let done =
        Command::new("python3").arg(script).arg(&path).args(keys.iter().map(hex::encode)).output();
    std::fs::remove_file(&path).unwrap();
    let done = done.ok()?;
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    let expected = matches!(done.status.code(), Some(0)) || told.starts_with("NOT WHOLE");
    assert!(expected, "{told}");
    Some(done.status.success())
}

#[track_caller]
fn both_agree(lines: &[Value], keys: &[PublicKey], whole: bool, why: &str) {
    let told = verify(lines, keys);
    assert_eq!(told.is_ok(), whole, "{why}: {told:?}");
    if let Some(says) = python(&text(lines), keys) {
        assert_eq!(says, whole, "{why}: verify.py");
    }
}

#[test]
fn an_honest_file_is_whole_and_says_what_it_covers() {
    let signer = Signer::new(1);
    let lines = honest(&signer);
    let proof = verify(&lines, &[signer.public()]).unwrap();
    assert!(proof.trusted);
    assert_eq!(proof.keys, [signer.id()]);
    for covered in &proof.chains {
        assert_eq!((covered.from, covered.to), (1, 12));
        assert_eq!(covered.until.as_ref().map(|(serial, _)| *serial), Some(4));
    }
    assert!(!verify(&lines, &[]).unwrap().trusted, "the file's own keys prove less");
    both_agree(&lines, &[signer.public()], true, "honest");
    both_agree(&lines, &[], true, "honest, by its own keys");
    both_agree(&lines, &[Signer::new(2).public()], false, "signed by somebody else");
}

#[test]
fn a_stretch_between_two_heads_is_complete() {
    let signer = Signer::new(1);
    let recipe = Recipe { tenant: TENANT, stretches: STRETCHES, skipped: 1, signers: &[&signer] };
    let proof = verify(&export(&recipe), &[signer.public()]).unwrap();
    assert_eq!((proof.chains[0].from, proof.chains[0].to), (5, 12));
    both_agree(&export(&recipe), &[signer.public()], true, "from the first head on");
    let nothing = Recipe { skipped: 4, ..recipe };
    both_agree(&export(&nothing), &[signer.public()], true, "nothing after the last head");
    let empty = Recipe { stretches: &[], skipped: 0, ..nothing };
    both_agree(&export(&empty), &[signer.public()], true, "chains without an entry");
}

#[test]
fn a_trusted_head_answers_for_those_before_it_and_not_for_those_after() {
    let (old, new) = (Signer::new(1), Signer::new(2));
    let signers = [&old, &old, &new, &new];
    let lines =
        export(&Recipe { tenant: TENANT, stretches: STRETCHES, skipped: 0, signers: &signers });
    both_agree(&lines, &[new.public()], true, "the new key is trusted");
    both_agree(&lines, &[old.public()], false, "nobody trusted answers for the end");
    both_agree(&lines, &[old.public(), new.public()], true, "both are");
}

/// Each field of each line, changed in each of some ways.
#[test]
fn every_field_that_is_changed_is_found_in_its_line_or_where_it_is_used() {
    let signer = Signer::new(1);
    let keys = [signer.public()];
    let lines = honest(&signer);
    let mut tried = 0;
    for at in 0..lines.len() {
        for path in paths(&lines[at]) {
            for value in others(lines[at].pointer(&path).unwrap()) {
                let mut changed = lines.clone();
                *changed[at].pointer_mut(&path).unwrap() = value.clone();
                let told = verify(&changed, &keys).expect_err(&format!("{at} {path} {value}"));
                // Keys of the file are not asked where the reader has some, but must be keys all the same.
                assert!(told.line > at || at == 0, "{at} {path} {value}: {told}");
                tried += 1;
            }
        }
    }
    assert!(tried > 1_000, "{tried}");
}

fn paths(value: &Value) -> Vec<String> {
    let Value::Object(fields) = value else { return Vec::new() };
    let of = |(name, inner): (&String, &Value)| {
        let below = paths(inner);
        match below.is_empty() {
            true => vec![format!("/{name}")],
            false => below.iter().map(|rest| format!("/{name}{rest}")).collect(),
        }
    };
    fields.iter().flat_map(of).collect()
}

fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => {
            let mut flipped = text.clone().into_bytes();
            if let Some(first) = flipped.first_mut() {
                *first = if *first == b'1' { b'2' } else { b'1' };
            }
            let flipped = String::from_utf8(flipped).unwrap();
            let flipped = if text.is_empty() { "00".to_owned() } else { flipped };
            vec![json!(flipped), json!(format!("{text}0")), json!(null), json!(1)]
        }
        Value::Number(number) => {
            let n = number.as_u64().unwrap();
            vec![
                json!(n + 1),
                json!(n.wrapping_sub(1)),
                json!(u64::MAX),
                json!(n.to_string()),
                json!(null),
            ]
        }
        Value::Null => vec![json!(1), json!({})],
        _ => vec![],
    }
}

#[test]
fn what_is_done_to_lines_is_found_by_both() {
    let signer = Signer::new(1);
    let keys = [signer.public()];
    let lines = honest(&signer);
    let entry = |n: u64| lines.iter().position(|line| line["entry"]["n"] == n).unwrap();
    let head = |n: u64| lines.iter().position(|line| line["head"]["serial"] == n).unwrap();
    let second = lines.iter().rposition(|line| line.get("begin").is_some()).unwrap();
    let with = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut changed = lines.clone();
        change(&mut changed);
        changed
    };
    let elsewhere = "0198c0de-0000-7000-8000-000000000002";
    let stranger = export(&Recipe {
        tenant: elsewhere,
        stretches: STRETCHES,
        skipped: 0,
        signers: &[&signer],
    });
    let forged = honest(&Signer::new(9));
    for (changed, why) in [
        (with(&|it| drop(it.remove(entry(3)))), "an entry is removed"),
        (with(&|it| it.swap(entry(2), entry(3))), "two are exchanged"),
        (with(&|it| it.insert(entry(3), lines[entry(3)].clone())), "one stands twice"),
        (with(&|it| drop(it.remove(head(2)))), "a head is removed"),
        (with(&|it| it.swap(head(2), head(3))), "heads are exchanged"),
        (with(&|it| drop(it.drain(entry(1)..=head(1)))), "the beginning is removed"),
        (with(&|it| it.truncate(second)), "a whole chain is"),
        (with(&|it| it.truncate(second + 4)), "the file is cut"),
        (with(&|it| drop(it.drain(1..3))), "the key and the beginning of a chain"),
        (with(&|it| it.rotate_left(1)), "the first line is the last"),
        (with(&|it| it.extend_from_slice(&lines[second..])), "a chain stands twice"),
        (with(&|it| it.push(lines[entry(1)].clone())), "something follows"),
        (
            with(&|it| it[second]["begin"]["chain"] = json!("changes")),
            "a chain has the other's name",
        ),
        (with(&|it| it[0]["tenant"] = json!(elsewhere)), "another tenant's name"),
        (
            with(&|it| it.splice(second.., stranger[second..].iter().cloned()).for_each(drop)),
            "another tenant's chain",
        ),
        (with(&|it| it[0]["version"] = json!(2)), "another version"),
        (with(&|it| it[entry(1)]["entry"]["note"] = json!("x")), "a field is added"),
        (with(&|it| it[0] = json!([])), "no export at all"),
        (forged, "rewritten as a whole, and signed by somebody else"),
        (Vec::new(), "an empty file"),
    ] {
        both_agree(&changed, &keys, false, why);
    }
}

#[test]
fn an_older_end_is_found_by_a_published_head_and_by_nothing_else() {
    let signer = Signer::new(1);
    let keys = [signer.public()];
    let shorter = export(&Recipe {
        tenant: TENANT,
        stretches: &STRETCHES[..2],
        skipped: 0,
        signers: &[&signer],
    });
    both_agree(&shorter, &keys, true, "a file that ends with an earlier head is one of then");
    let heads: Vec<Head> = honest(&signer)
        .iter()
        .filter_map(|line| Head::parse(&line.get("head")?.to_string()))
        .collect();
    assert_eq!(heads.len(), 8);
    let told = audit_verify::verify(text(&shorter).as_bytes(), &keys, &heads).unwrap_err();
    assert!(told.what.contains("was published, and the file ends before it"), "{told}");
    let whole = text(&honest(&signer));
    assert!(audit_verify::verify(whole.as_bytes(), &keys, &heads).is_ok());
    let mut other = heads.clone();
    other[1].hash = "00".repeat(32);
    let told = audit_verify::verify(whole.as_bytes(), &keys, &other).unwrap_err();
    assert!(told.what.contains("head 2 was published otherwise"), "{told}");
}

#[test]
fn the_place_is_named() {
    let signer = Signer::new(1);
    let mut lines = honest(&signer);
    let at = lines.iter().position(|line| line["entry"]["n"] == 6).unwrap();
    lines[at]["entry"]["actor"] = json!("provider");
    let told = verify(&lines, &[signer.public()]).unwrap_err();
    assert_eq!(told, Fault { line: at + 1, what: "entry 6 is not what was written".to_owned() });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever bytes are exchanged for others: the file is not whole, or says the same as before.
    #[test]
    fn no_change_of_bytes_makes_another_file_whole(
        at in any::<prop::sample::Index>(), cut in 0_usize..40, put in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let signer = Signer::new(1);
        let mut file = text(&honest(&signer)).into_bytes();
        let from = at.index(file.len());
        let before = file.clone();
        file.splice(from..(from + cut).min(before.len()), put);
        let told = audit_verify::verify(file.as_slice(), &[signer.public()], &[]);
        let meant = |bytes: &[u8]| -> Option<Vec<Value>> {
            bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).ok()).collect()
        };
        if told.is_ok() {
            prop_assert_eq!(meant(&file), meant(&before));
        }
    }

    /// Chains of any shape are whole, and no longer so once two lines of it are exchanged.
    #[test]
    fn any_honest_file_is_whole_and_none_in_another_order(
        stretches in proptest::collection::vec(0_usize..6, 0..6), one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(),
    ) {
        let signer = Signer::new(1);
        let mut lines = export(&Recipe { tenant: TENANT, stretches: &stretches, skipped: 0, signers: &[&signer] });
        prop_assert!(verify(&lines, &[signer.public()]).is_ok());
        let (one, other) = (one.index(lines.len()), other.index(lines.len()));
        lines.swap(one, other);
        prop_assert_eq!(verify(&lines, &[signer.public()]).is_ok(), one == other);
    }
}
