//! Reading settings one after another, and gathering what is wrong with them.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::definitions;
use super::environment::{Environment, Fault, Secret, Source};

/// Reads setting after setting and remembers what is wrong, so that all of it is told at once.
#[derive(Debug)]
pub struct Reader<'e> {
    environment: &'e Environment,
    faults: Vec<Fault>,
}

/// Where a secret lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lies {
    /// In the setting itself.
    Here(Source),
    /// In a file that a setting names.
    Named(PathBuf, Source),
    /// In the directory of secrets.
    InDirectory(PathBuf),
}

impl<'e> Reader<'e> {
    pub(super) fn new(environment: &'e Environment, faults: Vec<Fault>) -> Self {
        Self { environment, faults }
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// Notes that `setting` is wrong.
    pub fn fault(&mut self, setting: impl Into<String>, fault: impl Into<String>) {
        self.faults.push(Fault::new(setting, fault));
    }

    /// The text of a setting; an empty one counts as not given.
    pub fn text(&self, name: &str) -> Option<&str> {
        debug_assert!(
            definitions::is_known(name),
            "{name} is read, but shared/src/config/definitions.rs doesn't define it"
        );
        self.environment.given(name).map(|given| given.text.trim())
    }

    /// Whether a setting is given, or, for a secret, its file.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| !text.is_empty())
            || definitions::in_file(&format!("{name}_FILE")).is_some() && self.lies(name).is_some()
    }

    /// A setting that has a default. `None` if it is wrong.
    pub fn or<T: FromStr>(&mut self, name: &str, default: T, expected: &str) -> Option<T> {
        let Some(text) = self.text(name) else { return Some(default) };
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.fault(name, format!("expected {expected}"));
        }
        parsed
    }

    /// A whole number of a range, with a default. `None` if it is wrong.
    pub fn number(
        &mut self,
        name: &str,
        default: u32,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let number = self.or(name, default, &expected)?;
        if !range.contains(&number) {
            self.fault(name, format!("expected {expected}"));
            return None;
        }
        Some(number)
    }

    /// `1` or `true`, `0` or `false`; false unless given. `None` if it is wrong.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.text(name) {
            None | Some("0" | "false") => Some(false),
            Some("1" | "true") => Some(true),
            Some(_) => {
                self.fault(name, "expected 1 or 0");
                None
            }
        }
    }

    /// An address to listen on, with a default. `None` if it is wrong.
    pub fn listen(&mut self, name: &str, default: SocketAddr) -> Option<SocketAddr> {
        self.or(name, default, "an address with a port, such as 127.0.0.1:8080")
    }

    /// A secret, from `NAME`, from the file that `NAME_FILE` names, or from `SECRETS_DIR`; `None` if it is in none of them,
    /// or wrong.
    pub fn secret_if_given(&mut self, name: &str) -> Option<Secret> {
        let in_file = format!("{name}_FILE");
        match self.lies(name) {
            None => None,
            Some(Err(both)) => {
                self.faults.push(both);
                None
            }
            Some(Ok(Lies::Here(source))) => {
                if let Source::File(path) = source {
                    // Then the file of settings is a file of secrets.
                    self.is_guarded(name, &path);
                }
                self.text(name).map(|text| text.to_owned().into())
            }
            Some(Ok(Lies::Named(path, _))) => self.file(&in_file, &path.to_string_lossy()),
            Some(Ok(Lies::InDirectory(path))) => self.file(name, &path.to_string_lossy()),
        }
    }

    /// A secret that must be given. `None` if it is missing or wrong.
    pub fn secret(&mut self, name: &str) -> Option<Secret> {
        let faults = self.faults.len();
        let secret = self.secret_if_given(name);
        if secret.is_none() && self.faults.len() == faults {
            self.fault(name, format!("is missing (or {name}_FILE)"));
        }
        secret
    }

    /// Where the secret `name` lies, if anywhere.
    pub(super) fn lies(&self, name: &str) -> Option<Result<Lies, Fault>> {
        let in_file = format!("{name}_FILE");
        match (self.environment.given(name), self.environment.given(&in_file)) {
            (Some(_), Some(_)) => {
                let both = format!("{name}, {in_file}");
                Some(Err(Fault::new(both, "give one of them, not both")))
            }
            (Some(given), None) => Some(Ok(Lies::Here(given.source.clone()))),
            (None, Some(named)) => {
                let path = PathBuf::from(named.text.trim());
                Some(Ok(Lies::Named(path, named.source.clone())))
            }
            (None, None) => {
                let dir = Path::new(self.text("SECRETS_DIR")?);
                let in_dir = [name.to_owned(), name.to_lowercase()].map(|file| dir.join(file));
                let found = in_dir.into_iter().find(|path| path.exists());
                found.map(|path| Ok(Lies::InDirectory(path)))
            }
        }
    }

    /// The contents of the secret file at `path`, which `setting` names.
    pub(super) fn file(&mut self, setting: &str, path: &str) -> Option<Secret> {
        match std::fs::read_to_string(path) {
            Ok(_) if !self.is_guarded(setting, Path::new(path)) => None,
            Ok(text) if !text.trim().is_empty() => Some(text.trim().to_owned().into()),
            Ok(_) => {
                self.fault(setting, "the file is empty");
                None
            }
            Err(error) => {
                self.fault(setting, format!("the file can't be read: {}", error.kind()));
                None
            }
        }
    }

    /// Whether only those may read and write a secret file who should. Behind a link, what it leads to counts.
    fn is_guarded(&mut self, setting: &str, path: &Path) -> bool {
        let Ok(mode) = std::fs::metadata(path).map(|found| found.permissions().mode()) else {
            return true;
        };
        let others = self
            .text("SECRETS_READABLE_BY_OTHERS")
            .is_some_and(|text| text == "1" || text == "true");
        let fault = match mode {
            mode if mode & 0o022 != 0 => {
                "the file may be written by others than its owner: chmod go-w"
            }
            mode if mode & 0o004 != 0 && !others => {
                "the file may be read by every user: chmod o-r, or set SECRETS_READABLE_BY_OTHERS where there is no other"
            }
            _ => return true,
        };
        self.fault(setting, fault);
        false
    }
}
