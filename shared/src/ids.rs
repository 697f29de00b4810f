//! Typed ids. Every id is a UUID of version 7, made by the caller, so that new rows land at the end of an index.

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, sqlx::Type,
            schemars::JsonSchema,
        )]
        #[serde(transparent)]
        #[schemars(inline)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, later than those made before it on this machine.
            #[expect(clippy::new_without_default, reason = "a default id would be a surprise")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// One business.
    TenantId,
    /// A key at the voice provider, with its limits.
    AccountId,
    /// A person.
    ContactId,
    /// A time that a contact has with the tenant.
    AppointmentId,
    /// One intended conversation.
    CallId,
    /// One dial of a call.
    AttemptId,
    /// One of the tenant's types of appointments.
    AppointmentTypeId,
    /// One of the tenant's places.
    LocationId,
    /// That somebody acknowledged something about a contact.
    AcknowledgementId,
    /// A set of contacts that a tenant put together.
    GroupId,
    /// Many calls planned together.
    CampaignId,
    /// A long task, with progress.
    JobId,
    /// An uploaded file.
    ImportId,
    /// A mapping that a tenant keeps.
    ImportTemplateId,
    /// An entry of the do-not-call list.
    DoNotCallId,
    /// What screening a text came to.
    DetectionId,
    /// That somebody completed a training module.
    CompletionId,
    /// A search that somebody keeps.
    ViewId,
    /// A word that something may not be erased.
    LegalHoldId,
    /// What a tenant uploaded, or what was made for it to download.
    FileId,
    /// A received webhook.
    WebhookId,
    /// Something staff should look at.
    FlagId,
    /// An API key.
    ApiKeyId,
    /// One run of a process that may dial.
    SenderId,
    /// Somebody who signs in.
    UserId,
    /// From one sign-in to its end.
    SessionId,
    /// A declared access of the platform's people to one tenant.
    VisitId,
    /// A key that signs access tokens.
    SigningKeyId,
}
