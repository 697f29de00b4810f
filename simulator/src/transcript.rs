//! What was said. Short, the same for all calls of an outcome, and about nobody.

use serde::Serialize;

use crate::scenario::Outcome;

/// One turn of a conversation, as the vendor writes it.
#[derive(Serialize)]
pub(crate) struct Turn {
    role: &'static str,
    content: &'static str,
    words: Vec<Word>,
}

#[derive(Serialize)]
struct Word {
    word: &'static str,
    /// Seconds from the start.
    start: f64,
    end: f64,
}

const GREETING: &str = "Hello, this is an automated call about your appointment.";

type Lines = &'static [(&'static str, &'static str)];

fn lines(outcome: Outcome) -> Lines {
    match outcome {
        Outcome::Confirmed => &[
            ("agent", GREETING),
            ("user", "Yes, I will be there."),
            ("agent", "Thank you, it is confirmed."),
        ],
        Outcome::Cancelled => {
            &[("agent", GREETING), ("user", "Please cancel it."), ("agent", "It is cancelled.")]
        }
        Outcome::Rescheduled => &[
            ("agent", GREETING),
            ("user", "Could we make it another day?"),
            ("agent", "Of course. I have noted it."),
        ],
        Outcome::NoAction => &[
            ("agent", GREETING),
            ("user", "I can't say right now."),
            ("agent", "That is all right."),
        ],
        Outcome::OptOut => {
            &[("agent", GREETING), ("user", "Never call me again."), ("agent", "I will see to it.")]
        }
        Outcome::WrongNumber => &[
            ("agent", GREETING),
            ("user", "There is nobody of that name here."),
            ("agent", "I am sorry to have troubled you."),
        ],
        Outcome::Voicemail => {
            &[("user", "Please leave a message after the tone."), ("agent", GREETING)]
        }
        Outcome::HungUp => &[("agent", GREETING)],
        Outcome::NoAnswer
        | Outcome::Busy
        | Outcome::UserDeclined
        | Outcome::InvalidDestination
        | Outcome::DialFailed => &[],
    }
}

/// `Agent: ...` and `User: ...`, one line each.
pub(crate) fn text(outcome: Outcome) -> String {
    let spoken = |(role, content): &(&str, &str)| {
        let who = if *role == "agent" { "Agent" } else { "User" };
        format!("{who}: {content}\n")
    };
    lines(outcome).iter().map(spoken).collect()
}

/// The same with the time of each word, at three words a second.
pub(crate) fn turns(outcome: Outcome) -> Vec<Turn> {
    let mut spoken = 0_u32;
    let mut word = |word| {
        let start = f64::from(spoken) / 3.0;
        spoken += 1;
        Word { word, start, end: start + 0.25 }
    };
    lines(outcome)
        .iter()
        .map(|&(role, content)| Turn {
            role,
            content,
            words: content.split_whitespace().map(&mut word).collect(),
        })
        .collect()
}

/// `call_summary`.
pub(crate) fn summary(outcome: Outcome, conversation: bool) -> &'static str {
    match outcome {
        _ if !conversation && outcome.is_conversation() => "The call ended before anyone spoke.",
        Outcome::Confirmed => "The appointment was confirmed.",
        Outcome::Cancelled => "The appointment was cancelled.",
        Outcome::Rescheduled => "Another time was asked for.",
        Outcome::NoAction => "Nothing was decided.",
        Outcome::OptOut => "The person asked not to be called again.",
        Outcome::WrongNumber => "The person reached does not know the patient.",
        Outcome::HungUp => "The person hung up at once.",
        Outcome::Voicemail => "A message was left on an answering machine.",
        Outcome::NoAnswer
        | Outcome::Busy
        | Outcome::UserDeclined
        | Outcome::InvalidDestination
        | Outcome::DialFailed => "Nobody was reached.",
    }
}
