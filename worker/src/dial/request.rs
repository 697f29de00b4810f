//! What the provider is told: who to ring, our ids, and what the voice needs to know.

use shared::calls::rules::policy::SpokenName;
use shared::calls::store::dial::Opened;
use shared::contacts::name::{PersonName, SpokenForm};
use shared::contacts::phone::PhoneNumber;
use shared::crypto::{ContactField, CryptoError, TenantKeys};
use shared::ids::{AttemptId, TenantId};
use shared::retell::wire::{CallMetadata, CreatePhoneCall, VariableError, VoiceVariables};
use shared::telemetry::traces;

/// Why there is nothing to send. Carries no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum RequestError {
    /// The contact was erased, or its key doesn't fit.
    #[error("the contact can't be read")]
    Contact,
    /// No agent or caller number.
    #[error("the tenant isn't configured")]
    Configuration,
    /// A variable can't be spoken.
    #[error("a variable can't be given to the voice: {0}")]
    Variable(#[from] VariableError),
}

impl From<CryptoError> for RequestError {
    fn from(_: CryptoError) -> Self {
        Self::Contact
    }
}

/// Builds the request of one attempt.
pub(super) fn build(
    opened: &Opened,
    keys: &TenantKeys,
    tenant: TenantId,
    attempt: AttemptId,
) -> Result<CreatePhoneCall, RequestError> {
    let (Some(agent), Some(from)) = (&opened.agent_id, &opened.caller_number) else {
        return Err(RequestError::Configuration);
    };
    let wrapped = opened.key_wrapped.as_deref().ok_or(RequestError::Contact)?;
    let key = keys.unwrap_contact_key(opened.contact.0, wrapped)?;
    let field = |field, sealed: &Option<Vec<u8>>| {
        sealed
            .as_deref()
            .ok_or(RequestError::Contact)
            .and_then(|sealed| Ok(key.open_text(field, sealed)?))
    };
    let phone = PhoneNumber::from_e164(&field(ContactField::Phone, &opened.phone)?)
        .map_err(|_| RequestError::Contact)?;
    let name: PersonName =
        field(ContactField::Name, &opened.name)?.parse().map_err(|_| RequestError::Contact)?;
    let form = match opened.snapshot.tenant.policy.spoken_name {
        SpokenName::Full => SpokenForm::Full,
        SpokenName::FirstNameAndInitial => SpokenForm::FirstNameAndInitial,
    };

    // An agent's prompt speaks an unset variable as it stands, so all are set.
    let mut variables = VoiceVariables::new();
    variables.set("spoken_name", name.spoken(form))?;
    let about = opened.appointment.as_ref();
    let zone = opened.snapshot.call.zone;
    let local = about.map(|appointment| appointment.at.with_timezone(&zone));
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    variables.set(
        "appointment_date",
        local.map(|at| at.format("%A, %-d %B").to_string()).unwrap_or_default(),
    )?;
    variables.set(
        "appointment_time",
        local.map(|at| at.format("%-I:%M %p").to_string()).unwrap_or_default(),
    )?;
    variables.set("appointment_with", text(about.and_then(|a| a.owner_name.as_ref())))?;
    variables.set("appointment_company", text(about.and_then(|a| a.company_name.as_ref())))?;
    variables.set("appointment_location", text(about.and_then(|a| a.location.as_ref())))?;
    // What a type is called may say what somebody is treated for; only what was written to be spoken gets here.
    variables.set("appointment_type", text(about.and_then(|a| a.spoken_type.as_ref())))?;
    let instructions = match about.and_then(|appointment| appointment.voice_text.as_deref()) {
        Some(sealed) => key.open_text(ContactField::VoiceText, sealed)?.to_string(),
        None => String::new(),
    };
    variables.set("special_instructions", instructions)?;
    let purpose = if about.is_some() { "appointment_reminder" } else { "call" };
    variables.set("call_purpose", purpose)?;

    Ok(CreatePhoneCall {
        from_number: from.clone(),
        to_number: phone.as_str().to_owned(),
        override_agent_id: Some(agent.clone()),
        agent_override: None,
        metadata: CallMetadata {
            attempt_id: attempt.0,
            session_id: opened.call.0,
            tenant_id: tenant.0,
            trace: traces::current(),
        },
        retell_llm_dynamic_variables: variables,
    })
}
