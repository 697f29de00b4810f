//! Asking about calls, and stopping them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use shared::retell::wire::{Call, CallFilter, Concurrency, ListCalls, ListedCalls, MessageKind};
use uuid::Uuid;

use super::endpoint::{Endpoint, EndpointError, client_builder};
use super::reply::{BodyError, read_body, read_message};

/// A page of 100 calls is about half a megabyte; one call with all that was said rarely more.
const MOST_REPLY: usize = 32 * 1024 * 1024;
/// Calls a page. The vendor allows 1,000.
const PAGE: u32 = 100;
/// More pages than any question of ours has.
const MOST_PAGES: usize = 1_000;

/// How a [`Client`] behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSettings {
    /// Until the connection is there, TLS included.
    pub connect_timeout: Duration,
    /// One request, from the beginning to the last byte of the reply.
    pub whole_timeout: Duration,
    /// How often a read that failed in passing is repeated.
    pub repeats: usize,
    /// The pause before the first repeat; it doubles, with jitter.
    pub first_pause: Duration,
    /// Lists a second. The vendor is said to allow 30 in 10 seconds.
    pub lists_per_second: NonZeroU32,
    /// Other requests a second. The vendor is said to allow 100 in 10 seconds.
    pub others_per_second: NonZeroU32,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            whole_timeout: Duration::from_secs(10),
            repeats: 3,
            first_pause: Duration::from_millis(250),
            lists_per_second: const { NonZeroU32::new(2).unwrap() },
            others_per_second: const { NonZeroU32::new(8).unwrap() },
        }
    }
}

/// Why a question was not answered. Carries nothing personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No connection.
    #[error("no connection to the provider")]
    NoConnection,
    /// No answer in time.
    #[error("the provider did not answer in time")]
    TimedOut,
    /// The connection broke.
    #[error("the connection to the provider broke")]
    ConnectionBroken,
    /// 5xx.
    #[error("the provider answered {0}")]
    ServerError(u16),
    /// Any other status than success.
    #[error("the provider refused with {status} ({message_kind:?})")]
    Refused {
        /// The status.
        status: u16,
        /// What the message was about.
        message_kind: MessageKind,
    },
    /// Not the JSON that it should be.
    #[error("the provider's answer can't be read")]
    Unreadable,
    /// A list that doesn't end, or whose next page isn't named.
    #[error("the provider's list is incomplete")]
    IncompleteList,
    /// A list that holds what was not asked for: perhaps it leaves out what was.
    #[error("the provider's list is not filtered as asked")]
    UnfilteredList,
}

impl ReadError {
    /// Whether asking again may help.
    fn is_passing(self) -> bool {
        match self {
            Self::NoConnection | Self::TimedOut | Self::ConnectionBroken => true,
            Self::ServerError(_) => true,
            Self::Refused { status, .. } => status == 429,
            Self::Unreadable | Self::IncompleteList | Self::UnfilteredList => false,
        }
    }
}

/// Asks one provider account about its calls. Reads are paced and repeated; clones share the pace.
#[derive(Debug, Clone)]
pub struct Client {
    client: reqwest::Client,
    endpoint: Endpoint,
    lists: Arc<DefaultDirectRateLimiter>,
    others: Arc<DefaultDirectRateLimiter>,
    repeats: ExponentialBuilder,
}

