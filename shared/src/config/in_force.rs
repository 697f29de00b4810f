//! What is in force and where it came from, for operators; and the documentation of all settings.

use serde::Serialize;

use super::definitions::{DEFINITIONS, Definition, Kind, Process};
use super::environment::Environment;
use super::reader::{Lies, Reader};

/// One setting as it is in force. Never a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// Its name.
    pub setting: &'static str,
    /// Its value; of a secret, only that it is set; `None` if it is not set.
    pub value: Option<String>,
    /// Where it came from.
    pub from: String,
}

impl Environment {
    /// What is in force for `process`, one setting after another.
    pub fn in_force(&self, process: Process) -> Vec<InForce> {
        let reader = Reader::new(self, Vec::new());
        let read = DEFINITIONS.iter().filter(|it| it.read_by.contains(&process));
        read.map(|it| if it.kind == Kind::Secret { secret(&reader, it) } else { plain(self, it) })
            .collect()
    }
}

fn plain(environment: &Environment, it: &Definition) -> InForce {
    match environment.given(it.name) {
        Some(given) => InForce {
            setting: it.name,
            value: Some(given.text.trim().to_owned()),
            from: given.source.to_string(),
        },
        None if it.default.is_empty() => not_set(it),
        None => InForce {
            setting: it.name,
            value: Some(it.default.to_owned()),
            from: "default".to_owned(),
        },
    }
}

fn secret(reader: &Reader<'_>, it: &Definition) -> InForce {
    let from = match reader.lies(it.name) {
        None => return not_set(it),
        Some(Err(both)) => both.to_string(),
        Some(Ok(Lies::Here(source))) => source.to_string(),
        Some(Ok(Lies::Named(path, source))) => {
            format!("the file {}, named in {source}", path.display())
        }
        Some(Ok(Lies::InDirectory(path))) => format!("the file {}", path.display()),
    };
    InForce { setting: it.name, value: Some("(set)".to_owned()), from }
}

fn not_set(it: &Definition) -> InForce {
    let from = if it.required { "missing" } else { "not set" };
    InForce { setting: it.name, value: None, from: from.to_owned() }
}

/// What is in force as operators want it: a table, or JSON for programs.
pub fn printed(settings: &[InForce], json: bool) -> String {
    if json {
        serde_json::to_string_pretty(settings).unwrap_or_default() + "\n"
    } else {
        as_table(settings)
    }
}

/// What is in force as a table, one setting a line.
fn as_table(settings: &[InForce]) -> String {
    let shown = |it: &InForce| it.value.clone().unwrap_or_else(|| "-".to_owned());
    let names = settings.iter().map(|it| it.setting.len()).max().unwrap_or_default();
    let values = settings.iter().map(|it| shown(it).len()).max().unwrap_or_default().min(40);
    let line =
        |it: &InForce| format!("{:names$}  {:values$}  {}\n", it.setting, shown(it), it.from);
    settings.iter().map(line).collect()
}

/// `docs/configuration.md`, from its first table on.
pub fn as_documentation() -> String {
    let mut text = String::from(
        "| setting | in the file | who | expected | unless given | meaning |\n|---|---|---|---|---|---|\n",
    );
    for it in DEFINITIONS {
        let who: Vec<_> = it.read_by.iter().map(ToString::to_string).collect();
        let default = match (it.default, it.required) {
            ("", true) => "required".to_owned(),
            ("", false) => "not set".to_owned(),
            (default, _) => format!("`{default}`"),
        };
        let unit = if it.unit.is_empty() { String::new() } else { format!(", {}", it.unit) };
        let (name, path, meaning) = (it.name, it.path, it.meaning);
        let (who, expected) = (who.join(", "), expected(it.kind));
        text.push_str(&format!(
            "| `{name}` | `{path}` | {who} | {expected}{unit} | {default} | {meaning} |\n"
        ));
    }
    text
}

fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Secret => "secret".to_owned(),
        Kind::Number(least, most) => format!("{least} to {most}"),
        Kind::Flag => "`1` or `0`".to_owned(),
        Kind::Address => "address with port".to_owned(),
        Kind::Url => "web address".to_owned(),
        Kind::Words => "words".to_owned(),
    }
}
