use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use shared::retell::wire::{CallMetadata, CreatePhoneCall, MessageKind, VoiceVariables};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use uuid::Uuid;
use worker::provider::{
    DialAnswer, DialTimeouts, Dialler, Endpoint, NotSent, RefusedStatus, UnknownWhy,
};

use crate::scripted_server::{Server, Then};

/// Long enough for a busy machine; tests of time-outs set shorter ones.
const TIMEOUTS: DialTimeouts =
    DialTimeouts { connect: Duration::from_secs(5), whole: Duration::from_secs(10) };
const SHORT: Duration = Duration::from_millis(300);

fn call(attempt: u128) -> CreatePhoneCall {
    let mut variables = VoiceVariables::new();
    variables.set("spoken_name", "Ada L").unwrap();
    CreatePhoneCall {
        from_number: "+442079460100".into(),
        to_number: "+447700900123".into(),
        override_agent_id: Some("g1".into()),
        agent_override: None,
        metadata: CallMetadata {
            attempt_id: Uuid::from_u128(attempt),
            session_id: Uuid::from_u128(2),
            tenant_id: Uuid::from_u128(3),
            trace: None,
        },
        retell_llm_dynamic_variables: variables,
    }
}

fn dialler(base: &str, timeouts: DialTimeouts) -> Dialler {
    Dialler::new(Endpoint::simulator(base, "key_test").unwrap(), timeouts).unwrap()
}

fn accepted() -> Then {
    Then::Answer(201, json!({"call_id": "c1", "call_status": "registered"}).to_string())
}

fn unknown(why: UnknownWhy) -> DialAnswer {
    DialAnswer::Unknown { why }
}

#[tokio::test]
async fn an_accepted_call_is_read_and_was_asked_for_as_the_vendor_wants() {
    let server = Server::start(|_, _| accepted()).await;
    let answer = dialler(&server.base(), TIMEOUTS).dial(&call(1)).await;
    let DialAnswer::Accepted { call: placed } = answer else { panic!("{answer:?}") };
    assert_eq!(placed.call_id, "c1");
    let [request] = &server.seen()[..] else { panic!("one request") };
    assert_eq!(request.line(), "POST /v2/create-phone-call HTTP/1.1");
    assert!(request.head.contains("authorization: Bearer key_test"), "{}", request.head);
    assert!(request.head.contains("content-type: application/json"));
    assert_eq!(request.json(), serde_json::to_value(call(1)).unwrap());
}

#[tokio::test]
async fn each_refusal_is_told_by_its_status_and_keeps_nothing_of_its_text() {
    for (status, refused) in [
        (400, RefusedStatus::BadRequest),
        (401, RefusedStatus::Unauthorized),
        (402, RefusedStatus::PaymentRequired),
        (403, RefusedStatus::Forbidden),
        (422, RefusedStatus::Unprocessable),
        (429, RefusedStatus::TooManyRequests),
    ] {
        let body = json!({"status": "error", "message": "to_number +447700900123 is bad"});
        let server = Server::start(move |_, _| Then::Answer(status, body.to_string())).await;
        let answer = dialler(&server.base(), TIMEOUTS).dial(&call(1)).await;
        let message_kind = MessageKind::Destination;
        assert_eq!(answer, DialAnswer::Refused { status: refused, message_kind });
        assert!(!format!("{answer:?}").contains("7700"));
        assert_eq!((refused.code(), server.seen().len()), (status, 1));
    }
}

#[tokio::test]
async fn a_refusal_stays_one_when_its_body_is_missing() {
    let page = "<html>".to_owned();
    let server = Server::start(move |n, _| match n {
        0 => Then::Answer(403, page.clone()),
        _ => Then::SendAndClose("HTTP/1.1 429 x\r\ncontent-length: 90\r\n\r\n{\"sta".into()),
    })
    .await;
    let dialler = dialler(&server.base(), TIMEOUTS);
    for status in [RefusedStatus::Forbidden, RefusedStatus::TooManyRequests] {
        let message_kind = MessageKind::Unreadable;
        assert_eq!(dialler.dial(&call(1)).await, DialAnswer::Refused { status, message_kind });
    }
}

