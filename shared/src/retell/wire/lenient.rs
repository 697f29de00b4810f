//! Reading fields that may surprise.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The field if it is what we expect, else nothing.
pub(super) fn field<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(from)?;
    Ok(T::deserialize(value).ok())
}

/// A whole number, even when it is written as `1.0`.
pub(super) fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(from)?;
    // Casting saturates, and no time or length that matters is out of range.
    Ok(value.as_i64().or_else(|| value.as_f64().map(|number| number as i64)))
}
