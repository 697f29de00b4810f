//! The settings as they were given: in the environment, in a file, or in files of their own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::reader::Reader;
use super::{definitions, file};

/// The variable that names the file of settings, where no `--config` does.
pub const CONFIG: &str = "VIO_CONFIG";

/// A setting that is wrong. Never quotes the value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {fault}")]
pub struct Fault {
    /// The name of the setting, or of several.
    pub setting: String,
    /// What is wrong.
    pub fault: String,
}

impl Fault {
    pub(super) fn new(setting: impl Into<String>, fault: impl Into<String>) -> Self {
        Self { setting: setting.into(), fault: fault.into() }
    }
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

/// Where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In the process's environment.
    Environment,
    /// In the file of settings.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What was given for one name.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) text: Zeroizing<String>,
    pub(super) source: Source,
}

/// The settings as they were given. What the environment says goes before what the file says.
#[derive(Clone, Default)]
pub struct Environment {
    given: BTreeMap<String, Given>,
    faults: Vec<Fault>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.given.keys()).finish()
    }
}

impl Environment {
    /// The settings of this process, and of the file that `config` names, or else `VIO_CONFIG`. To be called once, by `main`.
    ///
    /// What is wrong with the file is told by [`Environment::read`], with all the rest.
    pub fn of_process(config: Option<&Path>) -> Self {
        let own = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let own = Self::of(own);
        let named = own.given.get(CONFIG).map(|given| PathBuf::from(given.text.trim()));
        let named = named.filter(|path| !path.as_os_str().is_empty());
        match config.map(Path::to_path_buf).or(named) {
            Some(path) => own.over(&path),
            None => own,
        }
    }

    /// These settings, for tests.
    pub fn of<K: Into<String>, V: Into<String>>(given: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut all = Self::default();
        for (name, value) in given {
            let (name, text) = (name.into(), Zeroizing::new(value.into()));
            if !definitions::is_known(&name) && name.len() > 5 {
                // The environment is everybody's: only what is nearly ours is taken for a slip.
                if let Some(meant) = definitions::nearest(&name, definitions::names(), 2) {
                    all.faults
                        .push(Fault::new(&name, format!("is no setting; did you mean {meant}?")));
                }
            }
            all.given.insert(name, Given { text, source: Source::Environment });
        }
        all
    }

    /// The same, with the file at `path` for what they leave out.
    #[must_use]
    pub fn over(mut self, path: &Path) -> Self {
        let (settings, faults) = file::read(path);
        self.faults.extend(faults);
        for (name, text) in settings {
            // Who gives a secret in one way in the environment doesn't mean the file's other way as well.
            let twin = match definitions::in_file(&name) {
                Some(secret) => secret.name.to_owned(),
                None => format!("{name}_FILE"),
            };
            let is_given = |name: &str| {
                self.given.get(name).is_some_and(|given| {
                    given.source == Source::Environment && !given.text.trim().is_empty()
                })
            };
            if !is_given(&name) && !is_given(&twin) {
                let given = Given { text, source: Source::File(path.to_owned()) };
                self.given.insert(name, given);
            }
        }
        self
    }

    /// Builds something of these settings.
    ///
    /// # Errors
    /// Everything that `build` found wrong, and whatever was wrong with the file.
    pub fn read<T>(&self, build: impl FnOnce(&mut Reader<'_>) -> Option<T>) -> Result<T, Faults> {
        let mut reader = Reader::new(self, self.faults.clone());
        let built = build(&mut reader);
        let faults = reader.into_faults();
        match built {
            Some(built) if faults.is_empty() => Ok(built),
            _ => Err(Faults(faults)),
        }
    }

    /// What was given for `name`, unless it is empty.
    pub(super) fn given(&self, name: &str) -> Option<&Given> {
        self.given.get(name).filter(|given| !given.text.trim().is_empty())
    }
}
