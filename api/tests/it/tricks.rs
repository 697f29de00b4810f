//! What somebody may try who reads the contract for its gaps: fields that aren't theirs to set, lists for objects, texts
//! and bodies that are too long, and headers that mean one thing to a proxy and another to us.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::access::{Things, ask, keyed_operations};
use crate::client::{Client, ada, app};
use crate::contract::{Operation, fields, object, operations};

/// Operations with a body of JSON whose fields are ours.
fn with_fields() -> impl Iterator<Item = (Operation, &'static Value)> {
    keyed_operations()
        .filter(|operation| operation.id() != "reportOutcome")
        .filter_map(|operation| operation.body().map(|body| (operation, body)))
}

/// `body` with `value` at `pointer`, and objects around it where there are none.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let mut at = &mut body;
    for name in pointer.split('/').skip(1) {
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[name];
    }
    *at = value;
    body
}

/// Refused with a fault at this field, or at one below it.
async fn refused(
    client: &Client,
    operation: &Operation,
    things: &Things,
    body: &Value,
    at: &str,
    code: &str,
) {
    let answer = ask(client, &client.clinic.admin, operation, things, body).await;
    let id = operation.id();
    assert_eq!(answer.status.as_u16(), 422, "{id} {at} {code}: {:?}", answer.body);
    let faults = answer.faults();
    let expected = format!("{at} {code}");
    assert!(faults.contains(&expected), "{id}: expected {expected}, not {faults:?}");
}

