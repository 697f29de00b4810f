//! What a disconnection reason of the voice provider says about a dial: a total table.
//!
//! The vendor's list is open (it grew between releases of its SDK), so a reason that isn't here reads as
//! [`Ending::Review`]: it rang, it counts, and somebody looks at it. The call's status is not used: a voicemail has
//! status *ended*, like a conversation, and the vendor's own sample of an ended call says *registered*.
//!
//! A dial counts unless it was definitely not placed. So a reason that doesn't say that the telephone stayed silent
//! counts, even where it probably did: one call too few is better than one too many.

/// How a dial ended, going by the provider's reason alone.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Someone answered, and the conversation came to an end of its own.
    Answered,
    /// It rang, and nobody took the call or somebody declined it.
    NoAnswer,
    /// The line was engaged.
    Busy,
    /// A machine answered.
    Voicemail,
    /// The network didn't put the call through, for a reason that may pass.
    DialFailed,
    /// The number doesn't exist.
    InvalidDestination,
    /// The provider accepted the call and then definitely didn't place it.
    NotPlaced,
    /// The provider didn't place the call, since the account isn't paid for.
    AccountHeld,
    /// The contact asked the provider not to be called again.
    OptedOut,
    /// What happened isn't known well enough to act on: a person should look.
    Review,
}

/// Who is to blame for a dial that didn't reach its contact.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The voice provider or the carrier behind it.
    Provider,
    /// The tenant: its agent, its caller number, its trunk.
    Tenant,
    /// The number that was dialled.
    Number,
    /// Nobody: people are out, or on the telephone.
    Nobody,
}

/// A row of the table.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Reading {
    /// How the dial ended.
    pub ending: Ending,
    /// The telephone rang, or may have rung.
    pub rang: bool,
    /// Who is to blame.
    pub fault: Fault,
    /// The dial counts for gap and attempts.
    pub counts: bool,
}

const fn rang(ending: Ending, fault: Fault) -> Reading {
    Reading { ending, rang: true, fault, counts: true }
}

const fn silent(ending: Ending, fault: Fault) -> Reading {
    Reading { ending, rang: false, fault, counts: true }
}

const fn uncounted(ending: Ending, fault: Fault) -> Reading {
    Reading { ending, rang: false, fault, counts: false }
}

