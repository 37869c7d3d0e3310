//! Operations: staff, statistics, jobs, the auditor (R9).

pub mod admin;
pub mod audit;
mod audit_table;
pub mod explain;
mod files;
pub mod jobs;
mod lists;
mod refusals;
pub mod statistics;
pub mod views;
mod wrong_inputs;
