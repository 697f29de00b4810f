//! On one snapshot the explanation and the worker agree, and nothing is dialled before its `earliest`.
//!
//! Random tenants, policies, pauses, calls and histories, from a seed that is printed with every failure; time stands
//! still while one instant is explained and looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Duration, TimeZone, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use shared::audit::Changes;
use shared::calls::call_now::{self, Pressed};
use shared::calls::explain::{self, Explanation};
use shared::calls::rules::hours::{Opening, TimeOfDay, Week};
use shared::calls::rules::policy::{Allowance, Policy};
use shared::calls::rules::verdict::{Decision, Scope, Verdict};
use shared::ids::{CallId, SenderId};
use shared::queue::{Sentinel, Wakes};
use shared::testing::{Inhabitant, World};
use tokio::sync::{mpsc, watch};
use worker::accounts::Accounts;
use worker::app::{App, Parts};
use worker::dispatch::look::{Purpose, look};
use worker::high_water::HighWater;
use worker::sender::Locks;

/// Each case is a tenant. More with `AGREEMENT_CASES`; from another seed with `AGREEMENT_SEED`.
const CASES: u64 = 40;

#[tokio::test]
async fn the_explanation_and_the_worker_agree_and_nothing_is_dialled_before_its_earliest() {
    let world = Arc::new(World::new().await);
    let app = idle_worker(&world);
    let given = |name: &str, or: u64| {
        #[expect(clippy::disallowed_methods, reason = "a test's own knob")]
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or)
    };
    let (first, cases) = (given("AGREEMENT_SEED", 1), given("AGREEMENT_CASES", CASES));
    let mut seen = Seen::default();
    for seed in first..first + cases {
        let mut case = Case::new(&world, seed).await;
        for _ in 0..4 {
            case.explain_and_look(&app, &mut seen).await;
            case.pass_time().await;
        }
    }
    // A generator that never makes a call wait, go or fail would prove nothing.
    assert!(
        seen.reserved > 0
            && seen.moved > 0
            && seen.refused > 0
            && seen.held > 0
            && seen.waiting > 0,
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_call_now_that_nobody_dials_is_given_back_with_its_plan_or_withdrawn_if_it_was_new() {
    let world = World::new().await;
    world.wait_for_morning().await;
    let app = idle_worker(&world);
    let tenant = world.tenant().await;
    let planned = world.book(&tenant, "+447700900001", 48).await;
    let new = world.book(&tenant, "+447700900002", 48).await;
    world.run("update calls set state = 'withdrawn' where contact_id = (select contact_id from appointments order by created_at desc, id desc limit 1)").await;
    let mut tx = world.db.tenant(tenant.id).await.unwrap();
    let mut changes = Changes::by(tenant.actor());
    for contact in [planned.contact, new.contact] {
        let pressed = call_now::press(&mut tx, contact, false, &mut changes).await.unwrap();
        assert!(matches!(pressed, Pressed::InFront { .. }), "{pressed:?}");
    }
    tx.commit().await.unwrap();
    world.run("update tenants set paused_at = app_clock()").await;

    look(&app, tenant.id, Purpose::Ordinary { room: 10 }).await.unwrap();
    let fronts = "select count(*) from calls where state = 'planned' and front";
    assert_eq!(world.number(fronts).await, 2, "they have ten minutes");
    world.advance(Duration::minutes(11)).await;
    look(&app, tenant.id, Purpose::Ordinary { room: 10 }).await.unwrap();
    let left = "select concat_ws(' ', kind, state, ended_reason, front) from calls
                where requested_at is not null order by kind";
    assert_eq!(
        world.texts(left).await,
        ["call_now withdrawn call_now_expired f", "reminder planned f",]
    );
    let told =
        "select string_agg(kind, ' ' order by kind) from events where kind = 'call.given_back'";
    assert_eq!(world.texts(told).await, ["call.given_back call.given_back"], "announced");
    // Resumed, the reminder waits for its own time again.
    world.run("update tenants set paused_at = null").await;
    assert!(look(&app, tenant.id, Purpose::Ordinary { room: 10 }).await.unwrap().is_empty());
    let waits = "select count(*) from calls where state = 'planned' and eligible_at >= due and due > app_clock()";
    assert_eq!(world.number(waits).await, 1);
}

/// What the cases came across.
#[derive(Debug, Default)]
struct Seen {
    reserved: u32,
    moved: u32,
    held: u32,
    refused: u32,
    /// Nothing of its own stood in the way, but its tenant's or account's did.
    waiting: u32,
}

/// A worker that does only what it is told.
pub(crate) fn idle_worker(world: &World) -> App {
    let dir = std::env::temp_dir().join(format!("vio-agreement-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&dir).unwrap();
    let sender = SenderId::new();
    let (reserved, _) = mpsc::channel(1);
    let (_, stop) = watch::channel(false);
    App::new(Parts {
        db: world.db.clone(),
        queues: world.queues.clone(),
        signals: world.signals.clone(),
        wakes: Wakes::default(),
        sentinel: Sentinel::new(&world.queues),
        keys: shared::tenants::KeyRing::new(world.keys.master().clone()),
        accounts: Accounts::default(),
        sender,
        high_water: HighWater::open(&world.queues, &dir).unwrap(),
        journal: shared::journal::Journal::open(&dir).unwrap(),
        locks: Locks::take(&dir, sender).unwrap(),
        recovery_hold: std::time::Duration::from_secs(1),
        reserved,
        stop,
    })
}

struct Case {
    world: Arc<World>,
    seed: u64,
    dice: StdRng,
    tenant: Inhabitant,
    now: DateTime<Utc>,
    /// The latest `earliest` that was told of each call.
    told: BTreeMap<CallId, DateTime<Utc>>,
}

/// What the database says of a call after a look.
#[derive(Debug)]
struct After {
    state: String,
    /// The look put it off.
    moved: bool,
    blocked: BTreeSet<String>,
    ended_reason: Option<String>,
    number: String,
    contact: String,
}

impl Case {
    async fn new(world: &Arc<World>, seed: u64) -> Self {
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
        let now = Utc.with_ymd_and_hms(2026, day.0, day.1, 0, 0, 0).unwrap()
            + Duration::seconds(dice.random_range(0..48 * 3600));
        let mut case =
            Self { world: Arc::clone(world), seed, dice, tenant, now, told: BTreeMap::new() };
        case.set_clock().await;
        case.people().await;
        case.history().await;
        case.trouble().await;
        case
    }

    /// Time stands still at `now`.
    async fn set_clock(&self) {
        self.run(format!(
            "create or replace function app_clock() returns timestamptz language sql volatile parallel safe
                 as $$ select timestamptz '{}' $$",
            self.now.to_rfc3339()
        ))
        .await;
    }

    async fn run(&self, statements: String) {
        self.world.run(statements.leak()).await;
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.dice.random_range(0..100) < percent
    }

    async fn people(&mut self) {
        for person in 0..self.dice.random_range(1..=8) {
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
                 where tenant_id = '{t}' and state = 'planned' and random() < 0.7;
             update calls set front = true, front_until = app_clock() + interval '10 minutes', taken_over = true,
                 requested_at = app_clock() - random() * interval '5 minutes', eligible_at = app_clock()
                 where tenant_id = '{t}' and state = 'planned' and random() < 0.2;
             update calls set retry_at = app_clock() + random() * interval '20 minutes'
                 where tenant_id = '{t}' and state = 'planned' and random() < 0.1;
             update calls set priority = (random() * 2)::int where tenant_id = '{t}';
             select setseed({b});
             update contacts set zone = 'Asia/Karachi' where tenant_id = '{t}' and random() < 0.15;
             update contacts set channel = 'sms' where tenant_id = '{t}' and random() < 0.1;
             update contacts set consent_at = app_clock(), consent_by = 'worker' where tenant_id = '{t}' and random() < 0.7;
             update contacts set region = 'US' where tenant_id = '{t}' and random() < 0.1;
             update appointments set status = (array['confirmed', 'cancelled', 'rescheduled'])[1 + (random() * 2)::int]
                 where tenant_id = '{t}' and random() < 0.15;
             select setseed({c});
             insert into bad_numbers (tenant_id, number_eq, at, reason)
                 select tenant_id, phone_eq, app_clock(), 'invalid_destination' from contacts
                 where tenant_id = '{t}' and random() < 0.06 on conflict do nothing;
             insert into do_not_call (tenant_id, id, number, number_eq, source, added_by, added_at)
                 select tenant_id, gen_random_uuid(), 'x', phone_eq, 'manual', 'worker', app_clock() from contacts
                 where tenant_id = '{t}' and random() < 0.06 on conflict do nothing",
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
                 case when random() < 0.4 then k.purpose_key else 'day:2026-01-01' end, c.phone_eq, 'settled', d.at, d.at, d.at,
                 false, d.at + interval '901 seconds', false, random() < 0.8, d.at
             from calls k join contacts c on c.id = k.contact_id
             cross join lateral (select app_clock() - random() * random() * interval '8 days' as at
                                 from generate_series(1, (random() * 3)::int) g where k.id is not null) d
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
            (5, format!("update tenants set paused_at = app_clock() where id = '{t}'")),
            (5, format!("update tenants set auto_paused_at = app_clock() where id = '{t}'")),
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

    /// Time goes on, by seconds or by hours.
    async fn pass_time(&mut self) {
        let by = if self.chance(50) {
            Duration::seconds(self.dice.random_range(1..1200))
        } else {
            Duration::minutes(self.dice.random_range(20..900))
        };
        self.now += by;
        self.set_clock().await;
    }

    /// Explains every planned call, then looks, then compares.
    async fn explain_and_look(&mut self, app: &App, seen: &mut Seen) {
        self.overtake().await;
        let told = self.explanations().await;
        let eligible: BTreeSet<String> = self
            .texts("select id::text from calls where tenant_id = '{t}' and state = 'planned' and eligible_at <= app_clock()")
            .await
            .into_iter()
            .collect();
        let room = self.dice.random_range(1..=20);
        look(app, self.tenant.id, Purpose::Ordinary { room }).await.unwrap();
        let after = self.after().await;
        let context = |id: &CallId| {
            format!("seed {} at {}\n{:#?}\n{:?}", self.seed, self.now, told[id], after[id])
        };

        let mut dialled = BTreeSet::new();
        let mut by_place: Vec<_> = told.iter().collect();
        by_place.sort_by_key(|(_, explanation)| explanation.place);
        let mut reserved = 0;
        let mut stopped = false;
        for (id, said) in by_place {
            let it = &after[id];
            // What the look has reserved itself changes the facts of those behind.
            let shares = dialled.contains(&it.number) || dialled.contains(&it.contact);
            let asked = eligible.contains(&id.0.to_string());
            match it.state.as_str() {
                "reserved" => {
                    assert_eq!(
                        said.decision,
                        Decision::Dial,
                        "dialled, but not by the rule\n{}",
                        context(id)
                    );
                    assert_eq!(said.earliest, Some(said.now), "{}", context(id));
                    // A forecast: those before it may turn out to be put off.
                    assert!(said.expected.is_none_or(|at| at >= said.now), "{}", context(id));
                    assert!(!stopped && !shares, "dialled out of turn\n{}", context(id));
                    if let Some(earliest) = self.told.get(id) {
                        assert!(
                            *earliest <= self.now,
                            "dialled before {earliest}\n{}",
                            context(id)
                        );
                    }
                    dialled.extend([it.number.clone(), it.contact.clone()]);
                    reserved += 1;
                    seen.reserved += 1;
                }
                "refused" => {
                    let reason = it.ended_reason.clone().unwrap_or_default();
                    let codes = codes(said.decision.reasons());
                    assert!(
                        matches!(said.decision, Decision::Refuse { .. }) && codes.contains(&reason),
                        "refused\n{}",
                        context(id)
                    );
                    seen.refused += 1;
                }
                "planned" if it.moved && !shares => {
                    let own = own_reasons(said);
                    assert_eq!(it.blocked, own, "put off for other reasons\n{}", context(id));
                    assert_ne!(said.decision, Decision::Dial, "{}", context(id));
                    if matches!(said.decision, Decision::Hold { .. }) {
                        assert_eq!(said.expected, None, "{}", context(id));
                        seen.held += 1;
                    } else {
                        seen.moved += 1;
                    }
                }
                "planned" if asked && !shares => {
                    if said.decision == Decision::Dial {
                        assert!(reserved > 0, "its turn, and nothing else went\n{}", context(id));
                        // The account, the window or the room was used up by those before.
                        stopped = true;
                    } else {
                        let others = said.checks.iter().any(|check| {
                            check.scope != Scope::Call && check.verdict != Verdict::Pass
                        });
                        assert!(
                            others || reserved > 0,
                            "nobody knows why it waits\n{}",
                            context(id)
                        );
                        seen.waiting += 1;
                    }
                }
                "planned" => {
                    // Not looked at, since its time has not come: then it must not be its time.
                    assert!(
                        shares || said.decision != Decision::Dial,
                        "it could go, and nobody looks at it\n{}",
                        context(id)
                    );
                }
                other => panic!("{other}\n{}", context(id)),
            }
        }
        for (id, said) in told {
            if let Some(earliest) = said.earliest {
                let latest = self.told.entry(id).or_insert(earliest);
                *latest = (*latest).max(earliest);
            }
        }
    }

    /// Lets a first look refuse what is overdue and give back what was in front: the comparison is about the rest.
    async fn overtake(&self) {
        self.run(format!(
            "update calls set state = 'refused' where tenant_id = '{t}' and state = 'planned' and deadline <= app_clock();
             update calls set front = false, front_until = null
                 where tenant_id = '{t}' and state = 'planned' and front and front_until <= app_clock()",
            t = self.tenant.id
        ))
        .await;
    }

    async fn texts(&self, query: &str) -> Vec<String> {
        self.world.texts(query.replace("{t}", &self.tenant.id.to_string()).leak()).await
    }

    async fn explanations(&self) -> BTreeMap<CallId, Explanation> {
        let ids = self
            .texts("select id::text from calls where tenant_id = '{t}' and state = 'planned'")
            .await;
        let mut tx = self.world.db.tenant_snapshot(self.tenant.id).await.unwrap();
        let mut told = BTreeMap::new();
        for id in ids {
            let id = CallId(id.parse().unwrap());
            told.insert(id, explain::call(&mut tx, id).await.unwrap().unwrap());
        }
        told
    }

    async fn after(&self) -> BTreeMap<CallId, After> {
        let rows = self
            .texts(
                "select concat_ws(';', k.id, k.state, k.blocked_at = app_clock(), array_to_string(k.blocked, ','),
                     coalesce(k.ended_reason, ''), encode(c.phone_eq, 'hex'), c.id)
                 from calls k join contacts c on c.id = k.contact_id where k.tenant_id = '{t}'",
            )
            .await;
        rows.iter()
            .map(|row| {
                let mut parts = row.split(';').map(str::to_owned).collect::<Vec<_>>();
                // concat_ws leaves out what is null: a call that was never put off.
                if parts.len() == 6 {
                    parts.insert(2, "f".to_owned());
                }
                let blocked = parts[3].split(',').filter(|code| !code.is_empty());
                let after = After {
                    state: parts[1].clone(),
                    moved: parts[2] == "t",
                    blocked: blocked.map(str::to_owned).collect(),
                    ended_reason: Some(parts[4].clone()).filter(|reason| !reason.is_empty()),
                    number: parts[5].clone(),
                    contact: parts[6].clone(),
                };
                (CallId(parts[0].parse().unwrap()), after)
            })
            .collect()
    }
}

/// The reasons that are the call's own: what holds it, or else what it waits for.
fn own_reasons(said: &Explanation) -> BTreeSet<String> {
    let own = || said.checks.iter().filter(|check| check.scope == Scope::Call);
    let holds = own().any(|check| check.verdict == Verdict::Hold);
    own()
        .filter(|check| match check.verdict {
            Verdict::Pass => false,
            Verdict::Hold => true,
            Verdict::Defer { .. } | Verdict::Refuse => !holds,
        })
        .flat_map(|check| check.reasons.iter().map(|reason| reason.code.code().to_owned()))
        .collect()
}

fn codes(reasons: &[shared::calls::rules::reason::Reason]) -> Vec<String> {
    reasons.iter().map(|reason| reason.code().to_owned()).collect()
}

fn policy(dice: &mut StdRng) -> Policy {
    let opening = Opening {
        opens: TimeOfDay::of_minute(dice.random_range(480..720)),
        closes: TimeOfDay::of_minute(dice.random_range(840..=1200)),
    };
    let mut week = Week::daily(opening);
    if dice.random_bool(0.3) {
        week.sunday = None;
    }
    Policy {
        calling_hours: week,
        window_limit: *[1, 2, 25].choose(dice).unwrap(),
        daily_limit: *[3, 10, 300].choose(dice).unwrap(),
        max_attempts: *[1, 2].choose(dice).unwrap(),
        number_week_limit: *[2, 4].choose(dice).unwrap(),
        call_anyway: dice.random_bool(0.3),
        consent_required: dice.random_bool(0.2),
        allow_test_numbers: true,
        ..Policy::default()
    }
}
