//! What the provider's answer to a request to dial makes of the attempt, before anything is heard of the call itself.
//!
//! The vendor has no idempotency key. So only an answer that the vendor can't give after placing a call says that
//! there is none; every doubtful one is *unknown*, and the vendor's list decides.

use super::breaker;
use super::disconnection::Fault;

/// So many 400s in a row hold the tenant: it is its configuration then, not one call's data.
pub const REJECTIONS_THAT_HOLD: u32 = 3;

/// What became of one request to dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 201 with a call id that was understood.
    Accepted,
    /// Any other complete answer, a success that wasn't understood included.
    Status(u16),
    /// The connection failed before a byte of the request was written.
    NeverSent,
    /// Time-out, broken connection, no reply, or a reply cut short.
    Lost,
}

/// What the answer makes of the attempt, and what is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAnswer {
    /// Placed: facts will follow.
    Placed,
    /// Definitely not placed: retry by [`super::retry`].
    NotPlaced,
    /// Definitely not placed: hold the provider account and page operators. The call isn't refused.
    HoldAccount,
    /// Definitely not placed: hold the tenant as *not configured* and tell its staff.
    HoldTenant,
    /// Definitely not placed: this call needs review.
    ReviewCall {
        /// Too many in a row: hold the tenant as well.
        hold_tenant: bool,
    },
    /// Perhaps placed: [`super::unknown`] settles it.
    Unknown,
}

/// Reads an answer. `rejected_before` is how many dials of the tenant directly before this one were answered 400.
pub fn after_answer(answer: Answer, rejected_before: u32) -> AfterAnswer {
    match answer {
        Answer::Accepted => AfterAnswer::Placed,
        Answer::NeverSent | Answer::Status(429) => AfterAnswer::NotPlaced,
        Answer::Status(401..=403) => AfterAnswer::HoldAccount,
        Answer::Status(422) => AfterAnswer::HoldTenant,
        Answer::Status(400) => AfterAnswer::ReviewCall {
            hold_tenant: rejected_before.saturating_add(1) >= REJECTIONS_THAT_HOLD,
        },
        Answer::Status(_) | Answer::Lost => AfterAnswer::Unknown,
    }
}

impl AfterAnswer {
    /// The dial counts for gap and attempts: all that may have rung.
    pub fn counts(self) -> bool {
        matches!(self, Self::Placed | Self::Unknown)
    }

    /// Who is to blame that the call isn't placed.
    pub fn fault(self) -> Fault {
        match self {
            Self::Placed => Fault::Nobody,
            Self::NotPlaced | Self::HoldAccount | Self::Unknown => Fault::Provider,
            Self::HoldTenant | Self::ReviewCall { .. } => Fault::Tenant,
        }
    }

    /// What the breaker hears of it. A refusal that names our mistake comes from a provider that works.
    pub fn told_to_breaker(self) -> breaker::Heard {
        match self {
            Self::Placed => breaker::Heard::Placed,
            Self::NotPlaced | Self::Unknown => breaker::Heard::ProviderFailed,
            Self::HoldAccount | Self::HoldTenant | Self::ReviewCall { .. } => {
                breaker::Heard::Refused
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AfterAnswer::*;
    use Answer::*;

    #[test]
    fn each_answer_has_one_consequence() {
        for (answer, before, want, why) in [
            (Accepted, 0, Placed, "201"),
            (NeverSent, 0, NotPlaced, "nobody heard us"),
            (Status(429), 0, NotPlaced, "over a limit: refused by definition"),
            (Status(401), 0, HoldAccount, "the key is wrong"),
            (Status(402), 0, HoldAccount, "the bill isn't paid"),
            (Status(403), 0, HoldAccount, "the key may not"),
            (Status(422), 0, HoldTenant, "agent or caller number isn't in this account"),
            (Status(400), 0, ReviewCall { hold_tenant: false }, "this call's data"),
            (Status(400), 1, ReviewCall { hold_tenant: false }, "twice may be chance"),
            (Status(400), 2, ReviewCall { hold_tenant: true }, "three in a row are no chance"),
            (Status(400), u32::MAX, ReviewCall { hold_tenant: true }, "no overflow"),
            (Status(429), 2, NotPlaced, "the count is of 400s only"),
            (Status(200), 0, Unknown, "a success that the vendor doesn't document"),
            (Status(201), 0, Unknown, "placed, but its call id wasn't understood"),
            (Status(302), 0, Unknown, "redirects aren't followed"),
            (Status(404), 0, Unknown, "not documented for this request"),
            (Status(408), 0, Unknown, "the vendor, too, may time out after placing"),
            (Status(409), 0, Unknown, "not documented for this request"),
            (Status(500), 0, Unknown, "broke before or after placing"),
            (Status(503), 0, Unknown, "a proxy's word, not the vendor's"),
            (Lost, 0, Unknown, "the request may have arrived"),
        ] {
            assert_eq!(after_answer(answer, before), want, "{answer:?} after {before}: {why}");
        }
    }

    #[test]
    fn only_documented_refusals_do_not_count() {
        for status in 100..600 {
            let refused = matches!(status, 400 | 401 | 402 | 403 | 422 | 429);
            assert_eq!(after_answer(Status(status), 0).counts(), !refused, "{status}");
        }
        assert!(after_answer(Lost, 0).counts());
        assert!(!after_answer(NeverSent, 0).counts());
    }

    #[test]
    fn our_own_mistakes_do_not_open_the_breaker() {
        for (answer, want) in [
            (Accepted, breaker::Heard::Placed),
            (Status(429), breaker::Heard::ProviderFailed),
            (Status(500), breaker::Heard::ProviderFailed),
            (NeverSent, breaker::Heard::ProviderFailed),
            (Lost, breaker::Heard::ProviderFailed),
            (Status(400), breaker::Heard::Refused),
            (Status(402), breaker::Heard::Refused),
            (Status(422), breaker::Heard::Refused),
        ] {
            assert_eq!(after_answer(answer, 0).told_to_breaker(), want, "{answer:?}");
        }
    }
}