#[tokio::test]
async fn no_body_sets_what_it_has_no_field_for() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let before = client.everything().await;
    let mut tried = 0;
    for (operation, body) in with_fields() {
        let objects = fields(body).into_iter().filter(|(_, field)| object(field).is_some());
        let places = std::iter::once(String::new()).chain(objects.map(|(pointer, _)| pointer));
        for place in places {
            for name in ["tenant_id", "id", "version", "created_at", "role", "__proto__"] {
                let at = format!("{place}/{name}");
                if fields(body).iter().any(|(field, _)| *field == at) {
                    continue;
                }
                tried += 1;
                let body = with(operation.example(), &at, json!("x"));
                refused(&client, &operation, &things, &body, &at, "unknown_field").await;
            }
        }
    }
    assert!(tried > 80, "{tried}");
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn a_list_is_no_object_wherever_it_stands() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let before = client.everything().await;
    let at = client.ahead(chrono::Duration::days(3)).await;
    for (operation, body) in with_fields() {
        let list = json!([at, null, null]);
        refused(&client, &operation, &things, &list, "", "wrong_type").await;
        for (pointer, _) in fields(body).into_iter().filter(|(_, field)| object(field).is_some()) {
            let body = with(operation.example(), &pointer, list.clone());
            refused(&client, &operation, &things, &body, &pointer, "wrong_type").await;
        }
    }
    // The two that were taken once: an appointment by position, and a row of an import.
    let mut new = ada();
    new["appointment"] =
        json!([at, null, null, null, null, null, null, null, null, null, "normal"]);
    let answer = client.admin("POST /v1/contacts", new).await;
    assert_eq!(answer.faults(), ["/appointment wrong_type"]);
    let rows = json!({ "numbers": ["07700900123", ["07700900124", "asked"]] });
    let answer = client.admin("POST /v1/do-not-call/import", rows).await;
    assert_eq!(answer.faults(), ["/numbers/1 wrong_type"]);
    let hours = json!({ "calling_hours": { "monday": ["08:00", "20:00"] } });
    let answer = client.change("PATCH /v1/tenant/policy", "*", hours).await;
    assert_eq!(answer.faults(), ["/calling_hours/monday wrong_type"]);
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn every_text_that_is_one_too_long_is_refused_by_name() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let before = client.everything().await;
    let mut tried = 0;
    for (operation, schema) in with_fields() {
        for (pointer, field) in fields(schema) {
            let Some(most) = field["maxLength"].as_u64() else { continue };
            tried += 1;
            let text = "a".repeat(usize::try_from(most).unwrap() + 1);
            let mut body = with(operation.example(), &pointer, json!(text));
            let parent = &pointer[..pointer.rfind('/').unwrap()];
            let when = fields(schema).iter().any(|(at, _)| *at == format!("{parent}/local_time"));
            if when && (pointer.ends_with("/local_time") || pointer.ends_with("/zone")) {
                // The other of the two ways to say when.
                let inside = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                inside.remove("at");
                inside.entry("local_time").or_insert(json!("2036-03-03T09:30"));
            }
            if pointer == "/status_reason" {
                body["status"] = json!("pending");
            }
            let answer = ask(&client, &client.clinic.admin, &operation, &things, &body).await;
            let faults = answer.faults();
            let told = faults.iter().any(|fault| fault.starts_with(&format!("{pointer} ")));
            assert!(
                told && answer.status.as_u16() == 422,
                "{} {pointer}: {faults:?} {:?}",
                operation.id(),
                answer.body
            );
        }
    }
    assert!(tried > 20, "{tried}");
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_on_every_route_that_has_one() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let before = client.everything().await;
    let doors = operations().into_iter().filter(|o| {
        (o.path.starts_with("/v1/auth/") && o.id() != "signOut") || o.id() == "receiveProviderEvent"
    });
    let with_body =
        keyed_operations().chain(doors).filter(|o| o.about.get("requestBody").is_some());
    for operation in with_body {
        let most = match operation.id() {
            "receiveProviderEvent" | "reportOutcome" => 4 * 1024 * 1024,
            "uploadImport" => 10 * 1024 * 1024,
            "changeManyContacts" | "previewManyContacts" | "exportContacts" | "previewExport" => {
                2 * 1024 * 1024
            }
            "importDoNotCall" | "createGroup" | "changeGroupMembers" => 1024 * 1024,
            _ => 64 * 1024,
        };
        let what = (operation.method.as_str(), things.path(&operation));
        let key = client.clinic.admin.expose();
        let request = || {
            let request = Request::builder().method(what.0).uri(&what.1).header("if-match", "*");
            request
                .header("authorization", format!("Bearer {key}"))
                .header("content-type", "application/json")
        };
        // Said, and not said, how long it is.
        let announced = request().header("content-length", most + 1).body(Body::empty()).unwrap();
        let stream =
            futures::stream::once(async move { Ok::<_, std::io::Error>("a".repeat(most + 1)) });
        let silent = request().body(Body::from_stream(stream)).unwrap();
        for request in [announced, silent] {
            let answer = client.send(request).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", operation.id());
        }
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn headers_that_others_believe_mean_nothing_here() {
    let client = Client::new().await;
    let contact = client.contact().await;
    let read = format!("GET /v1/contacts/{contact}");
    let key = client.clinic.user.clone();
    let plain = client.ask(&key, &read, &[], &Value::Null).await;
    for (name, value) in [
        ("x-http-method-override", "DELETE"),
        ("x-http-method", "DELETE"),
        ("x-method-override", "DELETE"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "evil.example.com"),
        ("x-forwarded-proto", "javascript"),
        ("x-forwarded-prefix", "/v1/tenant"),
        ("forwarded", "for=127.0.0.1;host=evil.example.com"),
        ("x-original-url", "/v1/tenant"),
        ("x-rewrite-url", "/v1/tenant"),
        ("x-tenant-id", "0192f0c1-5a3e-7c1d-9f4e-2b6a8c0d1e2f"),
        ("x-request-id", "mine"),
        ("origin", "https://evil.example.com"),
        ("accept", "text/html"),
        ("accept-encoding", "gzip, br"),
        ("range", "bytes=0-1"),
        ("expect", "200-maybe"),
        ("cookie", "session=1"),
    ] {
        let answer = client.ask(&key, &read, &[(name, value)], &Value::Null).await;
        assert_eq!((answer.status, &answer.body), (plain.status, &plain.body), "{name}");
        for foreign in ["evil", "mine"] {
            assert!(!format!("{:?}", answer.headers).contains(foreign), "{name}");
        }
        assert_eq!(answer.header("access-control-allow-origin"), "", "{name}");
    }
    // The admin too: an override would delete.
    let over = [("x-http-method-override", "DELETE"), ("if-match", "*")];
    let answer = client.ask(&client.clinic.admin, &read, &over, &Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(client.admin(&read, Value::Null).await.status, StatusCode::OK, "still there");
}

#[tokio::test]
async fn a_header_that_counts_is_given_once() {
    let client = Client::new().await;
    let contact = client.contact().await;
    let path = format!("/v1/contacts/{contact}");
    let before = client.everything().await;
    let ask = |method: &str, path: &str, headers: &[(&str, &str)], body: Value| {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let key = format!("Bearer {}", client.clinic.admin.expose());
        let request = request.header("authorization", key).body(Body::from(body.to_string()));
        client.send(request.unwrap())
    };
    let json_type = ("content-type", "application/json");
    let twice = [json_type, ("if-match", "\"1\""), ("if-match", "*")];
    let answer = ask("PATCH", &path, &twice, json!({ "name": "Somebody Else" })).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    let twice = [json_type, ("idempotency-key", "a"), ("idempotency-key", "b")];
    let answer = ask("POST", "/v1/contacts", &twice, ada()).await;
    assert_eq!(answer.faults(), ["Idempotency-Key duplicate"]);
    for kind in [
        "application/json, text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "\u{7f}",
        "",
        "application/xml",
    ] {
        let Ok(value) = axum::http::HeaderValue::from_bytes(kind.as_bytes()) else { continue };
        let Ok(value) = value.to_str() else { continue };
        let answer = ask("POST", "/v1/contacts", &[("content-type", value)], ada()).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind:?}");
    }
    let two = [json_type, ("content-type", "text/plain")];
    let answer = ask("POST", "/v1/contacts", &two, ada()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(client.everything().await, before);
}

/// The bytes of a request to a real server, and of its answer until it closes or has said enough.
async fn raw(client: &Client, request: &[u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = api::router(app(&client.world));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    // A server that has heard enough may close before all is written.
    let _closed = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    server.abort();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_that_is_two_to_a_proxy_is_at_most_one_here() {
    let client = Client::new().await;
    let key = client.clinic.admin.expose().to_owned();
    let before = client.everything().await;
    let smuggled = format!(
        "POST /v1/tenant/pause HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Content-Length: 14\r\n\r\n{{\"reason\":\"x\"}}"
    );
    let head = |more: &str| {
        format!(
            "POST /v1/contacts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
             Content-Type: application/json\r\n{more}\r\n"
        )
    };
    let long = "a".repeat(600_000);
    for (request, why) in [
        (
            format!(
                "{}0\r\n\r\n{smuggled}",
                head("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n")
            ),
            "two lengths: chunks and a number",
        ),
        (
            format!("{}{{}}{smuggled}", head("Content-Length: 2\r\nContent-Length: 300\r\n")),
            "two lengths: two numbers",
        ),
        (
            format!("{}0\r\n\r\n{smuggled}", head("Transfer-Encoding: xchunked\r\n")),
            "an encoding that nobody knows",
        ),
        (format!("{}{{}}{smuggled}", head("Content-Length: -2\r\n")), "a negative length"),
        (
            format!("{}{{}}", head(&format!("X-Long: {long}\r\nContent-Length: 2\r\n"))),
            "a long header",
        ),
        (
            format!("{}{{}}", head(&format!("{}Content-Length: 2\r\n", "X-A: b\r\n".repeat(500)))),
            "many headers",
        ),
        (
            "GET /v1/tenant HTTP/1.1\r\nHost: a\r\n X-Folded: b\r\n\r\n".to_owned(),
            "a folded header",
        ),
    ] {
        let answer = raw(&client, request.as_bytes()).await;
        let answers = answer.matches("HTTP/1.1 ").count();
        assert!(answers <= 1, "{why}: {answer}");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{why}: {answer}");
        assert_eq!(client.everything().await, before, "{why}");
    }
}
