//! The worker process: see the library.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::config::{Environment, Worker};
use shared::ids::AccountId;
use shared::telemetry::logs;

#[derive(Debug, Parser)]
#[command(version, about = "Dials what the API has planned, and settles what came of it")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Works until it is told to stop (SIGTERM, Ctrl-C).
    Run,
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
    let config = match Worker::read(&Environment::of_process()) {
        Ok(config) => config,
        Err(faults) => anyhow::bail!("{faults}"),
    };
    logs::start(&config.logs.filter)?;
    match cli.command {
        Command::Run => worker::run::run(config, worker::run::stop_on_signal()?).await,
        Command::Healthcheck => shared::telemetry::health::ask(config.metrics_listen).await,
        Command::Provider(ProviderCommand::Check { account, to, from, agent, patience }) => {
            let check = worker::provider_check::Check { account, to, from, agent, patience };
            println!("{}", worker::provider_check::run(&config, &check).await?);
            Ok(())
        }
    }
}
