//! `/openapi.json`: OpenAPI 3.1.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::draft::{Draft, Schemas, header};
use super::routes::{Route, Routes};
use crate::http::problem::{FieldError, Kind};

/// The headings under which routes stand, in the order in which they are read.
const TAGS: &[(&str, &str)] = &[
    (
        "Signing in",
        "Sessions: eight hours, with access tokens of 15 minutes and a refresh token in a cookie that no script sees.",
    ),
    ("Oneself", "Who asks, and what everybody does for themselves."),
    ("Contacts", "The people whom a tenant may call."),
    (
        "Appointments",
        "Times that a contact has with the tenant. Each open one has a reminder planned.",
    ),
    (
        "Appointment types",
        "What the tenant's appointments are, what the voice says of it, and which are sensitive.",
    ),
    ("Locations", "The tenant's places, with the hours at which they are open."),
    ("Calls", "What is planned, what was dialled, and why something has not gone out."),
    ("Groups", "Sets of contacts that a tenant puts together."),
    (
        "Bulk changes",
        "One change of many contacts, previewed, run as a job, and taken back. The guide is `docs/bulk.md`.",
    ),
    (
        "Imports",
        "Files that become contacts: uploaded, previewed, run as a job, and taken back. The guide is `docs/import.md`.",
    ),
    (
        "Exports",
        "Contacts as a file: written by a job, downloaded for a day. The guide is `docs/export.md`.",
    ),
    (
        "Jobs",
        "Long work: how far it is, why it waits, and stopping it. The guide is `docs/jobs.md`.",
    ),
    ("Do-not-call list", "Numbers that are never dialled."),
    ("Retention", "How long contacts are kept, what may not be erased, and who asks to be."),
    ("Screening", "Health information in free text, before it is stored."),
    ("Training", "What staff learn, who completed it, and who is to be reminded."),
    ("Tenant", "The tenant's own settings, policy, closed dates and pauses."),
    (
        "Live updates",
        "What happens, told over a WebSocket as it happens. The guide is `docs/live.md`.",
    ),
    ("Users", "The tenant's people."),
    ("Audit", "Who did what, who saw whom: two chains that an outsider can verify."),
    ("API keys", "Programs' keys, which belong to the tenant."),
    ("Platform", "What the platform's own people do, from outside of tenants."),
    (
        "Webhooks",
        "What the voice provider, and tenants' own systems, tell us. They count towards no limit.",
    ),
    ("Contract", "This description itself."),
];

const ABOUT: &str = "Plans and places appointment calls. Every answer that is not a success is a problem (RFC 9457): \
    match on its `type` and on the `code` of its `errors`. The guide with worked examples is `docs/api.md`.";

/// The document of these routes.
pub(super) fn of(routes: &Routes) -> Value {
    let mut schemas = Schemas::new();
    let mut refusals = BTreeMap::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in &routes.all {
        let operation = operation(route, &mut schemas, &mut refusals);
        paths.entry(&route.path).or_default().insert(route.method.to_owned(), operation);
    }
    schemas.written.subschema_for::<Refusal>();
    let mut definitions = schemas.read.take_definitions(true);
    definitions.extend(schemas.written.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "VioConcierge",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Appointment calling for businesses",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This server" }],
        "tags": tags(routes),
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": refusals,
            "headers": headers(),
            "parameters": parameters(),
            "securitySchemes": security_schemes(),
        },
    })
}

/// The headings that routes use; one that isn't known stands at the end.
fn tags(routes: &Routes) -> Vec<Value> {
    let used: BTreeSet<&str> = routes.all.iter().map(|route| route.tag).collect();
    let known = TAGS.iter().copied().filter(|(name, _)| used.contains(name));
    let new = used.iter().filter(|name| TAGS.iter().all(|(known, _)| known != *name));
    known
        .map(|(name, description)| json!({ "name": name, "description": description }))
        .chain(new.map(|name| json!({ "name": name })))
        .collect()
}

