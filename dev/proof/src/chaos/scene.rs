//! The scene of a chaos run: servers, proxies, processes, provider, people, and the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex as Plain, PoisonError};
use std::time::{Duration, Instant};

use shared::ids::AccountId;
use simulator::{Account, Rule, Simulator, VendorFaults};
use sqlx::PgPool;
use tokio::sync::Mutex;

use super::Options;
use super::cast::{self, Cast};
use super::faults::Kind;
use crate::stage::clock::Clock;
use crate::stage::people::Office;
use crate::stage::process::Process;
use crate::stage::proxy::{Mode, Proxy};
use crate::stage::servers::{Servers, through};
use crate::stage::witness::{self, Pace};
use crate::stage::{Place, real_ms, write_secret};

/// Workers.
pub(crate) const WORKERS: usize = 3;
const MASTER_KEY: &str = "1:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const PROVIDER_KEY: &str = "key_chaos";
/// A call is over within seconds, so that the clock may be moved often.
const PACE: Pace = Pace { ring: [80, 500], talk: [80, 700], analysis: [30, 300] };
/// The provider's list lags at most so long, by the machine's clock.
pub(crate) const MOST_LAG: Duration = Duration::from_millis(1_500);

/// How long workers have to read the provider's record, which they do every two seconds.
const RECOVERY: Duration = Duration::from_secs(5);

/// What one process of ours talks through.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) postgres: Proxy,
    pub(crate) redis: Proxy,
}

/// See the module.
pub(crate) struct Scene {
    place: Place,
    pub(crate) faketime: Option<PathBuf>,
    pub(crate) servers: Mutex<Servers>,
    pub(crate) admin: PgPool,
    pub(crate) clock: Clock,
    pub(crate) office: Office,
    pub(crate) cast: Cast,
    pub(crate) simulator: Simulator,
    pub(crate) provider: Proxy,
    pub(crate) webhooks: Proxy,
    /// Of the workers, then of the API.
    pub(crate) lines: Vec<Lines>,
    pub(crate) workers: Vec<Mutex<Process>>,
    pub(crate) api: Mutex<Process>,
    pub(crate) api_address: SocketAddr,
    pub(crate) http: reqwest::Client,
    counts: Plain<BTreeMap<Kind, u32>>,
    /// What the API answered the staff: how often with each status.
    answers: Plain<BTreeMap<u16, u32>>,
    /// Since when we have seen that dialling is held.
    recovering: Plain<Option<Instant>>,
    /// When requests were held back on their way, by the machine's clock.
    held_back: Plain<Vec<(i64, i64)>>,
    /// Where in their logs the present processes of the workers begin.
    log_from: [AtomicUsize; WORKERS],
    /// See [`super::evidence::Evidence`].
    given_up: Plain<BTreeSet<uuid::Uuid>>,
    /// Nobody moves the clock while this is held.
    pub(crate) measuring: Mutex<()>,
}

