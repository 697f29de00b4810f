//! The contract: what is checked in is what is served, it holds together, and every answer that a test gets is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex};

use axum::http::Method;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::client::{Answer, Client};

/// The document.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(api::openapi()).expect("JSON"));

/// One operation of the document.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) about: &'static Value,
}

impl Operation {
    pub(crate) fn id(&self) -> &'static str {
        self.about["operationId"].as_str().expect("an operation has an id")
    }

    /// The permission that it needs.
    pub(crate) fn permission(&self) -> Option<&'static str> {
        self.about["x-permission"].as_str()
    }

    /// The schema of its JSON body, resolved.
    pub(crate) fn body(&self) -> Option<&'static Value> {
        self.about.pointer("/requestBody/content/application~1json/schema").map(resolve)
    }

    /// The example of its body: JSON, or the text of a file.
    pub(crate) fn example(&self) -> Value {
        let of = |kind| self.about.pointer(&format!("/requestBody/content/{kind}/example"));
        of("application~1json").or_else(|| of("text~1csv")).cloned().unwrap_or_default()
    }

    fn response(&self, status: u16) -> Option<&'static Value> {
        self.about["responses"].get(status.to_string()).map(resolve)
    }
}

/// What a `$ref` names, or the value itself.
pub(crate) fn resolve(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(name) => {
            DOCUMENT.pointer(name.trim_start_matches('#')).expect("a $ref names something")
        }
        None => value,
    }
}

/// Every operation there is.
pub(crate) fn operations() -> Vec<Operation> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let of_path = |(path, methods): (&String, &'static Value)| {
        let methods = methods.as_object().expect("methods").iter();
        let path = path.clone();
        methods.map(move |(method, about)| Operation {
            method: method.to_uppercase(),
            path: path.clone(),
            about,
        })
    };
    paths.iter().flat_map(of_path).collect()
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template.zip(path).all(|(t, p)| t == p || (t.starts_with('{') && !p.is_empty()))
}

/// Holds an answer against the document: status, problem, headers, and the shape of the body.
pub(crate) fn hold(method: &Method, path: &str, answer: &Answer) {
    if method == Method::HEAD {
        return;
    }
    let here: Vec<Operation> =
        operations().into_iter().filter(|operation| matches(&operation.path, path)).collect();
    let status = answer.status.as_u16();
    let Some(operation) = here.iter().find(|operation| operation.method == method.as_str()) else {
        let expected = if here.is_empty() { 404 } else { 405 };
        assert_eq!(status, expected, "{method} {path} is not in the contract: {:?}", answer.body);
        return;
    };
    let id = operation.id();
    // An id that doesn't parse is no address of ours.
    let Some(response) = operation.response(status) else {
        panic!("{id} answered {status}, which the contract doesn't have: {:?}", answer.body);
    };
    let headers = response["headers"].as_object().cloned().unwrap_or_default();
    let always = headers.iter().filter(|(_, header)| needed(header));
    for (name, _) in always {
        assert!(answer.headers.contains_key(name.as_str()), "{id} {status} lacks {name}");
    }
    let content = response["content"].as_object().cloned().unwrap_or_default();
    if content.is_empty() {
        assert_eq!(answer.body, Value::Null, "{id} {status} has no body");
        return;
    }
    let media_type = answer.header("content-type");
    let Some(about) = content.get(media_type) else {
        panic!("{id} {status} is described as one of {:?}, not {media_type}", content.keys());
    };
    if media_type.contains("json") {
        let faults = faults(&format!("{id} {status}"), &about["schema"], &answer.body);
        assert!(faults.is_empty(), "{id} {status} is not as described: {faults:?}");
    }
}

fn needed(header: &Value) -> bool {
    let name = header["$ref"].as_str().map(|name| name.trim_start_matches('#'));
    name.map_or(header, |name| &DOCUMENT.pointer(name).unwrap()["required"]) == &json!(true)
        || header["required"] == true
}

