//! The rules of calling: one table per question, and properties against slow oracles.

mod admission;
mod facts;
mod hours_properties;
mod oracle;
mod order;
mod planning_properties;
mod planning_table;
mod policy;
mod simulate;
