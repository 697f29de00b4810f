//! Traces: which way a request took, from the API through Redis to the provider and back.
//!
//! Only spans of [`TARGET`] leave the process, and none of anybody else's: not a library's, whose fields nobody here
//! has judged. Their attributes are ids and words of closed sets, as in logs. Without `TRACES_ENDPOINT` nothing is
//! made, carried or stored.
//!
//! A call is dialled hours after it was asked for, so its trace is kept on its row (`calls.trace`, by default of the
//! column), goes with its task through Redis, with the request to the provider as header and in the metadata, comes back
//! in the metadata of each webhook, and waits on the webhook's row for whoever settles it.

mod export;
mod place;

use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

pub use export::{ExportError, Exporting};
pub(crate) use place::lenient;
pub use place::{HEADER, Trace};

use crate::config::Traces;

/// Target of the spans that are exported. `LOG` may name it too.
pub const TARGET: &str = "vio::trace";

/// Whether this process exports traces: if not, none of what follows costs anything.
static ON: AtomicBool = AtomicBool::new(false);

/// Whether an outsider's trace is gone on with: `TRACES_TRUST_PARENT`.
static TRUST: AtomicBool = AtomicBool::new(false);

/// Whether this process exports traces.
pub fn are_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Makes what exports, and the tracer that feeds it. To be called once, inside the runtime.
pub(super) fn start(
    settings: &Traces,
    service: &'static str,
) -> Result<Option<(SdkTracer, Exporting)>, ExportError> {
    let Some(endpoint) = &settings.endpoint else { return Ok(None) };
    let resource = export::resource(service);
    let (queue, exporting) = export::start(endpoint, settings.authorization.as_ref(), &resource)?;
    // Each trace that begins here is drawn by lot; one that goes on is kept if its beginning was.
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.ratio)));
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(sampler)
        .with_span_processor(queue)
        .build();
    let tracer = provider.tracer("vioconcierge");
    ON.store(true, Ordering::Relaxed);
    TRUST.store(settings.trust_parent, Ordering::Relaxed);
    Ok(Some((tracer, exporting.keeping(provider))))
}

/// The place of the span that is entered, if traces are exported.
pub fn current() -> Option<Trace> {
    if !are_on() { None } else { of(&Span::current()) }
}

/// The place of `span`. From then on its parent can't be changed.
pub fn of(span: &Span) -> Option<Trace> {
    if !are_on() {
        return None;
    }
    Trace::of(span.context().span().span_context())
}

/// Lets `span` go on with a trace that was carried here by ourselves: over a row, a task, a signed webhook.
pub fn follow(span: &Span, parent: Option<Trace>) {
    if let Some(parent) = parent.filter(|_| are_on()) {
        // Refused only for a span that isn't exported, or was asked for its place before: then it begins a trace.
        let _late = span.set_parent(Context::new().with_remote_span_context(parent.context()));
    }
}

/// Lets `span` point to another trace that has to do with it.
pub fn link(span: &Span, other: Option<Trace>) {
    if let Some(other) = other.filter(|_| are_on()) {
        span.add_link(other.context());
    }
}

/// Takes an outsider's `traceparent` as `span`'s parent, if outsiders are trusted; else `span` begins a trace of its own
/// that points to theirs: whoever sends requests must not decide what is kept, nor pour everything into one trace.
pub fn meet(span: &Span, theirs: Option<&str>) {
    let Some(theirs) = theirs.filter(|_| are_on()).and_then(Trace::parse) else { return };
    if TRUST.load(Ordering::Relaxed) {
        follow(span, Some(theirs));
    } else {
        link(span, Some(theirs));
    }
}
