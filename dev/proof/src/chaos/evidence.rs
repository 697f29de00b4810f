//! What is judged: the provider's record by the rules' clock, and what the database says at the end.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use uuid::Uuid;

use super::scene::Scene;
use crate::stage::witness::Dial;

/// All of it. Instants are Unix milliseconds by the rules' clock, unless they are called *real*.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) now: i64,
    pub(crate) planned: Vec<Uuid>,
    /// Contacts that the API said it had made, each with an appointment.
    pub(crate) newcomers: Vec<Uuid>,
    /// Contacts that are flagged for staff.
    pub(crate) flagged: BTreeSet<Uuid>,
    pub(crate) dials: Vec<Dialled>,
    pub(crate) calls: BTreeMap<Uuid, Call>,
    pub(crate) attempts: BTreeMap<Uuid, Attempt>,
    pub(crate) tenants: BTreeMap<Uuid, Limits>,
    /// Tenant and number, and since when it is listed.
    pub(crate) listed: BTreeMap<(Uuid, String), i64>,
}

/// A request as the provider saw it, and when that was by the rules' clock.
#[derive(Debug, Clone)]
pub(crate) struct Dialled {
    pub(crate) dial: Dial,
    pub(crate) at: i64,
    /// When the provider began to dial; `at` unless it queued the start.
    pub(crate) started: i64,
    /// The clock was moved while the request was under way: it has no one time by the rules.
    pub(crate) straddles: bool,
}

/// A call at the end.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub(crate) struct Call {
    pub(crate) id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) contact_id: Uuid,
    pub(crate) purpose_key: String,
    pub(crate) state: String,
    pub(crate) explained: bool,
    pub(crate) blocked: bool,
    pub(crate) deadline: i64,
    pub(crate) eligible: i64,
    pub(crate) is_due: bool,
    pub(crate) next_look: i64,
    pub(crate) tenant_stopped: bool,
}

/// An attempt at the end.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub(crate) struct Attempt {
    pub(crate) id: Uuid,
    pub(crate) state: String,
    pub(crate) intent: Option<i64>,
    pub(crate) adopted: bool,
}

/// A tenant's limits.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) name: String,
    pub(crate) zone: Tz,
    pub(crate) window: usize,
    pub(crate) day: usize,
}

/// Between a claim and its request's arrival there is never more than this, unless the clock was moved: 5 s to send, and
/// what a proxy holds back.
const MOST_ON_THE_WAY: i64 = 15_000;

impl Scene {
    /// Gathers everything.
    pub(crate) async fn gather(&self) -> anyhow::Result<Evidence> {
        let calls: Vec<Call> = sqlx::query_as(
            "select k.id, k.tenant_id, k.contact_id, k.purpose_key, k.state, \
                 coalesce(case k.state when 'settled' then k.outcome else k.ended_reason end, '') <> '' as explained, \
                 k.blocked <> '{}' as blocked, ms(k.deadline) as deadline, ms(k.eligible_at) as eligible, k.is_due, \
                 case when exists (select from dispatch_wakes w where w.tenant_id = k.tenant_id) or d.waits_for_account then 0 \
                     else ms(d.next_dispatch_at) end as next_look, \
                 coalesce(t.paused_at, t.auto_paused_at, t.refused_at) is not null as tenant_stopped \
             from calls k join dispatch_state d using (tenant_id) join tenants t on t.id = k.tenant_id",
        )
        .fetch_all(&self.ms().await?)
        .await?;
        let attempts: Vec<Attempt> =
            sqlx::query_as("select id, state, ms(intent_at) as intent, adopted from attempts")
                .fetch_all(&self.admin)
                .await?;
        let listed: Vec<(Uuid, Uuid, i64)> = sqlx::query_as(
            "select d.tenant_id, c.id, ms(d.added_at) from do_not_call d \
             join contacts c on c.tenant_id = d.tenant_id and c.phone_eq = d.number_eq where d.removed_at is null",
        )
        .fetch_all(&self.admin)
        .await?;
        let flagged: Vec<Uuid> = sqlx::query_scalar("select distinct contact_id from flags")
            .fetch_all(&self.admin)
            .await?;
        let now = sqlx::query_scalar("select ms(app_clock())").fetch_one(&self.admin).await?;
        let numbers = self.cast.numbers();
        let attempts: BTreeMap<Uuid, Attempt> =
            attempts.into_iter().map(|it| (it.id, it)).collect();
        let dials = self.simulator.dials().iter().filter_map(Dial::of).collect::<Vec<_>>();
        Ok(Evidence {
            now,
            planned: self.cast.planned_calls(),
            newcomers: self.cast.newcomers(self.restores()).into_iter().map(|it| it.0).collect(),
            flagged: flagged.into_iter().collect(),
            dials: dials.into_iter().map(|dial| self.by_the_rules(dial, &attempts)).collect(),
            calls: calls.into_iter().map(|call| (call.id, call)).collect(),
            attempts,
            tenants: self
                .cast
                .tenants
                .iter()
                .map(|tenant| {
                    let limits = Limits {
                        name: tenant.name.clone(),
                        zone: tenant.zone,
                        window: tenant.policy.window_limit as usize,
                        day: tenant.policy.daily_limit as usize,
                    };
                    (tenant.id.0, limits)
                })
                .collect(),
            listed: listed
                .into_iter()
                .filter_map(|(tenant, contact, at)| {
                    let number = numbers.get(&shared::ids::ContactId(contact))?;
                    Some(((tenant, number.clone()), at))
                })
                .collect(),
        })
    }

    /// Milliseconds as the record has them, for the questions above.
    async fn ms(&self) -> anyhow::Result<sqlx::PgPool> {
        sqlx::query(
            "create or replace function ms(timestamptz) returns bigint language sql immutable as \
             $$ select (extract(epoch from least($1, '9999-01-01'::timestamptz)) * 1000)::bigint $$",
        )
        .execute(&self.admin)
        .await?;
        Ok(self.admin.clone())
    }

    fn by_the_rules(&self, dial: Dial, attempts: &BTreeMap<Uuid, Attempt>) -> Dialled {
        let (least, at) = self.clock.by_the_rules(dial.received, 0);
        let claimed = attempts.get(&dial.attempt).filter(|it| !it.adopted).and_then(|it| it.intent);
        let straddles =
            least != at || claimed.is_some_and(|claimed| at - claimed > MOST_ON_THE_WAY);
        let started = dial.dialled.map_or(at, |real| self.clock.by_the_rules(real, 0).1);
        Dialled { dial, at, started, straddles }
    }
}
