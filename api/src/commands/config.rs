//! What is in force.

use clap::Args;
use shared::config::{Api, Environment, Process, as_documentation, printed};

/// How it is shown.
#[derive(Debug, Args)]
pub(crate) struct Shown {
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// In place of it, the table of `docs/configuration.md`.
    #[arg(long, hide = true)]
    documentation: bool,
}

/// Prints it, and fails with all that is wrong.
pub(crate) fn run(environment: &Environment, shown: &Shown) -> anyhow::Result<()> {
    if shown.documentation {
        print!("{}", as_documentation());
        return Ok(());
    }
    print!("{}", printed(&environment.in_force(Process::Api), shown.json));
    Api::read(environment)?;
    Ok(())
}
