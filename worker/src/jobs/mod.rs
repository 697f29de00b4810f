//! Long work: from the line to the queue, and turns of jobs.

pub mod keeping;
pub mod kinds;
pub mod line;
pub mod turn;
