//! What the provider's analysis of a finished conversation says, read with patience: a language model filled it in.
//!
//! Nothing here is an error. A field that is missing or has another type than agreed says nothing, and a conversation
//! about which nothing is said changes no appointment.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::Value;

/// What the contact wants done with the appointment.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Will come.
    Confirmed,
    /// Won't come.
    Cancelled,
    /// Wants another time; the time, if one was understood.
    Rescheduled {
        /// The time agreed on in the conversation.
        new_time: Option<DateTime<Utc>>,
    },
    /// Nothing, or nothing that was understood.
    NoAction,
}

/// The contact's mood, as judged by the provider. Recorded for the reports; it decides nothing.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Sentiment {
    /// Pleased.
    Positive,
    /// Neither.
    Neutral,
    /// Displeased.
    Negative,
    /// Not said.
    Unknown,
}

/// The analysis of one conversation. Holds closed values and a time only, nothing that the contact said.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Analysis {
    /// A machine was spoken to.
    pub in_voicemail: bool,
    /// What is to become of the appointment.
    pub action: Action,
    /// The contact doesn't want to be called again.
    pub opt_out: bool,
    /// A stranger answered: the number isn't the contact's.
    pub wrong_number: bool,
    /// Staff should get in touch.
    pub follow_up_required: bool,
    /// The contact's mood.
    pub sentiment: Sentiment,
}

/// Reads a `call_analysis` object of the provider, with our fields in its `custom_analysis_data`.
///
/// A `new_time` without an offset is a local time in `zone` (the tenant's, as in imports): one that clocks skip isn't
/// understood, one that occurs twice is the earlier.
pub fn read(call_analysis: &Value, zone: Tz) -> Analysis {
    let ours = &call_analysis["custom_analysis_data"];
    Analysis {
        in_voicemail: says_yes(&call_analysis["in_voicemail"]),
        action: read_action(ours, zone),
        opt_out: says_yes(&ours["opt_out"]),
        wrong_number: says_yes(&ours["wrong_number"]),
        follow_up_required: says_yes(&ours["follow_up_required"]),
        sentiment: read_sentiment(&call_analysis["user_sentiment"]),
    }
}

fn read_action(ours: &Value, zone: Tz) -> Action {
    match word(&ours["appointment_action"]).as_str() {
        "confirmed" => Action::Confirmed,
        "cancelled" | "canceled" => Action::Cancelled,
        "rescheduled" => Action::Rescheduled { new_time: read_time(&ours["new_time"], zone) },
        _ => Action::NoAction,
    }
}

fn read_sentiment(said: &Value) -> Sentiment {
    match word(said).as_str() {
        "positive" => Sentiment::Positive,
        "neutral" => Sentiment::Neutral,
        "negative" => Sentiment::Negative,
        _ => Sentiment::Unknown,
    }
}

/// A field that an agent's author declared as text or number instead of yes/no still says yes: an opt-out must not
/// be lost over its type.
fn says_yes(said: &Value) -> bool {
    match said {
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_u64() == Some(1),
        _ => matches!(word(said).as_str(), "true" | "yes"),
    }
}

fn word(said: &Value) -> String {
    said.as_str().unwrap_or_default().trim().to_lowercase()
}

fn read_time(said: &Value, zone: Tz) -> Option<DateTime<Utc>> {
    let text = said.as_str()?.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .and_then(|local| zone.from_local_datetime(&local).earliest())
        .map(|instant| instant.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::London;
    use proptest::prelude::*;
    use serde_json::json;

    fn at(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().expect("a time"))
    }

    #[test]
    fn reads_the_action_or_none() {
        let moved = |new_time| Action::Rescheduled { new_time };
        for (said, want, why) in [
            (json!({"appointment_action": "confirmed"}), Action::Confirmed, "as agreed"),
            (json!({"appointment_action": " Confirmed "}), Action::Confirmed, "models capitalise"),
            (json!({"appointment_action": "canceled"}), Action::Cancelled, "American spelling"),
            (json!({"appointment_action": "no_action"}), Action::NoAction, "as agreed"),
            (json!({"appointment_action": "confirmed?"}), Action::NoAction, "not one of the words"),
            (json!({"appointment_action": true}), Action::NoAction, "another type"),
            (json!({"appointment_action": ["confirmed"]}), Action::NoAction, "another type"),
            (json!({}), Action::NoAction, "missing"),
            (json!(null), Action::NoAction, "no data at all"),
            (json!("confirmed"), Action::NoAction, "not even an object"),
            (
                json!({"new_time": "2026-06-01T10:00Z"}),
                Action::NoAction,
                "a time without an action moves nothing",
            ),
            (json!({"appointment_action": "rescheduled"}), moved(None), "no time was agreed on"),
            (
                json!({"appointment_action": "rescheduled", "new_time": "next Tuesday"}),
                moved(None),
                "not understood",
            ),
            (
                json!({"appointment_action": "rescheduled", "new_time": 1_780_000_000}),
                moved(None),
                "seconds or milliseconds? not understood",
            ),
            (
                json!({"appointment_action": "rescheduled", "new_time": "2026-06-01T10:00:00+02:00"}),
                moved(at("2026-06-01T08:00:00Z")),
                "an offset is taken at its word",
            ),
            (
                json!({"appointment_action": "rescheduled", "new_time": "2026-06-01 10:00"}),
                moved(at("2026-06-01T09:00:00Z")),
                "local, in summer",
            ),
            (
                json!({"appointment_action": "rescheduled", "new_time": "2026-12-01T10:00"}),
                moved(at("2026-12-01T10:00:00Z")),
                "local, in winter",
            ),
            (
                json!({"appointment_action": "rescheduled", "new_time": "2026-03-29T01:30"}),
                moved(None),
                "clocks skip it",
            ),
            (
                json!({"appointment_action": "rescheduled", "new_time": "2026-10-25T01:30"}),
                moved(at("2026-10-25T00:30:00Z")),
                "occurs twice: the earlier",
            ),
        ] {
            let whole = json!({ "custom_analysis_data": said });
            assert_eq!(read(&whole, London).action, want, "{said}: {why}");
        }
    }

    #[test]
    fn hears_yes_in_any_type() {
        for (said, want) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(" Yes"), true),
            (json!(1), true),
            (json!(false), false),
            (json!("no"), false),
            (json!(0), false),
            (json!(null), false),
            (json!({"value": true}), false),
        ] {
            let whole = json!({"in_voicemail": said, "custom_analysis_data": {
                "opt_out": said, "wrong_number": said, "follow_up_required": said,
            }});
            let read = read(&whole, London);
            let heard =
                [read.in_voicemail, read.opt_out, read.wrong_number, read.follow_up_required];
            assert_eq!(heard, [want; 4], "{said}");
        }
    }

    #[test]
    fn reads_the_vendors_words_for_the_mood() {
        for (said, want) in [
            (json!("Positive"), Sentiment::Positive),
            (json!("Neutral"), Sentiment::Neutral),
            (json!("Negative"), Sentiment::Negative),
            (json!("Unknown"), Sentiment::Unknown),
            (json!(3), Sentiment::Unknown),
        ] {
            assert_eq!(read(&json!({ "user_sentiment": said }), London).sentiment, want);
        }
    }

    proptest! {
        #[test]
        fn any_text_for_a_time_is_read_or_left(text in ".{0,40}") {
            let whole = json!({"custom_analysis_data": {"appointment_action": "rescheduled", "new_time": text}});
            let read = matches!(read(&whole, London).action, Action::Rescheduled { .. });
            prop_assert!(read);
        }
    }
}
