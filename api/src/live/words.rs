//! What is said over a socket: JSON in text frames, with ids, kinds and numbers only.

use std::borrow::Cow;

use axum::extract::ws::{CloseFrame, Utf8Bytes};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use shared::events::Event;
use uuid::Uuid;

/// The name of the protocol, as in the handshake's `Sec-WebSocket-Protocol`.
pub(super) const PROTOCOL: &str = "vio.live.v1";
/// In the same header stands the ticket, after this.
pub(super) const TICKET: &str = "ticket.";
/// Most bytes of a client's message: it sends one, and that is small.
pub(super) const MOST_BYTES: usize = 2_048;

const MOST_KINDS: usize = 20;
const LONGEST_KIND: usize = 60;

/// The client's only message.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    /// The last event that the client knows of. None: it begins now.
    #[serde(default)]
    pub(super) resume: Option<i64>,
    /// When that was, as it was told: shows whether it is still the same event.
    #[serde(default)]
    pub(super) at: Option<DateTime<Utc>>,
    /// What it wants to hear of: `call` or `call.settled`. None: everything.
    #[serde(default)]
    pub(super) kinds: Vec<String>,
}

/// Why an opening is not understood.
pub(super) fn parse(text: &str) -> Result<Opening, &'static str> {
    // Serde would take a list for the fields of an object, in their order.
    if !text.trim_start().starts_with('{') {
        return Err("the first message is an object");
    }
    let opening: Opening = serde_json::from_str(text)
        .map_err(|_| "the first message is not what docs/live.md says")?;
    let known = |kind: &String| {
        kind.len() <= LONGEST_KIND
            && !kind.is_empty()
            && kind.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.'))
    };
    if opening.resume.is_some_and(|n| n < 0) {
        return Err("resume is a number of an event");
    }
    if opening.kinds.len() > MOST_KINDS || !opening.kinds.iter().all(known) {
        return Err("kinds are at most 20, such as call or call.settled");
    }
    Ok(opening)
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Word<'a> {
    Hello { n: i64, beat_seconds: u64 },
    Event { n: i64, at: String, kind: &'a str, id: Uuid, contact: Option<Uuid> },
    At { n: i64 },
    Stale { n: i64 },
    Resync { n: i64, why: &'static str },
}

impl Word<'_> {
    fn text(&self) -> Utf8Bytes {
        // Numbers, ids and short words: nothing that JSON can't say.
        serde_json::to_string(self).unwrap_or_default().into()
    }
}

/// An event.
pub(super) fn event(event: &Event) -> Utf8Bytes {
    Word::Event {
        n: event.n,
        at: event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        kind: &event.kind,
        id: event.entity,
        contact: event.contact_id,
    }
    .text()
}

/// The first word: what is told from now on comes after `n`.
pub(super) fn hello(n: i64, beat_seconds: u64) -> Utf8Bytes {
    Word::Hello { n, beat_seconds }.text()
}

/// Everything up to `n` was told, as of now.
pub(super) fn at(n: i64) -> Utf8Bytes {
    Word::At { n }.text()
}

/// Everything up to `n` was told, and at present nobody knows whether there is more.
pub(super) fn stale(n: i64) -> Utf8Bytes {
    Word::Stale { n }.text()
}

/// Something may have been missed: read everything anew. What is told from now on comes after `n`.
pub(super) fn resync(n: i64, why: &'static str) -> Utf8Bytes {
    Word::Resync { n, why }.text()
}

/// Why a socket is closed by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// The process ends.
    GoingAway { resume: i64 },
    /// The client broke the protocol.
    NotUnderstood(&'static str),
    /// This process has no room for more sockets, or can't read events now.
    TryLater,
    /// Key or session ended, or its tenant was suspended.
    AccessEnded,
    /// The client did not read, and fell behind.
    TooSlow { resume: i64 },
    /// Nothing was heard of the client.
    Silent { resume: i64 },
    /// The tenant has as many sockets as it may.
    TooMany,
}

