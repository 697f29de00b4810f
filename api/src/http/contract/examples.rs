//! Examples of whole bodies, put together from those of their fields.

use serde_json::{Map, Value, json};

/// Types that hold themselves would have no end.
const DEEPEST: usize = 16;

/// An example of `schema`: its own, or one made of its parts.
pub(super) fn example(schema: &Value, definitions: &Map<String, Value>) -> Value {
    build(schema, definitions, DEEPEST)
}

fn build(schema: &Value, definitions: &Map<String, Value>, depth: usize) -> Value {
    let Some(schema) = schema.as_object().filter(|_| depth > 0) else { return Value::Null };
    let below = |schema: &Value| build(schema, definitions, depth - 1);
    if let Some(given) = schema.get("examples").and_then(|all| all.get(0)) {
        return given.clone();
    }
    for word in ["example", "const", "default"] {
        if let Some(value) = schema.get(word) {
            return value.clone();
        }
    }
    if let Some(first) = schema.get("enum").and_then(|all| all.get(0)) {
        return first.clone();
    }
    let mut built = Map::new();
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap_or_default();
        let found = definitions.get(name).map(below).unwrap_or_default();
        match found {
            Value::Object(fields) => built.extend(fields),
            other => return other,
        }
    }
    for word in ["allOf", "oneOf", "anyOf"] {
        let parts =
            schema.get(word).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for part in if word == "allOf" { parts } else { parts.get(..1).unwrap_or_default() } {
            match below(part) {
                Value::Object(fields) => built.extend(fields),
                other => return other,
            }
        }
    }
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        let required = schema.get("required").and_then(Value::as_array);
        let needed = |name: &str| required.is_some_and(|all| all.contains(&json!(name)));
        let shown = |(name, field): (&String, &Value)| {
            (needed(name) || field.get("examples").is_some()).then(|| (name.clone(), below(field)))
        };
        built.extend(fields.iter().filter_map(shown));
    }
    // What may be null and has no example of its own is shown absent.
    if schema.get("type").and_then(Value::as_array).is_some_and(|all| all.contains(&json!("null")))
    {
        return Value::Null;
    }
    let kind = schema.get("type").cloned();
    match kind.as_ref().and_then(Value::as_str).unwrap_or("object") {
        "array" => {
            let item = schema.get("items").map(below).unwrap_or_default();
            if item.is_null() { json!([]) } else { json!([item]) }
        }
        "boolean" => json!(false),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "null" => Value::Null,
        "string" => json!(text(schema.get("format").and_then(Value::as_str).unwrap_or_default())),
        _ => Value::Object(built),
    }
}

fn text(format: &str) -> &'static str {
    match format {
        "uuid" => "0192f0c1-5a3e-7c1d-9f4e-2b6a8c0d1e2f",
        "date-time" => "2027-03-01T09:30:00Z",
        "date" => "2027-12-27",
        _ => "text",
    }
}
