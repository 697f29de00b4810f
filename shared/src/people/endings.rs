//! "This has ended": told to every process over Redis after the commit, so that what lasts longer than a request (a live
//! connection) ends at once. Requests need no such news: each of them asks PostgreSQL.
//!
//! A word that is lost is made up for by asking [`super::store::stands`] from time to time.

use std::fmt;
use std::str::FromStr;

use tokio::sync::broadcast;
use uuid::Uuid;

use super::Caller;
use crate::ids::{ApiKeyId, SessionId, TenantId, UserId, VisitId};
use crate::queue::Queues;
use crate::queue::pubsub::{self, Heard};

/// How many words a listener may lag behind before it is told that it missed some.
const BACKLOG: usize = 256;

/// What has ended, or lost a part of what it could do. Ids only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ended {
    /// One session.
    Session(SessionId),
    /// All sessions of one user.
    User(UserId),
    /// An API key was revoked.
    Key(ApiKeyId),
    /// A declared access.
    Visit(VisitId),
    /// The tenant was suspended.
    Tenant(TenantId),
    /// Words may have been lost: whoever waits for one asks for itself.
    Unsure,
}

impl Ended {
    fn read(word: &[u8]) -> Self {
        let known = str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        // A word of a newer release: something ended, and we don't know what.
        known.unwrap_or(Self::Unsure)
    }

    /// Whether `caller`, who acts for `tenant`, has to be looked at again.
    pub fn concerns(self, caller: Caller, tenant: TenantId) -> bool {
        match (self, caller) {
            (Self::Unsure, _) => true,
            (Self::Tenant(ended), _) => ended == tenant,
            (Self::Key(ended), Caller::Key(key)) => ended == key,
            (Self::User(ended), Caller::User { user, .. } | Caller::Visitor { user, .. }) => {
                ended == user
            }
            (Self::Session(ended), _) => caller.session() == Some(ended),
            (Self::Visit(ended), Caller::Visitor { visit, .. }) => ended == visit,
            _ => false,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session {id}"),
            Self::User(id) => write!(f, "user {id}"),
            Self::Key(id) => write!(f, "key {id}"),
            Self::Visit(id) => write!(f, "visit {id}"),
            Self::Tenant(id) => write!(f, "tenant {id}"),
            Self::Unsure => f.write_str("unsure"),
        }
    }
}

/// No word of this release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a word about something that ended")]
pub struct UnknownWord;

impl FromStr for Ended {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, id) = text.split_once(' ').ok_or(UnknownWord)?;
        let id: Uuid = id.parse().map_err(|_| UnknownWord)?;
        match kind {
            "session" => Ok(Self::Session(SessionId(id))),
            "user" => Ok(Self::User(UserId(id))),
            "key" => Ok(Self::Key(ApiKeyId(id))),
            "visit" => Ok(Self::Visit(VisitId(id))),
            "tenant" => Ok(Self::Tenant(TenantId(id))),
            _ => Err(UnknownWord),
        }
    }
}

/// Tells this process and all others what ended, and is where to hear it.
#[derive(Debug, Clone)]
pub struct Endings {
    queues: Queues,
    heard: broadcast::Sender<Ended>,
}

impl Endings {
    /// Endings told over `queues`' Redis.
    pub fn new(queues: Queues) -> Self {
        Self { queues, heard: broadcast::channel(BACKLOG).0 }
    }

    /// What ends from now on. A receiver that lagged missed words, and has to ask for itself.
    pub fn hear(&self) -> broadcast::Receiver<Ended> {
        self.heard.subscribe()
    }

    /// Tells, after the commit. Never waits and never fails: this process hears it at once, the others over Redis.
    pub fn tell(&self, ended: Ended) {
        let _nobody_listens = self.heard.send(ended);
        let (queues, channel) = (self.queues.clone(), self.channel());
        tokio::spawn(async move {
            pubsub::say(&queues, &channel, ended.to_string().as_bytes()).await;
        });
    }

    /// Passes on what other processes tell, until the future is dropped. Whenever words may have been lost, listeners hear
    /// [`Ended::Unsure`].
    pub async fn listen(&self, redis: &redis::Client) {
        pubsub::listen(redis, &[self.channel()], |heard| {
            let ended = match heard {
                Heard::Listening => Ended::Unsure,
                Heard::Word { payload, .. } => Ended::read(payload),
            };
            let _nobody_listens = self.heard.send(ended);
        })
        .await;
    }

    fn channel(&self) -> String {
        format!("{}.people.ended", self.queues.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_back_and_holds_nothing_but_an_id() {
        for ended in [
            Ended::Session(SessionId::new()),
            Ended::User(UserId::new()),
            Ended::Key(ApiKeyId::new()),
            Ended::Visit(VisitId::new()),
            Ended::Tenant(TenantId::new()),
        ] {
            assert_eq!(ended.to_string().parse(), Ok(ended));
        }
        assert_eq!("group 0193".parse::<Ended>(), Err(UnknownWord));
    }

    #[test]
    fn an_ending_concerns_whom_it_is_about() {
        let (user, session, key, visit) =
            (UserId::new(), SessionId::new(), ApiKeyId::new(), VisitId::new());
        let (tenant, elsewhere) = (TenantId::new(), TenantId::new());
        let person = Caller::User { user, session };
        let visitor = Caller::Visitor { user, session, visit };
        let program = Caller::Key(key);
        for (ended, caller, expected, why) in [
            (Ended::Session(session), person, true, "their session"),
            (Ended::Session(SessionId::new()), person, false, "another session"),
            (Ended::User(user), person, true, "all their sessions"),
            (Ended::User(user), program, false, "a key is nobody's"),
            (Ended::Visit(visit), visitor, true, "the access by which they are here"),
            (Ended::Visit(visit), person, false, "they are at home"),
            (Ended::Key(key), program, true, "its key"),
            (Ended::Key(ApiKeyId::new()), program, false, "another key"),
            (Ended::Tenant(tenant), program, true, "the tenant that it acts for"),
            (Ended::Tenant(elsewhere), person, false, "another tenant"),
            (Ended::Unsure, program, true, "anything may have ended"),
        ] {
            assert_eq!(ended.concerns(caller, tenant), expected, "{why}");
        }
    }
}