/// What is wrong with a value by its schema.
pub(crate) fn faults(name: &str, schema: &Value, value: &Value) -> Vec<String> {
    static VALIDATORS: Mutex<BTreeMap<String, Validator>> = Mutex::new(BTreeMap::new());
    let mut validators = VALIDATORS.lock().unwrap();
    let validator = validators.entry(name.to_owned()).or_insert_with(|| {
        let whole = json!({ "components": DOCUMENT["components"], "allOf": [schema] });
        jsonschema::options().should_validate_formats(true).build(&whole).expect("a schema")
    });
    validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn the_checked_in_document_is_the_one_that_is_served() {
    let checked_in = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let text = std::fs::read_to_string(checked_in).unwrap_or_default();
    assert!(
        text == api::openapi(),
        "docs/openapi.json is not what the code says: cargo run -p api -- openapi > docs/openapi.json"
    );
    assert_eq!(DOCUMENT["openapi"], "3.1.0");
}

#[test]
fn every_operation_says_what_a_client_needs_to_know() {
    let mut ids = BTreeSet::new();
    let tags: Vec<&Value> = DOCUMENT["tags"].as_array().unwrap().iter().collect();
    for operation in operations() {
        let id = operation.id();
        assert!(ids.insert(id), "{id} is there twice");
        assert!(operation.about["summary"].as_str().is_some_and(|text| text.len() > 5), "{id}");
        let tag = &operation.about["tags"][0];
        let known = tags.iter().find(|known| known["name"] == *tag);
        assert!(
            known.is_some_and(|tag| tag["description"].is_string()),
            "{id}: {tag} is no heading"
        );
        let braces = operation.path.matches('{').count();
        let parameters = operation.about["parameters"].as_array().cloned().unwrap_or_default();
        let in_path = parameters.iter().filter(|p| p["in"] == "path").count();
        assert_eq!(in_path, braces, "{id}: every part of the path is described");
        for schema in operation.about["parameters"].as_array().into_iter().flatten() {
            let parameter = resolve(schema);
            let of = &parameter["schema"];
            assert!(
                bounded(of),
                "{id}: {} needs a length, a pattern or a range",
                parameter["name"]
            );
        }
        let problems =
            ["500", "503"].iter().filter(|s| operation.about["responses"].get(*s).is_some());
        assert!(problems.count() >= 1, "{id}");
    }
}

/// Whether a text can't be as long as anybody likes.
fn bounded(schema: &Value) -> bool {
    let text = schema["type"] == "string" || schema["type"][0] == "string";
    !text
        || ["maxLength", "pattern", "format", "enum"].iter().any(|word| schema.get(*word).is_some())
}

#[test]
fn every_text_that_is_read_has_a_longest_length() {
    for operation in operations() {
        let Some(body) = operation.body() else { continue };
        // Others' systems send it.
        if operation.id() == "reportOutcome" || body.get("properties").is_none() {
            continue;
        }
        for (pointer, field) in fields(body) {
            assert!(bounded(field), "{}: {pointer} has no longest length", operation.id());
            assert!(
                field["description"].is_string()
                    || field.get("$ref").is_some()
                    || field.get("anyOf").is_some()
                    || pointer.contains("day"),
                "{}: {pointer} says nothing",
                operation.id()
            );
        }
        assert_eq!(
            body["additionalProperties"],
            json!(false),
            "{} takes what it doesn't know",
            operation.id()
        );
    }
}

/// The fields of an object, with those of objects in it.
pub(crate) fn fields(schema: &'static Value) -> Vec<(String, &'static Value)> {
    let mut found = Vec::new();
    let properties = schema["properties"].as_object();
    for (name, field) in properties.into_iter().flatten() {
        found.push((format!("/{name}"), field));
        if let Some(inner) = object(field) {
            let below = fields(inner);
            found.extend(below.into_iter().map(|(at, field)| (format!("/{name}{at}"), field)));
        }
    }
    found
}

/// The object that a field is, or may be.
pub(crate) fn object(field: &'static Value) -> Option<&'static Value> {
    let choices = field["anyOf"].as_array().or(field["allOf"].as_array());
    let one = choices.map_or(field, |all| &all[0]);
    let one = resolve(one);
    if one.get("anyOf").is_some() {
        return object(one);
    }
    one.get("properties").is_some().then_some(one)
}

#[test]
fn every_example_is_as_its_schema_says() {
    let mut seen = 0;
    for operation in operations() {
        let mut contents: Vec<(String, &Map<String, Value>)> = Vec::new();
        if let Some(content) = operation.about["requestBody"]["content"].as_object() {
            contents.push((format!("{} request", operation.id()), content));
        }
        for (status, response) in operation.about["responses"].as_object().unwrap() {
            if let Some(content) = resolve(response)["content"].as_object() {
                contents.push((format!("{} {status}", operation.id()), content));
            }
        }
        for (name, content) in contents {
            for (media_type, about) in content {
                let many = about["examples"].as_object().into_iter().flat_map(Map::values);
                let examples =
                    about.get("example").into_iter().chain(many.map(|one| &one["value"]));
                for example in examples {
                    seen += 1;
                    let faults =
                        faults(&format!("example {name} {media_type}"), &about["schema"], example);
                    assert!(faults.is_empty(), "{name}: {faults:?} {example}");
                }
            }
        }
    }
    assert!(seen > 300, "{seen} examples");
}

#[test]
fn no_example_could_be_a_real_person() {
    // Numbers that regulators keep for drama, and names of the domain for examples.
    let text = api::openapi();
    for number in text.split('"').filter(|part| part.starts_with("+44") || part.starts_with("07")) {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        assert!(digits.contains("7700900") || digits.contains("1632960"), "{number}");
    }
    let words = text.split(|c: char| c == '"' || c.is_whitespace());
    for address in words.filter(|word| word.contains('@') && word.len() > 1) {
        assert!(address.ends_with("@example.com"), "{address}");
    }
}

#[tokio::test]
async fn every_path_that_is_served_is_in_the_document() {
    let client = Client::new().await;
    // As axum prints a router; what is in braces may be called anything.
    let printed = format!("{:?}", client.router);
    let served: BTreeSet<String> = printed
        .split("RouteId(")
        .filter_map(|part| part.split_once("): \"/"))
        .filter_map(|(_, rest)| rest.split_once('"'))
        .map(|(path, _)| format!("/{path}"))
        .filter(|path| path != "/" && !path.contains("{*"))
        .collect();
    let described: BTreeSet<String> =
        DOCUMENT["paths"].as_object().unwrap().keys().cloned().collect();
    assert!(served.len() > 20, "{served:?}");
    assert_eq!(served, described);
}

#[tokio::test]
async fn the_reference_loads_nothing_from_elsewhere() {
    let client = Client::new().await;
    let get = |path: &'static str| {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        client.send(request)
    };
    let document = get("/openapi.json").await;
    assert_eq!(document.body, *DOCUMENT);
    for (path, media_type) in [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/reference.js", "text/javascript; charset=utf-8"),
        ("/docs/reference.css", "text/css; charset=utf-8"),
    ] {
        let page = get(path).await;
        assert_eq!(page.header("content-type"), media_type);
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let text = page.body.as_str().unwrap_or_default().to_owned();
        assert!(text.len() > 200, "{path}");
        for foreign in ["http://", "https://", "src=\"//", "@import", "innerHTML", "eval("] {
            assert!(!text.contains(foreign), "{path}: {foreign}");
        }
    }
}
