//! What changed, told twice in the same transaction: as events (ids and kinds, for clients) and as entries of the
//! tenant's audit chain (who, what, sealed values before and after). Who saw what is the other chain: [`accesses`].

pub mod accesses;
pub mod chain;
pub mod export;
pub mod heads;
pub mod store;
pub mod trail;

use uuid::Uuid;

use crate::crypto::Sealed;
use crate::ids::{ApiKeyId, ContactId, UserId, VisitId};

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Somebody with an API key.
    Key(ApiKeyId),
    /// Somebody of the tenant who signed in.
    User(UserId),
    /// Somebody of the platform, within a declared access.
    Visitor(UserId, VisitId),
    /// Nobody who is known: whoever tried to sign in.
    Stranger,
    /// The engine, by its rules.
    Worker,
    /// The voice provider, by what it told us.
    Provider,
    /// An operator of the platform.
    Platform,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(id) => write!(f, "key:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Visitor(user, visit) => write!(f, "visitor:{user}/{visit}"),
            Self::Stranger => f.write_str("stranger"),
            Self::Worker => f.write_str("worker"),
            Self::Provider => f.write_str("provider"),
            Self::Platform => f.write_str("platform"),
        }
    }
}

/// The changes of one transaction. Append them last: numbering them takes the tenant's last lock.
#[derive(Debug)]
#[must_use = "changes that are not appended were never told"]
pub struct Changes {
    actor: Actor,
    events: Vec<(&'static str, Uuid, Option<ContactId>)>,
    entries: Vec<(&'static str, Uuid, Option<Sealed>)>,
}

impl Changes {
    /// Changes made by `actor`.
    pub fn by(actor: Actor) -> Self {
        Self { actor, events: Vec::new(), entries: Vec::new() }
    }

    /// Announces a change to clients: `kind` is `noun.verb`, for example `call.settled`.
    pub fn event(
        &mut self,
        kind: &'static str,
        entity: Uuid,
        contact: Option<ContactId>,
    ) -> &mut Self {
        self.events.push((kind, entity, contact));
        self
    }

    /// Writes an entry of the audit chain. `detail` holds values before and after, sealed.
    pub fn entry(
        &mut self,
        action: &'static str,
        entity: Uuid,
        detail: Option<Sealed>,
    ) -> &mut Self {
        self.entries.push((action, entity, detail));
        self
    }

    /// Whether there is anything to tell.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.entries.is_empty()
    }
}