impl Scene {
    /// Migrates, seeds, and starts everything.
    pub(crate) async fn set(options: &Options) -> anyhow::Result<Self> {
        let place = options.place.clone();
        let servers = Servers::adopt(&place)?;
        match &options.migrations {
            None => shared::db::migrate(&place.url_owner).await?,
            Some(directory) => {
                let owner = sqlx::PgPool::connect(&place.url_owner).await?;
                sqlx::migrate::Migrator::new(directory.as_path()).await?.run(&owner).await?;
                owner.close().await;
            }
        }
        let (postgres, redis) = (servers.postgres_address()?, servers.redis_address()?);
        let mut lines = Vec::new();
        for _ in 0..=WORKERS {
            let (postgres, redis) = (Proxy::start(postgres).await?, Proxy::start(redis).await?);
            lines.push(Lines { postgres, redis });
        }
        let api_address = free_address()?;
        let webhooks = Proxy::start(api_address).await?;

        // The provider's address is needed for the accounts, and the accounts' ids for the provider: hence a proxy first.
        let provider_address = free_address()?;
        let provider = Proxy::start(provider_address).await?;
        let accounts = cast::accounts(&format!("http://{}", provider.address()));
        let at_provider = accounts.iter().map(|(label, account)| Account {
            label: (*label).to_owned(),
            api_key: format!("{PROVIDER_KEY}_{label}"),
            webhook_url: Some(webhook_url(webhooks.address(), account.id)),
            concurrency: account.max_concurrent,
            ..Account::default()
        });
        let record = place.state.join("provider-record.jsonl");
        let _of_an_earlier_run = std::fs::remove_file(&record);
        let simulator = witness::start_at(
            provider_address,
            options.seed,
            at_provider.collect(),
            PACE,
            Some(record),
        )
        .await?;

        std::fs::create_dir_all(place.state.join("host"))?;
        write_secret(&place.state.join("master.key"), MASTER_KEY)?;
        let office = Office::open(&place.url_app, &place.url_engine, MASTER_KEY)?;
        for (label, account) in &accounts {
            office.account(account, &format!("{PROVIDER_KEY}_{label}")).await?;
        }
        let [(_, wide), (_, narrow)] = accounts;
        let cast = Cast::gather(&office, wide.id, narrow.id).await?;

        let api = start_api(&place, &lines[WORKERS], api_address).await?;
        let mut workers = Vec::new();
        for (n, line) in lines.iter().take(WORKERS).enumerate() {
            workers.push(Mutex::new(start_worker(&place, n, line, None).await?));
        }
        let scene = Self {
            admin: servers.admin.clone(),
            servers: Mutex::new(servers),
            faketime: options.faketime.clone(),
            place,
            clock: Clock::default(),
            office,
            cast,
            simulator,
            provider,
            webhooks,
            lines,
            workers,
            api: Mutex::new(api),
            api_address,
            http: reqwest::Client::builder().timeout(Duration::from_secs(3)).no_proxy().build()?,
            counts: Plain::default(),
            answers: Plain::default(),
            recovering: Plain::default(),
            held_back: Plain::default(),
            log_from: Default::default(),
            given_up: Plain::default(),
            measuring: Mutex::new(()),
        };
        scene.provider_behaves(&[])?;
        Ok(scene)
    }

    /// Takes the base backup to which a restore goes back.
    pub(crate) async fn back_up(&self) -> anyhow::Result<()> {
        self.servers.lock().await.back_up().await
    }

    /// Starts worker `n` (which must be gone), perhaps by another clock.
    pub(crate) async fn start_worker(
        &self,
        n: usize,
        shift: Option<&str>,
    ) -> anyhow::Result<Process> {
        let shift = shift.zip(self.faketime.as_ref()).map(|(by, object)| {
            let object = object.display().to_string();
            [
                ("LD_PRELOAD", object),
                ("FAKETIME", by.to_owned()),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ]
        });
        let written = std::fs::read_to_string(self.log_of(n)).unwrap_or_default().len();
        self.log_from[n].store(written, Ordering::Relaxed);
        start_worker(&self.place, n, &self.lines[n], shift).await
    }

    fn log_of(&self, n: usize) -> PathBuf {
        self.place.state.join(format!("log/worker-{n}.log"))
    }

    /// Starts the API, which must be gone.
    pub(crate) async fn start_api(&self) -> anyhow::Result<Process> {
        start_api(&self.place, &self.lines[WORKERS], self.api_address).await
    }

    /// The id under which worker `n` dials, from its log. `None`: it isn't up yet. Its predecessor's would be a dead one's.
    pub(crate) fn sender_of(&self, n: usize) -> Option<uuid::Uuid> {
        let log = std::fs::read_to_string(self.log_of(n)).ok()?;
        let own = log.get(self.log_from[n].load(Ordering::Relaxed)..)?;
        let line = own.lines().rev().find(|line| line.contains("the worker is up"))?;
        let after = line.split_once("sender.id")?.1;
        let start = after.find(|c: char| c.is_ascii_hexdigit())?;
        after.get(start..start + 36)?.parse().ok()
    }

    /// People behave as every day; the provider by these rules besides, which come first.
    pub(crate) fn provider_behaves(&self, rules: &[Rule]) -> anyhow::Result<()> {
        let mut all = rules.to_vec();
        all.push(Rule { weights: witness::everyday(), ..Rule::default() });
        Ok(self.simulator.set_rules(&all)?)
    }

