//! `audit-verify FILE [--key PUBLIC_KEY]... [--heads FILE]`: whether an exported audit trail is what was written.

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

use audit_verify::{Head, Proof, PublicKey, verify};

const USAGE: &str = "audit-verify FILE [--key PUBLIC_KEY]... [--heads FILE]

  FILE               what `api admin audit export` wrote
  --key PUBLIC_KEY   64 hexadecimal digits, from whoever you trust for them; several may be given
  --heads FILE       heads that were published, one a line: the file must have them, and not end before them

Ends with 0 if the file is whole, 1 if it is not, 2 if it could not be read.";

struct Asked {
    file: String,
    keys: Vec<PublicKey>,
    heads: Vec<Head>,
}

fn read_arguments(mut given: impl Iterator<Item = String>) -> Result<Asked, String> {
    let (mut file, mut keys, mut heads) = (None, Vec::new(), Vec::new());
    while let Some(word) = given.next() {
        match word.as_str() {
            "--key" => {
                let mut key = [0; 32];
                let digits = given.next().unwrap_or_default();
                hex::decode_to_slice(digits.trim(), &mut key)
                    .map_err(|_| "--key: expected 64 hexadecimal digits".to_owned())?;
                keys.push(key);
            }
            "--heads" => {
                let path = given.next().unwrap_or_default();
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| format!("--heads {path}: {error}"))?;
                heads.extend(text.lines().filter_map(Head::parse));
                if heads.is_empty() {
                    return Err(format!("--heads {path}: there is no head in it"));
                }
            }
            _ if file.is_none() && !word.starts_with('-') => file = Some(word),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(Asked { file: file.ok_or(USAGE)?, keys, heads })
}

fn tell(proof: &Proof) {
    println!("tenant {}", proof.tenant);
    for covered in &proof.chains {
        let ends = |head: &Option<(u64, String)>| match head {
            Some((serial, at)) => format!("head {serial} of {at}"),
            None => "the beginning".to_owned(),
        };
        let (after, until) = (ends(&covered.after), ends(&covered.until));
        let (chain, from, to) = (&covered.chain, covered.from, covered.to);
        match to.checked_sub(from) {
            Some(more) => println!(
                "{chain}: {} entries, {from} to {to}, complete and unchanged from {after} to {until}",
                more + 1
            ),
            None => println!("{chain}: no entry from {after} to {until}"),
        }
        println!("  ends with {}", covered.hash);
    }
    let keys = proof.keys.join(", ");
    if proof.trusted {
        println!("signed by {keys}, which you gave");
    } else {
        println!("signed by {keys}, which the file itself names: with --key you see whose it is");
    }
}

fn main() -> ExitCode {
    let asked = match read_arguments(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(told) => {
            eprintln!("{told}");
            return ExitCode::from(2);
        }
    };
    let file = match File::open(&asked.file) {
        Ok(file) => file,
        Err(error) => {
            eprintln!("{}: {error}", asked.file);
            return ExitCode::from(2);
        }
    };
    match verify(BufReader::new(file), &asked.keys, &asked.heads) {
        Ok(proof) => {
            tell(&proof);
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("NOT WHOLE: {fault}");
            ExitCode::FAILURE
        }
    }
}
