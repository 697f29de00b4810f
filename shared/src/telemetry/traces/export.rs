//! Handing finished spans to a collector: OTLP, protobuf over HTTP.
//!
//! Whoever ends a span puts it into a queue of fixed length and goes on; when the queue is full the span is dropped and
//! counted. The SDK's own batch processor does the same, but tells nobody what it drops, and wants a thread of its own.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter as Otlp, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor};
use tokio::sync::{mpsc, oneshot};

use crate::config::Secret;
use crate::telemetry::metrics::{self, SpanFate};

/// Spans that wait. At a few hundred bytes each, less than two megabytes.
const WAITING: usize = 4_096;
/// Spans of one request.
const BATCH: usize = 512;
/// How long spans gather before they are sent.
const GATHER: Duration = Duration::from_secs(1);
/// How long a collector may take over one request.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the last spans are tried to be sent when a process ends.
const FAREWELL: Duration = Duration::from_secs(5);
/// A collector answers with a few bytes.
const MOST_REPLY: usize = 64 * 1024;

/// Traces can't be exported as configured. Carries no secret.
#[derive(Debug, thiserror::Error)]
#[error("TRACES_ENDPOINT: {0}")]
pub struct ExportError(String);

/// What exports in the background.
#[derive(Debug)]
pub struct Exporting {
    flush: mpsc::Sender<oneshot::Sender<()>>,
    /// Kept, since a provider that is dropped shuts its processors down.
    provider: Option<SdkTracerProvider>,
}

impl Exporting {
    pub(super) fn keeping(mut self, provider: SdkTracerProvider) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Sends what has been gathered, and returns when it is sent, failed, or five seconds have gone by.
    pub async fn flush(&self) {
        let (tell, told) = oneshot::channel();
        let flushed = async {
            if self.flush.send(tell).await.is_ok() {
                let _gone = told.await;
            }
        };
        if tokio::time::timeout(FAREWELL, flushed).await.is_err() {
            tracing::warn!("the collector of traces did not take the last spans in time");
        }
    }
}

/// Who speaks.
pub(super) fn resource(service: &'static str) -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", service),
            KeyValue::new("service.namespace", "vioconcierge"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", uuid::Uuid::now_v7().to_string()),
        ])
        .build()
}

/// Starts the task that sends, and the processor that feeds it.
pub(super) fn start(
    endpoint: &str,
    authorization: Option<&Secret>,
    resource: &Resource,
) -> Result<(Queue, Exporting), ExportError> {
    let headers = authorization
        .map(|value| HashMap::from([("authorization".to_owned(), value.expose().to_owned())]));
    let mut exporter = Otlp::builder()
        .with_http()
        .with_http_client(Http::new(endpoint.starts_with("https://"))?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .with_headers(headers.unwrap_or_default())
        .with_timeout(PATIENCE)
        .build()
        .map_err(|_| ExportError("no exporter can be made for it".to_owned()))?;
    exporter.set_resource(resource);
    let (ended, spans) = mpsc::channel(WAITING);
    let (flush, flushes) = mpsc::channel(1);
    tokio::spawn(send(exporter, spans, flushes));
    Ok((Queue(ended), Exporting { flush, provider: None }))
}

/// Where spans go when they end.
#[derive(Debug)]
pub(super) struct Queue(mpsc::Sender<SpanData>);

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.0.try_send(span).is_err() {
            metrics::spans(SpanFate::Dropped, 1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

async fn send(
    exporter: Otlp,
    mut spans: mpsc::Receiver<SpanData>,
    mut flushes: mpsc::Receiver<oneshot::Sender<()>>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let waiting = tokio::select! {
            flush = flushes.recv() => match flush {
                Some(waiting) => Some(waiting),
                None => return,
            },
            got = spans.recv_many(&mut batch, BATCH) => match got {
                0 => return,
                _ => gather(&mut batch, &mut spans, &mut flushes).await,
            },
        };
        loop {
            while batch.len() < BATCH
                && let Ok(span) = spans.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() {
                break;
            }
            hand_over(&exporter, &mut batch).await;
            if waiting.is_none() {
                break;
            }
        }
        if let Some(waiting) = waiting {
            let _gone = waiting.send(());
        }
    }
}

/// Waits until the batch is full, a second is over, or somebody wants it sent now.
async fn gather(
    batch: &mut Vec<SpanData>,
    spans: &mut mpsc::Receiver<SpanData>,
    flushes: &mut mpsc::Receiver<oneshot::Sender<()>>,
) -> Option<oneshot::Sender<()>> {
    let over = tokio::time::sleep(GATHER);
    tokio::pin!(over);
    while batch.len() < BATCH {
        let room = BATCH - batch.len();
        tokio::select! {
            () = &mut over => return None,
            flush = flushes.recv() => return flush,
            got = spans.recv_many(batch, room) => if got == 0 { return None },
        }
    }
    None
}

async fn hand_over(exporter: &Otlp, batch: &mut Vec<SpanData>) {
    let spans = std::mem::take(batch);
    let count = spans.len() as u64;
    match exporter.export(spans).await {
        Ok(()) => metrics::spans(SpanFate::Exported, count),
        Err(error) => {
            metrics::spans(SpanFate::Failed, count);
            // Its text may quote the collector's answer, which is somebody else's.
            tracing::debug!(
                count,
                kind = kind(&error),
                "the collector of traces did not take spans"
            );
        }
    }
}

fn kind(error: &opentelemetry_sdk::error::OTelSdkError) -> &'static str {
    match error {
        opentelemetry_sdk::error::OTelSdkError::Timeout(_) => "timeout",
        _ => "failure",
    }
}

/// HTTP/1.1, over TLS if the collector's address says so.
#[derive(Clone)]
struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    fn new(tls: bool) -> Result<Self, ExportError> {
        let builder = hyper_rustls::HttpsConnectorBuilder::new();
        let builder = if tls {
            builder
                .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
                .map_err(|_| ExportError("the machine has no certificate roots".to_owned()))?
        } else {
            let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
            let config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|_| ExportError("no TLS".to_owned()))?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            builder.with_tls_config(config)
        };
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }
}

