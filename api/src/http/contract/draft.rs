//! One operation of the document, as it is put together from a signature.

use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::examples::example;
use crate::http::problem::Kind;

/// Something that a handler takes: an extractor.
pub(crate) trait Takes {
    /// Adds what a client has to send for it, and how it can refuse.
    fn describe(draft: &mut Draft<'_>);
}

/// Something that a handler answers with when all went well.
pub(crate) trait Answer {
    /// Adds the answer.
    fn describe(draft: &mut Draft<'_>);
}

/// Schemas of what is read and of what is written: a field with a default is optional in one and always there in the
/// other.
#[derive(Debug)]
pub(super) struct Schemas {
    pub(super) read: SchemaGenerator,
    pub(super) written: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            read: settings().for_deserialize().into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }
}

/// An operation under construction.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(super) schemas: &'a mut Schemas,
    path: &'a str,
    pub(super) parameters: Vec<Value>,
    pub(super) content: Map<String, Value>,
    pub(super) body_required: bool,
    pub(super) answers: BTreeMap<u16, Value>,
    pub(super) problems: BTreeSet<Kind>,
    pub(super) security: Vec<Value>,
    pub(super) permission: Option<&'static str>,
    once: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(schemas: &'a mut Schemas, path: &'a str) -> Self {
        Self {
            schemas,
            path,
            parameters: Vec::new(),
            content: Map::new(),
            body_required: false,
            answers: BTreeMap::new(),
            problems: BTreeSet::from([Kind::Internal, Kind::TooSlow]),
            security: Vec::new(),
            permission: None,
            once: false,
        }
    }

    /// Adds ways in which the route can refuse.
    pub(crate) fn fails(&mut self, problems: &[Kind]) {
        self.problems.extend(problems);
    }

    /// Adds that `permission` is needed.
    pub(crate) fn needs(&mut self, permission: &'static str) {
        self.permission = Some(permission);
    }

    /// Takes back that requests count towards the tenant's limit.
    pub(crate) fn uncounted(&mut self) {
        self.problems.remove(&Kind::RateLimited);
    }

    /// Adds a way to be let in: a security scheme.
    pub(crate) fn opened_by(&mut self, scheme: &'static str) {
        self.security.push(json!({ scheme: [] }));
    }

    /// Adds that nobody needs to be known.
    pub(crate) fn opened_by_nothing(&mut self) {
        self.security.push(json!({}));
    }

    /// Adds a header that is described under `components/parameters`.
    pub(crate) fn header(&mut self, name: &str) {
        self.parameters.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
    }

    /// Adds that a `POST` may name itself.
    pub(crate) fn once(&mut self) {
        self.once = true;
        self.header("Idempotency-Key");
        self.fails(&[Kind::KeyReused, Kind::UnderWay]);
    }

    /// Adds the parameters in the path; a tuple for more than one.
    pub(crate) fn path<T: JsonSchema>(&mut self) {
        let schema = self.schemas.read.subschema_for::<T>().to_value();
        let schemas = match schema.get("prefixItems").and_then(Value::as_array) {
            Some(several) => several.clone(),
            None => vec![schema],
        };
        let names = self.path.split('{').skip(1).filter_map(|part| part.split('}').next());
        for (name, schema) in names.zip(schemas) {
            self.parameters.push(json!({
                "name": name, "in": "path", "required": true, "schema": schema,
                "description": format!("Which {}.", name.replace('_', " ")),
            }));
        }
    }

