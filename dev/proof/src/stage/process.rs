//! Processes that are started, killed, frozen and thawed. Each leaves a record in the form of `dev/lib.sh`, so that the
//! script stops it even if we can't.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::process::{Child, Command};

/// As in `dev/lib.sh`: the process writes its own record before it becomes the program.
const WRITE_RECORD: &str = r#"read -r stat <"/proc/$$/stat"; read -r -a stat <<<"${stat##*) }"
    echo "$$ ${stat[19]}" >"$0"; exec "$@""#;

/// A process of ours.
#[derive(Debug)]
pub(crate) struct Process {
    pid: u32,
    record: PathBuf,
    /// `None` for one that the script started.
    child: Option<Child>,
}

impl Process {
    /// Starts `command` with exactly `env` besides the path; its output is appended to `log/<what>.log`.
    pub(crate) async fn start(
        state: &Path,
        what: &str,
        command: &[String],
        env: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let record = state.join("run").join(what);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(state.join("log").join(format!("{what}.log")))?;
        let _gone = std::fs::remove_file(&record);
        let child = Command::new("setsid")
            .args(["bash", "-c", WRITE_RECORD])
            .arg(&record)
            .args(command)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {what}"))?;
        let pid = child.id().context("a process that is already gone")?;
        for _ in 0..500 {
            if std::fs::metadata(&record).is_ok_and(|file| file.len() > 0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(Self { pid, record, child: Some(child) })
    }

    /// One that the script started and recorded.
    pub(crate) fn adopt(state: &Path, what: &str) -> anyhow::Result<Self> {
        let record = state.join("run").join(what);
        let text = std::fs::read_to_string(&record).with_context(|| format!("{what} runs not"))?;
        let pid = text.split_whitespace().next().context("an empty record")?.parse()?;
        Ok(Self { pid, record, child: None })
    }

    /// Its id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it runs (or is frozen).
    pub(crate) fn lives(&self) -> bool {
        self.stat().is_some_and(|stat| !stat.starts_with('Z'))
    }

    /// What follows the name in `/proc/<pid>/stat`.
    fn stat(&self) -> Option<String> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        Some(text.rsplit_once(") ")?.1.to_owned())
    }

    /// CPU seconds used so far.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let ticks = |stat: String| {
            let field = |n: usize| stat.split(' ').nth(n)?.parse::<f64>().ok();
            Some(field(11)? + field(12)?)
        };
        // 100 ticks a second on every Linux that we know of.
        self.stat().and_then(ticks).unwrap_or(0.0) / 100.0
    }

    /// CPU seconds of a process and of its children that run.
    pub(crate) fn cpu_of_family(pid: u32) -> f64 {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let of = |pid| Self { pid, record: PathBuf::new(), child: None };
        let parent =
            |it: &Self| it.stat().and_then(|stat| stat.split(' ').nth(1)?.parse::<u32>().ok());
        let family = pids.map(of).filter(|it| it.pid == pid || parent(it) == Some(pid));
        family.map(|it| it.cpu_seconds()).sum()
    }

    /// Memory in use now, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.pid));
        let text = text.unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }

    /// Sends a signal. One to a process that is gone is lost.
    pub(crate) async fn signal(&self, signal: &str) {
        if self.lives() {
            let _lost = Command::new("kill")
                .args(["-s", signal, &self.pid.to_string()])
                .stderr(Stdio::null())
                .status()
                .await;
        }
    }

    /// Waits until it is gone. False: it isn't.
    pub(crate) async fn gone_within(&mut self, limit: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < limit {
            if let Some(child) = &mut self.child {
                let _reaped = child.try_wait();
            }
            if !self.lives() {
                let _gone = std::fs::remove_file(&self.record);
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    /// Asks it to stop with `signal`, and kills it if it doesn't.
    pub(crate) async fn stop(&mut self, signal: &str, limit: Duration) {
        self.signal(signal).await;
        if !self.gone_within(limit).await {
            self.signal("KILL").await;
            self.gone_within(Duration::from_secs(10)).await;
        }
    }
}