/// Reads the provider's `disconnection_reason`; an absent one is the empty string.
///
/// Source: the vendor's SDK 5.66.1 and its page on disconnections; the last groups were seen in other projects only.
pub fn read(reason: &str) -> Reading {
    match reason {
        "user_hangup" | "agent_hangup" | "inactivity" | "max_duration_reached" => {
            rang(Ending::Answered, Fault::Nobody)
        }
        // Passed on to people, who are told what was said and take it from there.
        "call_transfer" | "transfer_bridged" | "transfer_cancelled" | "call_take_over" => {
            rang(Ending::Answered, Fault::Nobody)
        }
        // A menu is no person either: nobody heard the reminder.
        "voicemail_reached" | "machine_detected" | "ivr_reached" => {
            rang(Ending::Voicemail, Fault::Nobody)
        }
        "dial_no_answer" | "user_declined" => rang(Ending::NoAnswer, Fault::Nobody),
        "dial_busy" => rang(Ending::Busy, Fault::Nobody),
        "user_requested_dnc" => rang(Ending::OptedOut, Fault::Nobody),

        // Telephones that are off or out of reach end here too, so the number isn't bad, and it may even have rung.
        "dial_failed" => rang(Ending::DialFailed, Fault::Number),
        "telephony_provider_unavailable" => silent(Ending::DialFailed, Fault::Provider),
        "sip_routing_error" => silent(Ending::DialFailed, Fault::Tenant),
        "invalid_destination" => uncounted(Ending::InvalidDestination, Fault::Number),

        // The vendor's own limits: the call waited at the provider and never left it.
        "concurrency_limit_reached" | "registered_call_timeout" => {
            uncounted(Ending::NotPlaced, Fault::Provider)
        }
        "no_valid_payment" => uncounted(Ending::AccountHeld, Fault::Provider),
        // Might end a conversation half-way. The next request is answered 402, and holds the account.
        "credit_exhausted" | "budget_reached" => rang(Ending::Review, Fault::Provider),

        // Another dial would end the same way until the tenant has put something right.
        "telephony_provider_permission_denied" | "marked_as_spam" | "network_blocked" => {
            silent(Ending::Review, Fault::Tenant)
        }
        "scam_detected" => rang(Ending::Review, Fault::Tenant),
        // These sockets lead to a language model that the tenant's agent names, not to the vendor's.
        "error_llm_websocket_open"
        | "error_llm_websocket_lost_connection"
        | "error_llm_websocket_runtime"
        | "error_llm_websocket_corrupt_payload" => rang(Ending::Review, Fault::Tenant),
        "error_no_audio_received" | "error_asr" | "error_retell" | "error_unknown" => {
            rang(Ending::Review, Fault::Provider)
        }
        // Somebody stopped it, perhaps while it rang, perhaps in mid-sentence.
        "manual_stopped" => rang(Ending::Review, Fault::Nobody),
        // Of web calls and inbound calls: on a dial of ours they make no sense.
        "error_user_not_joined" | "no_concurrency_fallback" | "error_inbound_webhook" => {
            rang(Ending::Review, Fault::Provider)
        }
        _ => rang(Ending::Review, Fault::Nobody),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ending::*;

    #[test]
    fn each_reason_has_one_reading() {
        let (provider, tenant, number, nobody) =
            (Fault::Provider, Fault::Tenant, Fault::Number, Fault::Nobody);
        // Columns: reason, ending, rang, fault, counts, why.
        let table = [
            ("user_hangup", Answered, true, nobody, true, "the contact ended the conversation"),
            ("agent_hangup", Answered, true, nobody, true, "the agent ended the conversation"),
            ("inactivity", Answered, true, nobody, true, "answered, then silence"),
            ("max_duration_reached", Answered, true, nobody, true, "a long conversation"),
            ("call_transfer", Answered, true, nobody, true, "passed on to staff"),
            ("transfer_bridged", Answered, true, nobody, true, "passed on to staff"),
            ("transfer_cancelled", Answered, true, nobody, true, "a conversation nevertheless"),
            ("call_take_over", Answered, true, nobody, true, "staff took over"),
            ("voicemail_reached", Voicemail, true, nobody, true, "a machine"),
            ("machine_detected", Voicemail, true, nobody, true, "its historic name"),
            ("ivr_reached", Voicemail, true, nobody, true, "a menu is a machine"),
            ("dial_no_answer", NoAnswer, true, nobody, true, "rang out"),
            ("user_declined", NoAnswer, true, nobody, true, "pressed away, said nothing"),
            ("dial_busy", Busy, true, nobody, true, "engaged"),
            ("user_requested_dnc", OptedOut, true, nobody, true, "asked not to be called"),
            ("dial_failed", DialFailed, true, number, true, "telephone off; may have rung"),
            ("telephony_provider_unavailable", DialFailed, false, provider, true, "carrier down"),
            ("sip_routing_error", DialFailed, false, tenant, true, "the tenant's trunk"),
            ("invalid_destination", InvalidDestination, false, number, false, "no such number"),
            ("concurrency_limit_reached", NotPlaced, false, provider, false, "no slot"),
            ("registered_call_timeout", NotPlaced, false, provider, false, "never left the queue"),
            ("no_valid_payment", AccountHeld, false, provider, false, "402 in other words"),
            ("credit_exhausted", Review, true, provider, true, "perhaps in mid-call"),
            ("budget_reached", Review, true, provider, true, "perhaps in mid-call"),
            (
                "telephony_provider_permission_denied",
                Review,
                false,
                tenant,
                true,
                "the trunk may not dial there",
            ),
            ("marked_as_spam", Review, false, tenant, true, "the caller number's reputation"),
            ("network_blocked", Review, false, tenant, true, "the caller number's reputation"),
            ("scam_detected", Review, true, tenant, true, "the agent's words were judged"),
            ("error_llm_websocket_open", Review, true, tenant, true, "the agent's own model"),
            ("error_llm_websocket_lost_connection", Review, true, tenant, true, "its model broke"),
            ("error_llm_websocket_runtime", Review, true, tenant, true, "its model broke"),
            ("error_llm_websocket_corrupt_payload", Review, true, tenant, true, "its model broke"),
            ("error_no_audio_received", Review, true, provider, true, "answered into silence"),
            ("error_asr", Review, true, provider, true, "the vendor couldn't hear"),
            ("error_retell", Review, true, provider, true, "the vendor broke"),
            ("error_unknown", Review, true, provider, true, "the vendor broke"),
            ("manual_stopped", Review, true, nobody, true, "stopped at an unknown moment"),
            ("error_user_not_joined", Review, true, provider, true, "of web calls"),
            ("no_concurrency_fallback", Review, true, provider, true, "of inbound calls"),
            ("error_inbound_webhook", Review, true, provider, true, "of inbound calls, historic"),
            ("a_reason_of_next_year", Review, true, nobody, true, "unknown: it rang"),
            ("USER_HANGUP", Review, true, nobody, true, "not the vendor's spelling, so not known"),
            ("", Review, true, nobody, true, "no reason given"),
        ];
        for (reason, ending, rang, fault, counts, why) in table {
            let want = Reading { ending, rang, fault, counts };
            let row = read(reason);
            assert_eq!(row, want, "{reason:?}: {why}");
            assert!(row.counts || !row.rang, "{reason:?}: what rang counts");
        }
    }
}