    /// Adds the parameters behind the question mark: the fields of `T`.
    pub(crate) fn query<T: JsonSchema>(&mut self) {
        let mut schema = T::json_schema(&mut self.schemas.read).to_value();
        let required = schema.get("required").cloned().unwrap_or_default();
        let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
            return;
        };
        for (name, field) in std::mem::take(fields) {
            let mut field = without_null(field);
            let description = field.as_object_mut().and_then(|f| f.remove("description"));
            let required = required.as_array().is_some_and(|all| all.contains(&json!(name)));
            self.parameters.push(json!({
                "name": name, "in": "query", "required": required, "schema": field,
                "description": description,
            }));
        }
    }

    /// Adds a body of JSON.
    pub(crate) fn json_body<T: JsonSchema>(&mut self) {
        let schema = self.schemas.read.subschema_for::<T>().to_value();
        let example = example(&schema, self.schemas.read.definitions());
        // What has no field that is needed may be left out altogether.
        let whole = T::json_schema(&mut self.schemas.read).to_value();
        let needs =
            |s: &Value| s.get("required").and_then(Value::as_array).is_some_and(|r| !r.is_empty());
        self.body_required |= needs(&whole);
        self.content
            .insert("application/json".to_owned(), json!({ "schema": schema, "example": example }));
    }

    /// Adds a body of JSON that is somebody else's.
    pub(crate) fn any_json(&mut self, description: &str) {
        let schema = json!({ "type": "object", "description": description });
        self.content.insert("application/json".to_owned(), json!({ "schema": schema }));
    }

    /// Adds a body of another type.
    pub(crate) fn other_body(&mut self, media_type: &str, description: &str, example: &str) {
        self.body_required = true;
        self.content.insert(
            media_type.to_owned(),
            json!({ "schema": { "type": "string", "description": description }, "example": example }),
        );
    }

    /// Adds an answer with a body of JSON.
    pub(crate) fn answers<T: JsonSchema>(
        &mut self,
        status: u16,
        description: &str,
        headers: &[&str],
    ) {
        let schema = self.schemas.written.subschema_for::<T>().to_value();
        let example = example(&schema, self.schemas.written.definitions());
        self.answers_with(status, description, headers);
        if let Some(answer) = self.answers.get_mut(&status) {
            answer["content"] =
                json!({ "application/json": { "schema": schema, "example": example } });
        }
    }

    /// Adds an answer without a body of JSON.
    pub(crate) fn answers_with(&mut self, status: u16, description: &str, headers: &[&str]) {
        let headers: Map<String, Value> = headers.iter().map(|name| header(name)).collect();
        self.answers.insert(status, json!({ "description": description, "headers": headers }));
    }

    /// Adds 200 with a file.
    pub(crate) fn answers_file(&mut self, media_type: &str) {
        self.answers_files(&[media_type]);
    }

    /// 200 with a file, of one of several media types.
    pub(crate) fn answers_files(&mut self, media_types: &[&str]) {
        self.answers_with(200, "The file.", &[]);
        if let Some(answer) = self.answers.get_mut(&200) {
            for media_type in media_types {
                let schema = if *media_type == "application/json" { "object" } else { "string" };
                answer["content"][media_type] = json!({ "schema": { "type": schema } });
            }
        }
    }

    /// Adds a header to every answer that was added so far.
    pub(crate) fn answers_say(&mut self, name: &str) {
        for answer in self.answers.values_mut() {
            let (name, reference) = header(name);
            answer["headers"][name] = reference;
        }
    }

    /// Adds what depends on several parts of the signature.
    pub(super) fn finish(&mut self) {
        self.answers_say("X-Request-Id");
        if self.once {
            self.answers_say("Idempotency-Replayed");
        }
        if self.problems.contains(&Kind::RateLimited) {
            self.answers_say("RateLimit");
            self.answers_say("RateLimit-Policy");
        }
    }
}

/// The schema of what is read, all in one piece: for a type that is written too, and then has every field.
pub(crate) fn in_one_piece<T: JsonSchema>(_generator: &mut SchemaGenerator) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let mut inline = settings
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .into_generator();
    T::json_schema(&mut inline)
}

/// A header that is described under `components/headers`.
pub(super) fn header(name: &str) -> (String, Value) {
    (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
}

/// A parameter that may be left out is never null.
fn without_null(mut schema: Value) -> Value {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(any) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        any.retain(|one| one != &json!({ "type": "null" }));
        if let [only] = any.as_slice() {
            let only = only.clone();
            if let Some(whole) = schema.as_object_mut() {
                whole.remove("anyOf");
                if let Value::Object(only) = only {
                    whole.extend(only);
                }
            }
        }
    }
    schema
}

impl Takes for axum::extract::State<crate::app::App> {
    fn describe(draft: &mut Draft<'_>) {
        draft.fails(&[Kind::Busy]);
    }
}

/// Who asks is put down by extractors that say so themselves.
impl Takes for axum::Extension<crate::accesses::Witness> {
    fn describe(_draft: &mut Draft<'_>) {}
}

/// Headers as they are: what they mean, the handler's operation says.
impl Takes for axum::http::HeaderMap {
    fn describe(_draft: &mut Draft<'_>) {}
}
