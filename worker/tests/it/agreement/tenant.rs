//! Random tenants with all that the rule looks at.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Duration, TimeZone, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use shared::calls::rules::hours::{Opening, TimeOfDay, Week};
use shared::calls::rules::policy::{Allowance, Policy};
use shared::testing::World;

use super::Case;

impl Case {
    pub(super) async fn new(world: &Arc<World>, seed: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let policy = policy(&mut dice);
        let zone =
            *[chrono_tz::Europe::London, chrono_tz::America::New_York, chrono_tz::Asia::Kolkata]
                .choose(&mut dice)
                .unwrap();
        let tenant = world
            .tenant_with(|tenant| {
                tenant.zone = zone;
                tenant.policy = policy;
                tenant.allowance =
                    Allowance { may_allow_test_numbers: true, ..Allowance::default() };
            })
            .await;
        // Half of them on the days on which clocks change.
        let day = *[(10, 24), (10, 25), (3, 28), (6, 2), (12, 30)].choose(&mut dice).unwrap();
        // Most of them while the tenant is most likely open.
        let hours = if dice.random_bool(0.9) { 11..15 } else { 0..24 };
        let local = zone.with_ymd_and_hms(2026, day.0, day.1, dice.random_range(hours), 0, 0);
        let now = local.earliest().unwrap_or_else(|| {
            Utc.with_ymd_and_hms(2026, 6, 2, 12, 0, 0).unwrap().with_timezone(&zone)
        });
        let now = now.to_utc() + Duration::seconds(dice.random_range(0..3600));
        let mut case =
            Self { world: Arc::clone(world), seed, dice, tenant, now, told: BTreeMap::new() };
        case.set_clock().await;
        case.people().await;
        case.history().await;
        case.trouble().await;
        case
    }

    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.dice.random_range(0..100) < percent
    }

    async fn people(&mut self) {
        for person in 0..self.dice.random_range(2..=9) {
            // Sometimes two share a telephone.
            let line = if self.chance(20) { 0 } else { person };
            let phone = format!("+4477009000{:02}", line + 10);
            let at = self.now + Duration::minutes(self.dice.random_range(30..60 * 60));
            let booked = self.now - Duration::minutes(self.dice.random_range(0..3000));
            self.world.book_at(&self.tenant, &phone, at, booked).await;
        }
        let (a, b, c) =
            (self.dice.random::<f64>(), self.dice.random::<f64>(), self.dice.random::<f64>());
        // Some are due, some in front, some wait after a dial that was not placed, some speak for elsewhere.
        self.run(format!(
            "select setseed({a});
             update calls set due = now.at, earliest = least(earliest, now.at), eligible_at = now.at
                 from (select app_clock() - interval '1 minute' as at) now
                 where tenant_id = '{t}' and state = 'planned' and random() < 0.85;
             update calls set front = true, front_until = app_clock() + interval '10 minutes', taken_over = true,
                 requested_at = app_clock() - random() * interval '5 minutes', eligible_at = app_clock()
                 where tenant_id = '{t}' and state = 'planned' and random() < 0.2;
             update calls set retry_at = app_clock() + random() * interval '20 minutes'
                 where tenant_id = '{t}' and state = 'planned' and random() < 0.1;
             update calls set priority = (random() * 2)::int where tenant_id = '{t}';
             select setseed({b});
             update contacts set zone = 'Asia/Karachi' where tenant_id = '{t}' and random() < 0.08;
             update contacts set channel = 'sms' where tenant_id = '{t}' and random() < 0.1;
             update contacts set consent_at = app_clock(), consent_by = 'worker' where tenant_id = '{t}' and random() < 0.85;
             update contacts set region = 'US' where tenant_id = '{t}' and random() < 0.1;
             update appointments set status = (array['confirmed', 'cancelled', 'rescheduled'])[1 + (random() * 2)::int]
                 where tenant_id = '{t}' and random() < 0.08;
             select setseed({c});
             insert into bad_numbers (tenant_id, number_eq, at, reason)
                 select tenant_id, phone_eq, app_clock(), 'invalid_destination' from contacts
                 where tenant_id = '{t}' and random() < 0.03 on conflict do nothing;
             insert into do_not_call (tenant_id, id, number, number_eq, source, added_by, added_at)
                 select tenant_id, gen_random_uuid(), 'x', phone_eq, 'manual', 'worker', app_clock() from contacts
                 where tenant_id = '{t}' and random() < 0.03 on conflict do nothing",
            t = self.tenant.id
        ))
        .await;
    }

    /// Dials of the last days: for the same purposes and for others, of these numbers and of none.
    async fn history(&mut self) {
        let seed = self.dice.random::<f64>();
        let others = if self.chance(30) { self.dice.random_range(1..=30) } else { 0 };
        self.run(format!(
            "select setseed({seed});
             insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                 expires_at, dialled_at, token_held, token_back_at, holds_slot, counts, settled_at)
             select k.tenant_id, gen_random_uuid(), k.id, k.contact_id, '{a}',
                 case when random() < 0.25 then k.purpose_key else 'day:2026-01-01' end, c.phone_eq, 'settled', d.at, d.at, d.at,
                 false, d.at + interval '901 seconds', false, random() < 0.8, d.at
             from calls k join contacts c on c.id = k.contact_id
             cross join lateral (select app_clock() - random() * random() * interval '8 days' as at
                                 from generate_series(1, (random() * 2)::int) g where k.id is not null) d
             where k.tenant_id = '{t}';
             insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                 expires_at, dialled_at, token_held, token_back_at, holds_slot, counts, settled_at)
             select k.tenant_id, gen_random_uuid(), k.id, gen_random_uuid(), '{a}', 'other', 'x', 'settled', d.at, d.at, d.at,
                 false, d.at + interval '901 seconds', false, true, d.at
             from (select * from calls where tenant_id = '{t}' limit 1) k
             cross join lateral (select app_clock() - random() * interval '20 minutes' as at
                                 from generate_series(1, {others})) d",
            t = self.tenant.id,
            a = self.tenant.account,
        ))
        .await;
    }

    /// Pauses, closed dates, an account that is held, broken, full or busy.
    async fn trouble(&mut self) {
        let (t, a) = (self.tenant.id, self.tenant.account);
        for (percent, statement) in [
            (2, format!("update tenants set paused_at = app_clock() where id = '{t}'")),
            (2, format!("update tenants set auto_paused_at = app_clock() where id = '{t}'")),
            (3, format!("update tenants set refused_at = app_clock() where id = '{t}'")),
            (3, format!("update tenants set agent_id = null where id = '{t}'")),
            (3, format!("update accounts set held_at = app_clock() where id = '{a}'")),
            (3, format!("update accounts set breaker_open = true where id = '{a}'")),
            (10, format!("update accounts set max_concurrent = 1 where id = '{a}'")),
            (10, format!("update accounts set starts_per_second = 1 where id = '{a}'")),
            (
                5,
                format!(
                    "update accounts set next_start_at = app_clock() + interval '3 seconds' where id = '{a}'"
                ),
            ),
            (
                10,
                format!(
                    "insert into closed_dates (tenant_id, date, name)
                     values ('{t}', app_clock()::date + {}, 'Holiday')",
                    self.dice.random_range(0..2)
                ),
            ),
        ] {
            if self.chance(percent) {
                self.run(statement).await;
            }
        }
    }
}

fn policy(dice: &mut StdRng) -> Policy {
    let opening = Opening {
        opens: TimeOfDay::of_minute(dice.random_range(480..600)),
        closes: TimeOfDay::of_minute(dice.random_range(1020..=1200)),
    };
    let mut week = Week::daily(opening);
    if dice.random_bool(0.3) {
        week.sunday = None;
    }
    Policy {
        calling_hours: week,
        window_limit: *[1, 3, 25, 25].choose(dice).unwrap(),
        daily_limit: *[3, 10, 300, 300].choose(dice).unwrap(),
        max_attempts: *[1, 2].choose(dice).unwrap(),
        number_week_limit: *[2, 4].choose(dice).unwrap(),
        call_anyway: dice.random_bool(0.3),
        consent_required: dice.random_bool(0.2),
        allow_test_numbers: true,
        ..Policy::default()
    }
}
