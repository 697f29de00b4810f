//! Keeping personal data out of logs by type.

use std::fmt;

/// Something personal: it prints as `Phi(..)`, and is reached only by a word that a reviewer can search for.
///
/// There is no `Display` and no `Serialize` on purpose.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Covers `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, to be sealed, sent or shown to who may see it.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// The value, uncovered.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Phi<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

impl<T> From<T> for Phi<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phi(..)")
    }
}

impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Phi<T> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::deserialize(from).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_personal_is_printed() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "only printed")]
        struct Row {
            name: Phi<&'static str>,
        }
        assert_eq!(format!("{:?}", Row { name: Phi::new("Ada") }), "Row { name: Phi(..) }");
    }
}
