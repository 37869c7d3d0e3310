//! Operations: settings, statistics, audit log, explanations, search, the auditor (R9).

pub mod audit_log;
pub mod audit_table;
pub mod auditor;
pub mod budget;
pub mod budget_audit;
pub mod change_settings;
pub mod days;
pub mod dead_letters;
pub mod explain;
pub mod export_account;
pub mod heads_audit;
pub mod liabilities;
pub mod model;
pub mod order_summary;
pub mod project;
pub mod prove_statement;
pub mod search;
pub mod settings;
pub mod sign_heads;
pub mod simulate;
pub mod statistics;
pub mod sweep_outbox;
pub mod table;
pub mod totals;
pub mod view;
pub mod waiting;
