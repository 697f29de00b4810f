//! The API process, and the commands of an operator.

mod commands;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::config::{Environment, Logs};
use shared::telemetry::logs;

/// VioConcierge's API.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// A TOML file of settings; the environment goes before it. Or `VIO_CONFIG`.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve clients, and operators on a port of their own.
    Serve,
    /// Bring the schema up to date.
    Migrate,
    /// Make the demo's tenant, or show it; needs DEMO=1. The last line is JSON.
    SeedDemo,
    /// Move the demo's clock; needs DEMO=1.
    DemoClock {
        #[command(subcommand)]
        act: commands::demo_clock::Act,
    },
    /// Tenants, keys, accounts, and the switch that stops all dialling.
    Admin {
        #[command(subcommand)]
        act: commands::admin::Act,
    },
    /// Print the contract, as /openapi.json serves it; docs/openapi.json is made this way.
    Openapi,
    /// Ask the API on this host whether it is ready; fails if not.
    Healthcheck,
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
    if let Command::Admin { act: commands::admin::Act::Config(shown) } = &cli.command {
        return commands::config::run(&environment, shown);
    }
    if !matches!(cli.command, Command::Serve) {
        let filter = environment.read(|env| Some(Logs::read(env)))?.filter;
        logs::start(&filter)?;
    }
    match cli.command {
        Command::Serve => commands::serve::run(&environment).await,
        Command::Migrate => commands::migrate::run(&environment).await,
        Command::SeedDemo => commands::seed_demo::run(&environment).await,
        Command::DemoClock { act } => commands::demo_clock::run(&environment, act).await,
        Command::Admin { act } => commands::admin::run(&environment, act).await,
        Command::Openapi => {
            print!("{}", api::openapi());
            Ok(())
        }
        Command::Healthcheck => commands::healthcheck::run(&environment).await,
    }
}
