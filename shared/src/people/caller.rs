//! Who asks.

use crate::audit::Actor;
use crate::ids::{ApiKeyId, SessionId, UserId, VisitId};

/// Who asks, once that is proved. What they may do was decided when they asked; whether they still stand has to be asked
/// again for whatever lasts longer than a request ([`super::store::stands`], [`super::Ended`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// A program with an API key.
    Key(ApiKeyId),
    /// Somebody of the tenant.
    User {
        /// Who.
        user: UserId,
        /// In which session.
        session: SessionId,
    },
    /// Somebody of the platform, within a declared access to the tenant.
    Visitor {
        /// Who.
        user: UserId,
        /// In which session.
        session: SessionId,
        /// By which access.
        visit: VisitId,
    },
}

impl Caller {
    /// The caller, for events and audit.
    pub fn actor(self) -> Actor {
        match self {
            Self::Key(key) => Actor::Key(key),
            Self::User { user, .. } => Actor::User(user),
            Self::Visitor { user, visit, .. } => Actor::Visitor(user, visit),
        }
    }

    /// The caller's session; a key has none.
    pub fn session(self) -> Option<SessionId> {
        match self {
            Self::Key(_) => None,
            Self::User { session, .. } | Self::Visitor { session, .. } => Some(session),
        }
    }
}