#[async_trait::async_trait]
impl HttpClient for Http {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let reply = tokio::time::timeout(PATIENCE, async {
            let reply = self.0.request(request.map(Full::from)).await?;
            let (parts, body) = reply.into_parts();
            let body = Limited::new(body, MOST_REPLY).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(parts, body))
        });
        reply.await?
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Tracer, TracerProvider};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn count(result: &str) -> u64 {
        let series = format!("vio_trace_spans_total{{result=\"{result}\"}} ");
        let text = metrics::render();
        let found = text.lines().find_map(|line| line.strip_prefix(&series));
        found.expect("there from the start").parse().unwrap()
    }

    fn ends_spans(queue: Queue, count: usize) {
        let provider = SdkTracerProvider::builder().with_span_processor(queue).build();
        let tracer = provider.tracer("test");
        (0..count).for_each(|_| drop(tracer.start("a span")));
    }

    /// Nobody waits for a collector, and what doesn't fit is counted.
    #[test]
    fn a_full_queue_drops_and_counts() {
        let (ended, _nobody_reads) = mpsc::channel(3);
        let before = count("dropped");
        ends_spans(Queue(ended), 5);
        assert_eq!(count("dropped") - before, 2);
    }

    /// Answers each request with `status`, and tells what was asked.
    async fn collector(status: &'static str) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (tell, told) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut asked = vec![0; 64 * 1024];
                let length = client.read(&mut asked).await.unwrap();
                let head = String::from_utf8_lossy(&asked[..length]).into_owned();
                tell.send(head).await.unwrap();
                let answer =
                    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                client.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (address, told)
    }

    #[tokio::test]
    async fn spans_are_posted_with_the_authorization_and_what_fails_is_counted() {
        let secret = Secret::from("Bearer hunter2".to_owned());
        for (status, result) in
            [("200 OK", "exported"), ("500 No", "failed"), ("302 Found", "failed")]
        {
            let (endpoint, mut told) = collector(status).await;
            let before = count(result);
            let (queue, exporting) =
                start(&endpoint, Some(&secret), &resource("vio-test")).unwrap();
            ends_spans(queue, 3);
            exporting.flush().await;
            let head = told.recv().await.unwrap().to_lowercase();
            assert!(head.starts_with("post /v1/traces "), "{head}");
            assert!(head.contains("authorization: bearer hunter2"), "{head}");
            assert!(head.contains("application/x-protobuf"), "{head}");
            assert_eq!(count(result) - before, 3, "{status}");
        }
        // One that is away costs the spans and nothing else. Here, since tests beside this one would count too.
        let away = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", away.local_addr().unwrap());
        drop(away);
        let before = count("failed");
        let (queue, exporting) = start(&endpoint, None, &resource("vio-test")).unwrap();
        ends_spans(queue, 3);
        exporting.flush().await;
        assert_eq!(count("failed") - before, 3);
    }
}
