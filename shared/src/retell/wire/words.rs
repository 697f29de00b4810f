//! The vendor's words: each list is open, so each has a last variant for what it doesn't know yet.

/// An enum of words that the vendor may add to.
macro_rules! open_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$word_doc])* $variant,)*
            /// A word that this program doesn't know.
            Unknown,
        }

        impl $name {
            /// Every word that this program knows.
            pub const KNOWN: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)*];

            /// Reads the vendor's word.
            pub fn read(word: &str) -> Self {
                let known = Self::KNOWN.iter().find(|(known, _)| *known == word);
                known.map_or(Self::Unknown, |(_, meaning)| *meaning)
            }
        }
    };
}

open_words! {
    /// Where a call stands (`call_status`). Not to be trusted in webhooks: the vendor's own sample of `call_ended` says
    /// `registered`.
    CallStatus {
        /// It has an id; dialling.
        Registered = "registered",
        /// People are talking.
        Ongoing = "ongoing",
        /// Over, having been connected; voicemail too.
        Ended = "ended",
        /// Over without having been connected.
        NotConnected = "not_connected",
        /// Over by a fault.
        Error = "error",
    }
}

open_words! {
    /// Why a call is over (`disconnection_reason`).
    DisconnectionReason {
        /// The contact hung up.
        UserHangup = "user_hangup",
        /// The voice hung up.
        AgentHangup = "agent_hangup",
        /// Transferred.
        CallTransfer = "call_transfer",
        /// An answering machine.
        VoicemailReached = "voicemail_reached",
        /// A menu of a telephone system.
        IvrReached = "ivr_reached",
        /// Nobody said anything.
        Inactivity = "inactivity",
        /// The longest duration was reached.
        MaxDurationReached = "max_duration_reached",
        /// A person took the call over.
        CallTakeOver = "call_take_over",
        /// Stopped by request.
        ManualStopped = "manual_stopped",
        /// The transfer was bridged.
        TransferBridged = "transfer_bridged",
        /// The transfer was cancelled.
        TransferCancelled = "transfer_cancelled",
        /// No slot, and no number to fall back to.
        NoConcurrencyFallback = "no_concurrency_fallback",
        /// Engaged.
        DialBusy = "dial_busy",
        /// Could not be dialled.
        DialFailed = "dial_failed",
        /// Nobody answered.
        DialNoAnswer = "dial_no_answer",
        /// No such number.
        InvalidDestination = "invalid_destination",
        /// The carrier doesn't allow it.
        TelephonyProviderPermissionDenied = "telephony_provider_permission_denied",
        /// The carrier is down.
        TelephonyProviderUnavailable = "telephony_provider_unavailable",
        /// The trunk could not route it.
        SipRoutingError = "sip_routing_error",
        /// Marked as spam on its way.
        MarkedAsSpam = "marked_as_spam",
        /// The contact rejected the call.
        UserDeclined = "user_declined",
        /// More calls at a time than the account allows.
        ConcurrencyLimitReached = "concurrency_limit_reached",
        /// The account isn't paid.
        NoValidPayment = "no_valid_payment",
        /// The provider suspects fraud.
        ScamDetected = "scam_detected",
        /// The language model's connection did not open.
        LlmWebsocketOpen = "error_llm_websocket_open",
        /// The language model's connection broke.
        LlmWebsocketLostConnection = "error_llm_websocket_lost_connection",
        /// The language model failed.
        LlmWebsocketRuntime = "error_llm_websocket_runtime",
        /// The language model sent nonsense.
        LlmWebsocketCorruptPayload = "error_llm_websocket_corrupt_payload",
        /// No sound arrived.
        NoAudioReceived = "error_no_audio_received",
        /// Speech was not recognised.
        Asr = "error_asr",
        /// A fault of the provider.
        Retell = "error_retell",
        /// A fault that the provider doesn't know.
        ErrorUnknown = "error_unknown",
        /// Web calls only.
        UserNotJoined = "error_user_not_joined",
        /// Placed five minutes or more after it was registered.
        RegisteredCallTimeout = "registered_call_timeout",
    }
}

open_words! {
    /// How the contact felt (`user_sentiment`), in the provider's view. Its word `Unknown` reads as
    /// [`Sentiment::Unknown`] too.
    Sentiment {
        /// Well.
        Positive = "Positive",
        /// Neither.
        Neutral = "Neutral",
        /// Badly.
        Negative = "Negative",
    }
}

open_words! {
    /// What a webhook tells (`event`).
    WebhookEvent {
        /// The call was connected. Not sent if it never is.
        CallStarted = "call_started",
        /// The call is over; without analysis.
        CallEnded = "call_ended",
        /// The call was analysed; the whole of it.
        CallAnalyzed = "call_analyzed",
        /// More was said.
        TranscriptUpdated = "transcript_updated",
        /// A transfer began.
        TransferStarted = "transfer_started",
        /// A transfer was bridged.
        TransferBridged = "transfer_bridged",
        /// A transfer was cancelled.
        TransferCancelled = "transfer_cancelled",
        /// A transfer ended.
        TransferEnded = "transfer_ended",
    }
}
