//! Settings, read once by `main` and by nobody else: from the environment, from the TOML file that `--config` or `VIO_CONFIG`
//! names (the environment goes before it), and secrets from files of their own.
//!
//! Every setting that is missing or wrong is reported, not only the first; so is every pair that contradicts each other, and
//! every name that nobody knows. All settings stand in [`DEFINITIONS`].

mod definitions;
mod environment;
mod file;
mod files;
mod in_force;
mod process;
mod reader;
mod stores;

pub use definitions::{DEFINITIONS, Definition, Kind, Process};
pub use environment::{CONFIG, Environment, Fault, Faults, Secret, Source};
pub use files::{Files, S3};
pub use in_force::{InForce, as_documentation, printed};
pub use process::{
    Api, Demo, LONGEST_REQUEST, LONGEST_TASK, Logs, Owner, QueueName, Traces, Worker,
};
pub use reader::Reader;
pub use stores::{Keys, Postgres, Redis};

#[cfg(test)]
mod tests;
