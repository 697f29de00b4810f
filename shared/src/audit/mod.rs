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

/// The text is no actor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an actor")]
pub struct BadActor;

impl std::str::FromStr for Actor {
    type Err = BadActor;

    fn from_str(text: &str) -> Result<Self, BadActor> {
        let (noun, id) = text.split_once(':').unwrap_or((text, ""));
        let uuid = |text: &str| text.parse::<Uuid>().map_err(|_| BadActor);
        match noun {
            "key" => Ok(Self::Key(ApiKeyId(uuid(id)?))),
            "user" => Ok(Self::User(UserId(uuid(id)?))),
            "visitor" => {
                let (user, visit) = id.split_once('/').ok_or(BadActor)?;
                Ok(Self::Visitor(UserId(uuid(user)?), VisitId(uuid(visit)?)))
            }
            "stranger" => Ok(Self::Stranger),
            "worker" => Ok(Self::Worker),
            "provider" => Ok(Self::Provider),
            "platform" => Ok(Self::Platform),
            _ => Err(BadActor),
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

    /// Who made them.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// Whether there is anything to tell.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_as_it_was_written() {
        let (user, visit) = (UserId::new(), VisitId::new());
        for actor in [
            Actor::Key(ApiKeyId::new()),
            Actor::User(user),
            Actor::Visitor(user, visit),
            Actor::Stranger,
            Actor::Worker,
            Actor::Provider,
            Actor::Platform,
        ] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        for text in ["", "key:", "user:1", "visitor:", "somebody"] {
            assert_eq!(text.parse::<Actor>(), Err(BadActor), "{text}");
        }
    }
}
