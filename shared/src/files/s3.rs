//! S3, and what speaks its language, over the HTTP client and the TLS that all else here uses.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::TryFutureExt;
use http_body_util::BodyExt;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector as Connector, HttpError, HttpErrorKind, HttpRequest,
    HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};
use object_store::{BackoffConfig, RetryConfig};

use super::FileError;
use crate::config::S3;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request may take until its answer begins: 5 MiB at 200 kB/s.
const ANSWER: Duration = Duration::from_secs(30);
/// Tries again so often, and for so long.
const RETRIES: usize = 3;
const RETRY_FOR: Duration = Duration::from_secs(60);

/// The bucket that the settings name.
pub(super) fn connect(settings: &S3) -> Result<AmazonS3, FileError> {
    let builder = AmazonS3Builder::new()
        .with_http_connector(Over { roots: settings.has_tls() })
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_access_key_id(settings.access_key_id.expose())
        .with_secret_access_key(settings.secret_access_key.expose())
        .with_allow_http(!settings.has_tls())
        // One by one: not all that speak its language delete several at a time.
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES,
            retry_timeout: RETRY_FOR,
        });
    let builder = match &settings.endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint),
        None => builder,
    };
    builder.build().map_err(|error| FileError::Settings(error.into()))
}

/// Makes the client that `object_store` asks with.
#[derive(Debug)]
struct Over {
    /// Trust the machine's certificate roots; without TLS there may be none.
    roots: bool,
}

impl Connector for Over {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let failed = |source: Box<dyn Error + Send + Sync>| object_store::Error::Generic {
            store: "S3",
            source,
        };
        let builder = hyper_rustls::HttpsConnectorBuilder::new();
        let provider = rustls::crypto::ring::default_provider();
        let builder = if self.roots {
            builder
                .with_provider_and_native_roots(provider)
                .map_err(|error| failed(error.into()))?
        } else {
            let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
                .with_safe_default_protocol_versions()
                .map_err(|error| failed(error.into()))?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            builder.with_tls_config(config)
        };
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT));
        let connector = builder.https_or_http().enable_http1().wrap_connector(http);
        Ok(HttpClient::new(Asks(Client::builder(TokioExecutor::new()).build(connector))))
    }
}

#[derive(Debug)]
struct Asks(Client<HttpsConnector<HttpConnector>, HttpRequestBody>);

#[async_trait::async_trait]
impl HttpService for Asks {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.0.request(request).map_err(|error| {
            let kind = if error.is_connect() {
                HttpErrorKind::Connect
            } else {
                HttpErrorKind::Interrupted
            };
            HttpError::new(kind, error)
        });
        let answer = tokio::time::timeout(ANSWER, answer)
            .await
            .map_err(|silent| HttpError::new(HttpErrorKind::Timeout, silent))??;
        let interrupted = |error| HttpError::new(HttpErrorKind::Interrupted, error);
        Ok(answer.map(|body| HttpResponseBody::new(body.map_err(interrupted))))
    }
}
