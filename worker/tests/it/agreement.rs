//! On one snapshot the explanation and the worker agree, and nothing is dialled before its `earliest`.
//!
//! Random tenants, policies, pauses, calls and histories, from a seed that is printed with every failure; time stands
//! still while one instant is explained and looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use rand::Rng;
use rand::rngs::StdRng;
use shared::audit::Changes;
use shared::calls::call_now::{self, Pressed};
use shared::calls::explain::{self, Explanation};
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

mod tenant;

/// Each case is a tenant. More with `AGREEMENT_CASES`; from another seed with `AGREEMENT_SEED`.
const CASES: u64 = 60;

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
    // A generator that hardly ever makes a call wait, go or fail would prove nothing.
    let often = u32::try_from(cases / 4).unwrap();
    assert!(seen.reserved > often && seen.moved > often && seen.waiting > often, "{seen:?}");
    assert!(seen.held > often / 2 && seen.refused > often / 2, "{seen:?}");
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

/// A store of files in a worker's own folder.
pub(crate) fn files_in(dir: &std::path::Path) -> shared::files::FileStore {
    let folder = shared::config::Files::Folder(dir.join("files"));
    shared::files::FileStore::new(&folder).expect("a folder that can be made")
}

/// A worker that does only what it is told.
pub(crate) fn idle_worker(world: &World) -> App {
    let dir = std::env::temp_dir().join(format!("vio-agreement-{}", uuid::Uuid::now_v7()));
    idle_worker_in(world, &dir)
}

/// The same, with its state in this directory.
pub(crate) fn idle_worker_in(world: &World, dir: &std::path::Path) -> App {
    idle_worker_with(world, dir, files_in(dir))
}

/// The same, with this store of files.
pub(crate) fn idle_worker_with(
    world: &World,
    dir: &std::path::Path,
    files: shared::files::FileStore,
) -> App {
    std::fs::create_dir_all(dir).unwrap();
    let sender = SenderId::new();
    let (reserved, _) = mpsc::channel(1);
    let (_, stop) = watch::channel(false);
    // What it keeps of tenants' keys is its own.
    let keys = Arc::new(shared::tenants::KeyRing::new(world.keys.master().clone()));
    App::new(Parts {
        db: world.db.clone(),
        queues: world.queues.clone(),
        signals: world.signals.clone(),
        wakes: Wakes::default(),
        sentinel: Sentinel::new(&world.queues),
        books: shared::book::Books::new(
            world.db.clone(),
            Arc::clone(&keys),
            shared::book::BookLimits { bytes: 0, ..Default::default() },
        ),
        files,
        keys,
        accounts: Accounts::default(),
        sender,
        high_water: HighWater::open(&world.queues, dir).unwrap(),
        journal: shared::journal::Journal::open(dir).unwrap(),
        locks: Locks::take(dir, sender).unwrap(),
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

    /// Time goes on, by seconds or by hours.
    async fn pass_time(&mut self) {
        let by = if self.chance(75) {
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
