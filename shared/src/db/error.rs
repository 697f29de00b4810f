//! What a caller can do about a failed statement.

/// Sorted by the caller's choices, not by cause. `Display` carries no row values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique, foreign key or check constraint refused the row. Carries its name.
    #[error("constraint {0} refused the row")]
    Refused(String),
    /// PostgreSQL is away, no connection was free in time, or the transaction lost a race. Trying again may help.
    #[error("the database is busy or away")]
    Busy(#[source] sqlx::Error),
    /// Anything else. Trying again will not help.
    #[error("a statement failed")]
    Broken(#[source] sqlx::Error),
    /// A stored value does not parse: written by a newer release, or by hand.
    #[error("a stored value of {0} does not parse")]
    Unreadable(&'static str),
}

impl Error {
    /// Whether the named constraint refused the row.
    pub fn is_refused_by(&self, constraint: &str) -> bool {
        matches!(self, Self::Refused(name) if name == constraint)
    }

    /// The cause in words that hold no row values: an SQLSTATE, or the kind of failure.
    pub fn cause(&self) -> String {
        match self {
            Self::Busy(cause) | Self::Broken(cause) => match cause {
                sqlx::Error::Database(db) => {
                    format!("SQLSTATE {}: {}", db.code().unwrap_or_default(), db.message())
                }
                other => other.to_string(),
            },
            other => other.to_string(),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::BeginFailed
            | sqlx::Error::WorkerCrashed => Self::Busy(error),
            sqlx::Error::Database(db) => match db.code().as_deref().unwrap_or_default() {
                // 23: integrity constraint violations.
                code if code.starts_with("23") => {
                    Self::Refused(db.constraint().unwrap_or_default().to_owned())
                }
                // 08 connection, 53 resources, 57 operator intervention and time-outs, 40 rollback (deadlock,
                // serialization), 55P03 lock not available, 25P03 idle in transaction.
                code if ["08", "53", "57", "40", "55", "25P0"]
                    .iter()
                    .any(|class| code.starts_with(class)) =>
                {
                    Self::Busy(error)
                }
                _ => Self::Broken(error),
            },
            _ => Self::Broken(error),
        }
    }
}
