//! The database's own word about who may read what: a new table that forgets a wall fails here.

use shared::testing::World;

/// Tables that hold rows of one tenant each, or of the platform as its tenants see it.
const OF_A_TENANT: &str = "select c.relname::text from pg_class c
     where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
       and (c.relname in ('tenants', 'accounts', 'webhooks')
            or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnum > 0
                       and not a.attisdropped))";

#[tokio::test]
async fn every_table_of_a_tenant_has_forced_row_security() {
    let world = World::new().await;
    let open = world
        .texts(
            "select c.relname::text from pg_class c
             where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
               and not (c.relrowsecurity and c.relforcerowsecurity)
             order by 1",
        )
        .await;
    // One row that tells the time, and the migrations' own ledger, which neither serving role may touch.
    assert_eq!(open, ["_sqlx_migrations", "demo_clock"]);
    assert!(world.texts(OF_A_TENANT).await.len() > 15, "the query must see the tables");
}

#[tokio::test]
async fn every_table_of_a_tenant_has_a_policy_that_asks_for_the_tenant() {
    let world = World::new().await;
    let without = world
        .texts(
            "select c.relname::text from pg_class c
             join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
             where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
               and has_any_column_privilege('vio_app', c.oid, 'select')
               and not exists (select from pg_policies p
                               where p.schemaname = 'public' and p.tablename = c.relname
                                 and p.roles = '{vio_app}' and p.qual like '%tid()%')
             order by 1",
        )
        .await;
    assert_eq!(without, [""; 0]);
}

#[tokio::test]
async fn every_policy_names_its_role() {
    let world = World::new().await;
    let loose = world
        .texts(
            "select tablename || '.' || policyname from pg_policies
             where schemaname = 'public' and (roles <> '{vio_app}' and roles <> '{vio_engine}')",
        )
        .await;
    assert_eq!(loose, [""; 0], "a policy for PUBLIC, or for a role nobody knows");
}

/// A row seen by `vio_app` without a tenant would be seen by every tenant.
#[tokio::test]
async fn only_what_is_the_platforms_is_seen_by_every_tenant() {
    let world = World::new().await;
    let open = world
        .texts(
            "select tablename || ' for ' || lower(cmd) from pg_policies
             where schemaname = 'public' and roles = '{vio_app}' and qual not like '%tid()%' order by 1",
        )
        .await;
    assert_eq!(open, ["platform_state for select", "senders for select"]);
}

#[tokio::test]
async fn no_serving_role_can_pass_row_security() {
    let world = World::new().await;
    let free = world
        .texts(
            "select rolname::text from pg_roles
             where rolname in ('vio_owner', 'vio_app', 'vio_engine') and (rolsuper or rolbypassrls)",
        )
        .await;
    assert_eq!(free, [""; 0]);
    let owned = world
        .texts(
            "select relname::text from pg_class
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
               and relowner in ('vio_app'::regrole, 'vio_engine'::regrole)",
        )
        .await;
    assert_eq!(owned, [""; 0], "an owner can switch row security off");
}

#[tokio::test]
async fn what_is_append_only_cannot_be_rewritten() {
    let world = World::new().await;
    let rewritable = world
        .texts(
            "select t || ' ' || r || ' ' || p
             from unnest(array['events', 'acknowledgements', 'training_completions', 'audit_entries', 'audit_heads', 'operator_acts', 'platform_entries']) t, unnest(array['vio_app', 'vio_engine']) r,
                  unnest(array['update', 'delete', 'truncate']) p
             where has_table_privilege(r, t, p) or p = 'update' and has_any_column_privilege(r, t, p)",
        )
        .await;
    assert_eq!(rewritable, [""; 0]);
}

