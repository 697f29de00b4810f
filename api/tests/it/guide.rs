//! The guide's requests are run against a real server, and its answers are what the server says.
//!
//! In docs/api.md an `http` block that begins with a method is a request, one that begins with `HTTP/1.1` what it is
//! answered. In an answer `"…"` is anything, `"{name}"` something that later blocks may name, and an object with a field
//! `…` has others besides; everything else is meant literally.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, app};

/// The guide's blocks of a kind, in order.
fn blocks(kinds: &[&str]) -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api.md");
    let text = std::fs::read_to_string(path).expect("the guide");
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some((kind.to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some((_, block)), None) => *block += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    found.retain(|(kind, _)| kinds.contains(&kind.as_str()));
    found
}

/// What was captured by name.
type Names = BTreeMap<String, String>;

fn fill(text: &str, names: &Names) -> String {
    names
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Whether a text is as the guide says; what it names for the first time is remembered.
fn text_fits(expected: &str, actual: &str, names: &mut Names) -> bool {
    let expected = fill(expected, names);
    if let Some((before, rest)) = expected.split_once('{')
        && let Some((name, after)) = rest.split_once('}')
    {
        let found = actual.strip_prefix(before).and_then(|text| text.strip_suffix(after));
        return found
            .is_some_and(|found| names.insert(name.to_owned(), found.to_owned()).is_none());
    }
    let mut rest = actual;
    for (index, part) in expected.split('…').enumerate() {
        match rest.find(part) {
            Some(0) => rest = &rest[part.len()..],
            Some(at) if index > 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || expected.ends_with('…')
}

/// Where a value is not as the guide says.
fn misfits(at: &str, expected: &Value, actual: &Value, names: &mut Names) -> Vec<String> {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let open = expected.contains_key("…");
            let unknown = actual.keys().filter(|name| !open && !expected.contains_key(*name));
            let mut found: Vec<String> =
                unknown.map(|name| format!("{at}/{name} is not in the guide")).collect();
            for (name, expected) in expected.iter().filter(|(name, _)| *name != "…") {
                let at = format!("{at}/{name}");
                match actual.get(name) {
                    Some(actual) => found.extend(misfits(&at, expected, actual, names)),
                    None => found.push(format!("{at} is not in the answer")),
                }
            }
            found
        }
        (Value::Array(expected), Value::Array(_)) if *expected == ["…"] => Vec::new(),
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            let pairs = expected.iter().zip(actual).enumerate();
            pairs.flat_map(|(i, (e, a))| misfits(&format!("{at}/{i}"), e, a, names)).collect()
        }
        (Value::String(expected), Value::String(actual)) if text_fits(expected, actual, names) => {
            Vec::new()
        }
        (expected, actual) if expected == actual => Vec::new(),
        _ => vec![format!("{at}: the guide has {expected}, the server {actual}")],
    }
}

/// Head and body, at the empty line.
fn halves(text: &str) -> (String, String) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    (head.trim().to_owned(), body.trim().to_owned())
}

async fn exchange(address: std::net::SocketAddr, key: &str, request: &str) -> (String, String) {
    let (head, body) = halves(request);
    let (first, headers) = head.split_once('\n').unwrap_or((&head, ""));
    let mut bytes = format!("{first} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    bytes += &format!("Authorization: Bearer {key}\r\nContent-Length: {}\r\n", body.len());
    if !body.is_empty() {
        bytes += "Content-Type: application/json\r\n";
    }
    headers.lines().for_each(|line| bytes += &format!("{line}\r\n"));
    bytes += &format!("\r\n{body}");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    halves(&answer.replace("\r\n", "\n"))
}

async fn serve(client: &Client) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = api::router(app(&client.world));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_guide_asks_is_answered_as_it_says() {
    let client = Client::new().await;
    client.world.wait_for_morning().await;
    let address = serve(&client).await;
    let key = client.clinic.admin.expose();
    let mut names = Names::new();
    let blocks = blocks(&["http"]);
    let (pairs, rest) = blocks.as_chunks::<2>();
    assert!(pairs.len() >= 9 && rest.is_empty(), "each request has its answer");
    for [(_, request), (_, expected)] in pairs {
        let request = fill(request, &names);
        let (head, body) = exchange(address, key, &request).await;
        let (expected_head, expected_body) = halves(expected);
        let mut expected_lines = expected_head.lines();
        let status = expected_lines.next().unwrap();
        assert!(head.starts_with(status), "{request}\n{head}\n{body}");
        for line in expected_lines {
            let (name, expected) = line.split_once(": ").unwrap();
            let actual = head.lines().find_map(|line| {
                let (n, value) = line.split_once(": ")?;
                n.eq_ignore_ascii_case(name).then_some(value)
            });
            let fits = actual.is_some_and(|actual| text_fits(expected, actual, &mut names));
            assert!(fits, "{request}\n{name}: the guide has {expected}, the server {actual:?}");
        }
        if !expected_body.is_empty() {
            let expected = serde_json::from_str(&expected_body).expect("the guide's JSON");
            let actual = serde_json::from_str(&body).expect("JSON");
            let misfits = misfits("", &expected, &actual, &mut names);
            assert!(misfits.is_empty(), "{request}\n{misfits:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_guide_gives_to_a_shell_works_there() {
    let client = Client::new().await;
    let address = serve(&client).await;
    let blocks = blocks(&["sh"]);
    assert!(!blocks.is_empty());
    for (_, commands) in blocks {
        let mut shell = Command::new("bash");
        shell.args(["-euc", &commands]).env("API", format!("http://{address}"));
        shell.env("API_KEY", client.clinic.admin.expose());
        let output = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("\"id\""), "{commands}: {text}");
    }
}

#[test]
fn an_answer_that_differs_from_the_guide_is_told() {
    let names = || Names::from([("contact".to_owned(), "c1".to_owned())]);
    for (expected, actual, fits, why) in [
        (r#"{"a": 1}"#, r#"{"a": 1}"#, true, "the same"),
        (r#"{"a": 1}"#, r#"{"a": 2}"#, false, "another number"),
        (r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#, false, "a field more"),
        (r#"{"a": 1, "…": "…"}"#, r#"{"a": 1, "b": 2}"#, true, "others besides"),
        (r#"{"a": 1, "…": "…"}"#, r#"{"b": 2}"#, false, "a field less"),
        (r#"["…"]"#, r#"[1, 2]"#, true, "any list"),
        (r#"[1]"#, r#"[1, 2]"#, false, "a longer list"),
        (r#""{contact}""#, r#""c1""#, true, "what was named before"),
        (r#""{contact}""#, r#""c2""#, false, "another one"),
        (r#""/x/{new}/y""#, r#""/x/7/y""#, true, "named now"),
        (r#""a…c""#, r#""abc""#, true, "something between"),
        (r#""a…c""#, r#""abd""#, false, "another end"),
        (r#""…""#, "null", false, "nothing is not something"),
    ] {
        let (expected, actual) =
            (serde_json::from_str(expected).unwrap(), serde_json::from_str(actual).unwrap());
        assert_eq!(misfits("", &expected, &actual, &mut names()).is_empty(), fits, "{why}");
    }
}