impl Close {
    /// Code (RFC 6455, section 7.4; ours are from 4000 on) and reason of the closing frame.
    pub(super) fn frame(self) -> CloseFrame {
        let (code, reason): (u16, Cow<'static, str>) = match self {
            Self::GoingAway { resume } => (1001, format!("going away; resume at {resume}").into()),
            Self::NotUnderstood(why) => (1008, why.into()),
            Self::TryLater => (1013, "no room, or no database; try again later".into()),
            Self::AccessEnded => (4401, "access ended".into()),
            Self::TooSlow { resume } => (4408, format!("too slow; resume at {resume}").into()),
            Self::Silent { resume } => (4408, format!("nothing heard; resume at {resume}").into()),
            Self::TooMany => (4429, "this tenant has too many sockets".into()),
        };
        CloseFrame { code, reason: reason.as_ref().into() }
    }
}

/// Which events a socket is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interest {
    /// What its holder may know of; none means everything.
    pub(super) may: Option<Vec<String>>,
    /// What its holder asked for; empty means everything.
    pub(super) wants: Vec<String>,
}

impl Interest {
    /// Whether an event of this kind is told.
    pub(super) fn holds(&self, kind: &str) -> bool {
        let covers = |it: &String| {
            kind.strip_prefix(it.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.may.as_ref().is_none_or(|may| may.iter().any(covers))
            && (self.wants.is_empty() || self.wants.iter().any(covers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_opening_is_small_and_nothing_is_guessed() {
        for (text, understood, why) in [
            ("{}", true, "begins now"),
            (r#"{"resume":0}"#, true, "from the first event on"),
            (
                r#"{"resume":7,"at":"2026-11-22T10:00:00.000001Z","kinds":["call","a.b_c"]}"#,
                true,
                "",
            ),
            (r#"{"resume":-1}"#, false, "no event has this number"),
            (r#"{"resume":"7"}"#, false, "a number is a number"),
            (r#"{"kinds":["call "]}"#, false, "no kind looks like this"),
            (r#"{"kinds":[""]}"#, false, "nothing would be told"),
            (r#"{"from":7}"#, false, "an unknown field is a misunderstanding"),
            ("[]", false, "no object"),
            ("", false, "nothing"),
        ] {
            assert_eq!(parse(text).is_ok(), understood, "{text} {why}");
        }
        let many = format!(r#"{{"kinds":[{}]}}"#, vec![r#""call""#; 21].join(","));
        assert!(parse(&many).is_err());
    }

    #[test]
    fn a_kind_is_told_if_it_is_wanted_and_may_be_known() {
        let interest = |may: Option<&[&str]>, wants: &[&str]| Interest {
            may: may.map(|may| may.iter().map(|it| (*it).to_owned()).collect()),
            wants: wants.iter().map(|it| (*it).to_owned()).collect(),
        };
        for (may, wants, kind, told) in [
            (None, &[][..], "call.settled", true),
            (None, &["call"][..], "call.settled", true),
            (None, &["call.settled"][..], "call.settled", true),
            (None, &["call.settle"][..], "call.settled", false),
            (None, &["cal"][..], "call.settled", false),
            (None, &["contact"][..], "call.settled", false),
            (Some(&["contact"][..]), &[][..], "call.settled", false),
            (Some(&["contact"][..]), &["call"][..], "call.settled", false),
            (Some(&["contact", "call"][..]), &["call"][..], "call.settled", true),
        ] {
            assert_eq!(interest(may, wants).holds(kind), told, "{may:?} {wants:?} {kind}");
        }
    }

    #[test]
    fn reasons_fit_into_a_closing_frame() {
        let longest = i64::MAX;
        for close in [
            Close::GoingAway { resume: longest },
            Close::NotUnderstood("the first message is not what docs/live.md says"),
            Close::TooSlow { resume: longest },
            Close::Silent { resume: longest },
        ] {
            assert!(close.frame().reason.len() <= 123, "RFC 6455, section 5.5");
        }
    }
}