/// What the engine reads before a tenant is known: ids, times, states and hashes. A column more is a decision.
#[tokio::test]
async fn the_engine_reads_exactly_these_columns() {
    let world = World::new().await;
    let whole = world
        .texts(
            "select c.relname::text from pg_class c
             where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
               and has_table_privilege('vio_engine', c.oid, 'select') order by 1",
        )
        .await;
    assert_eq!(
        whole,
        [
            "accounts",
            "api_keys",
            "demo_clock",
            "dispatch_state",
            "dispatch_wakes",
            "operator_acts",
            "password_links",
            "platform_entries",
            "platform_head",
            "platform_keys",
            "platform_people",
            "platform_state",
            "recovery_codes",
            "refresh_tokens",
            "search_changes",
            "search_marks",
            "senders",
            "sessions",
            "signing_keys",
            "visits",
            "webhooks",
        ]
    );
    let columns = world
        .texts(
            "select c.relname || ': ' || string_agg(a.attname, ' ' order by a.attname) from pg_class c
             join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
               and not has_table_privilege('vio_engine', c.oid, 'select')
               and has_column_privilege('vio_engine', c.oid, a.attnum, 'select')
             group by c.relname order by 1",
        )
        .await;
    assert_eq!(
        columns,
        [
            "attempts: account_id analysed_at answer answered_at call_id campaign_id check_at claimed_by claimed_tasks \
             ended_at expires_at holds_slot id intent_at provider_call_id reserved_at send_no sender_done_at sent_at \
             serial settled_at state status_code tenant_id",
            "audit_heads: at chain key_id n serial tenant_id",
            "calls: deadline due eligible_at front front_until id is_due state tenant_id trace warn_at",
            "idempotency_keys: created_at key_hash tenant_id",
            "imports: created_at id job_id tenant_id",
            "jobs: beat_at created_at ended_at id kind ready_at run_no send_no sent_at state tenant_id",
            "key_rotations: changed_at kind ready_at state tenant_id",
            "pending_accesses: at tenant_id",
            "retention_runs: next_at tenant_id",
            "search_blocks: generation tenant_id",
            "search_generations: id tenant_id",
            "tenant_heads: access_hash access_n change_hash change_n event_n tenant_id",
            "tenants: account_id active auto_paused_at created_at id name paused_at refused_at second_factor_required zone",
            "users: created_at email_eq id password_hash role signed_in_at state tenant_id totp totp_confirmed_at totp_step \
             updated_at version",
        ]
    );
}

/// Keys of provider accounts are for the engine alone.
#[tokio::test]
async fn tenants_never_read_an_accounts_keys() {
    let world = World::new().await;
    let seen = world
        .texts(
            "select a.attname::text from pg_attribute a
             where a.attrelid = 'accounts'::regclass and a.attnum > 0 and a.attname like '%key%'
               and has_column_privilege('vio_app', a.attrelid, a.attnum, 'select')",
        )
        .await;
    assert_eq!(seen, [""; 0]);
}

/// Hashes of passwords and tokens, and secrets, are for the engine alone; names and addresses of people, for their tenant.
#[tokio::test]
async fn a_tenant_reads_no_secret_of_its_people_and_the_engine_no_name() {
    let world = World::new().await;
    let seen = world
        .texts(
            "select c.relname || '.' || a.attname from pg_class c
             join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             where (c.relname, a.attname) in (('users', 'password_hash'), ('users', 'totp'), ('password_links', 'hash'),
                     ('api_keys', 'hash'))
                 and has_column_privilege('vio_app', c.oid, a.attnum, 'select')
             union all
             select c.relname::text from pg_class c
             where c.relname in ('refresh_tokens', 'recovery_codes', 'signing_keys', 'platform_keys', 'platform_people')
                 and has_any_column_privilege('vio_app', c.oid, 'select')
             union all
             select 'engine: ' || a.attname from pg_attribute a
             where a.attrelid = 'users'::regclass and a.attname in ('name', 'email')
                 and has_column_privilege('vio_engine', a.attrelid, a.attnum, 'select')",
        )
        .await;
    assert_eq!(seen, [""; 0]);
}

