//! Asking for a call, once.

use std::time::Duration;

use reqwest::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use reqwest::{Response, StatusCode};
use shared::contacts::phone::PhoneNumber;
use shared::retell::wire::{Call, CreatePhoneCall};
use shared::telemetry::traces;
use tracing::Instrument;
use tracing::field::Empty;

use super::answer::{DialAnswer, NotSent, RefusedStatus, UnknownWhy};
use super::endpoint::{Endpoint, EndpointError, client_builder};
use super::reply::{BodyError, read_body, read_message};

/// A call that was just created is a few hundred bytes.
const MOST_REPLY: usize = 1024 * 1024;

/// How long asking for a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialTimeouts {
    /// Until the connection is there, TLS included.
    pub connect: Duration,
    /// From the beginning to the last byte of the reply.
    pub whole: Duration,
}

impl Default for DialTimeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), whole: Duration::from_secs(20) }
    }
}

/// Asks one provider account for calls, and for nothing else.
///
/// Each [`Dialler::dial`] sends at most one request, on a connection of its own. Nothing below it sends again: the
/// pool is off (hyper repeats a request only when a *re-used* connection turns out to be closed), reqwest's own repeats
/// are off, redirects are not followed, and there is no proxy.
#[derive(Debug, Clone)]
pub struct Dialler {
    client: reqwest::Client,
    endpoint: Endpoint,
}

impl Dialler {
    /// A dialler for the account at `endpoint`.
    ///
    /// # Errors
    /// [`EndpointError::NoClient`].
    pub fn new(endpoint: Endpoint, timeouts: DialTimeouts) -> Result<Self, EndpointError> {
        let builder = client_builder()
            .pool_max_idle_per_host(0)
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.whole)
            .default_headers(endpoint.headers());
        // Without it the kernel goes on for minutes with sending what it was given, even after we closed.
        #[cfg(target_os = "linux")]
        let builder = builder.tcp_user_timeout(timeouts.whole);
        let client = builder.build().map_err(|_| EndpointError::NoClient)?;
        Ok(Self { client, endpoint })
    }

    /// Asks for `call`. To be called after the attempt is committed, and never twice for one attempt.
    ///
    /// When this returns, or is dropped, nothing more is begun: hyper discards a request that it has not started to
    /// write once nobody waits for the reply, and closes the connection. What was written before may still be on its
    /// way, so that an unknown call may appear at the provider a little later.
    pub async fn dial(&self, call: &CreatePhoneCall) -> DialAnswer {
        if let Some(why) = self.objection(call) {
            return DialAnswer::NotSent { why };
        }
        let span = tracing::info_span!(
            target: traces::TARGET, "create-phone-call", otel.kind = "client",
            http.request.method = "POST", http.response.status_code = Empty,
        );
        self.ask(call).instrument(span).await
    }

    async fn ask(&self, call: &CreatePhoneCall) -> DialAnswer {
        let body = serde_json::to_vec(call).expect("strings, ids and JSON values are always JSON");
        let mut request = self
            .client
            .post(self.endpoint.address(&["v2", "create-phone-call"]))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(CONNECTION, HeaderValue::from_static("close"));
        if let Some(trace) = traces::current() {
            request = request.header(traces::HEADER, trace.to_string());
        }
        match request.body(body).send().await {
            Ok(reply) => {
                let status = reply.status().as_u16();
                tracing::Span::current().record("http.response.status_code", status);
                read_answer(reply).await
            }
            Err(error) => read_failure(&error),
        }
    }

    /// Whether the number may not be sent to this account at all.
    fn objection(&self, call: &CreatePhoneCall) -> Option<NotSent> {
        match PhoneNumber::from_e164(&call.to_number) {
            Err(_) => Some(NotSent::NotANumber),
            Ok(number) if number.is_test_number() && !self.endpoint.is_simulated() => {
                Some(NotSent::TestNumber)
            }
            Ok(_) => None,
        }
    }
}

async fn read_answer(reply: Response) -> DialAnswer {
    let status = reply.status();
    if status == StatusCode::CREATED {
        return read_acceptance(reply).await;
    }
    match RefusedStatus::from_code(status.as_u16()) {
        // The status alone decides: a refusal stays one when its body is cut off.
        Some(status) => DialAnswer::Refused { status, message_kind: read_message(reply).await },
        None if status.is_server_error() => unknown(UnknownWhy::ServerError(status.as_u16())),
        None => unknown(UnknownWhy::UnexpectedStatus(status.as_u16())),
    }
}

async fn read_acceptance(reply: Response) -> DialAnswer {
    let body = match read_body(reply, MOST_REPLY).await {
        Ok(body) => body,
        Err(BodyError::TimedOut) => return unknown(UnknownWhy::TimedOut),
        Err(BodyError::Broken) => return unknown(UnknownWhy::ConnectionBroken),
        Err(BodyError::TooLong) => return unknown(UnknownWhy::UnreadableAcceptance),
    };
    match serde_json::from_slice::<Call>(&body) {
        Ok(call) if !call.call_id.is_empty() => DialAnswer::Accepted { call: Box::new(call) },
        _ => unknown(UnknownWhy::UnreadableAcceptance),
    }
}

/// What a failure without any reply proves.
///
/// reqwest's `is_connect` is hyper-util's `ErrorKind::Connect`: the connector (name, TCP, TLS, and the time-out
/// around them) gave up before it handed over a connection. With the pool off there is no other connection, and a
/// request is written only to one that was handed over; so nothing of it has left. Every other failure, among them one
/// that hyper itself calls "cancelled before it was begun" and the whole time-out running out while still connecting,
/// may be harmless too, but is not told apart beyond doubt.
fn read_failure(error: &reqwest::Error) -> DialAnswer {
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => DialAnswer::NotSent { why: NotSent::ConnectTimedOut },
        (true, false) => DialAnswer::NotSent { why: NotSent::NoConnection },
        (false, true) => unknown(UnknownWhy::TimedOut),
        (false, false) => unknown(UnknownWhy::ConnectionBroken),
    }
}

fn unknown(why: UnknownWhy) -> DialAnswer {
    DialAnswer::Unknown { why }
}
