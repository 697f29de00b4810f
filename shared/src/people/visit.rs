//! Declared accesses: the platform's people see one tenant at a time, for a reason that they say first, and not for long.

use std::str::FromStr;

use chrono::{DateTime, Duration, Utc};

use super::UnknownWordInRow;
use crate::api_keys;
use crate::ids::{TenantId, UserId, VisitId};

/// A wish to break the glass that nobody approves lapses after this.
pub const APPROVAL: Duration = Duration::minutes(15);
/// Minutes of an access that doesn't say.
pub const USUAL_MINUTES: u16 = 60;

/// How deep the access goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema)]
#[schemars(rename = "VisitKind", rename_all = "snake_case")]
pub enum Kind {
    /// Sees what the tenant's readers see. One person declares it.
    Read,
    /// Does what the tenant's administrator does, people and keys aside. Two persons of the platform declare it.
    BreakGlass,
}

impl Kind {
    /// The word in the database and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::BreakGlass => "break_glass",
        }
    }

    /// As what the visitor acts.
    pub fn acts_as(self) -> api_keys::Role {
        match self {
            Self::Read => api_keys::Role::ClientUser,
            Self::BreakGlass => api_keys::Role::ClientAdmin,
        }
    }

    /// The most minutes that one access lasts.
    pub fn most_minutes(self) -> u16 {
        match self {
            Self::Read => 240,
            Self::BreakGlass => 60,
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownWordInRow;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Read, Self::BreakGlass]
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or(UnknownWordInRow)
    }
}

/// An access that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// Which.
    pub id: VisitId,
    /// To which tenant.
    pub tenant: TenantId,
    /// How deep.
    pub kind: Kind,
}

/// An access as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which.
    pub id: VisitId,
    /// To which tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// How deep.
    pub kind: Kind,
    /// Why, in the words of who declared it; only its tenant's key opens them.
    pub reason: Option<String>,
    /// For how long once it begins.
    pub minutes: i32,
    /// When it was declared.
    pub asked_at: DateTime<Utc>,
    /// The second person.
    pub approved_by: Option<UserId>,
    /// Since when; none while it waits for the second person.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when at most.
    pub ends_at: DateTime<Utc>,
    /// Ended before its time.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Why somebody may not approve an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// Nobody is their own second person.
    #[error("somebody else than who asked must approve it")]
    OwnWish,
    /// It has begun, ended or lapsed, or needs no approval.
    #[error("it does not wait for approval")]
    NotWaiting,
}

impl Record {
    /// Whether `by` may approve it now.
    ///
    /// # Errors
    /// [`NotApproved`].
    pub fn may_be_approved(&self, by: UserId, now: DateTime<Utc>) -> Result<(), NotApproved> {
        let waits = self.kind == Kind::BreakGlass
            && self.starts_at.is_none()
            && self.ended_at.is_none()
            && now < self.ends_at;
        match (waits, by == self.user) {
            (false, _) => Err(NotApproved::NotWaiting),
            (true, true) => Err(NotApproved::OwnWish),
            (true, false) => Ok(()),
        }
    }

    /// The word for how it stands.
    pub fn state(&self, now: DateTime<Utc>) -> &'static str {
        match (self.ended_at, self.starts_at) {
            (Some(_), _) => "ended",
            (None, None) if now >= self.ends_at => "lapsed",
            (None, None) => "waiting",
            (None, Some(_)) if now >= self.ends_at => "ended",
            (None, Some(_)) => "open",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glass_is_broken_by_two_and_in_time() {
        let now = DateTime::UNIX_EPOCH;
        let (one, other) = (UserId::new(), UserId::new());
        let waiting = Record {
            id: VisitId::new(),
            tenant: TenantId::new(),
            user: one,
            kind: Kind::BreakGlass,
            reason: None,
            minutes: 30,
            asked_at: now,
            approved_by: None,
            starts_at: None,
            ends_at: now + APPROVAL,
            ended_at: None,
        };
        let late = now + APPROVAL;
        for (record, by, at, expected, state, why) in [
            (waiting.clone(), other, now, Ok(()), "waiting", "the second person"),
            (waiting.clone(), one, now, Err(NotApproved::OwnWish), "waiting", "the same person"),
            (waiting.clone(), other, late, Err(NotApproved::NotWaiting), "lapsed", "too late"),
            (
                Record { starts_at: Some(now), ..waiting.clone() },
                other,
                now,
                Err(NotApproved::NotWaiting),
                "open",
                "it has begun",
            ),
            (
                Record { ended_at: Some(now), ..waiting.clone() },
                other,
                now,
                Err(NotApproved::NotWaiting),
                "ended",
                "it was withdrawn",
            ),
            (
                Record { kind: Kind::Read, ..waiting.clone() },
                other,
                now,
                Err(NotApproved::NotWaiting),
                "waiting",
                "reading needs one person",
            ),
        ] {
            assert_eq!(record.may_be_approved(by, at), expected, "{why}");
            assert_eq!(record.state(at), state, "{why}");
        }
    }
}
