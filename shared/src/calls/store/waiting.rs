//! What operators ask when the telephone stays silent: which calls are due, and what are they waiting for? Counts and times
//! over all tenants; no names, no ids.

use crate::db::{Db, Error};

/// Due calls that wait for the same thing.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Waiting {
    /// A word of [`crate::telemetry::metrics::WAITS_FOR`].
    pub why: String,
    /// How many calls.
    pub calls: i64,
    /// How long the first of them has waited, in seconds.
    pub longest_seconds: f64,
    /// How long the tenant's look is overdue, in seconds: of `nothing`, how late dispatch is.
    pub late_seconds: f64,
}

/// Due calls by what stands before them. A call that its own checks put off is not due until then, and is not among them.
///
/// A tenant's look knows exactly (docs/api.md, explanations); here the first thing that would stop every look is named. Hours,
/// the window and the day's limit are one word: only a look can tell them apart.
///
/// # Errors
/// Any [`Error`].
pub async fn waiting(db: &Db) -> Result<Vec<Waiting>, Error> {
    Ok(sqlx::query_as(
        "with moment as (select app_clock() as now), tenant as ( \
             select d.tenant_id, m.now, d.next_dispatch_at, \
                 case when p.stop_all_at is not null then 'stop_all' \
                      when p.recovering_at is not null then 'recovering' \
                      when not t.active then 'inactive' \
                      when t.account_id is null then 'no_account' \
                      when t.refused_at is not null then 'refused' \
                      when t.paused_at is not null then 'paused' \
                      when t.auto_paused_at is not null then 'auto_paused' \
                      when a.held_at is not null then 'account_held' \
                      when a.breaker_open then 'breaker_open' \
                      when d.waits_for_account then 'account_full' \
                      when d.next_dispatch_at > m.now then 'limits' \
                      else 'nothing' end as why \
             from dispatch_state d cross join moment m join tenants t on t.id = d.tenant_id \
             left join accounts a on a.id = t.account_id cross join platform_state p) \
         select why, sum(due.calls)::bigint as calls, \
             extract(epoch from max(t.now - due.since))::float8 as longest_seconds, \
             greatest(extract(epoch from max(t.now - t.next_dispatch_at) filter (where t.next_dispatch_at > '1970-01-02')), 0)::float8 as late_seconds \
         from tenant t cross join lateral ( \
             select count(*) as calls, min(eligible_at) as since from ( \
                 select eligible_at from calls k where k.tenant_id = t.tenant_id and state = 'planned' and is_due \
                 union all \
                 select eligible_at from calls k where k.tenant_id = t.tenant_id and state = 'planned' and not is_due and eligible_at <= t.now) calls \
         ) due where due.calls > 0 group by why",
    )
    .fetch_all(db.engine_pool())
    .await?)
}

/// The platform at a glance.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Platform {
    /// Somebody stopped all dialling.
    pub stop_all: bool,
    /// Dialling is held after the database went back.
    pub recovering: bool,
    /// Tenants that an administrator paused.
    pub paused: i64,
    /// Tenants that the rule paused.
    pub auto_paused: i64,
    /// Tenants whose configuration the provider refused.
    pub refused: i64,
    /// Workers that showed a sign of life within ten seconds.
    pub workers: i64,
    /// Workers that fell silent in the last day, and of which nobody knows whether they are dead.
    pub silent_workers: i64,
    /// Webhooks that are stored and not applied yet.
    pub webhooks: i64,
    /// How long the first of them has waited, in seconds.
    pub oldest_webhook_seconds: f64,
    /// Accesses that are noted and not chained yet.
    pub accesses: i64,
    /// How long the first of them has waited, in seconds.
    pub oldest_access_seconds: f64,
    /// Rotations of tenants' keys that are not done.
    pub rotations: i64,
    /// How long the one that stands longest could have gone on and didn't, in seconds.
    pub rotation_stalled_seconds: f64,
    /// How long a tenant's round of retention is overdue, in seconds.
    pub retention_late_seconds: f64,
}

/// Reads it.
///
/// # Errors
/// Any [`Error`].
pub async fn platform(db: &Db) -> Result<Platform, Error> {
    Ok(sqlx::query_as(
        "with moment as (select app_clock() as now), \
         stored as (select count(*) as webhooks, min(received_at) as since from webhooks where state = 'stored'), \
         noted as (select count(*) as accesses, min(at) as noted_at from pending_accesses), \
         rotation as (select count(*) as rotations, min(greatest(changed_at, ready_at)) as stands_since \
             from key_rotations where state = 'running'), \
         retention as (select min(next_at) as round_at from retention_runs r join tenants t on t.id = r.tenant_id where t.active), \
         worker as (select count(*) filter (where seen_at > now - interval '10 seconds') as alive, \
                 count(*) filter (where seen_at <= now - interval '10 seconds') as silent \
             from senders cross join moment where ended_at is null and dead_at is null and seen_at > now - interval '1 day'), \
         tenant as (select count(*) filter (where paused_at is not null) as paused, \
                 count(*) filter (where auto_paused_at is not null) as auto_paused, \
                 count(*) filter (where refused_at is not null) as refused from tenants where active) \
         select stop_all_at is not null as stop_all, recovering_at is not null as recovering, \
             paused, auto_paused, refused, alive as workers, silent as silent_workers, webhooks, \
             greatest(coalesce(extract(epoch from now - since), 0), 0)::float8 as oldest_webhook_seconds, accesses, \
             greatest(coalesce(extract(epoch from now - noted_at), 0), 0)::float8 as oldest_access_seconds, \
             rotations, \
             greatest(coalesce(extract(epoch from clock_timestamp() - stands_since), 0), 0)::float8 as rotation_stalled_seconds, \
             greatest(coalesce(extract(epoch from now - round_at), 0), 0)::float8 as retention_late_seconds \
         from platform_state, moment, stored, noted, rotation, retention, worker, tenant",
    )
    .fetch_one(db.engine_pool())
    .await?)
}
