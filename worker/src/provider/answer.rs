//! What is known after asking for a call.

use shared::retell::wire::{Call, MessageKind};

/// The answer to asking for a call. It decides whether the attempt counts, so the set is closed, and what is not
/// proved is [`DialAnswer::Unknown`]. Nothing in it is personal except the call itself, which prints its ids only.
#[derive(Debug, Clone, PartialEq)]
pub enum DialAnswer {
    /// The provider has the call: it has an id, and will ring.
    Accepted {
        /// The call.
        call: Box<Call>,
    },
    /// The provider definitely did not place a call.
    Refused {
        /// With which status.
        status: RefusedStatus,
        /// What its message was about.
        message_kind: MessageKind,
    },
    /// The provider was not asked: not a byte of the request left this process.
    NotSent {
        /// What prevented it.
        why: NotSent,
    },
    /// A telephone may be ringing, or may ring yet.
    Unknown {
        /// What happened.
        why: UnknownWhy,
    },
}

/// The statuses that are documented to mean that no call was placed, and 403, with which a gateway turns us away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusedStatus {
    /// 400: this request is wrong.
    BadRequest,
    /// 401: the key is wrong.
    Unauthorized,
    /// 402: the account isn't paid.
    PaymentRequired,
    /// 403: the account may not.
    Forbidden,
    /// 422: the account has no such agent or caller's number.
    Unprocessable,
    /// 429: too many requests, or calls at a time.
    TooManyRequests,
}

impl RefusedStatus {
    /// The refusal that `code` stands for, if it stands for one.
    pub fn from_code(code: u16) -> Option<Self> {
        match code {
            400 => Some(Self::BadRequest),
            401 => Some(Self::Unauthorized),
            402 => Some(Self::PaymentRequired),
            403 => Some(Self::Forbidden),
            422 => Some(Self::Unprocessable),
            429 => Some(Self::TooManyRequests),
            _ => None,
        }
    }

    /// The status as a number.
    pub fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::PaymentRequired => 402,
            Self::Forbidden => 403,
            Self::Unprocessable => 422,
            Self::TooManyRequests => 429,
        }
    }
}

/// What prevented a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotSent {
    /// The connection was refused, or the name unknown, or TLS failed.
    #[error("no connection to the provider")]
    NoConnection,
    /// The connection was not there in time.
    #[error("connecting to the provider took too long")]
    ConnectTimedOut,
    /// A number reserved for drama, which only the simulator may get. Trying again changes nothing.
    #[error("a number reserved for drama is not sent to a real provider")]
    TestNumber,
    /// Not a number in E.164. Trying again changes nothing.
    #[error("the number to call is not in E.164")]
    NotANumber,
}

/// What left us not knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UnknownWhy {
    /// 5xx: a fault on the other side, perhaps after the call was placed.
    #[error("the provider answered {0}")]
    ServerError(u16),
    /// A status that the vendor doesn't document for this request; a redirect is one.
    #[error("the provider answered {0}, which it never should")]
    UnexpectedStatus(u16),
    /// Accepted, but the call that was created can't be read from the reply.
    #[error("the provider accepted, but its reply can't be read")]
    UnreadableAcceptance,
    /// No reply in time, or not all of it.
    #[error("the provider did not answer in time")]
    TimedOut,
    /// The connection broke once it was there.
    #[error("the connection to the provider broke")]
    ConnectionBroken,
}
