//! Logs: one JSON object a line, on standard output.
//!
//! The message is for people, the fields are for machines: `request.id`, `tenant.id`, `call.id`, `job.id`. Neither holds
//! a name, a number, an address or a text that somebody wrote. `error!` means that a person should act.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The filter, `LOG`, doesn't parse, or logging has been started before.
#[derive(Debug, thiserror::Error)]
#[error("LOG: {0}")]
pub struct BadFilter(String);

/// Starts logging to standard output.
///
/// # Errors
/// [`BadFilter`].
pub fn start(filter: &str) -> Result<(), BadFilter> {
    let subscriber = subscriber(filter, std::io::stdout)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|e| BadFilter(e.to_string()))
}

fn subscriber<W>(
    filter: &str,
    to: W,
) -> Result<impl tracing::Subscriber + Send + Sync + 'static, BadFilter>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter).map_err(|error| BadFilter(error.to_string()))?;
    Ok(tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(to)
        .finish())
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
        let subscriber = subscriber("info", move || to.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(call.id = "c1", "dialled");
            tracing::debug!("not asked for");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["message"], &line["call.id"]), (&"dialled".into(), &"c1".into()));
    }
}
