//! The chaos run: everything around the engine is broken at random, then the provider's record and the database are
//! compared. `docs/chaos.md` says what is injected and what is looked for.

mod cast;
mod evidence;
mod faults;
mod probe;
mod report;
mod scene;
mod staff;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::stage::Place;
use faults::Kind;
use scene::Scene;

/// What a run is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// What chance is derived from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long things are broken.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How long everything may take to come to rest afterwards, at most.
    #[arg(long, default_value_t = 150)]
    calm: u64,
    /// Break only this; may be given several times.
    #[arg(long)]
    only: Vec<Kind>,
    /// Another schema than the one compiled in: a directory of migrations, with a guard removed.
    #[arg(long)]
    migrations: Option<std::path::PathBuf>,
    /// The shared object with which a process is given another clock.
    #[arg(long)]
    faketime: Option<std::path::PathBuf>,
}

/// A run with fewer dials than this has proved nothing.
const LEAST_DIALS: usize = 100;

/// Breaks things for a while, waits until all is quiet, and judges. True if every promise was kept.
///
/// # Errors
/// The run itself could not be carried out.
pub(crate) async fn run(options: Options) -> anyhow::Result<bool> {
    let report_file = options.place.state.join("report.json");
    let scene = Arc::new(Scene::set(&options).await?);
    say(&format!(
        "{} calls are planned; breaking things for {} s",
        scene.cast.planned(),
        options.seconds
    ));
    scene.back_up().await?;

    let until = Instant::now() + Duration::from_secs(options.seconds);
    let clock = tokio::spawn(keep_time(Arc::clone(&scene), until, options.seed));
    let staff = tokio::spawn(staff::work(Arc::clone(&scene), until, options.seed));
    break_things(&scene, &options, until).await;
    clock.await?;
    staff.await?;

    say("Mending everything, and waiting until all is quiet");
    scene.mend().await?;
    let quiet = come_to_rest(&scene, Duration::from_secs(options.calm)).await?;
    let left_alone = probe::call_now(&scene).await?;
    let evidence = scene.gather(left_alone).await?;
    let findings = verdict::judge(&evidence);
    let report = report::of(&options, &scene, &evidence, &findings, quiet);
    std::fs::write(&report_file, serde_json::to_string(&report)?)?;
    scene.end().await;
    for finding in &findings {
        println!("!!! {finding}");
    }
    anyhow::ensure!(
        evidence.dials.len() >= LEAST_DIALS,
        "hardly anybody was dialled: this run proves nothing"
    );
    Ok(findings.is_empty())
}

/// One line of what happens.
fn say(text: &str) {
    println!("    {text}");
}

/// Injects faults: first each kind once, in random order, then any.
async fn break_things(scene: &Arc<Scene>, options: &Options, until: Instant) {
    let mut rng = StdRng::seed_from_u64(options.seed);
    let kinds: Vec<Kind> = match options.only.is_empty() {
        true => Kind::ALL.to_vec(),
        false => options.only.clone(),
    };
    let apart = |rng: &mut StdRng| Duration::from_millis(rng.random_range(700..1_900));
    let mut bag: Vec<Kind> = Vec::new();
    let mut running = tokio::task::JoinSet::new();
    let mut n = 0;
    loop {
        let pause = apart(&mut rng);
        if Instant::now() + pause >= until {
            break;
        }
        tokio::time::sleep(pause).await;
        if bag.is_empty() {
            bag.clone_from(&kinds);
        }
        let kind = bag.swap_remove(rng.random_range(0..bag.len()));
        n += 1;
        let (scene, dice) = (Arc::clone(scene), StdRng::seed_from_u64(options.seed ^ (n << 20)));
        running.spawn(async move {
            match faults::inject(&scene, kind, dice).await {
                Ok(true) => scene.count(kind),
                Ok(false) => {}
                Err(error) => say(&format!("{kind} could not be done: {error:#}")),
            }
        });
    }
    tokio::time::sleep_until(until.into()).await;
    while running.join_next().await.is_some() {}
}

/// Moves the rules' clock ahead whenever nothing is being measured.
async fn keep_time(scene: Arc<Scene>, until: Instant, seed: u64) {
    const STEPS: [i64; 8] = [3, 7, 11, 16, 16, 21, 46, 121];
    let mut rng = StdRng::seed_from_u64(seed.wrapping_add(7));
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(rng.random_range(900..2_000))).await;
        let minutes = STEPS[rng.random_range(0..STEPS.len())];
        let _moved = scene.jump_if_quiet(minutes, scene::MOST_LAG).await;
    }
}

/// With everything mended, moves the clock on until no call is open, or for so long. True: none is.
///
/// What has begun is followed to its end before the clock is moved, by what happens and not by seconds: a busy machine
/// takes longer, and nothing else. While nobody is dialled, the steps grow.
async fn come_to_rest(scene: &Scene, limit: Duration) -> anyhow::Result<bool> {
    const STEPS: [i64; 3] = [16, 31, 61];
    let (start, mut step, mut dials) = (Instant::now(), 0, scene.simulator.dials().len());
    let mut moved = Instant::now();
    let mut rest = false;
    while !rest && start.elapsed() < limit {
        tokio::time::sleep(Duration::from_millis(150)).await;
        // What time alone ends (an answer that was lost, an analysis that never comes) gets it.
        if !scene.is_still().await? && moved.elapsed() < PATIENCE {
            continue;
        }
        rest = scene.open_calls().await? == 0;
        if !rest && scene.jump_if_quiet(STEPS[step], Duration::ZERO).await {
            moved = Instant::now();
            let now = scene.simulator.dials().len();
            step = if now > dials { 0 } else { (step + 1).min(STEPS.len() - 1) };
            dials = now;
        }
    }
    // By a clock that stands: whatever has begun may end, and what is late may still come.
    let stands = Instant::now();
    while stands.elapsed() < LAST_PATIENCE && !scene.is_still().await? {
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(rest)
}

/// How long what has begun may take before the clock is moved all the same.
const PATIENCE: Duration = Duration::from_secs(4);
/// The same, when the clock will not be moved any more.
const LAST_PATIENCE: Duration = Duration::from_secs(20);
