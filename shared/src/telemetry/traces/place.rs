//! A place in a trace, as W3C's Trace Context writes it.

use std::fmt;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The header that carries it.
pub const HEADER: &str = "traceparent";

/// Characters of a version 00 `traceparent`.
const LENGTH: usize = 55;

/// A place in a trace: random numbers, and whether the trace is kept. Nothing personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    trace: TraceId,
    span: SpanId,
    kept: bool,
}

impl Trace {
    /// Reads a `traceparent`. `None` for anything that isn't one: a trace is never a reason to fail.
    pub fn parse(text: &str) -> Option<Self> {
        let (known, rest) = text.split_at_checked(LENGTH)?;
        let mut parts = known.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |part: &str, length: usize| {
            part.len() == length
                && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        // A later version may say more after what this one knows.
        let ends_well = rest.is_empty() || version != "00" && rest.starts_with('-');
        let shape = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
        if !shape || !ends_well || version == "ff" || parts.next().is_some() {
            return None;
        }
        let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
        let flags = u8::from_str_radix(flags, 16).ok()?;
        let given = trace != TraceId::INVALID && span != SpanId::INVALID;
        given.then_some(Self { trace, span, kept: flags & 1 == 1 })
    }

    /// Where a span stands, if it stands anywhere.
    pub(super) fn of(context: &SpanContext) -> Option<Self> {
        context.is_valid().then(|| Self {
            trace: context.trace_id(),
            span: context.span_id(),
            kept: context.is_sampled(),
        })
    }

    pub(super) fn context(self) -> SpanContext {
        let flags = if self.kept { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
        SpanContext::new(self.trace, self.span, flags, true, TraceState::NONE)
    }

    /// The id that all of the trace share, for logs.
    pub fn id(self) -> impl fmt::Display {
        self.trace
    }

    /// Whether the trace is kept.
    pub fn is_kept(self) -> bool {
        self.kept
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.kept))
    }
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a place, or nothing from what isn't one: for `deserialize_with`, so that a task or a webhook stays readable
/// whatever stands there.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Trace>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value.as_str().and_then(Trace::parse))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_place_is_written_as_it_was_read() {
        assert_eq!(Trace::parse(GOOD).unwrap().to_string(), GOOD);
        let unkept = GOOD.replace("-01", "-00");
        assert_eq!(Trace::parse(&unkept).unwrap().to_string(), unkept);
    }

    #[test]
    fn what_is_no_place_is_none() {
        for (text, why) in [
            ("", "nothing"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "no flags"),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", "no trace"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "no span"),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "upper case"),
            ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "the forbidden version"),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
                "version 00 says no more",
            ),
            ("00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01", "a hyphen out of place"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\u{e9}", "not all ASCII"),
        ] {
            assert_eq!(Trace::parse(text), None, "{why}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = format!("01{}-and-more", &GOOD[2..]);
        assert_eq!(Trace::parse(&later).unwrap().to_string(), GOOD);
    }
}
