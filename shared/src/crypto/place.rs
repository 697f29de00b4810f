//! Where a sealed value belongs: the part of the seal that makes a value worthless anywhere else.

use uuid::Uuid;

use super::envelope::VERSION;

/// What is sealed with a contact's own key, and so ends with it.
///
/// Values that belong to a row other than the contact's name that row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContactField {
    /// The contact's name.
    Name,
    /// The phone number, E.164.
    Phone,
    /// The e-mail address.
    Email,
    /// Staff notes.
    Notes,
    /// What the voice may say besides the appointment.
    VoiceText,
    /// The tenant's own further fields, as one JSON object.
    CustomFields,
    /// Values before and after, in an entry of the audit chain.
    AuditValues {
        /// The audit entry.
        entry: Uuid,
    },
    /// What the provider wrote about one attempt's conversation.
    Conversation {
        /// The attempt.
        attempt: Uuid,
    },
    /// Why an appointment stands as it does, in the words of staff.
    StatusReason {
        /// The appointment.
        appointment: Uuid,
    },
}

/// What is sealed with a tenant's key, and outlives any one contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TenantField {
    /// A number on the do-not-call list.
    DoNotCallNumber,
    /// Details of an audit entry that is about no contact.
    AuditDetails,
    /// A webhook as it arrived, its tenant being known.
    WebhookBody,
    /// The secret with which a subscription's webhooks are signed.
    WebhookSecret,
    /// The answer kept for an idempotency key.
    IdempotentResponse,
    /// The key of a connected calendar.
    CalendarKey,
    /// The key of an uploaded file.
    ImportFile,
    /// A row of an import that is not a contact yet.
    ImportRow,
    /// The key of a file that was made for the tenant: an export, the faulty rows of an import.
    ExportFile,
    /// The filters of a saved view: they may quote a name.
    SavedView,
    /// What a user is called.
    PersonName,
    /// By what a user signs in.
    PersonEmail,
    /// The secret of a user's second factor.
    TotpSecret,
    /// A key that signs access tokens. The platform's.
    SigningKey,
    /// Why the platform's people look into a tenant.
    VisitReason,
    /// Why a number is on the do-not-call list, in the words of staff.
    DoNotCallReason,
    /// Why something may not be erased.
    HoldReason,
    /// Where a page of found contacts ended: it holds what they were ordered by. Kept by nobody but the client.
    SearchCursor,
    /// What a job was asked for: a selection may quote a name.
    JobParams,
}

/// What is sealed with a master key itself, because no tenant owns it or none is known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlatformField {
    /// The key with which a provider account's API is called.
    ProviderApiKey,
    /// The key with which a provider account signs its webhooks.
    ProviderWebhookKey,
    /// A webhook as it arrived, before its tenant is looked up.
    WebhookBody,
    /// A number of a do-not-call list in a host's journal, which outlives the tenant's keys of its day.
    JournalNumber,
}

/// What a tenant key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TenantKeyPurpose {
    /// Seals tenant values and wraps contact keys.
    Field,
    /// Makes equality hashes.
    Equality,
}

impl TenantKeyPurpose {
    /// The word kept in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Equality => "equality",
        }
    }

    /// The purpose kept as `word`, if there is one.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Field, Self::Equality].into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// Which block of a tenant's search index a sealed block is, and what it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SearchBlock {
    /// The index is written anew as a whole; this counts.
    pub generation: u64,
    /// The block's number in its generation.
    pub number: u32,
    /// How many contacts it has.
    pub rows: u32,
    /// The last entry of the chain of changes that the generation knows.
    pub watermark: u64,
}

/// A place, and whether what is there must hide its length.
///
/// The codes are part of stored data: a code is never given a second meaning.
#[derive(Clone, Copy)]
pub(super) struct Place {
    code: u16,
    tenant: Uuid,
    contact: Uuid,
    entity: Uuid,
    pub(super) padded: bool,
}

/// Version, code, tenant, contact, entity, key id.
const AAD_LEN: usize = 1 + 2 + 16 + 16 + 16 + 4;

impl Place {
    pub(super) fn tenant_key(tenant: Uuid, purpose: TenantKeyPurpose, id: u32) -> Self {
        let code = match purpose {
            TenantKeyPurpose::Field => 0x0101,
            TenantKeyPurpose::Equality => 0x0102,
        };
        // The wrapped key's own id takes the entity's part, so that two versions of a key can't be exchanged.
        Self {
            code,
            tenant,
            contact: Uuid::nil(),
            entity: Uuid::from_u128(id.into()),
            padded: false,
        }
    }