    /// Notes that a fault was injected.
    pub(crate) fn count(&self, kind: Kind) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }

    /// How often the database has gone back.
    pub(crate) fn restores(&self) -> u32 {
        self.counted().get(&Kind::RestorePostgres).copied().unwrap_or(0)
    }

    /// Notes how the API answered.
    pub(crate) fn answered(&self, status: u16) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() +=
            1;
    }

    /// How the API answered.
    pub(crate) fn answers(&self) -> BTreeMap<u16, u32> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The faults injected so far.
    pub(crate) fn counted(&self) -> BTreeMap<Kind, u32> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests are held back on their way for so long from now on.
    pub(crate) fn hold_back(&self, time: Duration) {
        let now = real_ms();
        let until = now + i64::try_from(time.as_millis()).unwrap_or(0);
        self.held_back.lock().unwrap_or_else(PoisonError::into_inner).push((now, until));
    }

    /// Whether requests were held back at an instant of the machine's clock.
    pub(crate) fn held_back(&self, at: i64) -> bool {
        let held = self.held_back.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().any(|(from, until)| (*from..=*until).contains(&at))
    }

    /// Worker `n` is frozen, and so lives and may still send: notes what was taken for not placed all the same.
    pub(crate) async fn note_given_up(&self, n: usize) {
        let Some(sender) = self.sender_of(n) else { return };
        let given_up: Vec<uuid::Uuid> = sqlx::query_scalar(
            "select id from attempts where claimed_by = $1 and state = 'not_placed' and answer is null and sender_done_at is null",
        )
        .bind(sender)
        .fetch_all(&self.admin)
        .await
        .unwrap_or_default();
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).extend(given_up);
    }

    /// What was noted so.
    pub(crate) fn given_up(&self) -> Vec<uuid::Uuid> {
        let noted = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        noted.iter().copied().collect()
    }

    /// Nothing is on its way that only needs a moment: no reservation, no dial, no call that rings or is to be analysed,
    /// no message to be applied. What waits for time to pass is not meant.
    pub(crate) async fn is_still(&self) -> anyhow::Result<bool> {
        let busy = "select exists (select from attempts where state in ('reserved', 'dialling', 'placed', 'ended')) \
                    or exists (select from webhooks where state = 'stored')";
        let busy: bool = sqlx::query_scalar(busy).fetch_one(&self.admin).await?;
        Ok(!busy && self.is_quiet(Duration::ZERO).await)
    }

    /// No telephone rings, no call is under way at the provider, nothing is held back: the clock may be moved without
    /// making two hours out of one ring. What the provider's list shows late was over `lag` ago.
    pub(crate) async fn is_quiet(&self, lag: Duration) -> bool {
        if self.provider.held() > 0 {
            return false;
        }
        let dials = self.simulator.dials();
        let settled = i64::try_from(lag.as_millis()).unwrap_or(0);
        let now = real_ms();
        let over = dials.iter().rev().take(300).all(|dial| {
            !dial.accepted
                || dial.ended_at.is_some_and(|at| at + settled / 2 < now)
                    && dial.received_at + settled < now
        });
        over && self.has_recovered().await
    }

    /// The database isn't being put right after a restore; or everybody has had time to read the provider's record, by the
    /// machine's clock, and only the wait by the rules' clock is left. That is longer than a reservation lives: what was
    /// reserved before the record was read must not be dialled after.
    async fn has_recovered(&self) -> bool {
        let recovering = "select recovering_at is not null from platform_state";
        let recovering = sqlx::query_scalar::<_, bool>(recovering).fetch_one(&self.admin).await;
        let mut since = self.recovering.lock().unwrap_or_else(PoisonError::into_inner);
        match recovering {
            Ok(false) => {
                *since = None;
                true
            }
            Ok(true) => since.get_or_insert_with(Instant::now).elapsed() > RECOVERY,
            Err(_) => false,
        }
    }

    /// The database has gone back again: a recovery that it remembers begins anew.
    pub(crate) fn forget_recovery(&self) {
        *self.recovering.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Moves the clock, if nothing is being measured. `true`: it was moved.
    pub(crate) async fn jump_if_quiet(&self, minutes: i64, lag: Duration) -> bool {
        let Ok(_free) = self.measuring.try_lock() else { return false };
        self.is_quiet(lag).await && self.clock.advance(&self.admin, minutes * 60_000).await.is_ok()
    }

    /// Calls that are under way, or that were planned at the start and are not over. Appointments that people have moved
    /// are days away.
    pub(crate) async fn open_calls(&self) -> anyhow::Result<i64> {
        let open = "select count(*) from calls where state in ('reserved', 'dialling', 'in_progress') \
                    or state = 'planned' and id = any ($1)";
        let planned = self.cast.planned_calls();
        Ok(sqlx::query_scalar(open).bind(planned).fetch_one(&self.admin).await?)
    }

    /// Ends every fault, and starts what is gone.
    pub(crate) async fn mend(&self) -> anyhow::Result<()> {
        for line in &self.lines {
            line.postgres.set(Mode::Open);
            line.redis.set(Mode::Open);
        }
        self.provider.set(Mode::Open);
        self.webhooks.set(Mode::Open);
        self.simulator.set_faults(VendorFaults::default())?;
        self.provider_behaves(&[])?;
        for (n, worker) in self.workers.iter().enumerate() {
            let mut worker = worker.lock().await;
            worker.signal("CONT").await;
            if !worker.lives() {
                *worker = self.start_worker(n, None).await?;
            }
        }
        let mut api = self.api.lock().await;
        api.signal("CONT").await;
        if !api.lives() {
            *api = self.start_api().await?;
        }
        drop(api);
        super::staff::resume_all(self).await;
        Ok(())
    }

    /// Stops our processes, workers first. The servers are the script's to stop.
    pub(crate) async fn end(&self) {
        for worker in &self.workers {
            worker.lock().await.stop("KILL", Duration::from_secs(5)).await;
        }
        self.api.lock().await.stop("KILL", Duration::from_secs(5)).await;
    }
}

