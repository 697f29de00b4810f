//! What is not sealed, and why: the one list.

use shared::testing::World;

/// Every column of words, and why it may lie there in clear: it names nobody who is called. docs/leakage.md tells what they say
/// together.
const IN_CLEAR: &[(&str, &str)] = &[
    ("accounts.base_url", "where a provider is asked"),
    ("accounts.breaker", "a word of ours"),
    ("accounts.check_result", "a word of ours"),
    ("accounts.held_reason", "a word of ours"),
    ("accounts.name", "the platform's name for it"),
    ("acknowledgements.how", "a word of ours"),
    ("acknowledgements.kind", "a word of ours"),
    ("acknowledgements.recorded_by", "an actor: an id"),
    ("acknowledgements.text_version", "of a text"),
    ("api_keys.made_by", "an actor: an id"),
    ("api_keys.name", "of a program"),
    ("api_keys.role", "a word of ours"),
    ("api_keys.scopes", "words of ours"),
    (
        "appointment_types.name",
        "the tenant's list; one that names a diagnosis tells it, of nobody by name",
    ),
    ("appointment_types.names", "the same, as it was before"),
    ("appointment_types.spoken_name", "the same, as it is spoken"),
    ("appointments.attendance", "a word of ours"),
    ("appointments.attendance_by", "an actor: an id"),
    ("appointments.company_name", "of the business"),
    ("appointments.confirmed_by", "an actor: an id"),
    ("appointments.location", "the tenant's list"),
    ("appointments.owner_name", "who is to be met, of the business: rules.md leaves it in clear"),
    ("appointments.source", "a word of ours"),
    ("appointments.status", "a word of ours"),
    (
        "appointments.status_reason",
        "what the release before wrote; empty once `api admin seal-reasons` was run (docs/decisions/sealed-text.md)",
    ),
    ("appointments.type", "the tenant's list"),
    ("attempts.answer", "a word of ours"),
    ("attempts.ended_reason", "a word of the provider"),
    ("attempts.facts", "which facts are known: words of ours and of the provider"),
    ("attempts.fault", "a word of ours"),
    ("attempts.outcome", "a word of ours"),
    ("attempts.provider_call_id", "the provider's id: who has its account too learns the number"),
    ("attempts.purpose_key", "ids"),
    ("attempts.state", "a word of ours"),
    ("audit_entries.action", "a word of ours"),
    ("audit_entries.actor", "an actor: an id"),
    ("audit_entries.chain", "a word of ours"),
    ("audit_heads.chain", "a word of ours"),
    ("audit_heads.key_id", "of a public key"),
    ("bad_numbers.reason", "a word of ours"),
    ("calls.blocked", "words of ours"),
    ("calls.ended_reason", "a word of ours"),
    ("calls.kind", "a word of ours"),
    ("calls.outcome", "a word of ours"),
    ("calls.purpose_key", "ids"),
    ("calls.state", "a word of ours"),
    ("calls.trace", "random"),
    ("closed_dates.name", "of a holiday of the business"),
    ("contact_views.created_by", "an actor: an id"),
    ("contact_views.owner", "an actor: an id"),
    ("contacts.channel", "a word of ours"),
    ("contacts.consent_by", "an actor: an id"),
    ("contacts.region", "the country of a number, of a few"),
    ("contacts.zone", "a zone of the clock, of a few"),
    ("do_not_call.added_by", "an actor: an id"),
    (
        "do_not_call.reason",
        "a worker's word; what the release before wrote is sealed by `api admin seal-reasons`",
    ),
    ("do_not_call.removed_by", "an actor: an id"),
    ("do_not_call.source", "a word of ours"),
    ("events.kind", "a word of ours"),
    ("flags.reason", "a word of ours"),
    ("group_members.added_by", "an actor: an id"),
    ("groups.colour", "a word of ours"),
    ("groups.created_by", "an actor: an id"),
    ("groups.description", "of a group, not of a person; what staff write there may be read"),
    ("groups.name", "of a group; what staff write there may be read"),
    ("groups.name_key", "the same, folded"),
    ("idempotency_keys.headers", "addresses with ids, versions"),
    ("key_rotations.kind", "a word of ours"),
    ("key_rotations.phase", "a word of ours"),
    ("key_rotations.state", "a word of ours"),
    ("legal_holds.placed_by", "an actor: an id"),
    ("legal_holds.released_by", "an actor: an id"),
    ("locations.address", "of the business"),
    ("locations.hours", "of the business"),
    ("locations.name", "of the business"),
    ("locations.names", "of the business, as it was before"),
    ("locations.zone", "a zone of the clock"),
    ("operator_acts.action", "a word of ours"),
    (
        "operator_acts.detail",
        "of what operators did to tenants and accounts: ids, and reasons about the business",
    ),
    ("operator_acts.operator", "the name that an operator's machine has"),
    ("password_links.kind", "a word of ours"),
    ("pending_accesses.action", "a word of ours"),
    ("pending_accesses.actor", "an actor: an id"),
    ("phi_detections.actor", "an actor: an id"),
    ("phi_detections.field", "a word of ours"),
    ("phi_detections.kinds", "words of ours: what was found, never the text, and of no contact"),
    ("phi_detections.outcome", "a word of ours"),
    ("phi_detections.severity", "a word of ours"),
    ("platform_entries.action", "a word of ours"),
    ("platform_entries.actor", "an actor: an id"),
    ("platform_keys.purpose", "a word of ours"),
    ("platform_state.stop_all_reason", "of the platform"),
    ("retention_runs.spared", "counts by words of ours"),
    ("sessions.ended_why", "a word of ours"),
    ("tenant_keys.purpose", "a word of ours"),
    ("tenants.agent_id", "the provider's id"),
    ("tenants.allowance", "settings"),
    ("tenants.auto_paused_reason", "a word of ours"),
    ("tenants.caller_number", "the business's own number"),
    ("tenants.name", "of the business"),
    ("tenants.paused_reason", "of the business"),
    ("tenants.policy", "settings"),
    ("tenants.policy_added", "settings"),
    ("tenants.refused_reason", "a word of ours"),
    ("tenants.zone", "a zone of the clock"),
    ("training_completions.module", "a word of ours"),
    ("users.password_hash", "argon2id, 19 MiB and two passes a guess"),
    ("users.role", "a word of ours"),
    ("users.state", "a word of ours"),
    ("visits.kind", "a word of ours"),
    ("webhooks.format", "a word of ours"),
    ("webhooks.result", "a word of ours"),
    ("webhooks.state", "a word of ours"),
    ("webhooks.trace", "random"),
];

#[tokio::test]
async fn every_column_of_text_is_known_to_be_no_persons() {
    let world = World::new().await;
    let columns = world
        .texts(
            "select c.relname || '.' || a.attname from pg_class c
             join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             join pg_type t on t.oid = a.atttypid
             where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and c.relname <> '_sqlx_migrations'
               and (t.typcategory = 'S' or t.typname in ('json', 'jsonb', '_text', '_varchar', '_jsonb'))
             order by 1",
        )
        .await;
    let known: Vec<&str> = IN_CLEAR.iter().map(|(column, _)| *column).collect();
    let new: Vec<_> = columns.iter().filter(|column| !known.contains(&column.as_str())).collect();
    assert_eq!(new, [""; 0], "seal it, or say why it may be read by who steals the database");
    let gone: Vec<_> =
        known.iter().filter(|column| !columns.iter().any(|is| is == *column)).collect();
    assert_eq!(gone, [&""; 0], "it is gone");
}