    pub(super) fn contact_key(tenant: Uuid, contact: Uuid) -> Self {
        Self { code: 0x0201, tenant, contact, entity: Uuid::nil(), padded: false }
    }

    pub(super) fn contact_field(tenant: Uuid, contact: Uuid, field: ContactField) -> Self {
        let (code, entity) = match field {
            ContactField::Name => (0x0301, Uuid::nil()),
            ContactField::Phone => (0x0302, Uuid::nil()),
            ContactField::Email => (0x0303, Uuid::nil()),
            ContactField::Notes => (0x0304, Uuid::nil()),
            ContactField::VoiceText => (0x0305, Uuid::nil()),
            ContactField::CustomFields => (0x0306, Uuid::nil()),
            ContactField::AuditValues { entry } => (0x0307, entry),
            ContactField::Conversation { attempt } => (0x0308, attempt),
            ContactField::StatusReason { appointment } => (0x0309, appointment),
        };
        Self { code, tenant, contact, entity, padded: true }
    }

    pub(super) fn tenant_field(tenant: Uuid, entity: Uuid, field: TenantField) -> Self {
        let (code, padded) = match field {
            TenantField::DoNotCallNumber => (0x0401, true),
            TenantField::AuditDetails => (0x0402, true),
            TenantField::WebhookBody => (0x0403, false),
            TenantField::WebhookSecret => (0x0404, false),
            TenantField::IdempotentResponse => (0x0405, false),
            TenantField::CalendarKey => (0x0406, false),
            TenantField::ImportFile => (0x0407, false),
            TenantField::ImportRow => (0x0408, true),
            TenantField::ExportFile => (0x0409, false),
            TenantField::SavedView => (0x040a, true),
            TenantField::PersonName => (0x040b, true),
            TenantField::PersonEmail => (0x040c, true),
            TenantField::TotpSecret => (0x040d, false),
            TenantField::SigningKey => (0x040e, false),
            TenantField::VisitReason => (0x040f, true),
            TenantField::DoNotCallReason => (0x0410, true),
            TenantField::HoldReason => (0x0431, true),
            TenantField::SearchCursor => (0x0411, true),
            TenantField::JobParams => (0x0412, true),
        };
        Self { code, tenant, contact: Uuid::nil(), entity, padded }
    }

    pub(super) fn platform(entity: Uuid, field: PlatformField) -> Self {
        let code = match field {
            PlatformField::ProviderApiKey => 0x0501,
            PlatformField::ProviderWebhookKey => 0x0502,
            PlatformField::WebhookBody => 0x0503,
            PlatformField::JournalNumber => 0x0504,
        };
        Self { code, tenant: Uuid::nil(), contact: Uuid::nil(), entity, padded: false }
    }

    pub(super) fn search_block(tenant: Uuid, block: SearchBlock) -> Self {
        // Fixed widths in the parts of contact and entity, which no other code of this range has.
        let SearchBlock { generation, number, rows, watermark } = block;
        let numbers = u64::from(number) << 32 | u64::from(rows);
        Self {
            code: 0x0601,
            tenant,
            contact: Uuid::from_u64_pair(generation, numbers),
            entity: Uuid::from_u64_pair(watermark, 0),
            padded: false,
        }
    }

    /// A chunk under a file's own key: the file takes the contact's part, as nothing else of this code does.
    pub(super) fn file_chunk(tenant: Uuid, file: Uuid, number: u64, last: bool) -> Self {
        let entity = Uuid::from_u64_pair(number, last.into());
        Self { code: 0x0701, tenant, contact: file, entity, padded: false }
    }

    /// The authenticated bytes: each part has a fixed width, so no two places share them.
    pub(super) fn aad(&self, key_id: u32) -> [u8; AAD_LEN] {
        let mut aad = [0; AAD_LEN];
        aad[0] = VERSION;
        aad[1..3].copy_from_slice(&self.code.to_be_bytes());
        aad[3..19].copy_from_slice(self.tenant.as_bytes());
        aad[19..35].copy_from_slice(self.contact.as_bytes());
        aad[35..51].copy_from_slice(self.entity.as_bytes());
        aad[51..55].copy_from_slice(&key_id.to_be_bytes());
        aad
    }
}
