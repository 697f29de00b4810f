//! The file of settings: TOML, with the settings' places as tables and keys.

use std::path::Path;

use toml::{Table, Value};
use zeroize::Zeroizing;

use super::definitions::{self, Kind};
use super::environment::Fault;

/// Reads the file at `path`: the settings by their names in the environment, and what is wrong with it. Nothing is quoted but
/// keys.
pub(super) fn read(path: &Path) -> (Vec<(String, Zeroizing<String>)>, Vec<Fault>) {
    let of_file = |fault: String| (Vec::new(), vec![Fault::new(path.display().to_string(), fault)]);
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) => return of_file(format!("can't be read: {}", error.kind())),
    };
    let table: Table = match text.parse() {
        Ok(table) => table,
        // The library's message quotes the line, which may hold a secret.
        Err(error) => {
            let error: toml::de::Error = error;
            let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
            let line = before.matches('\n').count() + 1;
            return of_file(format!("is not valid TOML in line {line}"));
        }
    };
    let mut settings = Vec::new();
    let mut faults = Vec::new();
    walk(&table, "", &mut |place, value| match understand(place, value) {
        Ok(setting) => settings.push(setting),
        Err(fault) => faults.push(Fault::new(format!("{place} in {}", path.display()), fault)),
    });
    (settings, faults)
}

fn walk(table: &Table, above: &str, each: &mut impl FnMut(&str, &Value)) {
    for (key, value) in table {
        let place = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match value {
            Value::Table(table) => walk(table, &place, each),
            value => each(&place, value),
        }
    }
}

/// The name of the setting at `place`, and its value as the environment would give it.
fn understand(place: &str, value: &Value) -> Result<(String, Zeroizing<String>), String> {
    let known = definitions::places().find(|(path, _)| path == place);
    let Some((_, name)) = known else {
        let all = definitions::places().map(|(path, _)| path);
        let meant =
            definitions::nearest(place, all, 4).map(|path| format!("; did you mean {path}?"));
        return Err(format!("is no setting{}", meant.unwrap_or_default()));
    };
    let kind = definitions::definition(&name).map_or(Kind::Text, |it| it.kind);
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(on) => u8::from(*on).to_string(),
        Value::Array(words) if kind == Kind::Words => {
            let words: Option<Vec<_>> = words.iter().map(Value::as_str).collect();
            words.ok_or("expected a list of words")?.join(",")
        }
        _ => return Err("expected a text, a number, or true or false".to_owned()),
    };
    Ok((name, Zeroizing::new(text)))
}
