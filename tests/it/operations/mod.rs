//! Operations: staff, statistics, jobs, the auditor (R9).

pub mod admin;
pub mod alarms;
pub mod audit;
mod audit_table;
pub mod budget;
mod chain;
pub mod explain;
mod files;
pub mod heads;
pub mod import;
pub mod jobs;
mod liabilities;
mod lists;
mod refusals;
pub mod risk;
mod risk_later;
pub mod simulation;
pub mod statistics;
pub mod views;
mod window;
mod wrong_inputs;
