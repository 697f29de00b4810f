//! Sending webhooks: one task that takes what is to be sent, and at most so many under way.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::call::Stage;
use crate::event::Event;
use crate::faults::Signing;
use crate::shape::{Detail, Shape};
use crate::signature;
use crate::vendor::Vendor;
use crate::world::World;

/// One webhook to be sent. Small, because a receiver that is down makes many of them: the body is
/// written when it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery {
    pub(crate) era: u32,
    pub(crate) seq: u32,
    pub(crate) event: Event,
    /// From 0.
    pub(crate) attempt: u8,
    /// What is sent once this has been answered, or has failed for the first time.
    pub(crate) then: [Option<Event>; 2],
}

/// What goes over the wire.
struct Letter {
    url: String,
    body: Vec<u8>,
    api_key: String,
    signing: Signing,
    timeout: Duration,
}

#[derive(Serialize)]
struct Body<'a> {
    event: &'static str,
    call: Shape<'a>,
}

/// Ten minutes; receivers are told to refuse what is older than five.
const STALE_MS: i64 = 600_000;

/// Sends until the simulator stops.
pub(crate) async fn send_all(
    vendor: Arc<Vendor>,
    client: reqwest::Client,
    mut queue: UnboundedReceiver<Delivery>,
) {
    let slots = Arc::new(Semaphore::new(vendor.concurrency.max(1)));
    loop {
        let delivery = tokio::select! {
            Some(delivery) = queue.recv() => delivery,
            () = vendor.stopped() => return,
            else => return,
        };
        let permit = tokio::select! {
            Ok(permit) = Arc::clone(&slots).acquire_owned() => permit,
            () = vendor.stopped() => return,
            else => return,
        };
        let (vendor, client) = (Arc::clone(&vendor), client.clone());
        tokio::spawn(async move {
            let letter = vendor.world().write(delivery);
            let accepted = match letter {
                Some(letter) => post(&client, letter).await,
                None => false,
            };
            let now = vendor.now();
            vendor.change(|world| world.delivered(delivery, now, accepted));
            drop(permit);
        });
    }
}

/// A client that re-uses connections, follows nothing, and goes through no proxy.
///
/// # Errors
/// TLS can't be set up.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    // Whoever was first has chosen the process's cryptography; any choice will do here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tcp_nodelay(true)
        .build()?)
}

async fn post(client: &reqwest::Client, letter: Letter) -> bool {
    let now = crate::vendor::unix_ms();
    let header = match letter.signing {
        Signing::Good => Some(signature::sign(&letter.api_key, &letter.body, now)),
        Signing::Bad => Some(signature::sign("key_of_somebody_else", &letter.body, now)),
        Signing::Stale => {
            Some(signature::sign(&letter.api_key, &letter.body, now.saturating_sub(STALE_MS)))
        }
        Signing::Missing => None,
    };
    let mut request = client
        .post(&letter.url)
        .timeout(letter.timeout)
        .header(CONTENT_TYPE, "application/json")
        .body(letter.body);
    if let Some(header) = header {
        request = request.header(signature::HEADER, header);
    }
    match request.send().await {
        Ok(answer) => {
            let accepted = answer.status().is_success();
            // Read to the end, or the connection can't be used again.
            let _ = answer.bytes().await;
            accepted
        }
        Err(error) => {
            tracing::debug!(error = %error.without_url(), "a webhook was not taken");
            false
        }
    }
}

impl World {
    /// The webhook as it stood when its event happened; `None` after a reset.
    fn write(&self, delivery: Delivery) -> Option<Letter> {
        let dial = self.dial(delivery.seq).filter(|_| delivery.era == self.era)?;
        let (call, account) = dial.call.as_deref().zip(dial.account)?;
        let stage = match delivery.event {
            Event::Started => Stage::Ongoing,
            Event::Ended => Stage::Ended,
            Event::Analyzed => Stage::Analyzed,
        };
        let id = self.call_id(delivery.seq);
        let shape = call.shape(&id, dial.metadata.as_deref(), stage, Detail::Full);
        let body = serde_json::to_vec(&Body { event: delivery.event.name(), call: shape }).ok()?;
        let own_timeout = call.hook.as_ref().and_then(|hook| hook.webhook_timeout_ms);
        Some(Letter {
            url: self.webhook_url(call, account)?.to_owned(),
            body,
            api_key: self.account(account).api_key.clone(),
            signing: call.faults.signing,
            timeout: Duration::from_millis(own_timeout.unwrap_or(self.config.webhooks.timeout_ms)),
        })
    }
}
