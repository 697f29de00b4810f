//! The worker process: see the library.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::config::{Environment, Process, Worker, printed};
use shared::ids::AccountId;
use shared::telemetry::logs;

#[derive(Debug, Parser)]
#[command(version, about = "Dials what the API has planned, and settles what came of it")]
struct Cli {
    /// A TOML file of settings; the environment goes before it. Or `VIO_CONFIG`.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Works until it is told to stop (SIGTERM, Ctrl-C).
    Run,
    /// Shows which settings are in force and where each came from, without secrets; fails if any is wrong.
    Config {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask the worker on this host whether it is ready; fails if not.
    Healthcheck,
    /// Questions about the voice provider.
    #[command(subcommand)]
    Provider(ProviderCommand),
}

#[derive(Debug, Subcommand)]
enum ProviderCommand {
    /// Measures, with a live account, what the vendor doesn't document: how late its list is, whether it shows
    /// registered calls, how too many calls at once are answered. Places real calls to the number given.
    Check {
        /// The account.
        #[arg(long)]
        account: AccountId,
        /// A telephone of yours that may ring, E.164.
        #[arg(long)]
        to: String,
        /// A number of the account.
        #[arg(long)]
        from: String,
        /// The agent that speaks.
        #[arg(long)]
        agent: Option<String>,
        /// How long the list is waited for.
        #[arg(long, default_value = "15m")]
        patience: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        // One sentence for whoever started it; a backtrace of ours would tell them nothing.
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let environment = Environment::of_process(cli.config.as_deref());
    if let Command::Config { json } = cli.command {
        print!("{}", printed(&environment.in_force(Process::Worker), json));
        Worker::read(&environment)?;
        return Ok(());
    }
    let config = Worker::read(&environment)?;
    if matches!(cli.command, Command::Healthcheck) {
        return shared::telemetry::health::ask(config.metrics_listen).await;
    }
    let traces = logs::start_serving(&config.logs, &config.traces, "vio-worker")?;
    match cli.command {
        // Done above.
        Command::Config { .. } | Command::Healthcheck => Ok(()),
        Command::Run => {
            let ended = worker::run::run(config, worker::run::stop_on_signal()?).await;
            if let Some(traces) = traces {
                traces.flush().await;
            }
            ended
        }
        Command::Provider(ProviderCommand::Check { account, to, from, agent, patience }) => {
            let check = worker::provider_check::Check { account, to, from, agent, patience };
            println!("{}", worker::provider_check::run(&config, &check).await?);
            Ok(())
        }
    }
}
