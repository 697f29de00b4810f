//! `simulator`: the voice vendor to practise on, as a process. See `docs/simulator.md`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use simulator::{Account, Config, RulesFile, Simulator};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};

/// Speaks the voice vendor's wire format, calls nobody, and misbehaves on request. No `Debug`: it
/// holds a key.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Where to listen
    #[arg(long, env = "SIMULATOR_LISTEN", default_value = "127.0.0.1:8091")]
    listen: SocketAddr,
    /// The API key of the account, which also signs its webhooks
    #[arg(
        long,
        env = "SIMULATOR_API_KEY",
        default_value = "key_simulator_demo",
        hide_env_values = true
    )]
    api_key: String,
    /// Where webhooks go, unless a call names another place
    #[arg(long, env = "SIMULATOR_WEBHOOK_URL")]
    webhook_url: Option<String>,
    /// What chance is derived from
    #[arg(long, env = "SIMULATOR_SEED", default_value_t = 1)]
    seed: u64,
    /// A JSON file with rules, and perhaps accounts and timings
    #[arg(long, env = "SIMULATOR_RULES")]
    rules: Option<PathBuf>,
    /// How many calls there may be at a time
    #[arg(long, env = "SIMULATOR_CONCURRENCY", default_value_t = 20)]
    concurrency: u32,
    /// How many calls start per second; more wait their turn
    #[arg(long, env = "SIMULATOR_CALLS_PER_SECOND")]
    calls_per_second: Option<f64>,
    /// How many times faster than life calls are
    #[arg(long, env = "SIMULATOR_SPEED", default_value_t = 1.0)]
    speed: f64,
    /// Where to append the record of calls, as JSON lines
    #[arg(long, env = "SIMULATOR_RECORD")]
    record: Option<PathBuf>,
    /// Let other machines use the control API
    #[arg(long, env = "SIMULATOR_CONTROL_FROM_ANYWHERE")]
    control_from_anywhere: bool,
    /// Ask the simulator of this host whether it answers, and end
    #[arg(long)]
    healthcheck: bool,
}

impl Options {
    fn config(self) -> anyhow::Result<Config> {
        let config = Config {
            listen: self.listen,
            seed: self.seed,
            speed: self.speed,
            accounts: vec![Account {
                api_key: self.api_key,
                // Set and empty is how a compose file says that there is none.
                webhook_url: self.webhook_url.filter(|url| !url.is_empty()),
                concurrency: self.concurrency,
                calls_per_second: self.calls_per_second,
                ..Account::default()
            }],
            record: self.record,
            control_from_anywhere: self.control_from_anywhere,
            ..Config::default()
        };
        match self.rules {
            Some(path) => Ok(RulesFile::read(&path)?.apply(config)),
            None => Ok(config),
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .init();
    let options = Options::parse();
    if options.healthcheck {
        return ask(options.listen).await;
    }
    // Before the start, so that no signal falls between.
    let mut terminate = signal(SignalKind::terminate())?;
    let simulator = Simulator::start(options.config()?).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    simulator.stop().await;
    Ok(())
}

/// For containers, which have neither a shell nor curl.
async fn ask(listens: SocketAddr) -> anyhow::Result<()> {
    let address = match listens.ip().is_unspecified() {
        true => SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), listens.port()),
        false => listens,
    };
    let asking = async {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        anyhow::Ok(answer)
    };
    let answer = tokio::time::timeout(std::time::Duration::from_secs(4), asking).await??;
    let first = answer.lines().next().unwrap_or_default();
    anyhow::ensure!(first.contains(" 200 "), "not ready: {first}");
    Ok(())
}
