//! The part of S3 that we use, over HTTP/1.1 on loopback: enough to see what we send, and to misbehave.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use ring::digest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is in the bucket, and how the server behaves.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By path, the bucket's name included.
    pub(super) objects: BTreeMap<String, Vec<u8>>,
    /// Open uploads: id, path, parts by number.
    pub(super) uploads: HashMap<String, (String, BTreeMap<u32, Vec<u8>>)>,
    /// Method and target of every request.
    pub(super) asked: Vec<String>,
    /// So many requests are answered 503 first.
    pub(super) unavailable: usize,
    /// Every request is answered so.
    pub(super) refuses: Option<&'static str>,
    /// So many downloads end in the middle.
    pub(super) cut: usize,
    /// Complaints about requests: what a real S3 would not accept.
    pub(super) complaints: Vec<String>,
}

/// A server that ends with the test's runtime.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct Request {
    method: String,
    path: String,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        server
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        while let Some(request) = next_request(&mut stream, &mut buffer).await {
            let (answer, keep) = self.answer(&request);
            if stream.write_all(&answer).await.is_err() || !keep {
                return;
            }
        }
    }

    /// The answer as bytes, and whether the connection stays.
    fn answer(&self, request: &Request) -> (Vec<u8>, bool) {
        let state = &mut *self.state();
        let target = format!("{} {}", request.method, request.path);
        state.asked.push(target);
        check(request, &mut state.complaints);
        if state.unavailable > 0 {
            state.unavailable -= 1;
            return (reply("503 Slow Down", &[], b""), true);
        }
        if let Some(status) = state.refuses {
            return (reply(status, &[], b"<Error><Code>AccessDenied</Code></Error>"), true);
        }
        let query = |name: &str| request.query.get(name).cloned();
        let path = request.path.clone();
        let reply = match (request.method.as_str(), query("uploadId")) {
            ("POST", None) if query("uploads").is_some() => {
                let id = format!("upload-{}", state.asked.len());
                state.uploads.insert(id.clone(), (path, BTreeMap::new()));
                let body = format!(
                    "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                );
                reply("200 OK", &[], body.as_bytes())
            }
            ("PUT", Some(id)) => {
                let number: u32 = query("partNumber").unwrap().parse().unwrap();
                let etag = etag(&request.body);
                state.uploads.get_mut(&id).unwrap().1.insert(number, request.body.clone());
                reply("200 OK", &[("ETag", &etag)], b"")
            }
            ("POST", Some(id)) => complete(state, &id, &request.body),
            ("DELETE", Some(id)) => {
                state.uploads.remove(&id);
                reply("204 No Content", &[], b"")
            }
            ("PUT", None) => {
                state.objects.insert(path, request.body.clone());
                reply("200 OK", &[("ETag", &etag(&request.body))], b"")
            }
            ("DELETE", None) => {
                state.objects.remove(&path);
                reply("204 No Content", &[], b"")
            }
            ("GET", None) if query("list-type").is_some() => list(state, &query("prefix")),
            ("GET", None) => return get(state, request),
            _ => reply("501 Not Implemented", &[], b""),
        };
        (reply, true)
    }
}

/// What S3 would refuse: no signature of our key, or one over another body.
fn check(request: &Request, complaints: &mut Vec<String>) {
    let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
    let signed = header("authorization");
    if !signed.starts_with("AWS4-HMAC-SHA256 Credential=test-key-id/")
        || !signed.contains("/eu-west-2/s3/")
    {
        complaints.push(format!("{} {}: signed with {signed}", request.method, request.path));
    }
    let hash = hex::encode(digest::digest(&digest::SHA256, &request.body));
    if header("x-amz-content-sha256") != hash {
        complaints.push(format!("{} {}: another body is signed", request.method, request.path));
    }
}

fn complete(state: &mut State, id: &str, body: &[u8]) -> Vec<u8> {
    let Some((path, parts)) = state.uploads.remove(id) else {
        return reply("404 Not Found", &[], b"<Error><Code>NoSuchUpload</Code></Error>");
    };
    let told = String::from_utf8_lossy(body);
    let numbers: Vec<u32> = told
        .split("<PartNumber>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap().parse().unwrap())
        .collect();
    if numbers != parts.keys().copied().collect::<Vec<_>>() {
        state.complaints.push(format!("completed with parts {numbers:?}"));
    }
    let last = parts.len();
    let short = |(at, part): (usize, &Vec<u8>)| at + 1 < last && part.len() < 5 << 20;
    if parts.values().enumerate().any(short) {
        state.complaints.push("a part is too small".to_owned());
    }
    state.objects.insert(path, parts.into_values().flatten().collect());
    reply(
        "200 OK",
        &[],
        b"<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>",
    )
}

fn list(state: &State, prefix: &Option<String>) -> Vec<u8> {
    let prefix = prefix.clone().unwrap_or_default();
    let mut body = String::from("<ListBucketResult><IsTruncated>false</IsTruncated>");
    for (path, object) in &state.objects {
        let key = path.splitn(3, '/').nth(2).unwrap_or_default();
        if key.starts_with(&prefix) {
            let length = object.len();
            body += &format!(
                "<Contents><Key>{key}</Key><LastModified>2026-11-24T05:00:00.000Z</LastModified><ETag>\"e\"</ETag><Size>{length}</Size></Contents>"
            );
        }
    }
    body += "</ListBucketResult>";
    reply("200 OK", &[], body.as_bytes())
}

fn get(state: &mut State, request: &Request) -> (Vec<u8>, bool) {
    let Some(object) = state.objects.get(&request.path) else {
        let body = b"<Error><Code>NoSuchKey</Code></Error>";
        return (reply("404 Not Found", &[], body), true);
    };
    let range = request.headers.get("range").and_then(|range| range.strip_prefix("bytes="));
    let from = range.map(|range| range.split('-').next().unwrap().parse().unwrap());
    let (from, total): (usize, usize) = (from.unwrap_or(0), object.len());
    let told = format!("bytes {from}-{}/{total}", total - 1);
    let mut headers = vec![("ETag", "\"e\""), ("Last-Modified", "Tue, 24 Nov 2026 05:00:00 GMT")];
    let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    if range.is_some() {
        headers.push(("Content-Range", &told));
    }
    let mut answer = reply(status, &headers, &object[from..]);
    let cuts = state.cut > 0;
    if cuts {
        state.cut -= 1;
        answer.truncate(answer.len() - (total - from) / 2);
    }
    (answer, !cuts)
}

fn etag(body: &[u8]) -> String {
    format!("\"{}\"", &hex::encode(digest::digest(&digest::SHA256, body))[..16])
}

fn reply(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

async fn next_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        (stream.read_buf(buffer).await.ok()? > 0).then_some(())?;
    };
    let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let headers: HashMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while buffer.len() < end + length {
        (stream.read_buf(buffer).await.ok()? > 0).then_some(())?;
    }
    let body = buffer[end..end + length].to_vec();
    buffer.drain(..end + length);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.to_owned(), value.replace("%2F", "/"))
    };
    let query = query.split('&').filter(|it| !it.is_empty()).map(pair).collect();
    Some(Request { method, path: path.to_owned(), query, headers, body })
}