fn webhook_url(address: SocketAddr, account: AccountId) -> String {
    format!("http://{address}/v1/webhooks/retell/{account}")
}

/// A port that was free just now.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn environment(place: &Place, lines: &Lines) -> Vec<(String, String)> {
    let file = |name: &str| place.state.join(name).display().to_string();
    [
        ("DATABASE_URL_APP", through(&place.url_app, lines.postgres.address())),
        ("DATABASE_URL_ENGINE", through(&place.url_engine, lines.postgres.address())),
        ("DATABASE_MAX_CONNECTIONS", "10".to_owned()),
        ("REDIS_URL", through(&place.url_redis, lines.redis.address())),
        ("MASTER_KEY_FILE", file("master.key")),
        ("STATE_DIR", file("host")),
        ("DEMO", "1".to_owned()),
        ("LOG", "info".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

async fn start_worker(
    place: &Place,
    n: usize,
    lines: &Lines,
    shift: Option<[(&str, String); 3]>,
) -> anyhow::Result<Process> {
    let mut env = environment(place, lines);
    let more = [("WORKER_METRICS_LISTEN", "127.0.0.1:0"), ("RECOVERY_HOLD_SECONDS", "120")];
    env.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    env.extend(shift.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)));
    let command = [place.bin.join("worker").display().to_string(), "run".to_owned()];
    Process::start(&place.state, &format!("worker-{n}"), &command, &env).await
}

async fn start_api(place: &Place, lines: &Lines, listen: SocketAddr) -> anyhow::Result<Process> {
    let mut env = environment(place, lines);
    let address = listen.to_string();
    let more = [
        ("API_LISTEN", address.as_str()),
        ("API_METRICS_LISTEN", "127.0.0.1:0"),
        // A crowd of tests asks as one tenant.
        ("API_REQUESTS_PER_MINUTE", "10000000"),
    ];
    env.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let command = [place.bin.join("api").display().to_string(), "serve".to_owned()];
    let api = Process::start(&place.state, "api", &command, &env).await?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20)
        && tokio::net::TcpStream::connect(listen).await.is_err()
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(api)
}
