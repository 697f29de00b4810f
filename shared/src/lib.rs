//! What the processes of the platform share: ids, rules, storage and the shapes that cross a process boundary.

pub mod calls;
pub mod ids;
