//! Words of small vocabularies, as people and programs write them.

use std::borrow::Cow;

use crate::acknowledgements::How;
use crate::appointments::Priority;
use crate::calls::rules::snapshot::Channel;
use crate::contacts::name::PersonName;
use crate::search::fold;

pub(crate) fn priority(raw: &str) -> Option<Priority> {
    match fold(raw).as_str() {
        "normal" | "low" | "medium" | "standard" | "routine" => Some(Priority::Normal),
        "high" | "important" => Some(Priority::High),
        "urgent" | "critical" => Some(Priority::Urgent),
        _ => None,
    }
}

pub(crate) fn channel(raw: &str) -> Option<Channel> {
    match fold(raw).as_str() {
        "voice" | "phone" | "call" | "phone call" | "telephone" => Some(Channel::Voice),
        "sms" | "text" | "text message" => Some(Channel::Sms),
        "email" | "e-mail" | "mail" => Some(Channel::Email),
        _ => None,
    }
}

pub(crate) fn consent_how(raw: &str) -> Option<How> {
    match fold(raw).as_str() {
        "verbal" | "in person" | "spoken" => Some(How::Verbal),
        "phone" | "telephone" | "call" => Some(How::Phone),
        "written" | "paper" | "form" | "signed" => Some(How::Written),
        "online" | "web" | "website" => Some(How::Online),
        "email" | "e-mail" => Some(How::Email),
        "sms" | "text" => Some(How::Sms),
        _ => None,
    }
}

/// What programs write where they have nothing.
pub(crate) fn is_nothing(raw: &str) -> bool {
    matches!(fold(raw).as_str(), "" | "-" | "--" | "n/a" | "#n/a" | "null" | "nil")
}

/// `Lovelace, Ada` the way it is said; none if it is anything else.
pub(crate) fn turned(raw: &str) -> Option<String> {
    let (last, first) = raw.split_once(',')?;
    let (last, first) = (last.trim(), first.trim());
    (!last.is_empty() && !first.is_empty() && !first.contains(','))
        .then(|| format!("{first} {last}"))
}

/// A name, turned if it has to be.
pub(crate) fn name(raw: &str) -> Option<PersonName> {
    turned(raw).map_or(Cow::Borrowed(raw), Cow::Owned).parse().ok()
}