/// Whatever goes wrong, the next request that the server sees is the next call's.
#[tokio::test]
async fn whatever_goes_wrong_is_unknown_and_is_never_sent_again() {
    fn head(length: usize) -> String {
        format!("HTTP/1.1 201 x\r\ncontent-length: {length}\r\n\r\n")
    }
    type Row = (fn() -> Then, UnknownWhy, &'static str);
    let rows: [Row; 15] = [
        (|| Then::Answer(500, "{}".into()), UnknownWhy::ServerError(500), "a fault over there"),
        (|| Then::Answer(502, "".into()), UnknownWhy::ServerError(502), "a gateway's fault"),
        (|| Then::Answer(503, "".into()), UnknownWhy::ServerError(503), "overload"),
        (
            || Then::AnswerWith(503, "retry-after: 0", "".into()),
            UnknownWhy::ServerError(503),
            "it asks for more",
        ),
        (
            || Then::Answer(408, "".into()),
            UnknownWhy::UnexpectedStatus(408),
            "a time-out over there",
        ),
        (|| Then::Answer(404, "{}".into()), UnknownWhy::UnexpectedStatus(404), "not documented"),
        (
            || Then::Answer(200, r#"{"call_id":"c1"}"#.into()),
            UnknownWhy::UnexpectedStatus(200),
            "not documented",
        ),
        (|| Then::Answer(201, "<html>".into()), UnknownWhy::UnreadableAcceptance, "not JSON"),
        (|| Then::Answer(201, "{}".into()), UnknownWhy::UnreadableAcceptance, "no id"),
        (|| Then::Answer(201, " ".repeat(1 << 21)), UnknownWhy::UnreadableAcceptance, "endless"),
        (|| Then::SendAndClose(head(50)), UnknownWhy::ConnectionBroken, "closed half-way"),
        (|| Then::SendAndClose("".into()), UnknownWhy::ConnectionBroken, "closed without a word"),
        (|| Then::Reset, UnknownWhy::ConnectionBroken, "reset before the reply"),
        (|| Then::SendAndHold(head(50)), UnknownWhy::TimedOut, "half a reply"),
        (|| Then::Hold, UnknownWhy::TimedOut, "no reply"),
    ];
    for (then, why, reason) in rows {
        let server = Server::start(move |n, _| if n == 0 { then() } else { accepted() }).await;
        let whole = if why == UnknownWhy::TimedOut { SHORT } else { TIMEOUTS.whole };
        let first = dialler(&server.base(), DialTimeouts { whole, ..TIMEOUTS });
        assert_eq!(first.dial(&call(1)).await, unknown(why), "{reason}");
        let next = dialler(&server.base(), TIMEOUTS).dial(&call(9)).await;
        assert!(matches!(next, DialAnswer::Accepted { .. }), "{reason}: {next:?}");
        let attempts: Vec<_> = server.seen().iter().map(|request| request.json()).collect();
        assert_eq!(attempts, [call(1), call(9)].map(|call| json!(call)), "{reason}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let server =
            Server::start(move |_, _| Then::AnswerWith(status, "location: /again", "".into()))
                .await;
        let answer = dialler(&server.base(), TIMEOUTS).dial(&call(1)).await;
        assert_eq!(answer, unknown(UnknownWhy::UnexpectedStatus(status)));
        assert_eq!(server.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn no_connection_carries_two_dials() {
    // The server would gladly keep its connections.
    let server = Server::start(|_, _| accepted()).await;
    let dialler = dialler(&server.base(), TIMEOUTS);
    for attempt in 0..4 {
        assert!(matches!(dialler.dial(&call(attempt)).await, DialAnswer::Accepted { .. }));
    }
    let connections: Vec<_> = server.seen().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_connection_that_is_closed_at_once_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let came = Arc::new(AtomicUsize::new(0));
    let counting = came.clone();
    tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
            counting.fetch_add(1, Ordering::SeqCst);
        }
    });
    let answer = dialler(&base, TIMEOUTS).dial(&call(1)).await;
    assert_eq!(answer, unknown(UnknownWhy::ConnectionBroken), "bytes may have been taken");
    assert_eq!(came.load(Ordering::SeqCst), 1, "and nobody tries again");
}

#[tokio::test]
async fn what_never_had_a_connection_was_not_sent() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let no_connection = DialAnswer::NotSent { why: NotSent::NoConnection };
    let refused = dialler(&format!("http://{gone}"), TIMEOUTS).dial(&call(1)).await;
    assert_eq!(refused, no_connection, "nobody listens");
    let nowhere = dialler("http://provider.invalid", TIMEOUTS).dial(&call(1)).await;
    assert_eq!(nowhere, no_connection, "no such name");

    // A TLS handshake that fails or hangs is part of connecting: the request comes after it.
    let plain = Server::start(|_, _| accepted()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("https://{}", listener.local_addr().unwrap());
    let timed_out = DialAnswer::NotSent { why: NotSent::ConnectTimedOut };
    let short = DialTimeouts { connect: SHORT, ..TIMEOUTS };
    assert_eq!(dialler(&silent, short).dial(&call(1)).await, timed_out, "TLS never answers");
    let untrusted = format!("https://{}", plain.address);
    let answer = dialler(&untrusted, short).dial(&call(1)).await;
    assert!(matches!(answer, DialAnswer::NotSent { .. }), "no TLS there: {answer:?}");
    assert!(plain.seen().is_empty());
}

#[tokio::test]
async fn a_server_too_busy_to_accept_was_not_sent_anything() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let patience = Duration::from_millis(100);
    while let Ok(connected) = tokio::time::timeout(patience, TcpStream::connect(address)).await {
        waiting.push(connected.unwrap());
    }
    let base = format!("http://{address}");
    let short = DialTimeouts { connect: SHORT, ..TIMEOUTS };
    let answer = dialler(&base, short).dial(&call(1)).await;
    assert_eq!(answer, DialAnswer::NotSent { why: NotSent::ConnectTimedOut });
    let impatient = DialTimeouts { connect: TIMEOUTS.whole, whole: SHORT };
    let answer = dialler(&base, impatient).dial(&call(1)).await;
    assert_eq!(answer, unknown(UnknownWhy::TimedOut), "not told apart, so not claimed");
}

#[tokio::test]
async fn numbers_reserved_for_drama_go_to_the_simulator_only() {
    let server = Server::start(|_, _| accepted()).await;
    let vendor = Endpoint::vendor(&format!("https://{}", server.address), "key_test").unwrap();
    let dialler = Dialler::new(vendor, TIMEOUTS).unwrap();
    let answer = dialler.dial(&call(1)).await;
    assert_eq!(answer, DialAnswer::NotSent { why: NotSent::TestNumber });
    let words = CreatePhoneCall { to_number: "reception".into(), ..call(1) };
    let answer = dialler.dial(&words).await;
    assert_eq!(answer, DialAnswer::NotSent { why: NotSent::NotANumber });
}

/// Runs another test of this file in a process whose environment names a proxy.
#[tokio::test]
async fn a_proxy_in_the_environment_is_ignored() {
    let proxy = Server::start(|_, _| Then::Answer(502, String::new())).await;
    let test = "provider::an_accepted_call_is_read_and_was_asked_for_as_the_vendor_wants";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).env_remove("NO_PROXY").env_remove("no_proxy");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
    {
        child.env(name, proxy.base());
    }
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(proxy.seen().is_empty());
}

#[tokio::test]
async fn nothing_personal_and_no_key_is_printed() {
    let server = Server::start(|_, _| {
        let placed = json!({"call_id": "c1", "to_number": "+447700900123", "metadata": call(1).metadata,
            "retell_llm_dynamic_variables": {"spoken_name": "Ada L"}});
        Then::Answer(201, placed.to_string())
    })
    .await;
    let dialler = dialler(&server.base(), TIMEOUTS);
    let answer = dialler.dial(&call(1)).await;
    let printed = format!("{answer:?} {dialler:?} {:?}", call(1));
    for personal in ["7700", "Ada", "key_test"] {
        assert!(!printed.contains(personal), "{personal} in {printed}");
    }
    assert!(printed.contains("c1"), "the provider's id is printed: {printed}");
}
