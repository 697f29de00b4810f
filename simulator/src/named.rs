//! In JSON, a thing is either the name of a preset or written out.

use std::fmt::Display;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A thing that has presets.
pub(crate) trait Named: DeserializeOwned {
    /// Why there is none.
    type Error: Display;

    /// The preset of this name.
    fn named(name: &str) -> Result<Self, Self::Error>;

    /// What was written out, completed and checked.
    fn given(self) -> Result<Self, Self::Error>;
}

fn resolve<T: Named, E: Error>(value: Value) -> Result<T, E> {
    match value {
        Value::String(name) => T::named(&name).map_err(E::custom),
        other => {
            let given: T = serde_json::from_value(other).map_err(E::custom)?;
            given.given().map_err(E::custom)
        }
    }
}

/// For a field that may be absent or null.
pub(crate) fn optional<'de, T: Named, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Option::<Value>::deserialize(from)?.map(resolve).transpose()
}

/// For a field that holds several.
pub(crate) fn list<'de, T: Named, D: Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Vec::<Value>::deserialize(from)?.into_iter().map(resolve).collect()
}
