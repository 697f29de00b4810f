//! A contact is a person whom a tenant may call; this module holds the words that describe one.

pub mod actions;
pub mod email;
pub mod name;
pub mod phone;
pub mod state;
pub mod store;
pub mod text;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::calls::rules::snapshot::Channel;
use crate::ids::ContactId;
use email::EmailAddress;
use name::PersonName;
use phone::PhoneNumber;
use text::Notes;

/// A person whom a tenant may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// What the person is called.
    pub name: PersonName,
    /// Where the person is called.
    pub phone: PhoneNumber,
    /// Where the person is written to.
    pub email: Option<EmailAddress>,
    /// What staff note; never sent to the voice provider.
    pub notes: Option<Notes>,
    /// Where the person lives, by the clock.
    pub zone: Tz,
    /// How the person wishes to be reached.
    pub channel: Channel,
    /// That the person agreed to automated calls.
    pub consent: Option<Consent>,
    /// Out of the way since then: in no list, and not called.
    pub archived_at: Option<DateTime<Utc>>,
    /// Counts changes.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Contact {
    /// Somebody new, made at `at`, of whom nothing more is known than a name, a number and where they live.
    pub fn new(name: PersonName, phone: PhoneNumber, zone: Tz, at: DateTime<Utc>) -> Self {
        Self {
            id: ContactId::new(),
            name,
            phone,
            email: None,
            notes: None,
            zone,
            channel: Channel::Voice,
            consent: None,
            archived_at: None,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }
}

/// That somebody agreed to automated calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// When.
    pub at: DateTime<Utc>,
    /// Who recorded it: an actor of the audit chain.
    pub by: String,
}

/// Values of a contact for the audit chain: all that people can change, to be sealed.
pub fn audited(contact: &Contact) -> serde_json::Value {
    serde_json::json!({
        "name": contact.name.as_str(),
        "phone": contact.phone.as_str(),
        "email": contact.email.as_ref().map(|email| email.as_str()),
        "notes": contact.notes.as_ref().map(|notes| notes.as_str()),
        "zone": contact.zone.name(),
        "channel": channel_word(contact.channel),
        "consent_at": contact.consent.as_ref().map(|consent| consent.at),
        "archived_at": contact.archived_at,
    })
}

/// The word for a channel in the database and in answers.
pub fn channel_word(channel: Channel) -> &'static str {
    match channel {
        Channel::Voice => "voice",
        Channel::Sms => "sms",
        Channel::Email => "email",
    }
}

/// The channel of a word.
pub fn channel_of(word: &str) -> Option<Channel> {
    [Channel::Voice, Channel::Sms, Channel::Email].into_iter().find(|c| channel_word(*c) == word)
}
