//! Operations: staff, statistics, jobs, the auditor (R9).

pub mod admin;
pub mod audit;
mod audit_table;
pub mod explain;
pub mod jobs;
pub mod statistics;
pub mod views;
mod wrong_inputs;
