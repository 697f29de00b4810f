//! Reading the environment, and gathering what is wrong with it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use zeroize::Zeroizing;

/// A setting that is wrong. Never quotes the value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {fault}")]
pub struct Fault {
    /// The name of the setting, or of several.
    pub setting: String,
    /// What is wrong.
    pub fault: String,
}

/// All that is wrong with the settings of a process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are wrong:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// A setting that must not be printed. Wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The secret, to be used.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The settings as they were given.
#[derive(Clone, Default)]
pub struct Environment {
    given: BTreeMap<String, String>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.given.keys()).finish()
    }
}

impl Environment {
    /// The settings of this process. To be called once, by `main`.
    pub fn of_process() -> Self {
        Self::of(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// These settings, for tests.
    pub fn of<K: Into<String>, V: Into<String>>(given: impl IntoIterator<Item = (K, V)>) -> Self {
        Self { given: given.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    /// Builds something of these settings.
    ///
    /// # Errors
    /// Everything that `build` found wrong.
    pub fn read<T>(&self, build: impl FnOnce(&mut Reader<'_>) -> Option<T>) -> Result<T, Faults> {
        let mut reader = Reader { environment: self, faults: Vec::new() };
        match build(&mut reader) {
            Some(built) if reader.faults.is_empty() => Ok(built),
            _ => Err(Faults(reader.faults)),
        }
    }
}

/// Reads setting after setting and remembers what is wrong, so that all of it is told at once.
#[derive(Debug)]
pub struct Reader<'e> {
    environment: &'e Environment,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    /// Notes that `setting` is wrong.
    pub fn fault(&mut self, setting: impl Into<String>, fault: impl Into<String>) {
        self.faults.push(Fault { setting: setting.into(), fault: fault.into() });
    }

    /// The text of a setting; an empty one counts as not given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.environment.given.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
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

    /// A secret, from `NAME` or from the file that `NAME_FILE` names; `None` if neither is given, or it is wrong.
    pub fn secret_if_given(&mut self, name: &str) -> Option<Secret> {
        let in_file = format!("{name}_FILE");
        let path = self.text(&in_file).map(str::to_owned);
        match (self.text(name), path) {
            (Some(_), Some(_)) => {
                self.fault(format!("{name}, {in_file}"), "give one of them, not both");
                None
            }
            (Some(text), None) => Some(text.to_owned().into()),
            (None, Some(path)) => self.file(&in_file, &path),
            (None, None) => None,
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

    /// The contents of the file at `path`, which `setting` names.
    pub(super) fn file(&mut self, setting: &str, path: &str) -> Option<Secret> {
        match std::fs::read_to_string(path) {
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
}