impl Client {
    /// A client for the account at `endpoint`.
    ///
    /// # Errors
    /// [`EndpointError::NoClient`].
    pub fn new(endpoint: Endpoint, settings: ClientSettings) -> Result<Self, EndpointError> {
        let client = client_builder()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.whole_timeout)
            .default_headers(endpoint.headers())
            .build()
            .map_err(|_| EndpointError::NoClient)?;
        let pace = |per_second| Arc::new(RateLimiter::direct(Quota::per_second(per_second)));
        let repeats = ExponentialBuilder::default()
            .with_min_delay(settings.first_pause)
            .with_max_times(settings.repeats)
            .with_jitter();
        Ok(Self {
            client,
            endpoint,
            lists: pace(settings.lists_per_second),
            others: pace(settings.others_per_second),
            repeats,
        })
    }

    /// Every call that `attempt` asked for, however many pages they fill.
    ///
    /// Calls that the vendor has registered but not begun may be missing: silence proves nothing by itself.
    ///
    /// # Errors
    /// [`ReadError`]; in particular [`ReadError::UnfilteredList`] if any item is another attempt's.
    pub async fn list_calls_of_attempt(&self, attempt: Uuid) -> Result<Vec<Call>, ReadError> {
        let calls = self.list(CallFilter::of_attempt(attempt)).await?;
        match calls.iter().all(|call| call.attempt_id() == Some(attempt)) {
            true => Ok(calls),
            false => Err(ReadError::UnfilteredList),
        }
    }

    /// Every call that started at `instant` or later.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn list_calls_since(&self, instant: DateTime<Utc>) -> Result<Vec<Call>, ReadError> {
        self.list(CallFilter::started_since(instant)).await
    }

    async fn list(&self, filter_criteria: CallFilter) -> Result<Vec<Call>, ReadError> {
        let mut question = ListCalls { filter_criteria, limit: Some(PAGE), ..ListCalls::default() };
        let mut calls = Vec::new();
        for _ in 0..MOST_PAGES {
            let body = serde_json::to_vec(&question).map_err(|_| ReadError::Unreadable)?;
            let page: ListedCalls =
                self.read(&self.lists, Method::POST, &["v3", "list-calls"], Some(body)).await?;
            calls.extend(page.items);
            if !page.has_more {
                return Ok(calls);
            }
            // A key that is missing, or the same again, would list the first page for ever.
            if page.pagination_key.is_none() || page.pagination_key == question.pagination_key {
                return Err(ReadError::IncompleteList);
            }
            question.pagination_key = page.pagination_key;
        }
        Err(ReadError::IncompleteList)
    }

    /// The call `call_id`, or `None` if the account has none of this id: the vendor documents 422 for that, not 404.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn find_call(&self, call_id: &str) -> Result<Option<Call>, ReadError> {
        match self.read(&self.others, Method::GET, &["v2", "get-call", call_id], None).await {
            Ok(call) => Ok(Some(call)),
            Err(ReadError::Refused { status: 404 | 422, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many calls the account has and may have at a time.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn concurrency(&self) -> Result<Concurrency, ReadError> {
        self.read(&self.others, Method::GET, &["get-concurrency"], None).await
    }

    /// Stops the call `call_id`. Asked once: who asks decides what follows from a failure.
    ///
    /// # Errors
    /// [`ReadError`]; a call that is unknown or over is [`ReadError::Refused`].
    pub async fn stop_call(&self, call_id: &str) -> Result<(), ReadError> {
        self.ask(&self.others, Method::POST, &["v2", "stop-call", call_id], None).await.map(drop)
    }

    /// Asks, and asks again while the failure looks passing.
    async fn read<T: DeserializeOwned>(
        &self,
        pace: &DefaultDirectRateLimiter,
        method: Method,
        path: &[&str],
        body: Option<Vec<u8>>,
    ) -> Result<T, ReadError> {
        let ask = || self.ask(pace, method.clone(), path, body.clone());
        let reply = ask.retry(self.repeats).when(|error| error.is_passing()).await?;
        serde_json::from_slice(&reply).map_err(|_| ReadError::Unreadable)
    }

    async fn ask(
        &self,
        pace: &DefaultDirectRateLimiter,
        method: Method,
        path: &[&str],
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, ReadError> {
        pace.until_ready().await;
        let mut request = self.client.request(method, self.endpoint.address(path));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let reply = request.send().await.map_err(|error| match error {
            error if error.is_timeout() => ReadError::TimedOut,
            error if error.is_connect() => ReadError::NoConnection,
            _ => ReadError::ConnectionBroken,
        })?;
        let status: StatusCode = reply.status();
        if status.is_server_error() {
            return Err(ReadError::ServerError(status.as_u16()));
        }
        if !status.is_success() {
            let message_kind = read_message(reply).await;
            return Err(ReadError::Refused { status: status.as_u16(), message_kind });
        }
        read_body(reply, MOST_REPLY).await.map_err(|error| match error {
            BodyError::TimedOut => ReadError::TimedOut,
            BodyError::Broken => ReadError::ConnectionBroken,
            BodyError::TooLong => ReadError::Unreadable,
        })
    }
}
