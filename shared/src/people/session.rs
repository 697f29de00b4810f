//! How long a sign-in lasts, and what stands in its way.

use chrono::{DateTime, Duration, Utc};

use super::Role;
use super::visit::Visit;
use crate::ids::{SessionId, TenantId, UserId};

/// A session ends so long after the sign-in, whatever happens in it (rules: people and access; 45 CFR 164.312(a)(2)(iii),
/// automatic logoff).
pub const SESSION: Duration = Duration::hours(8);
/// An access token lives so long, and never longer than its session.
pub const ACCESS_TOKEN: Duration = Duration::minutes(15);
/// Sessions are shown so long after their end, and their refresh tokens known as used.
pub const KEPT: Duration = Duration::days(30);

/// When an access token made now stops to hold.
pub fn token_expires(now: DateTime<Utc>, session_ends: DateTime<Utc>) -> DateTime<Utc> {
    session_ends.min(now + ACCESS_TOKEN)
}

/// Why a session ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// By signing out.
    SignedOut,
    /// Its user ended it from another.
    ByUser,
    /// An administrator ended it.
    ByAdministrator,
    /// The password was changed or reset.
    Password,
    /// The second factor was taken off or set up anew.
    SecondFactor,
    /// A refresh token was shown twice: one of the two was stolen.
    Reused,
    /// The user was deactivated.
    Deactivated,
}

impl Why {
    /// The word in the database and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::ByUser => "by_user",
            Self::ByAdministrator => "by_administrator",
            Self::Password => "password",
            Self::SecondFactor => "second_factor",
            Self::Reused => "reused",
            Self::Deactivated => "deactivated",
        }
    }
}

/// A session that holds: not ended, its user active. Read anew for every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Which session.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// What they are at this moment.
    pub role: Role,
    /// Of which tenant; none for the platform's people.
    pub tenant: Option<TenantId>,
    /// That tenant is not suspended; true for the platform's people.
    pub tenant_active: bool,
    /// A second factor is asked of them, and this session has not shown one: it may only set one up.
    pub factor_missing: bool,
    /// When the session ends.
    pub ends_at: DateTime<Utc>,
    /// When this was read.
    pub now: DateTime<Utc>,
    /// The access that a super-admin has open.
    pub visit: Option<Visit>,
}

/// A session as its user or an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// Since when.
    pub started_at: DateTime<Utc>,
    /// Until when at most.
    pub ends_at: DateTime<Utc>,
    /// When it was last used, to five minutes.
    pub seen_at: DateTime<Utc>,
    /// A second factor was shown.
    pub second_factor: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_a_quarter_of_an_hour_and_never_longer_than_its_session() {
        let now = DateTime::UNIX_EPOCH;
        for (session_left, expected, why) in [
            (Duration::hours(8), ACCESS_TOKEN, "a fresh session"),
            (Duration::minutes(15), ACCESS_TOKEN, "just enough"),
            (Duration::minutes(4), Duration::minutes(4), "the session's last minutes"),
        ] {
            assert_eq!(token_expires(now, now + session_left), now + expected, "{why}");
        }
    }
}
