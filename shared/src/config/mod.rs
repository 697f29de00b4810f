//! Settings, read once from the environment by `main` and by nobody else.
//!
//! Every setting that is missing or wrong is reported, not only the first; so is every pair that contradicts each other.
//! A secret may be given as `NAME_FILE`, the path of a file that holds it, in place of `NAME`.

mod environment;
mod process;
mod stores;

pub use environment::{Environment, Fault, Faults, Reader, Secret};
pub use process::{Api, Demo, Logs, Owner, QueueName, Traces, Worker};
pub use stores::{Keys, Postgres, Redis};

#[cfg(test)]
mod tests;