fn operation(
    route: &Route,
    schemas: &mut Schemas,
    refusals: &mut BTreeMap<String, Value>,
) -> Value {
    let mut draft = Draft::new(schemas, &route.path);
    (route.describe)(&mut draft);
    draft.fails(route.operation.problems);
    draft.finish();
    let Draft {
        parameters, content, body_required, answers, problems, security, permission, ..
    } = draft;

    let mut responses: Map<String, Value> =
        answers.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect();
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in problems {
        by_status.entry(kind.status().as_u16()).or_default().push(kind);
    }
    for (status, kinds) in by_status {
        let codes: Vec<&str> = kinds.iter().map(|kind| kind.code()).collect();
        let name = codes.join(".");
        let reference = format!("#/components/responses/{name}");
        responses.insert(status.to_string(), json!({ "$ref": reference }));
        refusals.entry(name).or_insert_with(|| refusal(&kinds));
    }

    let mut description = route.operation.description.to_owned();
    if let Some(permission) = permission {
        description =
            format!("{description}\n\nNeeds the permission `{permission}`.").trim().to_owned();
    }
    let mut operation = json!({
        "operationId": route.operation.id,
        "summary": route.operation.summary,
        "tags": [route.tag],
        "security": security,
        "responses": responses,
    });
    if !description.is_empty() {
        operation["description"] = description.into();
    }
    if let Some(permission) = permission {
        operation["x-permission"] = permission.into();
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if !content.is_empty() {
        operation["requestBody"] = json!({ "required": body_required, "content": content });
    }
    operation
}

/// The problems that one status stands for on a route.
fn refusal(kinds: &[Kind]) -> Value {
    let types: Vec<String> = kinds.iter().map(|kind| kind.urn()).collect();
    let meanings: Vec<String> =
        kinds.iter().map(|kind| format!("`{}`: {}.", kind.code(), kind.meaning())).collect();
    let examples: Map<String, Value> = kinds
        .iter()
        .map(|kind| (kind.code().to_owned(), json!({ "value": sample(*kind) })))
        .collect();
    let mut headers: Map<String, Value> = ["X-Request-Id"].into_iter().map(header).collect();
    for (name, has) in [
        ("Retry-After", Kind::says_when_to_retry as fn(Kind) -> bool),
        ("WWW-Authenticate", |kind| kind == Kind::Unauthenticated),
        ("RateLimit", |kind| kind == Kind::RateLimited),
        ("RateLimit-Policy", |kind| kind == Kind::RateLimited),
    ] {
        let with: Vec<&str> = kinds.iter().filter(|k| has(**k)).map(|k| k.code()).collect();
        if with.len() == kinds.len() {
            headers.extend([header(name)]);
        } else if !with.is_empty() {
            let mut some = self::headers()[name].take();
            let said = some["description"].as_str().unwrap_or_default();
            some["description"] = format!("With `{}`. {said}", with.join("`, `")).into();
            some["required"] = false.into();
            headers.insert(name.to_owned(), some);
        }
    }
    json!({
        "description": meanings.join("\n\n"),
        "headers": headers,
        "content": { "application/problem+json": {
            "schema": { "allOf": [
                { "$ref": "#/components/schemas/Problem" },
                { "type": "object", "properties": { "type": { "enum": types } } },
            ]},
            "examples": examples,
        }},
    })
}

fn sample(kind: Kind) -> Value {
    let mut sample = json!({
        "type": kind.urn(),
        "title": kind.status().canonical_reason(),
        "status": kind.status().as_u16(),
        "detail": kind.meaning(),
        "instance": "/v1/…",
        "request_id": "0192f0c1-5a3e-7c1d-9f4e-2b6a8c0d1e2f",
    });
    if kind == Kind::Invalid {
        sample["errors"] = json!([{ "field": "/appointment/at", "code": "in_the_past", "detail": "must lie ahead" }]);
    }
    sample
}

/// Why a request was not served (RFC 9457). Some problems have further members.
#[derive(Debug, serde::Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
struct Refusal {
    /// Which problem; stable, match on it.
    r#type: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// For people; may change.
    detail: String,
    /// The path that was asked.
    instance: String,
    /// Also the header `X-Request-Id`; stands in our logs.
    request_id: uuid::Uuid,
    /// Every field that is wrong, told at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

fn headers() -> Value {
    let text = |description: &str, example: &str| json!({ "description": description, "required": true, "schema": { "type": "string" }, "example": example });
    let sometimes = |description: &str, example: &str| {
        let mut header = text(description, example);
        header["required"] = false.into();
        header
    };
    json!({
        "ETag": text("The version that is shown: send it back as `If-Match` to change it.", "\"3\""),
        "Location": text("The address of what was made, or where to look.", "/v1/contacts/0192f0c1-5a3e-7c1d-9f4e-2b6a8c0d1e2f"),
        "Idempotency-Replayed": sometimes("`true` if this is the kept answer of an earlier request with the same `Idempotency-Key`.", "true"),
        "X-Request-Id": text("Names this request in our logs.", "0192f0c1-5a3e-7c1d-9f4e-2b6a8c0d1e2f"),
        "RateLimit": text("What is left of each limit (`r`), and in how many seconds more is given back (`t`). Of the IETF's draft on RateLimit header fields.", "\"tenant\";r=998;t=60"),
        "RateLimit-Policy": text("The limits that hold: requests (`q`) within any so many seconds (`w`).", "\"tenant\";q=1000;w=60"),
        "WWW-Authenticate": text("How to say who asks.", "Bearer"),
        "Retry-After": {
            "description": "Seconds after which to ask again.", "required": true,
            "schema": { "type": "integer", "minimum": 0 }, "example": 1,
        },
    })
}

fn parameters() -> Value {
    json!({
        "If-Match": {
            "name": "If-Match", "in": "header", "required": true,
            "description": "The `ETag` of the version that was read, or `*` for whatever there is.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 64 }, "example": "\"1\"",
        },
        "Idempotency-Key": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Names this request: the same again within 24 hours changes nothing and gets the first answer again.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 }, "example": "booking-1044",
        },
        "Sec-WebSocket-Protocol": {
            "name": "Sec-WebSocket-Protocol", "in": "header", "required": true,
            "description": "What is offered: the protocol `vio.live.v1`, then the ticket with `ticket.` before it.",
            "schema": { "type": "string", "maxLength": 255 }, "example": "vio.live.v1, ticket.5f1e",
        },
        "Sec-WebSocket-Key": {
            "name": "Sec-WebSocket-Key", "in": "header", "required": true,
            "description": "16 random bytes, by RFC 6455. Beside it stand `Connection: Upgrade` and `Upgrade: websocket`.",
            "schema": { "type": "string", "minLength": 24, "maxLength": 24 }, "example": "dGhlIHNhbXBsZSBub25jZQ==",
        },
        "Sec-WebSocket-Version": {
            "name": "Sec-WebSocket-Version", "in": "header", "required": true,
            "description": "The version of RFC 6455.",
            "schema": { "type": "string", "enum": ["13"] }, "example": "13",
        },
    })
}

