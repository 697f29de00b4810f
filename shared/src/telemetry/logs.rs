//! Logs: one JSON object a line, on standard output; and what starts logs and traces together.
//!
//! The message is for people, the fields are for machines: `request.id`, `tenant.id`, `call.id`, `job.id`, `trace.id`.
//! Neither holds a name, a number, an address or a text that somebody wrote. `error!` means that a person should act.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::traces::{self, ExportError, Exporting};
use crate::config::{Logs, Traces};

/// The filter, `LOG`, doesn't parse, or logging has been started before.
#[derive(Debug, thiserror::Error)]
#[error("LOG: {0}")]
pub struct BadFilter(String);

/// Logs or traces can't be started as configured.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum StartError {
    Logs(#[from] BadFilter),
    Traces(#[from] ExportError),
}

/// Starts logging to standard output, for commands that end soon.
///
/// # Errors
/// [`BadFilter`].
pub fn start(filter: &str) -> Result<(), BadFilter> {
    install(subscriber(filter, std::io::stdout, None)?)
}

/// Starts logging to standard output and, if there is a collector, exporting traces, for processes that serve. To be
/// called inside the runtime, once. What it returns is to be flushed at the end.
///
/// # Errors
/// [`StartError`].
pub fn start_serving(
    logs: &Logs,
    traces: &Traces,
    service: &'static str,
) -> Result<Option<Exporting>, StartError> {
    start_serving_to(logs, traces, service, std::io::stdout)
}

/// As [`start_serving`], with lines to somewhere else: a test's memory.
///
/// # Errors
/// [`StartError`].
pub fn start_serving_to<W>(
    logs: &Logs,
    traces: &Traces,
    service: &'static str,
    to: W,
) -> Result<Option<Exporting>, StartError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (tracer, exporting) = traces::start(traces, service)?.unzip();
    install(subscriber(&logs.filter, to, tracer)?)?;
    Ok(exporting)
}

fn install(subscriber: impl tracing::Subscriber + Send + Sync) -> Result<(), BadFilter> {
    tracing::subscriber::set_global_default(subscriber).map_err(|e| BadFilter(e.to_string()))
}

fn subscriber<W>(
    filter: &str,
    to: W,
    tracer: Option<opentelemetry_sdk::trace::SdkTracer>,
) -> Result<impl tracing::Subscriber + Send + Sync + 'static, BadFilter>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter).map_err(|error| BadFilter(error.to_string()))?;
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(to)
        .with_filter(filter);
    // Our own spans and nobody else's, whatever `LOG` says; no events, whose messages are for people.
    let ours = Targets::new().with_target(traces::TARGET, LevelFilter::INFO);
    let spans = tracer.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(ours)
    });
    Ok(Registry::default().with(lines).with(spans))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_an_object_with_the_message_and_dotted_fields() {
        let kept = Kept::default();
        let to = kept.clone();
        let subscriber = subscriber("info", move || to.clone(), None).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(call.id = "c1", "dialled");
            tracing::debug!("not asked for");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["message"], &line["call.id"]), (&"dialled".into(), &"c1".into()));
    }
}