/// Every column of bytes, and what becomes of it when keys rotate and contacts are erased. A new column fails here until somebody
/// has thought of both: `rotation::store`, `operators::store::keys` and `retention::store::erase` are where it is done.
const BYTES: &[(&str, &str)] = &[
    ("accounts.key_sealed", "master: rewrapped"),
    ("accounts.webhook_key_old", "master: rewrapped"),
    ("accounts.webhook_key_sealed", "master: rewrapped"),
    ("api_keys.hash", "of a random key: no rotation"),
    ("appointments.status_reason_sealed", "contact's: sealed anew, erased"),
    ("appointments.voice_text", "contact's: sealed anew, erased"),
    (
        "attempts.number_eq",
        "equality: brought along with its number; forgotten 35 days after the dial",
    ),
    ("audit_entries.chain_hash", "of the chain"),
    (
        "audit_entries.detail",
        "tenant's or contact's: never changed; an old key opens it, an erased one doesn't",
    ),
    ("audit_entries.row_hash", "of the chain"),
    ("audit_heads.hash", "of the chain"),
    ("audit_heads.previous", "of the chain"),
    ("audit_heads.signature", "of the chain: signed anew by a new master key, never changed"),
    ("bad_numbers.number_eq", "equality: brought along with its number"),
    ("contact_views.sealed", "tenant's: sealed anew"),
    ("contacts.email", "contact's: sealed anew, erased"),
    ("contacts.email_eq", "equality: hashed anew, erased"),
    ("contacts.key_wrapped", "tenant's: wrapped anew, erased"),
    ("contacts.name", "contact's: sealed anew, erased"),
    ("contacts.notes", "contact's: sealed anew, erased"),
    ("contacts.phone", "contact's: sealed anew, erased"),
    ("contacts.phone_eq", "equality: brought along with its number; a hash of nothing once erased"),
    ("do_not_call.number", "tenant's: sealed anew; survives erasure"),
    ("do_not_call.number_eq", "equality: brought along with its number; survives erasure"),
    ("do_not_call.reason_sealed", "tenant's: sealed anew; survives erasure"),
    ("idempotency_keys.body", "tenant's: gone after a day; until then an old key opens it"),
    ("idempotency_keys.key_hash", "of a client's word"),
    ("idempotency_keys.request_hash", "zeros: what was asked is sealed with the answer"),
    ("import_templates.sealed", "tenant's: sealed anew"),
    (
        "imports.content",
        "the file's own key's: gone with the key; a day after the upload, or a week after its job",
    ),
    ("imports.key_wrapped", "tenant's: wrapped anew; a file's own key"),
    (
        "job_items.before_sealed",
        "contact's: ends with the contact's key, and 30 days after the job's end",
    ),
    ("jobs.params", "tenant's: sealed anew; gone 30 days after the job's end"),
    ("legal_holds.reason", "tenant's: sealed anew"),
    ("operator_acts.chain_hash", "of the chain"),
    ("operator_acts.row_hash", "of the chain"),
    ("password_links.hash", "of a random link"),
    ("pending_accesses.shown", "ids"),
    ("platform_entries.chain_hash", "of the chain"),
    ("platform_entries.detail", "the platform's: its keys don't rotate"),
    ("platform_entries.row_hash", "of the chain"),
    ("platform_head.hash", "of the chain"),
    ("platform_keys.wrapped", "master: rewrapped"),
    ("platform_people.email", "the platform's: its keys don't rotate"),
    ("platform_people.name", "the platform's: its keys don't rotate"),
    ("recovery_codes.hash", "of a random code"),
    ("refresh_tokens.hash", "of a random token"),
    ("search_blocks.sealed", "tenant's: made anew, forgotten when somebody is erased"),
    ("signing_keys.public_key", "public"),
    ("signing_keys.sealed", "the platform's: its keys don't rotate"),
    ("tenant_heads.access_hash", "of the chain"),
    ("tenant_heads.change_hash", "of the chain"),
    ("tenant_keys.wrapped", "master: rewrapped; destroyed when the tenant is shredded"),
    ("transcripts.recording_url", "contact's: sealed anew, erased"),
    ("transcripts.transcript", "contact's: sealed anew, erased"),
    ("users.email", "tenant's: sealed anew"),
    ("users.email_eq", "the platform's: its keys don't rotate"),
    ("users.name", "tenant's: sealed anew"),
    ("users.totp", "the platform's: its keys don't rotate"),
    ("visits.reason", "tenant's: sealed anew"),
    ("webhooks.body", "master: sealed anew; removed once applied, a week later at most"),
    (
        "webhooks.body_hash",
        "of the master key of that day: another one knows a repetition no more, which is harmless",
    ),
];

#[tokio::test]
async fn every_column_of_bytes_has_its_place_in_rotation_and_erasure() {
    let world = World::new().await;
    let columns = world
        .texts(
            "select c.relname || '.' || a.attname from pg_class c
             join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
               and a.atttypid in ('bytea'::regtype, 'bytea[]'::regtype) and c.relname <> '_sqlx_migrations'
             order by 1",
        )
        .await;
    let known: Vec<&str> = BYTES.iter().map(|(column, _)| *column).collect();
    assert_eq!(columns, known, "say what rotation and erasure do with it, and see that they do");
}
