//! Proof that the engine keeps its promises: `chaos` breaks everything around it and compares the provider's own record
//! with the database; `bench` measures how fast it is, beside the limits of what it stands on.
//!
//! Run by `dev/chaos` and `dev/bench`, which start private servers first. `docs/chaos.md` and `docs/benchmarks.md` tell
//! what is injected, checked and measured.
#![allow(clippy::print_stdout, reason = "a command that reports on its standard output")]

mod bench;
mod chaos;
mod stage;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "Proves what the engine promises")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Breaks processes, servers, connections, clocks and the provider, and looks for what must not happen.
    Chaos(chaos::Options),
    /// Measures.
    Bench(bench::Options),
    /// What the API is compared with; started by `bench`.
    Bare(bench::Bare),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    // Plain HTTP on this machine only; the client asks for a provider all the same. An error: there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match Cli::parse().command {
        Command::Chaos(options) => {
            let kept = chaos::run(options).await?;
            Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Bare(options) => bench::serve_bare(options).await.map(|()| ExitCode::SUCCESS),
        Command::Bench(options) => bench::run(options).await.map(|()| ExitCode::SUCCESS),
    }
}