fn security_schemes() -> Value {
    json!({
        "apiKey": {
            "type": "http", "scheme": "bearer", "bearerFormat": "vio_…",
            "description": "A program's key, which belongs to one tenant: `Authorization: Bearer vio_…`.",
        },
        "person": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "A person's access token, which lives for 15 minutes.",
        },
        "ticket": {
            "type": "apiKey", "in": "header", "name": "Sec-WebSocket-Protocol",
            "description": "A ticket of `POST /v1/live/tickets`, offered as the second protocol of the handshake.",
        },
        "signature": {
            "type": "apiKey", "in": "header", "name": "X-Retell-Signature",
            "description": "The voice provider's signature over the raw body, not older than five minutes.",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_and_what_is_written_have_names_of_their_own() {
        let document = of(&crate::routes());
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for name in schemas.keys() {
            assert!(
                name.chars().all(|c| c.is_ascii_alphabetic()),
                "{name}: two types of one name are told apart by a number; give one `#[schemars(rename = …)]`"
            );
        }
        let routes = crate::routes();
        let (mut read, mut written) = (Schemas::new(), Schemas::new());
        for route in &routes.all {
            operation(route, &mut read, &mut BTreeMap::new());
            operation(route, &mut written, &mut BTreeMap::new());
        }
        let (read, written) =
            (read.read.take_definitions(true), written.written.take_definitions(true));
        for (name, schema) in read {
            if let Some(other) = written.get(&name) {
                assert_eq!(
                    &schema, other,
                    "{name} is not read as it is written: one needs another name"
                );
            }
        }
    }
}
